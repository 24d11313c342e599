package conform

import (
	"encoding/binary"

	"tidemark/internal/schema"
)

// nameTable finds the column of a key, with open addressing.
type nameTable struct {
	slots []nameSlot // a power of two, at most a quarter full
	shift uint
}

type nameSlot struct {
	name   string // "": free
	column int32
	rank   int32 // 0: the column's name, n: its n-th alias
}

func newNameTable(t *schema.Table) nameTable {
	n := 0
	for i := range t.Columns {
		n += 1 + len(t.Columns[i].Aliases)
	}
	nt := nameTable{slots: make([]nameSlot, 4), shift: 62}
	for len(nt.slots) < 4*n {
		nt.slots = make([]nameSlot, 2*len(nt.slots))
		nt.shift--
	}
	for i := range t.Columns {
		nt.add(nameSlot{t.Columns[i].Name, int32(i), 0})
		for k, alias := range t.Columns[i].Aliases {
			nt.add(nameSlot{alias, int32(i), int32(k + 1)})
		}
	}
	return nt
}

func (nt *nameTable) add(s nameSlot) {
	i := nt.hash([]byte(s.name))
	for nt.slots[i].name != "" {
		i = (i + 1) & (len(nt.slots) - 1)
	}
	nt.slots[i] = s
}

// hash looks at the length and at both ends. Names are few and chosen by whoever
// wrote the table: that they differ in the middle alone costs a comparison.
func (nt *nameTable) hash(name []byte) int {
	var head, tail uint64
	if n := len(name); n >= 8 {
		head = binary.LittleEndian.Uint64(name)
		tail = binary.LittleEndian.Uint64(name[n-8:])
	} else {
		for i, c := range name {
			head |= uint64(c) << (8 * i)
		}
	}
	h := (head^uint64(len(name))<<56)*0x9e3779b97f4a7c15 + tail*0xd6e8feb86659fd93
	return int(h >> nt.shift)
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
