package infer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/infer"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
)

// files writes files and finds them.
func files(t *testing.T, texts map[string]string) []rawfile.Entry {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := rawfile.Find(t.Context(), []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found.Entries
}

// column is a CSV of one column, whose lines are the words.
func column(words string) string { return "x\n" + strings.ReplaceAll(words, " ", "\n") + "\n" }

// TestTypes: what values of a column come to, and that the table takes each of them.
func TestTypes(t *testing.T) {
	comma := schema.DefaultCSV()
	comma.Separator, comma.DecimalComma, comma.Thousands = ';', true, "."
	for _, c := range []struct {
		name, text string
		csv        schema.CSV
		want       string
	}{
		{"whole numbers", column("1 -20 0"), schema.CSV{}, "long"},
		{"eighteen digits", column("999999999999999999"), schema.CSV{}, "long"},
		{"nineteen digits", column("1 9999999999999999999"), schema.CSV{}, "string"},
		{"a zero in front", column("02108 10001"), schema.CSV{}, "string"},
		{"a plus in front", column("+1"), schema.CSV{}, "string"},
		{"money", column("1 2.50 -3.125"), schema.CSV{}, "decimal(18,3)"},
		{"too many digits", column("123456789012345.67 0.0001"), schema.CSV{}, "string"},
		{"exponents", column("1e3 2.5"), schema.CSV{}, "double"},
		{"truths", column("true false"), schema.CSV{}, "boolean"},
		{"truths and numbers", column("true 1"), schema.CSV{}, "string"},
		{"days", column("2026-11-22 1999-12-31"), schema.CSV{}, "date"},
		{"no days", column("2026-11-22 2026-02-30"), schema.CSV{}, "string"},
		{"times", column("2026-11-22T10:15:00Z 2026-11-22T10:15:00.123456+01:00"), schema.CSV{}, "timestamp"},
		{"days and times", column("2026-11-22 2026-11-22T10:15:00"), schema.CSV{}, "timestamp"},
		{"times with a blank", "x\n2026-11-22 10:15:00\n", schema.CSV{}, "timestamp"},
		{"nothing but nulls", "x,y\n,1\n,2\n", schema.CSV{}, "string"},
		{"numbers and nulls", "x,y\n,1\n5,2\n", schema.CSV{}, "long"},
		{"numbers and quoted nothing", "x,y\n\"\",1\n5,2\n", schema.CSV{}, "string"},
		{"quoted numbers", "x,y\n\"7\",\"a,\"\"b\"\"\"\n", schema.CSV{}, "long"},
		{"numbers and blanks", "x,y\n  ,1\n5,2\n", schema.CSV{}, "string"},
		{"decimal commas", "x;y\n1.234,50;a\n7;b\n", comma, "decimal(18,2)"},
		{"groups of four", "x;y\n1.2345;a\n", comma, "string"},
		{"JSON numbers", `{"x":1}` + "\n" + `{"x":2.5}` + "\n" + `{"x":null}` + "\n" + `{}` + "\n", schema.CSV{}, "decimal(18,1)"},
		{"JSON texts of digits", `{"x":"1"}`, schema.CSV{}, "string"},
		{"JSON texts of days", `[{"x":"2026-11-22"}]`, schema.CSV{}, "date"},
		{"JSON truths", `{"x":true}`, schema.CSV{}, "boolean"},
		{"JSON of two kinds", `{"x":"a"}` + "\n" + `{"x":"2026-11-22"}` + "\n", schema.CSV{}, "string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := files(t, map[string]string{"file": c.text})
			r, err := infer.Files(t.Context(), found, rawfile.Options{CSV: c.csv.OrDefault()})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Columns[0].Type.String(); got != c.want || r.Columns[0].Name != "x" {
				t.Errorf("%s is %s, want %s", r.Columns[0].Name, got, c.want)
			}
			b := rejects(t, found[0], &schema.Table{
				Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), Columns: r.Schema(), CSV: c.csv.OrDefault(),
			})
			if len(b.Rejects) > 0 {
				t.Errorf("the table refuses %s", b.Detail(b.Rejects))
			}
		})
	}
}

// rejects reads a file into a table.
func rejects(t *testing.T, e rawfile.Entry, table *schema.Table) *batch.Batch {
	t.Helper()
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	in, err := rawfile.Open(context.Background(), e, rawfile.Options{CSV: table.CSV})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var c batch.Chunk
	if err := in.Next(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	raw := &batch.Raw{}
	raw.AppendChunk(raw.Source(batch.Source{File: e.URL, Layout: in.Layout()}), &c)
	var b batch.Batch
	b.Reset(table, raw, 0, raw.Rows())
	plan.Decoder().Decode(&b)
	return &b
}

// TestNoTypeTakesAll: text does not take the numbers of JSON. Of what there is most is
// taken, the rest is refused, and that is said.
func TestNoTypeTakesAll(t *testing.T) {
	for _, c := range []struct {
		values, want string
		refused      int
	}{
		{`1 "a" "b"`, "string", 1},
		{`1 2 "a"`, "long", 1},
		{`1.5 2 "2026-11-22"`, "decimal(18,1)", 1},
		{`true true 1`, "boolean", 1},
		{`12345678901234567890 1 2`, "long", 1},
		{`12345678901234567 0.001 1`, "decimal(18,1)", 1},
		{`1e3 2.5 "a"`, "double", 1},
		{`1e3 12345678901234567890`, "double", 0},
	} {
		text := ""
		for _, v := range strings.Fields(c.values) {
			text += `{"x":` + v + "}\n"
		}
		found := files(t, map[string]string{"a.json": text})
		r, err := infer.Files(t.Context(), found, rawfile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), Columns: r.Schema()}
		refused := len(rejects(t, found[0], table).Rejects)
		if got := r.Columns[0]; got.Type.String() != c.want || refused != c.refused || !strings.HasPrefix(got.Remark, "values of several kinds") {
			t.Errorf("%s: %s, of which %d are refused, want %s and %d: %q", c.values, got.Type, refused, c.want, c.refused, got.Remark)
		}
	}
}

// TestYAML: columns of several files, with what a person should know.
func TestYAML(t *testing.T) {
	r, err := infer.Files(t.Context(), files(t, map[string]string{
		"a.csv":  "ID,when,no,empty,mixed\n1,2026-11-22,1,,1\n2,,2,,a\n",
		"b.json": `[{"ID":3,"odd name: #1":1.5,"where":{"city":"Bern"},"tags":[1]},{"ID":4,"id":1,"":2}, 7]`,
		"c.csv":  "id,mixed\n5,b\nbroken\n",
		"d.csv":  "",
	}), rawfile.Options{CSV: schema.DefaultCSV()})
	if err != nil {
		t.Fatal(err)
	}
	want := `# from 5 rows of 3 files
columns:
  - {name: ID, type: long, default: null}
  - {name: when, type: date, default: null}  # 4 of 5 rows have no value
  - {name: "no", type: long, default: null}  # 3 of 5 rows have no value
  - {name: empty, type: string, default: null}  # no value was seen
  - {name: mixed, type: string, default: null}  # values of several kinds; 2 of 5 rows have no value
  - {name: "odd name: #1", type: "decimal(18,1)", default: null}  # 4 of 5 rows have no value
  - {name: where, type: "struct<city:string>", default: null}  # an object: instead, each value can be a column, such as {name: where_city, type: string, from: "where.city"}; 4 of 5 rows have no value
  - {name: tags, type: "list<long>", default: null}  # an array: instead, an element can be a column, with from: tags[0]; 4 of 5 rows have no value
  # id: differs in case alone from ID
  # "": a column without a name: no table can have it
`
	if got := r.YAML(); got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestFirstRows: later rows are not looked at.
func TestFirstRows(t *testing.T) {
	text := "x\n" + strings.Repeat("1\n", infer.Rows) + "word\n"
	r, err := infer.Files(t.Context(), files(t, map[string]string{"a.csv": text, "b.csv": "y\nz\n"}), rawfile.Options{CSV: schema.DefaultCSV()})
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows != infer.Rows || r.Files != 1 || len(r.Columns) != 1 || r.Columns[0].Type.Kind != schema.Long {
		t.Errorf("got %+v", r)
	}
}

// TestNothing: no rows, no columns.
func TestNothing(t *testing.T) {
	for name, text := range map[string]string{"no rows": "x,y\n", "no objects": "[1, 2]", "packed badly": "\x1f\x8b\x08 no gzip"} {
		if r, err := infer.Files(t.Context(), files(t, map[string]string{"a.csv": text}), rawfile.Options{CSV: schema.DefaultCSV()}); err == nil {
			t.Errorf("%s: %v", name, fmt.Sprint(r))
		}
	}
}
