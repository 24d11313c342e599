package writer

import (
	"bytes"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// maxDictionary is the most bytes of a dictionary: the values of a row group's
// stay in memory until it ends.
const maxDictionary = 4 << 20

// index reports whether the text of the rows [from, to) of a column is to be
// written as codes: where the average value stands there twice.
func (c *cells) index(s *scratch, from, to int) bool {
	switch {
	case c.none || c.text != nil:
		return false
	case c.same:
		return true
	case c.marks == nil && 2*c.dict.Len() <= to-from && len(c.dict.Data) <= maxDictionary:
		return true // whatever of it is used
	}
	values, used, size := 0, 0, 0
	s.seen = zeroed(s.seen, c.dict.Len())
	for at := from - c.first; at < to-c.first; at++ {
		if c.marks != nil && c.marks[at] == batch.Null {
			continue
		}
		values++
		if code := c.codes[at]; s.seen[code] == 0 {
			s.seen[code] = 1
			used++
			size += len(c.dict.Value(int(code)))
		}
	}
	for _, code := range c.codes[from-c.first : to-c.first] {
		if int(code) < len(s.seen) {
			s.seen[code] = 0
		}
	}
	return 2*used <= values && size <= maxDictionary
}

// zeroed returns s, which is all zero, with at least n elements.
func zeroed(s []int32, n int) []int32 {
	if len(s) < n {
		return make([]int32, n+n/4)
	}
	return s
}

// coded writes the rows [from, to) as codes, with a dictionary of what they hold
// and nothing else.
func (p *pager) coded(from, to int) error {
	p.renumber(from, to)
	s, l := p.scratch, p.leaf
	l.own, l.exact = true, true
	l.lower, l.upper = parquet.Value{}, parquet.Value{}
	if n := len(l.ends) - 1; n > 0 {
		lower, upper := entryBounds(l.data, l.ends)
		var low, high bool
		lower, low = below(lower, p.kind == schema.String)
		upper, high = above(upper, p.kind == schema.String)
		l.lower, l.upper, l.exact = parquet.ByteArrayValue(lower), parquet.ByteArrayValue(upper), low && high
	}
	n := 0
	for ; from < to; from += pageRows {
		end := min(from+pageRows, to)
		present := p.present(from, end)
		l.values = encoding.Int32Values(s.codes[n : n+present])
		n += present
		if err := p.flush(end-from, present); err != nil {
			return err
		}
	}
	return nil
}

// present counts the rows of [from, to) that have a value, and leaves levels in
// scratch where there are nulls.
func (p *pager) present(from, to int) int {
	s := p.scratch
	if !p.null(from, to) {
		return to - from
	}
	s.levels = resize(s.levels, to-from)
	n := 0
	for i, m := range p.marks[from-p.first : to-p.first] {
		s.levels[i] = 0
		if m != batch.Null {
			s.levels[i] = 1
			n++
		}
	}
	return n
}

// renumber leaves in scratch the codes of the rows that are not null, numbered in
// the order in which they are met, and in the leaf the dictionary of those alone.
func (p *pager) renumber(from, to int) {
	s := p.scratch
	s.codes = resize(s.codes, to-from)
	s.used = s.used[:0]
	s.seen = zeroed(s.seen, p.dict.Len())
	switch {
	case p.same:
		clear(s.codes)
		s.used = append(s.used, p.codes[0])
	case p.null(from, to):
		n := 0
		for at := from - p.first; at < to-p.first; at++ {
			if p.marks[at] != batch.Null {
				s.codes[n] = s.code(p.codes[at])
				n++
			}
		}
		s.codes = s.codes[:n]
	default:
		seen := s.seen
		for i, code := range p.codes[from-p.first : to-p.first] {
			n := seen[code]
			if n == 0 {
				n = s.code(code) + 1
			}
			s.codes[i] = n - 1
		}
	}
	l := p.leaf
	l.ends = append(l.ends, 0)
	for _, code := range s.used {
		s.seen[code] = 0
		l.data = append(l.data, p.dict.Value(int(code))...)
		l.ends = append(l.ends, uint32(len(l.data)))
	}
}

// code numbers a dictionary entry.
func (s *scratch) code(entry int32) int32 {
	n := s.seen[entry]
	if n == 0 {
		s.used = append(s.used, entry)
		n = int32(len(s.used))
		s.seen[entry] = n
	}
	return n - 1
}

// plain writes the rows [from, to) of text that has no dictionary.
func (p *pager) plain(from, to int) error {
	s, l := p.scratch, p.leaf
	l.own, l.exact = true, p.short(from, to)
	for from < to {
		s.data, s.ends, s.levels = s.data[:0], append(s.ends[:0], 0), s.levels[:0]
		var lower, upper []byte
		for ; from < to && len(s.levels) < pageRows && len(s.data) < pageBytes; from++ {
			v := p.value(from)
			if v == nil {
				s.levels = append(s.levels, 0)
				continue
			}
			if len(s.data) > 0 && len(s.data)+len(v) > pageBytes {
				break
			}
			if len(s.ends) == 1 || bytes.Compare(v, lower) < 0 {
				lower = v
			}
			if len(s.ends) == 1 || bytes.Compare(v, upper) > 0 {
				upper = v
			}
			s.data = append(s.data, v...)
			s.ends = append(s.ends, uint32(len(s.data)))
			s.levels = append(s.levels, 1)
		}
		lower, _ = below(lower, p.kind == schema.String)
		upper, _ = above(upper, p.kind == schema.String)
		l.lower, l.upper = parquet.ByteArrayValue(lower), parquet.ByteArrayValue(upper)
		l.values = encoding.ByteArrayValues(s.data, s.ends)
		if err := p.flush(len(s.levels), len(s.ends)-1); err != nil {
			return err
		}
		if cap(s.data) > 2*pageBytes {
			s.data = nil // a value of many megabytes is not kept for
		}
	}
	return nil
}

// value is the text at a position, nil if it is null.
func (p *pager) value(at int) []byte {
	switch {
	case p.text != nil:
		return p.text(at)
	case p.marks != nil && p.marks[at-p.first] == batch.Null:
		return nil
	}
	v := p.dict.Value(int(p.codes[at-p.first]))
	if v == nil {
		return []byte{} // of an empty dictionary's memory, but not a null
	}
	return v
}

// short reports whether all text of [from, to) is short enough to be a bound. What
// is made on the way is not looked at.
func (p *pager) short(from, to int) bool {
	if p.text != nil {
		return false
	}
	for at := from; at < to; at++ {
		if len(p.value(at)) > maxBound {
			return false
		}
	}
	return true
}
