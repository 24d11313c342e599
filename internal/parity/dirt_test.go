package parity_test

import (
	"slices"
	"strings"

	"tidemark/internal/generate"
)

// dirt is one way in which the files of a table are not as they should be. Its
// functions are tried one after the other, those that are there.
type dirt struct {
	name  string
	says  string // in one sentence
	table string
	csv   bool // transactions are CSV, not JSON lines

	rows   func(s *sheet, from int) []generate.Row // of one file; from is how many rows the files before it have
	lines  func(file int, lines []string) []string // of one file, the first is number 0
	bytes  func(data []byte) []byte                // of one file
	folder func(files map[string][]byte)           // all files, by name
}

// tables are those that a case loads: the dirtied one and all that refer to it.
func (d *dirt) tables() []string {
	switch d.table {
	case "":
		return order()
	case "customers":
		return []string{"customers", "accounts", "transactions", "loans"}
	case "accounts":
		return []string{"accounts", "transactions"}
	}
	return []string{d.table}
}

// one in so many rows is dirtied.
const one = 100

// spoil changes one row in a hundred.
func spoil(change func(s *sheet, r generate.Row)) func(*sheet, int) []generate.Row {
	return func(s *sheet, from int) []generate.Row {
		var out []generate.Row
		for i, r := range s.rows {
			if (from+i)%one == one/2 {
				r = slices.Clone(r)
				change(s, r)
			}
			out = append(out, r)
		}
		return out
	}
}

// with gives one row in a hundred another value.
func with(column string, change func(text string) generate.Value) func(*sheet, int) []generate.Row {
	return spoil(func(s *sheet, r generate.Row) {
		at := s.column(column)
		r[at] = change(r[at].Text)
	})
}

// always is the same value for every row.
func always(v generate.Value) func(string) generate.Value {
	return func(string) generate.Value { return v }
}

// bare is a value that JSON has without quotes, quoted one that it has in them.
func bare(text string) generate.Value   { return generate.Value{Text: text, Number: true} }
func quoted(text string) generate.Value { return generate.Value{Text: text} }

// again adds, behind one row in a hundred, the same row.
func again(s *sheet, from int) []generate.Row {
	var out []generate.Row
	for i, r := range s.rows {
		out = append(out, r)
		if (from+i)%one == one/2 {
			out = append(out, r)
		}
	}
	return out
}

// inLines changes one line in a hundred; the header is none of them.
func inLines(change func(line string) string) func(int, []string) []string {
	return func(_ int, lines []string) []string {
		out := slices.Clone(lines)
		for i := one / 2; i < len(out); i += one {
			out[i] = change(out[i])
		}
		return out
	}
}

// inFile changes all lines of the second file, and no other.
func inFile(change func(lines []string) []string) func(int, []string) []string {
	return func(file int, lines []string) []string {
		if file != 1 {
			return lines
		}
		return change(lines)
	}
}

// replaced changes the bytes of a file.
func replaced(old, becomes string) func([]byte) []byte {
	return func(data []byte) []byte { return []byte(strings.ReplaceAll(string(data), old, becomes)) }
}
