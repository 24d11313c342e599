package conform

import "tidemark/internal/avroschema"

// skipAvro reads over a value of a type, and returns the place behind it, −1 where the
// record was rejected as a whole. Records may nest as deep as objects of JSON; what
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
		if !d.enter(pos) {
			return -1
		}
		for i := range t.Fields {
			if pos = d.skipAvro(t.Fields[i].Of, pos); pos < 0 {
				return pos
			}
		}
		d.avro.depth--
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
		if !d.enter(pos) {
			return -1
		}
		pos = d.walk(nil, &avroOp{of: t}, pos)
		d.avro.depth--
		return pos
	}
	return d.skipScalar(t, pos)
}

// enter enters a record, an array or a map, which whoever calls it leaves. It reports false where
// the record was rejected for it.
func (d *Decoder) enter(pos int) bool {
	if d.avro.depth++; d.avro.depth > maxDepth {
		d.fail(ReasonLimit, "records, arrays and maps at most 100 deep", pos, 0)
		return false
	}
	return true
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
	index := 0
	for {
		b := d.block(op.of, pos)
		if b.from < 0 || b.count == 0 {
			return b.from
		}
		for pos = b.from; b.count > 0; b.count-- {
			if pos = d.item(w, op, pos, index); pos < 0 {
				return pos
			}
			index++
		}
		if !d.ends(b, pos) {
			return -1
		}
	}
}

// avroBlock is a block of the items of an array or a map.
type avroBlock struct {
	at, from int   // where it stands, and where its items do; from is −1 where the record was rejected for it
	count    int64 // of items; 0: it is the end, and what follows stands at from
	last     int   // where it says that it ends, −1: it does not say
}

// block reads what stands in front of a block of items: no more than the record has bytes
// for, whatever it says.
func (d *Decoder) block(t *avroschema.Type, pos int) avroBlock {
	b := avroBlock{at: pos, from: -1, last: -1}
	least := t.Of[0].Least
	if t.Kind == avroschema.Map {
		least++
	}
	if pos > d.end {
		d.short(pos)
		return b
	}
	u, next := varint(d.buf, pos)
	if next > d.end {
		d.short(pos)
		return b
	}
	if b.count = zigzag(u); b.count < 0 {
		size, behind := varint(d.buf, next)
		if behind > d.end {
			d.short(next)
			return b
		}
		b.count, b.last = -b.count, behind+int(min(size>>1, noEnd))
		if size&1 != 0 || b.last > d.end {
			d.fail(ReasonLimit, "a block of items within the record", pos, behind-pos)
			return b
		}
		next = behind
	}
	if b.count < 0 || b.count > int64(d.avro.work) || least > 0 && b.count > int64((d.end-next)/least) {
		if least > 0 && b.count >= 0 && b.count <= int64(d.end-d.base) {
			d.short(d.end) // a record of its length may well have so many: it is cut
			return b
		}
		d.fail(ReasonLimit, "no more items than the record has bytes for", pos, next-pos)
		return b
	}
	b.from = next
	return b
}

// ends reports whether a block ends where it says, and rejects the record if it does not.
func (d *Decoder) ends(b avroBlock, pos int) bool {
	if b.last >= 0 && pos != b.last && pos <= d.end {
		d.fail(ReasonLimit, "a block of items as long as it says", b.at, 0)
		return false
	}
	return true
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
