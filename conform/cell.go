package conform

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/schema"
)

// csvStyle is how lines of CSV are written, compiled.
type csvStyle struct {
	separator, quote byte
	emptyNull        bool     // an empty bare field is null
	nulls            [][]byte // what else is null where it stands bare
	comma            bool     // between whole and fraction of a number
	thousands        []byte   // between groups of three digits, empty: nothing
}

func compileCSV(t *schema.Table) (csvStyle, error) {
	o := t.CSV.OrDefault()
	s := csvStyle{separator: o.Separator, quote: o.Quote, comma: o.DecimalComma, thousands: []byte(o.Thousands)}
	for _, null := range o.NullValues {
		if null == "" {
			s.emptyNull = true
		} else {
			s.nulls = append(s.nulls, []byte(null))
		}
	}
	if err := o.Validate(); err != nil {
		return s, fmt.Errorf("csv of table %s: %w", t.Name, err)
	}
	return s, nil
}

// isNull reports whether a bare field is null.
func (s *csvStyle) isNull(text []byte) bool {
	if len(text) == 0 {
		return s.emptyNull
	}
	return len(s.nulls) > 0 && slices.ContainsFunc(s.nulls, func(null []byte) bool { return bytes.Equal(null, text) })
}

// textClass is the short cut for values of the column that are mere text.
func (f *field) textClass(s *csvStyle) class {
	switch f.kind {
	case schema.String:
		if !f.json {
			return classText
		}
	case schema.Int, schema.Long:
		return classWhole
	case schema.Decimal:
		if !s.comma {
			return classDecimal
		}
	case schema.Double:
		if !s.comma {
			return classDouble
		}
	case schema.Date:
		if f.layout == "" {
			return classDate
		}
	case schema.Timestamp:
		switch {
		case f.layout != "":
		case f.unit != "":
			return classEpoch
		case f.zone == nil:
			return classMoment
		}
	}
	return classOther
}

// cell gives a column the value of a field.
func (d *Decoder) cell(f *headerField, k *cell) {
	c := &d.columns[f.column]
	from, to := int(k.from), int(k.to)
	if k.form == cellBare && (from == to || len(d.plan.csv.nulls) > 0) && d.plan.csv.isNull(d.buf[from:to]) {
		if c.required {
			d.reject(int(f.column), ReasonRequired, "a value, not null", place{from, 0})
		} else {
			d.setNull(c)
		}
		return
	}
	if from < to && k.form != cellDoubled {
		next := 0
		switch f.class {
		case classText:
			if to-from < 16 {
				d.shortText(c, from, to-from)
				return
			}
		case classWhole:
			next = d.quickWhole(c, from)
		case classDecimal:
			next = d.quickDecimal(int(f.column), from, silent)
		case classDouble:
			next = d.quickDouble(int(f.column), from)
		case classEpoch:
			next = d.quickEpoch(c, from)
		case classDate:
			if c.ints[d.row], next = d.dayAt(from); next != to {
				c.ints[d.row] = 0
			}
		case classMoment:
			if c.ints[d.row], next = d.momentAt(from); next != to {
				c.ints[d.row] = 0
			}
		}
		if next == to { // the short cut ended where the field does
			return
		}
	}
	d.cellValue(int(f.column), k)
}

// shortText gives a column a text of up to 15 bytes.
func (d *Decoder) shortText(c *column, from, n int) {
	key := shortKey(twoWords(d.buf, from), n)
	if e := c.index.at(key); e.key == key {
		c.codes[d.row] = e.code
		return
	}
	text := d.buf[from : from+n]
	c.codes[d.row] = c.index.add(text, plain(text), d.row)
}

// shortKey is keyOf for a text whose length is known.
func shortKey(b *[16]byte, n int) textKey {
	return textKey{
		binary.LittleEndian.Uint64(b[:]) & lowBytes(min(n, 8)),
		binary.LittleEndian.Uint64(b[8:])&lowBytes(max(n-8, 0)) | uint64(n+1)<<56,
	}
}

// cellValue is cell without short cuts, for a field that is not null.
func (d *Decoder) cellValue(column int, k *cell) {
	text := d.buf[k.from:k.to]
	at := place{int(k.from), len(text)}
	if k.form != cellBare {
		at.at, at.length = at.at-1, at.length+2
	}
	if k.form == cellDoubled {
		text = d.undouble(text)
	}
	d.bareText(column, text, at)
}

// bareText gives a column what a text says that stands at a place, without quotes or
// anything else that tells its kind.
func (d *Decoder) bareText(column int, text []byte, at place) {
	c := &d.columns[column]
	if len(text) >= maxText {
		d.reject(column, ReasonLimit, wantText, at)
		return
	}
	if c.nest != nil {
		d.unfit(column, ReasonType, at.at, at.length)
		return
	}
	reason := ""
	switch c.kind {
	case schema.Boolean:
		x, ok := truth(text)
		if c.ints[d.row] = x; !ok {
			reason = ReasonType
		}
	case schema.Date, schema.Timestamp:
		if c.ints[d.row], reason = c.time(text); reason == ReasonTime && c.unit != "" && isNumber(text) {
			c.ints[d.row], reason = c.epoch(text)
		}
	case schema.String, schema.Binary:
		if c.json && !json.Valid(text) {
			reason = ReasonType
			break
		}
		d.put(column, text, plain(text), at)
	default:
		if s := &d.plan.csv; s.comma || len(s.thousands) > 0 {
			var ok bool
			if d.binary, ok = s.number(d.binary[:0], text); !ok {
				reason = ReasonType
				break
			}
			text = d.binary
		}
		d.put(column, text, true, at)
	}
	if reason != "" {
		d.unfit(column, reason, at.at, at.length)
	}
}

// undouble returns a text in which of two quotes one is left, valid until the next
// call.
func (d *Decoder) undouble(text []byte) []byte {
	quote := d.plan.csv.quote
	out := d.text[:0]
	for {
		i := bytes.IndexByte(text, quote)
		if i < 0 {
			break
		}
		out = append(out, text[:i+1]...)
		text = text[i+2:]
	}
	out = append(out, text...)
	d.text = out
	return out
}

// truth reads true or false in any case, 1 or 0.
func truth(text []byte) (x int64, ok bool) {
	switch {
	case string(text) == "1", len(text) == 4 && strings.EqualFold(string(text), "true"):
		return 1, true
	case string(text) == "0", len(text) == 5 && strings.EqualFold(string(text), "false"):
		return 0, true
	}
	return 0, false
}

// number appends a number as JSON writes it to out, for one with groups of digits
// or a comma. It reports false where the groups are not of three digits, or a point
// stands where a comma is meant to. What else is wrong is left to isNumber.
func (s *csvStyle) number(out, text []byte) (number []byte, ok bool) {
	if len(text) > 0 && text[0] == '-' {
		out, text = append(out, '-'), text[1:]
	}
	point := byte('.')
	if s.comma {
		point = ','
	}
	whole, rest := text, []byte(nil)
	if i := bytes.IndexByte(text, point); i >= 0 {
		whole, rest = text[:i], text[i:]
	}
	if len(s.thousands) > 0 && bytes.Contains(whole, s.thousands) {
		for first, more := true, true; more; first = false {
			var group []byte
			group, whole, more = bytes.Cut(whole, s.thousands)
			if len(group) != 3 && (!first || len(group) == 0 || len(group) > 3) || !allDigits(group) {
				return out, false
			}
			out = append(out, group...)
		}
	} else {
		out = append(out, whole...)
	}
	if s.comma && (bytes.IndexByte(out, '.') >= 0 || bytes.IndexByte(rest, '.') >= 0) {
		return out, false
	}
	if len(rest) > 0 {
		out = append(append(out, '.'), rest[1:]...)
	}
	return out, true
}

func allDigits(text []byte) bool {
	for _, c := range text {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}
