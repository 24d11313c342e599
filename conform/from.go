package conform

import (
	"slices"

	"tidemark/internal/schema"
)

// pathNode is a value on the way to columns that come from within a field at the top
// of a record: that field, or what stands in it. A value that no node is for is read
// over, and is no difference to the schema.
type pathNode struct {
	column int32     // that the value fills, −1: none. One of type json may have nodes within it
	end    int32     // the nodes within it are those from the next one on, up to end
	names  nameTable // of an object: nodes by their keys
	items  []element // of an array: nodes by their place, ascending
	leaves []leaf    // of the columns from within it
}

// element is an element of an array that leads on.
type element struct {
	index int
	node  int32
}

// leaf is a column from within a node.
type leaf struct {
	column int32
	want   string // what the node has to be for it
}

// compileNames makes what finds the columns of a record's keys.
func (p *Plan) compileNames() {
	p.nodes = make([]pathNode, 1)
	p.atOnce = len(p.columns)
	var names, keys []nameSlot
	var within []int // columns
	for i := range p.columns {
		c := &p.table.Columns[i]
		switch {
		case c.From.Part == schema.FromEnvelope:
			p.events = append(p.events, i)
			p.atOnce--
		case c.From.Part != schema.FromField:
			p.record = append(p.record, i)
			p.atOnce--
		case c.From.Nested():
			within = append(within, i)
		default:
			whole := p.isWhole(c)
			if whole {
				p.columns[i].from.Path = []schema.Step{{Key: c.Names()[0], Index: -1}}
				within = append(within, i)
			}
			for rank, name := range c.Names() {
				names = append(names, nameSlot{name: name, column: int32(i), rank: int32(rank)})
			}
			if !whole {
				keys = append(keys, names[len(names)-len(c.Names()):]...)
			}
		}
	}
	if len(within) > 0 {
		p.atOnce = -1
	}
	p.names = newNameTable(names)
	for _, g := range p.groups(within, 0) {
		slot := int32(len(p.columns) + len(p.fields))
		p.fields = append(p.fields, field{usual: classWithin, node: p.addNode(g.columns, 1)})
		for _, i := range g.columns {
			p.columns[i].outer = slot
		}
		keys = append(keys, nameSlot{name: g.step.Key, column: slot})
	}
	p.keys = newNameTable(keys)
	if p.table.Debezium {
		p.compileEvent()
	}
	p.connect = newConnectNames()
}

// isWhole reports whether a column takes the whole of a field that others come from
// within.
func (p *Plan) isWhole(c *schema.Column) bool {
	if !c.Type.JSON || len(c.Aliases) > 0 {
		return false
	}
	return slices.ContainsFunc(p.table.Columns, func(other schema.Column) bool {
		return other.From.Nested() && other.From.Path[0].Key == c.Names()[0]
	})
}

// group is the columns whose paths have a step in common.
type group struct {
	step    schema.Step
	columns []int
}

// groups puts columns together by a step of their paths, in the order in which the
// steps occur; elements of an array ascend.
func (p *Plan) groups(columns []int, depth int) []group {
	var out []group
next:
	for _, i := range columns {
		step := p.columns[i].from.Path[depth]
		at := len(out)
		for k := range out {
			if out[k].step == step {
				out[k].columns = append(out[k].columns, i)
				continue next
			}
			if step.Index >= 0 && out[k].step.Index > step.Index {
				at = min(at, k)
			}
		}
		out = append(out, group{})
		copy(out[at+1:], out[at:])
		out[at] = group{step, []int{i}}
	}
	return out
}

// addNode adds the node that columns have in common, whose paths lead there by a
// number of steps, and the nodes within it. It returns its number.
func (p *Plan) addNode(columns []int, depth int) int32 {
	n := int32(len(p.nodes))
	p.nodes = append(p.nodes, pathNode{column: -1})
	node := pathNode{column: -1}
	var deeper []int
	for _, i := range columns {
		if len(p.columns[i].from.Path) > depth {
			deeper = append(deeper, i)
		} else {
			node.column, p.columns[i].node = int32(i), n
		}
	}
	var names []nameSlot
	for _, g := range p.groups(deeper, depth) {
		child, want := p.addNode(g.columns, depth+1), "an object"
		if g.step.Index >= 0 {
			node.items = append(node.items, element{g.step.Index, child})
			want = "an array"
		} else {
			names = append(names, nameSlot{name: g.step.Key, column: child})
		}
		for _, i := range g.columns {
			node.leaves = append(node.leaves, leaf{int32(i), want + ", to come to " + p.columns[i].from.String()})
		}
	}
	node.names, node.end = newNameTable(names), int32(len(p.nodes))
	p.nodes[n] = node
	return n
}

// field decodes the value at pos, of a field that columns come from within.
func (d *Decoder) field(c *column, pos int) (int, bool) {
	clear(d.within[c.node:d.plan.nodes[c.node].end])
	return d.inside(c.node, pos, d.level)
}

// quickField is field as a short cut. Besides what all of them leave to the general
// parser, it leaves values that would reject the record.
func (d *Decoder) quickField(c *column, pos int) int {
	d.trying = true
	next, ok := d.field(c, pos)
	d.trying = false
	if !ok {
		return 0
	}
	return next
}

// inside decodes the value at pos, which is node n of the record and stands in depth
// objects and arrays. While d.trying it has no effect but on values.
func (d *Decoder) inside(n int32, pos, depth int) (int, bool) {
	d.within[n] = true
	node := &d.plan.nodes[n]
	switch {
	case node.column < 0:
		return d.parts(node, pos, depth)
	case len(node.leaves) == 0:
		return d.leaf(int(node.column), pos, depth)
	}
	next, ok := d.parts(node, pos, depth)
	return next, ok && d.keep(int(node.column), pos, next)
}

// parts decodes what leads on from the value at pos, as inside does.
func (d *Decoder) parts(node *pathNode, pos, depth int) (int, bool) {
	switch d.peek(pos) {
	case '{':
		if node.items == nil {
			return d.insideObject(node, pos, depth)
		}
	case '[':
		if node.items != nil {
			return d.insideArray(node, pos, depth)
		}
	case 'n':
		next, ok := d.word(pos, "null")
		return next, ok && d.nullWithin(node, pos)
	}
	next, ok := d.skip(pos, depth)
	if !ok || d.trying {
		return 0, false
	}
	for _, l := range node.leaves {
		d.within[d.columns[l.column].node] = true
		d.unfitFor(int(l.column), l.want, place{pos, next - pos})
	}
	return next, true
}

// nullWithin makes all columns within a node null that is null itself.
func (d *Decoder) nullWithin(node *pathNode, pos int) bool {
	for _, l := range node.leaves {
		c := &d.columns[l.column]
		d.within[c.node] = true
		switch {
		case !c.required:
			d.setNull(c)
		case d.trying:
			return false
		default:
			d.reject(int(l.column), ReasonRequired, "a value, not null", place{pos, 0})
		}
	}
	return true
}

// insideObject decodes the members of the object at pos that lead on.
func (d *Decoder) insideObject(node *pathNode, pos, depth int) (int, bool) {
	at := d.space(pos + 1)
	if d.peek(at) == '}' {
		return at + 1, true
	}
	for {
		n, value, ok := d.keyInside(&node.names, at)
		switch {
		case !ok:
			return 0, false
		case n == 0:
			at, ok = d.pass(value, depth+1)
		case d.within[n]:
			s, _ := d.str(at)
			d.fail(ReasonDuplicate, "each key once", at, s.to-at+1)
			return 0, false
		default:
			at, ok = d.inside(n, value, depth+1)
		}
		if !ok {
			return 0, false
		}
		if at = d.space(at); d.peek(at) == '}' {
			return at + 1, true
		}
		if d.peek(at) != ',' {
			d.unexpected("a comma or the end of what is open", at)
			return 0, false
		}
		at = d.space(at + 1)
	}
}

// insideArray decodes the elements of the array at pos that lead on.
func (d *Decoder) insideArray(node *pathNode, pos, depth int) (int, bool) {
	at := d.space(pos + 1)
	if d.peek(at) == ']' {
		return at + 1, true
	}
	items := node.items
	for i := 0; ; i++ {
		var ok bool
		if len(items) > 0 && items[0].index == i {
			at, ok = d.inside(items[0].node, at, depth+1)
			items = items[1:]
		} else {
			at, ok = d.pass(at, depth+1)
		}
		if !ok {
			return 0, false
		}
		if at = d.space(at); d.peek(at) == ']' {
			return at + 1, true
		}
		if d.peek(at) != ',' {
			d.unexpected("a comma or the end of what is open", at)
			return 0, false
		}
		at = d.space(at + 1)
	}
}

// keyInside reads the key at pos. It returns the node that it leads to, 0 for none,
// and the place of its value.
func (d *Decoder) keyInside(names *nameTable, pos int) (n int32, value int, ok bool) {
	if n, next := d.quickKeyInside(names, pos); next > 0 {
		return n, next, true
	}
	value, ok = d.key(pos)
	if !ok {
		return 0, 0, false
	}
	s, _ := d.str(pos)
	key := d.buf[s.from:s.to]
	if s.escaped {
		key, _ = d.unescape(s) // none, where half of a pair is missing
	}
	column, _, _ := names.find(key)
	return int32(column), value, true
}

// quickKeyInside is keyInside for a short key without escapes; value is 0 for any other.
func (d *Decoder) quickKeyInside(names *nameTable, pos int) (n int32, value int) {
	if d.peek(pos) != '"' {
		return 0, 0
	}
	key, length, ok := nameKeyOf(threeWords(d.buf, pos+1))
	if !ok {
		return 0, 0
	}
	if name := names.quick(key); name != nil {
		n = name.column
	} else if !plain(d.buf[pos+1 : pos+1+length]) {
		return 0, 0 // it may be a name of ours with escapes
	}
	colon := d.space(pos + length + 2)
	if d.peek(colon) != ':' {
		return 0, 0
	}
	if value = d.space(colon + 1); value >= d.end {
		return 0, 0
	}
	return n, value
}

// pass reads over a value that leads nowhere and stands in depth objects and arrays.
func (d *Decoder) pass(pos, depth int) (int, bool) {
	if d.peek(pos) == '"' {
		if to := d.plainEnd(pos + 1); to > 0 {
			return to + 1, true
		}
	}
	return d.skip(pos, depth)
}

// leaf decodes the value at pos into a column; it stands in depth objects and arrays.
func (d *Decoder) leaf(column, pos, depth int) (int, bool) {
	c, first := &d.columns[column], d.peek(pos)
	switch {
	case c.json:
		return d.asJSON(column, pos, depth)
	case c.nest != nil && d.trying:
		return 0, false
	case c.nest != nil:
		return d.nested(column, pos, depth)
	}
	if !d.plain && first != 'n' {
		k, quotes := c.usual, 0
		if first == '"' {
			quotes = 1
		}
		if quotes != k.quotes() {
			k = c.classFor(first)
		}
		if end := d.quick(k, column, pos+quotes); end > 0 && end < d.end && (ends(d.buf[end]) || d.buf[end] == ']') {
			return end, true
		}
	}
	switch {
	case d.trying && first == 'n' && !c.required:
		next, ok := d.word(pos, "null")
		if ok {
			d.setNull(c)
		}
		return next, ok
	case d.trying:
		return 0, false
	case first != '{' && first != '[':
		return d.value(column, pos)
	}
	next, ok := d.skip(pos, depth)
	if ok {
		d.unfit(column, ReasonType, pos, next-pos)
	}
	return next, ok
}

// unfitFor rejects a value that something other than the column's type wants
// otherwise.
func (d *Decoder) unfitFor(column int, want string, in place) {
	if d.plan.table.Evolution.Narrow == schema.Halt {
		d.halt("a record has a value that does not fit column " + d.plan.table.Columns[column].Name + ", and evolution says narrow: halt")
	}
	d.reject(column, ReasonType, want, in)
}
