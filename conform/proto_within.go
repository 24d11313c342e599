package conform

import (
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"tidemark/internal/protoschema"
)

// inside is what to do with a field that is node n of the record: columns come from within it,
// or one is it.
func (c *protoCompiler) inside(f *protoschema.Field, n int32) protoOp {
	node := &c.plan.nodes[n]
	if node.column >= 0 && len(node.leaves) == 0 {
		op := c.field(f, int(node.column))
		op.node = n
		return op
	}
	op := protoOp{do: protoOutside, field: f, wire: f.Wire()}
	op.column, op.node = node.column, n
	message := f.Of != nil && f.Of.Known == protoschema.Plain || f.Of != nil && f.Of.Known >= protoschema.Date
	switch {
	case f.Map && node.items == nil:
		op.do = protoElements
		for i := range node.names.slots {
			if s := &node.names.slots[i]; s.name != "" {
				op.parts = append(op.parts, c.finished(c.inside(&f.Of.Fields[1], s.column), &f.Of.Fields[1]))
			}
		}
	case f.List && node.items != nil:
		op.do = protoElements
		one := *f
		one.List, one.Presence = false, protoschema.Explicit
		for _, e := range node.items {
			part := c.finished(c.inside(&one, e.node), &one)
			part.index = e.index
			op.parts = append(op.parts, part)
		}
	case message && !f.Map && !f.List && node.items == nil:
		op.do, op.inner = protoInside, c.within(f.Of, node)
	}
	return op
}

// within makes the node of a message that is a node of the record.
func (c *protoCompiler) within(m *protoschema.Message, node *pathNode) *protoNode {
	ops := make([]protoOp, len(m.Fields))
	there := map[int32]bool{}
	for i := range m.Fields {
		ops[i].do = protoSkip
		if child, _, ok := node.names.find([]byte(m.Fields[i].Name)); ok {
			ops[i] = c.inside(&m.Fields[i], int32(child))
			there[int32(child)] = true
		}
	}
	n := &protoNode{}
	c.node(n, m, ops)
	for i := range node.names.slots {
		if s := &node.names.slots[i]; s.name != "" && !there[s.column] {
			n.lost = append(n.lost, c.columnsOf(s.column)...)
		}
	}
	return n
}

// outsideProto rejects a value that columns should come from within, and cannot.
func (d *Decoder) outsideProto(op *protoOp, in place) {
	for _, l := range d.plan.nodes[op.node].leaves {
		d.unfitFor(int(l.column), l.want, in)
	}
}

// empty gives the columns of a list or map without elements what that means.
func (d *Decoder) empty(op *protoOp) bool {
	switch op.do {
	case protoNested:
		if int(op.column) < len(d.columns) { // a part of one is empty already
			d.slots[op.column].clear(d.row)
		}
		return true
	case protoUnfit:
		return d.protoUnlike(op, 0)
	case protoOutside:
		d.outsideProto(op, place{-1, 0})
	case protoElements:
		d.lost(op.node)
	}
	if op.column >= 0 {
		text := "[]"
		if op.field.Map {
			text = "{}"
		}
		c := &d.slots[op.column]
		c.codes[d.row] = c.index.add([]byte(text), true, d.row)
	}
	return true
}

// lost gives the columns from within a node that the record does not have what a missing one
// has.
func (d *Decoder) lost(n int32) {
	for _, l := range d.plan.nodes[n].leaves {
		d.missing(int(l.column))
	}
}

// part gives the columns of an element that is not there what a missing one has.
func (d *Decoder) noPart(op *protoOp) {
	if op.column >= 0 {
		d.missing(int(op.column))
	}
	if op.node > 0 {
		d.lost(op.node)
	}
}

// elements decodes a list or map that columns come from within. It reports false where the
// record was rejected as a whole.
func (d *Decoder) elements(w *avroWriters, op *protoOp, pos, end int) bool {
	if op.column >= 0 && !d.keepProto(op, pos, end) { // of type json: it takes the whole
		return false
	}
	if op.field.Map {
		return d.entries(w, op, max(pos, -pos), end)
	}
	f, parts, index := op.field, op.parts, 0
	element := func(pos, end int) bool {
		ok := true
		if len(parts) > 0 && parts[0].index == index {
			ok = d.protoPart(w, &parts[0], pos, end)
			parts = parts[1:]
		} else if f.Of != nil {
			ok = d.check(f, false, pos)
		}
		index++
		return ok
	}
	for packed := pos < 0; ; {
		pos = max(pos, -pos)
		next := d.after(f, packed, pos)
		if packed {
			size, from := varint(d.buf, pos)
			to := from + int(size)
			if !d.checkPacked(f, from, to) {
				return false
			}
			for from < to {
				after := d.after(f, false, from)
				if !element(from, to) {
					return false
				}
				from = after
			}
		} else if !element(pos, end) {
			return false
		}
		v := d.nextOf(f, next, end)
		if pos = v.start; pos == 0 {
			break
		}
		packed = v.wire() != f.Wire()
	}
	for i := range parts {
		d.noPart(&parts[i])
	}
	return true
}

// protoPart is protoValue for an element of a list or map, after what its policy asks.
func (d *Decoder) protoPart(w *avroWriters, op *protoOp, pos, end int) bool {
	if op.tells != tellNothing {
		d.told(&op.avroOp, pos)
	}
	return d.protoValue(w, op, pos, end)
}

// entries decodes a map that columns come from within. Of a key that comes twice the last entry
// counts.
func (d *Decoder) entries(w *avroWriters, op *protoOp, pos, end int) bool {
	f := op.field
	names := &d.plan.nodes[op.node].names
	s := &d.proto
	first := len(s.marks)
	for range 2 * len(op.parts) { // where their entries stand, and whether they do
		s.marks = append(s.marks, 0)
	}
	for pos > 0 {
		from, to := d.open(f, pos)
		var v [3]int64
		if !d.checkMessage(f.Of, from, to) || !d.three(f.Of, place{from, to - from}, &v) {
			return false
		}
		d.text = d.appendKey(d.text[:0], &f.Of.Fields[0], int(v[0]))
		if child, _, ok := names.find(d.text); ok {
			for i := range op.parts {
				if int(op.parts[i].node) == child {
					s.marks[first+2*i], s.marks[first+2*i+1] = int32(v[1]), 1
				}
			}
		}
		pos = d.nextOf(f, d.after(f, false, pos), end).start
	}
	for i := range op.parts {
		part, at := &op.parts[i], int(s.marks[first+2*i])
		switch {
		case s.marks[first+2*i+1] == 0:
			d.noPart(part)
		case at > 0:
			if !d.protoPart(w, part, at, end) {
				return false
			}
		default:
			if !d.elsewhere(d.proto.zeros[:], func() bool { return d.protoPart(w, part, 0, d.end) }) {
				return false
			}
		}
	}
	s.marks = s.marks[:first]
	return true
}

// appendKey writes the key of an entry as JSON has it, without quotes; it stands at pos, 0: it
// is the zero value.
func (d *Decoder) appendKey(dst []byte, f *protoschema.Field, pos int) []byte {
	if f.Kind == protoreflect.StringKind {
		if pos == 0 {
			return dst
		}
		size, from := varint(d.buf, pos)
		return append(dst, d.buf[from:from+int(size)]...)
	}
	x := int64(0)
	if pos > 0 {
		x, _ = d.integer(f.Kind, pos)
	}
	switch {
	case f.Kind == protoreflect.BoolKind:
		return strconv.AppendBool(dst, x != 0)
	case protoSizes(f.Kind) > 0:
		return strconv.AppendUint(dst, uint64(x), 10)
	}
	return strconv.AppendInt(dst, x, 10)
}
