package quality

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"iter"
)

// texts is an exact set of keys of bytes that lives longer than a batch. With times it
// says of each when it was last seen.
type texts struct {
	slots []uint64 // a power of two, at most three quarters full: a tag of the hash and the place, 0: free
	n     int
	seed  maphash.Seed
	times bool

	blocks [][]byte // of entries: time if there are times, length, bytes
	held   int64    // bytes of blocks
}

const (
	textBlock = 1 << 20 // an entry that is larger gets a block of its own
	placeBits = 40      // of a slot: block and byte within, and 1
	tagMask   = uint64(1<<64 - 1<<placeBits)
)

// reset empties the set, which hashes in a way of its own, as numbers do, and makes room
// for n.
func (s *texts) reset(times bool, n int) {
	*s = texts{slots: make([]uint64, roomFor(n)), seed: maphash.MakeSeed(), times: times}
}

func (s *texts) bytes() int64 { return int64(cap(s.slots))*8 + s.held }

func (s *texts) hash(key []byte) uint64 { return maphash.Bytes(s.seed, key) }

// find returns the slot of a key, or the free one where it belongs.
func (s *texts) find(key []byte, hash uint64) int {
	i := int(hash) & (len(s.slots) - 1)
	for ; s.slots[i] != 0; i = (i + 1) & (len(s.slots) - 1) {
		if p := s.slots[i]; (p^hash)&tagMask == 0 {
			if _, have := s.entry(p); bytes.Equal(have, key) {
				return i
			}
		}
	}
	return i
}

// entry is what a slot refers to: its time, if there are times, and its key.
func (s *texts) entry(slot uint64) (at, key []byte) {
	place := slot&^tagMask - 1
	b := s.blocks[place/textBlock][place%textBlock:]
	if s.times {
		at, b = b[:8], b[8:]
	}
	n, w := binary.Uvarint(b)
	return at, b[w : w+int(n)]
}

func (s *texts) has(key []byte) bool { return s.slots[s.find(key, s.hash(key))] != 0 }

// get says when a key was last seen.
func (s *texts) get(key []byte) (at int64, ok bool) {
	p := s.slots[s.find(key, s.hash(key))]
	if p == 0 {
		return 0, false
	}
	b, _ := s.entry(p)
	return int64(binary.LittleEndian.Uint64(b)), true
}

// add puts a key into the set.
func (s *texts) add(key []byte) {
	hash := s.hash(key)
	i := s.find(key, hash)
	if s.slots[i] != 0 {
		return
	}
	s.store(i, hash, key, 0)
	if 4*s.n > 3*len(s.slots) {
		s.grow()
	}
}

// put says that a key was seen at a time. What was seen before horizon may be forgotten.
func (s *texts) put(key []byte, at, horizon int64) {
	hash := s.hash(key)
	i := s.find(key, hash)
	if p := s.slots[i]; p != 0 {
		b, _ := s.entry(p)
		binary.LittleEndian.PutUint64(b, uint64(max(int64(binary.LittleEndian.Uint64(b)), at)))
		return
	}
	s.store(i, hash, key, at)
	if 4*s.n > 3*len(s.slots) {
		s.sweep(horizon)
	}
}

// store writes a new entry into slot i.
func (s *texts) store(i int, hash uint64, key []byte, at int64) {
	size := len(key) + binary.MaxVarintLen64 + 8
	last := len(s.blocks) - 1
	if last < 0 || len(s.blocks[last])+size > cap(s.blocks[last]) || len(s.blocks[last]) >= textBlock {
		n := max(size, min(textBlock, int(s.held)+1<<12)) // small sets stay small
		s.blocks = append(s.blocks, make([]byte, 0, n))
		s.held += int64(n)
		last++
	}
	b := s.blocks[last]
	place := uint64(last)*textBlock + uint64(len(b))
	if s.times {
		b = binary.LittleEndian.AppendUint64(b, uint64(at))
	}
	b = binary.AppendUvarint(b, uint64(len(key)))
	s.blocks[last] = append(b, key...)
	s.slots[i] = hash&tagMask | (place + 1)
	s.n++
}

func (s *texts) grow() {
	old := s.slots
	s.slots = make([]uint64, 2*len(old))
	for _, p := range old {
		if p != 0 {
			_, key := s.entry(p)
			s.slots[s.find(key, s.hash(key))] = p
		}
	}
}

// sweep forgets what is before the horizon, and makes room for as much again.
func (s *texts) sweep(horizon int64) {
	next := texts{seed: s.seed, times: true}
	live := 0
	for _, at := range s.timed() {
		live += int(bit(at >= horizon))
	}
	size := leastTimed
	for 2*live > size {
		size *= 2
	}
	next.slots = make([]uint64, size)
	for key, at := range s.timed() {
		if at >= horizon {
			hash := next.hash(key)
			next.store(next.find(key, hash), hash, key, at)
		}
	}
	*s = next
}

// all yields the keys in no order. They are the set's.
func (s *texts) all() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, p := range s.slots {
			if p != 0 {
				if _, key := s.entry(p); !yield(key) {
					return
				}
			}
		}
	}
}

// timed yields the keys and their times, in no order.
func (s *texts) timed() iter.Seq2[[]byte, int64] {
	return func(yield func([]byte, int64) bool) {
		for _, p := range s.slots {
			if p != 0 {
				if b, key := s.entry(p); !yield(key, int64(binary.LittleEndian.Uint64(b))) {
					return
				}
			}
		}
	}
}
