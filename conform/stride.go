package conform

import "tidemark/internal/batch"

// A stride is a short cut through many rows: those that are written like the one before, of which no
// value needs more than a look at its bytes or at a dictionary. On amd64 it is in assembler, with
// AVX2 and BMI2 (stride_amd64.s): texts of up to 15 bytes, whole numbers and decimals of up to 15
// digits without a sign, times in UTC. With vectors a literal of 32 bytes is one comparison and 15
// digits are four multiplications, nothing branches on the length of a value, and between rows
// nothing is done at all. A row of the card event takes 84 ns as JSON and 80 ns as CSV, where the
// short cuts in Go, which do the rest everywhere and all of it elsewhere, take 174 and 177
// (BenchmarkDecode and BenchmarkDecodeCSV on a core of an AMD EPYC 7003, in turns).

// begun is what of a row has been read in a stride that ended within it.
type begun struct {
	next   int // item of the template or field of the header
	place  int // where that is expected
	before int // where the item in front of it was
}

// Where so many strides in a row decode no row, since each has something that they do not read, none
// is taken for so many rows.
const (
	mostStumbles = 4
	restsFor     = 64
)

// stride decodes rows from row on, at most up to to, which are written as the ones before. It
// returns the first that it did not decode, of which d.begun says how far it came. It takes
// what follow and quickLine take, and never rejects.
func (d *Decoder) stride(row, to int) int {
	if d.plain || len(d.plan.nested)+len(d.plan.record) > 0 {
		return row
	}
	if d.resting > 0 {
		d.resting--
		return row
	}
	var at int
	span, h := &d.b.Raw.Spans[d.b.First+row], d.csv
	switch {
	case h != nil:
		if !h.quick || h.told != d.drift.batch || d.plan.csv.quote != 0 && d.plan.csv.quote != '"' {
			return row
		}
		at, d.begun.next, d.begun.place = strideLines(d, span, row, to)
		h.records += int64(at - row)
		d.passed(row, at, h.missing, nil)
	case d.avro.on || d.around.on || d.learned.lost() || len(d.learned.items) == 0:
		return row
	default:
		at, d.begun.next, d.begun.place, d.begun.before = strideRecords(d, span, row, to)
		if at > row {
			d.learned.met(at - row)
			d.passed(row, at, d.learned.missing, d.learned.told)
		}
	}
	if at > row {
		d.stumbles = 0
	} else if d.stumbles++; d.stumbles >= mostStumbles {
		d.resting = restsFor
	}
	return at
}

// passed does for rows that were read in a stride what is left to do: the columns that they do
// not have, and the differences that they show.
func (d *Decoder) passed(from, to int, missing, told []int) {
	if len(missing)+len(told) == 0 {
		return
	}
	for row := from; row < to; row++ {
		d.row, d.recordRow, d.rejects, d.bad = row, row, len(d.b.Rejects), false
		for _, column := range missing {
			d.missing(column)
		}
		for _, i := range told {
			d.again(i)
		}
		if d.bad {
			d.refuse(batch.Quarantined)
		}
	}
}
