package conform

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"tidemark/internal/avroschema"
	"tidemark/internal/schema"
)

// sentClass is how a short cut reads what f.sent says.
func (f *field) sentClass() class {
	switch op := f.sent; {
	case op.code == avroDecimal:
		return classUnscaled
	case op.code == avroWhole && (f.kind == schema.Timestamp || f.kind == schema.Date):
		return classCount
	}
	return classOther
}

// quickUnscaled reads the base64 of a decimal of at most seven bytes, behind its opening
// quote.
func (d *Decoder) quickUnscaled(c *column, pos int) int {
	buf, x, n := d.buf, uint64(0), 0
	for ; n <= 10; n++ {
		v := sixBits[buf[pos+n]]
		if v > 63 {
			break
		}
		x = x<<6 | uint64(v)
	}
	bytes := n * 6 / 8
	over := uint(n*6 - bytes*8)
	if n > 10 || bytes == 0 || n&3 == 1 || x&(1<<over-1) != 0 {
		return 0
	}
	pos += n
	for ; n&3 != 0; n++ {
		if buf[pos] != '=' {
			return 0
		}
		pos++
	}
	if buf[pos] != '"' || pos >= d.end {
		return 0
	}
	up := 64 - 8*uint(bytes)
	unscaled := int64(x>>over<<up) >> up
	if op := c.sent; unscaled >= op.low && unscaled <= op.high {
		c.ints[d.row] = unscaled * op.mul
		return pos + 1
	}
	return 0
}

// sixBits is what the letters of base64 stand for, 64 for what is none.
var sixBits = func() (t [256]uint8) {
	for i := range t {
		t[i] = 64
	}
	for v, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = uint8(v)
	}
	return t
}()

// quickCount reads a whole number of what the schema of the value says.
func (d *Decoder) quickCount(c *column, pos int) int {
	v, n, next, negative := d.digitsAt(pos)
	if n == 0 || n > 18 {
		return 0
	}
	x := int64(v)
	if negative {
		x = -x
	}
	op := c.sent
	if x < op.low || x > op.high {
		return 0
	}
	c.ints[d.row] = x * op.mul
	return next
}

// sentText gives a column a text that its schema says to be base64. It reports false for one
// that is to be read as JSON has it.
func (d *Decoder) sentText(c *column, text []byte, in place) bool {
	op := c.sent
	switch k := op.of.Kind; {
	case k != avroschema.Decimal && k != bytesKind, op.code == avroVariable:
		return false
	case op.code == avroUnfit:
		d.unfit(int(op.column), ReasonType, in.at, in.length)
		return true
	}
	if !d.unbase(int(op.column), text, in) {
		return true
	}
	switch b := d.binary; {
	case op.of.Kind == avroschema.Decimal:
		d.decimal(op, b, in)
	case !utf8.Valid(b):
		d.reject(int(op.column), ReasonEncoding, "text in UTF-8", in)
	default:
		c.codes[d.row] = c.index.add(b, plain(b), d.row)
	}
	return true
}

// sentNumber gives a column a number that its schema says to be a time. It reports false for
// one that is to be read as JSON has it.
func (d *Decoder) sentNumber(c *column, pos, next int) bool {
	op, in := c.sent, place{pos, next - pos}
	switch k := op.of.Kind; {
	case k == avroschema.Decimal || k == bytesKind || in.length >= maxDigits:
		return false
	case op.code == avroUnfit:
		d.unlike(op, in.at, in.at+in.length)
		return true
	}
	n := readNumeral(d.buf[pos:next])
	u, reason := n.scaled(0, 19)
	if reason != "" || u > 1<<63-1 {
		d.unfit(int(op.column), ReasonTime, in.at, in.length)
		return true
	}
	x := int64(u)
	if n.negative {
		x = -x
	}
	d.time(op, x, in)
	return true
}

// variable reports whether values are decimals that say their scales.
func (f *field) variable() bool { return f.sent != nil && f.sent.code == avroVariable }

// wantVariable says what a decimal with a scale of its own looks like.
const wantVariable = "an object with scale and value, as io.debezium.data.VariableScaleDecimal says"

// mostVariable is how far a scale may be from 0: numbers of more digits fit no column.
const mostVariable = 1000

// variable decodes the object at pos, a decimal of Debezium that says its scale. It returns the
// place behind it.
func (d *Decoder) variable(column, pos int) (int, bool) {
	next, ok := d.skip(pos, d.level)
	if !ok {
		return 0, false
	}
	c, in := &d.slots[column], place{pos, next - pos}
	scale, value, ok := d.variableParts(pos)
	if !ok {
		d.reject(column, ReasonType, wantVariable, in)
		return next, true
	}
	c.sent.of.Scale = scale
	text := d.buf[value.from:value.to]
	if value.escaped {
		text, _ = d.unescape(value)
	}
	if d.unbase(column, text, in) {
		d.decimal(c.sent, d.binary, in)
	}
	return next, true
}

// variableParts finds the scale and the text of the number in the object at pos, which is JSON.
func (d *Decoder) variableParts(pos int) (scale int, value span, ok bool) {
	at := d.space(pos + 1)
	scaled, valued := false, false
	for done := d.peek(at) == '}'; !done; {
		s, key, good := d.readKey(at)
		if !good {
			return 0, value, false
		}
		isScale, isValue := string(key) == "scale", string(key) == "value"
		at = d.space(d.space(s.to+1) + 1)
		next, good := d.skip(at, d.level)
		switch {
		case !good, isScale && scaled, isValue && valued:
			return 0, value, false
		case isScale:
			n, err := strconv.Atoi(string(d.buf[at:next]))
			if err != nil || n < -mostVariable || n > mostVariable {
				return 0, value, false
			}
			scale, scaled = n, true
		case isValue:
			if d.buf[at] != '"' {
				return 0, value, false
			}
			value, _ = d.str(at)
			valued = true
		}
		if at, done, good = d.further(next); !good {
			return 0, value, false
		}
	}
	return scale, value, scaled && valued
}

// unbase decodes base64 into d.binary. It rejects what is none.
func (d *Decoder) unbase(column int, text []byte, in place) bool {
	n := base64.StdEncoding.DecodedLen(len(text))
	if cap(d.binary) < n {
		d.binary = make([]byte, n)
	}
	n, err := base64.StdEncoding.Strict().Decode(d.binary[:n], text)
	d.binary = d.binary[:n]
	if err != nil {
		d.reject(column, ReasonType, "text in base64, as its schema says", in)
	}
	return err == nil
}
