package conform

import (
	"bytes"
	"unicode/utf8"
)

// quickLine decodes a line without quotes whose fields are all written in the ordinary way,
// each from where the one before has ended. It reports false for whatever else, which it
// leaves to bareCells and cell, and never rejects (F4): nothing of what it did counts then.
func (d *Decoder) quickLine(h *header, from, to int) bool {
	pos, stop := from, uint64(d.plan.csv.separator)*lows
	i := 0
	if d.begun.next > 0 {
		i, pos = d.begun.next, d.begun.place
	}
	for ; i < len(h.fields); i++ {
		if d.strides {
			if i, pos = strideFields(d, i, pos, to); i == len(h.fields) {
				break
			}
		}
		f := &h.fields[i]
		c := &d.columns[f.column]
		if pos >= to || d.buf[pos] == byte(stop) {
			if pos > to || !d.plan.csv.emptyNull || c.required {
				return false
			}
			d.setNull(c)
			pos++
			continue
		}
		var next int
		switch f.class {
		case classText:
			key, n := keyOf(twoWords(d.buf, pos), stop)
			if e := c.index.at(key); e.key == key && n < 16 {
				c.codes[d.row] = e.code
				next = pos + n
			} else {
				next = d.quickBare(c, pos, to)
			}
		case classWhole:
			next = d.quickWhole(c, pos)
		case classDecimal:
			next = d.quickDecimal(int(f.column), pos, silent)
		case classMoment:
			c.ints[d.row], next = d.momentAt(pos)
		case classDate:
			c.ints[d.row], next = d.dayAt(pos)
		case classDouble:
			next = d.quickDouble(int(f.column), pos)
		case classEpoch:
			next = d.quickEpoch(c, pos)
		}
		if next == 0 || d.buf[next] != byte(stop) && next != to {
			return false
		}
		pos = next + 1
	}
	if pos != to+1 {
		return false
	}
	d.heard(h)
	for _, column := range h.missing {
		d.missing(column)
	}
	return true
}

// quickBare reads a text up to the separator, or to the end of the line, that is not in the
// first slot where it may be. It returns the place behind it, 0: it needs a closer look.
func (d *Decoder) quickBare(c *column, pos, to int) int {
	n := bytes.IndexByte(d.buf[pos:to], d.plan.csv.separator)
	if n < 0 {
		n = to - pos
	}
	text := d.buf[pos : pos+n]
	if n < 16 {
		if code, ok := c.index.find(shortKey(twoWords(d.buf, pos), n)); ok && !c.index.off {
			c.codes[d.row] = code
			return pos + n
		}
	}
	if n >= maxText || !plain(text) || !utf8.Valid(text) {
		return 0
	}
	c.codes[d.row] = c.index.add(text, true, d.row)
	return pos + n
}
