// Package infer looks at raw files and says which columns they have, and of which
// types.
//
// In go files as package rawfile finds them. Out come columns in the order in which
// they were first seen. A type is the narrowest that takes every value that was looked
// at: long, decimal, double, boolean, date, timestamp, or else string. What looks like
// a number and is none, such as a ZIP code that begins with a zero, is text. A number
// with more digits than a decimal has is text as well, so that nothing is rounded.
//
// Arrays and objects become lists, maps and structs where what they hold is alike. They are
// text of JSON where it is not, and where nobody looks over what was found: see Whole.
//
// Text takes every value but the numbers and truths of JSON. Where no type takes all, it
// is the one for what there is most of, and a remark says what is refused.
//
// Only the first rows are looked at. What a later row has otherwise is found when it is
// read into the table, and goes the way of every row that does not fit.
//
// Functions here may be called from any goroutine.
package infer

import (
	"context"
	"fmt"
	"strings"

	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
)

// Rows is how many rows are looked at.
const Rows = 10_000

// Column is what was found out about one.
type Column struct {
	Name   string
	Type   schema.Type
	Remark string // what a person should know, "" if there is nothing
	absent string // how many rows have no value
	seen   string // what Observe saw, which says that too
	looked bool   // Observe has
	// Omitted columns have values that no type of a table takes; Remark says why.
	Omitted bool
}

// Result is what files have.
type Result struct {
	Columns []Column
	Rows    int64 // that were looked at
	Files   int   // that these come from
	// Of is what was looked at, such as "the newest version of subject s"; empty: rows of files.
	Of    string
	Notes []string // what a person should know of the whole
	// Beside are keys of a table that go with the columns, each a line of YAML.
	Beside []string
}

// Whole keeps arrays and objects as the text that they are, which takes whatever comes later.
func (r *Result) Whole() {
	for i := range r.Columns {
		if c := &r.Columns[i]; c.Type.Kind.Nested() {
			c.Type, c.Remark = schema.Type{Kind: schema.String, JSON: true}, keptWhole(c.Name)
		}
	}
}

// Values looks at records of a topic, each of which is an object of JSON, as of what they are
// taken from. It reports how many were none.
func Values(values [][]byte) (r *Result, others int) {
	f := newFinder(schema.DefaultCSV())
	for _, v := range values {
		f.object(v)
	}
	return f.result(), len(values) - int(f.rows)
}

// finder gathers what rows have.
type finder struct {
	csv     schema.CSV
	columns []*column
	exact   map[string]*column // by name
	folded  map[string]*column // by name in lower case, the first of each
	rows    int64
	fields  []field
}

// Files looks at the first rows of files, in their order. Errors are those of package
// rawfile, and one if no row was found.
func Files(ctx context.Context, files []rawfile.Entry, o rawfile.Options) (*Result, error) {
	f := newFinder(o.CSV.OrDefault())
	read := 0
	for _, e := range files {
		if f.rows >= Rows {
			break
		}
		before := f.rows
		if err := f.file(ctx, e, o); err != nil {
			return nil, err
		}
		if f.rows > before {
			read++
		}
	}
	if f.rows == 0 {
		return nil, fmt.Errorf("no rows are in these %d files: give one that has some", len(files))
	}
	out := f.result()
	out.Files = read
	return out, nil
}

func newFinder(csv schema.CSV) *finder {
	return &finder{csv: csv, exact: map[string]*column{}, folded: map[string]*column{}}
}

func (f *finder) result() *Result {
	out := &Result{Rows: f.rows}
	for _, c := range f.columns {
		out.Columns = append(out.Columns, c.result(f.rows))
	}
	return out
}

func (f *finder) file(ctx context.Context, e rawfile.Entry, o rawfile.Options) error {
	o.Text = true
	in, err := rawfile.Open(ctx, e, o)
	if err != nil {
		return err
	}
	defer in.Close()
	layout := in.Layout()
	var c batch.Chunk
	for last := false; !last && f.rows < Rows; last = c.Last {
		if err := in.Next(ctx, &c); err != nil {
			return err
		}
		f.chunk(&c, layout)
	}
	return nil
}

// chunk looks at the records of a chunk that have no defect.
func (f *finder) chunk(c *batch.Chunk, layout *batch.Layout) {
	defects := c.Defects
	for i, l := range c.Lines {
		if len(defects) > 0 && int(defects[0].Row) == i {
			for len(defects) > 0 && int(defects[0].Row) == i {
				defects = defects[1:]
			}
			continue
		}
		if f.rows == Rows {
			return
		}
		text := c.Data[l.At : l.At+l.Len]
		if layout.Format == batch.CSV {
			f.line(text, layout.Header)
		} else {
			f.object(text)
		}
	}
}

// column finds or makes the column of a name. In a header, case does not count.
func (f *finder) column(name string, header bool) *column {
	c := f.exact[name]
	like := f.folded[strings.ToLower(name)]
	switch {
	case header && like != nil && (c == nil || c.like != ""):
		return like
	case c != nil:
		return c
	}
	c = &column{name: name}
	f.exact[name] = c
	f.columns = append(f.columns, c)
	if like == nil {
		f.folded[strings.ToLower(name)] = c
	} else {
		c.like = like.name
	}
	return c
}

// Schema is the columns as a table has them: where a row has no value, it is null.
func (r *Result) Schema() []schema.Column {
	var out []schema.Column
	for _, c := range r.Columns {
		if !c.Omitted {
			out = append(out, schema.Column{Name: c.Name, Type: c.Type, Default: schema.Value{Null: true}})
		}
	}
	return out
}
