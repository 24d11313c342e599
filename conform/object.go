package conform

import (
	"bytes"
	"hash/maphash"
	"unicode/utf8"
)

// record decodes the value buf[at:end] into its row.
func (d *Decoder) record(at int) {
	pos, ok := d.opening(at)
	if ok {
		d.object(pos)
	}
}

// opening finds the brace that opens the object, from pos on. It rejects what is no object.
func (d *Decoder) opening(pos int) (int, bool) {
	if pos+1 < d.end && d.buf[pos] == '{' && d.buf[pos+1] != 0 {
		return pos, true
	}
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

// object decodes the object that opens at pos, behind which the record ends, unless d.inner.
func (d *Decoder) object(pos int) {
	d.drift.heeded = d.drift.heeded[:0]
	if !d.plain {
		item, next := 0, pos
		if !d.learned.lost() {
			item, next = d.follow(0, pos)
		}
		if at := d.space(next); d.learned.whole(item) && d.peek(at) == '}' && (d.inner || d.space(at+1) == d.end) {
			for _, column := range d.learned.missing {
				if c := &d.columns[column]; c.outer == 0 || d.slots[c.outer].item < 0 || !d.within[c.node] {
					d.missing(column)
				}
			}
			d.heed()
			for _, i := range d.learned.told {
				d.again(i)
			}
			d.learned.met(1)
			d.behind = at + 1
			return
		}
		if next <= d.end {
			good := d.members(pos, next, item)
			d.heed()
			if good && !d.bad && d.learned.missed() {
				d.learn(pos)
			}
			return
		}
	}
	d.plainly(pos)
}

// plainly decodes a record by the general parser alone, from its beginning: where
// short cuts would have to reject it, or went astray behind its end.
func (d *Decoder) plainly(pos int) {
	was := d.plain
	d.drift.heeded = d.drift.heeded[:0]
	d.plain, d.bad, d.b.Rejects = true, false, d.b.Rejects[:d.rejects]
	d.members(pos, pos, 0)
	d.plain = was
}

// members decodes the object that opens at pos, of which a short cut has done as
// many items of the template as it says, up to next. It reports false if it
// rejected the record, or left that to plainly.
func (d *Decoder) members(pos, next, items int) bool {
	d.nextStamp()
	d.keys.begin(d.stamp)
	d.have = 0
	if !d.mark(0, items) {
		d.plainly(pos)
		return false
	}
	at, n := next, items
	strayed := d.learned.strayed() // keys that were not what the template has behind the one before
	for {
		at = d.space(at)
		c := d.peek(at)
		if n == 0 {
			at = d.space(at + 1)
			if d.peek(at) == '}' {
				break
			}
		} else {
			if c == '}' {
				break
			}
			if c != ',' {
				d.unexpected("a comma or the end of the object", at)
				return false
			}
			at = d.space(at + 1)
		}
		if n++; n >= maxKeys {
			d.fail(ReasonLimit, "fewer than 100,000 keys", at, 0)
			return false
		}
		var ok bool
		if at, items, ok = d.member(at, items); !ok {
			return false
		}
		if d.plain {
			continue
		}
		if strayed == mostStrayed {
			if at, n, ok = d.wander(at, n); !ok {
				return false
			}
			continue
		}
		more, next := items, at
		if items > 0 { // item 0 begins with the brace that opens the object
			more, next = d.follow(items, at)
		}
		if strayed++; more > items {
			strayed = 0
		} else if strayed == mostStrayed {
			d.learned.loseWay()
		}
		if next > d.end || !d.mark(items, more) {
			d.plainly(pos)
			return false
		}
		n += more - items
		at, items = next, more
	}
	at = d.space(at + 1)
	if at < d.end && !d.inner {
		d.fail(ReasonTrailing, "nothing after the object", at, d.end-at)
		return false
	}
	d.fill()
	d.behind = at
	return true
}

// fill deals with the columns that had no key.
func (d *Decoder) fill() {
	if d.have == d.plan.atOnce {
		return
	}
	for i := range d.columns {
		switch c := &d.columns[i]; {
		case c.outer > 0:
			if d.slots[c.outer].stamp != d.stamp || !d.within[c.node] {
				d.missing(i)
			}
		case c.stamp != d.stamp:
			d.missing(i)
		case c.rank > 0:
			d.show(d.drift.alias(i, int(c.rank)))
		}
	}
}

// member decodes one key and its value. It returns the place behind them, and the
// item of the template that should come next: the one behind this key, or the one
// given where the template does not have it.
func (d *Decoder) member(pos, item int) (next, after int, ok bool) {
	if !d.plain {
		if n, next := d.quickKey(&d.plan.keys, pos); next > 0 {
			if n.rank == 0 && d.slots[n.column].stamp != d.stamp {
				return d.columnValue(int(n.column), 0, next, item)
			}
		}
	}
	s, key, ok := d.readKey(pos)
	if !ok {
		return 0, 0, false
	}
	next = d.space(s.to + 1)
	if d.peek(next) != ':' {
		d.unexpected("a colon", next)
		return 0, 0, false
	}
	next = d.space(next + 1)
	column, rank, known := d.plan.keys.find(key)
	if !known {
		next, ok = d.extra(s, key, next)
		return next, item, ok
	}
	if c := &d.slots[column]; c.stamp == d.stamp {
		switch {
		case c.rank == int32(rank):
			d.fail(ReasonDuplicate, "each key once", s.from-1, s.to-s.from+2)
			return 0, 0, false
		case c.rank < int32(rank): // the better name has come already
			next, ok = d.extra(s, key, next)
			return next, item, ok
		}
		d.supersede(column)
	}
	return d.columnValue(column, rank, next, item)
}

// quickKey finds a key without escapes among names, and the value behind its colon;
// next is 0 for any other key.
func (d *Decoder) quickKey(names *nameTable, pos int) (name *nameSlot, next int) {
	if d.peek(pos) != '"' {
		return nil, 0
	}
	key, n, ok := nameKeyOf(threeWords(d.buf, pos+1))
	if !ok {
		return nil, 0
	}
	colon := d.space(pos + n + 2)
	if name = names.quick(key); name == nil || d.peek(colon) != ':' {
		return nil, 0
	}
	if next = d.space(colon + 1); next >= d.end {
		return nil, 0
	}
	return name, next
}

// columnValue decodes the value at pos into a column that comes under the name of
// a rank. The rest is as member has it.
func (d *Decoder) columnValue(column, rank, pos, item int) (next, after int, ok bool) {
	c := &d.slots[column]
	c.stamp, c.rank = d.stamp, int32(rank)
	if rank == 0 {
		d.have++
	}
	if c.item >= 0 {
		item = int(c.item) + 1
	}
	if c.usual == classWithin {
		next, ok = d.field(c, pos)
		return next, item, ok
	}
	if !d.plain {
		quotes := 0
		if d.peek(pos) == '"' {
			quotes = 1
		}
		if k := c.usual; quotes == k.quotes() {
			if end := d.quick(k, column, pos+quotes); end > 0 && end < d.end && ends(d.buf[end]) {
				return end, item, true
			}
			d.unheed(column)
		}
	}
	next, ok = d.value(column, pos)
	return next, item, ok
}

// readKey reads the key at pos.
func (d *Decoder) readKey(pos int) (s span, key []byte, ok bool) {
	if d.peek(pos) != '"' {
		d.unexpected("a key in double quotes", pos)
		return s, nil, false
	}
	if s, ok = d.str(pos); !ok {
		return s, nil, false
	}
	key = d.buf[s.from:s.to]
	if s.escaped {
		var at int
		if key, at = d.unescape(s); at >= 0 {
			d.fail(ReasonEncoding, "a key whose surrogates come in pairs", at, 0)
			return s, nil, false
		}
	}
	if s.high && !utf8.Valid(key) {
		d.fail(ReasonEncoding, "a key in UTF-8", s.from+invalidAt(d.buf[s.from:s.to]), 0)
		return s, nil, false
	}
	return s, key, true
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
	alias := []byte(c.aliases[c.rank-1])
	d.keys.add(d.buf, alias, d.hashKey(alias), -1)
	d.extraneous(alias, "", -1, 0)
}

// extra reads over the value of a key that has no column.
func (d *Decoder) extra(s span, key []byte, pos int) (int, bool) {
	at := s.from
	if s.escaped {
		at = -1
	}
	if !d.keys.add(d.buf, key, d.hashKey(key), at) {
		d.fail(ReasonDuplicate, "each key once", s.from-1, s.to-s.from+2)
		return 0, false
	}
	next, ok := d.skip(pos, d.level)
	if ok {
		d.extraneous(key, kindOf(d.buf[pos]), s.from-1, s.to-s.from+2)
	}
	return next, ok
}

func (d *Decoder) hashKey(key []byte) uint64 { return maphash.Bytes(d.seed, key) }

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
