package conform

import "tidemark/internal/avroschema"

// inside is what to do with a value of a type that is node n: columns come from within it,
// or one is it.
func (c *avroCompiler) inside(t *avroschema.Type, n int32) avroOp {
	node := &c.plan.nodes[n]
	var op avroOp
	if node.column >= 0 && len(node.leaves) == 0 {
		op = c.field(t, int(node.column))
		op.node = n
		return op
	}
	null, other := t.Optional()
	switch {
	case other != nil:
		op = c.inside(other, n)
		op.optional, op.null = true, byte(2*null)
		return op
	case t.Kind == avroschema.Union:
		op.code = avroUnion
		for _, b := range t.Of {
			op.branches = append(op.branches, c.inside(b, n))
		}
	case t.Kind == avroschema.Null:
		op.code = avroNull
	case t.Kind == avroschema.Record && node.items == nil:
		op.code = avroInside
		for i := range t.Fields {
			f := &t.Fields[i]
			if child, _, ok := node.names.find([]byte(f.Name)); ok {
				op.branches = append(op.branches, c.inside(f.Of, int32(child)))
				continue
			}
			op.branches = append(op.branches, avroOp{code: avroSkip, of: f.Of, column: -1})
		}
	case t.Kind == avroschema.Map && node.items == nil:
		op.code = avroInside
		for i := range node.names.slots {
			if s := &node.names.slots[i]; s.name != "" {
				op.branches = append(op.branches, c.inside(t.Of[0], s.column))
			}
		}
	case t.Kind == avroschema.Array && node.items != nil:
		op.code = avroInside
		for _, e := range node.items {
			op.branches = append(op.branches, c.inside(t.Of[0], e.node))
		}
	default:
		op.code = avroOutside
	}
	op.column, op.node, op.of = node.column, n, t
	return op
}

// insideAvro decodes a value that columns come from within, or should.
func (d *Decoder) insideAvro(w *avroWriters, op *avroOp, pos int) int {
	if op.column >= 0 { // of type json: it takes the whole
		if next := d.keepAvro(op, pos); next < 0 || next > d.end {
			return next
		}
	}
	if op.code == avroOutside {
		return d.outsideAvro(op, pos)
	}
	d.avro.depth++
	if op.of.Kind != avroschema.Record {
		pos = d.walk(w, op, pos)
		d.avro.depth--
		return pos
	}
	for i := range op.branches {
		if n := op.branches[i].node; n > 0 {
			d.within[n] = true
		}
	}
	pos = d.perform(w, op.branches, pos)
	d.avro.depth--
	return pos
}

// outsideAvro rejects a value that columns should come from within, and cannot.
func (d *Decoder) outsideAvro(op *avroOp, pos int) int {
	next := d.skipAvro(op.of, pos)
	if next < 0 || next > d.end {
		return next
	}
	for _, l := range d.plan.nodes[op.node].leaves {
		d.within[d.columns[l.column].node] = true
		d.unfitFor(int(l.column), l.want, place{pos, next - pos})
	}
	return next
}

// branchOf is the branch of an op for the items of an array or a map that leads on with an
// item, −1: none does.
func (d *Decoder) branchOf(op *avroOp, key []byte, index int) int {
	node := &d.plan.nodes[op.node]
	n := int32(0)
	if node.items == nil {
		if child, _, ok := node.names.find(key); ok {
			n = int32(child)
		}
	}
	for i := range op.branches {
		if node.items != nil && node.items[i].index == index || n > 0 && op.branches[i].node == n {
			return i
		}
	}
	return -1
}
