package conform

import (
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// avroEvent is how the datums of one schema become rows where they are change events: what to do
// with their members, in the order in which these lie there. What a row is made of is decoded as
// soon as it comes, as op says for most events; of a delete, it is undone, and the row that was
// there before is read.
type avroEvent struct {
	steps         []eventStep
	after, before *avroPlan // of the rows, nil: there is none
}

// eventStep is one member that is looked for, or some that are not.
type eventStep struct {
	member int32            // 0: none is looked for
	pass   []avroOp         // they are read over
	of     *avroschema.Type // of a member
	row    bool             // it may be a row: a record, or a union of null and one
	null   int              // the branch of null, −1: it is no union
	node   int32            // that it is, 0: no columns come from within it
	beside []avroOp         // of those
}

// rowOf is the type of a row before or after the change, nil: the member is none.
func rowOf(t *avroschema.Type) *avroschema.Type {
	if _, other := t.Optional(); other != nil {
		t = other
	}
	if t.Kind != avroschema.Record {
		return nil
	}
	return t
}

// isChange reports whether datums of a record are change events.
func isChange(t *avroschema.Type) bool {
	op, image := false, false
	for i := range t.Fields {
		switch t.Fields[i].Name {
		case "op":
			op = true
		case "before", "after":
			image = true
		}
	}
	return op && image
}

// noChange is how a schema of no change events differs from all that are.
func noChange() batch.Drift {
	return batch.Drift{Change: changeMismatch, Column: "op", From: "no change event", To: "a change event"}
}

// meant is the type that values of a type are, for a column: where Avro says no more than how a
// number is written, what Kafka Connect says besides.
func (f *field) meant(t *avroschema.Type) *avroschema.Type {
	of := t.Connect
	switch {
	case of == nil || f.json:
		return t
	case of.Base == avroschema.Record && f.variableScale(0) == nil, of.Kind == avroschema.Decimal && f.kind == schema.Binary, of.Kind != avroschema.Decimal && (f.kind == schema.Int || f.kind == schema.Long):
		return t // the bytes, or the number, as they stand
	}
	return of
}

// change is what to do with the members of a change event.
func (c *avroCompiler) change(members []avroschema.Field) {
	e := &avroEvent{}
	c.out.event = e
	for i := range members {
		f := &members[i]
		m, _, ok := c.plan.event.names.find([]byte(f.Name))
		if !ok {
			e.pass(f.Of)
			continue
		}
		s := eventStep{member: int32(m), of: f.Of, null: -1, node: c.plan.event.nodes[m]}
		if null, other := f.Of.Optional(); other != nil {
			s.null = null
		}
		s.row = (m == eventBefore || m == eventAfter) && rowOf(f.Of) != nil
		if s.node > 0 {
			s.beside = []avroOp{c.inside(f.Of, s.node)}
		}
		e.steps = append(e.steps, s)
	}
	c.images(e)
}

// pass reads over a member.
func (e *avroEvent) pass(t *avroschema.Type) {
	if n := len(e.steps); n == 0 || e.steps[n-1].member > 0 {
		e.steps = append(e.steps, eventStep{})
	}
	s := &e.steps[len(e.steps)-1]
	if t.Kind != avroschema.Record {
		s.pass = append(s.pass, passed(t))
		return
	}
	for i := range t.Fields {
		s.pass = append(s.pass, passed(t.Fields[i].Of))
	}
}

// images is what to do with the rows before and after the change. The latter is the one whose
// differences to the table are told.
func (c *avroCompiler) images(e *avroEvent) {
	var rows [eventAfter + 1]*avroschema.Type
	for i := range e.steps {
		if s := &e.steps[i]; s.row {
			rows[s.member] = rowOf(s.of)
		}
	}
	if rows[eventAfter] != nil {
		e.after = c.image(rows[eventAfter])
	}
	told := c.out.drift
	switch {
	case rows[eventBefore] == rows[eventAfter]:
		e.before = e.after
	case rows[eventBefore] != nil:
		e.before = c.image(rows[eventBefore])
		if e.after != nil {
			c.out.drift = told
		}
	}
	for _, one := range []*avroPlan{e.before, e.after} {
		if one != nil {
			c.out.missing = one.missing
		}
	}
}

// image is what to do with a row.
func (c *avroCompiler) image(t *avroschema.Type) *avroPlan {
	whole := c.out
	c.out = &avroPlan{symbols: whole.symbols, drift: whole.drift}
	c.row(t.Fields)
	one := c.out
	whole.symbols, whole.drift = one.symbols, one.drift
	one.drift, c.out = nil, whole
	return one
}

// bytes is what e takes, about.
func (e *avroEvent) bytes() (n int64) {
	for i := range e.steps {
		s := &e.steps[i]
		n += 128 + int64(len(s.pass)+len(s.beside))*opBytes + heldBy(s.beside)
	}
	if e.after != nil {
		n += e.after.bytes()
	}
	if e.before != nil && e.before != e.after {
		n += e.before.bytes()
	}
	return n
}
