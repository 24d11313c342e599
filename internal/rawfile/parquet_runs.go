package rawfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// hybrid reads small numbers that come in runs of one value, and in stretches where each
// has so many bits.
type hybrid struct {
	b     []byte // behind the run
	width uint
	left  uint64 // in the run
	value uint32 // of a run of one value
	bits  []byte // else its bits
	at    uint   // of the next bit
}

// level reads the next number.
func (h *hybrid) level() (uint32, error) {
	for h.left == 0 {
		if err := h.run(); err != nil {
			return 0, err
		}
	}
	h.left--
	if h.bits == nil {
		return h.value, nil
	}
	i, shift := h.at>>3, h.at&7
	h.at += h.width
	if i+8 <= uint(len(h.bits)) {
		return uint32(binary.LittleEndian.Uint64(h.bits[i:]) >> shift & (1<<h.width - 1)), nil
	}
	var word [8]byte
	copy(word[:], h.bits[i:])
	return uint32(binary.LittleEndian.Uint64(word[:]) >> shift & (1<<h.width - 1)), nil
}

// run begins the next run.
func (h *hybrid) run() error {
	head, n := binary.Uvarint(h.b)
	if n <= 0 {
		return errValuesCut
	}
	h.b = h.b[n:]
	if head&1 == 0 {
		size := int(h.width+7) / 8
		if len(h.b) < size {
			return errValuesCut
		}
		var word [4]byte
		copy(word[:], h.b[:size])
		h.b = h.b[size:]
		h.left, h.value, h.bits = head>>1, binary.LittleEndian.Uint32(word[:]), nil
		if h.width < 32 && h.value>>h.width != 0 {
			return fmt.Errorf("a run is of %d, which has more than %d bits", h.value, h.width)
		}
		return nil
	}
	groups := head >> 1
	if h.width == 0 {
		h.left, h.value, h.bits = groups*8, 0, nil
		return nil
	}
	size := uint64(len(h.b))
	if groups <= size/uint64(h.width) {
		size = groups * uint64(h.width)
		h.left = groups * 8
	} else { // the last group may be cut short
		if groups > size/uint64(h.width)+1 {
			return errValuesCut
		}
		h.left = size * 8 / uint64(h.width)
		if h.left == 0 {
			return errValuesCut
		}
	}
	h.bits, h.b, h.at = h.b[:size:size], h.b[size:], 0
	return nil
}

// deltaValues are integers by their differences, in blocks of small blocks that have a
// number of bits each.
type deltaValues struct {
	b       []byte
	short   bool // 32 bits
	minis   int  // small blocks in a block
	perMini int  // values in a small one
	left    uint64
	last    uint64
	first   bool

	least  uint64 // of the block
	widths []byte // of its small blocks that are to come
	inMini int    // values left
	width  uint
	bits   []byte
	at     uint
}

// newDeltaValues reads the head of the values.
func newDeltaValues(b []byte, short bool) (*deltaValues, error) {
	d := &deltaValues{b: b, short: short, first: true}
	size, minis := d.varint(), d.varint()
	d.left = d.varint()
	first := d.varint()
	d.last = first>>1 ^ -(first & 1)
	if d.b == nil {
		return nil, errValuesCut
	}
	if minis < 1 || minis > 4096 || size%minis != 0 || size/minis%8 != 0 || size < 8 || size > 1<<20 {
		return nil, fmt.Errorf("differences are in blocks of %d values in %d parts", size, minis)
	}
	d.minis, d.perMini = int(minis), int(size/minis)
	return d, nil
}

// varint reads a number; without bytes left, b becomes nil.
func (d *deltaValues) varint() uint64 {
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.b = nil
		return 0
	}
	d.b = d.b[n:]
	return x
}

func (d *deltaValues) next(v *parquetValue) error {
	if d.left == 0 {
		return errValuesCut
	}
	d.left--
	if d.first {
		d.first = false
	} else {
		if d.inMini == 0 {
			if err := d.mini(); err != nil {
				return err
			}
		}
		d.inMini--
		d.last += d.least + d.delta()
	}
	if v.bits = d.last; d.short {
		v.bits = uint64(uint32(d.last))
	}
	return nil
}

// delta reads a number of width bits.
func (d *deltaValues) delta() uint64 {
	i, shift := int(d.at>>3), d.at&7
	d.at += d.width
	var word [9]byte
	copy(word[:], d.bits[min(i, len(d.bits)):])
	x := binary.LittleEndian.Uint64(word[:]) >> shift
	if shift > 0 {
		x |= uint64(word[8]) << (64 - shift)
	}
	if d.width < 64 {
		x &= 1<<d.width - 1
	}
	return x
}

// mini begins the next small block. The last ones of the last block may be missing.
func (d *deltaValues) mini() error {
	if len(d.widths) == 0 {
		least := d.varint()
		if d.b == nil || len(d.b) < d.minis {
			return errValuesCut
		}
		d.least = least>>1 ^ -(least & 1)
		d.widths, d.b = d.b[:d.minis], d.b[d.minis:]
	}
	d.width, d.widths = uint(d.widths[0]), d.widths[1:]
	if d.width > 64 {
		return fmt.Errorf("a difference has %d bits", d.width)
	}
	d.inMini, d.at = d.perMini, 0
	n := d.perMini * int(d.width) / 8
	if n > len(d.b) {
		if need := (min(d.left+1, uint64(d.perMini))*uint64(d.width) + 7) / 8; need > uint64(len(d.b)) {
			return errValuesCut
		}
		n = len(d.b)
	}
	d.bits, d.b = d.b[:n], d.b[n:]
	return nil
}

// rest reads over all that is left, and returns the bytes behind.
func (d *deltaValues) rest() ([]byte, error) {
	var v parquetValue
	for d.left > 0 {
		if d.inMini == 0 && !d.first {
			if d.left > uint64(len(d.b)+len(d.widths))*uint64(d.perMini) {
				return nil, errValuesCut // so many small blocks cannot follow
			}
			if err := d.mini(); err != nil {
				return nil, err
			}
			n := min(uint64(d.inMini), d.left)
			d.inMini -= int(n)
			d.left -= n
			continue
		}
		if err := d.next(&v); err != nil {
			return nil, err
		}
	}
	return d.b, nil
}

// deltaLengths are values whose lengths stand before all of them.
type deltaLengths struct {
	lengths *deltaValues
	b       []byte
}

func newDeltaLengths(b []byte) (*deltaLengths, error) {
	skip, err := newDeltaValues(b, true)
	if err != nil {
		return nil, err
	}
	behind, err := skip.rest()
	if err != nil {
		return nil, err
	}
	lengths, err := newDeltaValues(b, true)
	return &deltaLengths{lengths, behind}, err
}

func (p *deltaLengths) next(v *parquetValue) error {
	var n parquetValue
	if err := p.lengths.next(&n); err != nil {
		return err
	}
	if n.bits > uint64(len(p.b)) {
		return fmt.Errorf("a value claims %d bytes, and its page has %d", int32(n.bits), len(p.b))
	}
	v.bytes = p.b[:n.bits]
	p.b = p.b[n.bits:]
	return nil
}

// deltaBytes are values that begin as the one before them does.
type deltaBytes struct {
	same  *deltaValues
	ends  *deltaLengths
	value []byte
	width int // 0: any
}

func newDeltaBytes(b []byte, width int) (*deltaBytes, error) {
	skip, err := newDeltaValues(b, true)
	if err != nil {
		return nil, err
	}
	behind, err := skip.rest()
	if err != nil {
		return nil, err
	}
	ends, err := newDeltaLengths(behind)
	if err != nil {
		return nil, err
	}
	same, err := newDeltaValues(b, true)
	return &deltaBytes{same: same, ends: ends, width: width}, err
}

func (p *deltaBytes) next(v *parquetValue) error {
	var n parquetValue
	if err := p.same.next(&n); err != nil {
		return err
	}
	if n.bits > uint64(len(p.value)) {
		return errors.New("a value begins with more of the one before than that has")
	}
	if err := p.ends.next(v); err != nil {
		return err
	}
	if len(v.bytes)+int(n.bits) > maxPage {
		return fmt.Errorf("a value has more than %d bytes", maxPage)
	}
	p.value = append(p.value[:n.bits], v.bytes...)
	if v.bytes = p.value; p.width > 0 && len(v.bytes) != p.width {
		return fmt.Errorf("a value has %d bytes, and its type %d", len(v.bytes), p.width)
	}
	return nil
}

// bitsFor is how many bits a level needs that is at most n.
func bitsFor(n int) uint { return uint(bits.Len(uint(n))) }
