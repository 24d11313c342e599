package conform

import (
	"unicode/utf8"

	"tidemark/internal/batch"
	"tidemark/internal/protoschema"
	"tidemark/internal/schema"
)

// protoNested says whether values of a field become the nested ones of the column: what is
// repeated a list; a map a map, or a struct whose fields are among its keys; a message a struct.
func (f *field) protoNested(of *protoschema.Field) protoCode {
	message := of.Of != nil && !of.List && (of.Of.Known == protoschema.Plain || of.Of.Known >= protoschema.Date)
	switch {
	case f.kind == schema.List && of.List, f.kind != schema.List && of.Map, f.kind == schema.Struct && message:
		return protoNested
	}
	return protoUnfit
}

// nested has an op know what to do with the parts of its values.
func (c *protoCompiler) nested(op *protoOp, to *field) {
	f, n := op.field, to.nest
	fields := 0
	if f.Of != nil {
		fields = len(f.Of.Fields)
	}
	if c.parts += max(fields, len(n.parts)); c.parts > mostParts {
		op.do = protoUnfit
		return
	}
	add := func(f *protoschema.Field, i int) {
		op.parts = append(op.parts, c.finished(c.field(f, c.plan.part(n, i)), f))
	}
	switch {
	case to.kind == schema.List:
		one := *f
		one.List, one.Presence = false, protoschema.Explicit
		add(&one, 0)
	case to.kind == schema.Map:
		add(&f.Of.Fields[1], 1)
	case f.Map:
		for i := range n.parts {
			add(&f.Of.Fields[1], i)
		}
	default:
		op.inner = c.ofStruct(f.Of, n)
	}
}

// ofStruct makes the node of a message that fills a struct.
func (c *protoCompiler) ofStruct(m *protoschema.Message, n *nest) *protoNode {
	node, ops := &protoNode{}, make([]protoOp, len(m.Fields))
	for i := range m.Fields {
		f := &m.Fields[i]
		if part, _, ok := n.fields.find([]byte(f.Name)); ok {
			ops[i] = c.field(f, c.plan.part(n, part))
			continue
		}
		ops[i].do = protoSkip
		node.extra = c.plan.table.Evolution.Extra != schema.Accept
		c.tell(batch.Drift{Change: changeExtra, Column: n.path + f.Name, From: f.String()})
	}
	c.node(node, m, ops)
	return node
}

// nestedProto decodes the value at pos, in a message that ends at end, into a nested column, or
// into the last row of a part of one, which is there and empty. It reports false where the record
// was rejected as a whole.
func (d *Decoder) nestedProto(w *avroWriters, op *protoOp, pos, end int) bool {
	row := d.row
	if int(op.column) >= len(d.columns) {
		ok := d.buildProto(w, op, pos, end)
		d.row = row
		return ok
	}
	d.slots[op.column].clear(row)
	d.account()
	ok := d.buildProto(w, op, pos, end)
	d.row = row
	if !ok || d.taken < mostCells {
		return ok
	}
	// What is read over has been looked at only up to the limit.
	if f := op.field; f.List || f.Map || pos > 0 {
		for at, packed := max(pos, -pos), pos < 0; at > 0; {
			if !d.check(f, packed, at) {
				return false
			}
			v := d.nextOf(f, d.after(f, packed, at), end)
			at, packed = v.start, v.wire() != f.Wire()
			if !f.List && !f.Map {
				break
			}
		}
	}
	d.reject(int(op.column), ReasonLimit, "fewer than 1,000,000 values", place{max(pos, -pos), 0})
	return true
}

// buildProto decodes the value at pos into the last row of a nested column or a part. It leaves
// d.row behind. When too much was taken it returns early.
func (d *Decoder) buildProto(w *avroWriters, op *protoOp, pos, end int) bool {
	switch f := op.field; {
	case f.List:
		return d.protoItems(w, op, pos, end)
	case f.Map:
		return d.protoEntries(w, op, max(pos, -pos), end)
	case pos < 0: // it came in several pieces: together they are one
		whole := d.gather(f, -pos, end)
		return whole != nil && d.elsewhere(whole, func() bool {
			return d.protoStruct(w, op, 0, d.end)
		})
	}
	from, to := d.open(op.field, pos)
	return d.protoStruct(w, op, from, to)
}

// protoStruct decodes a message into a struct.
func (d *Decoder) protoStruct(w *avroWriters, op *protoOp, from, to int) bool {
	if !d.deeper(from) {
		return false
	}
	n, s := op.inner, &d.proto
	d.row = d.slots[op.column].v.Rows() - 1
	for i := range n.ops[:n.filled] {
		d.renew(int(n.ops[i].column))
	}
	if n.extra {
		d.forbidExtra(from, to-from)
	}
	clear(s.at[n.first : int(n.first)+len(n.ops)])
	if !d.scan(n, from, to) || !d.fillMessage(w, n, to) {
		return false
	}
	s.depth--
	return true
}

// protoItems decodes what is repeated into a list.
func (d *Decoder) protoItems(w *avroWriters, op *protoOp, pos, end int) bool {
	c, f := &d.slots[op.column], op.field
	for packed := pos < 0; ; {
		pos = max(pos, -pos)
		next := d.after(f, packed, pos)
		if packed {
			size, from := varint(d.buf, pos)
			to := from + int(size)
			if !d.checkPacked(f, from, to) {
				return false
			}
			for from < to && d.taken < mostCells {
				after := d.after(f, false, from)
				if !d.protoItem(w, op, from, to) {
					return false
				}
				from = after
			}
		} else if !d.protoItem(w, op, pos, end) {
			return false
		}
		v := d.nextOf(f, next, end)
		if pos = v.start; pos == 0 || d.taken >= mostCells {
			break
		}
		packed = v.wire() != f.Wire()
	}
	c.v.Close()
	return true
}

// protoItem decodes an element of a list.
func (d *Decoder) protoItem(w *avroWriters, op *protoOp, pos, end int) bool {
	c := &d.slots[op.column]
	if d.more(c.nest) {
		return true
	}
	d.another(d.part(c.nest, 0))
	return d.protoPart(w, &op.parts[0], pos, end)
}

// protoEntries decodes a map into a map, or into a struct. Of a key that comes twice the last
// entry counts.
func (d *Decoder) protoEntries(w *avroWriters, op *protoOp, pos, end int) bool {
	c, f, s := &d.slots[op.column], op.field, &d.proto
	row, first := c.v.Rows()-1, len(s.marks)
	for pos > 0 {
		from, to := d.open(f, pos)
		if !d.checkMessage(f.Of, from, to) {
			return false
		}
		s.marks = append(s.marks, int32(pos))
		pos = d.nextOf(f, d.after(f, false, pos), end).start
	}
	seen, last := d.beginKeys(c), len(s.marks)
	for i := last - 1; i >= first; i-- {
		if d.entry(f, int(s.marks[i])); !seen.add(d.buf, d.text, d.hashKey(d.text), -1) {
			s.marks[i] = 0
		}
	}
	for i := first; i < last && d.taken < mostCells; i++ {
		if at := int(s.marks[i]); at > 0 {
			if d.row = row; !d.protoEntry(w, op, at) {
				return false
			}
		}
	}
	if s.marks = s.marks[:first]; c.kind == schema.Map {
		c.v.Close()
	}
	return true
}

// entry reads an entry of a map: its key into d.text. It returns where its value stands, 0:
// nowhere, and the end of the entry.
func (d *Decoder) entry(f *protoschema.Field, pos int) (at, end int) {
	from, to := d.open(f, pos)
	var v [3]int64
	d.three(f.Of, place{from, to - from}, &v)
	d.text = d.appendKey(d.text[:0], &f.Of.Fields[0], int(v[0]))
	return int(v[1]), to
}

// protoEntry decodes an entry of a map, for a struct in d.row.
func (d *Decoder) protoEntry(w *avroWriters, op *protoOp, pos int) bool {
	c, part := &d.slots[op.column], &op.parts[0]
	at, end := d.entry(op.field, pos)
	if !utf8.Valid(d.text) {
		d.reject(int(op.column), ReasonEncoding, "a key in UTF-8", place{pos, 0})
		return true
	}
	if c.kind == schema.Map {
		if d.more(c.nest) {
			return true
		}
		d.enterKey(c, d.text)
		d.another(d.part(c.nest, 1))
	} else {
		i, _, known := c.nest.fields.find(d.text)
		if !known {
			d.extraneous(append([]byte(c.nest.path), d.text...), op.field.Of.Fields[1].String(), pos, 0)
			return true
		}
		part = &op.parts[i]
		d.renew(int(part.column))
	}
	if at > 0 {
		return d.protoPart(w, part, at, end)
	}
	return d.elsewhere(d.proto.zeros[:], func() bool { return d.protoPart(w, part, 0, d.end) })
}
