package batch

import "sort"

// LayoutOf is how a row is written, nil: it is a record of Kafka.
func (r *Raw) LayoutOf(row int) *Layout {
	i := sort.Search(len(r.Runs), func(i int) bool { return r.Runs[i].First+r.Runs[i].Rows > row })
	if i == len(r.Runs) {
		return nil
	}
	src := &r.Sources[r.Runs[i].Source]
	if src.File == "" {
		return nil
	}
	return src.Layout
}

// Text returns the value of a row as the quarantine holds it: its bytes, or, where no person
// could read them, what they say. It is made anew each time. Nil is a tombstone.
func (r *Raw) Text(row int) []byte {
	text, _, _ := r.textAt(row, -1, 0)
	return text
}

// textAt is Text, with where in it the value stands that the row has at a place of n bytes.
func (r *Raw) textAt(row, at, n int) (text []byte, from, length int) {
	value := r.Value(row)
	l := r.LayoutOf(row)
	if l == nil || l.Texts == nil || r.hasDefect(row) {
		return value, at, n
	}
	text, from, length = l.Texts.Text(nil, value, at, n)
	if n == 0 {
		length = 0
	}
	return text, from, length
}

// hasDefect reports whether a row is not to be decoded: then its bytes are text.
func (r *Raw) hasDefect(row int) bool {
	i := sort.Search(len(r.Defects), func(i int) bool { return int(r.Defects[i].Row) >= row })
	return i < len(r.Defects) && int(r.Defects[i].Row) == row
}
