package batch

import (
	"cmp"
	"slices"
)

// MergeRejects brings b.Rejects, of which [0, from) and the rest are each in the
// order of their rows, into the order that Rejects promises: by row, and within a
// row as found. A stage appends what it finds behind what the stages before it
// found, and then calls this with the length it began at. It takes no memory.
func (b *Batch) MergeRejects(from int) {
	if from <= 0 || from >= len(b.Rejects) || b.Rejects[from-1].Row <= b.Rejects[from].Row {
		return
	}
	// A stable sort merges the two ordered runs in place, which a batch of nothing
	// but bad rows needs: its rejects are the largest thing it holds.
	slices.SortStableFunc(b.Rejects, func(x, y Reject) int { return cmp.Compare(x.Row, y.Row) })
}
