package watermark_test

import (
	"fmt"
	"time"

	"tidemark/watermark"
)

// Of three partitions the slowest that is not idle holds the watermark.
func ExampleNext() {
	at := func(hour int) watermark.Mark {
		return watermark.At(time.Date(2026, 11, 22, hour, 0, 0, 0, time.UTC).UnixMicro())
	}
	fmt.Println(watermark.Next(watermark.Mark{}, []watermark.Partition{
		{MaxEventTime: at(12)},
		{MaxEventTime: at(10)},
		{MaxEventTime: at(3), Idle: true},
	}, 2*time.Hour))
	// Output: 2026-11-22T08:00:00.000000Z
}
