package conform

import (
	"encoding/binary"
	"math"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"tidemark/internal/batch"
	"tidemark/internal/protoschema"
	"tidemark/internal/schema"
)

// fillMessage gives the columns of a message that scan has read their values. It reports false where
// the record was rejected as a whole. The message ends at end.
func (d *Decoder) fillMessage(w *avroWriters, n *protoNode, end int) bool {
	buf, row, columns := d.buf, d.row, d.slots
	at := d.proto.at[n.first : int(n.first)+n.filled]
	for i := range at {
		op, pos := &n.ops[i], int(at[i])
		if pos == 0 {
			if op.zero {
				columns[op.column].ints[row] = 0
			} else if !d.unset(w, op) {
				return false
			}
			continue
		}
		if op.tells != tellNothing {
			d.told(&op.avroOp, pos)
		}
		switch op.do {
		case protoText:
			size := int(buf[pos])
			if pos++; size > 15 {
				if size >= 0x80 {
					var u uint64
					u, pos = varint(buf, pos-1)
					size = int(u)
				}
				d.writtenText(&op.avroOp, pos, size)
				continue
			}
			c := &columns[op.column]
			key := keyOfText(twoWords(buf, pos), size)
			e := c.index.at(key)
			if e.key != key {
				e = c.index.after(key)
			}
			if e.key == key {
				c.codes[row] = e.code
			} else {
				d.writtenText(&op.avroOp, pos, size)
			}
		case protoWhole:
			x := int64(buf[pos])
			if x >= 0x80 {
				u, _ := varint(buf, pos)
				x = int64(u)
			}
			if x < op.low || x > op.high {
				d.beyond(op, pos)
				x = 0
			}
			columns[op.column].ints[row] = x * op.mul
		case protoEnum:
			d.protoEnum(w, op, pos)
		default:
			if !d.protoValue(w, op, pos, end) {
				return false
			}
		}
	}
	for _, column := range n.lost {
		d.missing(column)
	}
	return true
}

// unset gives the column of a field that is absent what that means.
func (d *Decoder) unset(w *avroWriters, op *protoOp) bool {
	switch f := op.field; {
	case f.List || f.Map:
		return d.empty(op)
	case op.absent == nil:
		d.null(&op.avroOp, -1)
		return true
	}
	return d.elsewhere(op.absent, func() bool {
		if op.tells != tellNothing {
			d.told(&op.avroOp, -1)
		}
		return d.protoValue(w, op, 0, d.end)
	})
}

// elsewhere decodes what stands in buf, with padding, in place of the record.
func (d *Decoder) elsewhere(buf []byte, decode func() bool) bool {
	old, base, end := d.buf, d.base, d.end
	d.buf, d.base, d.end = buf, nowhere, len(buf)-batch.Padding
	ok := decode()
	d.buf, d.base, d.end = old, base, end
	return ok
}

// protoValue gives a column the value of an op at pos, in a message that ends at end.
func (d *Decoder) protoValue(w *avroWriters, op *protoOp, pos, end int) bool {
	switch column, in := int(op.column), (place{pos, 0}); op.do {
	case protoText:
		size, from := varint(d.buf, pos)
		d.writtenText(&op.avroOp, from, int(size))
	case protoWhole, protoInteger:
		x, ok := d.integer(op.field.Kind, pos)
		if !ok || x < op.low || x > op.high {
			d.beyond(op, pos)
			x = 0
		}
		d.slots[column].ints[d.row] = x * op.mul
	case protoReal:
		d.protoReal(op, pos)
	case protoBoolean:
		x, _ := varint(d.buf, pos)
		d.slots[column].ints[d.row] = int64(min(x, 1))
	case protoDouble:
		x := word(d.buf, pos)
		if x>>52&0x7ff == 0x7ff {
			d.notFinite(&op.avroOp, pos, 8)
			x = 0
		}
		d.slots[column].ints[d.row] = int64(x)
	case protoFloat:
		x := binary.LittleEndian.Uint32(d.buf[pos:])
		if x>>23&0xff == 0xff {
			d.notFinite(&op.avroOp, pos, 4)
			x = 0
		}
		d.slots[column].ints[d.row] = int64(math.Float64bits(float64(math.Float32frombits(x))))
	case protoFraction:
		d.fraction(&op.avroOp, pos)
	case protoEpoch:
		d.protoEpoch(op, pos)
	case protoBytes, protoSays:
		d.protoString(op, pos)
	case protoEnum:
		d.protoEnum(w, op, pos)
	case protoJSON:
		return d.keepProto(op, pos, end)
	case protoNested:
		return d.nestedProto(w, op, pos, end)
	case protoElements:
		return d.elements(w, op, pos, end)
	case protoUnfit:
		return d.protoUnlike(op, pos)
	default:
		if op.do >= protoInside && op.column >= 0 && !d.keepProto(op, pos, end) { // of type json: it takes the whole
			return false
		}
		if op.do == protoOutside {
			d.outsideProto(op, place{max(pos, -pos), 0})
			return true
		}
		if pos < 0 {
			return d.merged(w, op, -pos, end)
		}
		from, to := d.open(op.field, pos)
		in.at, in.length = from, to-from
		return d.protoMessage(w, op, in)
	}
	return true
}

// merged decodes a message that came in several pieces: together they are one.
func (d *Decoder) merged(w *avroWriters, op *protoOp, pos, end int) bool {
	whole := d.gather(op.field, pos, end)
	return whole != nil && d.elsewhere(whole, func() bool {
		return d.protoMessage(w, op, place{0, d.end})
	})
}

// gather puts the values of a field one behind the other, which for messages is as if they had
// come as one, with padding. It is nil where the record was rejected for it.
func (d *Decoder) gather(f *protoschema.Field, pos, end int) []byte {
	size := 0
	for at := pos; at > 0; at = d.nextOf(f, d.after(f, false, at), end).start {
		from, to := d.open(f, at)
		size += to - from
	}
	if d.avro.work -= 2 * (size + batch.Padding); d.avro.work < 0 {
		d.fail(ReasonLimit, "fewer messages in pieces within each other", pos, 0)
		return nil
	}
	out := make([]byte, 0, size+batch.Padding)
	for at := pos; at > 0; at = d.nextOf(f, d.after(f, false, at), end).start {
		from, to := d.open(f, at)
		out = append(out, d.buf[from:to]...)
	}
	return out[:size+batch.Padding]
}

// beyond rejects a whole number that its column cannot hold, or that has more bits than its
// field: other readers cut those off.
func (d *Decoder) beyond(op *protoOp, pos int) {
	d.unfit(int(op.column), ReasonOverflow, pos, d.after(op.field, false, pos)-pos)
}

// integer reads a whole number of a kind; ok is false where it is beyond 63 bits.
func (d *Decoder) integer(kind protoreflect.Kind, pos int) (x int64, ok bool) {
	switch kind {
	case protoreflect.Fixed32Kind:
		return int64(binary.LittleEndian.Uint32(d.buf[pos:])), true
	case protoreflect.Sfixed32Kind:
		return int64(int32(binary.LittleEndian.Uint32(d.buf[pos:]))), true
	case protoreflect.Fixed64Kind:
		x = int64(word(d.buf, pos))
		return x, x >= 0
	case protoreflect.Sfixed64Kind:
		return int64(word(d.buf, pos)), true
	}
	u, _ := varint(d.buf, pos)
	switch kind {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return zigzag(u), true
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		return int64(u), u <= math.MaxInt64
	}
	return int64(u), true
}

// inBits reports whether a number has no more bits than its kind.
func inBits(kind protoreflect.Kind, x int64) bool {
	switch protoSizes(kind) {
	case 32:
		return x == int64(uint32(x))
	case -32:
		return x == int64(int32(x))
	}
	return true
}

func (d *Decoder) protoReal(op *protoOp, pos int) {
	x, ok := d.integer(op.field.Kind, pos)
	f := float64(x)
	switch {
	case !ok:
		f = float64(uint64(x))
	case !inBits(op.field.Kind, x):
		d.beyond(op, pos)
	}
	c := &d.slots[op.column]
	if c.kind == schema.Float {
		if f = float64(float32(x)); !ok {
			f = float64(float32(uint64(x)))
		}
	}
	c.ints[d.row] = int64(math.Float64bits(f))
}

func (d *Decoder) protoEpoch(op *protoOp, pos int) {
	x, ok := d.integer(op.field.Kind, pos)
	if !ok || !inBits(op.field.Kind, x) {
		d.beyond(op, pos)
		return
	}
	d.text = strconv.AppendInt(d.text[:0], x, 10)
	d.epoch(&op.avroOp, d.text, place{pos, d.after(op.field, false, pos) - pos})
}

// protoString gives a column of bytes a value, or another one what a text says.
func (d *Decoder) protoString(op *protoOp, pos int) {
	size, from := varint(d.buf, pos)
	n, column := int(size), int(op.column)
	text := d.buf[from : from+n]
	switch {
	case n >= maxText:
		d.reject(column, ReasonLimit, wantText, place{from, n})
	case op.field.Kind == protoreflect.StringKind && !d.inText(&op.avroOp, text, from):
	case op.do == protoBytes:
		c := &d.slots[column]
		c.codes[d.row] = c.index.add(text, false, d.row)
	default:
		d.put(column, text, false, place{from, n})
	}
}

// protoEnum gives a column the name of a number, or the number where that has no name: the
// schema may be older than who writes with it.
func (d *Decoder) protoEnum(w *avroWriters, op *protoOp, pos int) {
	u, _ := varint(d.buf, pos)
	x, c := int64(u), &d.slots[op.column]
	if x != int64(int32(x)) {
		d.beyond(op, pos)
		return
	}
	i := op.field.Enum.Find(int32(x))
	if i < 0 {
		d.text = strconv.AppendInt(d.text[:0], x, 10)
		c.codes[d.row] = c.index.add(d.text, true, d.row)
		return
	}
	code := w.codes[int(op.symbol)+i]
	if code < 0 {
		text := []byte(op.field.Enum.Symbols[i].Text)
		code = c.index.add(text, plain(text), d.row)
		w.codes[int(op.symbol)+i] = code
	}
	c.codes[d.row] = code
}

// protoUnlike rejects a value of a type that never becomes the column's.
func (d *Decoder) protoUnlike(op *protoOp, pos int) bool {
	d.narrowed(int(op.column))
	d.reject(int(op.column), ReasonSchemaMismatch, op.want, place{max(pos, -pos), 0})
	return true
}
