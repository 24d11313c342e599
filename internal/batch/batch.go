// Package batch holds one batch of a table in memory: the raw records as they
// came (Raw) and the typed columns, origins and fates made of them (Batch).
//
// Everything is laid out by column, as few large slices that are reset and used
// again, never as an object per row: the garbage collector sees a handful of
// pointers whatever the number of rows. A Batch belongs to one goroutine at a
// time; whoever holds it may change it, and hands it on whole.
//
// Values of every fixed-width kind stand in []int64 (a float as its bits), text
// as a code into a dictionary. A value that is null or was defaulted is marked
// beside, in a slice that exists only where the batch has such values.
package batch

import "tidemark/internal/schema"

// Fate is what becomes of a row. Exactly one holds for each row (P1).
type Fate uint8

// The fates.
const (
	Written Fate = iota
	Late
	Quarantined
	Duplicate
	Filtered
)

var fates = []string{Written: "written", Late: "late", Quarantined: "quarantined", Duplicate: "duplicate", Filtered: "filtered"}

func (f Fate) String() string { return fates[f] }

// Batch is the rows [First, First+Rows) of a Raw, conformed to a table.
type Batch struct {
	Table *schema.Table
	Raw   *Raw
	First int // the row of Raw that row 0 of this batch is
	Rows  int

	Columns []Vector // in the order of Table.Columns
	Fates   []Fate   // len Rows
	// Rejects say why rows are quarantined, in the order of (row, time found): the
	// first of a row is its reason. A row has the fate Quarantined if and only if
	// it has a reject here.
	Rejects []Reject
	// Drift lists each difference between the records and the table's schema once,
	// with the first row that showed it.
	Drift []Drift
	// Schemas lists each schema once that records were written with and that has a name.
	Schemas []Met
}

// Reset makes b an empty batch of the table over rows [first, first+rows) of raw,
// all Written, keeping its memory. Columns of nested types have no rows yet (Vector.Append).
func (b *Batch) Reset(t *schema.Table, raw *Raw, first, rows int) {
	b.Table, b.Raw, b.First, b.Rows = t, raw, first, rows
	if len(b.Columns) != len(t.Columns) {
		b.Columns = make([]Vector, len(t.Columns))
	}
	for i := range b.Columns {
		b.Columns[i].Shape(t.Columns[i].Type, rows)
	}
	b.Fates = grow(b.Fates, rows)
	clear(b.Fates)
	b.Rejects, b.Drift, b.Schemas = b.Rejects[:0], b.Drift[:0], b.Schemas[:0]
}

// Bytes is the memory that b holds, not counting Raw.
func (b *Batch) Bytes() int64 {
	n := int64(cap(b.Fates)) + int64(cap(b.Rejects))*rejectBytes
	for i := range b.Columns {
		n += b.Columns[i].Bytes()
	}
	return n
}

// grow returns s with length n, its content unspecified.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/16) // the next batch has a few rows more
	}
	return s[:n]
}
