package conform

import (
	"bytes"
	"encoding/binary"
)

// follow decodes as many items of the template from item i on as stand at pos, as
// short cuts. It returns the item that did not come and the place behind the last
// that did, from which the general parser goes on.
//
// It may be led astray by what is left in the padding behind the record, and then
// returns a place behind its end: nothing of what it did counts.
func (d *Decoder) follow(i, pos int) (int, int) {
	last := pos // the item in front of item i
	from := i
	if i == 0 && d.begun.next > 0 {
		i, pos, last = d.begun.next, d.begun.place, d.begun.before
		d.begun.next = 0
	}
	for items := d.learned.items; i < len(items); i++ {
		if d.strides {
			if i, pos, last = strideMembers(d, i, pos, last); i == len(items) {
				break
			}
		}
		it := &items[i]
		w := threeWords(d.buf, pos)
		if (binary.LittleEndian.Uint64(w[:])^it.words[0])&it.masks[0]|
			(binary.LittleEndian.Uint64(w[8:])^it.words[1])&it.masks[1]|
			(binary.LittleEndian.Uint64(w[16:])^it.words[2])&it.masks[2] != 0 {
			break
		}
		// A value that begins in the record is read to at most 33 bytes behind its end,
		// and the 24 bytes behind that are within batch.Padding.
		value := pos + it.length
		if value >= d.end || it.odd && !d.asExpected(it, pos) {
			break
		}
		var next int
		switch c := it.of; it.class {
		case classText: // quickText, inline
			b := twoWords(d.buf, value)
			n := textEnd(b, quotes8)
			key := keyOfText(b, n)
			if e := c.index.at(key); e.key == key && n < 16 {
				c.codes[d.row] = e.code
				next = value + n + 1
			} else if n < 16 {
				next = d.quickFind(c, key, value, n)
			} else {
				next = d.quickLong(c, value)
			}
		case classWhole:
			next = d.quickWhole(c, value)
		case classDecimal:
			next = d.quickDecimal(int(it.column), value, d.widens(int(it.column)))
		case classMoment:
			next = d.quickMoment(c, value)
		default:
			next = d.quick(it.class, int(it.column), value)
		}
		if next == 0 {
			break
		}
		last, pos = pos, next
	}
	if i > from && pos < d.end && d.learned.items[i-1].class.numeric() && !ends(d.buf[pos]) {
		d.unheed(int(d.learned.items[i-1].column))
		return i - 1, last // more of the number follows, such as an exponent
	}
	return i, pos
}

// wander decodes the members behind pos by their keys, as long as these are names of columns
// in the ordinary way of writing. It returns the place behind the last, and their number
// added to n. It reports false if it rejected the record as a whole.
func (d *Decoder) wander(pos, n int) (int, int, bool) {
	for n < maxKeys-1 {
		name, value := d.nextKey(pos)
		if name == nil || name.rank > 0 || d.slots[name.column].stamp == d.stamp {
			break
		}
		c := &d.slots[name.column]
		quotes, next := 0, 0
		if d.buf[value] == '"' {
			quotes = 1
		}
		if k := c.usual; quotes == k.quotes() && k != classWithin {
			if k == classText {
				next = d.quickText(c, value+quotes)
			} else {
				next = d.quick(k, int(name.column), value+quotes)
			}
			if next >= d.end || !ends(d.buf[next]) {
				next = 0
			}
		}
		if next > 0 {
			c.stamp, c.rank = d.stamp, 0
			d.have++
		} else {
			d.unheed(int(name.column))
			var ok bool
			if next, _, ok = d.columnValue(int(name.column), 0, value, 0); !ok {
				return 0, 0, false
			}
		}
		n++
		pos = next
	}
	return pos, n, true
}

// airyFor is for how many members it is not asked whether anything stands between keys and
// values, once something did.
const airyFor = 256

// nextKey finds the name that stands behind a comma behind the value that ends at pos, and the
// value behind its colon, with no more than a few spaces between them; nil: it is not so.
func (d *Decoder) nextKey(pos int) (name *nameSlot, value int) {
	// From a place within the record, no more than batch.Padding is read behind it. Where
	// nothing stands between, the processor goes ahead of what these branches find; where
	// they would be guessed wrong, they are left out for a while.
	odd := uint64(0)
	if d.airy > 0 {
		d.airy--
	}
	if d.airy == 0 && d.buf[pos] == ',' && d.buf[pos+1] == '"' {
		pos += 2
	} else {
		n, o := blanks(word(d.buf, pos))
		m, p := blanks(word(d.buf, pos+n+1))
		if d.buf[pos+n] != ',' || d.buf[pos+n+1+m] != '"' {
			return nil, 0
		}
		pos, odd = pos+n+m+2, o|p
	}
	key, n, ok := nameKeyOf(threeWords(d.buf, pos))
	pos += n + 1
	if d.airy == 0 && d.buf[pos] == ':' && d.buf[pos+1] > ' ' {
		value = pos + 1
	} else {
		if d.airy == 0 {
			d.airy = airyFor
		}
		n, o := blanks(word(d.buf, pos))
		m, p := blanks(word(d.buf, pos+n+1))
		if d.buf[pos+n] != ':' {
			return nil, 0
		}
		value, odd = pos+n+m+1, odd|o|p
	}
	if !ok || odd != 0 || value >= d.end {
		return nil, 0
	}
	return d.plan.keys.quick(key), value
}

// asExpected looks at what most items do not have: more than 24 bytes in front of
// the value at pos, and a difference to the schema that must have been told.
func (d *Decoder) asExpected(it *item, pos int) bool {
	return bytes.Equal(it.rest, d.buf[pos+it.length-len(it.rest):pos+it.length]) &&
		(it.slot < 0 || d.shown(int(it.slot)))
}

// mark notes that items [from, to) of the template stand in the record. It reports
// false if one of them does a second time.
func (d *Decoder) mark(from, to int) bool {
	for i := from; i < to; i++ {
		it := &d.learned.items[i]
		if it.column < 0 {
			if !d.keys.add(d.buf, it.key, d.hashKey(it.key), -1) {
				return false
			}
			d.again(int(it.slot))
			continue
		}
		c := &d.slots[it.column]
		if c.stamp == d.stamp {
			return false
		}
		c.stamp, c.rank = d.stamp, it.rank
		if it.rank == 0 {
			d.have++
		}
	}
	return true
}
