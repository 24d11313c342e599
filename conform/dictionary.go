package conform

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"tidemark/internal/batch"
)

// dictionary gives equal texts of a column equal codes. It finds the entries of a
// batch.Dict by their bytes.
//
// A text of up to 15 bytes is its own key: two words, the length in the last byte.
// A longer one is found by its hash and compared. Texts that JSON cannot hold
// without escapes have keys of their own: a short cut asks for the bytes as they
// stand between the quotes, and must not take \n in two bytes for a text of two.
type dictionary struct {
	dict  *batch.Dict
	slots []entry // a power of two, at most half full
	shift uint    // 64 − log2(len(slots))
	used  int
	mix   [2]uint64

	// A column of texts that are nearly all different is not searched: each row
	// appends its own. After such a batch the search is tried again only after
	// some batches, twice as many each time.
	off   bool
	wait  int // batches until it is tried again
	delay int // batches that the next wait lasts
}

type entry struct {
	head, tail uint64
	code       int32 // + 1; 0: free
}

const (
	leastEntries = 1 << 6
	mostEntries  = 1 << 16 // distinct texts that are searched
	judgeAt      = 1 << 12 // distinct texts at which their share in the rows is looked at
	mostDelay    = 64

	// In place of the length in the last byte of entry.tail:
	markLong    = 0xff // head is a hash
	markEscaped = 0xfe // the same, of a text that needs escapes
)

func (x *dictionary) begin(dict *batch.Dict) {
	x.dict = dict
	x.off = x.wait > 0
	if x.off {
		x.wait--
		return
	}
	n := leastEntries
	for n < 2*x.used {
		n *= 2
	}
	if cap(x.slots) < n {
		x.slots = make([]entry, n)
	}
	x.slots = x.slots[:n]
	clear(x.slots)
	x.shift = uint(64 - bits.Len(uint(n-1)))
	x.used = 0
}

func (x *dictionary) end() {
	x.dict = nil
	if !x.off {
		x.delay = 0
	}
}

func (x *dictionary) bytes() int64 { return int64(cap(x.slots)) * 24 }

// slot is where the search for a key begins.
func (x *dictionary) slot(head, tail uint64) int {
	return int((head*x.mix[0] + tail*x.mix[1]) >> x.shift)
}

// add returns the code of a text of a row, giving it one if it is new. It is plain
// if JSON can hold it as it stands.
func (x *dictionary) add(text []byte, plain bool, row int) int32 {
	if x.off {
		return x.dict.Add(text)
	}
	if plain && len(text) <= 15 {
		var words [16]byte
		copy(words[:], text)
		head, tail := binary.LittleEndian.Uint64(words[:]), binary.LittleEndian.Uint64(words[8:])
		return x.short(head, tail|uint64(len(text))<<56, text, row)
	}
	mark := uint64(markLong)
	if !plain {
		mark = markEscaped
	}
	return x.long(text, mark, row)
}

// short returns the code of a text whose key is head and tail.
func (x *dictionary) short(head, tail uint64, text []byte, row int) int32 {
	i := x.slot(head, tail)
	for ; x.slots[i].code != 0; i = (i + 1) & (len(x.slots) - 1) {
		if p := &x.slots[i]; p.head == head && p.tail == tail {
			return p.code - 1
		}
	}
	x.enter(i, entry{head: head, tail: tail}, row)
	return x.dict.Add(text)
}

// long returns the code of a text that is found by its hash.
func (x *dictionary) long(text []byte, mark uint64, row int) int32 {
	head, tail := x.hash(text), uint64(len(text))&(1<<56-1)|mark<<56
	i := x.slot(head, tail)
	for ; x.slots[i].code != 0; i = (i + 1) & (len(x.slots) - 1) {
		if p := &x.slots[i]; p.head == head && p.tail == tail && bytes.Equal(x.dict.Value(int(p.code-1)), text) {
			return p.code - 1
		}
	}
	x.enter(i, entry{head: head, tail: tail}, row)
	return x.dict.Add(text)
}

// enter gives the free slot i to a text that will be the dictionary's next.
func (x *dictionary) enter(i int, e entry, row int) {
	e.code = int32(x.dict.Len()) + 1
	x.slots[i] = e
	x.used++
	switch {
	case x.used >= mostEntries, x.used == judgeAt && row < 2*judgeAt:
		x.giveUp()
	case 2*x.used > len(x.slots):
		x.grow()
	}
}

// giveUp ends the search for this batch and some that follow.
func (x *dictionary) giveUp() {
	x.off = true
	x.delay = min(max(2*x.delay, 1), mostDelay)
	x.wait = x.delay
}

func (x *dictionary) grow() {
	old := x.slots
	x.slots = make([]entry, 2*len(old))
	x.shift--
	for _, e := range old {
		if e.code == 0 {
			continue
		}
		i := x.slot(e.head, e.tail)
		for x.slots[i].code != 0 {
			i = (i + 1) & (len(x.slots) - 1)
		}
		x.slots[i] = e
	}
}

// hash mixes the words of a text.
func (x *dictionary) hash(text []byte) uint64 {
	h := x.mix[0] ^ uint64(len(text))
	for len(text) >= 8 {
		h = fold(h^binary.LittleEndian.Uint64(text), x.mix[1])
		text = text[8:]
	}
	for i, c := range text {
		h ^= uint64(c) << (8 * i)
	}
	return fold(h, x.mix[1])
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// plain reports whether JSON can hold a text as it stands.
func plain(text []byte) bool {
	for _, c := range text {
		if c < 0x20 || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
