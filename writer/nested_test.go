package writer_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/writer"
)

// nestedTypes are columns of nested types, of all scalar types at all levels.
var nestedTypes = []string{
	"list<long>", "list<string>", "list<boolean>", "list<decimal(18,2)>", "list<binary>", "list<double>",
	"map<string,long>", "map<string,list<long>>", "map<string,struct<a:int,b:list<string>>>",
	"struct<zz:int,a:decimal(4,2),d:date,t:timestamp,f:float,s:string>", "struct<l:list<int>,m:map<string,string>>",
	"list<struct<a:int,b:string>>", "list<list<list<int>>>", "struct<x:struct<y:struct<z:timestamp>>>",
}

func nestedTable(t *testing.T) *schema.Table {
	t.Helper()
	table := &schema.Table{Name: "all", EventTime: 0, Columns: []schema.Column{{Name: "at", Type: schema.Type{Kind: schema.Timestamp}}}}
	for i, name := range nestedTypes {
		typ, err := schema.ParseType(name)
		if err != nil {
			t.Fatal(err)
		}
		// Names that are not in the order of the columns, as readers must see them.
		table.Columns = append(table.Columns, schema.Column{Name: fmt.Sprintf("n%d", len(nestedTypes)-i), Type: typ, Required: i%5 == 4})
	}
	return table
}

// fill adds a row to a vector: the shapes that go wrong are as likely as any other.
func (m *maker) fill(v *batch.Vector, t schema.Type, required bool) {
	row := v.Append()
	if !required && m.rng.IntN(5) == 0 {
		v.SetMark(row, v.Rows(), batch.Null)
		return
	}
	switch t.Kind {
	case schema.List, schema.Map:
		for i := range []int{0, 1, 1, 2, 3, 3, 40}[m.rng.IntN(7)] {
			if t.Kind == schema.List {
				m.fill(&v.Children[0], t.Of[0].Type, false)
				continue
			}
			key := v.Children[0].Append()
			if keys := &v.Children[0]; i < keys.Dict.Len() {
				keys.Codes[key] = int32(i)
			} else {
				keys.Codes[key] = keys.Dict.Add([]byte(strings.Repeat("k", i)))
			}
			m.fill(&v.Children[1], t.Of[1].Type, false)
		}
		v.Close()
	case schema.Struct:
		for i, in := range t.Of {
			v.Children[i].Truncate(row)
			m.fill(&v.Children[i], in.Type, false)
		}
	case schema.String, schema.Binary:
		text := awkwardText[m.rng.IntN(len(awkwardText))]
		if v.Dict.Len() > 20 && m.rng.IntN(2000) == 0 { // not among those that come again and again
			text = strings.Repeat("ü", 300_000)
		}
		// Columns of text have a dictionary, of binary none.
		if t.Kind == schema.String && v.Dict.Len() > 20 && m.rng.IntN(50) > 0 {
			v.Codes[row] = int32(m.rng.IntN(20))
			return
		}
		v.Codes[row] = v.Dict.Add([]byte(text))
	default:
		values := awkward[t.Kind]
		if t.Kind == schema.Decimal && t.Precision < 18 {
			values = []int64{0, -1, 9999}
		}
		v.Ints[row] = values[m.rng.IntN(len(values))]
	}
}

// asRead is a row as scripts/readers tells it.
func asRead(v *batch.Vector, t schema.Type, row int) any {
	if v.Mark(row) == batch.Null {
		return nil
	}
	switch t.Kind {
	case schema.List, schema.Map:
		out := []any{}
		for i := v.Offsets[row]; i < v.Offsets[row+1]; i++ {
			if t.Kind == schema.List {
				out = append(out, asRead(&v.Children[0], t.Of[0].Type, int(i)))
			} else {
				out = append(out, map[string]any{"key": asRead(&v.Children[0], t.Of[0].Type, int(i)), "value": asRead(&v.Children[1], t.Of[1].Type, int(i))})
			}
		}
		return out
	case schema.Struct:
		out := map[string]any{}
		for i, in := range t.Of {
			out[in.Name] = asRead(&v.Children[i], in.Type, row)
		}
		return out
	case schema.String:
		return string(v.Text(row))
	case schema.Binary:
		return hex.EncodeToString(v.Text(row))
	case schema.Float:
		return fmt.Sprintf("%08x", math.Float32bits(float32(math.Float64frombits(uint64(v.Ints[row])))))
	case schema.Double:
		return fmt.Sprintf("%016x", uint64(v.Ints[row]))
	case schema.Boolean:
		return fmt.Sprint(v.Ints[row] != 0)
	case schema.Decimal:
		return point(fmt.Sprint(v.Ints[row]), t.Scale)
	}
	return fmt.Sprint(v.Ints[row])
}

// nestedBatch makes a batch of nested columns.
func nestedBatch(m *maker, table *schema.Table, rows int) *batch.Batch {
	flat := *table
	flat.Columns = table.Columns[:1]
	m.make(&flat, rows)
	times := slices.Clone(m.b.Columns[0].Ints)
	m.b.Reset(table, m.raw, 0, rows)
	copy(m.b.Columns[0].Ints, times)
	for c := 1; c < len(table.Columns); c++ {
		for range rows {
			m.fill(&m.b.Columns[c], table.Columns[c].Type, table.Columns[c].Required)
		}
	}
	return m.b
}

// Lists, maps and structs are read alike by all, over many days, batches, files and row
// groups, value by value.
func TestOutsideReadersSeeNested(t *testing.T) {
	for name, c := range map[string]struct {
		o       writer.Options
		rows    int
		batches int
	}{
		"days":   {writer.Options{}, 3000, 2},
		"files":  {writer.Options{TargetFile: 30_000, Codec: "snappy"}, 1000, 1},
		"sorted": {writer.Options{SortBy: []string{"at"}}, 1000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir, table := t.TempDir(), nestedTable(t)
			expected := map[string]map[string]any{}
			for n := range c.batches {
				m := newMaker(uint64(40 + n))
				b := nestedBatch(m, table, c.rows)
				m.fates()
				for i := range b.Raw.Sources {
					b.Raw.Sources[i].Topic = fmt.Sprintf("topic%d", n)
				}
				publish(t, dir, c.o, b, build(fmt.Sprintf("b%d", n)))
				for row, fate := range b.Fates {
					if fate != batch.Written {
						continue
					}
					rec := map[string]any{}
					for i := range table.Columns {
						rec[table.Columns[i].Name] = asRead(&b.Columns[i], table.Columns[i].Type, row)
					}
					expected[fmt.Sprintf("topic%d/%d", n, b.Raw.Offsets[row])] = rec
				}
			}
			compareNested(t, readers(t, "dump", dir, "all"), table, expected)
		})
	}
}

func compareNested(t *testing.T, dump []byte, table *schema.Table, expected map[string]map[string]any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(dump))
	for dec.More() {
		var got map[string]any
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		id := text(got["_topic"]) + "/" + text(got["_offset"])
		rec, ok := expected[id]
		if !ok {
			t.Fatalf("row %s was not put in", id)
		}
		for _, c := range table.Columns {
			var value any = got[c.Name]
			if s, ok := value.(string); ok && c.Type.Kind.Nested() {
				if err := json.Unmarshal([]byte(s), &value); err != nil {
					t.Fatal(err)
				}
			}
			g, _ := json.Marshal(value)
			w, _ := json.Marshal(rec[c.Name])
			if !bytes.Equal(g, w) {
				t.Fatalf("row %s, column %s %s\ngot  %.2000s\nwant %.2000s", id, c.Name, c.Type, g, w)
			}
		}
		delete(expected, id)
	}
	if len(expected) > 0 {
		t.Errorf("the readers miss %d rows", len(expected))
	}
}

// The schema is the three-level form of the Parquet specification, in the order of the
// table, and a page's entries and nulls are counted.
func TestNestedLayout(t *testing.T) {
	b := nestedBatch(newMaker(5), nestedTable(t), 500)
	lake, files := write(t, writer.Options{}, b, build("b"))
	for _, f := range files {
		if f.Output != ledger.Main {
			continue
		}
		r, size, err := lake.Open(t.Context(), f.Staged)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parquet.OpenFile(r, size)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(file.Schema().String()), " ")
		for _, want := range []string{
			"optional group n14 (LIST) { repeated group list { optional int64 element (INT(64,true)); } }",
			"optional group n8 (MAP) { repeated group key_value { required binary key (STRING); optional int64 value (INT(64,true)); } }",
			"required group n5 { optional int32 zz (INT(32,true)); optional int64 a (DECIMAL(4,2)); optional int32 d (DATE);",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("got %s\nwant %s in it", text, want)
			}
		}
		for _, g := range file.Metadata().RowGroups {
			for _, c := range g.Columns {
				if c.MetaData.NumValues < g.NumRows || c.MetaData.Statistics.NullCount > c.MetaData.NumValues {
					t.Errorf("%v: %d values, %d nulls in %d rows", c.MetaData.PathInSchema, c.MetaData.NumValues, c.MetaData.Statistics.NullCount, g.NumRows)
				}
			}
		}
	}
}

// O5, and a required nested column that has a null is no file.
func TestNestedAgain(t *testing.T) {
	b := nestedBatch(newMaker(6), nestedTable(t), 300)
	w, err := writer.New(b.Table, writer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var sums [2][]ledger.Sum
	for i := range sums {
		lake, _ := write(t, writer.Options{}, b, build("b"))
		files, err := w.Write(t.Context(), lake, b, build("c"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			sums[i] = append(sums[i], f.XXH3)
		}
	}
	if !slices.Equal(sums[0], sums[1]) {
		t.Error("the same batch gave other bytes")
	}
	b.Columns[5].SetMark(7, b.Rows, batch.Null)
	b.Fates[7] = batch.Written
	lake, _ := write(t, writer.Options{}, nestedBatch(newMaker(7), nestedTable(t), 3), build("d"))
	if _, err := w.Write(t.Context(), lake, b, build("e")); err == nil || !strings.Contains(err.Error(), "is required") {
		t.Errorf("got %v, want that column n10 is required", err)
	}
}
