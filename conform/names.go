package conform

import (
	"encoding/binary"
)

// nameTable finds the column of a key, with open addressing; within a field, the node.
type nameTable struct {
	slots []nameSlot // a power of two, at most a quarter full
	shift uint
}

type nameSlot struct {
	name   string // "": free
	column int32
	rank   int32   // 0: the column's name, n: its n-th alias
	key    nameKey // of a name that JSON can hold without escapes in 23 bytes
}

// nameKey is a name in three words, of which the last byte is its length + 1. It is
// no array, since those do not live in registers.
type nameKey struct{ head, middle, tail uint64 }

// nameKeyOf is keyOf for three words.
func nameKeyOf(b *[24]byte) (key nameKey, n int, ok bool) {
	w0, w1, w2 := binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
	end0, end1, end2 := zeros(w0^'"'*lows), zeros(w1^'"'*lows), zeros(w2^'"'*lows)
	in0 := before(end0)
	in1 := before(end1) & uint64(int64(in0)>>63)
	in2 := before(end2) & uint64(int64(in1)>>63)
	length := (in0&lows + in1&lows + in2&lows) * lows >> 56
	return nameKey{w0 & in0, w1 & in1, w2&in2 | (length+1)<<56}, int(length), end0|end1|end2 != 0
}

// newNameTable makes a table of names, of which none stands there twice.
func newNameTable(names []nameSlot) nameTable {
	nt := nameTable{slots: make([]nameSlot, 4), shift: 62}
	for len(nt.slots) < 4*len(names) {
		nt.slots = make([]nameSlot, 2*len(nt.slots))
		nt.shift--
	}
	for _, s := range names {
		nt.add(s)
	}
	return nt
}

func (nt *nameTable) add(s nameSlot) {
	if len(s.name) < 24 && plain([]byte(s.name)) {
		var b [24]byte
		b[copy(b[:], s.name)] = '"'
		s.key, _, _ = nameKeyOf(&b)
	}
	i := nt.hash([]byte(s.name))
	for nt.slots[i].name != "" {
		i = (i + 1) & (len(nt.slots) - 1)
	}
	nt.slots[i] = s
}

// hash looks at the length and at 23 bytes. Names are few and chosen by whoever
// wrote the table: that they differ behind those alone costs a comparison.
func (nt *nameTable) hash(name []byte) int {
	var b [24]byte
	b[copy(b[:23], name)] = '"'
	key, _, _ := nameKeyOf(&b)
	return nt.slot(key)
}

func (nt *nameTable) slot(key nameKey) int {
	return int((key.head*0x9e3779b97f4a7c15 + key.middle*0xd6e8feb86659fd93 + key.tail*0xa0761d6478bd642f) >> (nt.shift & 63))
}

// quick returns the slot of a name by its key, nil if there is none.
func (nt *nameTable) quick(key nameKey) *nameSlot {
	for i := nt.slot(key); ; i++ {
		s := &nt.slots[i&(len(nt.slots)-1)]
		if s.key == key {
			return s
		}
		if s.name == "" {
			return nil
		}
	}
}

// find returns the column that a key belongs to and the rank of that name.
func (nt *nameTable) find(name []byte) (column, rank int, ok bool) {
	for i := nt.hash(name); ; i = (i + 1) & (len(nt.slots) - 1) {
		s := &nt.slots[i]
		if s.name == "" {
			return 0, 0, false
		}
		if s.name == string(name) {
			return int(s.column), int(s.rank), true
		}
	}
}
