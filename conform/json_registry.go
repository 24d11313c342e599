package conform

import (
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/jsonschema"
	"tidemark/internal/schema"
)

// objectWriters is what is known of those who write JSON with a schema. Values are read as JSON
// without one is, but for those that Kafka Connect's converter writes in a way of its own.
func (d *Decoder) objectWriters(s *jsonschema.Schema, origin *batch.Schema) *avroWriters {
	a := &d.avro
	if w := a.objects[s]; w != nil {
		return w
	}
	c := d.plan.compileObject(s)
	state := &connectState{fields: c.fields, inner: c.inner, items: make([]int32, len(d.slots))}
	state.forget()
	w := &avroWriters{json: state, origin: origin}
	a.keep(w)
	a.held += keptTemplate + int64(len(state.items))*4 + int64(len(state.fields)+len(state.inner))*fieldBytes
	a.objects[s] = w
	return w
}

// keptTemplate is what is learned of records with one schema, about.
const keptTemplate = 4 << 10

// objectCompiler makes the fields of the table's columns for records with a schema.
type objectCompiler struct {
	plan   *Plan
	fields []field
	own    bool    // they are not the table's
	inner  []field // of what nested columns hold; nil: those of the table
}

// compileObject makes the fields of the table's columns for records with a schema.
func (p *Plan) compileObject(s *jsonschema.Schema) *objectCompiler {
	c := &objectCompiler{plan: p, fields: p.columns}
	row := s.Root
	if p.table.Debezium {
		e := &p.event
		if row = changedRow(s.Root); row == nil {
			return c
		}
		for i := range s.Root.Fields {
			f := &s.Root.Fields[i]
			if m, _, ok := e.names.find([]byte(f.Name)); ok && e.nodes[m] > 0 {
				c.within(e.nodes[m], f.Of)
			}
		}
	}
	ranks := make([]int32, len(p.columns)) // of the name that a column was found by, from 1 on
	for i := range row.Fields {
		f := &row.Fields[i]
		column, rank, ok := p.keys.find([]byte(f.Name))
		switch {
		case !ok:
		case column >= len(p.columns):
			c.within(p.fields[column-len(p.columns)].node, f.Of)
		case ranks[column] == 0 || int(ranks[column]) > rank+1:
			ranks[column] = int32(rank + 1)
			c.value(column, f.Of)
		}
	}
	return c
}

// within reads the type of a value that is node n, which columns come from within.
func (c *objectCompiler) within(n int32, t *jsonschema.Type) {
	node := &c.plan.nodes[n]
	if node.column >= 0 && len(node.leaves) == 0 {
		c.value(int(node.column), t)
		return
	}
	for _, e := range node.items {
		if t.Items != nil {
			c.within(e.node, t.Items)
		}
	}
	for i := range node.names.slots {
		s := &node.names.slots[i]
		if s.name == "" {
			continue
		}
		if f := t.Named(s.name); f != nil {
			c.within(s.column, f.Of)
		} else if t.Values != nil {
			c.within(s.column, t.Values)
		}
	}
}

// value has a column be read as the type of its value says.
func (c *objectCompiler) value(column int, t *jsonschema.Type) {
	f := &c.plan.columns[column]
	of := logicalOf(t)
	switch {
	case f.nest != nil:
		c.nested(f, t)
		return
	case f.json, of == nil:
		return
	case !c.own:
		c.fields, c.own = append([]field(nil), c.plan.columns...), true
	}
	f = &c.fields[column]
	f.sent = f.sentAs(of, column)
	f.findUsual()
}

// nested has what a nested column holds be read as the types within that of its values say.
func (c *objectCompiler) nested(f *field, t *jsonschema.Type) {
	switch f.kind {
	case schema.List:
		c.part(f.nest.parts[0], t.Items)
	case schema.Map:
		c.part(f.nest.parts[1], t.Values)
	default:
		for i := range t.Fields {
			if at, _, ok := f.nest.fields.find([]byte(t.Fields[i].Name)); ok {
				c.part(f.nest.parts[at], t.Fields[i].Of)
			}
		}
	}
}

// part has a part of what a nested column holds be read as the type of its value says, nil: it
// says nothing.
func (c *objectCompiler) part(i int32, t *jsonschema.Type) {
	if t == nil {
		return
	}
	f, of := &c.plan.inner[i], logicalOf(t)
	switch {
	case f.nest != nil:
		c.nested(f, t)
		return
	case f.json, of == nil:
		return
	case c.inner == nil:
		c.inner = append([]field(nil), c.plan.inner...)
	}
	f = &c.inner[i]
	f.sent = f.sentAs(of, len(c.plan.columns)+len(c.plan.fields)+int(i))
	f.findUsual()
}

// logicalOf is the type of values that are not written as JSON has them, nil for all others.
func logicalOf(t *jsonschema.Type) *avroschema.Type {
	if t.Name == avroschema.ConnectDecimal {
		return avroschema.DecimalOf(t.Scale)
	}
	if of := avroschema.Named(t.Name); of != nil || t.Connect != "bytes" {
		return of
	}
	return &avroschema.Type{Kind: avroschema.Bytes}
}
