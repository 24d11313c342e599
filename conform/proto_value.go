package conform

import (
	"math/big"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"tidemark/internal/jsontext"
	"tidemark/internal/protoschema"
	"tidemark/internal/schema"
)

// The bounds of Protobuf's times, in seconds: the years 1 to 9999, and as many to either side.
const (
	firstSecond = firstDay * 86400
	lastSecond  = lastDay*86400 + 86399
	mostSeconds = 315_576_000_000
	nanoSeconds = 1_000_000_000
)

// mostScale is how far the point of a decimal may stand from its digits.
const mostScale = 10_000

// protoMessage gives a column a message, or those within it. It reports false where the record
// was rejected as a whole.
func (d *Decoder) protoMessage(w *avroWriters, op *protoOp, in place) bool {
	from, to := in.at, in.at+in.length
	switch op.do {
	case protoWrapper:
		inner, v := &op.parts[0], [3]int64{}
		if !d.three(op.field.Of, in, &v) {
			return false
		}
		if v[0] == 0 {
			return d.unset(w, inner)
		}
		if inner.tells != tellNothing {
			d.told(&inner.avroOp, int(v[0]))
		}
		return d.protoValue(w, inner, int(v[0]), to)
	case protoInside:
		if !d.deeper(from) || !d.scan(op.inner, from, to) || !d.fillMessage(w, op.inner, to) {
			return false
		}
		d.proto.depth--
		return true
	}
	var v [3]int64
	if !d.three(op.field.Of, in, &v) {
		return false
	}
	x, ok := d.numbers(op.field.Of, &v)
	switch {
	case op.do == protoDecimal:
		d.protoNumeral(op, v[0], in)
	case !ok:
		d.unfit(int(op.column), ReasonOverflow, in.at, in.length)
	case op.do == protoMoment:
		d.moment(op, x, in)
	case op.do == protoDay:
		d.day(op, x, in)
	case op.do == protoSpan:
		var text []byte
		if text, ok = appendSpan(d.text[:0], x); !ok {
			d.reject(int(op.column), ReasonTime, "a duration", in)
			return true
		}
		d.text = text
		c := &d.slots[op.column]
		c.codes[d.row] = c.index.add(d.text, true, d.row)
	case op.do == protoScaled:
		d.protoScaled(op, v[0], x, in)
	}
	return true
}

// three finds where the values of the first three fields of a message stand, 0: nowhere. It
// reports false where the record was rejected as a whole.
func (d *Decoder) three(m *protoschema.Message, in place, at *[3]int64) bool {
	end := in.at + in.length
	for pos := in.at; pos < end; {
		v := d.step(pos, end)
		if pos = v.next; pos < 0 {
			return false
		}
		if i := m.Find(v.tag >> 3); i >= 0 && i < len(at) && m.Fields[i].Wire() == v.wire() {
			at[i] = int64(v.start)
		}
	}
	return true
}

// numbers are the whole numbers among three fields, 0 for absent ones. ok: none has more bits
// than its field.
func (d *Decoder) numbers(m *protoschema.Message, at *[3]int64) (x [3]int64, ok bool) {
	ok = true
	for i := range min(len(m.Fields), len(at)) {
		kind := m.Fields[i].Kind
		if at[i] == 0 || kind == protoreflect.StringKind || kind == protoreflect.BytesKind {
			continue
		}
		var fits bool
		x[i], fits = d.integer(kind, int(at[i]))
		ok = ok && fits && inBits(kind, x[i])
	}
	return x, ok
}

// moment gives a column a Timestamp of seconds and nanoseconds.
func (d *Decoder) moment(op *protoOp, x [3]int64, in place) {
	c := &d.slots[op.column]
	if c.kind == schema.String {
		text, ok := appendMoment(d.text[:0], x)
		if d.text = text; !ok {
			d.reject(int(op.column), ReasonTime, "a time of the years 1 to 9999", in)
			return
		}
		c.codes[d.row] = c.index.add(d.text, true, d.row)
		return
	}
	at, reason := x[0]*micros+x[1]/1000, ""
	switch {
	case x[0] < firstSecond || x[0] > lastSecond || x[1] < 0 || x[1] >= nanoSeconds:
		reason = ReasonTime
	case x[1]%1000 != 0:
		reason = ReasonScale
	case c.kind == schema.Date:
		at, reason = wholeDay(at)
	}
	if reason != "" {
		d.unfit(int(op.column), reason, in.at, in.length)
		at = 0
	}
	c.ints[d.row] = at
}

// day gives a column a Date of year, month and day.
func (d *Decoder) day(op *protoOp, x [3]int64, in place) {
	c := &d.slots[op.column]
	if x[0] < 1 || x[0] > 9999 || x[1] < 1 || x[1] > 12 || x[2] < 1 || int(x[2]) > monthDays(int(x[0]), int(x[1])) {
		d.reject(int(op.column), ReasonTime, "a date with a year, a month and a day", in)
		return
	}
	days, reason := daysBefore(int(x[0]), int(x[1]))+x[2]-1, ""
	switch {
	case c.kind == schema.String:
		d.text = jsontext.AppendDay(d.text[:0], days)
		c.codes[d.row] = c.index.add(d.text, true, d.row)
		return
	case c.kind == schema.Date:
	case c.zone != nil:
		days, reason = c.local(days * dayMicros)
	default:
		days *= dayMicros
	}
	if reason != "" {
		d.unfit(int(op.column), reason, in.at, in.length)
		days = 0
	}
	c.ints[d.row] = days
}

// protoNumeral gives a column the number that a text says, which stands at pos; 0: there is
// none, which is the number 0.
func (d *Decoder) protoNumeral(op *protoOp, pos int64, in place) {
	text := []byte("0")
	if pos > 0 {
		size, from := varint(d.buf, int(pos))
		text = d.buf[from : from+int(size)]
	}
	if len(text) > 0 && text[0] == '+' {
		text = text[1:]
	}
	switch {
	case len(text) >= maxDigits:
		d.reject(int(op.column), ReasonLimit, wantDigits, in)
	case len(text) == 0: // as its specification says
		d.setNumeral(int(op.column), []byte("0"), in.at, in.length)
	case !isNumber(text):
		d.unfit(int(op.column), ReasonType, in.at, in.length)
	default:
		d.setNumeral(int(op.column), text, in.at, in.length)
	}
}

// protoScaled gives a column the decimal whose unscaled value stands at pos, in two's
// complement, the highest byte first.
func (d *Decoder) protoScaled(op *protoOp, pos int64, x [3]int64, in place) {
	var b []byte
	if pos > 0 {
		size, from := varint(d.buf, int(pos))
		b = d.buf[from : from+int(size)]
	}
	c := &d.slots[op.column]
	if uint(len(b)-1) < 8 && c.kind == schema.Decimal && x[2] == int64(c.scale) && x[1] >= 0 {
		// It needs no shifting.
		n := int64(int8(b[0]))
		for _, c := range b[1:] {
			n = n<<8 | int64(c)
		}
		limit := int64(c.limit)
		if x[1] > 0 && x[1] < 18 {
			limit = min(limit, int64(pow10[x[1]])-1)
		}
		if n >= -limit && n <= limit {
			c.ints[d.row] = n
			return
		}
	}
	for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		b = b[1:]
	}
	switch {
	case len(b) > maxDecimal || x[2] > mostScale || x[2] < -mostScale:
		d.unfit(int(op.column), ReasonOverflow, in.at, in.length)
		return
	case len(b) <= 8: // also none, which is 0
		n := int64(0)
		for i, c := range b {
			if i == 0 {
				n = int64(int8(c))
			} else {
				n = n<<8 | int64(c)
			}
		}
		d.text = strconv.AppendInt(d.text[:0], n, 10)
	default:
		n := new(big.Int).SetBytes(b)
		if b[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		d.text = n.Append(d.text[:0], 10)
	}
	digits := int64(len(d.text))
	if d.text[0] == '-' {
		digits--
	}
	if x[1] > 0 && digits > x[1] { // 0: it does not say
		d.reject(int(op.column), ReasonOverflow, "no more digits than its precision says", in)
		return
	}
	d.text = strconv.AppendInt(append(d.text, 'e'), -x[2], 10)
	d.setNumeral(int(op.column), d.text, in.at, in.length)
}

// appendMoment writes a Timestamp as Protobuf's JSON does.
func appendMoment(dst []byte, x [3]int64) (text []byte, ok bool) {
	if x[0] < firstSecond || x[0] > lastSecond || x[1] < 0 || x[1] >= nanoSeconds {
		return dst, false
	}
	// Without its fraction; the digits of that come in threes.
	dst = jsontext.AppendMoment(dst, x[0], 1, false)
	return append(appendNanos(dst, x[1]), 'Z'), true
}

// appendSpan writes a Duration as Protobuf's JSON does.
func appendSpan(dst []byte, x [3]int64) (text []byte, ok bool) {
	s, n := x[0], x[1]
	if s < -mostSeconds || s > mostSeconds || n <= -nanoSeconds || n >= nanoSeconds || s > 0 && n < 0 || s < 0 && n > 0 {
		return dst, false
	}
	if s < 0 || n < 0 {
		dst, s, n = append(dst, '-'), -s, -n
	}
	dst = strconv.AppendInt(dst, s, 10)
	return append(appendNanos(dst, n), 's'), true
}

// appendNanos writes the part of a second in 0, 3, 6 or 9 digits.
func appendNanos(dst []byte, n int64) []byte {
	if n == 0 {
		return dst
	}
	digits := 9
	for n%1000 == 0 {
		n, digits = n/1000, digits-3
	}
	dst = append(dst, '.')
	for unit := int64(pow10[digits-1]); unit > 0; unit /= 10 {
		dst = append(dst, byte('0'+n/unit%10))
	}
	return dst
}
