package conform

import "encoding/binary"

// template is how a record was written from which the decoder learned: the next
// one is expected to look the same but for its values.
type template struct {
	items   []item
	missing []int // columns that have no item, or come from within one
	told    []int // differences of its items

	// A record that took the general parser is learned from if most since the last
	// time did. Each time so many more have to, so that records without a common
	// shape do not make the decoder learn for ever.
	rows, strangers int
	patience        int
	inRow           int // records in a row that did not keep to its order
	astray          int // records that will not be compared with it
}

// item is one key of a template: what stands from behind the value before it to
// its own value, and how that is read.
type item struct {
	words  [4]uint64 // the literal's first 32 bytes
	masks  [4]uint64 // and which of them it has
	rest   []byte    // the bytes behind the first 24
	length int

	odd    bool // it has rest or slot
	class  class
	stride class // the same if strideMembers reads it, else classOther
	column int32 // −1: none
	of     *column
	rank   int32
	slot   int32  // the difference that must have been shown, −1: none
	key    []byte // of an item without a column
}

const (
	mostStrayed   = 3  // keys out of order until a record is compared no further
	mostInRow     = 4  // such records in a row
	astrayFor     = 16 // until so many are not compared at all
	leastPatience = 2
	mostPatience  = 1 << 12
	mostItems     = 1 << 10
	mostLiteral   = 1 << 10 // bytes in front of a value
)

// whole reports whether all of a template was followed.
func (t *template) whole(items int) bool { return items > 0 && items == len(t.items) }

// lost reports whether records keep to no order of late.
func (t *template) lost() bool { return t.astray > 0 }

// strayed is how many keys of a record are out of order before any was read.
func (t *template) strayed() int {
	if !t.lost() {
		return 0
	}
	t.astray--
	return mostStrayed
}

// loseWay notes a record that does not keep to the template's order.
func (t *template) loseWay() {
	if t.inRow++; t.inRow >= mostInRow {
		t.astray = astrayFor
	}
}

// met counts records that were as expected.
func (t *template) met(records int) {
	t.rows += records
	t.inRow = 0
}

// missed counts one that was not. It reports whether to learn from it.
func (t *template) missed() bool {
	t.rows++
	t.strangers++
	if t.strangers <= t.patience {
		return false
	}
	often := 2*t.strangers > t.rows
	t.rows, t.strangers = 0, 0
	t.patience = min(2*t.patience, mostPatience)
	return often
}

// forget makes the decoder learn anew.
func (d *Decoder) forget() {
	patience := max(d.learned.patience, leastPatience)
	d.learned = template{items: d.learned.items[:0], missing: d.learned.missing[:0], told: d.learned.told[:0], patience: patience}
	for i := range d.slots {
		d.slots[i].item = -1
	}
}

// bytes is the memory that the template holds.
func (t *template) bytes() int64 {
	n := int64(cap(t.items)) * 128
	for i := range t.items {
		n += int64(cap(t.items[i].rest) + cap(t.items[i].key))
	}
	return n
}

// learn makes a template of the object at pos, which was accepted.
func (d *Decoder) learn(pos int) {
	t := &d.learned
	t.items, t.missing, t.told, t.astray = t.items[:0], t.missing[:0], t.told[:0], 0
	for i := range d.slots {
		d.slots[i].item = -1
	}
	from := pos
	at := d.space(pos + 1)
	for d.peek(at) == '"' && len(t.items) < mostItems {
		s, key, _ := d.readKey(at)
		value := d.space(d.space(s.to+1) + 1)
		it := d.newItem(key, d.peek(value))
		if it.column >= 0 {
			c := &d.slots[it.column]
			if c.rank != it.rank { // a record with two names of a column has no template
				d.forget()
				return
			}
			c.item, it.of = int32(len(t.items)), c
		}
		if value-from > mostLiteral {
			d.forget()
			return
		}
		end, _ := d.skip(value, 1)
		if it.class == classNull {
			value = end
		}
		it.expect(d.buf[from : value+it.class.quotes()])
		t.items = append(t.items, it)
		if it.slot >= 0 {
			t.told = append(t.told, int(it.slot))
		}
		from = end
		at = d.space(d.space(end) + 1)
	}
	for i := range d.columns {
		if d.columns[i].item < 0 {
			t.missing = append(t.missing, i)
		}
	}
}

// newItem is the item of a key whose value begins with c.
func (d *Decoder) newItem(key []byte, c byte) item {
	column, rank, known := d.plan.keys.find(key)
	if !known {
		return item{class: classDropped, column: -1, slot: int32(d.drift.extraKey(key, "")), key: append([]byte(nil), key...)}
	}
	it := item{class: d.slots[column].classFor(c), column: int32(column), rank: int32(rank), slot: -1}
	if rank > 0 {
		it.slot = int32(d.drift.alias(column, rank))
	}
	return it
}

// expect sets what stands in front of the value.
func (it *item) expect(literal []byte) {
	var words [32]byte
	it.length = len(literal)
	n := copy(words[:], literal)
	it.rest = append([]byte(nil), literal[min(n, 24):]...)
	for i := range it.words {
		it.words[i] = binary.LittleEndian.Uint64(words[8*i:])
		it.masks[i] = lowBytes(min(max(n-8*i, 0), 8))
	}
	it.odd = len(it.rest) > 0 || it.slot >= 0
	it.stride = classOther
	if it.column >= 0 && it.slot < 0 && it.length <= len(words) {
		it.stride = it.class
	}
}
