package quality

import (
	"iter"
	"slices"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Set is an exact set of the values of one column, however many: whole numbers that
// are neighbours take a bit each, others up to 22 bytes, text its bytes and as much.
// Any number of goroutines may look into it while nobody adds.
type Set struct {
	number  bool
	numbers numbers
	texts   texts
}

// NewSet makes an empty set for values of a type.
func NewSet(t schema.Type) *Set {
	k := newKey(&schema.Table{Columns: []schema.Column{{Type: t}}}, []int{0})
	s := &Set{number: k.number()}
	if s.number {
		s.numbers.reset()
	} else {
		s.texts.reset(false, 0)
	}
	return s
}

// Add puts the values of a column of b into the set, those of rows that are written
// or late and have one.
func (s *Set) Add(b *batch.Batch, column int) {
	v := &b.Columns[column]
	for row, f := range b.Fates[:b.Rows] {
		switch {
		case f > batch.Late || v.Mark(row) != batch.Present:
		case s.number:
			s.numbers.add(uint64(v.Ints[row]))
		default:
			s.texts.add(v.Dict.Value(int(v.Codes[row])))
		}
	}
}

// Len is how many values are in the set.
func (s *Set) Len() int64 {
	if s.number {
		return s.numbers.n
	}
	return int64(s.texts.n)
}

// Bytes is the memory that the set holds.
func (s *Set) Bytes() int64 { return s.numbers.bytes() + s.texts.bytes() }

// newSet makes an empty set of such keys.
func (k *key) newSet() *Set {
	s := &Set{number: k.number()}
	if s.number {
		s.numbers.reset()
	} else {
		s.texts.reset(false, 0)
	}
	return s
}

func (s *Set) has(of rowKey) bool {
	if s.number {
		return s.numbers.has(of.number)
	}
	return s.texts.has(of.text)
}

func (s *Set) add(of rowKey) {
	if s.number {
		s.numbers.add(of.number)
	} else {
		s.texts.add(of.text)
	}
}

// Merge puts all of another set for values of the same type into s.
func (s *Set) Merge(o *Set) {
	if s.number {
		s.numbers.merge(&o.numbers)
		return
	}
	for key := range o.texts.all() {
		s.texts.add(key)
	}
}

// drain yields the keys as a spill keeps them, in order, and empties the set.
func (s *Set) drain() iter.Seq[SpillEntry] {
	if s.number {
		return s.numbers.drain()
	}
	return func(yield func(SpillEntry) bool) {
		list := make([]SpillEntry, 0, s.texts.n)
		for key := range s.texts.all() {
			list = append(list, hashEntry(key))
		}
		s.texts = texts{}
		defer s.texts.reset(false, 0)
		slices.SortFunc(list, SpillEntry.compare)
		for _, e := range list {
			if !yield(e) {
				return
			}
		}
	}
}
