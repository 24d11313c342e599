package avropeers_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

var write = flag.Bool("write", false, "write the tables of docs/evolution.md")

const (
	page         = "../../docs/evolution.md"
	cellsHead    = "| change | records have | the column is | a record with | becomes | drift | `quarantine` | `halt` | in JSON | Java's Avro |\n|---|---|---|---|---|---|---|---|---|---|\n"
	partingsHead = "| what comes | why it is not what Java's Avro reads |\n|---|---|\n"
)

// TestEvolution puts each change through the decoder, as Avro and as JSON, under each
// policy, and asks Java's Avro. What becomes of it stands in docs/evolution.md.
func TestEvolution(t *testing.T) {
	java := start(t, "java")
	table := cellsHead
	var before string
	for _, c := range append(fieldCells(), typeCells()...) {
		row := c.row(t, java)
		if row == before {
			t.Errorf("%s, %s: the row is that of the cell before", c.change, c.name)
		}
		before = row
		table += row
	}
	reasons := partingsHead
	for _, rule := range []string{ruleFinite, ruleYears, ruleUTF8, ruleDecimal, ruleMoment, ruleDay, ruleClock, ruleNumber, ruleRaw, ruleDigits} {
		reasons += "| " + rule + " | " + partings[rule] + " |\n"
	}
	for _, head := range []string{cellsHead, partingsHead} {
		want := table
		if head == partingsHead {
			want = reasons
		}
		comparePage(t, head, want)
	}
}

// comparePage compares a table of the page, or writes it.
func comparePage(t *testing.T, head, want string) {
	t.Helper()
	text, err := os.ReadFile(page)
	must(t, err)
	before, rest, ok := strings.Cut(string(text), head)
	if !ok {
		t.Fatalf("the page has no table %q", head)
	}
	rows, behind := "", ""
	for line := range strings.Lines(rest) {
		if behind == "" && strings.HasPrefix(line, "|") {
			rows += line
			continue
		}
		behind += line
	}
	if head+rows == want {
		return
	}
	if *write {
		must(t, os.WriteFile(page, []byte(before+want+behind), 0o644))
		return
	}
	was := strings.Split(head+rows, "\n")
	for _, line := range strings.Split(want, "\n") {
		if !slices.Contains(was, line) {
			t.Errorf("docs/evolution.md lacks (go test ./internal/avropeers -run TestEvolution -write writes it):\n%s", line)
		}
	}
	if !t.Failed() {
		t.Errorf("docs/evolution.md has rows that are no longer true, or in another order: write it anew")
	}
}

// row is the cell's row of the page.
func (c *cell) row(t *testing.T, java *process) string {
	t.Helper()
	root := record("row", c.w...)
	must(t, java.schema(root.text()))
	data, err := java.write(root, []any{c.values})
	must(t, err)
	if data[0] == nil {
		t.Fatalf("%s, %s: Java does not write it", c.change, c.name)
	}
	parsed, err := avroschema.Parse([]byte(root.text()))
	must(t, err)
	in := func(format schema.Format, policy schema.Action, value []byte) (string, string) {
		table := c.table(t, format, policy)
		return decodeOne(t, table, oneID{"", parsed}, value)
	}
	becomes, drift := in(schema.AvroFormat, schema.Accept, data[0])
	quarantine, _ := in(schema.AvroFormat, schema.Quarantine, data[0])
	halt, _ := in(schema.AvroFormat, schema.Halt, data[0])
	text := []byte(root.json(c.values))
	asJSON, jsonDrift := in(schema.JSONFormat, schema.Accept, text)
	if asJSON == becomes {
		asJSON = "alike"
	}
	if jsonDrift != drift {
		asJSON += ", " + jsonDrift
	}
	for _, other := range []*string{&quarantine, &halt} {
		if *other == becomes {
			*other = "alike"
		}
	}
	what := c.change
	if c.name != "" {
		what += ": " + c.name
	}
	return "| " + strings.Join([]string{what, shown(c.w, c.r), c.column(t), cellText(string(text)), becomes, drift, quarantine, halt, asJSON, c.java(t, java, data[0])}, " | ") + " |\n"
}

func cellText(s string) string { return "`" + strings.ReplaceAll(s, "|", "\\|") + "`" }

// shown are the fields of records, the one that a table is about by its type alone.
func shown(w, r []field) string {
	var out []string
	for _, f := range w {
		kind := f.of.short()
		if f.name == "x" && len(w) == 1 {
			return cellText(kind)
		}
		out = append(out, f.name+" "+kind)
	}
	return cellText(strings.Join(out, ", "))
}

// short names a type as a person would.
func (t *typ) short() string {
	switch {
	case t.logical == "decimal":
		return fmt.Sprintf("decimal(%d,%d)", t.precision, t.scale)
	case t.logical != "":
		return t.logical
	case t.kind == "union":
		var all []string
		for _, b := range t.of {
			all = append(all, b.short())
		}
		return "[" + strings.Join(all, ", ") + "]"
	case t.kind == "enum":
		return "enum(" + strings.Join(t.symbols, " ") + ")"
	case t.kind == "record":
		var all []string
		for _, f := range t.fields {
			all = append(all, f.name+" "+f.of.short())
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	return t.kind
}

func (c *cell) column(t *testing.T) string {
	table := c.table(t, schema.AvroFormat, schema.Accept)
	x := table.Columns[table.Column("x")]
	out := x.Type.String()
	for _, a := range x.Aliases {
		out += ", alias " + a
	}
	if c.from != "" {
		out += ", from " + c.from
	}
	if c.needed {
		out += ", required"
	}
	return cellText(out)
}

// table is the one that records of the cell come into.
func (c *cell) table(t *testing.T, format schema.Format, policy schema.Action) *schema.Table {
	t.Helper()
	table := readerTable(record("row", c.r...))
	table.Format = format
	if policy != schema.Accept {
		table.Evolution = schema.Evolution{Missing: policy, Extra: policy, Widen: policy, Narrow: policy}
	}
	x := &table.Columns[table.Column("x")]
	x.Required = c.needed
	if c.from != "" {
		from, err := schema.ParseFrom(c.from)
		must(t, err)
		x.From = from
	}
	return table
}

// decodeOne tells what becomes of column x of one record, and the differences that it shows.
func decodeOne(t *testing.T, table *schema.Table, schemas conform.Schemas, value []byte) (becomes, drift string) {
	t.Helper()
	plan, err := conform.Compile(table)
	must(t, err)
	d := plan.Decoder()
	d.Schemas = schemas
	raw := &batch.Raw{}
	raw.Append(raw.Source(batch.Source{Topic: "t"}), &batch.Record{Value: value})
	var b batch.Batch
	b.Reset(table, raw, 0, 1)
	report := d.Decode(&b)
	var all []string
	for _, d := range b.Drift {
		all = append(all, strings.TrimSpace(d.Change+" "+d.Column))
	}
	if drift = strings.Join(all, ", "); drift == "" {
		drift = "none"
	}
	switch {
	case report.Halt != "":
		return "the table halts", drift
	case len(b.Rejects) > 0:
		return "rejected: `" + b.Rejects[0].Reason + "`", drift
	}
	return looks(&b, table.Column("x")), drift
}

// looks is the value of a column of the first row as a person would write it.
func looks(b *batch.Batch, c int) string {
	v, kind := &b.Columns[c], b.Table.Columns[c].Type
	var out string
	switch {
	case v.Mark(0) == batch.Null:
		return "null"
	case kind.Kind == schema.Binary:
		out = "bytes " + hex.EncodeToString(v.Text(0))
	case v.Codes != nil:
		out = string(v.Text(0))
	case kind.Kind == schema.Double || kind.Kind == schema.Float:
		out = strconv.FormatFloat(math.Float64frombits(uint64(v.Ints[0])), 'g', -1, 64)
	case kind.Kind == schema.Decimal:
		out = scaled(big.NewInt(v.Ints[0]), kind.Scale)
	case kind.Kind == schema.Timestamp:
		out = time.UnixMicro(v.Ints[0]).UTC().Format(time.RFC3339Nano)
	case kind.Kind == schema.Date:
		out = time.Unix(v.Ints[0]*86400, 0).UTC().Format(time.DateOnly)
	default:
		out = strconv.FormatInt(v.Ints[0], 10)
	}
	if v.Mark(0) == batch.Defaulted {
		return "the default, " + cellText(out)
	}
	return cellText(out)
}

// java is what Java's Avro makes of the record.
func (c *cell) java(t *testing.T, java *process, datum []byte) string {
	t.Helper()
	if c.from != "" {
		return "" // it has no such readers
	}
	reader := record("row", c.r...)
	_, err := java.ask("reader", json.RawMessage(reader.text()))
	must(t, err)
	answer, err := java.ask("read", hex.EncodeToString(datum))
	if says := refusal(""); errors.As(err, &says) {
		return "refuses"
	}
	must(t, err)
	read, err := reader.answer(answer)
	must(t, err)
	i := slices.IndexFunc(reader.fields, func(f field) bool { return f.name == "x" })
	return cellText(reader.fields[i].of.json(read.([]any)[i]))
}

// json is a value as a producer of JSON would write it.
func (t *typ) json(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case branch:
		return t.of[v.i].json(v.value)
	case []any:
		var all []string
		for i := range v {
			all = append(all, strconv.Quote(t.fields[i].name)+":"+t.fields[i].of.json(v[i]))
		}
		return "{" + strings.Join(all, ",") + "}"
	case *big.Int:
		return scaled(v, t.scale)
	case []byte:
		return strconv.Quote(base64.StdEncoding.EncodeToString(v))
	case int64:
		switch {
		case t.unit() > 0 || t.logical == "date":
			return strconv.Quote(t.asMoment(v))
		case t.logical != "":
			return strconv.Quote(t.asText(v))
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
