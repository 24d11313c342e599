package quality

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
)

// numbers is an exact set of numbers that lives longer than a batch. Numbers that are
// neighbours stand 64 to a slot; where they are far apart, which shows when the set
// grows, each stands for itself in eight bytes.
type numbers struct {
	n      int64
	lo, hi uint64 // the least and the greatest, if n > 0

	words numberSet // while plain is nil
	plain []uint64  // a power of two, at most three quarters full; 0: the slot is free
	zero  bool      // 0 is in the set, which plain cannot show
	shift uint      // of plain
	mix   uint64    // odd
}

// reset empties the set and gives its memory back. Each set hashes in a way of its own:
// where one is merged into another, keys that came in the order of the other's slots
// would pile up in a part of it.
func (s *numbers) reset() {
	*s = numbers{mix: newMix()}
	s.words.reset(s.mix)
}

// newMix is an odd number that no producer of keys can know.
func newMix() uint64 { return maphash.Comparable(maphash.MakeSeed(), 0) | 1 }

func (s *numbers) bytes() int64 { return int64(cap(s.words.slots))*16 + int64(cap(s.plain))*8 }

func (s *numbers) has(v uint64) bool {
	if s.plain == nil {
		return s.words.has(v)
	}
	if v == 0 {
		return s.zero
	}
	return s.plain[s.at(v)] == v
}

// at is the slot of v in plain, or the free one where it belongs.
func (s *numbers) at(v uint64) int {
	hi, lo := bits.Mul64(v^s.mix, s.mix)
	i := int((hi ^ lo) >> s.shift)
	for s.plain[i] != 0 && s.plain[i] != v {
		i = (i + 1) & (len(s.plain) - 1)
	}
	return i
}

// add puts v into the set. It reports false if v was there.
func (s *numbers) add(v uint64) bool {
	if s.plain == nil {
		if s.crowded() && s.sparse() {
			s.spread(s.n + 1)
			return s.add(v)
		}
		if !s.words.add(v) {
			return false
		}
		s.count(v)
		return true
	}
	if v == 0 {
		if s.zero {
			return false
		}
		s.zero = true
		s.count(v)
		return true
	}
	i := s.at(v)
	if s.plain[i] == v {
		return false
	}
	s.plain[i] = v
	s.count(v)
	if 4*s.n > 3*int64(len(s.plain)) {
		s.grow()
	}
	return true
}

// or puts those of a group into the set that have a bit set.
func (s *numbers) or(group, taken uint64) {
	if taken == 0 {
		return
	}
	if s.plain != nil || s.crowded() && s.sparse() {
		for ; taken != 0; taken &= taken - 1 {
			s.add(group<<6 | uint64(bits.TrailingZeros64(taken)))
		}
		return
	}
	if taken = s.words.or(group, taken); taken != 0 {
		s.count(group<<6 | uint64(bits.TrailingZeros64(taken)))
		s.count(group<<6 | uint64(bits.Len64(taken)-1))
		s.n += int64(bits.OnesCount64(taken)) - 2
	}
}

// merge puts all of another set into s.
func (s *numbers) merge(o *numbers) {
	if o.plain != nil {
		for v := range o.all() {
			s.add(v)
		}
		return
	}
	for i := range o.words.slots {
		s.or(o.words.slots[i].group, o.words.slots[i].taken)
	}
}

// crowded reports whether words need more slots for one more group.
func (s *numbers) crowded() bool {
	return 2*(s.words.used+1) > len(s.words.slots) && s.words.used >= leastSlots/2
}

func (s *numbers) count(v uint64) {
	if s.n++; s.n == 1 {
		s.lo, s.hi = v, v
	}
	s.lo, s.hi = min(s.lo, v), max(s.hi, v)
}

// sparse reports whether words take more than each number for itself would.
func (s *numbers) sparse() bool { return 4*int64(s.words.used) > 3*s.n }

// grow makes room: in plain, or in words where so many numbers have come that even a
// word for each 64 between the least and the greatest takes less.
func (s *numbers) grow() {
	if (s.hi-s.lo)>>6 < uint64(len(s.plain))/2 {
		old := s.plain
		s.plain = nil
		s.words.used = 0
		s.words.reset(s.mix)
		for _, v := range old {
			if v != 0 {
				s.words.add(v)
			}
		}
		if s.zero {
			s.words.add(0)
		}
		return
	}
	old := s.plain
	s.makePlain(2 * len(old))
	for _, v := range old {
		if v != 0 {
			s.plain[s.at(v)] = v
		}
	}
}

// spread moves the numbers from words to plain, with room for n.
func (s *numbers) spread(n int64) {
	size := leastSlots
	for 4*n > 3*int64(size) {
		size *= 2
	}
	old := s.words.slots
	s.words.slots = nil
	s.makePlain(size)
	s.zero = false
	for _, p := range old {
		for w := p.taken; w != 0; w &= w - 1 {
			if v := p.group<<6 | uint64(bits.TrailingZeros64(w)); v == 0 {
				s.zero = true
			} else {
				s.plain[s.at(v)] = v
			}
		}
	}
}

func (s *numbers) makePlain(size int) {
	s.plain = make([]uint64, size)
	s.shift = uint(64 - bits.Len(uint(size-1)))
}

// all yields the numbers in no order.
func (s *numbers) all() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if s.zero && !yield(0) {
			return
		}
		for _, v := range s.plain {
			if v != 0 && !yield(v) {
				return
			}
		}
		if s.plain != nil {
			return
		}
		for _, p := range s.words.slots {
			for w := p.taken; w != 0; w &= w - 1 {
				if !yield(p.group<<6 | uint64(bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}

// drain yields the numbers as entries of a Spill, in order, and empties the set. It
// sorts in the memory that the set has.
func (s *numbers) drain() iter.Seq[SpillEntry] {
	return func(yield func(SpillEntry) bool) {
		defer s.reset()
		if s.plain == nil {
			list := slices.DeleteFunc(s.words.slots, func(p numberSlot) bool { return p.taken == 0 })
			slices.SortFunc(list, func(a, b numberSlot) int { return compareUint(a.group, b.group) })
			for _, p := range list {
				if !yield(SpillEntry{p.group, p.taken}) {
					return
				}
			}
			return
		}
		list := slices.DeleteFunc(s.plain, func(v uint64) bool { return v == 0 })
		slices.Sort(list)
		var last SpillEntry
		if s.zero {
			last.Bits = 1
		}
		for _, v := range list {
			if v>>6 != last.Key && last.Bits != 0 {
				if !yield(last) {
					return
				}
				last = SpillEntry{}
			}
			last.Key = v >> 6
			last.Bits |= 1 << (v & 63)
		}
		if last.Bits != 0 {
			yield(last)
		}
	}
}

func compareUint(a, b uint64) int {
	if a < b {
		return -1
	}
	return int(bit(a > b))
}

// timedNumbers says for numbers when they were last seen.
type timedNumbers struct {
	slots []timedNumber // a power of two, at most three quarters full
	used  int
	shift uint
	mix   uint64
}

// timedNumber is a slot: its time has the sign turned, so that 0 says that it is free.
type timedNumber struct{ v, at uint64 }

func (p *timedNumber) free() bool   { return p.at == 0 }
func (p *timedNumber) time() int64  { return int64(p.at ^ 1<<63) }
func (p *timedNumber) set(at int64) { p.at = uint64(at) ^ 1<<63 }

// reset empties the set and makes room for n.
func (s *timedNumbers) reset(n int) {
	*s = timedNumbers{mix: newMix()}
	s.make(roomFor(n))
}

// roomFor is the size of a table that n more do not make grow.
func roomFor(n int) int {
	size := leastTimed
	for 3*size < 4*(n+1) {
		size *= 2
	}
	return size
}

// leastTimed is the size of a set with times at first: most batches in flight fill one.
const leastTimed = 1 << 10

func (s *timedNumbers) make(size int) {
	s.slots = make([]timedNumber, size)
	s.shift = uint(64 - bits.Len(uint(size-1)))
	s.used = 0
}

// slot finds the slot of v, or the free one where it belongs. Four neighbours share a
// line of the cache: ids mostly rise by one.
func (s *timedNumbers) slot(v uint64) *timedNumber {
	hi, lo := bits.Mul64(v>>2^s.mix, s.mix)
	i := int((hi^lo)>>s.shift)&^3 | int(v&3)
	for !s.slots[i].free() && s.slots[i].v != v {
		i = (i + 1) & (len(s.slots) - 1)
	}
	return &s.slots[i]
}

func (s *timedNumbers) get(v uint64) (at int64, ok bool) {
	p := s.slot(v)
	return p.time(), !p.free()
}

// put says that v was seen at a time. What was seen before horizon may be forgotten.
func (s *timedNumbers) put(v uint64, at, horizon int64) {
	p := s.slot(v)
	if !p.free() {
		p.set(max(p.time(), at))
		return
	}
	p.v = v
	p.set(at)
	if s.used++; 4*s.used > 3*len(s.slots) {
		s.sweep(horizon)
	}
}

// sweep forgets what is before the horizon, and makes room for as much again.
func (s *timedNumbers) sweep(horizon int64) {
	live := 0
	for i := range s.slots {
		live += int(bit(!s.slots[i].free() && s.slots[i].time() >= horizon))
	}
	size := leastTimed
	for 2*live > size {
		size *= 2
	}
	old := s.slots
	s.make(size)
	for _, p := range old {
		if !p.free() && p.time() >= horizon {
			*s.slot(p.v) = p
			s.used++
		}
	}
}

func (s *timedNumbers) bytes() int64 { return int64(cap(s.slots)) * 16 }

// timed yields the numbers and their times, in no order.
func (s *timedNumbers) timed() iter.Seq2[uint64, int64] {
	return func(yield func(uint64, int64) bool) {
		for i := range s.slots {
			if p := &s.slots[i]; !p.free() && !yield(p.v, p.time()) {
				return
			}
		}
	}
}
