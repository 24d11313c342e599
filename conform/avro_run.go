package conform

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
)

// The values of a datum that have no bytes of their own, such as the nulls of an array:
// so many may come, …
const (
	freeWork = 1 << 12 // and beyond that, …
	byteWork = 64      // … for each of its bytes
)

// Bounds of times, as the texts of JSON have them: the years 1 to 9999.
const (
	firstDay    = -719162
	lastDay     = 2932896
	firstMoment = firstDay * dayMicros
	lastMoment  = (lastDay+1)*dayMicros - 1
)

// perform does what ops say from pos on, and returns the place behind the last of them. It
// is −1 where the record was rejected as a whole. What is read may lie behind the end of
// the record, in its padding: nothing of that counts, and a place behind the end says so.
func (d *Decoder) perform(w *avroWriters, ops []avroOp, pos int) int {
	buf, end, row, columns := d.buf, d.end, d.row, d.slots
	for i := range ops {
		op := &ops[i]
		if uint(pos) > uint(end) {
			return pos
		}
		if op.optional {
			b := buf[pos]
			pos++
			if b == op.null {
				d.null(op, pos-1)
				continue
			}
			if b != op.null^2 {
				var null bool
				if null, pos = d.longBranch(op, pos-1); null || pos < 0 {
					continue
				}
			}
		}
		switch op.code {
		case avroText:
			n := int(buf[pos] >> 1)
			if pos++; n > 15 || buf[pos-1]&1 != 0 {
				if n, pos = d.length(pos - 1); n < 0 {
					return -1
				}
			} else {
				c := &columns[op.column]
				key := keyOfText(twoWords(buf, pos), n)
				e := c.index.at(key)
				if e.key != key {
					e = c.index.after(key)
				}
				if e.key == key {
					c.codes[row] = e.code
					pos += n
					continue
				}
			}
			if pos += n; pos <= end {
				d.writtenText(op, pos-n, n)
			}
		case avroWhole:
			var u uint64
			var next int
			if w := word(buf, pos); ^w&highs != 0 { // varint, inline
				stop := ^w & highs
				u, next = sevens(w&(stop&-stop<<1-1)), pos+bits.TrailingZeros64(stop)>>3+1
			} else {
				u, next = longVarint(buf, pos, w)
			}
			x := zigzag(u)
			if x < op.low || x > op.high {
				if next = d.outside(op, x, pos, next); next < 0 {
					return -1
				}
				x = 0
			}
			columns[op.column].ints[row] = x * op.mul
			pos = next
		case avroEnum:
			x, next := varint(buf, pos)
			if x&1 != 0 || x>>1 >= uint64(op.size) {
				return d.noSymbol(pos, next)
			}
			code := w.codes[int(op.symbol)+int(x>>1)]
			if code < 0 {
				code = d.symbol(w, op, int(x>>1))
			}
			columns[op.column].codes[row] = code
			pos = next
		default:
			pos = d.rare(w, op, pos)
		}
	}
	return pos
}

// null gives a column null, which it may have.
func (d *Decoder) null(op *avroOp, pos int) {
	if op.node > 0 {
		d.nullWithin(&d.plan.nodes[op.node], pos)
	}
	if op.column < 0 {
		return
	}
	c := &d.slots[op.column]
	if c.required {
		d.reject(int(op.column), ReasonRequired, "a value, not null", place{pos, 0})
		return
	}
	if c.boxed {
		d.nullBoxed(int(op.column))
		return
	}
	// setNull, without asking twice which memory the column has.
	c.v.SetMark(d.row, d.b.Rows, batch.Null)
	if c.ints != nil {
		c.ints[d.row] = 0
	} else {
		c.codes[d.row] = 0
	}
}

// longBranch reads which branch of a union of two comes, where it is not written in the
// one byte that it needs.
func (d *Decoder) longBranch(op *avroOp, pos int) (null bool, next int) {
	x, next := varint(d.buf, pos)
	switch {
	case next > d.end:
		return false, d.short(pos)
	case x != 0 && x != 2:
		d.fail(ReasonSyntax, "a branch that the union has", pos, next-pos)
		return false, -1
	case byte(x) == op.null:
		d.null(op, pos)
		return true, next
	}
	return false, next
}

// length reads how many bytes follow. It is −1 where the record was rejected for it.
func (d *Decoder) length(pos int) (n, next int) {
	x, next := varint(d.buf, pos)
	if next > d.end {
		return d.short(pos), 0
	}
	if x&1 != 0 || x>>1 > uint64(d.end-next) {
		d.fail(ReasonSyntax, "a length within the record", pos, next-pos)
		return -1, 0
	}
	return int(x >> 1), next
}

// short rejects a record that ends within a value, and returns −1.
func (d *Decoder) short(pos int) int {
	d.fail(ReasonSyntax, "a value"+endOfRecord, min(pos, d.end), 0)
	return -1
}

func (d *Decoder) noSymbol(pos, next int) int {
	if next > d.end {
		return d.short(pos)
	}
	d.fail(ReasonSyntax, "a symbol that the enum has", pos, next-pos)
	return -1
}

func (d *Decoder) noTruth(pos int) int {
	if pos >= d.end {
		return d.short(pos)
	}
	d.fail(ReasonSyntax, "a boolean, which is 0 or 1", pos, 1)
	return -1
}

// notFinite rejects a number that is none, or has no end, as JSON does.
func (d *Decoder) notFinite(op *avroOp, pos, n int) {
	if pos+n <= d.end {
		d.reject(int(op.column), ReasonSyntax, "a finite number: no column holds NaN or Infinity", place{pos, n})
	}
}

// outside rejects a whole number that is beyond its column, or as a whole a record whose
// int has more than 32 bits.
func (d *Decoder) outside(op *avroOp, x int64, pos, next int) int {
	switch {
	case next > d.end:
		return next
	case op.of.Kind == intKind || op.of.Base == intKind:
		if x != int64(int32(x)) {
			d.fail(ReasonSyntax, "an int, which has 32 bits", pos, next-pos)
			return -1
		}
	}
	reason := ReasonOverflow
	if op.of.Kind >= avroschema.Date {
		reason = ReasonTime
	}
	d.unfit(int(op.column), reason, pos, next-pos)
	return next
}

// symbol gives a symbol of an enum a code.
func (d *Decoder) symbol(w *avroWriters, op *avroOp, i int) int32 {
	text := []byte(op.of.Symbols[i].Text)
	code := d.slots[op.column].index.add(text, plain(text), d.row)
	w.codes[int(op.symbol)+i] = code
	return code
}

// writtenText gives a column a text of n bytes that is not found at once.
func (d *Decoder) writtenText(op *avroOp, pos, n int) {
	c := &d.slots[op.column]
	text := d.buf[pos : pos+n]
	if n >= maxText {
		d.reject(int(op.column), ReasonLimit, wantText, place{pos, n})
		return
	}
	if !c.index.off {
		// What is in the dictionary was looked at when it came there.
		var code int32
		var ok bool
		if n > 15 {
			code, ok = c.index.findLong(text)
		} else {
			code, ok = c.index.find(keyOfText(twoWords(d.buf, pos), n))
		}
		if ok {
			c.codes[d.row] = code
			return
		}
	}
	if d.inText(op, text, pos) {
		c.codes[d.row] = c.index.add(text, plain(text), d.row)
	}
}

// inText rejects text for a column that is not UTF-8.
func (d *Decoder) inText(op *avroOp, text []byte, pos int) bool {
	if utf8.Valid(text) {
		return true
	}
	d.reject(int(op.column), ReasonEncoding, "text in UTF-8", place{pos + invalidAt(text), 1})
	return false
}

// keyOfText is keyOf for a text of n bytes, at most 15.
func keyOfText(b *[16]byte, n int) textKey {
	m := &textMasks[n&15]
	return textKey{
		binary.LittleEndian.Uint64(b[:]) & m[0],
		binary.LittleEndian.Uint64(b[8:])&m[1] | uint64(n+1)<<56,
	}
}

// textMasks are the masks of two words that hold a text, by its length.
var textMasks = [16][2]uint64{
	{}, {1<<8 - 1}, {1<<16 - 1}, {1<<24 - 1}, {1<<32 - 1}, {1<<40 - 1}, {1<<48 - 1}, {1<<56 - 1}, {1<<64 - 1},
	{1<<64 - 1, 1<<8 - 1}, {1<<64 - 1, 1<<16 - 1}, {1<<64 - 1, 1<<24 - 1}, {1<<64 - 1, 1<<32 - 1},
	{1<<64 - 1, 1<<40 - 1}, {1<<64 - 1, 1<<48 - 1}, {1<<64 - 1, 1<<56 - 1},
}

// after is the slot behind the first one where a text may be.
func (x *dictionary) after(key textKey) *entry {
	return &x.slots[(x.slot(key)+1)&(len(x.slots)-1)]
}

// findLong returns the code of a text of 16 bytes and more that needs no escapes.
func (x *dictionary) findLong(text []byte) (code int32, ok bool) {
	key := textKey{x.hash(text), uint64(len(text))&(1<<56-1) | markLong<<56}
	for i := x.slot(key); ; i++ {
		switch e := &x.slots[i&(len(x.slots)-1)]; {
		case e.key == key && bytes.Equal(x.dict.Value(int(e.code)), text):
			return e.code, true
		case e.key == textKey{}:
			return 0, false
		}
	}
}
