package conform

import (
	"bytes"
	"fmt"
	"testing"

	"tidemark/internal/batch"
)

// White box: only a dictionary that mixes nothing has texts with the same hash. They
// must be told apart, and found again.
func TestTextsOfOneHash(t *testing.T) {
	var x dictionary
	var dict batch.Dict
	x.begin(&dict, 0, 0)
	for range 2 {
		for i := range 20 {
			long := fmt.Appendf(nil, "a text of more than sixteen bytes %02d", i)
			short := fmt.Appendf(nil, "%02d", i)
			for _, text := range [][]byte{long, short} {
				if got := string(dict.Value(int(x.add(text, true, 0)))); got != string(text) {
					t.Errorf("got %q, want %q", got, text)
				}
			}
		}
	}
	if got, want := dict.Len(), 40; got != want {
		t.Errorf("got %d entries, want %d", got, want)
	}
}

// White box: what comes out does not tell how often texts were moved. Room is made for as much as the
// rows so far let expect, never for more than the records have, and where rows are not known or
// differ, for what there is.
func TestRoomForTexts(t *testing.T) {
	for _, c := range []struct {
		name               string
		rows, most         int
		length             func(row int) int
		moves, least, room int // most moves behind the first rows; room in KiB at the end
	}{
		{"all alike", 4000, 1 << 30, func(int) int { return 1000 }, 1, 3900, 4200},
		{"records that hold less", 4000, 2 << 20, func(int) int { return 400 }, 1, 1560, 2048},
		{"short ones behind long ones", 4000, 4 << 20, func(row int) int { return max(8, 20_000-1000*row) }, 1, 200, 4096},
		{"long ones behind short ones", 4000, 1 << 30, func(row int) int { return 8 + 1000*(row/2000) }, 12, 1900, 4200},
		{"a batch of unknown size", 0, 0, func(int) int { return 1000 }, 40, 3900, 5200},
	} {
		var x dictionary
		var dict batch.Dict
		x.begin(&dict, c.rows, c.most)
		moves, room := 0, 0
		for row := range 4000 {
			text := make([]byte, c.length(row))
			copy(text, fmt.Sprint(row))
			code := x.append(text, row)
			if got := dict.Value(int(code)); !bytes.Equal(got, text) {
				t.Fatalf("%s: row %d: got %q", c.name, row, got)
			}
			if cap(dict.Data) != room && row >= typical {
				moves++
			}
			room = cap(dict.Data)
		}
		if moves > c.moves || room>>10 < c.least || room>>10 > c.room {
			t.Errorf("%s: %d moves and %d KiB, want up to %d, and %d to %d KiB", c.name, moves, room>>10, c.moves, c.least, c.room)
		}
	}
}
