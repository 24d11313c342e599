package conform_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/avro"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
)

var long = flag.Bool("long", false, "run every suite at its full length")

// TestAvroMeansWhatItsJSONDoes decodes random records of random schemas twice: as datums of
// Avro, which another library wrote, and as the JSON that raw files make of those. Both must
// give the same rows, and reject the same records for the same columns.
func TestAvroMeansWhatItsJSONDoes(t *testing.T) {
	schemas, rows := 60, 60
	if *long {
		schemas, rows = 200, 500
	}
	written := 0
	for seed := range uint64(schemas) {
		w := newAvroWriter(seed)
		var datums [][]byte
		for range rows {
			datums = append(datums, w.datum(t))
		}
		s, err := avroschema.Parse([]byte(w.text))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := conform.Compile(w.table)
		if err != nil {
			t.Fatal(err)
		}
		var got, want batch.Batch
		raw := avroRaw(s, datums)
		got.Reset(w.table, raw, 0, rows)
		plan.Decoder().Decode(&got)
		raw = jsonRaw(t, w.text, datums)
		want.Reset(w.table, raw, 0, rows)
		plan.Decoder().Decode(&want)
		for row := range rows {
			g, x := avroOutcome(&got, row), avroOutcome(&want, row)
			if g != x {
				t.Fatalf("seed %d, row %d: %s\nschema %s\ncolumns %v\nAvro %s\nJSON %s\n%s", seed, row, raw.Value(row), w.text, w.table.Columns, g, x, got.Detail(got.Rejects))
			}
			written += btoi(got.Fates[row] == batch.Written)
		}
	}
	if least := schemas * rows / 5; written < least {
		t.Errorf("%d rows were written, want %d at least", written, least)
	}
}

// avroRaw holds datums as rows of a container file.
func avroRaw(s *avroschema.Schema, datums [][]byte) *batch.Raw {
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{File: "x", Layout: &batch.Layout{Format: batch.Avro, Schema: s}})
	for i, v := range datums {
		raw.Append(source, &batch.Record{Offset: int64(i), Value: v})
	}
	return raw
}

// jsonRaw is what a container file of datums becomes where raw files are read.
func jsonRaw(t *testing.T, text string, datums [][]byte) *batch.Raw {
	t.Helper()
	str := func(s string) []byte { return append(binary.AppendVarint(nil, int64(len(s))), s...) }
	file := slices.Concat([]byte("Obj\x01\x02"), str("avro.schema"), str(text), []byte("\x000123456789abcdef"))
	block := slices.Concat(datums...)
	file = binary.AppendVarint(file, int64(len(datums)))
	file = append(binary.AppendVarint(file, int64(len(block))), block...)
	file = append(file, "0123456789abcdef"...)
	path := filepath.Join(t.TempDir(), "x.avro")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := rawfile.Find(t.Context(), []string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rawfile.Open(t.Context(), found.Entries[0], rawfile.Options{Text: true})
	if err != nil {
		t.Fatal(err)
	}
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{File: "x", Layout: r.Layout()})
	var c batch.Chunk
	for !c.Last {
		if err := r.Next(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
		raw.AppendChunk(source, &c)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return raw
}

// avroOutcome is what became of a row, in words that JSON and Avro share.
func avroOutcome(b *batch.Batch, row int) string {
	var out strings.Builder
	out.WriteString(b.Fates[row].String())
	if b.Fates[row] == batch.Written {
		for c := range b.Columns {
			fmt.Fprintf(&out, " %d:%q", b.Columns[c].Mark(row), describe(b, c, row))
		}
		return out.String()
	}
	for _, r := range b.Rejects {
		if int(r.Row) != row {
			continue
		}
		if r.Column < 0 || r.Reason == conform.ReasonEncoding || r.Reason == conform.ReasonSyntax {
			// Where files are read, the first flaw of a row is all that is told of it.
			return out.String() + " flawed"
		}
		reason := r.Reason
		if reason == conform.ReasonSchemaMismatch || reason == conform.ReasonTime {
			reason = conform.ReasonType
		}
		fmt.Fprintf(&out, " %s:%d", reason, r.Column)
	}
	return out.String()
}

// avroWriter makes up a schema, a table beside it, and records.
type avroWriter struct {
	rng   *rand.Rand
	types []avroMade
	names []string
	text  string
	codec *avro.Schema
	table *schema.Table
}

// avroMade is a type of a made up schema, and how to make values of it.
type avroMade struct {
	text  string
	value func(r *rand.Rand) any
	kinds string // of columns for which JSON and Avro mean the same, all if empty
}

func decimalOf(p, s int) func(*rand.Rand) any {
	return func(r *rand.Rand) any {
		digits := make([]byte, 1+r.IntN(p))
		for i := range digits {
			digits[i] = byte('0' + r.IntN(10))
		}
		n, _ := new(big.Int).SetString(string(digits), 10)
		if r.IntN(2) == 0 {
			n.Neg(n)
		}
		if r.IntN(3) == 0 { // zeros behind the point
			n.Quo(n, big.NewInt(100)).Mul(n, big.NewInt(100))
		}
		return new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s)), nil))
	}
}

func wholeOf(most int) func(*rand.Rand) int64 {
	return func(r *rand.Rand) int64 {
		switch r.IntN(8) {
		case 0:
			return math.MaxInt64 >> (64 - most)
		case 1:
			return math.MinInt64 >> (64 - most)
		}
		return r.Int64() >> (64 - most + r.IntN(most)) * int64(1-2*r.IntN(2))
	}
}

func avroText(r *rand.Rand) string {
	return pickOf(r, "", "a", "OPEN", "12.50", "-7", "1e3", "seven77", "eight888", "nine99999", "Zürich", "fifteen15151515", "sixteen161616161", "a long text of more than sixteen",
		"a\nb", "\"", "😀", "2026-11-22", "2026-11-22T10:15:30.123456Z", "2026-02-30", strings.Repeat("ab", r.IntN(40)), fmt.Sprint(r.Int64()), fmt.Sprint(r.IntN(1000)))
}

func pickOf(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

// avroTypes are the types that are made up, but for unions.
func avroTypes(r *rand.Rand) []avroMade {
	p := 1 + r.IntN(30)
	s := r.IntN(min(p, 12) + 1)
	named := fmt.Sprintf("n%d", r.Uint64())
	moment := func(unit int64) func(*rand.Rand) any {
		return func(r *rand.Rand) any { // sometimes a whole day, sometimes beyond all years
			at := (r.Int64N(8e9) - 2e9) * unit
			switch r.IntN(24) {
			case 0, 2, 3, 4:
				at -= at % (86400 * unit)
			case 1:
				at = r.Int64() >> r.IntN(16)
			case 5:
				at += r.Int64N(unit)
			}
			return at
		}
	}
	return []avroMade{
		{`"boolean"`, func(r *rand.Rand) any { return r.IntN(2) == 0 }, ""},
		{`"int"`, func(r *rand.Rand) any { return int32(wholeOf(32)(r)) }, ""},
		{`"long"`, func(r *rand.Rand) any { return wholeOf(64)(r) }, ""},
		{`"long"`, func(r *rand.Rand) any { return r.Int64N(2e12) }, ""},
		{`"float"`, func(r *rand.Rand) any { return float32(r.IntN(512)) / float32(pow(2, r.IntN(4))) }, "int long double float string boolean binary date"},
		{`"double"`, func(r *rand.Rand) any { return float64(r.Int64N(1e12)) / float64(pow(10, r.IntN(6))) }, "int long double float string boolean binary date timestamp"},
		{`"string"`, func(r *rand.Rand) any { return avroText(r) }, "int long float double decimal string boolean date timestamp"},
		{`"bytes"`, func(r *rand.Rand) any { return []byte(avroText(r)) }, "int long double decimal boolean binary date timestamp"},
		{`{"type":"enum","name":"` + named + `e","symbols":["NEW","DONE","x"]}`, func(r *rand.Rand) any { return pickOf(r, "NEW", "DONE", "x") }, "int long double decimal string boolean date timestamp"},
		{`{"type":"fixed","name":"` + named + `f","size":3}`, func(r *rand.Rand) any { return [3]byte{byte(r.Uint32()), 1, 2} }, "int long double decimal boolean binary date timestamp"},
		{fmt.Sprintf(`{"type":"bytes","logicalType":"decimal","precision":%d,"scale":%d}`, p, s), decimalOf(p, s), ""},
		{fmt.Sprintf(`{"type":"fixed","name":"%sd","size":14,"logicalType":"decimal","precision":%d,"scale":%d}`, named, p, s), decimalOf(p, s), ""},
		{`{"type":"int","logicalType":"date"}`, func(r *rand.Rand) any { return int32(r.IntN(80000) - 40000) }, ""},
		{`{"type":"int","logicalType":"date"}`, func(r *rand.Rand) any { return int32(r.IntN(8e6) - 4e6) }, ""},
		{`{"type":"int","logicalType":"time-millis"}`, func(r *rand.Rand) any { return int32(r.IntN(86400000)) }, ""},
		{`{"type":"long","logicalType":"time-micros"}`, func(r *rand.Rand) any { return r.Int64N(86400e6) }, ""},
		{`{"type":"long","logicalType":"timestamp-millis"}`, moment(1e3), ""},
		{`{"type":"long","logicalType":"timestamp-micros"}`, moment(1e6), ""},
		{`{"type":"long","logicalType":"timestamp-nanos"}`, moment(1e9), ""},
		{`{"type":"long","logicalType":"local-timestamp-millis"}`, moment(1e3), ""},
		{`{"type":"long","logicalType":"local-timestamp-micros"}`, moment(1e6), ""},
		{`{"type":"fixed","name":"` + named + `u","size":16,"logicalType":"uuid"}`, func(r *rand.Rand) any { return [16]byte{1: byte(r.Uint32()), 15: byte(r.Uint32())} }, "int long double decimal string boolean date timestamp"},
		{`{"type":"array","items":"string"}`, func(r *rand.Rand) any { return []string{avroText(r), avroText(r)}[:r.IntN(3)] }, ""},
		{`{"type":"map","values":["null","long"]}`, func(r *rand.Rand) any { return map[string]any{avroText(r): nil, "k": wholeOf(64)(r)} }, ""},
		{`{"type":"record","name":"` + named + `r","fields":[{"name":"a","type":["null","string"]},{"name":"b","type":{"type":"array","items":"double"}}]}`, func(r *rand.Rand) any {
			return map[string]any{"a": avroText(r), "b": []float64{1, 2.5}}
		}, ""},
	}
}

// newAvroWriter makes up a schema and a table.
func newAvroWriter(seed uint64) *avroWriter {
	r := rand.New(rand.NewPCG(seed, 9))
	w := &avroWriter{rng: r}
	var fields []string
	w.table = &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution()}
	for i := range 1 + r.IntN(9) {
		all := avroTypes(r)
		one := all[r.IntN(len(all))]
		switch other := all[r.IntN(len(all))]; r.IntN(6) {
		case 0, 1:
			one = optional(one, `["null",`+one.text+`]`)
		case 2:
			one = optional(one, `[`+one.text+`,"null"]`)
		case 3:
			if one.text == `"string"` && other.text == `"long"` {
				one = avroMade{`["null","long","string"]`, func(r *rand.Rand) any {
					return []any{nil, wholeOf(64)(r), avroText(r)}[r.IntN(3)]
				}, one.kinds}
			}
		}
		name := fmt.Sprintf("f%d", i)
		w.types, w.names = append(w.types, one), append(w.names, name)
		fields = append(fields, `{"name":"`+name+`","type":`+one.text+`}`)
		if within := columnsWithin(name, one); within != nil && r.IntN(2) == 0 {
			w.table.Columns = append(w.table.Columns, within...)
			continue
		}
		if r.IntN(8) == 0 || strings.Contains(one.text, "items") && r.IntN(4) > 0 || strings.Contains(one.text, "values") && r.IntN(4) > 0 {
			continue // a field without a column
		}
		w.table.Columns = append(w.table.Columns, columnFor(r, name, one))
	}
	w.table.Columns = append(w.table.Columns, schema.Column{Name: "gone", Type: schema.Type{Kind: schema.Int}, Default: schema.Value{Int: 7}})
	r.Shuffle(len(w.table.Columns), func(i, j int) {
		w.table.Columns[i], w.table.Columns[j] = w.table.Columns[j], w.table.Columns[i]
	})
	w.text = `{"type":"record","name":"r","fields":[` + strings.Join(fields, ",") + `]}`
	w.codec = avro.MustParse(w.text)
	return w
}

// columnsWithin are columns from within a field, nil for one that has nothing within.
func columnsWithin(name string, of avroMade) []schema.Column {
	var out []schema.Column
	add := func(typ, path string) {
		c := schema.Column{Name: name + "_" + fmt.Sprint(len(out)), Default: schema.Value{Null: true}}
		c.Type, _ = schema.ParseType(typ)
		c.From, _ = schema.ParseFrom(name + path)
		out = append(out, c)
	}
	switch {
	case strings.Contains(of.text, `"record"`):
		add("json", "")
		add("string", ".a")
		add("double", ".b[1]")
		add("long", ".b[7]")
		add("long", ".gone")
	case strings.Contains(of.text, `"map"`):
		add("json", "")
		add("long", ".k")
		add("int", ".a")
	case strings.Contains(of.text, `"array"`):
		add("string", "[1]")
		add("decimal(9,2)", "[0]")
		add("json", "")
	case of.text == `["null","string"]`:
		add("long", ".x.y")
	}
	return out
}

func optional(of avroMade, text string) avroMade {
	return avroMade{text, func(r *rand.Rand) any {
		if r.IntN(4) == 0 {
			return nil
		}
		return of.value(r)
	}, of.kinds}
}

// columnFor is a column for a field, of its own type in half the cases.
func columnFor(r *rand.Rand, name string, of avroMade) schema.Column {
	c := schema.Column{Name: name, Required: r.IntN(12) == 0, Default: schema.Value{Null: true}}
	kinds := strings.Fields("int long float double decimal string boolean date timestamp binary")
	if of.kinds != "" {
		kinds = strings.Fields(of.kinds)
	}
	likely := map[string]string{"boolean": "boolean", "int": "int", "long": "long", "float": "double", "double": "double", "string": "string", "bytes": "binary", "enum": "string",
		"decimal": "decimal", "date": "date", "timestamp": "timestamp", "uuid": "string", "time-": "string"}
	kind := kinds[r.IntN(len(kinds))]
	for _, word := range []string{"timestamp", "decimal", "date", "time-", "uuid", "enum", "string", "boolean", "int", "long", "double", "bytes", "float"} {
		if strings.Contains(of.text, word) && r.IntN(10) > 0 && !strings.Contains(of.text, "record") && !strings.Contains(of.text, "array") && !strings.Contains(of.text, "map") {
			kind = likely[word]
			break
		}
	}
	if kind == "decimal" {
		p := 18 - r.IntN(18)*btoi(r.IntN(3) == 0)
		kind = fmt.Sprintf("decimal(%d,%d)", p, r.IntN(p+1))
	}
	if c.Type, _ = schema.ParseType(kind); r.IntN(12) == 0 {
		c.Type, _ = schema.ParseType("json")
	}
	switch {
	case c.Type.Kind != schema.Timestamp && c.Type.Kind != schema.Date:
	case r.IntN(2) == 0:
		c.Time.Unit = pickOf(r, "s", "ms", "us", "ns")
	case r.IntN(2) == 0 && c.Type.Kind == schema.Timestamp:
		c.Time.Zone, _ = time.LoadLocation("Europe/Zurich")
	}
	if r.IntN(8) == 0 {
		c.Name, c.Aliases = "c_"+name, []string{"x" + name, name}
	}
	return c
}

// datum makes up a record.
func (w *avroWriter) datum(t *testing.T) []byte {
	t.Helper()
	row := map[string]any{}
	for i, name := range w.names {
		row[name] = w.types[i].value(w.rng)
	}
	out, err := w.codec.Encode(row)
	if err != nil {
		t.Fatalf("%v: %s: %v", err, w.text, row)
	}
	return out
}
