package conform

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes at a time: the first byte of text is the lowest of a word.

// One bit in each byte of a word: the lowest, the highest.
const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// word is the eight bytes from pos on. Behind a value there is batch.Padding, so a
// place up to its end, and some way beyond, can be asked for. A slice that says its
// capacity spares the compiler the care for an empty one, which is 6 % of a row.
func word(buf []byte, pos int) uint64 { return binary.LittleEndian.Uint64(buf[pos : pos+8 : pos+8]) }

func twoWords(buf []byte, pos int) *[16]byte { return (*[16]byte)(buf[pos : pos+16 : pos+16]) }

func threeWords(buf []byte, pos int) *[24]byte { return (*[24]byte)(buf[pos : pos+24 : pos+24]) }

// zeros marks the highest bit of the bytes of w that are zero; above the first
// such byte it may mark others.
func zeros(w uint64) uint64 { return (w - lows) &^ w & highs }

// below marks the bytes of w that are less than 0x20, as zeros does.
func below(w uint64) uint64 { return (w - 0x20*lows) &^ w & highs }

// above marks the bytes of w that are more than 0x20, each exactly.
func above(w uint64) uint64 { return (w&^highs + 0x5f*lows | w) & highs }

// blanks is how many spaces w begins with. How many there are may differ from value to value,
// so it takes no branch; odd is not zero if they are other white space, or may be more.
func blanks(w uint64) (n int, odd uint64) {
	n = first(above(w))
	return n, (w^' '*lows)&lowBytes(n) | uint64(n)>>3
}

// first is how many bytes stand below the first marked one, 8 if none is marked.
func first(marks uint64) int { return bits.TrailingZeros64(marks) >> 3 }

// before is a mask of the bytes below the first marked one, of all if none is.
func before(marks uint64) uint64 { return marks&-marks>>7 - 1 }

// lowBytes is a mask of the first n bytes of a word.
func lowBytes(n int) uint64 { return 1<<(8*uint(n)) - 1 }

// digits turns the digits in w into their values and says how many there are from
// the first byte on.
func digits(w uint64) (values uint64, n int) {
	values = w ^ '0'*lows
	return values, first((values | (values + 0x76*lows)) & highs)
}

// number is what the first n bytes of values mean, 1 to 8 digits as digits gives
// them.
func number(values uint64, n int) uint64 {
	// In front of fewer than eight digits there are zeros now.
	v := values << ((64 - 8*uint(n)) & 63)
	v = v*10 + v>>8 // pairs, in every other byte
	const pairs = 0x000000ff000000ff
	return (v&pairs*(100+1000000<<32) + v>>16&pairs*(1+10000<<32)) >> 32
}
