package batch

import "tidemark/internal/schema"

// Mark says how a value came to be. The zero Mark is a value that was sent.
type Mark uint8

// The marks.
const (
	Present   Mark = iota
	Null           // null in the table (sent as null, or missing with a null default)
	Defaulted      // missing in the source; the vector holds the column's default
)

// Vector holds the values of one column, one per row.
type Vector struct {
	// Ints holds fixed-width kinds: int, long, boolean (0 or 1), date (days),
	// timestamp (µs), decimal (unscaled), double and float (math.Float64bits of the
	// value; a float is widened first). Nil for string and binary.
	Ints []int64
	// Codes holds string and binary: an index into Dict. Nil for the others.
	Codes []int32
	Dict  Dict
	// Marks is nil when every value is Present. The value under a Null is zero (or
	// code 0, which is then a valid index or the dictionary is empty).
	Marks []Mark

	// Offsets and Children are of lists, maps and structs alone: row i of a list or a map
	// holds the rows Offsets[i] up to Offsets[i+1] of its children (the elements; the keys
	// and the values), row i of a struct the rows i of its fields. A row that is null
	// holds none, or nulls. See Append.
	Offsets  []int32
	Children []Vector

	spare []Mark // memory of Marks while it is nil
	kind  schema.Kind
	rows  int
}

// Reset empties v for rows rows. Values are unspecified until set.
func (v *Vector) Reset(fixed bool, rows int) {
	if fixed {
		v.Ints, v.Codes = grow(v.Ints, rows), nil
	} else {
		v.Ints, v.Codes = nil, grow(v.Codes, rows)
	}
	v.Dict.Reset()
	if v.Marks != nil {
		v.spare, v.Marks = v.Marks, nil
	}
}

// SetMark marks the value of a row; rows is the batch's row count.
func (v *Vector) SetMark(row, rows int, m Mark) {
	if v.Marks == nil {
		v.Marks = grow(v.spare, rows)
		clear(v.Marks)
	}
	v.Marks[row] = m
}

// Mark returns the mark of a row.
func (v *Vector) Mark(row int) Mark {
	if v.Marks == nil {
		return Present
	}
	return v.Marks[row]
}

// Text returns the bytes of a row of a string or binary column. They are valid
// until the vector is reset. A null row gives nil.
func (v *Vector) Text(row int) []byte {
	if v.Mark(row) == Null {
		return nil
	}
	return v.Dict.Value(int(v.Codes[row]))
}

// Bytes is the memory that v holds.
func (v *Vector) Bytes() int64 {
	n := int64(cap(v.Ints))*8 + int64(cap(v.Codes)+cap(v.Offsets))*4 + int64(cap(v.Marks)+cap(v.spare)) +
		int64(cap(v.Dict.Data)) + int64(cap(v.Dict.Ends))*4
	for i := range v.Children {
		n += v.Children[i].Bytes()
	}
	return n
}

// Dict is the dictionary of a text column: value i is Data[Ends[i-1]:Ends[i]],
// with Ends[-1] taken as 0. Values may stand in it more than once: a column with
// too many distinct values is not searched, each row appends its own.
//
// Entries that are not valid for the column are never referred to by a row that
// is not quarantined.
type Dict struct {
	Data []byte
	Ends []uint32
}

// Len is the number of entries.
func (d *Dict) Len() int { return len(d.Ends) }

// Value returns entry i; it is valid until the next Reset.
func (d *Dict) Value(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = d.Ends[i-1]
	}
	return d.Data[from:d.Ends[i]:d.Ends[i]]
}

// Add appends a value and returns its code.
func (d *Dict) Add(value []byte) int32 {
	d.Data = append(d.Data, value...)
	d.Ends = append(d.Ends, uint32(len(d.Data)))
	return int32(len(d.Ends) - 1)
}

// Grow makes room for values of so many bytes in all. Memory that is not used is not touched, as
// it would be by slices.Grow.
func (d *Dict) Grow(bytes int) {
	if bytes > cap(d.Data) {
		d.Data = append(make([]byte, 0, bytes), d.Data...)
	}
}

// Reset empties d.
func (d *Dict) Reset() { d.Data, d.Ends = d.Data[:0], d.Ends[:0] }
