package writer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/encoding/rle"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// step is a value on the way to a leaf of a nested column, the leaf included.
type step struct {
	kind     schema.Kind
	optional bool
	child    int  // that leads on, of one that is nested
	level    byte // repetition level of all but the first of what a list or a map holds
}

// leavesOf are the leaves of a column, in the order in which a file has them.
func leavesOf(f field) []leaf {
	if !f.typ.Kind.Nested() {
		return []leaf{{typ: physical(f.typ), required: f.required}}
	}
	var out []leaf
	var add func(t schema.Type, steps []step, required bool, rep, def byte)
	add = func(t schema.Type, steps []step, required bool, rep, def byte) {
		here := step{kind: t.Kind, optional: !required}
		if here.optional {
			def++
		}
		if t.Kind == schema.List || t.Kind == schema.Map {
			rep, def = rep+1, def+1
			here.level = rep
		}
		if !t.Kind.Nested() {
			own := append(append([]step(nil), steps...), here)
			out = append(out, leaf{typ: physical(t), required: required, nested: true, steps: own, maxRep: rep, maxDef: def})
			return
		}
		for i, in := range t.Of {
			here.child = i
			add(in.Type, append(append([]step(nil), steps...), here), t.Kind == schema.Map && i == 0, rep, def)
		}
	}
	add(f.typ, nil, f.required, 0, 0)
	return out
}

// hasNested reports whether a table has a nested column.
func hasNested(t *schema.Table) bool {
	for i := range t.Columns {
		if t.Columns[i].Type.Kind.Nested() {
			return true
		}
	}
	return false
}

// repetition is how often a node may occur.
type repetition uint8

const (
	once repetition = iota
	perhaps
	often
)

// branch is a node that has others: a group, a LIST, a MAP or what they repeat. Like
// optional, it says what it is only until the columns have been described.
type branch struct {
	parquet.Node
	fields []parquet.Field
	occurs repetition
	laid   *bool
}

// Fields implements parquet.Node.
func (b *branch) Fields() []parquet.Field { return b.fields }

// Optional implements parquet.Node.
func (b *branch) Optional() bool { return b.occurs == perhaps && !*b.laid }

// Repeated implements parquet.Node.
func (b *branch) Repeated() bool { return b.occurs == often && !*b.laid }

// Required implements parquet.Node.
func (b *branch) Required() bool { return b.occurs == once }

// named makes a field of a node.
func named(name string, n parquet.Node) parquet.Field { return parquet.Group{name: n}.Fields()[0] }

// nodeOf is the node of a type whose first leaf is next, which it moves behind its last.
func (s *sheet) nodeOf(t schema.Type, required bool, laid *bool, next *int) parquet.Node {
	if !t.Kind.Nested() {
		l, enc := &s.leaves[*next], encodingOf(t.Kind)
		if l.indexed = s.indexed[*next]; l.indexed {
			enc = &parquet.RLEDictionary
		}
		*next++
		return l.node(enc, laid)
	}
	out := &branch{Node: parquet.Group{}, laid: laid, occurs: perhaps}
	if required {
		out.occurs = once
	}
	var fields []parquet.Field
	for i, in := range t.Of {
		fields = append(fields, named(in.Name, s.nodeOf(in.Type, t.Kind == schema.Map && i == 0, laid, next)))
	}
	repeated := &branch{Node: parquet.Group{}, fields: fields, occurs: often, laid: laid}
	switch t.Kind {
	case schema.List:
		out.Node, out.fields = parquet.List(parquet.Leaf(parquet.Int32Type)), []parquet.Field{named("list", repeated)}
	case schema.Map:
		out.Node, out.fields = parquet.Map(parquet.String(), parquet.String()), []parquet.Field{named("key_value", repeated)}
	default:
		out.fields = fields
	}
	return out
}

// flat is one leaf of the rows of a row group: entries, as Parquet has them, and values.
type flat struct {
	repeats, defs []byte  // per entry
	values        []int32 // rows of the leaf's vector, of the entries that have a value
	rowAt         []int32 // per row: its first entry; one more
	valueAt       []int32 // per row: its first value; one more
	maxDef        byte
	steps         []step
	missing       bool // something that is required is null
	leaf          *batch.Vector
}

func (f *flat) bytes() int64 {
	return int64(cap(f.repeats)+cap(f.defs)) + 4*int64(cap(f.values)+cap(f.rowAt)+cap(f.valueAt))
}

// row is the row of a nested column at a position.
func (c *cells) row(at int) int {
	if c.order == nil {
		return at
	}
	return int(c.order[at])
}

// spread lays the leaf out for the positions [from, to).
func (f *flat) spread(c *cells, l *leaf, from, to int) {
	f.repeats, f.defs, f.values = f.repeats[:0], f.defs[:0], f.values[:0]
	f.rowAt, f.valueAt = f.rowAt[:0], f.valueAt[:0]
	f.maxDef, f.steps, f.missing = l.maxDef, l.steps, false
	f.leaf = leafVector(c.tree, l.steps)
	for at := from; at < to; at++ {
		f.rowAt, f.valueAt = append(f.rowAt, int32(len(f.defs))), append(f.valueAt, int32(len(f.values)))
		f.walk(0, c.tree, c.row(at), entry{})
	}
	f.rowAt, f.valueAt = append(f.rowAt, int32(len(f.defs))), append(f.valueAt, int32(len(f.values)))
}

// leafVector is the vector of a leaf.
func leafVector(v *batch.Vector, steps []step) *batch.Vector {
	for _, s := range steps[:len(steps)-1] {
		v = &v.Children[s.child]
	}
	return v
}

// entry is the levels of an entry.
type entry struct{ rep, def byte }

func (f *flat) add(e entry) {
	f.repeats, f.defs = append(f.repeats, e.rep), append(f.defs, e.def)
}

// walk adds the entries of a row of the vector at a step.
func (f *flat) walk(at int, v *batch.Vector, row int, e entry) {
	s := &f.steps[at]
	if v.Mark(row) == batch.Null {
		f.missing = f.missing || !s.optional
		f.add(e)
		return
	}
	if s.optional {
		e.def++
	}
	switch s.kind {
	case schema.List, schema.Map:
		lo, hi := int(v.Offsets[row]), int(v.Offsets[row+1])
		if lo == hi {
			f.add(e)
			return
		}
		e.def++
		for i := lo; i < hi; i++ {
			f.walk(at+1, &v.Children[s.child], i, e)
			e.rep = s.level
		}
	case schema.Struct:
		f.walk(at+1, &v.Children[s.child], row, e)
	default:
		f.add(e)
		f.values = append(f.values, int32(row))
	}
}

// entryBytes is the weight of an entry of a nested column: its levels and its value.
const entryBytes = 8

// weigh is the weight of a row of a vector.
func weigh(v *batch.Vector, row int) int {
	if v.Mark(row) == batch.Null {
		return entryBytes
	}
	n := entryBytes
	switch v.Kind() {
	case schema.List, schema.Map:
		for c := range v.Children {
			for i := v.Offsets[row]; i < v.Offsets[row+1]; i++ {
				n += weigh(&v.Children[c], int(i))
			}
		}
	case schema.Struct:
		for c := range v.Children {
			n += weigh(&v.Children[c], row)
		}
	case schema.String, schema.Binary:
		n += len(v.Text(row))
	}
	return n
}

// shapeNested decides which leaves of a nested column get a dictionary. It reports
// whether that has changed.
func (s *sheet) shapeNested(i int) bool {
	changed := false
	for k := s.at[i]; k < s.after(i); k++ {
		l := &s.leaves[k]
		if l.steps[len(l.steps)-1].kind.Fixed() {
			continue
		}
		v := leafVector(s.cells[i].tree, l.steps)
		if indexed := 2*v.Dict.Len() <= v.Rows() && len(v.Dict.Data) <= maxDictionary; indexed != s.indexed[k] {
			s.indexed[k], changed = indexed, true
		}
	}
	return changed
}

// after is the leaf behind the last one of a field.
func (s *sheet) after(i int) int {
	if i+1 < len(s.at) {
		return s.at[i+1]
	}
	return len(s.leaves)
}

// nested writes the rows [from, to) of a nested column, leaf by leaf.
func (s *sheet) nested(i, from, to int) error {
	for k := s.at[i]; k < s.after(i); k++ {
		l := &s.leaves[k]
		l.data, l.ends = l.data[:0], l.ends[:0]
		f := &s.scratch.flat
		f.spread(&s.cells[i], l, from, to)
		if f.missing {
			return fmt.Errorf("column %s is required and a row has null there: such a row must be quarantined", s.fields[i].name)
		}
		p := pager{leaf: l, kind: l.steps[len(l.steps)-1].kind, out: s.columns[k], scratch: s.scratch}
		if err := p.spreadPages(f); err != nil {
			return err
		}
	}
	return nil
}

// spreadPages writes a leaf of a nested column. A page ends between two rows.
func (p *pager) spreadPages(f *flat) error {
	l, text := p.leaf, !p.kind.Fixed()
	l.own, l.exact = text || p.kind == schema.Float || p.kind == schema.Double, true
	switch {
	case text && l.indexed:
		p.renumberFlat(f)
	case text:
		for _, at := range f.values {
			l.exact = l.exact && len(f.leaf.Dict.Value(int(f.leaf.Codes[at]))) <= maxBound
		}
	default:
		l.exact = !f.hasNaN(p.kind)
	}
	for from, rows := 0, len(f.rowAt)-1; from < rows; {
		to, size := from, 0
		for to < rows && (to == from || int(f.rowAt[to+1]-f.rowAt[from]) <= pageRows && size < pageBytes) {
			if text && !l.indexed {
				for _, at := range f.values[f.valueAt[to]:f.valueAt[to+1]] {
					size += len(f.leaf.Dict.Value(int(f.leaf.Codes[at])))
				}
			}
			to++
		}
		if err := p.flatPage(f, from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// flatPage writes the rows [from, to) of what is laid out as a page.
func (p *pager) flatPage(f *flat, from, to int) error {
	l, s := p.leaf, p.scratch
	lo, hi := int(f.valueAt[from]), int(f.valueAt[to])
	values := f.values[lo:hi]
	switch {
	case p.kind.Fixed():
		s.ints = resize(s.ints, len(values))
		for i, at := range values {
			s.ints[i] = f.leaf.Ints[at]
		}
		p.number(s.ints)
	case l.indexed:
		l.values = encoding.Int32Values(s.codes[lo:hi])
	default:
		p.flatText(f, values)
	}
	l.repeats, l.levels = f.repeats[f.rowAt[from]:f.rowAt[to]], f.defs[f.rowAt[from]:f.rowAt[to]]
	l.rows, l.entries, l.present = to-from, len(l.levels), len(values)
	return p.send()
}

// flatText sets the values of a page of text without a dictionary.
func (p *pager) flatText(f *flat, values []int32) {
	s, l := p.scratch, p.leaf
	s.data, s.ends = s.data[:0], append(s.ends[:0], 0)
	var lower, upper []byte
	for i, at := range values {
		v := f.leaf.Dict.Value(int(f.leaf.Codes[at]))
		if i == 0 || bytes.Compare(v, lower) < 0 {
			lower = v
		}
		if i == 0 || bytes.Compare(v, upper) > 0 {
			upper = v
		}
		s.data = append(s.data, v...)
		s.ends = append(s.ends, uint32(len(s.data)))
	}
	lower, _ = below(lower, p.kind == schema.String)
	upper, _ = above(upper, p.kind == schema.String)
	l.lower, l.upper = parquet.ByteArrayValue(lower), parquet.ByteArrayValue(upper)
	l.values = encoding.ByteArrayValues(s.data, s.ends)
}

// renumberFlat is renumber for what is laid out.
func (p *pager) renumberFlat(f *flat) {
	s, l := p.scratch, p.leaf
	s.codes, s.used = resize(s.codes, len(f.values)), s.used[:0]
	s.seen = zeroed(s.seen, f.leaf.Dict.Len())
	for i, at := range f.values {
		s.codes[i] = s.code(f.leaf.Codes[at])
	}
	l.ends = append(l.ends, 0)
	for _, code := range s.used {
		s.seen[code] = 0
		l.data = append(l.data, f.leaf.Dict.Value(int(code))...)
		l.ends = append(l.ends, uint32(len(l.data)))
	}
	l.lower, l.upper = parquet.Value{}, parquet.Value{}
	if len(s.used) > 0 {
		lower, upper := entryBounds(l.data, l.ends)
		lower, low := below(lower, p.kind == schema.String)
		upper, high := above(upper, p.kind == schema.String)
		l.lower, l.upper, l.exact = parquet.ByteArrayValue(lower), parquet.ByteArrayValue(upper), low && high
	}
}

// hasNaN reports whether a value is not a number.
func (f *flat) hasNaN(k schema.Kind) bool {
	if k != schema.Float && k != schema.Double {
		return false
	}
	for _, at := range f.values {
		if math.IsNaN(math.Float64frombits(uint64(f.leaf.Ints[at]))) {
			return true
		}
	}
	return false
}

// nestedLevels writes repetition and definition levels to prefix.
func (t *pageType) nestedLevels() error {
	l := t.leaf
	if err := t.level(l.maxRep, l.repeats); err != nil {
		return err
	}
	return t.level(l.maxDef, l.levels)
}

// level writes levels up to a greatest one, none where that is 0.
func (t *pageType) level(most byte, levels []byte) error {
	if most == 0 {
		return nil
	}
	width := rle.Encoding{BitWidth: bits.Len8(most)}
	encoded, err := width.EncodeLevels(t.encoded, levels)
	if err != nil {
		return err
	}
	t.encoded = encoded
	t.prefix = binary.LittleEndian.AppendUint32(t.prefix, uint32(len(encoded)))
	t.prefix = append(t.prefix, encoded...)
	return nil
}
