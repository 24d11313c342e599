package rawfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// avroDatum writes the rows of a block as JSON.
//
// Nothing that a row claims is believed: a length is compared with the bytes that are
// there, and a count with those that its items need at least. Values that have no bytes
// (null, an empty record) are counted in work, of which a block has as much as its size
// gives it, so that no few bytes can keep a reader busy. Schemas nest to a bounded
// depth, and so does the recursion here.
type avroDatum struct {
	rowText
	data []byte
	pos  int
	work int
}

// The values that a block may hold.
const (
	freeWork = 1 << 16 // and beyond that, …
	byteWork = 64      // … for each of its bytes
)

var errAvroCut = errors.New("it goes on behind the end of its block")

// block goes on with the rows of another block.
func (d *avroDatum) block(data []byte) {
	d.data, d.pos, d.work = data, 0, freeWork+byteWork*len(data)
}

// rest is how many bytes are left.
func (d *avroDatum) rest() int { return len(d.data) - d.pos }

// row writes one row behind dst.
func (d *avroDatum) row(t *avroType, dst []byte) ([]byte, flaw, error) {
	d.begin(dst)
	sep := byte('{')
	if len(t.fields) == 0 {
		d.work--
		d.buf = append(d.buf, sep)
	}
	for i := range t.fields {
		f := &t.fields[i]
		d.column = f.name
		d.buf = append(append(d.buf, sep), f.key...)
		if err := d.value(f.of); err != nil {
			return nil, flaw{}, fmt.Errorf("column %q: %w", f.name, err)
		}
		d.trim()
		sep = ','
	}
	if d.work < 0 {
		return nil, flaw{}, errAvroWork
	}
	d.buf = append(d.buf, '}')
	text, f := d.end()
	return text, f, nil
}

var errAvroWork = errors.New("its block claims more values than its size can hold")

// value writes one value.
func (d *avroDatum) value(t *avroType) error {
	if d.work--; d.work < 0 {
		return errAvroWork
	}
	switch t.kind {
	case avroNull:
		d.buf = append(d.buf, "null"...)
		return nil
	case avroUnion:
		i, err := d.long()
		if err != nil {
			return err
		}
		if i < 0 || i >= int64(len(t.of)) {
			return fmt.Errorf("it is of type %d of a union of %d", i, len(t.of))
		}
		return d.value(t.of[i])
	case avroRecord:
		return d.record(t)
	case avroArray, avroMap:
		return d.items(t)
	case avroBytes, avroString, avroFixed, avroDecimal, avroUUID, avroDuration:
		return d.bytes(t)
	case avroFloat, avroDouble, avroBoolean:
		return d.scalar(t.kind)
	}
	return d.integer(t)
}

// integer writes what is stored as a whole number.
func (d *avroDatum) integer(t *avroType) error {
	x, err := d.long()
	if err != nil {
		return err
	}
	if short := t.kind == avroInt || t.base == avroInt; short && x != int64(int32(x)) {
		return errors.New("an int has more than 32 bits")
	}
	switch t.kind {
	case avroEnum:
		if x < 0 || x >= int64(len(t.symbols)) {
			return fmt.Errorf("it is symbol %d of an enum of %d", x, len(t.symbols))
		}
		d.buf = append(d.buf, t.symbols[x]...)
	case avroDate:
		d.date(x)
	case avroTime:
		d.timeOfDay(x, t.unit)
	case avroMoment:
		d.moment(x, t.unit, t.zoned)
	default:
		d.buf = strconv.AppendInt(d.buf, x, 10)
	}
	return nil
}

// scalar writes a value that has a fixed length of its own.
func (d *avroDatum) scalar(k avroKind) error {
	n := 1
	switch k {
	case avroFloat:
		n = 4
	case avroDouble:
		n = 8
	}
	if d.rest() < n {
		return errAvroCut
	}
	b := d.data[d.pos : d.pos+n]
	d.pos += n
	switch {
	case k == avroFloat:
		d.float(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32)
	case k == avroDouble:
		d.float(math.Float64frombits(binary.LittleEndian.Uint64(b)), 64)
	case b[0] > 1:
		return fmt.Errorf("a boolean is %d", b[0])
	default:
		d.buf = strconv.AppendBool(d.buf, b[0] == 1)
	}
	return nil
}

// bytes writes what is stored as bytes.
func (d *avroDatum) bytes(t *avroType) error {
	n := int64(t.size)
	if t.kind == avroBytes || t.kind == avroString || t.base == avroBytes {
		var err error
		if n, err = d.long(); err != nil {
			return err
		}
		if n < 0 {
			return fmt.Errorf("it claims %d bytes", n)
		}
	}
	if n > int64(d.rest()) {
		return fmt.Errorf("it claims %d bytes: %w", n, errAvroCut)
	}
	b := d.data[d.pos : d.pos+int(n)]
	d.pos += int(n)
	switch t.kind {
	case avroString:
		d.str(b)
	case avroDecimal:
		d.decimal(b, t.scale, t.precision)
	case avroUUID:
		d.uuid(b)
	case avroDuration:
		d.duration(b)
	default:
		d.bin(b)
	}
	return nil
}

func (d *avroDatum) record(t *avroType) error {
	d.buf = append(d.buf, '{')
	for i := range t.fields {
		if i > 0 {
			d.buf = append(d.buf, ',')
		}
		d.buf = append(d.buf, t.fields[i].key...)
		if err := d.value(t.fields[i].of); err != nil {
			return err
		}
		d.trim()
	}
	d.buf = append(d.buf, '}')
	return nil
}

// items writes an array or a map, which comes in blocks of its own.
func (d *avroDatum) items(t *avroType) error {
	open, shut, least := byte('['), byte(']'), t.of[0].least
	if t.kind == avroMap {
		open, shut, least = '{', '}', least+1
	}
	d.buf = append(d.buf, open)
	for first := true; ; {
		count, end, err := d.counted(least)
		if err != nil {
			return err
		}
		if count == 0 {
			break
		}
		for ; count > 0; count-- {
			if !first {
				d.buf = append(d.buf, ',')
			}
			first = false
			if t.kind == avroMap {
				if err := d.key(); err != nil {
					return err
				}
			}
			if err := d.value(t.of[0]); err != nil {
				return err
			}
			d.trim()
		}
		if end >= 0 && end != d.pos {
			return errors.New("a block of items has another size than it claims")
		}
	}
	d.buf = append(d.buf, shut)
	return nil
}

func (d *avroDatum) key() error {
	n, err := d.long()
	if err != nil {
		return err
	}
	if n < 0 || n > int64(d.rest()) {
		return fmt.Errorf("a key claims %d bytes: %w", n, errAvroCut)
	}
	d.str(d.data[d.pos : d.pos+int(n)])
	d.pos += int(n)
	d.buf = append(d.buf, ':')
	return nil
}

// counted reads how many items follow, each of least bytes or more, and where they end;
// −1: that is not told.
func (d *avroDatum) counted(least int) (count int64, end int, err error) {
	if count, err = d.long(); err != nil {
		return 0, 0, err
	}
	end = -1
	claimed := count
	if count < 0 {
		count = -count
		size, err := d.long()
		if err != nil {
			return 0, 0, err
		}
		if size < 0 || size > int64(d.rest()) {
			return 0, 0, fmt.Errorf("%d items claim %d bytes: %w", count, size, errAvroCut)
		}
		end = d.pos + int(size)
	}
	if count < 0 || least > 0 && count > int64(d.rest()/least) || count > int64(d.work) {
		return 0, 0, fmt.Errorf("it claims %d items, and %d bytes are left in its block", claimed, d.rest())
	}
	return count, end, nil
}

// long reads a number in zigzag.
func (d *avroDatum) long() (int64, error) {
	var x uint64
	for shift := 0; d.pos < len(d.data); shift += 7 {
		b := d.data[d.pos]
		if shift == 63 && b > 1 {
			return 0, errors.New("no number of Avro has so many bytes")
		}
		d.pos++
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return int64(x>>1) ^ -int64(x&1), nil
		}
	}
	return 0, errAvroCut
}
