package rawfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"tidemark/internal/avroschema"
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
	spot avroSpot
}

// avroSpot is a place in a datum, and the text of the innermost value that has it.
type avroSpot struct {
	at, end  int // at −1: none is looked for
	from, to int // in the text; from −1: it was not found
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
func (d *avroDatum) row(t *avroschema.Type, dst []byte) ([]byte, flaw, error) {
	d.begin(dst)
	sep := byte('{')
	if len(t.Fields) == 0 {
		d.work--
		d.buf = append(d.buf, sep)
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		d.column = f.Name
		d.buf = append(append(d.buf, sep), f.Key...)
		if err := d.value(f.Of); err != nil {
			return nil, flaw{}, fmt.Errorf("column %q: %w", f.Name, err)
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
func (d *avroDatum) value(t *avroschema.Type) error {
	if d.work--; d.work < 0 {
		return errAvroWork
	}
	if d.spot.at < 0 {
		return d.written(t)
	}
	from, text := d.pos, len(d.buf)
	if err := d.written(t); err != nil {
		return err
	}
	if s := &d.spot; s.from < 0 && s.at >= from && s.at < d.pos && s.end <= d.pos && text < len(d.buf) {
		s.from, s.to = text-d.start, len(d.buf)-d.start
		if d.buf[text] == '"' {
			s.from, s.to = s.from+1, s.to-1
		}
	}
	return nil
}

// written is value without its being counted.
func (d *avroDatum) written(t *avroschema.Type) error {
	switch t.Kind {
	case avroschema.Null:
		d.buf = append(d.buf, "null"...)
		return nil
	case avroschema.Union:
		i, err := d.long()
		if err != nil {
			return err
		}
		if i < 0 || i >= int64(len(t.Of)) {
			return fmt.Errorf("it is of type %d of a union of %d", i, len(t.Of))
		}
		return d.value(t.Of[i])
	case avroschema.Record:
		return d.record(t)
	case avroschema.Array, avroschema.Map:
		return d.items(t)
	case avroschema.Bytes, avroschema.String, avroschema.Fixed, avroschema.Decimal, avroschema.UUID, avroschema.Duration:
		return d.bytes(t)
	case avroschema.Float, avroschema.Double, avroschema.Boolean:
		return d.scalar(t.Kind)
	}
	return d.integer(t)
}

// integer writes what is stored as a whole number.
func (d *avroDatum) integer(t *avroschema.Type) error {
	x, err := d.long()
	if err != nil {
		return err
	}
	if short := t.Kind == avroschema.Int || t.Base == avroschema.Int; short && x != int64(int32(x)) {
		return errors.New("an int has more than 32 bits")
	}
	switch t.Kind {
	case avroschema.Enum:
		if x < 0 || x >= int64(len(t.Symbols)) {
			return fmt.Errorf("it is symbol %d of an enum of %d", x, len(t.Symbols))
		}
		d.buf = append(d.buf, t.Symbols[x].JSON...)
	case avroschema.Date:
		d.date(x)
	case avroschema.Time:
		d.timeOfDay(x, t.Unit)
	case avroschema.Moment:
		d.moment(x, t.Unit, t.Zoned)
	default:
		d.buf = strconv.AppendInt(d.buf, x, 10)
	}
	return nil
}

// scalar writes a value that has a fixed length of its own.
func (d *avroDatum) scalar(k avroschema.Kind) error {
	n := 1
	switch k {
	case avroschema.Float:
		n = 4
	case avroschema.Double:
		n = 8
	}
	if d.rest() < n {
		return errAvroCut
	}
	b := d.data[d.pos : d.pos+n]
	d.pos += n
	switch {
	case k == avroschema.Float:
		d.float(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32)
	case k == avroschema.Double:
		d.float(math.Float64frombits(binary.LittleEndian.Uint64(b)), 64)
	case b[0] > 1:
		return fmt.Errorf("a boolean is %d", b[0])
	default:
		d.buf = strconv.AppendBool(d.buf, b[0] == 1)
	}
	return nil
}

// bytes writes what is stored as bytes.
func (d *avroDatum) bytes(t *avroschema.Type) error {
	n := int64(t.Size)
	if t.Kind == avroschema.Bytes || t.Kind == avroschema.String || t.Base == avroschema.Bytes {
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
	switch t.Kind {
	case avroschema.String:
		d.str(b)
	case avroschema.Decimal:
		d.decimal(b, t.Scale, t.Precision)
	case avroschema.UUID:
		d.uuid(b)
	case avroschema.Duration:
		d.duration(b)
	default:
		d.bin(b)
	}
	return nil
}

func (d *avroDatum) record(t *avroschema.Type) error {
	d.buf = append(d.buf, '{')
	for i := range t.Fields {
		if i > 0 {
			d.buf = append(d.buf, ',')
		}
		d.buf = append(d.buf, t.Fields[i].Key...)
		if err := d.value(t.Fields[i].Of); err != nil {
			return err
		}
		d.trim()
	}
	d.buf = append(d.buf, '}')
	return nil
}

// items writes an array or a map, which comes in blocks of its own.
func (d *avroDatum) items(t *avroschema.Type) error {
	open, shut, least := byte('['), byte(']'), t.Of[0].Least
	if t.Kind == avroschema.Map {
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
			if t.Kind == avroschema.Map {
				if err := d.key(); err != nil {
					return err
				}
			}
			if err := d.value(t.Of[0]); err != nil {
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
