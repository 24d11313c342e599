package conform

import (
	"bytes"
	"hash/maphash"
	"unicode/utf8"
)

// record decodes the value buf[base:end] into its row.
func (d *Decoder) record() {
	pos, ok := d.opening()
	if ok {
		d.object(pos)
	}
}

// opening finds the brace that opens the object. It rejects what is no object.
func (d *Decoder) opening() (int, bool) {
	pos := d.base
	value := d.buf[pos:d.end]
	switch {
	case bytes.HasPrefix(value, []byte("\xef\xbb\xbf")):
		pos += 3
	case bytes.HasPrefix(value, []byte("\xff\xfe")), bytes.HasPrefix(value, []byte("\xfe\xff")),
		len(value) >= 2 && (value[0] == 0) != (value[1] == 0):
		d.fail(ReasonEncoding, "UTF-8, this looks like UTF-16", pos, min(len(value), 2))
		return 0, false
	}
	pos = d.space(pos)
	if pos == d.end {
		d.fail(ReasonEmpty, "", -1, 0)
		return 0, false
	}
	if d.buf[pos] == '{' {
		return pos, true
	}
	next, ok := d.skip(pos, 0)
	if ok {
		d.fail(ReasonNotObject, "an object", pos, next-pos)
	}
	return 0, false
}

// object decodes the object that opens at pos, and whatever is behind it.
func (d *Decoder) object(pos int) {
	d.nextStamp()
	d.keys.begin(d.stamp)
	pos = d.space(pos + 1)
	if d.peek(pos) != '}' {
		for n := 1; ; n++ {
			if n >= maxKeys {
				d.fail(ReasonLimit, "fewer than 100,000 keys", pos, 0)
				return
			}
			var ok bool
			if pos, ok = d.member(pos); !ok {
				return
			}
			pos = d.space(pos)
			c := d.peek(pos)
			if c == '}' {
				break
			}
			if c != ',' {
				d.unexpected("a comma or the end of the object", pos)
				return
			}
			pos = d.space(pos + 1)
		}
	}
	pos = d.space(pos + 1)
	if pos < d.end {
		d.fail(ReasonTrailing, "nothing after the object", pos, d.end-pos)
		return
	}
	d.fill()
}

// fill deals with the columns that had no key.
func (d *Decoder) fill() {
	for i := range d.columns {
		if c := &d.columns[i]; c.stamp != d.stamp {
			d.missing(i)
		} else if c.rank > 0 {
			d.show(d.drift.alias(i, int(c.rank)))
		}
	}
}

// member decodes one key and its value. It returns the place behind them.
func (d *Decoder) member(pos int) (int, bool) {
	if d.peek(pos) != '"' {
		d.unexpected("a key in double quotes", pos)
		return 0, false
	}
	s, ok := d.str(pos)
	if !ok {
		return 0, false
	}
	key := d.buf[s.from:s.to]
	if s.escaped {
		var at int
		if key, at = d.unescape(s); at >= 0 {
			d.fail(ReasonEncoding, "a key whose surrogates come in pairs", at, 0)
			return 0, false
		}
	}
	if s.high && !utf8.Valid(key) {
		d.fail(ReasonEncoding, "a key in UTF-8", s.from+invalidAt(d.buf[s.from:s.to]), 0)
		return 0, false
	}
	next := d.space(s.to + 1)
	if d.peek(next) != ':' {
		d.unexpected("a colon", next)
		return 0, false
	}
	next = d.space(next + 1)
	column, rank, known := d.plan.names.find(key)
	if !known {
		return d.extra(s, key, next)
	}
	c := &d.columns[column]
	if c.stamp == d.stamp {
		switch {
		case c.rank == int32(rank):
			d.fail(ReasonDuplicate, "each key once", s.from-1, s.to-s.from+2)
			return 0, false
		case c.rank < int32(rank): // the better name has come already
			return d.extra(s, key, next)
		}
		d.supersede(column)
	}
	c.stamp, c.rank = d.stamp, int32(rank)
	return d.value(column, next)
}

// supersede undoes what a worse name of a column gave it in this record. The key
// that was read under that name is an extra one now.
func (d *Decoder) supersede(column int) {
	c := &d.columns[column]
	if c.v.Marks != nil {
		c.v.Marks[d.row] = 0
	}
	kept := d.b.Rejects[:d.rejects]
	for _, r := range d.b.Rejects[d.rejects:] {
		if int(r.Column) != column {
			kept = append(kept, r)
		}
	}
	d.b.Rejects = kept
	d.bad = len(kept) > d.rejects
	alias := d.columns[column].aliases[c.rank-1]
	d.extraneous([]byte(alias), "", d.base, 0)
}

// extra reads over the value of a key that has no column.
func (d *Decoder) extra(s span, key []byte, pos int) (int, bool) {
	at := s.from
	if s.escaped {
		at = -1
	}
	if !d.keys.add(d.buf, key, maphash.Bytes(d.seed, key), at) {
		d.fail(ReasonDuplicate, "each key once", s.from-1, s.to-s.from+2)
		return 0, false
	}
	next, ok := d.skip(pos, 1)
	if ok {
		d.extraneous(key, kindOf(d.buf[pos]), s.from-1, s.to-s.from+2)
	}
	return next, ok
}

// kindOf names the kind of the value that begins with c.
func kindOf(c byte) string {
	switch c {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// space returns the first place from pos on that is no white space.
func (d *Decoder) space(pos int) int {
	for pos < d.end {
		switch d.buf[pos] {
		case ' ', '\t', '\n', '\r':
			pos++
		default:
			return pos
		}
	}
	return d.end
}

// peek returns the byte at pos; behind the value there are zeros, which JSON holds
// nowhere outside of text.
func (d *Decoder) peek(pos int) byte {
	if pos < d.end {
		return d.buf[pos]
	}
	return 0
}

// unexpected rejects a record whose byte at pos is not what the syntax wants there.
func (d *Decoder) unexpected(want string, pos int) {
	if pos >= d.end {
		d.fail(ReasonSyntax, want+endOfRecord, d.end, 0)
		return
	}
	d.fail(ReasonSyntax, want, pos, 1)
}
