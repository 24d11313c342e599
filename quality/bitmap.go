package quality

import "math/bits"

// bitmap holds one bit per row: row i is bit i%64 of word i/64. Bits past the
// last row are 0 wherever a bitmap is counted.
type bitmap []uint64

func (m bitmap) set(row int)      { m[row>>6] |= 1 << (row & 63) }
func (m bitmap) has(row int) bool { return m[row>>6]>>(row&63)&1 != 0 }

func (m bitmap) count() (n int64) {
	for _, w := range m {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// or adds the rows of o, which may be nil.
func (m bitmap) or(o bitmap) {
	for i, w := range o {
		m[i] |= w
	}
}

// and keeps the rows that are in o too.
func (m bitmap) and(o bitmap) {
	for i, w := range o {
		m[i] &= w
	}
}

// andNot takes the rows of o away; o may be nil.
func (m bitmap) andNot(o bitmap) {
	for i, w := range o {
		m[i] &^= w
	}
}

// bit is 1 if c holds. It compiles to a flag, not to a branch.
func bit(c bool) uint64 {
	var b uint64
	if c {
		b = 1
	}
	return b
}

// each calls f with every row of the word, which is word i of a bitmap.
func each(i int, word uint64, f func(row int)) {
	for ; word != 0; word &= word - 1 {
		f(i<<6 + bits.TrailingZeros64(word))
	}
}
