package conform

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

const (
	wantText    = "text under 1,000,000 bytes"
	wantDigits  = "a number under 100,000 bytes"
	endOfRecord = ", but the record ends"
)

// value decodes the value at pos into a column. It returns the place behind it; a
// value that the column cannot hold rejects the record and is read over.
func (d *Decoder) value(column, pos int) (int, bool) {
	switch c := d.peek(pos); {
	case d.slots[column].json:
		return d.asJSON(column, pos, d.level)
	case d.slots[column].nest != nil:
		return d.nested(column, pos, d.level)
	case c == '"':
		s, ok := d.str(pos)
		if ok {
			d.setText(column, s)
		}
		return s.to + 1, ok
	case c == '-' || c-'0' <= 9:
		next, ok := d.number(pos)
		if ok {
			d.setNumber(column, pos, next)
		}
		return next, ok
	case c == 'n':
		next, ok := d.word(pos, "null")
		if ok {
			if d.slots[column].required {
				d.reject(column, ReasonRequired, "a value, not null", place{pos, 0})
			} else {
				d.setNull(&d.slots[column])
			}
		}
		return next, ok
	case c == 't', c == 'f':
		next, ok := d.scalar(pos)
		switch col := &d.slots[column]; {
		case !ok:
		case col.kind != schema.Boolean:
			d.unfit(column, ReasonType, pos, next-pos)
		default:
			col.ints[d.row] = 0
			if c == 't' {
				col.ints[d.row] = 1
			}
		}
		return next, ok
	case c == '{' && d.slots[column].variable():
		return d.variable(column, pos)
	default:
		next, ok := d.skip(pos, d.level)
		if ok {
			d.unfit(column, ReasonType, pos, next-pos)
		}
		return next, ok
	}
}

func (d *Decoder) setNull(c *column) {
	if c.nest != nil {
		c.clear(d.row)
		c.v.SetMark(d.row, d.row+1, batch.Null)
		return
	}
	c.v.SetMark(d.row, d.b.Rows, batch.Null)
	if c.ints != nil {
		c.ints[d.row] = 0
	} else {
		c.codes[d.row] = 0
	}
}

// setText gives a column the text s.
func (d *Decoder) setText(column int, s span) {
	if s.to-s.from >= maxText && !(s.escaped && s.to-s.from < 6*maxText) {
		d.reject(column, ReasonLimit, wantText, place{s.from - 1, s.to - s.from + 2})
		return
	}
	text := d.buf[s.from:s.to]
	if s.high && !utf8.Valid(text) {
		d.reject(column, ReasonEncoding, "text in UTF-8", place{s.from + invalidAt(text), 1})
		return
	}
	if s.escaped {
		var lone int
		if text, lone = d.unescape(s); lone >= 0 {
			d.reject(column, ReasonEncoding, "surrogates in pairs", place{lone, 6})
			return
		}
		if len(text) >= maxText {
			d.reject(column, ReasonLimit, wantText, place{s.from - 1, s.to - s.from + 2})
			return
		}
	}
	d.put(column, text, !s.escaped || plain(text), place{s.from - 1, s.to - s.from + 2})
}

// put gives a column a text that stands at a place and is within its limits; it is
// plain if JSON can hold it as it stands.
func (d *Decoder) put(column int, text []byte, plain bool, in place) {
	c := &d.slots[column]
	if c.sent != nil && d.sentText(c, text, in) {
		return
	}
	reason := ""
	switch c.kind {
	case schema.String:
		c.codes[d.row] = c.index.add(text, plain, d.row)
	case schema.Boolean:
		reason = ReasonType
	case schema.Binary:
		reason = d.setBinary(c, text)
	case schema.Date, schema.Timestamp:
		c.ints[d.row], reason = c.time(text)
	default:
		switch {
		case len(text) >= maxDigits:
			d.reject(column, ReasonLimit, wantDigits, in)
		case !isNumber(text):
			reason = ReasonType
		default:
			d.setNumeral(column, text, in.at, in.length)
		}
	}
	if reason != "" {
		d.unfit(column, reason, in.at, in.length)
	}
}

// setBinary decodes base64, in the alphabet and with the padding of RFC 4648.
func (d *Decoder) setBinary(c *column, text []byte) string {
	n := base64.StdEncoding.DecodedLen(len(text))
	if cap(d.binary) < n {
		d.binary = make([]byte, n)
	}
	n, err := base64.StdEncoding.Strict().Decode(d.binary[:n], text)
	if err != nil {
		return ReasonType
	}
	c.codes[d.row] = c.index.add(d.binary[:n], false, d.row)
	return ""
}

// setNumber gives a column the number buf[pos:next].
func (d *Decoder) setNumber(column, pos, next int) {
	c := &d.slots[column]
	switch token := d.buf[pos:next]; {
	case c.sent != nil && d.sentNumber(c, pos, next):
	case c.kind == schema.String, c.kind == schema.Boolean, c.kind == schema.Binary:
		d.unfit(column, ReasonType, pos, next-pos)
	case len(token) >= maxDigits:
		d.reject(column, ReasonLimit, wantDigits, place{pos, next - pos})
	case c.isTime():
		at, reason := c.epoch(token)
		if reason != "" {
			d.unfit(column, reason, pos, next-pos)
		}
		c.ints[d.row] = at
	default:
		if c.fractions() && isWhole(token) {
			d.widened(column, pos, next-pos)
		}
		d.setNumeral(column, token, pos, next-pos)
	}
}

// fractions reports whether the column holds more than whole numbers.
func (f *field) fractions() bool {
	return f.scale > 0 || f.kind == schema.Float || f.kind == schema.Double
}

// setNumeral gives a numeric column the number that token says.
func (d *Decoder) setNumeral(column int, token []byte, at, length int) {
	c := &d.slots[column]
	if c.kind == schema.Float || c.kind == schema.Double {
		bits := 64
		if c.kind == schema.Float {
			bits = 32
		}
		x, ok := float(token, bits)
		if !ok {
			d.unfit(column, ReasonOverflow, at, length)
			return
		}
		c.ints[d.row] = int64(math.Float64bits(x))
		return
	}
	n := readNumeral(token)
	x, reason := n.scaled(c.scale, c.digits)
	limit := c.limit
	if n.negative {
		limit = c.lowest
	}
	if reason == "" && x > limit {
		reason = ReasonOverflow
	}
	if reason != "" {
		d.unfit(column, reason, at, length)
		return
	}
	v := int64(x)
	if n.negative {
		v = -v
	}
	c.ints[d.row] = v
}

// float returns the binary number nearest to token, false if there is none.
func float(token []byte, bits int) (float64, bool) {
	if n := readNumeral(token); bits == 64 && n.count <= 15 && n.exponent >= -22 && n.exponent <= 22 {
		// Both are exact, so the one operation rounds once.
		x := float64(n.digits)
		if n.exponent < 0 {
			x /= exact10[-n.exponent]
		} else {
			x *= exact10[n.exponent]
		}
		if n.negative {
			x = -x
		}
		return x, true
	}
	x, err := strconv.ParseFloat(string(token), bits)
	return x, err == nil
}
