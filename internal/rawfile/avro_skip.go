package rawfile

import (
	"encoding/binary"
	"math/bits"

	"tidemark/internal/avroschema"
)

// avroSkip reads over rows. What it does for each field is found out once.
//
// It never says what is wrong with a row: it gives up, and leaves it to what writes rows as
// JSON. It gives up as well where it would read beyond the padding of a block.
type avroSkip struct{ steps []skipStep }

// skipStep reads over one value.
type skipStep struct {
	code     skipCode
	optional bool // a union of null and what code is for: the byte of null is in null
	null     byte
	size     uint64 // bytes of a fixed, or symbols of an enum
	of       *avroschema.Type
}

type skipCode uint8

const (
	skipLong  skipCode = iota
	skipInt            // of 32 bits
	skipText           // a length and so many bytes
	skipFixed          // size bytes
	skipBool
	skipEnum
	skipOther // anything else
)

// mostSteps is how many steps are made of a schema; the rest is read over by its types.
const mostSteps = 1 << 12

func compileAvroSkip(t *avroschema.Type) avroSkip {
	var s avroSkip
	s.record(t)
	return s
}

// record adds the steps of a record.
func (s *avroSkip) record(t *avroschema.Type) {
	for i := range t.Fields {
		of := t.Fields[i].Of
		step := skipStep{of: of}
		if null, other := of.Optional(); other != nil && other.Kind != avroschema.Record {
			step.optional, step.null, step.of = true, byte(2*null), other
		}
		step.code, step.size = skipOf(step.of)
		if of.Kind == avroschema.Record && len(s.steps)+len(of.Fields) < mostSteps {
			s.record(of)
			continue
		}
		s.steps = append(s.steps, step)
	}
}

// skipOf is how a value of a type is read over.
func skipOf(t *avroschema.Type) (skipCode, uint64) {
	kind := t.Kind
	switch kind {
	case avroschema.Decimal, avroschema.UUID, avroschema.Duration, avroschema.Date, avroschema.Time, avroschema.Moment:
		kind = t.Base
	}
	switch kind {
	case avroschema.Long:
		return skipLong, 0
	case avroschema.Int:
		return skipInt, 0
	case avroschema.String, avroschema.Bytes:
		return skipText, 0
	case avroschema.Fixed:
		return skipFixed, uint64(t.Size)
	case avroschema.Float:
		return skipFixed, 4
	case avroschema.Double:
		return skipFixed, 8
	case avroschema.Boolean:
		return skipBool, 0
	case avroschema.Enum:
		return skipEnum, uint64(len(t.Symbols))
	}
	return skipOther, 0
}

const highBits = 0x8080808080808080

// row returns the place behind the row at pos, −1: it gives up. What d may still do for values
// is counted.
func (s *avroSkip) row(d *avroDatum, pos int) int {
	end := len(d.data)
	b := d.data[:cap(d.data)]
	if d.work -= len(s.steps) + 1; d.work < 0 {
		d.work += len(s.steps) + 1
		return -1
	}
	for i := range s.steps {
		step := &s.steps[i]
		if pos+10 > len(b) || pos > end {
			return -1
		}
		if step.optional {
			x := b[pos]
			pos++
			if x == step.null {
				continue
			}
			if x != step.null^2 {
				return -1
			}
		}
		switch step.code {
		case skipText:
			n := int(b[pos] >> 1)
			pos++
			if b[pos-1]&0x81 != 0 {
				var x uint64
				if x, pos = avroVarint(b, pos-1); pos < 0 || x&1 != 0 || x>>1 > uint64(end) {
					return -1
				}
				n = int(x >> 1)
			}
			pos += n
		case skipLong:
			stop := ^binary.LittleEndian.Uint64(b[pos:]) & highBits
			if stop == 0 {
				if _, pos = avroVarint(b, pos); pos < 0 {
					return -1
				}
				continue
			}
			pos += bits.TrailingZeros64(stop)>>3 + 1
		case skipFixed:
			pos += int(step.size)
		default:
			if pos = d.skipRare(step, b, pos); pos < 0 {
				return -1
			}
		}
	}
	if pos > end {
		return -1
	}
	return pos
}

// skipRare reads over what fewer schemas have.
func (d *avroDatum) skipRare(step *skipStep, b []byte, pos int) int {
	switch step.code {
	case skipBool:
		if b[pos] > 1 {
			return -1
		}
		return pos + 1
	case skipOther:
		return d.skip(step.of, b, pos)
	}
	x, next := avroVarint(b, pos)
	switch {
	case step.code == skipInt && x>>32 != 0, step.code == skipEnum && (x&1 != 0 || x>>1 >= step.size):
		return -1
	}
	return next
}

// skip reads over a value of any type, which ends in d.data, and returns the place behind it; −1: it gives up.
func (d *avroDatum) skip(t *avroschema.Type, b []byte, pos int) int {
	if d.work--; d.work < 0 || pos > len(d.data) || pos+10 > len(b) {
		return -1
	}
	switch t.Kind {
	case avroschema.Null:
		return pos
	case avroschema.Record:
		for i := range t.Fields {
			if pos = d.skip(t.Fields[i].Of, b, pos); pos < 0 {
				return -1
			}
		}
		return pos
	case avroschema.Union:
		x, next := avroVarint(b, pos)
		if next < 0 || x&1 != 0 || x>>1 >= uint64(len(t.Of)) {
			return -1
		}
		return d.skip(t.Of[x>>1], b, next)
	case avroschema.Array, avroschema.Map:
		return d.skipItems(t, b, pos)
	}
	code, size := skipOf(t)
	step := skipStep{code: code, size: size}
	switch code {
	case skipFixed:
		return pos + int(size)
	case skipLong, skipText:
		x, next := avroVarint(b, pos)
		if code == skipLong || next < 0 {
			return next
		}
		if x&1 != 0 || x>>1 > uint64(len(d.data)) {
			return -1
		}
		return next + int(x>>1)
	}
	return d.skipRare(&step, b, pos)
}

// skipItems reads over an array or a map. It gives up where one is of blocks with sizes, which
// must be as they say.
func (d *avroDatum) skipItems(t *avroschema.Type, b []byte, pos int) int {
	for {
		x, next := avroVarint(b, pos)
		if next < 0 || x&1 != 0 || x>>1 > uint64(len(d.data)) {
			return -1
		}
		if pos = next; x == 0 {
			return pos
		}
		for range x >> 1 {
			if t.Kind == avroschema.Map {
				if pos > len(d.data) || pos+10 > len(b) {
					return -1
				}
				n, next := avroVarint(b, pos)
				if next < 0 || n&1 != 0 || n>>1 > uint64(len(d.data)) {
					return -1
				}
				pos = next + int(n>>1)
			}
			if pos = d.skip(t.Of[0], b, pos); pos < 0 {
				return -1
			}
		}
		if pos > len(d.data) || pos+10 > len(b) {
			return -1
		}
	}
}

// avroVarint reads a number of up to ten bytes, which may be read, in zigzag; next −1: it has more.
func avroVarint(b []byte, pos int) (x uint64, next int) {
	for shift := 0; shift < 64; shift += 7 {
		c := b[pos]
		if shift == 63 && c > 1 {
			return 0, -1
		}
		pos++
		x |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return x, pos
		}
	}
	return 0, -1
}
