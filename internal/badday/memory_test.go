package badday_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/ledger"
)

// testMemory: whatever the size of events, the program stays within its budget.
func testMemory(t *testing.T, h *house) {
	const budget = 256 << 20
	filler := string(bytes.Repeat([]byte("0123456789abcdef"), 1<<16)) // 1 MiB
	now := time.Now().UTC().Format(time.RFC3339)
	for _, tc := range []struct {
		name  string
		rows  int
		event func(i int) string
		want  ledger.Counts
	}{
		{"large fields that no column takes", 300, func(i int) string {
			return fmt.Sprintf(`{"transaction_id":%d,"account_id":1,"amount":1.00,"transaction_date":%q,"note":%q}`, i, now, filler)
		}, ledger.Counts{Read: 300, Written: 300}},
		{"large text in a column", 300, func(i int) string {
			return fmt.Sprintf(`{"transaction_id":%d,"account_id":1,"amount":1.00,"transaction_date":%q,"merchant":%q}`, i, now, filler)
		}, ledger.Counts{Read: 300, Quarantined: 300}},
		{"small events", 2_000_000, func(i int) string {
			return fmt.Sprintf(`{"transaction_id":%d,"account_id":%d,"amount":%d.%02d,"transaction_date":%q}`, 1e9+i, 1e6+i%9e5, i%1000, i%100, now)
		}, ledger.Counts{Read: 2_000_000, Written: 2_000_000}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tp := h.newTopic(t, strings.ReplaceAll(tc.name, " ", "-"), 2)
			client := h.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(8<<20), kgo.MaxBufferedBytes(64<<20))
			for i := range tc.rows {
				client.Produce(t.Context(), &kgo.Record{Topic: tp.name, Partition: int32(i % 2), Value: []byte(tc.event(i))}, func(_ *kgo.Record, err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
			must(t, client.Flush(t.Context()))
			j := h.newJob(t, tp)
			j.set.maxAge, j.set.memory = "5s", fmt.Sprintf("%dMiB", budget>>20)
			p := j.start(j.stream())
			j.awaitDecided(tc.rows, p)
			peak := p.peak()
			p.signal(syscall.SIGTERM)
			p.ends(0)
			t.Logf("%d MiB", peak>>20)
			if peak > budget {
				t.Errorf("%d MiB were resident, want %d MiB at most", peak>>20, budget>>20)
			}
			var got ledger.Counts
			for _, r := range j.lake.ledger(t) {
				if r.Kind == ledger.KindBatch {
					got.Read += r.Counts.Read
					got.Written += r.Counts.Written
					got.Quarantined += r.Counts.Quarantined
				}
			}
			if got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
			j.verify()
		})
	}
}

// peak is the most memory that a process had resident up to now.
func (p *process) peak() int64 {
	p.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	must(p.t, err)
	for text := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(text, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			must(p.t, err)
			return kib << 10
		}
	}
	p.t.Fatal("the system does not say how much memory the program had")
	return 0
}
