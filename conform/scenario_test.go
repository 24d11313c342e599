package conform_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Scenarios are read by eye. Their commands:
//
//	table debezium format=… missing=… extra=… widen=… narrow=…    one column a line: its name, its
//	        type, then required, null or default=… (else the type's own default),
//	        aliases=a,b from=… unit=… zone=… layout=… (to the end of the line)
//	decode  one record a line; <tombstone> is none. Tells values, rejects, drift
//
// Every batch is decoded again with the records in the opposite order, which must
// change no row, and without short cuts, which must change nothing.
func TestScenarios(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var table *schema.Table
			datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
				switch d.Cmd {
				case "table":
					table = parseTable(t, d)
					if _, err := conform.Compile(table); err != nil {
						return err.Error()
					}
					return ""
				case "decode":
					return decode(t, table, strings.Split(d.Input, "\n"))
				}
				d.Fatalf(t, "no such command")
				return ""
			})
		})
	}
}

func decode(t *testing.T, table *schema.Table, lines []string) string {
	t.Helper()
	values := make([][]byte, len(lines))
	backwards := make([][]byte, len(lines))
	for i, line := range lines {
		if line != "<tombstone>" {
			values[i] = []byte(line)
		}
		backwards[len(lines)-1-i] = values[i]
	}
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	b := bothWays(t, plan, table, rawOf(values...))
	other := bothWays(t, plan, table, rawOf(backwards...))
	var out strings.Builder
	for row := range b.Rows {
		got := everything(b, row)
		if opposite := everything(other, b.Rows-1-row); opposite != got {
			t.Errorf("records in the opposite order: row %d is %s, want %s", row, opposite, got)
		}
		fmt.Fprintf(&out, "%s\n", got)
	}
	for _, d := range b.Drift {
		fmt.Fprintf(&out, "drift: row %d: %s %s, from %q to %q\n", d.Row, d.Change, d.Column, d.From, d.To)
	}
	var again batch.Batch
	raw := rawOf(values...)
	again.Reset(table, raw, 0, raw.Rows())
	if r := plan.Decoder().Decode(&again); r.Halt != "" {
		fmt.Fprintf(&out, "halt: row %d: %s\n", r.HaltRow, r.Halt)
	}
	return out.String()
}

// everything is outcome with all values, defaults as well.
func everything(b *batch.Batch, row int) string {
	if b.Fates[row] != batch.Written {
		return outcome(b, row)
	}
	var out strings.Builder
	out.WriteString("ok")
	for c := range b.Columns {
		fmt.Fprintf(&out, " %s=%s", b.Table.Columns[c].Name, describe(b, c, row))
	}
	return out.String()
}

func parseTable(t *testing.T, d *datadriven.TestData) *schema.Table {
	t.Helper()
	table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution()}
	actions := map[string]schema.Action{"accept": schema.Accept, "quarantine": schema.Quarantine, "halt": schema.Halt}
	policies := map[string]*schema.Action{"missing": &table.Evolution.Missing, "extra": &table.Evolution.Extra, "widen": &table.Evolution.Widen, "narrow": &table.Evolution.Narrow}
	debezium := false
	for _, arg := range d.CmdArgs {
		switch arg.String() {
		case "debezium":
			debezium = true
			continue
		case "format=connect-json":
			table.Format = schema.ConnectJSONFormat
			continue
		}
		action, known := actions[strings.Join(arg.Vals, "")]
		if policies[arg.Key] == nil || !known {
			d.Fatalf(t, "no such policy %s", arg)
		}
		*policies[arg.Key] = action
	}
	for line := range strings.Lines(d.Input) {
		table.Columns = append(table.Columns, parseColumn(t, strings.TrimSpace(line)))
	}
	if debezium {
		table.AddChange()
	}
	return table
}

func parseColumn(t testing.TB, line string) schema.Column {
	t.Helper()
	line, layout, _ := strings.Cut(line, " layout=")
	words := strings.Fields(line)
	typ, err := schema.ParseType(words[1])
	if err != nil {
		t.Fatal(err)
	}
	c := schema.Column{Name: words[0], Type: typ, Default: schema.DefaultFor(typ), Time: schema.TimeFormat{Layout: layout}}
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "required":
			c.Required = true
		case "null":
			c.Default = schema.Value{Null: true}
		case "default":
			c.Default = schema.Value{Bytes: []byte(value)}
			if typ.Kind.Fixed() {
				c.Default = schema.Value{}
				if _, err := fmt.Sscan(value, &c.Default.Int); err != nil {
					t.Fatal(err)
				}
			}
		case "from":
			if c.From, err = schema.ParseFrom(value); err != nil {
				t.Fatal(err)
			}
		case "aliases":
			c.Aliases = strings.Split(value, ",")
		case "unit":
			c.Time.Unit = value
		case "zone":
			if c.Time.Zone, err = time.LoadLocation(value); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("no such word %q", word)
		}
	}
	return c
}
