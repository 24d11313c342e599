package writer

import (
	"encoding/binary"
	"fmt"

	"tidemark/internal/batch"
)

// rejected holds the columns that only quarantined rows have.
type rejected struct {
	cells [8]cells

	first   []int32 // per row, from position kept on: the index of its first reject, −1: none
	reason  []int32
	stage   []int32
	times   []int64
	marks   []batch.Mark
	ids     []int64 // of schemas, where they stand in front of the value
	idMarks []batch.Mark

	reasons, stages batch.Dict
	b               *batch.Batch
	order           []int32
	kept            int
}

// load takes the quarantined rows of b. What is large or has to be made (the raw
// bytes, the detail) is fetched when its page is written, never held twice.
func (r *rejected) load(b *batch.Batch, p *plan) error {
	n := p.total - p.kept
	r.b, r.order, r.kept = b, p.order, p.kept
	r.first = resize(r.first, n)
	r.reason, r.stage = resize(r.reason, n), resize(r.stage, n)
	r.times, r.marks = resize(r.times, n), resize(r.marks, n)
	r.ids, r.idMarks = resize(r.ids, n), resize(r.idMarks, n)
	for i := range r.first {
		r.first[i] = -1
	}
	for i := len(b.Rejects) - 1; i >= 0; i-- {
		if row := b.Rejects[i].Row; b.Fates[row] == batch.Quarantined {
			r.first[int(p.target[row])-p.kept] = int32(i)
		}
	}
	r.reasons.Reset()
	r.stages.Reset()
	reasons, stages := map[string]int32{}, map[string]int32{}
	for i, at := range r.first {
		row := b.First + int(p.order[p.kept+i])
		if at < 0 {
			return fmt.Errorf("row %d is quarantined and nothing says why", row)
		}
		enter(&r.reasons, reasons, b.Rejects[at].Reason)
		enter(&r.stages, stages, string(b.Rejects[at].Stage))
		r.reason[i], r.stage[i] = reasons[b.Rejects[at].Reason], stages[string(b.Rejects[at].Stage)]
		r.times[i], r.marks[i] = b.Raw.Time(row), batch.Present
		if r.times[i] == 0 {
			r.marks[i] = batch.Null
		}
		r.ids[i], r.idMarks[i] = 0, batch.Null
		if v := b.Raw.Value(row); b.Table.Format.InRegistry() && len(v) >= 5 && v[0] == 0 && b.Raw.LayoutOf(row) == nil {
			r.ids[i], r.idMarks[i] = int64(int32(binary.BigEndian.Uint32(v[1:]))), batch.Present
		}
	}
	r.cells = [8]cells{
		{codes: r.reason, dict: &r.reasons, first: p.kept},
		{text: r.detail},
		{codes: r.stage, dict: &r.stages, first: p.kept},
		{text: func(at int) []byte { return b.Raw.Text(r.row(at)) }},
		{text: func(at int) []byte { return b.Raw.Key(r.row(at)) }},
		{text: func(at int) []byte { return b.Raw.Beside(r.row(at)) }},
		{ints: r.ids, marks: r.idMarks, first: p.kept},
		{ints: r.times, marks: r.marks, first: p.kept},
	}
	return nil
}

// row is the row of Raw at a position.
func (r *rejected) row(at int) int { return r.b.First + int(r.order[at]) }

// detail tells all that was wrong with the row at a position.
func (r *rejected) detail(at int) []byte {
	from := int(r.first[at-r.kept])
	to := from + 1
	for to < len(r.b.Rejects) && r.b.Rejects[to].Row == r.b.Rejects[from].Row {
		to++
	}
	return []byte(r.b.Detail(r.b.Rejects[from:to]))
}

// size is about what the raw bytes of the row at a position take.
func (r *rejected) size(at int) int {
	raw, row := r.b.Raw, r.row(at)
	value := len(raw.Value(row))
	if l := raw.LayoutOf(row); l != nil && l.Texts != nil {
		value = len(raw.Text(row)) // names cost a record nothing, and its text much
	}
	return len(raw.Key(row)) + value + len(raw.Headers(row)) + detailBytes
}

// detailBytes is about what a detail takes: it is made only to be written.
const detailBytes = 200

// bytes is the memory held.
func (r *rejected) bytes() int64 {
	return 4*int64(cap(r.first)+cap(r.reason)+cap(r.stage)) + 8*int64(cap(r.times)+cap(r.ids)) + int64(cap(r.marks)+cap(r.idMarks))
}
