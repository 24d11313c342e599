package conform

import (
	"fmt"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// nest is what values of a nested type hold.
type nest struct {
	depth  int     // nested types around it
	cells  int     // that a value within it takes at most, but for lists and maps
	parts  []int32 // of inner, in the order of the type
	fields nameTable
	path   string // of a field of a struct that has none, up to its name
}

// mostCells is how many values a nested value may hold: so many are too many.
const mostCells = 1_000_000

// compileNested makes fields of what nested columns hold.
func (p *Plan) compileNested() {
	for i := range p.columns {
		if c := &p.table.Columns[i]; c.Type.Kind.Nested() {
			p.nested = append(p.nested, i)
			p.columns[i].nest, p.columns[i].boxed = p.nestOf(c, c.Type, 0, c.Name), true
		}
	}
}

// nestOf is the nest of a type within a column.
func (p *Plan) nestOf(c *schema.Column, t schema.Type, depth int, path string) *nest {
	n := &nest{depth: depth, cells: t.Leaves(), path: path + "."}
	var names []nameSlot
	for i, in := range t.Of {
		f, _ := compileField(&schema.Column{Name: c.Name, Type: in.Type, Default: schema.Value{Null: true}, FromFloat: c.FromFloat})
		f.top, f.boxed, f.path = int32(p.table.Column(c.Name)), true, path
		if t.Kind == schema.Struct {
			f.path += "." + in.Name
		}
		at := len(p.inner)
		p.inner = append(p.inner, f)
		n.parts = append(n.parts, int32(at))
		names = append(names, nameSlot{name: in.Name, column: int32(i)})
		if in.Type.Kind.Nested() {
			made := p.nestOf(c, in.Type, depth+1, f.path)
			p.inner[at].nest = made
		}
	}
	n.fields = newNameTable(names)
	return n
}

// slot is what is fixed about a column, or about what a nested one holds.
func (p *Plan) slot(i int) *field {
	if i < len(p.columns) {
		return &p.columns[i]
	}
	return &p.inner[i-len(p.columns)-len(p.fields)]
}

// part is the number of a part among the slots of a decoder.
func (p *Plan) part(n *nest, i int) int { return len(p.columns) + len(p.fields) + int(n.parts[i]) }

// wantNested says what a value of a nested type looks like.
func wantNested(t schema.Type) string {
	if t.Kind == schema.List {
		return fmt.Sprintf("an array, for %s", t)
	}
	return fmt.Sprintf("an object, for %s", t)
}

// top is the column that a column stands in, which is itself but for what nested ones
// hold; −1 is none.
func (d *Decoder) top(column int) int {
	if column >= len(d.columns) {
		return int(d.slots[column].top)
	}
	return column
}

// begin gives the column its vector. Of a column of the table, rows and bytes are those of the
// batch, of others 0.
func (c *column) begin(v *batch.Vector, rows, bytes int) {
	c.v, c.ints, c.codes, c.fallback = v, v.Ints, v.Codes, -1
	if c.kind == schema.String || c.kind == schema.Binary {
		c.index.begin(&v.Dict, rows, bytes)
	}
}

// beginInner gives what a nested column holds its vectors.
func (d *Decoder) beginInner(c *column) {
	for i, part := range c.nest.parts {
		child := &d.held[part]
		child.begin(&c.v.Children[i], 0, 0)
		if child.nest != nil {
			d.beginInner(child)
		}
	}
}

// closeNested gives nested columns a value in this row where nothing else did.
func (d *Decoder) closeNested() {
	for _, i := range d.plan.nested {
		if c := &d.columns[i]; c.v.Rows() <= d.row {
			d.setNull(c)
		}
	}
}

// clear makes the value of a row of a nested column an empty one, whatever was there.
func (c *column) clear(row int) {
	c.v.Truncate(row)
	c.v.Append()
}

// nested decodes the value at pos, which stands in depth objects and arrays, into a nested
// column.
func (d *Decoder) nested(column, pos, depth int) (int, bool) {
	c := &d.slots[column]
	if d.peek(pos) == 'n' {
		next, ok := d.word(pos, "null")
		switch {
		case !ok:
		case c.required:
			d.reject(column, ReasonRequired, "a value, not null", place{pos, 0})
		default:
			d.setNull(c)
		}
		return next, ok
	}
	c.clear(d.row)
	d.account()
	next, ok := d.build(column, pos, depth)
	d.row = d.recordRow
	if ok && d.taken >= mostCells {
		// What is read over has been looked at only up to the limit.
		if next, ok = d.skip(pos, depth); ok {
			d.reject(column, ReasonLimit, "fewer than 1,000,000 values", place{pos, 0})
		}
	}
	return next, ok
}

// cellBytes is about what a value that holds no others takes in a vector that grows.
const cellBytes = 12

// account begins with the value of a nested column.
func (d *Decoder) account() {
	d.spent += int64(d.taken) * cellBytes
	d.taken = 0
}

// full reports whether the batch has more in nested columns than there is room for. One row is
// decoded whatever it takes, which mostCells bounds.
func (d *Decoder) full() bool {
	return d.Room > 0 && d.b.Rows > 1 && d.spent+int64(d.taken)*cellBytes > d.Room
}

// build decodes the value at pos into the last row of a column of what is nested, which is
// there and empty. When too much was taken it returns early, and nested sees to that.
func (d *Decoder) build(column, pos, depth int) (int, bool) {
	c, first := &d.slots[column], d.peek(pos)
	if first == 'n' {
		next, ok := d.word(pos, "null")
		if ok {
			rows := c.v.Rows()
			c.v.SetMark(rows-1, rows, batch.Null)
		}
		return next, ok
	}
	switch {
	case c.nest == nil:
		return d.buildLeaf(column, pos, depth)
	case first == '[' && c.kind == schema.List:
		return d.buildList(c, pos, depth)
	case first == '{' && c.kind == schema.Map:
		return d.buildMap(c, pos, depth)
	case first == '{' && c.kind == schema.Struct:
		return d.buildStruct(c, pos, depth)
	}
	next, ok := d.skip(pos, depth)
	if ok {
		d.unfit(column, ReasonType, pos, next-pos)
	}
	return next, ok
}

// buildLeaf is build for what holds no others.
func (d *Decoder) buildLeaf(column, pos, depth int) (int, bool) {
	c := &d.slots[column]
	c.ints, c.codes = c.v.Ints, c.v.Codes
	d.row = c.v.Rows() - 1
	if first := d.peek(pos); !c.json && (first == '{' && !c.variable() || first == '[') {
		next, ok := d.skip(pos, depth)
		if ok {
			d.unfit(column, ReasonType, pos, next-pos)
		}
		return next, ok
	}
	if c.json {
		return d.asJSON(column, pos, depth)
	}
	return d.value(column, pos)
}

// part is the number of a part among slots.
func (d *Decoder) part(n *nest, i int) int {
	return len(d.slots) - len(d.held) + int(n.parts[i])
}

// more counts the values of another element, and reports whether that is too many.
func (d *Decoder) more(n *nest) bool {
	d.taken += n.cells
	return d.taken >= mostCells
}

// nextMember reads what stands behind an element or a member: a comma, or the end.
func (d *Decoder) nextMember(pos int, end byte) (next int, last, ok bool) {
	pos = d.space(pos)
	switch d.peek(pos) {
	case end:
		return pos + 1, true, true
	case ',':
		return d.space(pos + 1), false, true
	}
	d.unexpected("a comma or the end of what is open", pos)
	return 0, false, false
}

func (d *Decoder) buildList(c *column, pos, depth int) (int, bool) {
	at, last := d.space(pos+1), false
	if d.peek(at) == ']' {
		return at + 1, true
	}
	element := d.part(c.nest, 0)
	var ok bool
	for !last {
		if d.more(c.nest) {
			return pos, true
		}
		d.slots[element].v.Append()
		if at, ok = d.build(element, at, depth+1); !ok || d.taken >= mostCells {
			return at, ok
		}
		if at, last, ok = d.nextMember(at, ']'); !ok {
			return 0, false
		}
	}
	c.v.Close()
	return at, true
}

func (d *Decoder) buildMap(c *column, pos, depth int) (int, bool) {
	at, last := d.space(pos+1), false
	if d.peek(at) == '}' {
		return at + 1, true
	}
	keys, value := &d.slots[d.part(c.nest, 0)], d.part(c.nest, 1)
	seen := d.beginKeys(c)
	for !last {
		if d.more(c.nest) {
			return pos, true
		}
		s, key, ok := d.readKey(at)
		if !ok {
			return 0, false
		}
		from := s.from
		if s.escaped {
			from = -1
		}
		if !seen.add(d.buf, key, d.hashKey(key), from) {
			d.fail(ReasonDuplicate, "each key once", s.from-1, s.to-s.from+2)
			return 0, false
		}
		if len(key) >= maxText {
			d.reject(int(keys.top), ReasonLimit, wantText, place{s.from - 1, s.to - s.from + 2})
		} else {
			row := keys.v.Append()
			keys.v.Codes[row] = keys.index.add(key, !s.escaped || plain(key), row)
		}
		if at = d.space(s.to + 1); d.peek(at) != ':' {
			d.unexpected("a colon", at)
			return 0, false
		}
		d.slots[value].v.Append()
		if at, ok = d.build(value, d.space(at+1), depth+1); !ok || d.taken >= mostCells {
			return at, ok
		}
		if at, last, ok = d.nextMember(at, '}'); !ok {
			return 0, false
		}
	}
	c.v.Close()
	return at, true
}

// beginKeys is an empty set for the keys of an object of a column.
func (d *Decoder) beginKeys(c *column) *keySet {
	seen := &d.maps[c.nest.depth]
	if d.mapping++; d.mapping == 0 {
		for i := range d.maps {
			d.maps[i].forget()
		}
		d.mapping = 1
	}
	seen.begin(d.mapping)
	return seen
}

func (d *Decoder) buildStruct(c *column, pos, depth int) (int, bool) {
	at, last := d.space(pos+1), false
	if d.peek(at) == '}' {
		return at + 1, true
	}
	seen := uint64(0) // fields; there are no more than MaxLeaves
	for !last {
		s, key, ok := d.readKey(at)
		if !ok {
			return 0, false
		}
		if at = d.space(s.to + 1); d.peek(at) != ':' {
			d.unexpected("a colon", at)
			return 0, false
		}
		at = d.space(at + 1)
		i, _, known := c.nest.fields.find(key)
		switch {
		case !known:
			name := append([]byte(c.nest.path), key...)
			kind := kindOf(d.peek(at))
			if at, ok = d.skip(at, depth+1); ok {
				d.extraneous(name, kind, s.from-1, s.to-s.from+2)
			}
		case seen>>i&1 != 0:
			d.fail(ReasonDuplicate, "each key once", s.from-1, s.to-s.from+2)
			return 0, false
		default:
			seen |= 1 << i
			field := d.part(c.nest, i)
			child := &d.slots[field]
			child.v.Truncate(c.v.Rows() - 1)
			child.v.Append()
			at, ok = d.build(field, at, depth+1)
		}
		if !ok || d.taken >= mostCells {
			return at, ok
		}
		if at, last, ok = d.nextMember(at, '}'); !ok {
			return 0, false
		}
	}
	return at, true
}
