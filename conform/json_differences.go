package conform

import (
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/jsonschema"
	"tidemark/internal/schema"
)

// ObjectDifferences lists how a JSON Schema differs from the table, before any record comes, as
// Differences does. A column that is required and has no property is certain to be missing only
// where the schema allows no others; there alone it is listed as missing.
func (p *Plan) ObjectDifferences(s *jsonschema.Schema) []batch.Drift {
	c := p.compileObject(s)
	o := objectDifferences{plan: p, fields: c.fields, inner: c.inner, seen: make([]bool, len(p.columns))}
	if o.inner == nil {
		o.inner = p.inner
	}
	row := s.Root
	if p.table.Debezium {
		if row = changedRow(s.Root); row == nil && textRow(s.Root) {
			return nil // of rows that are texts, their schema says nothing
		}
		if row == nil {
			return []batch.Drift{noChange()}
		}
	}
	o.row(row)
	for column, seen := range o.seen {
		if f := &p.columns[column]; !seen && f.from.Part == schema.FromField {
			o.absent(column, row)
		}
	}
	return o.out
}

// changedRow is the type of the rows of a change event, nil: it is none.
func changedRow(t *jsonschema.Type) (row *jsonschema.Type) {
	if t.Named("op") == nil {
		return nil
	}
	for _, name := range []string{"before", "after"} { // the latter counts
		if f := t.Named(name); f != nil && len(f.Of.Fields) > 0 {
			row = f.Of
		}
	}
	return row
}

// textRow reports whether rows of change events are texts, as those of MongoDB are.
func textRow(t *jsonschema.Type) bool {
	after := t.Named("after")
	return t.Named("op") != nil && after != nil && after.Of.Kind == jsonschema.String
}

type objectDifferences struct {
	plan   *Plan
	fields []field // as records with the schema are read
	inner  []field // of what nested columns hold
	seen   []bool  // by column
	out    []batch.Drift
}

func (o *objectDifferences) tell(change string, column int, from string) {
	o.out = append(o.out, batch.Drift{Change: change, Column: o.plan.table.Columns[column].Name, From: from, To: o.plan.columns[column].typeName})
}

// row compares the fields of a row, by the names that records have.
func (o *objectDifferences) row(t *jsonschema.Type) {
	p := o.plan
	holder := make([]int, len(p.columns)+len(p.fields)) // the field of each, from 1 on
	ranks := make([]int, len(holder))
	for i := range t.Fields {
		column, rank, ok := p.keys.find([]byte(t.Fields[i].Name))
		if ok && (holder[column] == 0 || rank < ranks[column]) {
			holder[column], ranks[column] = i+1, rank
		}
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		column, rank, ok := p.keys.find([]byte(f.Name))
		switch {
		case !ok || holder[column] != i+1:
			o.out = append(o.out, batch.Drift{Change: changeExtra, Column: f.Name, From: f.Of.String()})
		case column >= len(p.columns):
			o.within(p.fields[column-len(p.columns)].node, f.Of, f.Required && !f.Of.Nullable)
		default:
			if rank > 0 {
				name := p.table.Columns[column].Name
				o.out = append(o.out, batch.Drift{Change: changeAlias, Column: name, From: f.Name, To: name})
			}
			o.value(column, f.Of, f.Required && !f.Of.Nullable)
		}
	}
}

// within compares a value that is node n, which columns come from within. Sure: it is always there.
func (o *objectDifferences) within(n int32, t *jsonschema.Type, sure bool) {
	node := &o.plan.nodes[n]
	if node.column >= 0 {
		o.value(int(node.column), t, sure)
	}
	if len(node.leaves) == 0 {
		return
	}
	if node.items != nil && t.Kind == jsonschema.Array && t.Items != nil {
		for _, e := range node.items {
			o.within(e.node, t.Items, false)
		}
		return
	}
	if node.items == nil && t.Kind == jsonschema.Object {
		for i := range node.names.slots {
			s := &node.names.slots[i]
			if s.name == "" {
				continue
			}
			if f := t.Named(s.name); f != nil {
				o.within(s.column, f.Of, sure && f.Required && !f.Of.Nullable)
			} else if t.Values != nil {
				o.within(s.column, t.Values, false)
			}
		}
		return
	}
	for _, l := range node.leaves {
		o.seen[l.column] = true
		if t.Kind != jsonschema.Any && t.Kind != jsonschema.Null && !(node.items != nil && t.Kind == jsonschema.Array) {
			o.tell(changeMismatch, int(l.column), t.String())
		}
	}
}

// value compares a value of a column.
func (o *objectDifferences) value(column int, t *jsonschema.Type, sure bool) {
	f := &o.fields[column]
	o.seen[column] = true
	o.typed(f, t)
	if f.required && !sure {
		o.tell(changeNullable, column, t.String())
	}
}

// typed compares the type of a value, of a column or of what one holds.
func (o *objectDifferences) typed(f *field, t *jsonschema.Type) {
	if change := f.objectChange(t); change != "" {
		o.out = append(o.out, batch.Drift{Change: change, Column: f.path, From: t.String(), To: f.typeName})
		return
	}
	if f.nest == nil {
		return
	}
	part := func(i int, t *jsonschema.Type) {
		if t != nil {
			o.typed(&o.inner[f.nest.parts[i]], t)
		}
	}
	switch f.kind {
	case schema.List:
		part(0, t.Items)
	case schema.Map:
		part(1, t.Values)
	default:
		for i := range t.Fields {
			one := &t.Fields[i]
			if at, _, ok := f.nest.fields.find([]byte(one.Name)); ok {
				part(at, one.Of)
			} else {
				o.out = append(o.out, batch.Drift{Change: changeExtra, Column: f.nest.path + one.Name, From: one.Of.String()})
			}
		}
	}
}

// absent tells of a column that has no field.
func (o *objectDifferences) absent(column int, row *jsonschema.Type) {
	if o.plan.columns[column].required && !row.Closed {
		o.tell(changeNullable, column, "")
		return
	}
	o.tell(changeMissing, column, "")
}

// objectChange is the change that a type shows, empty: none.
func (f *field) objectChange(t *jsonschema.Type) string {
	switch k := t.Kind; {
	case f.json || k == jsonschema.Any || k == jsonschema.Null:
		return ""
	case f.nest != nil:
		if (f.kind == schema.List) != (k == jsonschema.Array) || k != jsonschema.Array && k != jsonschema.Object {
			return changeMismatch
		}
		return ""
	case f.sent != nil:
		return f.sentChange()
	case k == jsonschema.Object || k == jsonschema.Array, (k == jsonschema.Boolean) != (f.kind == schema.Boolean):
		return changeMismatch
	case k == jsonschema.String:
		return f.textChange(t)
	case k != jsonschema.Boolean:
		return f.numberChange(k)
	}
	return ""
}

// sentChange is objectChange for a value that the converter of Kafka Connect wrote.
func (f *field) sentChange() string {
	switch op := f.sent; {
	case op.code == avroUnfit:
		return changeMismatch
	case op.code == avroVariable:
		return ""
	case op.of.Kind == avroschema.Decimal && f.kind == schema.Decimal && f.scale >= op.of.Scale:
		return "" // how many digits there are, its schema does not say
	}
	_, change := f.avroCode(f.sent.of)
	return change
}

// textChange is objectChange for a text.
func (f *field) textChange(t *jsonschema.Type) string {
	day, moment := t.Format == "date", t.Format == "date-time"
	switch f.kind {
	case schema.String, schema.Binary:
		return ""
	case schema.Date:
		if moment && f.layout == "" {
			return changeMismatch
		}
		if day {
			return ""
		}
	case schema.Timestamp:
		if day || moment {
			return ""
		}
	default:
		if day || moment {
			return changeMismatch
		}
	}
	return changeType
}

// numberChange is objectChange for a number.
func (f *field) numberChange(k jsonschema.Kind) string {
	switch f.kind {
	case schema.String, schema.Binary:
		return changeMismatch
	case schema.Date, schema.Timestamp:
		if f.unit == "" {
			return changeMismatch
		}
	case schema.Int, schema.Long:
		if k == jsonschema.Number {
			return changeNarrow
		}
	default:
		if k == jsonschema.Integer && f.fractions() {
			return changeWiden
		}
	}
	return ""
}
