package quality

import (
	"tidemark/internal/batch"
)

// run is the memory of one Run: bitmaps over the rows of one batch and the sets
// that unique checks fill. A Suite keeps runs and uses them again, so that a
// steady stream of batches takes no memory.
type run struct {
	b     *batch.Batch
	words int

	live    bitmap   // the rows that are looked at
	refused bitmap   // the rows that a check of severity fail refuses
	doubles bitmap   // the rows that are duplicates
	missing []bitmap // by column: null or defaulted; nil where none is
	bad     []bitmap // by check: the rows that do not hold
	failing []int    // the checks whose verdict is FAIL

	free    []bitmap // given back, of any length
	entries []uint8  // what a test says of each entry of a dictionary
	fold    []byte   // a value in one case
	row     rowVars  // what a rule sees of one row
	keys    []keys   // by unique check
	known   []Known  // by reference
	shared  *Keys    // of the batches before, nil: there are none
}

// start takes in a batch: which rows are looked at, and where values are missing.
func (r *run) start(b *batch.Batch, checks int) {
	r.b, r.words = b, (b.Rows+63)>>6
	r.live, r.refused, r.doubles = r.take(), r.take(), r.take()
	for i, f := range b.Fates[:b.Rows] {
		r.live[i>>6] |= bit(f <= batch.Late) << (i & 63)
	}
	r.missing = r.missing[:0]
	for c := range b.Columns {
		r.missing = append(r.missing, r.missingIn(&b.Columns[c]))
	}
	r.bad = r.bad[:0]
	for range checks {
		r.bad = append(r.bad, r.take())
	}
}

// missingIn is the rows of a column that are null or defaulted, nil if all have a
// value.
func (r *run) missingIn(v *batch.Vector) bitmap {
	if v.Marks == nil {
		return nil
	}
	m := r.take()
	for i, mark := range v.Marks[:r.b.Rows] {
		m[i>>6] |= bit(mark != batch.Present) << (i & 63)
	}
	return m
}

// end gives back all that start and the checks took, and lets go of the batch.
func (r *run) end() {
	r.give(r.live)
	r.give(r.refused)
	r.give(r.doubles)
	for _, m := range r.missing {
		if m != nil {
			r.give(m)
		}
	}
	for _, m := range r.bad {
		r.give(m)
	}
	r.b, r.live, r.refused, r.doubles, r.row.b = nil, nil, nil, nil, nil
	r.known, r.shared = nil, nil
}

// take returns an empty bitmap for the rows of the batch.
func (r *run) take() bitmap {
	if n := len(r.free); n > 0 {
		m := r.free[n-1]
		r.free = r.free[:n-1]
		if cap(m) >= r.words {
			m = m[:r.words]
			clear(m)
			return m
		}
	}
	return make(bitmap, r.words)
}

func (r *run) give(m bitmap) { r.free = append(r.free, m) }

// bytes is the memory that r holds between runs.
func (r *run) bytes() (n int64) {
	for _, m := range r.free {
		n += int64(cap(m)) * 8
	}
	for i := range r.keys {
		n += r.keys[i].bytes()
	}
	return n + int64(cap(r.entries)) + int64(cap(r.fold))
}

// byEntry judges a text column by its dictionary: test is called once per entry,
// and out gets, of the given rows, those whose entry it does not pass. No row is
// looked at when every entry passes.
func (r *run) byEntry(column int, rows, out bitmap, test func(r *run, value []byte) bool) {
	v := &r.b.Columns[column]
	n := v.Dict.Len()
	r.entries = resize(r.entries, n)
	bad := uint8(0)
	from := uint32(0)
	for i, end := range v.Dict.Ends {
		r.entries[i] = uint8(bit(!test(r, v.Dict.Data[from:end:end])))
		bad |= r.entries[i]
		from = end
	}
	if bad != 0 {
		gather(v.Codes, r.entries, rows, out)
	}
}

// gather sets in out, of the given rows, those whose code has entry 1. The codes
// of other rows are not looked at: they may be left from an earlier batch.
func gather(codes []int32, entries []uint8, rows, out bitmap) {
	for i, word := range rows {
		if word == ^uint64(0) {
			w := uint64(0)
			for j, code := range codes[i<<6 : i<<6+64] {
				w |= uint64(entries[code]) << j
			}
			out[i] |= w
			continue
		}
		each(i, word, func(row int) {
			out[i] |= uint64(entries[codes[row]]) << (row & 63)
		})
	}
}

// resize returns s with length n, its content unspecified.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
