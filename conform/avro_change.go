package conform

import (
	"unicode/utf8"

	"tidemark/internal/avroschema"
)

// changed decodes the datum at pos, which is a change event, into its row.
func (d *Decoder) changed(w *avroWriters, pos int) {
	e := w.plan.event
	if e == nil {
		d.fail(ReasonEnvelope, wantOp, -1, 0)
		return
	}
	places := d.around.places // plus one
	clear(places)
	d.around.row = false
	d.avro.work = 2 * (freeWork + byteWork*(d.end-pos)) // some is read twice
	for i := range e.steps {
		s := &e.steps[i]
		switch {
		case s.member == 0:
			pos = d.perform(w, s.pass, pos)
		case s.member == eventAfter && s.row:
			places[eventAfter] = pos + 1
			d.around.row, pos = d.image(w, s, pos)
		default:
			places[s.member] = pos + 1
			pos = d.skipAvro(s.of, pos)
		}
		if pos < 0 {
			return
		}
	}
	switch {
	case pos > d.end:
		d.fail(ReasonSyntax, "a datum"+endOfRecord, d.end, 0)
	case pos < d.end:
		d.fail(ReasonTrailing, "nothing after the datum", pos, d.end-pos)
	default:
		d.settleAvro(w)
	}
}

// image decodes the row at pos, if there is one, and returns the place behind it, −1 where the
// record was rejected as a whole.
func (d *Decoder) image(w *avroWriters, s *eventStep, pos int) (row bool, next int) {
	if s.null >= 0 {
		if row, pos = d.branch(s, pos); !row {
			return false, pos
		}
	}
	one := w.plan.event.after
	if s.member == eventBefore {
		one = w.plan.event.before
	}
	if len(d.within) > 1 {
		clear(d.within)
		for _, n := range one.nodes {
			d.within[n] = true
		}
	}
	if pos = d.perform(w, one.ops, pos); pos < 0 || pos > d.end {
		return false, pos
	}
	for _, column := range one.missing {
		d.missing(column)
	}
	d.fillWithin()
	return true, pos
}

// branch reads which branch of a union of null and another type comes, and reports whether it is
// the latter.
func (d *Decoder) branch(s *eventStep, pos int) (other bool, next int) {
	if pos > d.end {
		return false, pos
	}
	x, next := varint(d.buf, pos)
	switch {
	case next > d.end:
		return false, d.short(pos)
	case x == uint64(2*s.null):
		return false, next
	case x != uint64(2-2*s.null):
		d.fail(ReasonSyntax, "a branch that the union has", pos, next-pos)
		return false, -1
	}
	return true, next
}

// settleAvro gives the row of the change event that was read its values, as its op says.
func (d *Decoder) settleAvro(w *avroWriters) {
	switch d.opAvro(w.plan.event) {
	case 'c', 'u', 'r':
		if !d.around.row && !d.documentAvro(w, eventAfter) {
			d.noImage(eventAfter, wantAfter)
			return
		}
	case 'd':
		if d.around.row {
			d.startOver()
		}
		if !d.before(w) {
			return
		}
	case 't', 'm': // a table is emptied, or a message that is of none
		d.startOver()
		d.filtered = true
		return
	default:
		d.noImage(eventOp, wantOp)
		return
	}
	d.besideAvro(w)
}

// before decodes the row that was there before the change. It reports false where the record was
// rejected as a whole.
func (d *Decoder) before(w *avroWriters) bool {
	for i := range w.plan.event.steps {
		s := &w.plan.event.steps[i]
		if s.member != eventBefore || !s.row {
			continue
		}
		row, next := d.image(w, s, d.around.places[eventBefore]-1)
		if row || next < 0 {
			return row
		}
	}
	if d.documentAvro(w, eventBefore) {
		return true
	}
	d.noImage(eventBefore, wantBefore)
	return false
}

// documentAvro decodes the text in a member, which holds the row as JSON, as the connector of
// MongoDB sends it. It reports false where there is none.
func (d *Decoder) documentAvro(w *avroWriters, member int32) bool {
	for i := range w.plan.event.steps {
		s := &w.plan.event.steps[i]
		if s.member != member {
			continue
		}
		pos, t, there := d.around.places[member]-1, s.of, true
		if s.null >= 0 {
			there, pos = d.branch(s, pos)
			_, t = t.Optional()
		}
		if !there || t.Kind != avroschema.String {
			return false
		}
		n, next := d.length(pos)
		text := d.buf[next : next+n]
		if !utf8.Valid(text) {
			d.fail(ReasonEncoding, "text in UTF-8", next+invalidAt(text), 1)
			return true
		}
		return d.documentOf(text, next)
	}
	return false
}

// variableAvro gives a column a decimal that says its scale.
func (d *Decoder) variableAvro(op *avroOp, pos int) int {
	x, at := varint(d.buf, pos)
	if at > d.end {
		return d.short(pos)
	}
	n, at := d.length(at)
	if n < 0 {
		return -1
	}
	scale, in := zigzag(x), place{pos, at + n - pos}
	if scale < -mostVariable || scale > mostVariable {
		d.unfit(int(op.column), ReasonOverflow, in.at, in.length)
		return at + n
	}
	a := &d.avro // not op.of, which others read
	a.scaled, a.scale = *op, *op.of
	a.scaled.of, a.scale.Scale = &a.scale, int(scale)
	d.decimal(&a.scaled, d.buf[at:at+n], in)
	return at + n
}

// noImage rejects a record that is no change event, or has no row in a member.
func (d *Decoder) noImage(member int, want string) {
	d.fail(ReasonEnvelope, want, d.around.places[member]-1, 0) // −1: the schema lacks it
}

// opAvro is the letter that says what happened, 0: none does.
func (d *Decoder) opAvro(e *avroEvent) byte {
	for i := range e.steps {
		s := &e.steps[i]
		if s.member != eventOp {
			continue
		}
		pos, t := d.around.places[eventOp]-1, s.of
		if s.null >= 0 {
			var there bool
			if there, pos = d.branch(s, pos); !there {
				return 0
			}
			_, t = t.Optional()
		}
		x, next := varint(d.buf, pos)
		switch {
		case t.Kind == avroschema.String && x == 2:
			return d.buf[next]
		case t.Kind == avroschema.Enum && len(t.Symbols[x>>1].Text) == 1:
			return t.Symbols[x>>1].Text[0]
		}
	}
	return 0
}

// besideAvro gives the columns their values that stand in the change event beside the row.
func (d *Decoder) besideAvro(w *avroWriters) {
	e := &d.plan.event
	clear(d.within[e.all:d.plan.nodes[e.all].end])
	for i := range w.plan.event.steps {
		s := &w.plan.event.steps[i]
		if s.node == 0 {
			continue
		}
		d.within[s.node] = true
		if next := d.perform(w, s.beside, d.around.places[s.member]-1); next < 0 {
			return
		}
	}
	d.besideNone()
}
