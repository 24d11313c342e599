package conform

import "encoding/binary"

// follow decodes as many items of the template from item i on as stand at pos, as
// short cuts. It returns the item that did not come and the place behind the last
// that did, from which the general parser goes on.
//
// It may be led astray by what is left in the padding behind the record, and then
// returns a place behind its end: nothing of what it did counts.
func (d *Decoder) follow(i, pos int) (int, int) {
	before := pos // the item in front of item i
	items := d.learned.items
	for first := i; ; i++ {
		if i < len(items) {
			it := &items[i]
			w := d.buf[pos : pos+24]
			if (binary.LittleEndian.Uint64(w)^it.words[0])&it.masks[0]|
				(binary.LittleEndian.Uint64(w[8:])^it.words[1])&it.masks[1]|
				(binary.LittleEndian.Uint64(w[16:])^it.words[2])&it.masks[2] == 0 {
				value := pos + it.length
				if value < d.end && (len(it.rest) == 0 || string(it.rest) == string(d.buf[pos+24:value])) &&
					(it.slot < 0 || d.shown(int(it.slot))) {
					if next := d.quick(it.class, int(it.column), value); next > 0 {
						before, pos = pos, next
						continue
					}
				}
			}
		}
		if i > first && pos < d.end && items[i-1].class.numeric() && !ends(d.buf[pos]) {
			return i - 1, before // more of the number follows, such as an exponent
		}
		return i, pos
	}
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
			continue
		}
		c := &d.columns[it.column]
		if c.stamp == d.stamp {
			return false
		}
		c.stamp, c.rank = d.stamp, it.rank
	}
	return true
}
