// Package history tells from the records of a ledger how the schemas of a table came about:
// which columns the table had from which record on, which schemas its records were written
// with, each with the difference to the one before, and what differed from the table's.
//
// In go records in their order; out comes a Table, which is a document. Records of the
// program's first days say nothing of columns and schemas: there is then less to tell. What
// is told is bounded by what ledgers record: a schema is in them once.
//
// A History belongs to one goroutine.
package history

import (
	"slices"
	"strings"

	"tidemark/internal/ledger"
)

// Table is what is known of a table's schemas.
type Table struct {
	Table   string    `json:"table"`
	Columns []Columns `json:"columns"` // versions of the table's own columns, oldest first
	Schemas []Schema  `json:"schemas"` // in the order in which they were seen first
	Drift   []Drift   `json:"drift"`   // oldest first
}

// Columns is a version of the table's own columns.
type Columns struct {
	Seq       int64           `json:"seq"`
	DecidedAt ledger.Time     `json:"decided_at"`
	Columns   []ledger.Column `json:"columns"`
	Changes   []Change        `json:"changes"` // to the version before; empty for the first
}

// Schema is a schema that records were written with.
type Schema struct {
	Seq       int64       `json:"seq"`
	DecidedAt ledger.Time `json:"decided_at"`
	ledger.Written
	Before  string   `json:"before"`  // id of the one it is compared with, empty: none
	Changes []Change `json:"changes"` // to that one
}

// Drift is a difference to the table, and the record that tells of it first.
type Drift struct {
	Seq       int64       `json:"seq"`
	DecidedAt ledger.Time `json:"decided_at"`
	ledger.Drift
}

// Change is one difference between two versions.
type Change struct {
	Change string `json:"change"` // added, dropped, type, required, default, from, aliases or order
	Name   string `json:"name"`   // of the column or field, empty for order
	From   string `json:"from"`
	To     string `json:"to"`
}

// History gathers records.
type History struct {
	table Table
	last  map[string]int // of Schemas, by subject, or by topic or file where there is none
}

// New begins with the first record of a table.
func New(table string) *History {
	return &History{Table{Table: table, Columns: []Columns{}, Schemas: []Schema{}, Drift: []Drift{}}, map[string]int{}}
}

// Table is what was gathered.
func (h *History) Table() *Table { return &h.table }

// Add takes in the next record.
func (h *History) Add(r *ledger.Record) {
	for _, columns := range [][]ledger.Column{r.Schema, r.Columns} {
		if len(columns) > 0 {
			h.columns(r, columns)
		}
	}
	for _, w := range r.Schemas {
		h.schema(r, w)
	}
	for _, d := range r.Drift {
		h.table.Drift = append(h.table.Drift, Drift{r.Seq, r.DecidedAt, d})
	}
}

func (h *History) columns(r *ledger.Record, columns []ledger.Column) {
	next := Columns{Seq: r.Seq, DecidedAt: r.DecidedAt, Columns: columns, Changes: []Change{}}
	if n := len(h.table.Columns); n > 0 {
		if next.Changes = append(next.Changes, OfColumns(h.table.Columns[n-1].Columns, columns)...); len(next.Changes) == 0 {
			return
		}
	}
	h.table.Columns = append(h.table.Columns, next)
}

func (h *History) schema(r *ledger.Record, w ledger.Written) {
	family := w.Subject
	if family == "" {
		family = w.FirstAt.Topic + "\x00" + w.FirstAt.File[:strings.LastIndexByte(w.FirstAt.File, '/')+1]
	}
	next := Schema{Seq: r.Seq, DecidedAt: r.DecidedAt, Written: w, Changes: []Change{}}
	if i, ok := h.last[family]; ok {
		before := &h.table.Schemas[i]
		next.Before = before.ID
		next.Changes = append(next.Changes, OfFields(before.Fields, w.Fields)...)
	}
	h.last[family] = len(h.table.Schemas)
	h.table.Schemas = append(h.table.Schemas, next)
}

// OfColumns is what changed from some columns to others.
func OfColumns(before, after []ledger.Column) []Change {
	var out []Change
	name := func(c ledger.Column) string { return c.Name }
	old := index(before, name)
	for _, c := range after {
		i, ok := old[c.Name]
		if !ok {
			out = append(out, Change{"added", c.Name, "", c.Type})
			continue
		}
		b := before[i]
		for _, d := range []struct{ what, from, to string }{
			{"type", b.Type, c.Type}, {"required", yes(b.Required), yes(c.Required)}, {"default", b.Default, c.Default},
			{"from", b.From, c.From}, {"aliases", strings.Join(b.Aliases, ", "), strings.Join(c.Aliases, ", ")},
		} {
			if d.from != d.to {
				out = append(out, Change{d.what, c.Name, d.from, d.to})
			}
		}
	}
	now := index(after, name)
	for _, b := range before {
		if _, ok := now[b.Name]; !ok {
			out = append(out, Change{"dropped", b.Name, b.Type, ""})
		}
	}
	return append(out, order(before, after, name)...)
}

// OfFields is what changed from some fields to others.
func OfFields(before, after []ledger.Field) []Change {
	var out []Change
	name := func(f ledger.Field) string { return f.Name }
	old := index(before, name)
	for _, f := range after {
		if i, ok := old[f.Name]; !ok {
			out = append(out, Change{"added", f.Name, "", f.Type})
		} else if was := before[i].Type; was != f.Type {
			out = append(out, Change{"type", f.Name, was, f.Type})
		}
	}
	now := index(after, name)
	for _, b := range before {
		if _, ok := now[b.Name]; !ok {
			out = append(out, Change{"dropped", b.Name, b.Type, ""})
		}
	}
	return append(out, order(before, after, name)...)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func index[T any](list []T, name func(T) string) map[string]int {
	out := make(map[string]int, len(list))
	for i, x := range list {
		out[name(x)] = i
	}
	return out
}

// order says if those that both have stand in another order.
func order[T any](before, after []T, name func(T) string) []Change {
	common := func(list, other []T) (out []string) {
		in := index(other, name)
		for _, x := range list {
			if _, ok := in[name(x)]; ok {
				out = append(out, name(x))
			}
		}
		return out
	}
	if a, b := common(before, after), common(after, before); !slices.Equal(a, b) {
		return []Change{{"order", "", strings.Join(a, ", "), strings.Join(b, ", ")}}
	}
	return nil
}
