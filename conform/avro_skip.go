package conform

import "tidemark/internal/avroschema"

// skipAvro reads over a value of a type, and returns the place behind it, −1 where the
// record was rejected as a whole. Schemas nest to a bounded depth, and so does this; what
// has no bytes is counted, so that no few bytes can keep it busy.
func (d *Decoder) skipAvro(t *avroschema.Type, pos int) int {
	if pos > d.end {
		return pos
	}
	if d.avro.work--; d.avro.work < 0 {
		d.fail(ReasonLimit, "no more values than a record of its length may have", -1, 0)
		return -1
	}
	switch t.Kind {
	case avroschema.Null:
		return pos
	case avroschema.Boolean:
		if d.buf[pos] > 1 {
			return d.noTruth(pos)
		}
		return pos + 1
	case avroschema.Float:
		return pos + 4
	case avroschema.Double:
		return pos + 8
	case avroschema.Enum:
		x, next := varint(d.buf, pos)
		if x&1 != 0 || x>>1 >= uint64(len(t.Symbols)) {
			return d.noSymbol(pos, next)
		}
		return next
	case avroschema.Record:
		for i := range t.Fields {
			if pos = d.skipAvro(t.Fields[i].Of, pos); pos < 0 {
				return pos
			}
		}
		return pos
	case avroschema.Union:
		x, next := varint(d.buf, pos)
		switch {
		case next > d.end:
			return d.short(pos)
		case x&1 != 0 || x>>1 >= uint64(len(t.Of)):
			d.fail(ReasonSyntax, "a branch that the union has", pos, next-pos)
			return -1
		}
		return d.skipAvro(t.Of[x>>1], next)
	case avroschema.Array, avroschema.Map:
		return d.walk(nil, &avroOp{of: t}, pos)
	}
	return d.skipScalar(t, pos)
}

// skipScalar reads over a number, or over bytes.
func (d *Decoder) skipScalar(t *avroschema.Type, pos int) int {
	switch k := t.Base; {
	case t.Kind == avroschema.String || t.Kind == bytesKind || t.Kind == avroschema.Decimal && k == bytesKind:
		n, next := d.length(pos)
		if n < 0 {
			return -1
		}
		return next + n
	case t.Kind == avroschema.Fixed || k == avroschema.Fixed:
		if t.Size > d.end-pos {
			return d.short(pos)
		}
		return pos + t.Size
	case t.Kind == intKind || k == intKind:
		u, next := varint(d.buf, pos)
		if x := zigzag(u); next <= d.end && x != int64(int32(x)) {
			d.fail(ReasonSyntax, "an int, which has 32 bits", pos, next-pos)
			return -1
		}
		return next
	}
	_, next := varint(d.buf, pos)
	return next
}

// walk reads over an array or a map, which comes in blocks, and does what an op says with
// those of its items that columns come from within.
func (d *Decoder) walk(w *avroWriters, op *avroOp, pos int) int {
	t, index := op.of, 0
	least := t.Of[0].Least
	if t.Kind == avroschema.Map {
		least++
	}
	for {
		if pos > d.end {
			return d.short(pos)
		}
		u, next := varint(d.buf, pos)
		if next > d.end {
			return d.short(pos)
		}
		count, last := zigzag(u), -1
		if count < 0 {
			size, behind := varint(d.buf, next)
			if behind > d.end {
				return d.short(next)
			}
			count, last = -count, behind+int(min(size>>1, noEnd))
			if size&1 != 0 || last > d.end {
				d.fail(ReasonLimit, "a block of items within the record", pos, behind-pos)
				return -1
			}
			next = behind
		}
		if count < 0 || count > int64(d.avro.work) || least > 0 && count > int64((d.end-next)/least) {
			if least > 0 && count >= 0 && count <= int64(d.end-d.base) {
				return d.short(d.end) // a record of its length may well have so many: it is cut
			}
			d.fail(ReasonLimit, "no more items than the record has bytes for", pos, next-pos)
			return -1
		}
		from := pos
		pos = next
		if count == 0 {
			return pos
		}
		for ; count > 0; count-- {
			if pos = d.item(w, op, pos, index); pos < 0 {
				return pos
			}
			index++
		}
		if last >= 0 && pos != last && pos <= d.end {
			d.fail(ReasonLimit, "a block of items as long as it says", from, 0)
			return -1
		}
	}
}

// item reads over one item of an array or a map, or does with it what an op says.
func (d *Decoder) item(w *avroWriters, op *avroOp, pos, index int) int {
	if pos > d.end {
		return pos
	}
	var key []byte
	if op.of.Kind == avroschema.Map {
		n, next := d.length(pos)
		if n < 0 {
			return -1
		}
		key, pos = d.buf[next:next+n], next+n
	}
	if w != nil {
		if i := d.branchOf(op, key, index); i >= 0 {
			n := op.branches[i].node
			if d.within[n] {
				d.fail(ReasonDuplicate, "each key once", pos-len(key), len(key))
				return -1
			}
			d.within[n] = true
			if d.avro.work--; d.avro.work < 0 {
				d.fail(ReasonLimit, "no more values than a record of its length may have", -1, 0)
				return -1
			}
			return d.perform(w, op.branches[i:i+1], pos)
		}
	}
	return d.skipAvro(op.of.Of[0], pos)
}
