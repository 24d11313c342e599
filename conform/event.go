package conform

// eventPlan is what is looked for in a change event of Debezium.
type eventPlan struct {
	names nameTable // of its members, from 1 on; 0: none
	nodes []int32   // by member, what columns come from within it; 0: none do
	all   int32     // the node that all of those are within
}

// The members of a change event that every table looks for.
const (
	eventBefore = 1 + iota
	eventAfter
	eventOp
	eventMembers
)

const (
	wantOp     = "a change event, whose op is c, u, d, r, t or m; rows without one are of format json, without debezium"
	wantAfter  = "an object in after, the row that the event leaves"
	wantBefore = "an object in before, the row that was deleted: the database has to log it (REPLICA IDENTITY FULL, or its like)"
)

// compileEvent finds the members of a change event that columns come from.
func (p *Plan) compileEvent() {
	e := &p.event
	e.all = p.addNode(p.events, 0)
	e.nodes = make([]int32, eventMembers)
	members := map[string]int32{"before": eventBefore, "after": eventAfter, "op": eventOp}
	for _, s := range p.nodes[e.all].names.slots {
		if s.name == "" {
			continue
		}
		if members[s.name] == 0 {
			members[s.name] = int32(len(e.nodes))
			e.nodes = append(e.nodes, 0)
		}
		e.nodes[members[s.name]] = s.column
	}
	var names []nameSlot
	for name, m := range members {
		names = append(names, nameSlot{name: name, column: m})
	}
	e.names = newNameTable(names)
}

// change reads the change event that opens at pos and stands in depth objects, and decodes
// the row that it leaves, if it does. It returns the place behind it.
func (d *Decoder) change(pos, depth int) (next int, ok bool) {
	e, places := &d.plan.event, d.around.places
	clear(places)
	d.around.row = false
	at := d.space(pos + 1)
	if d.peek(at) == '}' {
		return at + 1, true
	}
	for n := 1; ; n++ {
		m, value, ok := d.keyInside(&e.names, at)
		switch {
		case !ok:
			return 0, false
		case n >= maxKeys:
			d.fail(ReasonLimit, "fewer than 100,000 keys", at, 0)
			return 0, false
		case m == 0:
			at, ok = d.pass(value, depth+1)
		case places[m] > 0:
			return d.twice(at)
		case m == eventAfter && d.peek(value) == '{':
			places[m], d.around.row = value, true
			at, ok = d.inRow(value, depth+1)
		default:
			places[m] = value
			at, ok = d.pass(value, depth+1)
		}
		if !ok {
			return 0, false
		}
		var done bool
		if at, done, ok = d.further(at); done || !ok {
			return at, ok
		}
	}
}

// twice rejects a record for a key that stands at a place.
func (d *Decoder) twice(at int) (int, bool) {
	s, _ := d.str(at)
	d.fail(ReasonDuplicate, "each key once", at, s.to-at+1)
	return 0, false
}

// further returns the place of the next key behind the value that ends at a place, or,
// done, the place behind the object.
func (d *Decoder) further(at int) (next int, done, ok bool) {
	at = d.space(at)
	switch d.peek(at) {
	case ',':
		return d.space(at + 1), false, true
	case '}':
		return at + 1, true, true
	}
	d.unexpected("a comma or the end of the object", at)
	return 0, false, false
}

// inRow decodes the object at pos, which stands in depth objects, as the row. It returns the
// place behind it.
func (d *Decoder) inRow(pos, depth int) (int, bool) {
	d.level, d.inner, d.behind = depth+1, true, 0
	d.object(pos)
	d.level, d.inner = 1, false
	return d.behind, d.behind > 0
}

// startOver forgets what the record has given its row.
func (d *Decoder) startOver() {
	d.undo()
	d.b.Rejects, d.bad = d.b.Rejects[:d.rejects], false
}

// settle gives the row of the change event that was read its values, as its op says.
func (d *Decoder) settle(depth int) {
	places := d.around.places
	switch op := d.op(places[eventOp]); op {
	case 'c', 'u', 'r':
		if !d.around.row && !d.document(places[eventAfter]) {
			d.noRow(places[eventAfter], wantAfter)
			return
		}
	case 'd':
		at := places[eventBefore]
		if d.around.row {
			d.startOver()
		}
		if at > 0 && d.buf[at] == '{' {
			if _, ok := d.inRow(at, depth+1); !ok {
				return
			}
		} else if !d.document(at) {
			d.noRow(at, wantBefore)
			return
		}
	case 't', 'm': // a table is emptied, or a message that is of none
		d.startOver()
		d.filtered = true
		return
	default:
		d.noRow(places[eventOp], wantOp)
		return
	}
	d.beside(depth + 1)
}

// op is the letter that says what happened, 0: none does.
func (d *Decoder) op(at int) byte {
	if at == 0 || d.buf[at] != '"' {
		return 0
	}
	s, _ := d.str(at)
	text := d.buf[s.from:s.to]
	if s.escaped {
		text, _ = d.unescape(s)
	}
	if len(text) != 1 {
		return 0
	}
	return text[0]
}

// noRow rejects a record that is no change event, or has no row. At 0: it lacks the member.
func (d *Decoder) noRow(at int, want string) {
	length := 0
	if at == 0 {
		at = -1
	} else if next, ok := d.skip(at, 1); ok { // it was read over before
		length = next - at
	}
	d.fail(ReasonEnvelope, want, at, length)
}

// beside gives the columns their values that stand in the change event beside the row; they
// stand in depth objects.
func (d *Decoder) beside(depth int) {
	e := &d.plan.event
	clear(d.within[e.all:d.plan.nodes[e.all].end])
	for m, n := range e.nodes {
		if at := d.around.places[m]; n > 0 && at > 0 {
			if _, ok := d.inside(n, at, depth); !ok {
				return
			}
		}
	}
	d.besideNone()
}

// besideNone deals with the columns that the change event has nothing for.
func (d *Decoder) besideNone() {
	for _, column := range d.plan.events {
		if d.within[d.columns[column].node] {
			continue
		}
		if d.plan.table.Columns[column].OfChange() {
			d.setNull(&d.columns[column])
		} else {
			d.absent(column)
		}
	}
}

// noEvent gives the columns that come from change events what a row has that does not stand
// in one, such as one of a file.
func (d *Decoder) noEvent() {
	if len(d.plan.events) == 0 || d.bad {
		return
	}
	e := &d.plan.event
	clear(d.within[e.all:d.plan.nodes[e.all].end])
	d.besideNone()
}
