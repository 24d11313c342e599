package conform

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"tidemark/internal/avroschema"
	"tidemark/internal/jsontext"
	"tidemark/internal/schema"
)

const (
	bytesKind = avroschema.Bytes
	intKind   = avroschema.Int
)

// maxDecimal is the most bytes of a decimal that is looked at: one with more has more
// digits than any column.
const maxDecimal = 256

// told asks the policy that wants to be told of a value.
func (d *Decoder) told(op *avroOp, pos int) {
	if op.tells == tellExtra {
		d.forbidExtra(pos, 0)
		return
	}
	if d.plan.table.Evolution.Widen == schema.Halt {
		d.halt("a record's schema has a type that column " + d.plan.table.Columns[d.top(int(op.column))].Name + " can only hold widened, and evolution says widen: halt")
	}
	d.reject(int(op.column), ReasonWiden, op.want, place{pos, 0})
}

// rare is perform for what fewer columns have. It returns the place behind the value, −1
// where the record was rejected as a whole.
func (d *Decoder) rare(w *avroWriters, op *avroOp, pos int) int {
	buf, row := d.buf, d.row
	switch op.code {
	case avroDecimal:
		return d.scaled(op, pos)
	case avroDouble:
		b := word(buf, pos)
		if b>>52&0x7ff == 0x7ff {
			d.notFinite(op, pos, 8)
			b = 0
		}
		d.slots[op.column].ints[row] = int64(b)
		return pos + 8
	case avroFloat:
		b := binary.LittleEndian.Uint32(buf[pos : pos+4])
		if b>>23&0xff == 0xff {
			d.notFinite(op, pos, 4)
			b = 0
		}
		d.slots[op.column].ints[row] = int64(math.Float64bits(float64(math.Float32frombits(b))))
		return pos + 4
	case avroBoolean:
		if buf[pos] > 1 {
			return d.noTruth(pos)
		}
		d.slots[op.column].ints[row] = int64(buf[pos])
		return pos + 1
	case avroSkipLong:
		_, next := varint(buf, pos)
		return next
	case avroSkipText:
		n, next := d.length(pos)
		if n < 0 {
			return -1
		}
		return next + n
	case avroNull:
		d.null(op, pos)
		return pos
	case avroUnion:
		return d.union(w, op, pos)
	case avroTold:
		d.told(&op.branches[0], pos)
		return d.perform(w, op.branches, pos)
	case avroInside, avroOutside:
		return d.insideAvro(w, op, pos)
	case avroJSON:
		return d.keepAvro(op, pos)
	case avroNested:
		return d.nestedAvro(w, op, pos)
	case avroVariable:
		return d.variableAvro(op, pos)
	case avroReal:
		x, next := varint(buf, pos)
		if next <= d.end {
			return d.real(op, zigzag(x), place{pos, next - pos})
		}
		return next
	case avroBytes:
		return d.bytes(op, pos)
	case avroSkip, avroUnfit:
		next := d.skipAvro(op.of, pos)
		if op.code == avroUnfit && next >= 0 && next <= d.end {
			d.unlike(op, pos, next)
		}
		return next
	}
	return d.other(op, pos)
}

// unlike rejects a value of a type that never becomes the column's.
func (d *Decoder) unlike(op *avroOp, pos, next int) {
	if op.want == "" { // a branch, where another would do
		d.unfit(int(op.column), ReasonType, pos, next-pos)
		return
	}
	d.narrowed(int(op.column))
	d.reject(int(op.column), ReasonSchemaMismatch, op.want, place{pos, next - pos})
}

// union does what the branch says that comes.
func (d *Decoder) union(w *avroWriters, op *avroOp, pos int) int {
	x, next := varint(d.buf, pos)
	switch {
	case next > d.end:
		return next
	case x&1 != 0 || x>>1 >= uint64(len(op.branches)):
		d.fail(ReasonSyntax, "a branch that the union has", pos, next-pos)
		return -1
	}
	i := int(x >> 1)
	return d.perform(w, op.branches[i:i+1], next)
}

// real gives a column of floats or doubles a whole number.
func (d *Decoder) real(op *avroOp, x int64, in place) int {
	if op.of.Kind == intKind && x != int64(int32(x)) {
		d.fail(ReasonSyntax, "an int, which has 32 bits", in.at, in.length)
		return -1
	}
	f := float64(x)
	c := &d.slots[op.column]
	if c.kind == schema.Float {
		f = float64(float32(x))
	}
	c.ints[d.row] = int64(math.Float64bits(f))
	return in.at + in.length
}

// bytes gives a column of bytes what stands there.
func (d *Decoder) bytes(op *avroOp, pos int) int {
	n := op.of.Size
	if op.of.Kind == bytesKind || op.of.Kind == avroschema.String {
		if n, pos = d.length(pos); n < 0 {
			return -1
		}
	}
	if n > d.end-pos {
		return d.short(pos)
	}
	if n >= maxText {
		d.reject(int(op.column), ReasonLimit, wantText, place{pos, n})
		return pos + n
	}
	text := d.buf[pos : pos+n]
	if op.of.Kind != avroschema.String || d.inText(op, text, pos) {
		c := &d.slots[op.column]
		c.codes[d.row] = c.index.add(text, false, d.row)
	}
	return pos + n
}

// scaled gives a column a decimal that fits in most cases as it is.
func (d *Decoder) scaled(op *avroOp, pos int) int {
	n := int(op.size)
	if n < 0 {
		if n, pos = d.length(pos); n < 0 {
			return -1
		}
	}
	if n > d.end-pos {
		return d.short(pos)
	}
	if uint(n-1) < 8 {
		x := int64(bits.ReverseBytes64(word(d.buf, pos))) >> (64 - 8*uint(n))
		if x >= op.low && x <= op.high {
			d.slots[op.column].ints[d.row] = x * op.mul
			return pos + n
		}
	}
	d.decimal(op, d.buf[pos:pos+n], place{pos, n})
	return pos + n
}

// decimal gives a column the decimal b, in two's complement, the highest byte first, which
// stands at a place.
func (d *Decoder) decimal(op *avroOp, b []byte, in place) {
	c := &d.slots[op.column]
	for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		b = b[1:]
	}
	switch {
	case len(b) == 0:
		d.reject(int(op.column), ReasonSyntax, "a decimal, which has at least one byte", place{in.at, 0})
		return
	case len(b) > maxDecimal:
		d.unfit(int(op.column), ReasonOverflow, in.at, in.length)
		return
	case len(b) <= 8:
		x := int64(int8(b[0]))
		for _, c := range b[1:] {
			x = x<<8 | int64(c)
		}
		d.text = strconv.AppendInt(d.text[:0], x, 10)
	default:
		x := new(big.Int).SetBytes(b)
		if b[0] >= 0x80 {
			x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		d.text = x.Append(d.text[:0], 10)
	}
	digits := len(d.text)
	if d.text[0] == '-' {
		digits--
	}
	if digits > op.of.Precision {
		d.reject(int(op.column), ReasonOverflow, "no more digits than its schema says", in)
		return
	}
	scale := op.of.Scale
	for ; scale < 0 && d.text[0] != '0'; scale++ { // as Debezium has them
		d.text = append(d.text, '0')
	}
	d.binary = jsontext.AppendScaled(d.binary[:0], d.text, max(scale, 0))
	if c.kind == schema.String {
		c.codes[d.row] = c.index.add(d.binary, true, d.row)
		return
	}
	c.ints[d.row] = 0
	if c.isTime() {
		d.epoch(op, d.binary, in)
		return
	}
	d.setNumeral(int(op.column), d.binary, in.at, in.length)
}

// other gives a column a value by way of the text that JSON would have for it.
func (d *Decoder) other(op *avroOp, pos int) int {
	t, column := op.of, int(op.column)
	switch t.Kind {
	case avroschema.Int, avroschema.Long:
		x, next := varint(d.buf, pos)
		if next > d.end {
			return next
		}
		return d.count(op, zigzag(x), place{pos, next - pos})
	case avroschema.Float, avroschema.Double:
		return d.fraction(op, pos)
	case avroschema.String:
		n, at := d.length(pos)
		if n < 0 {
			return -1
		}
		text := d.buf[at : at+n]
		if n >= maxText {
			d.reject(column, ReasonLimit, wantText, place{at, n})
		} else if d.inText(op, text, at) {
			d.put(column, text, false, place{at, n})
		}
		return at + n
	case avroschema.Decimal:
		n := t.Size
		if t.Base == bytesKind {
			if n, pos = d.length(pos); n < 0 {
				return -1
			}
		}
		if n > d.end-pos {
			return d.short(pos)
		}
		d.decimal(op, d.buf[pos:pos+n], place{pos, n})
		return pos + n
	case avroschema.UUID:
		if d.end-pos < 16 {
			return d.short(pos)
		}
		d.text = jsontext.AppendUUID(d.text[:0], d.buf[pos:pos+16])
		c := &d.slots[column]
		c.codes[d.row] = c.index.add(d.text, true, d.row)
		return pos + 16
	}
	x, next := varint(d.buf, pos)
	if next > d.end {
		return next
	}
	if t.Base == intKind && zigzag(x) != int64(int32(zigzag(x))) {
		d.fail(ReasonSyntax, "an int, which has 32 bits", pos, next-pos)
		return -1
	}
	d.time(op, zigzag(x), place{pos, next - pos})
	return next
}

// count gives a column of times a number of its unit.
func (d *Decoder) count(op *avroOp, x int64, in place) int {
	if op.of.Kind == intKind && x != int64(int32(x)) {
		d.fail(ReasonSyntax, "an int, which has 32 bits", in.at, in.length)
		return -1
	}
	d.text = strconv.AppendInt(d.text[:0], x, 10)
	d.epoch(op, d.text, in)
	return in.at + in.length
}

// epoch gives a column of times a number of its unit, as JSON writes it.
func (d *Decoder) epoch(op *avroOp, token []byte, in place) {
	c := &d.slots[op.column]
	at, reason := c.epoch(token)
	if reason != "" {
		d.unfit(int(op.column), reason, in.at, in.length)
		at = 0
	}
	c.ints[d.row] = at
}

// fraction gives a column a float or double, which is no column of doubles.
func (d *Decoder) fraction(op *avroOp, pos int) int {
	n, size := 8, 64
	if op.of.Kind == avroschema.Float {
		n, size = 4, 32
	}
	if d.end-pos < n {
		return d.short(pos)
	}
	x := math.Float64frombits(word(d.buf, pos))
	if n == 4 {
		x = float64(math.Float32frombits(binary.LittleEndian.Uint32(d.buf[pos:])))
	}
	c := &d.slots[op.column]
	switch {
	case c.kind == schema.Decimal: // from_float
		d.shortest(op, x, size, place{pos, n})
	case math.IsNaN(x) || math.IsInf(x, 0):
		d.notFinite(op, pos, n)
	case c.kind == schema.Float:
		if y := float64(float32(x)); math.IsInf(y, 0) {
			d.unfit(int(op.column), ReasonOverflow, pos, n)
		} else {
			c.ints[d.row] = int64(math.Float64bits(y))
		}
	case c.isTime():
		d.text = jsontext.AppendFloat(d.text[:0], x, size)
		d.epoch(op, d.text, place{pos, n})
	default:
		d.text = jsontext.AppendFloat(d.text[:0], x, size)
		d.setNumeral(int(op.column), d.text, pos, n)
	}
	return pos + n
}

// shortest gives a decimal the number with the fewest digits that names a float of so many bits.
func (d *Decoder) shortest(op *avroOp, x float64, size int, in place) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		d.unfit(int(op.column), ReasonType, in.at, in.length)
		return
	}
	d.text = strconv.AppendFloat(d.text[:0], x, 'e', -1, size)
	d.setNumeral(int(op.column), d.text, in.at, in.length)
}

// time gives a column a date, a time of day or a moment.
func (d *Decoder) time(op *avroOp, x int64, in place) {
	c, t := &d.slots[op.column], op.of
	if c.kind == schema.String {
		switch {
		case t.Kind == avroschema.Date:
			d.text = jsontext.AppendDay(d.text[:0], x)
		case t.Kind == avroschema.Moment:
			d.text = jsontext.AppendMoment(d.text[:0], x, t.Unit, t.Zoned)
		case x < 0 || x >= int64(t.Unit)*86400:
			d.reject(int(op.column), ReasonTime, "a time of day", in)
			return
		default:
			d.text = jsontext.AppendClock(d.text[:0], x, t.Unit)
		}
		c.codes[d.row] = c.index.add(d.text, true, d.row)
		return
	}
	at, reason := c.moment(t, x)
	if reason != "" {
		d.unfit(int(op.column), reason, in.at, in.length)
		at = 0
	}
	c.ints[d.row] = at
}

// moment returns what a date or a moment is in a column of dates or times.
func (f *field) moment(t *avroschema.Type, x int64) (at int64, reason string) {
	day := int64(1)
	if t.Kind == avroschema.Moment {
		day = int64(t.Unit) * 86400
	}
	days := x / day
	if x < days*day {
		days--
	}
	if days < firstDay || days > lastDay {
		return 0, ReasonTime
	}
	rest := x - days*day // since midnight
	at = days * dayMicros
	switch {
	case t.Kind == avroschema.Date:
	case t.Unit == jsontext.Nanos:
		if rest%1000 != 0 {
			return 0, ReasonScale
		}
		at += rest / 1000
	default:
		at += rest * (micros / int64(t.Unit))
	}
	switch {
	case f.kind == schema.Date:
		if rest != 0 && t.Kind == avroschema.Moment {
			return 0, ReasonScale
		}
		return days, ""
	case f.zone != nil && (t.Kind == avroschema.Date || !t.Zoned):
		return f.local(at)
	}
	return at, ""
}
