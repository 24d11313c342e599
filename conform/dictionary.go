package conform

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"tidemark/internal/batch"
)

// dictionary gives equal texts of a column equal codes. It finds the entries of a
// batch.Dict by their bytes.
type dictionary struct {
	dict  *batch.Dict
	rows  int     // of the batch, 0: it is not known how many texts there will be
	most  int     // bytes that its records have
	slots []entry // a power of two, at most half full; one free slot while off
	shift uint    // 64 − log2(len(slots))
	mix   [2]uint64
	used  int
	spare []entry // memory of slots while they are fewer

	// A column of texts that are nearly all different is not searched: each row
	// appends its own. After such a batch the search is tried again only after
	// some batches, twice as many each time.
	off   bool
	wait  int // batches until it is tried again
	delay int // batches that the next wait lasts
}

type entry struct {
	key  textKey // zero: the slot is free
	code int32
}

// textKey stands for a text. One of up to 15 bytes is its own key: two words, of
// which the last byte is its length + 1. A longer one is found by its hash and
// compared. Texts that JSON cannot hold without escapes have keys of their own: a
// short cut asks for the bytes as they stand between the quotes, and must not take
// \n in two bytes for a text of two.
type textKey struct{ head, tail uint64 }

// In place of the length in a key: head is a hash.
const (
	markLong    = 0xff // of a text that is longer
	markEscaped = 0xfe // of a text that needs escapes
)

const (
	leastEntries = 1 << 6
	mostEntries  = 1 << 16 // distinct texts that are searched
	judgeAt      = 1 << 12 // distinct texts at which their share in the rows is looked at
	mostDelay    = 64
)

// quotes8 is a word of quotes.
const quotes8 = '"' * lows

// textEnd is how many bytes stand in b in front of the byte that stop consists of, 16 if there is
// none. It takes no branch, since lengths differ from row to row.
func textEnd(b *[16]byte, stop uint64) int {
	n := first(zeros(binary.LittleEndian.Uint64(b[:]) ^ stop))
	return n + first(zeros(binary.LittleEndian.Uint64(b[8:])^stop))&-(n>>3)
}

// keyOf is the key of the text in front of the byte that stop consists of, and its length; with 16
// it is of no use. The compiler does not inline it, as it does its two parts: that suits some callers.
func keyOf(b *[16]byte, stop uint64) (textKey, int) {
	n := textEnd(b, stop)
	return keyOfText(b, n), n
}

func (x *dictionary) begin(dict *batch.Dict, rows, most int) {
	x.dict, x.rows, x.most = dict, rows, most
	x.off = x.wait > 0
	if x.off {
		x.wait--
		x.stop()
		return
	}
	n := leastEntries
	for n < 2*x.used {
		n *= 2
	}
	if cap(x.spare) < n {
		x.spare = make([]entry, n)
	}
	x.slots = x.spare[:n]
	clear(x.slots)
	x.shift = uint(64 - bits.Len(uint(n-1)))
	x.used = 0
}

// stop leaves one free slot, in which no text is found.
func (x *dictionary) stop() {
	x.off = true
	x.slots = []entry{{}}
}

func (x *dictionary) end() {
	x.dict = nil
	if !x.off {
		x.delay = 0
	}
}

func (x *dictionary) bytes() int64 { return int64(cap(x.spare)) * 24 }

// at is the first slot where a text may be.
func (x *dictionary) at(key textKey) *entry {
	return &x.slots[x.slot(key)&(len(x.slots)-1)]
}

func (x *dictionary) slot(key textKey) int {
	return int((key.head*x.mix[0] + key.tail*x.mix[1]) >> (x.shift & 63))
}

// find returns the code of a text that is its own key.
func (x *dictionary) find(key textKey) (code int32, ok bool) {
	for i := x.slot(key); ; i++ {
		switch e := &x.slots[i&(len(x.slots)-1)]; e.key {
		case key:
			return e.code, true
		case textKey{}:
			return 0, false
		}
	}
}

// add returns the code of a text of a row, giving it one if it is new. It is plain
// if JSON can hold it as it stands.
func (x *dictionary) add(text []byte, plain bool, row int) int32 {
	switch {
	case x.off:
		return x.append(text, row)
	case !plain:
		return x.long(text, markEscaped, row)
	case len(text) > 15:
		return x.long(text, markLong, row)
	}
	var b [16]byte
	key := keyOfText(&b, copy(b[:], text))
	if code, ok := x.find(key); ok {
		return code
	}
	return x.enter(key, text, row)
}

// long returns the code of a text that is found by its hash.
func (x *dictionary) long(text []byte, mark uint64, row int) int32 {
	key := textKey{x.hash(text), uint64(len(text))&(1<<56-1) | mark<<56}
	for i := x.slot(key); ; i++ {
		switch e := &x.slots[i&(len(x.slots)-1)]; {
		case e.key == key && bytes.Equal(x.dict.Value(int(e.code)), text):
			return e.code
		case e.key == textKey{}:
			return x.enter(key, text, row)
		}
	}
}

// enter gives a text a code that has none.
func (x *dictionary) enter(key textKey, text []byte, row int) int32 {
	switch {
	case x.used == mostEntries, x.used == judgeAt && row < 2*judgeAt:
		x.delay = min(max(2*x.delay, 1), mostDelay)
		x.wait = x.delay
		x.stop()
		return x.append(text, row)
	case 2*x.used == len(x.slots):
		x.grow()
	}
	x.used++
	code := x.append(text, row)
	x.put(entry{key, code})
	return code
}

// typical is from how many rows on those so far say how much text all have.
const typical = 16

// append puts a text of a row behind the others. Where there is no room, it makes as much as the
// rows will need if they go on like this: to move texts of many megabytes again and again took
// 40 % of the time of a batch.
func (x *dictionary) append(text []byte, row int) int32 {
	if need, room := len(x.dict.Data)+len(text), cap(x.dict.Data); need > room && row >= typical && row < x.rows {
		if likely := min(need/row*x.rows, x.most); likely > room+room/4 {
			x.dict.Grow(likely)
		}
	}
	return x.dict.Add(text)
}

func (x *dictionary) put(e entry) {
	i := x.slot(e.key)
	for x.slots[i&(len(x.slots)-1)].key != (textKey{}) {
		i++
	}
	x.slots[i&(len(x.slots)-1)] = e
}

func (x *dictionary) grow() {
	old := x.slots
	x.spare = make([]entry, 2*len(old))
	x.slots = x.spare
	x.shift--
	for _, e := range old {
		if e.key != (textKey{}) {
			x.put(e)
		}
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
	for len(text) >= 8 {
		if escapes(binary.LittleEndian.Uint64(text)) != 0 {
			return false
		}
		text = text[8:]
	}
	w := uint64(' ' * lows)
	for _, c := range text {
		w = w<<8 | uint64(c)
	}
	return escapes(w) == 0
}

// escapes marks the bytes of w that JSON can hold only as escapes, as zeros does.
func escapes(w uint64) uint64 {
	return zeros(w^'"'*lows) | zeros(w^'\\'*lows) | below(w)
}
