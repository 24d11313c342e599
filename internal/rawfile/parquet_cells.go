package rawfile

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// parquetCells are the next values of a column, decoded together, and where in them the row
// stands. Each is written as Avro has it.
type parquetCells struct {
	c       *parquetColumn
	code    cellCode
	large   bool // 64 bits
	at, n   int  // rows
	v       int  // the value of the row, of those that are not null
	defs    []uint32
	form    cellForm
	bits    []uint64 // of form cellBits; of cellDict, places
	from    []uint32 // of cellText: where a value begins in data, …
	to      []uint32 // … and ends
	data    []byte
	arena   []byte
	err     error  // of the value behind the last
	cut     bool   // a text is left out
	dict    []byte // the values of the dictionary as Avro has them
	ends    []uint32
	ofGroup int // the row group that dict is of
}

// cellForm is how the values that are at hand are held.
type cellForm uint8

const (
	cellBits cellForm = iota
	cellText
	cellDict
)

// cellCode is how a value is written.
type cellCode uint8

const (
	cellLong   cellCode = iota
	cellWord            // an unsigned number of 32 bits
	cellNumber          // a decimal of 64 bits
	cellHuge            // an unsigned number of 64 bits
	cellBool
	cellFloat
	cellDouble
	cellHalf
	cellBytes // a length and bytes
	cellRaw   // bytes
	cell96
)

func newParquetCells(c *parquetColumn) parquetCells {
	k := parquetCells{c: c, large: c.physical != physicalInt32}
	switch c.kind {
	case parquetUint32:
		k.code = cellWord
	case parquetNumber:
		k.code = cellNumber
	case parquetUint64:
		k.code = cellHuge
	case parquetBoolean:
		k.code = cellBool
	case parquetFloat:
		k.code = cellFloat
	case parquetDouble:
		k.code = cellDouble
	case parquetHalf:
		k.code = cellHalf
	case parquetUUID, parquetInterval:
		k.code = cellRaw
	case parquetInt96:
		k.code = cell96
	case parquetText, parquetBinary, parquetDecimal:
		k.code = cellBytes
	}
	return k
}

// mostArena is how many bytes values are copied together, about.
const mostArena = 4 << 20

// fill decodes what follows, of one page: up to so many values.
func (k *parquetCells) fill(ctx context.Context, most int) error {
	if k.err != nil {
		return k.err
	}
	c := k.c
	for c.inPage == 0 {
		if c.left == 0 {
			return errors.New("it has fewer values than it promises rows")
		}
		if err := c.page(ctx); err != nil {
			return err
		}
	}
	if p, ok := c.values.(*deltaBytes); ok { // of which few bytes may tell long ones
		most = max(1, min(most, mostArena/(1+len(p.value)+len(p.ends.b))))
	}
	k.at, k.v, k.n = 0, 0, min(int(c.inPage), most)
	c.inPage -= int32(k.n)
	values := k.n
	if c.maxDef > 0 {
		k.defs = sized(k.defs, k.n)
		k.n, k.err = c.defs.levels(k.defs)
		values = 0
		for _, def := range k.defs[:k.n] {
			values += int(def)
		}
	}
	got, err := k.values(values)
	if err != nil {
		k.err = err
		k.n = k.rowOf(got)
	}
	if k.n == 0 {
		return k.err
	}
	return nil
}

// rowOf is the row of a value.
func (k *parquetCells) rowOf(value int) int {
	if k.c.maxDef == 0 {
		return value
	}
	for row, def := range k.defs[:k.n] {
		if value -= int(def); value < 0 {
			return row
		}
	}
	return k.n
}

// sized is s with room for n, whatever it held.
func sized(s []uint32, n int) []uint32 {
	if cap(s) < n {
		return make([]uint32, n)
	}
	return s[:n]
}

// values decodes so many values. With an error, it returns how many stand before it.
func (k *parquetCells) values(n int) (got int, err error) {
	if cap(k.bits) < n {
		k.bits = make([]uint64, n)
	}
	k.bits = k.bits[:n]
	switch from := k.c.values.(type) {
	case *indexValues:
		return k.places(from)
	case *plainBytes:
		return k.plainTexts(from)
	case *plainValues:
		if from.wide {
			break
		}
		k.form = cellBits
		return from.words(k.bits)
	}
	return k.one(n)
}

// one decodes values one after another.
func (k *parquetCells) one(n int) (got int, err error) {
	var v parquetValue
	k.form, k.arena = cellBits, k.arena[:0]
	k.from, k.to = sized(k.from, n), sized(k.to, n)
	for i := range n {
		v.bytes = nil
		if err := k.c.values.next(&v); err != nil {
			k.data = k.arena
			return i, err
		}
		if k.bits[i] = v.bits; k.code >= cellHalf {
			k.form = cellText
			k.from[i] = uint32(len(k.arena))
			k.arena = append(k.arena, v.bytes...)
			k.to[i] = uint32(len(k.arena))
		}
	}
	k.data = k.arena
	return n, nil
}

// plainTexts finds where texts stand in their page.
func (k *parquetCells) plainTexts(p *plainBytes) (got int, err error) {
	n := len(k.bits)
	k.form, k.data = cellText, p.b
	k.from, k.to = sized(k.from, n), sized(k.to, n)
	var v parquetValue
	for i := range n {
		if err := p.next(&v); err != nil {
			return i, err
		}
		end := len(k.data) - len(p.b)
		k.from[i], k.to[i] = uint32(end-len(v.bytes)), uint32(end)
	}
	return n, nil
}

// words decodes numbers of 32 or 64 bits.
func (p *plainValues) words(to []uint64) (got int, err error) {
	n := min(len(to), len(p.b)/p.width)
	if p.width == 4 {
		for i := range n {
			to[i] = uint64(binary.LittleEndian.Uint32(p.b[4*i:]))
		}
	} else {
		for i := range n {
			to[i] = binary.LittleEndian.Uint64(p.b[8*i:])
		}
	}
	if p.b = p.b[n*p.width:]; n < len(to) {
		return n, errValuesCut
	}
	return n, nil
}

// places decodes places in the dictionary.
func (k *parquetCells) places(p *indexValues) (got int, err error) {
	if k.ofGroup != k.c.file.group {
		if err := k.encode(p.of); err != nil {
			return 0, err
		}
	}
	k.form = cellDict
	k.from = sized(k.from, len(k.bits))
	got, err = p.levels(k.from)
	size := uint32(p.of.size())
	for i, x := range k.from[:got] {
		if x >= size {
			return i, fmt.Errorf("a value is number %d of a dictionary of %d", x, size)
		}
	}
	return got, err
}

// encode writes the values of a dictionary.
func (k *parquetCells) encode(d *dictionary) error {
	before := cap(k.dict) + 4*cap(k.ends)
	k.dict, k.ends, k.ofGroup = k.dict[:0], append(k.ends[:0], 0), k.c.file.group
	from := uint32(0)
	for i := range d.size() {
		if len(d.bits) > 0 {
			k.dict = k.write(k.dict, d.bits[i], nil)
		} else {
			k.dict = k.write(k.dict, 0, d.bytes[from:d.ends[i]])
			from = d.ends[i]
		}
		k.ends = append(k.ends, uint32(len(k.dict)))
	}
	k.dict = append(k.dict, make([]byte, shortCell)...)[:len(k.dict)] // which may be read
	return k.c.file.hold(int64(cap(k.dict) + 4*cap(k.ends) - before))
}

// write appends a value.
func (k *parquetCells) write(dst []byte, x uint64, b []byte) []byte {
	switch k.code {
	case cellLong:
		return binary.AppendUvarint(dst, k.zigzag(x))
	case cellWord:
		return binary.AppendUvarint(dst, uint64(uint32(x))<<1)
	case cellNumber:
		if !k.large {
			x = uint64(int32(x))
		}
		return binary.BigEndian.AppendUint64(append(dst, 8<<1), x)
	case cellHuge:
		return binary.BigEndian.AppendUint64(append(dst, 9<<1, 0), x)
	case cellBool:
		return append(dst, byte(x&1))
	case cellFloat:
		return binary.LittleEndian.AppendUint32(dst, uint32(x))
	case cellDouble:
		return binary.LittleEndian.AppendUint64(dst, x)
	case cellHalf:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(half(uint16(b[0])|uint16(b[1])<<8))))
	case cellRaw:
		return append(dst, b...)
	case cell96:
		return k.write96(dst, b)
	}
	return append(binary.AppendUvarint(dst, uint64(len(b))<<1), b...)
}

// zigzag is a number as Avro writes it, before it becomes bytes.
func (k *parquetCells) zigzag(x uint64) uint64 {
	if !k.large {
		x = uint64(int64(int32(x)))
	}
	return x<<1 ^ uint64(int64(x)>>63)
}

// write96 appends a time as old writers have it, with its branch.
func (k *parquetCells) write96(dst, b []byte) []byte {
	const epoch = 2440588 // the Julian day of 1970-01-01
	branch := byte(0)
	if k.c.optional {
		branch = 2
	}
	inDay, days := int64(binary.LittleEndian.Uint64(b)), int64(int32(binary.LittleEndian.Uint32(b[8:])))-epoch
	valid := inDay >= 0 && inDay < int64(24*time.Hour)
	switch {
	case valid && inDay%1000 == 0:
		return binary.AppendVarint(append(dst, branch), days*86400e6+inDay/1000)
	case valid && days > -106751 && days < 106751: // as many as 64 bits hold
		return binary.AppendVarint(append(dst, branch+2), days*86400e9+inDay)
	}
	var t rowText
	t.limits = usual()
	t.int96(b)
	text := t.buf[1 : len(t.buf)-1]
	return append(binary.AppendUvarint(append(dst, branch+4), uint64(len(text))<<1), text...)
}

const (
	// shortCell is how many bytes are copied at once, where a value has no more.
	shortCell = 16
	// cellRoom is how many bytes a value may take but for texts of more.
	cellRoom = 2*shortCell + binary.MaxVarintLen64 + maxTime96
	// maxTime96 is how many bytes the text of an INT96 has at most.
	maxTime96 = 40
)

// put writes the value of the row at pos, where there is cellRoom. It returns the place behind
// it, or how many bytes a text takes that there is no room for: then it is to be called again,
// where there is, behind what it has written.
func (k *parquetCells) put(b []byte, pos int) (next, want int) {
	at, v := k.at, k.v
	k.at++
	if k.c.maxDef > 0 {
		if k.defs[at] == 0 {
			b[pos] = 0
			return pos + 1, 0
		}
		if k.code != cell96 {
			b[pos] = 2
			pos++
		}
	}
	k.v++
	if k.cut {
		b[pos] = 0
		return pos + 1, 0
	}
	switch k.form {
	case cellDict:
		i := k.from[v]
		from, to := k.ends[i], k.ends[i+1]
		n := int(to - from)
		if n <= shortCell {
			copy(b[pos:pos+shortCell], k.dict[from:from+shortCell:cap(k.dict)])
			return pos + n, 0
		}
		if pos+n > len(b) {
			return k.undone(pos, n)
		}
		return pos + copy(b[pos:], k.dict[from:to]), 0
	case cellBits:
		switch k.code {
		case cellLong:
			return putUvarint(b, pos, k.zigzag(k.bits[v])), 0
		case cellNumber:
			x := k.bits[v]
			if !k.large {
				x = uint64(int32(x))
			}
			b[pos] = 8 << 1
			binary.BigEndian.PutUint64(b[pos+1:], x)
			return pos + 9, 0
		}
		return pos + len(k.write(b[pos:pos], k.bits[v], nil)), 0
	}
	text := k.data[k.from[v]:k.to[v]]
	if k.code != cellBytes {
		return pos + len(k.write(b[pos:pos], 0, text)), 0
	}
	if pos+len(text)+binary.MaxVarintLen64 > len(b) {
		return k.undone(pos, len(text)+binary.MaxVarintLen64)
	}
	pos = putUvarint(b, pos, uint64(len(text))<<1)
	return pos + copy(b[pos:], text), 0
}

// undone goes back to before put, for want of so many bytes.
func (k *parquetCells) undone(pos, want int) (next, wanted int) {
	k.at--
	k.v--
	if k.c.maxDef > 0 {
		pos--
	}
	return pos, want
}

// putUvarint writes a number in groups of seven bits; ten bytes may be written.
func putUvarint(b []byte, pos int, x uint64) int {
	if x>>56 != 0 {
		return pos + binary.PutUvarint(b[pos:], x)
	}
	n := (bits.Len64(x|1) + 6) / 7
	x = x&0x000000000fffffff | x&0x00fffffff0000000<<4
	x = x&0x00003fff00003fff | x&0x0fffc0000fffc000<<2
	x = x&0x007f007f007f007f | x&0x3f803f803f803f80<<1
	binary.LittleEndian.PutUint64(b[pos:], x|highBits&(1<<(8*n-8)-1))
	return pos + n
}

// levels reads numbers into to. With an error, it returns how many stand before it.
func (h *hybrid) levels(to []uint32) (got int, err error) {
	for got < len(to) {
		for h.left == 0 {
			if err := h.run(); err != nil {
				return got, err
			}
		}
		n := min(h.left, uint64(len(to)-got))
		part := to[got : got+int(n)]
		h.left -= n
		got += int(n)
		if h.bits == nil {
			for i := range part {
				part[i] = h.value
			}
			continue
		}
		h.unpack(part)
	}
	return got, nil
}

// unpack reads numbers that have so many bits each.
func (h *hybrid) unpack(to []uint32) {
	at, width, mask := h.at, h.width, uint64(1)<<h.width-1
	i := 0
	for ; i < len(to) && at>>3+8 <= uint(len(h.bits)); i++ {
		to[i] = uint32(binary.LittleEndian.Uint64(h.bits[at>>3:]) >> (at & 7) & mask)
		at += width
	}
	for ; i < len(to); i++ {
		var word [8]byte
		copy(word[:], h.bits[at>>3:])
		to[i] = uint32(binary.LittleEndian.Uint64(word[:]) >> (at & 7) & mask)
		at += width
	}
	h.at = at
}
