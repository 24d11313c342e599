package conform

import "bytes"

// keySet is the keys of one record that have no column, to find one that stands
// there twice. It is emptied by a new stamp.
type keySet struct {
	slots []keySlot // a power of two, at most half full
	stamp uint32
	used  int
	text  []byte // of the keys with escapes, unescaped
}

// keySlot is one key: buf[at:at+n], or text[-1-at:][:n].
type keySlot struct {
	hash  uint64
	stamp uint32
	at, n int32
}

const leastKeys = 64

func (s *keySet) begin(stamp uint32) {
	s.stamp, s.used, s.text = stamp, 0, s.text[:0]
	if s.slots == nil {
		s.slots = make([]keySlot, leastKeys)
	}
}

// add puts a key that stands in buf at a place (or, without escapes, is given as
// key, with at −1) into the set. It reports false if it was there.
func (s *keySet) add(buf, key []byte, hash uint64, at int) bool {
	i := int(hash) & (len(s.slots) - 1)
	for ; s.slots[i].stamp == s.stamp; i = (i + 1) & (len(s.slots) - 1) {
		if p := &s.slots[i]; p.hash == hash && bytes.Equal(s.key(buf, p), key) {
			return false
		}
	}
	if at < 0 {
		at = -1 - len(s.text)
		s.text = append(s.text, key...)
	}
	s.slots[i] = keySlot{hash, s.stamp, int32(at), int32(len(key))}
	if s.used++; 2*s.used > len(s.slots) {
		s.grow()
	}
	return true
}

func (s *keySet) key(buf []byte, p *keySlot) []byte {
	if p.at < 0 {
		return s.text[-1-p.at:][:p.n]
	}
	return buf[p.at:][:p.n]
}

func (s *keySet) grow() {
	old := s.slots
	s.slots = make([]keySlot, 2*len(old))
	for _, p := range old {
		if p.stamp != s.stamp {
			continue
		}
		i := int(p.hash) & (len(s.slots) - 1)
		for s.slots[i].stamp == s.stamp {
			i = (i + 1) & (len(s.slots) - 1)
		}
		s.slots[i] = p
	}
}

func (s *keySet) forget() { clear(s.slots) }

// shrink gives back what an unusual record has taken.
func (s *keySet) shrink() {
	if len(s.slots) > 1024 {
		s.slots = nil
	}
	if cap(s.text) > keptText {
		s.text = nil
	}
}

func (s *keySet) bytes() int64 { return int64(len(s.slots))*24 + int64(cap(s.text)) }
