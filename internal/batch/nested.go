package batch

import "tidemark/internal/schema"

// A vector of a nested type holds no values: Marks tell which rows are null, and Offsets and
// Children what the others hold. It has no rows after Shape, and gets them one after the
// other by Append: whoever fills a batch gives it as many as the batch has.

// Shape empties v for a column of a type, with rows rows unless the type is nested. Values
// are unspecified until set.
func (v *Vector) Shape(t schema.Type, rows int) {
	if v.kind != t.Kind && (v.kind.Nested() || t.Kind.Nested()) {
		*v = Vector{}
	}
	v.kind = t.Kind
	if !t.Kind.Nested() {
		v.Reset(t.Kind.Fixed(), rows)
		v.rows = rows
		return
	}
	if len(v.Children) != len(t.Of) {
		v.Children = make([]Vector, len(t.Of))
	}
	for i := range v.Children {
		v.Children[i].Shape(t.Of[i].Type, 0)
	}
	if v.Marks != nil {
		v.spare, v.Marks = v.Marks, nil
	}
	v.rows, v.Offsets = 0, v.Offsets[:0]
	if t.Kind != schema.Struct {
		v.Offsets = append(v.Offsets, 0)
	}
}

// Rows is how many rows v has.
func (v *Vector) Rows() int { return v.rows }

// Append adds a row behind the last and returns its number. It is present, and zero,
// empty, or a struct of nulls.
func (v *Vector) Append() int {
	row := v.rows
	v.rows++
	if v.Marks != nil {
		v.Marks = append(v.Marks, Present)
	}
	switch v.kind {
	case schema.List, schema.Map:
		v.Offsets = append(v.Offsets, int32(v.Children[0].rows))
	case schema.Struct:
		for i := range v.Children {
			v.Children[i].AppendNull()
		}
	case schema.String, schema.Binary:
		v.Codes = append(v.Codes, 0)
	default:
		v.Ints = append(v.Ints, 0)
	}
	return row
}

// AppendNull adds a row that is null.
func (v *Vector) AppendNull() {
	row := v.Append()
	v.SetMark(row, v.rows, Null)
}

// Close ends the last row of a list or a map at what was appended to its children.
func (v *Vector) Close() { v.Offsets[v.rows] = int32(v.Children[0].rows) }

// Truncate takes the rows from n on away again, and all that they hold.
func (v *Vector) Truncate(n int) {
	if n >= v.rows {
		return
	}
	v.rows = n
	if v.Marks != nil {
		v.Marks = v.Marks[:n]
	}
	switch v.kind {
	case schema.List, schema.Map:
		v.Offsets = v.Offsets[:n+1]
		for i := range v.Children {
			v.Children[i].Truncate(int(v.Offsets[n]))
		}
	case schema.Struct:
		for i := range v.Children {
			v.Children[i].Truncate(n)
		}
	case schema.String, schema.Binary:
		v.Codes = v.Codes[:n]
	default:
		v.Ints = v.Ints[:n]
	}
}

// Kind is the kind that v was shaped for.
func (v *Vector) Kind() schema.Kind { return v.kind }
