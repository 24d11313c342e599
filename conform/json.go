package conform

import "unicode/utf8"

// asJSON gives a column of type json the value at pos, which stands in depth objects and
// arrays, and returns the place behind it. While d.trying, it reports false in place of
// rejecting the record.
func (d *Decoder) asJSON(column, pos, depth int) (int, bool) {
	next, ok := d.pass(pos, depth)
	return next, ok && d.keep(column, pos, next)
}

// quickJSON is asJSON as a short cut, for a value at the top of a record.
func (d *Decoder) quickJSON(column, pos int) int {
	d.trying = true
	next, ok := d.asJSON(column, pos, d.level)
	d.trying = false
	if !ok {
		return 0
	}
	return next
}

// keep gives a column of type json the bytes from pos up to next, which are a value: as
// they stand, but for null. It reports false only while d.trying, where they reject the
// record.
func (d *Decoder) keep(column, pos, next int) bool {
	c, text := &d.slots[column], d.buf[pos:next]
	reason, want, length := "", "", next-pos
	switch {
	case text[0] == 'n' && !c.required:
		d.setNull(c)
	case text[0] == 'n':
		reason, want, length = ReasonRequired, "a value, not null", 0
	case len(text) >= maxText:
		reason, want = ReasonLimit, "JSON under 1,000,000 bytes"
	case !utf8.Valid(text):
		reason, want, pos, length = ReasonEncoding, "text in UTF-8", pos+invalidAt(text), 1
	default:
		c.codes[d.row] = c.index.add(text, plain(text), d.row)
	}
	if reason != "" && !d.trying {
		d.reject(column, reason, want, place{pos, length})
	}
	return reason == "" || !d.trying
}
