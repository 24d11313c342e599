package history

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"tidemark/internal/ledger"
	"tidemark/internal/status"
)

// Text writes the document for a terminal.
func (t *Table) Text(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\ncolumns of the table, as its files have them\n", status.Plain(t.Table))
	g := status.Grid("+record", "decided", "change", "column", "from", "to")
	for i := range t.Columns {
		v := &t.Columns[i]
		changes := v.Changes
		if i == 0 {
			changes = []Change{{"first", "", "", status.Count(int64(len(v.Columns)), "column") + " recorded"}}
		}
		for k, c := range changes {
			row := table.Row{status.Number(v.Seq), moment(v.DecidedAt)}
			if k > 0 {
				row = table.Row{"", ""}
			}
			g.AppendRow(append(row, c.cells()...))
		}
	}
	section(&out, g, "none recorded: no batch with files was decided since the program records them")

	out.WriteString("\nschemas that records were written with\n")
	g = status.Grid("+record", "decided", "schema", "version", "first at", "+records", "change", "field", "from", "to")
	for i := range t.Schemas {
		v := &t.Schemas[i]
		changes := v.Changes
		if len(changes) == 0 {
			changes = []Change{v.nothing()}
		}
		for k, c := range changes {
			row := table.Row{status.Number(v.Seq), moment(v.DecidedAt), status.Plain(v.ID), status.Plain(v.version()), status.Plain(v.FirstAt.String()), status.Number(v.Records)}
			if k > 0 {
				row = table.Row{"", "", "", "", "", ""}
			}
			g.AppendRow(append(row, c.cells()...))
		}
	}
	section(&out, g, "none: records of this table name no schema, or none was seen")

	out.WriteString("\ndrift: what differed from the table, when it was seen first\n")
	g = status.Grid("+record", "decided", "change", "column", "from", "to", "first at", "+records", "done", "schema")
	for i := range t.Drift {
		d := &t.Drift[i]
		name := status.Plain(d.Written())
		g.AppendRow(table.Row{status.Number(d.Seq), moment(d.DecidedAt), status.Plain(d.Change), status.Plain(d.Column), status.Plain(d.From), status.Plain(d.To),
			status.Plain(d.FirstAt.String()), count(d.Count), status.Plain(d.Done), name})
	}
	section(&out, g, "none")
	_, err := io.WriteString(w, out.String())
	return err
}

func section(out *strings.Builder, g table.Writer, none string) {
	if g.Length() == 0 {
		fmt.Fprintf(out, "  %s\n", none)
		return
	}
	fmt.Fprintf(out, "%s\n", g.Render())
}

func (c Change) cells() []any {
	return []any{status.Plain(c.Change), status.Plain(c.Name), status.Plain(c.From), status.Plain(c.To)}
}

// nothing says why no change is told.
func (s *Schema) nothing() Change {
	switch {
	case s.Before == "":
		return Change{"first", "", "", status.Count(int64(len(s.Fields)+s.More), "field")}
	case len(s.Fields) == 0:
		return Change{Change: "not recorded: too many schemas in one batch"}
	}
	return Change{Change: "none that is seen: types and fields are those of " + s.Before}
}

func (s *Schema) version() string {
	if s.Subject == "" {
		return ""
	}
	return s.Subject + " " + strconv.Itoa(s.Version)
}

func moment(t ledger.Time) string { return t.Time().Format("2006-01-02 15:04:05Z") }

// count is how many records showed a difference; records of the program's first days do not
// say.
func count(n int64) string {
	if n == 0 {
		return ""
	}
	return status.Number(n)
}
