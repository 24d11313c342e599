package quality

import "math/bits"

// numberSet is a set of numbers, 64 neighbours to a slot, with open addressing.
// Rising ids fill one slot after the other; random ones take a slot each.
type numberSet struct {
	slots []numberSlot // a power of two, at most half full
	shift uint         // 64 − log2(len(slots))
	mix   uint64
	used  int
	last  int // the slot used last
}

type numberSlot struct {
	group uint64 // the numbers from 64·group
	taken uint64 // 0: the slot is free
}

// leastSlots is the size of a set at first: 64 KiB.
const leastSlots = 1 << 12

// reset empties the set. It keeps as many slots as the last use needed and no
// more in use, so that a batch of random keys does not slow all that follow.
func (s *numberSet) reset(mix uint64) {
	n := leastSlots
	for n < 2*s.used {
		n *= 2
	}
	s.slots = resize(s.slots, n)
	clear(s.slots)
	s.shift = uint(64 - bits.Len(uint(n-1)))
	s.mix, s.used, s.last = mix, 0, 0
}

// slot finds the slot of a group, or the free one where it belongs.
func (s *numberSet) slot(group uint64) int {
	i := int(group * s.mix >> s.shift)
	for s.slots[i].taken != 0 && s.slots[i].group != group {
		i = (i + 1) & (len(s.slots) - 1)
	}
	return i
}

func (s *numberSet) has(v uint64) bool { return s.group(v>>6)>>(v&63)&1 != 0 }

// group has a bit for each number of a group that is in the set.
func (s *numberSet) group(group uint64) uint64 { return s.slots[s.slot(group)].taken }

// add puts v into the set. It reports false if v was there.
func (s *numberSet) add(v uint64) bool { return s.or(v>>6, 1<<(v&63)) != 0 }

// or puts those of a group into the set that have a bit set, and returns the bits of those that
// were not there.
func (s *numberSet) or(group, taken uint64) uint64 {
	i := s.last
	if p := &s.slots[i]; p.group != group || p.taken == 0 {
		i = s.slot(group)
		s.last = i
	}
	p := &s.slots[i]
	was := p.taken
	p.taken |= taken
	if was == 0 {
		p.group = group
		if s.used++; 2*s.used > len(s.slots) {
			s.grow()
		}
	}
	return taken &^ was
}

func (s *numberSet) grow() {
	old := s.slots
	s.slots = make([]numberSlot, 2*len(old))
	s.shift--
	s.last = 0
	for _, p := range old {
		if p.taken != 0 {
			s.slots[s.slot(p.group)] = p
		}
	}
}

// rowSet is a set of rows that differ in their keys, with open addressing.
type rowSet struct {
	slots []rowSlot // a power of two, at most half full
	used  int
}

type rowSlot struct {
	hash uint64
	row  int // + 1; 0: the slot is free
}

func (s *rowSet) reset() {
	n := leastSlots
	for n < 2*s.used {
		n *= 2
	}
	s.slots = resize(s.slots, n)
	clear(s.slots)
	s.used = 0
}

// find returns the row that took the key of a row, or −1 less the free slot where
// it belongs.
func (s *rowSet) find(k *keys, row int, hash uint64) int {
	mask := len(s.slots) - 1
	i := int(hash) & mask
	for ; s.slots[i].row != 0; i = (i + 1) & mask {
		if s.slots[i].hash == hash && k.same(s.slots[i].row-1, row) {
			return s.slots[i].row - 1
		}
	}
	return -1 - i
}

// add puts a row into the set. It reports false if a row of its key is there.
func (s *rowSet) add(k *keys, row int, hash uint64) bool {
	at := s.find(k, row, hash)
	if at >= 0 {
		return false
	}
	s.slots[-1-at] = rowSlot{hash: hash, row: row + 1}
	if s.used++; 2*s.used > len(s.slots) {
		s.grow()
	}
	return true
}

func (s *rowSet) grow() {
	old := s.slots
	s.slots = make([]rowSlot, 2*len(old))
	mask := len(s.slots) - 1
	for _, p := range old {
		if p.row == 0 {
			continue
		}
		i := int(p.hash) & mask
		for s.slots[i].row != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = p
	}
}
