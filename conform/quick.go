package conform

import (
	"math"
	"unicode/utf8"

	"tidemark/internal/avroschema"
	"tidemark/internal/schema"
)

// class is how a short cut reads a value. A short cut takes the ordinary ways to
// write a value and returns the place behind it, or 0 for whatever else it meets,
// which it leaves to the general parser. It never rejects (F4).
type class uint8

const (
	classOther       class = iota // none
	classNull                     // the word null, of a column that may be
	classDropped                  // a value without a column
	classBoolean                  //
	classWhole                    // of int and long
	classDecimal                  //
	classDecimalText              // a decimal between quotes
	classDouble                   //
	classText                     //
	classMoment                   // a timestamp as text
	classDate                     // a date as text
	classEpoch                    // a timestamp as a number
	classWithin                   // a field that columns come from within
	classJSON                     // any value but null, kept as it stands
	classUnscaled                 // a decimal as the base64 of its digits
	classCount                    // a date or a timestamp as a number that its schema says the unit of
)

// quotes is how many bytes of a value are read before its short cut: the opening
// quote of a text.
func (k class) quotes() int {
	const set = 1<<classText | 1<<classMoment | 1<<classDate | 1<<classDecimalText | 1<<classUnscaled
	return set >> k & 1
}

// numeric reports whether more of the value may follow where the short cut ends:
// it does not look at what is behind the digits.
func (k class) numeric() bool {
	const set = 1<<classWhole | 1<<classDecimal | 1<<classDouble | 1<<classEpoch | 1<<classDropped | 1<<classCount
	return set>>k&1 != 0
}

// ends reports whether a byte may stand behind a value.
func ends(c byte) bool {
	return c == ',' || c == '}' || c == ' ' || c == '\n' || c == '\r' || c == '\t'
}

// classFor is how to read a value of a column that begins with the byte c, in a
// record that was accepted: null is in order then.
func (f *field) classFor(c byte) class {
	isNumber, isText := c == '-' || c-'0' <= 9, c == '"'
	switch {
	case f.usual == classWithin:
		return classWithin
	case c == 'n':
		return classNull
	case f.json:
		return classJSON
	case f.sent != nil && isText == (f.sent.of.Kind == avroschema.Decimal || f.sent.of.Kind == bytesKind):
		return f.sentClass()
	case isText && f.kind == schema.String:
		return classText
	case isText && f.kind == schema.Decimal:
		return classDecimalText
	case isText && f.kind == schema.Timestamp && f.layout == "" && f.zone == nil:
		return classMoment
	case isText && f.kind == schema.Date && f.layout == "":
		return classDate
	case isNumber && (f.kind == schema.Int || f.kind == schema.Long):
		return classWhole
	case isNumber && f.kind == schema.Decimal:
		return classDecimal
	case isNumber && f.kind == schema.Double:
		return classDouble
	case isNumber && f.kind == schema.Timestamp && f.unit != "":
		return classEpoch
	case (c == 't' || c == 'f') && f.kind == schema.Boolean:
		return classBoolean
	}
	return classOther
}

// quick reads the value at pos, behind its opening quote if its class has one.
func (d *Decoder) quick(k class, column, pos int) int {
	switch k {
	case classText:
		return d.quickText(&d.columns[column], pos)
	case classWhole:
		return d.quickWhole(&d.columns[column], pos)
	case classDecimal:
		return d.quickDecimal(column, pos, d.widens(column))
	case classDecimalText:
		if next := d.quickDecimal(column, pos, silent); next > 0 && d.buf[next] == '"' {
			return next + 1
		}
	case classMoment:
		return d.quickMoment(&d.columns[column], pos)
	case classDate:
		return d.quickDate(&d.columns[column], pos)
	case classDouble:
		return d.quickDouble(column, pos)
	case classEpoch:
		return d.quickEpoch(&d.columns[column], pos)
	case classBoolean:
		return d.quickBoolean(&d.columns[column], pos)
	case classDropped:
		return d.quickDrop(pos)
	case classWithin:
		return d.quickField(&d.slots[column], pos)
	case classJSON:
		return d.quickJSON(column, pos)
	case classUnscaled:
		return d.quickUnscaled(&d.columns[column], pos)
	case classCount:
		return d.quickCount(&d.columns[column], pos)
	case classNull:
		d.setNull(&d.columns[column]) // the word is part of what was compared
		return pos
	}
	return 0
}

// widens tells what a whole number in a column counts for.
func (d *Decoder) widens(column int) wideness {
	if !d.columns[column].fractions() {
		return silent
	}
	if i := d.drift.widen(column); d.plan.table.Evolution.Widen == schema.Accept && d.shown(i) {
		return wideness(i)
	}
	return unheard
}

// wideness is the difference that a whole number counts for where a fraction may stand.
type wideness int

const (
	silent  wideness = -1 // it is none
	unheard wideness = -2 // it has yet to be told
)

// digitsAt reads a minus and up to 19 digits without zeros in front.
func (d *Decoder) digitsAt(pos int) (v uint64, n, next int, negative bool) {
	w := word(d.buf, pos)
	if byte(w) == '-' {
		negative = true
		pos++
		w = word(d.buf, pos)
	}
	values, n := digits(w)
	if n == 0 || byte(values) == 0 && n > 1 {
		return 0, 0, 0, false
	}
	v = number(values, n)
	pos += n
	for n == 8 || n == 16 {
		values, more := digits(word(d.buf, pos))
		if n+more > 19 {
			return 0, 0, 0, false
		}
		if more == 0 {
			break
		}
		v = v*pow10[more] + number(values, more)
		pos += more
		n += more
	}
	return v, n, pos, negative
}

func (d *Decoder) quickWhole(c *column, pos int) int {
	v, n, next, negative := d.digitsAt(pos)
	if n == 0 || v > c.limit {
		return 0
	}
	x := int64(v)
	if negative {
		x = -x
	}
	c.ints[d.row] = x
	return next
}

// quickDecimal reads a decimal of which at most 18 digits count.
func (d *Decoder) quickDecimal(column, pos int, whole wideness) int {
	c := &d.columns[column]
	v, n, next, negative := d.digitsAt(pos)
	if n == 0 || n+c.scale > 18 {
		return 0
	}
	if d.buf[next] != '.' {
		if whole == unheard {
			return 0
		}
		v *= pow10[c.scale]
		if whole >= 0 {
			d.drift.heeded = append(d.drift.heeded, int(whole))
		}
	} else {
		values, more := digits(word(d.buf, next+1))
		if more == 0 || more > c.scale {
			return 0
		}
		v = (v*pow10[more] + number(values, more)) * pow10[c.scale-more]
		next += 1 + more
	}
	if v > c.limit {
		return 0
	}
	x := int64(v)
	if negative {
		x = -x
	}
	c.ints[d.row] = x
	return next
}

// quickDouble reads a number of at most 15 digits with a point: then both the
// digits and the power of ten are exact, and one division rounds once.
func (d *Decoder) quickDouble(column, pos int) int {
	v, n, next, negative := d.digitsAt(pos)
	if n == 0 {
		return 0
	}
	more := 0
	if d.buf[next] == '.' {
		var values uint64
		values, more = digits(word(d.buf, next+1))
		if more == 0 || more == 8 {
			return 0
		}
		v = v*pow10[more] + number(values, more)
		next += 1 + more
	}
	if n+more > 15 {
		return 0
	}
	if more == 0 {
		switch w := d.widens(column); {
		case w == unheard:
			return 0
		case w >= 0:
			d.drift.heeded = append(d.drift.heeded, int(w))
		}
	}
	x := float64(v) / exact10[more]
	if negative {
		x = -x
	}
	d.columns[column].ints[d.row] = int64(math.Float64bits(x))
	return next
}

// quickEpoch reads a number of the column's unit.
func (d *Decoder) quickEpoch(c *column, pos int) int {
	v, n, next, negative := d.digitsAt(pos)
	if n == 0 || n+max(c.shift, 0) > 18 || negative {
		return 0
	}
	if c.shift < 0 {
		if v%1000 != 0 {
			return 0
		}
		v /= 1000
	} else {
		v *= pow10[c.shift]
	}
	if int64(v) > lastNumber {
		return 0
	}
	c.ints[d.row] = int64(v)
	return next
}

func (d *Decoder) quickBoolean(c *column, pos int) int {
	switch w := word(d.buf, pos); {
	case w&lowBytes(4) == 't'|'r'<<8|'u'<<16|'e'<<24:
		c.ints[d.row] = 1
		return pos + 4
	case w&lowBytes(5) == 'f'|'a'<<8|'l'<<16|'s'<<24|'e'<<32:
		c.ints[d.row] = 0
		return pos + 5
	}
	return 0
}

// quickText reads a text without escapes, behind its opening quote.
func (d *Decoder) quickText(c *column, pos int) int {
	key, n := keyOf(twoWords(d.buf, pos), quotes8)
	if n == 16 {
		return d.quickLong(c, pos)
	}
	if e := c.index.at(key); e.key == key {
		c.codes[d.row] = e.code
		return pos + n + 1
	}
	return d.quickFind(c, key, pos, n)
}

// quickFind is quickText for a text of n bytes that is not in the first slot where
// it may be.
func (d *Decoder) quickFind(c *column, key textKey, pos, n int) int {
	if c.index.off {
		return d.quickLong(c, pos)
	}
	if code, ok := c.index.find(key); ok {
		c.codes[d.row] = code
		return pos + n + 1
	}
	text := d.buf[pos : pos+n]
	if pos+n >= d.end || !plain(text) || !utf8.Valid(text) {
		return 0
	}
	c.codes[d.row] = c.index.enter(key, text, d.row)
	return pos + n + 1
}

// quickLong reads a text of 16 bytes and more, or of a column that is not searched.
func (d *Decoder) quickLong(c *column, pos int) int {
	to := d.plainEnd(pos)
	if to == 0 || to-pos >= maxText {
		return 0
	}
	if c.index.off {
		c.codes[d.row] = c.index.append(d.buf[pos:to], d.row)
		return to + 1
	}
	c.codes[d.row] = c.index.long(d.buf[pos:to], markLong, d.row)
	return to + 1
}

// plainEnd is where the text at pos ends, 0 if it needs a closer look.
func (d *Decoder) plainEnd(pos int) int {
	from, high := pos, uint64(0)
	for ; pos < d.end; pos += 8 {
		w := word(d.buf, pos)
		stop := escapes(w)
		if stop == 0 {
			high |= w
			continue
		}
		n := first(stop)
		high |= w & lowBytes(n)
		if pos += n; pos >= d.end || d.buf[pos] != '"' ||
			high&highs != 0 && !utf8.Valid(d.buf[from:pos]) {
			return 0
		}
		return pos
	}
	return 0
}

// quickDrop reads over a value without a column.
func (d *Decoder) quickDrop(pos int) int {
	if d.buf[pos] == '"' {
		if to := d.plainEnd(pos + 1); to > 0 {
			return to + 1
		}
	}
	d.trying = true
	next, ok := d.skip(pos, d.level)
	d.trying = false
	if !ok {
		return 0
	}
	return next
}
