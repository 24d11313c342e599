// White-box: what the lake holds is seen in the budget alone.
package pipeline

import (
	"testing"

	"tidemark/internal/batch"
)

// TestBudgetLeavesRoomForStaging: what each worker's open file holds in the lake is
// no room for batches, and the least share is kept.
func TestBudgetLeavesRoomForStaging(t *testing.T) {
	cfg := Config{Memory: 1 << 30, Workers: 2}
	disk := newBudget(cfg).total
	cfg.Staging = 25 << 20
	if got, want := newBudget(cfg).total, disk-50<<20; got != want {
		t.Errorf("with files of 25 MiB in the making: %d, want %d", got, want)
	}
	cfg.Workers = 64
	if got, want := newBudget(cfg).total, int64(1<<28); got != want {
		t.Errorf("with 64 workers: %d, want a quarter: %d", got, want)
	}
}

// TestSplit: a segment is cut behind the rows that it is told, of a file where a chunk ends.
func TestSplit(t *testing.T) {
	cuts := []batch.Cut{{Rows: 14}, {Rows: 17}, {Rows: 20}}
	for _, c := range []struct {
		s       segment
		at      int
		a, b    int
		cannot  bool
		inFirst int
	}{
		{s: segment{first: 10, rows: 10}, at: 3, a: 3, b: 7},
		{s: segment{first: 10, rows: 1}, at: 1, cannot: true},
		{s: segment{first: 10, rows: 10, cuts: cuts}, at: 8, a: 7, b: 3, inFirst: 2},
		{s: segment{first: 10, rows: 10, cuts: cuts}, at: 7, a: 7, b: 3, inFirst: 2},
		{s: segment{first: 10, rows: 10, cuts: cuts}, at: 6, a: 4, b: 6, inFirst: 1},
		{s: segment{first: 10, rows: 10, cuts: cuts}, at: 1, a: 4, b: 6, inFirst: 1}, // not within a chunk
		{s: segment{first: 17, rows: 3, cuts: cuts[2:]}, at: 1, cannot: true},
	} {
		a, b, ok := c.s.split(c.at)
		if ok == c.cannot || ok && (a.rows != c.a || b.rows != c.b || b.first != c.s.first+c.a || len(a.cuts) != c.inFirst || len(a.cuts)+len(b.cuts) != len(c.s.cuts)) {
			t.Errorf("%+v at %d: got %+v, %+v, %t", c.s, c.at, a, b, ok)
		}
	}
}
