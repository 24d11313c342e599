package writer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

const (
	// pageRows is the most rows of a page. Larger ones measured slower.
	pageRows = 20_000
	// pageBytes closes a page of text that stands in no dictionary. A longer value
	// has a page of its own.
	pageBytes = 1 << 20
	// groupBytes is the weight at which a row group ends: its compressed pages are
	// held until then.
	groupBytes = 16 << 20
	// cellBytes is the weight of a value that is not text. They compress to less
	// than this, but for random numbers.
	cellBytes = 2
)

// group writes the rows [from, to) as one row group.
func (s *sheet) group(ctx context.Context, from, to int) error {
	for i := range s.fields {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.column(i, from, to); err != nil {
			return err
		}
	}
	return s.encoder.Flush()
}

// column writes the rows [from, to) of a column.
func (s *sheet) column(i, from, to int) error {
	c, l := &s.cells[i], &s.leaves[s.at[i]]
	if l.nested {
		return s.nested(i, from, to)
	}
	p := pager{cells: c, leaf: l, kind: s.fields[i].typ.Kind, out: s.columns[s.at[i]], scratch: s.scratch}
	l.data, l.ends = l.data[:0], l.ends[:0]
	if s.fields[i].required && p.null(from, to) {
		return fmt.Errorf("column %s is required and a row has null there: such a row must be quarantined", s.fields[i].name)
	}
	switch {
	case c.none:
		return p.nulls(from, to)
	case p.kind.Fixed():
		return p.fixed(from, to)
	case l.indexed:
		return p.coded(from, to)
	}
	return p.plain(from, to)
}

// pager cuts a column into pages.
type pager struct {
	*cells
	leaf    *leaf
	kind    schema.Kind
	out     *parquet.ColumnWriter
	scratch *scratch
}

// scratch is memory for one page, or for the codes of one row group.
type scratch struct {
	levels  []byte
	ints    []int64
	int32s  []int32
	floats  []float32
	doubles []float64
	bits    []byte
	codes   []int32
	seen    []int32 // per dictionary entry its code in the row group + 1, all 0 between uses
	used    []int32 // dictionary entries by code in the row group
	data    []byte
	ends    []uint32
	flat    flat
	out     *bufio.Writer
}

// outBuffer is the size of the writes to a staged file.
const outBuffer = 256 << 10

// buffer gives the buffer before a file: it outlives encoders, of which a batch
// that is spread over many days may need many.
func (s *scratch) buffer(to io.Writer) *bufio.Writer {
	if s.out == nil {
		s.out = bufio.NewWriterSize(nil, outBuffer)
	}
	s.out.Reset(to)
	return s.out
}

func (s *scratch) bytes() int64 {
	return outBuffer + 8*int64(cap(s.ints)+cap(s.doubles)) +
		4*int64(cap(s.int32s)+cap(s.floats)+cap(s.codes)+cap(s.seen)+cap(s.used)+cap(s.ends)) +
		int64(cap(s.levels)+cap(s.bits)+cap(s.data)) + s.flat.bytes()
}

// flush makes a page of what the leaf holds, for so many rows, of which so many have
// a value. Which ones is told by levels in scratch, where it is some of them.
func (p *pager) flush(rows, present int) error {
	p.leaf.rows, p.leaf.entries, p.leaf.present, p.leaf.levels = rows, rows, present, p.scratch.levels
	return p.send()
}

// send makes a page of what the leaf holds.
func (p *pager) send() error {
	if _, err := p.out.WriteRowValues(make([]parquet.Value, 1)); err != nil {
		return err
	}
	return p.out.Flush()
}

// nulls writes rows without values.
func (p *pager) nulls(from, to int) error {
	p.leaf.values = p.leaf.typ.NewValues(nil, []uint32{0})
	p.leaf.own, p.leaf.exact = true, false
	p.leaf.lower, p.leaf.upper = parquet.Value{}, parquet.Value{}
	for ; from < to; from += pageRows {
		if err := p.flush(min(pageRows, to-from), 0); err != nil {
			return err
		}
	}
	return nil
}

// fixed writes numbers and times.
func (p *pager) fixed(from, to int) error {
	p.leaf.own = p.kind != schema.Boolean
	p.leaf.exact = p.kind != schema.Float && p.kind != schema.Double || !p.hasNaN(from, to)
	for ; from < to; from += pageRows {
		end := min(from+pageRows, to)
		ints := p.page(from, end)
		p.number(ints)
		if err := p.flush(end-from, len(ints)); err != nil {
			return err
		}
	}
	return nil
}

// page gives the values of the rows [from, to) without nulls, and leaves levels in
// scratch where there are nulls.
func (p *pager) page(from, to int) []int64 {
	s := p.scratch
	if p.same {
		s.ints = resize(s.ints, to-from)
		for i := range s.ints {
			s.ints[i] = p.ints[0]
		}
	}
	if !p.null(from, to) {
		if p.same {
			return s.ints
		}
		return p.ints[from-p.first : to-p.first]
	}
	s.ints, s.levels = resize(s.ints, to-from), resize(s.levels, to-from)
	n := 0
	for i, m := range p.marks[from-p.first : to-p.first] {
		if m == batch.Null {
			s.levels[i] = 0
			continue
		}
		if !p.same {
			s.ints[n] = p.ints[from-p.first+i]
		}
		s.levels[i] = 1
		n++
	}
	return s.ints[:n]
}

// null reports whether a row of [from, to) is null.
func (p *pager) null(from, to int) bool {
	if p.marks == nil {
		return false
	}
	for _, m := range p.marks[from-p.first : to-p.first] {
		if m == batch.Null {
			return true
		}
	}
	return false
}

// number sets the values of a page.
func (p *pager) number(ints []int64) {
	s, l := p.scratch, p.leaf
	switch p.kind {
	case schema.Int, schema.Date:
		s.int32s = resize(s.int32s, len(ints))
		for i, v := range ints {
			s.int32s[i] = int32(v)
		}
		l.values = encoding.Int32Values(s.int32s)
		lower, upper := intBounds(ints)
		l.lower, l.upper = parquet.Int32Value(int32(lower)), parquet.Int32Value(int32(upper))
	case schema.Boolean:
		s.bits = resize(s.bits, (len(ints)+7)/8)
		clear(s.bits)
		for i, v := range ints {
			s.bits[i/8] |= byte(v&1) << (i % 8)
		}
		l.values = encoding.BooleanValues(s.bits)
	case schema.Float:
		s.floats = resize(s.floats, len(ints))
		for i, v := range ints {
			s.floats[i] = float32(math.Float64frombits(uint64(v)))
		}
		l.values = encoding.FloatValues(s.floats)
		lower, upper := floatBounds(ints)
		l.lower, l.upper = parquet.FloatValue(float32(lower)), parquet.FloatValue(float32(upper))
	case schema.Double:
		s.doubles = resize(s.doubles, len(ints))
		for i, v := range ints {
			s.doubles[i] = math.Float64frombits(uint64(v))
		}
		l.values = encoding.DoubleValues(s.doubles)
		lower, upper := floatBounds(ints)
		l.lower, l.upper = parquet.DoubleValue(lower), parquet.DoubleValue(upper)
	default:
		l.values = encoding.Int64Values(ints)
		lower, upper := intBounds(ints)
		l.lower, l.upper = parquet.Int64Value(lower), parquet.Int64Value(upper)
	}
}

// hasNaN reports whether a value of [from, to) is not a number.
func (p *pager) hasNaN(from, to int) bool {
	for i, v := range p.ints[from-p.first : to-p.first] {
		if math.IsNaN(math.Float64frombits(uint64(v))) && (p.marks == nil || p.marks[from-p.first+i] != batch.Null) {
			return true
		}
	}
	return false
}
