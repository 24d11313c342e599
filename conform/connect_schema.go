package conform

import (
	"tidemark/internal/avroschema"
	"tidemark/internal/schema"
)

// connectParts is where the parts of a schema of Kafka Connect stand, 0: it has none.
type connectParts [connectMembers]int

// compileConnect makes the fields of the table's columns for records whose schema is the
// value at pos, which is known to be JSON. It rejects a record with one that is none.
func (d *Decoder) compileConnect(pos int, s *connectState) bool {
	c := connectCompiler{d, append([]field(nil), d.plan.columns...), nil}
	parts, ok := c.parts(pos)
	if ok = ok && c.is(&parts, connectType, "struct") && parts[connectFields] > 0; ok {
		if d.plan.table.Debezium {
			ok = c.event(parts[connectFields])
		} else {
			ok = c.row(parts[connectFields])
		}
	}
	if !ok {
		d.noRow(pos, wantSchema)
	}
	s.fields, s.inner = c.fields, c.inner
	return ok
}

// connectCompiler reads one schema. Its methods report false for one that is none.
type connectCompiler struct {
	d      *Decoder
	fields []field
	inner  []field // nil: as without a schema
}

// parts finds the parts of the schema at pos.
func (c *connectCompiler) parts(pos int) (p connectParts, ok bool) {
	d := c.d
	if d.peek(pos) != '{' {
		return p, false
	}
	at := d.space(pos + 1)
	for done := d.peek(at) == '}'; !done; {
		m, value, ok := d.keyInside(&d.plan.connect.of, at)
		if !ok || m > 0 && p[m] > 0 {
			return p, false
		}
		p[m] = value
		if at, ok = d.skip(value, 0); !ok { // it was read over before, deeper
			return p, false
		}
		if at, done, ok = d.further(at); !ok {
			return p, false
		}
	}
	p[0] = 0
	return p, true
}

// text is the text of a part, "": it is none.
func (c *connectCompiler) text(p *connectParts, part int) string {
	d, at := c.d, p[part]
	if at == 0 || d.buf[at] != '"' {
		return ""
	}
	s, _ := d.str(at)
	if s.escaped {
		text, _ := d.unescape(s)
		return string(text)
	}
	return string(d.buf[s.from:s.to])
}

func (c *connectCompiler) is(p *connectParts, part int, text string) bool {
	return c.text(p, part) == text
}

// each calls with the parts of each schema of a list, and its field.
func (c *connectCompiler) each(pos int, do func(name string, p *connectParts) bool) bool {
	d := c.d
	if d.peek(pos) != '[' {
		return false
	}
	at := d.space(pos + 1)
	if d.peek(at) == ']' {
		return true
	}
	for {
		p, ok := c.parts(at)
		if !ok || !do(c.text(&p, connectField), &p) {
			return false
		}
		at, _ = d.skip(at, 0)
		if at = d.space(at); d.peek(at) == ']' {
			return true
		}
		at = d.space(at + 1)
	}
}

// event reads the fields of a change event.
func (c *connectCompiler) event(fields int) bool {
	e, rows := &c.d.plan.event, [eventAfter + 1]int{}
	ok := c.each(fields, func(name string, p *connectParts) bool {
		m, _, _ := e.names.find([]byte(name))
		if m == eventBefore || m == eventAfter {
			rows[m] = p[connectFields]
		}
		return m == 0 || e.nodes[m] == 0 || c.within(e.nodes[m], p)
	})
	if !ok {
		return false
	}
	for _, at := range []int{rows[eventAfter], rows[eventBefore]} {
		if at > 0 {
			return c.row(at)
		}
	}
	return true
}

// row reads the fields of a row.
func (c *connectCompiler) row(fields int) bool {
	plan := c.d.plan
	ranks := make([]int32, len(plan.columns)) // of the name that a column was found by, from 1 on
	return c.each(fields, func(name string, p *connectParts) bool {
		column, rank, ok := plan.keys.find([]byte(name))
		switch {
		case !ok || name == "":
			return true
		case column >= len(plan.columns):
			return c.within(plan.fields[column-len(plan.columns)].node, p)
		case ranks[column] > 0 && int(ranks[column]) <= rank+1:
			return true
		}
		ranks[column] = int32(rank + 1)
		return c.value(column, p)
	})
}

// within reads the schema of a value that is node n, which columns come from within.
func (c *connectCompiler) within(n int32, p *connectParts) bool {
	node := &c.d.plan.nodes[n]
	if node.column >= 0 && len(node.leaves) == 0 {
		return c.value(int(node.column), p)
	}
	inner := 0 // a schema that all values within have
	switch c.text(p, connectType) {
	case "struct":
		if p[connectFields] == 0 || node.items != nil {
			return true
		}
		return c.each(p[connectFields], func(name string, p *connectParts) bool {
			child, _, ok := node.names.find([]byte(name))
			return !ok || name == "" || c.within(int32(child), p)
		})
	case "map":
		inner = p[connectValues]
	case "array":
		inner = p[connectItems]
	}
	if inner == 0 {
		return true
	}
	q, ok := c.parts(inner)
	for _, e := range node.items {
		ok = ok && c.within(e.node, &q)
	}
	for i := range node.names.slots {
		if s := &node.names.slots[i]; s.name != "" {
			ok = ok && c.within(s.column, &q)
		}
	}
	return ok
}

// value has a column be read as the schema of its value says.
func (c *connectCompiler) value(column int, p *connectParts) bool {
	f := &c.fields[column]
	if f.nest != nil {
		return c.nested(f, p)
	}
	return c.scalar(f, column, p)
}

func (c *connectCompiler) scalar(f *field, column int, p *connectParts) bool {
	t, ok := c.logical(p)
	f.sent = nil
	if ok && t != nil && !f.json {
		f.sent = f.sentAs(t, column)
	} else if kind := c.text(p, connectType); ok && f.kind == schema.Decimal && !f.inexact && (kind == "float" || kind == "double") {
		f.sent = &avroOp{code: avroUnfit, column: int32(column), of: &avroschema.Type{Kind: avroschema.Double}, want: f.mismatch(kind, kind)}
	}
	f.findUsual()
	return ok
}

// nested has what a nested column holds be read as the schemas within that of its values say.
func (c *connectCompiler) nested(f *field, p *connectParts) bool {
	inner, first := 0, 0 // the schema of all that it holds, and the first part that has it
	switch c.text(p, connectType) {
	case "array":
		inner = p[connectItems]
	case "map":
		inner = p[connectValues]
	case "struct":
		return p[connectFields] == 0 || c.each(p[connectFields], func(name string, p *connectParts) bool {
			if f.kind == schema.Map {
				return true // one type for all: as JSON has it
			}
			i, _, ok := f.nest.fields.find([]byte(name))
			return !ok || name == "" || f.kind != schema.Struct || c.part(f.nest.parts[i], p)
		})
	}
	if inner == 0 || (f.kind == schema.List) != c.is(p, connectType, "array") {
		return true
	}
	q, ok := c.parts(inner)
	if f.kind == schema.Map {
		first = 1
	}
	for _, i := range f.nest.parts[first:] {
		ok = ok && c.part(i, &q)
	}
	return ok
}

// part has a part of what a nested column holds be read as the schema of its value says.
func (c *connectCompiler) part(i int32, p *connectParts) bool {
	if c.inner == nil {
		c.inner = append([]field(nil), c.d.plan.inner...)
	}
	f := &c.inner[i]
	if f.nest != nil {
		return c.nested(f, p)
	}
	return c.scalar(f, len(c.d.slots)-len(c.d.held)+int(i), p)
}

// sentAs is how a value of a logical type becomes one of the column, nil: as JSON has it.
func (f *field) sentAs(t *avroschema.Type, column int) *avroOp {
	if t.Base == avroschema.Record {
		return f.variableScale(column)
	}
	code, _ := f.avroCode(t)
	if code == avroUnfit && t.Kind == avroschema.Decimal && f.kind == schema.String {
		code = avroOther
	}
	op := &avroOp{code: code, column: int32(column), of: t, mul: 1}
	switch {
	case code == avroBytes, code == avroUnfit && t.Kind != avroschema.Decimal && (f.kind == schema.Int || f.kind == schema.Long):
		return nil
	case code == avroWhole:
		op.bounds(f)
	case code == avroDecimal:
		op.scaledBounds(f)
	}
	return op
}

// variableScale is how a decimal with a scale of its own becomes one of the column, nil: it
// never does.
func (f *field) variableScale(column int) *avroOp {
	switch f.kind {
	case schema.Int, schema.Long, schema.Float, schema.Double, schema.Decimal, schema.String:
		return &avroOp{code: avroVariable, column: int32(column), of: &avroschema.Type{Kind: avroschema.Decimal, Base: avroschema.Bytes, Precision: 1 << 30}}
	}
	return nil
}

// logical is the type of values that are not written as JSON has them, nil for all others.
func (c *connectCompiler) logical(p *connectParts) (*avroschema.Type, bool) {
	name := c.text(p, connectName)
	if name == avroschema.ConnectDecimal {
		q, ok := c.parts(p[connectParameters])
		t := avroschema.DecimalOf(c.text(&q, connectScale))
		return t, ok && t != nil
	}
	if t := avroschema.Named(name); t != nil {
		return t, true
	}
	if c.is(p, connectType, "bytes") {
		return &avroschema.Type{Kind: avroschema.Bytes}, true
	}
	return nil, true
}
