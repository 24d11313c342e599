package conform_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// TestAvroEvolution has a cell of the matrix of changes in each line: what the writer has,
// what the table has, what becomes of a record, and what is told of it, once.
func TestAvroEvolution(t *testing.T) {
	id := fieldOf("id", `"long"`)
	dec := func(p, s string) string {
		return `{"type":"bytes","logicalType":"decimal","precision":` + p + `,"scale":` + s + `}`
	}
	for _, c := range []struct {
		name    string
		fields  []string
		columns string // the last one is shown
		policy  schema.Evolution
		datum   string
		want    string
		drift   string
		halt    string
	}{
		{name: "as the table", fields: []string{id, fieldOf("x", `"long"`)}, columns: "id long, x long", datum: zig(1) + zig(7), want: "ok 7"},
		{name: "reordered", fields: []string{fieldOf("x", `"long"`), id}, columns: "id long, x long", datum: zig(7) + zig(1), want: "ok 7"},

		// A field is added, first, in the middle, last, with a default of the writer's or without.
		{name: "added first", fields: []string{fieldOf("new", `"string"`), id, fieldOf("x", `"long"`)}, columns: "id long, x long", datum: str("a") + zig(1) + zig(7), want: "ok 7", drift: "extra new string> @0"},
		{name: "added in the middle", fields: []string{id, fieldOf("new", `["null","string"]`), fieldOf("x", `"long"`)}, columns: "id long, x long", datum: zig(1) + zig(1) + str("a") + zig(7), want: "ok 7", drift: "extra new string> @0"},
		{name: "added last, null", fields: []string{id, fieldOf("x", `"long"`), `{"name":"new","type":["null","long"],"default":null}`}, columns: "id long, x long", datum: zig(1) + zig(7) + zig(0), want: "ok 7", drift: "extra new long> @0"},
		{name: "added last, with a default", fields: []string{id, fieldOf("x", `"long"`), `{"name":"new","type":"double","default":1.5}`}, columns: "id long, x long", datum: zig(1) + zig(7) + bits64(1), want: "ok 7", drift: "extra new double> @0"},
		{name: "added, quarantined", fields: []string{id, fieldOf("x", `"long"`), fieldOf("new", `"long"`)}, columns: "id long, x long", policy: schema.Evolution{Extra: schema.Quarantine}, datum: zig(1) + zig(7) + zig(1), want: "extra", drift: "extra new long> @0"},
		{name: "added, halted", fields: []string{id, fieldOf("x", `"long"`), fieldOf("new", `["null","long"]`)}, columns: "id long, x long", policy: schema.Evolution{Extra: schema.Halt}, datum: zig(1) + zig(7) + zig(0), want: "extra", drift: "extra new long> @0", halt: "extra: halt"},
		{name: "a record, an array and a map are added", fields: []string{id,
			fieldOf("r", `{"type":"record","name":"q","fields":[{"name":"a","type":"string"},{"name":"b","type":{"type":"array","items":["null","double"]}}]}`),
			fieldOf("m", `{"type":"map","values":{"type":"array","items":"q"}}`), fieldOf("x", `"long"`)}, columns: "id long, x long",
			datum: zig(1) + str("s") + zig(2) + zig(1) + bits64(2) + zig(0) + zig(0) + zig(-1) + zig(6) + str("k") + zig(1) + str("") + zig(0) + zig(0) + zig(0) + zig(7),
			want:  "ok 7", drift: "extra r record> @0, extra m map> @0"},

		// A field is dropped.
		{name: "dropped", fields: []string{id}, columns: "id long, x long", datum: zig(1), want: "ok ~0", drift: "missing x >long @0"},
		{name: "dropped, of text", fields: []string{id}, columns: "id long, x string", datum: zig(1), want: "ok ~UNKNOWN", drift: "missing x >string @0"},
		{name: "dropped, of times", fields: []string{id}, columns: "id long, x timestamp", datum: zig(1), want: "ok null", drift: "missing x >timestamp @0"},
		{name: "dropped, required", fields: []string{id}, columns: "id long, x long required", datum: zig(1), want: "required x"},
		{name: "dropped, quarantined", fields: []string{id}, columns: "id long, x long", policy: schema.Evolution{Missing: schema.Quarantine}, datum: zig(1), want: "missing x", drift: "missing x >long @0"},
		{name: "dropped, halted", fields: []string{id}, columns: "id long, x long", policy: schema.Evolution{Missing: schema.Halt}, datum: zig(1), want: "missing x", drift: "missing x >long @0", halt: "missing: halt"},

		// A field is renamed.
		{name: "renamed", fields: []string{id, fieldOf("y", `"long"`)}, columns: "id long, x long", datum: zig(1) + zig(7), want: "ok ~0", drift: "extra y long> @0, missing x >long @0"},
		{name: "renamed, with an alias of the table's", fields: []string{id, fieldOf("y", `"long"`)}, columns: "id long, x long also=z also=y", datum: zig(1) + zig(7), want: "ok 7", drift: "alias x y>x @0"},
		{name: "renamed, with an alias of the writer's", fields: []string{id, `{"name":"y","aliases":["x"],"type":"long"}`}, columns: "id long, x long", datum: zig(1) + zig(7), want: "ok ~0", drift: "extra y long> @0, missing x >long @0"},
		{name: "both names", fields: []string{id, fieldOf("y", `"long"`), fieldOf("x", `"long"`)}, columns: "id long, x long also=y", datum: zig(1) + zig(7) + zig(8), want: "ok 8", drift: "extra y long> @0"},
		{name: "in another case", fields: []string{id, fieldOf("X", `"long"`)}, columns: "id long, x long", datum: zig(1) + zig(7), want: "ok ~0", drift: "extra X long> @0, missing x >long @0"},

		// A type is widened.
		{name: "int to long", fields: []string{fieldOf("x", `"int"`)}, columns: "x long", datum: zig(-7), want: "ok -7", drift: "widen x int>long @0"},
		{name: "int to float", fields: []string{fieldOf("x", `"int"`)}, columns: "x float", datum: zig(7), want: "ok 7", drift: "widen x int>float @0"},
		{name: "long to float", fields: []string{fieldOf("x", `"long"`)}, columns: "x float", datum: zig(16777217), want: "ok 1.6777216e+07", drift: "widen x long>float @0"},
		{name: "int to double", fields: []string{fieldOf("x", `["int","null"]`)}, columns: "x double", datum: zig(0) + zig(7), want: "ok 7", drift: "widen x int>double @0"},
		{name: "long to double", fields: []string{fieldOf("x", `"long"`)}, columns: "x double", datum: zig(7), want: "ok 7", drift: "widen x long>double @0"},
		{name: "float to double", fields: []string{fieldOf("x", `"float"`)}, columns: "x double", datum: "\xcd\xcc\xcc\x3d", want: "ok 0.10000000149011612", drift: "widen x float>double @0"},
		{name: "int to decimal", fields: []string{fieldOf("x", `"int"`)}, columns: "x decimal(9,2)", datum: zig(-7), want: "ok -700", drift: "widen x int>decimal(9,2) @0"},
		{name: "int to decimal, too large", fields: []string{fieldOf("x", `"int"`)}, columns: "x decimal(9,2)", datum: zig(10_000_000), want: "overflow x", drift: "widen x int>decimal(9,2) @0"},
		{name: "precision up", fields: []string{fieldOf("x", dec("9", "2"))}, columns: "x decimal(18,2)", datum: str("\xff\x00"), want: "ok -256", drift: "widen x decimal(9,2)>decimal(18,2) @0"},
		{name: "scale up", fields: []string{fieldOf("x", dec("9", "2"))}, columns: "x decimal(18,4)", datum: str("\x7f"), want: "ok 12700", drift: "widen x decimal(9,2)>decimal(18,4) @0"},
		{name: "string to bytes", fields: []string{fieldOf("x", `"string"`)}, columns: "x binary", datum: str("AAEC"), want: "ok AAEC", drift: "widen x string>binary @0"},
		{name: "bytes to string", fields: []string{fieldOf("x", `"bytes"`)}, columns: "x string", datum: str("Zürich"), want: "ok Zürich", drift: "widen x bytes>string @0"},
		{name: "widened, quarantined", fields: []string{fieldOf("x", `"int"`)}, columns: "x long", policy: schema.Evolution{Widen: schema.Quarantine}, datum: zig(7), want: "widen x", drift: "widen x int>long @0"},
		{name: "widened, quarantined, null", fields: []string{fieldOf("x", `["null","int"]`)}, columns: "x long", policy: schema.Evolution{Widen: schema.Quarantine}, datum: zig(0), want: "ok null", drift: "widen x int>long @0"},
		{name: "widened, halted", fields: []string{fieldOf("x", `"float"`)}, columns: "x double", policy: schema.Evolution{Widen: schema.Halt}, datum: "\x00\x00\x00\x00", want: "widen x", drift: "widen x float>double @0", halt: "widen: halt"},

		// A type is narrowed: what fits is taken.
		{name: "long to int", fields: []string{fieldOf("x", `"long"`)}, columns: "x int", datum: zig(1<<31 - 1), want: "ok 2147483647", drift: "narrow x long>int @0"},
		{name: "long to int, too large", fields: []string{fieldOf("x", `"long"`)}, columns: "x int", datum: zig(1 << 31), want: "overflow x", drift: "narrow x long>int @0"},
		{name: "long to int, too small", fields: []string{fieldOf("x", `"long"`)}, columns: "x int", datum: zig(-1<<31 - 1), want: "overflow x", drift: "narrow x long>int @0"},
		{name: "long to int, halted", fields: []string{fieldOf("x", `"long"`)}, columns: "x int", policy: schema.Evolution{Narrow: schema.Halt}, datum: zig(1 << 31), want: "overflow x", drift: "narrow x long>int @0", halt: "narrow: halt"},
		{name: "double to float", fields: []string{fieldOf("x", `"double"`)}, columns: "x float", datum: bits64(0.5), want: "ok 0.5", drift: "narrow x double>float @0"},
		{name: "double to float, too large", fields: []string{fieldOf("x", `"double"`)}, columns: "x float", datum: bits64(1e300), want: "overflow x", drift: "narrow x double>float @0"},
		{name: "double to long", fields: []string{fieldOf("x", `"double"`)}, columns: "x long", datum: bits64(3), want: "ok 3", drift: "narrow x double>long @0"},
		{name: "double to long, beyond what doubles count", fields: []string{fieldOf("x", `"double"`)}, columns: "x long", datum: bits64(-7598144247465454592), want: "ok -7598144247465454592", drift: "narrow x double>long @0"},
		{name: "float to long, beyond what floats count", fields: []string{fieldOf("x", `"float"`)}, columns: "x long", datum: "\x01\x00\x80\x4b", want: "ok 16777218", drift: "narrow x float>long @0"},
		{name: "double to long, with a fraction", fields: []string{fieldOf("x", `"double"`)}, columns: "x long", datum: bits64(3.5), want: "scale x", drift: "narrow x double>long @0"},
		{name: "precision down", fields: []string{fieldOf("x", dec("18", "2"))}, columns: "x decimal(3,2)", datum: str("\x03\xe8"), want: "overflow x", drift: "narrow x decimal(18,2)>decimal(3,2) @0"},
		{name: "scale down", fields: []string{fieldOf("x", dec("9", "3"))}, columns: "x decimal(9,2)", datum: str("\x04\xce"), want: "ok 123", drift: "narrow x decimal(9,3)>decimal(9,2) @0"},
		{name: "scale down, with a digit too many", fields: []string{fieldOf("x", dec("9", "3"))}, columns: "x decimal(9,2)", datum: str("\x04\xcf"), want: "scale x", drift: "narrow x decimal(9,3)>decimal(9,2) @0"},
		{name: "38 digits into 18", fields: []string{fieldOf("x", dec("38", "2"))}, columns: "x decimal(18,2)", datum: str("\x01" + strings.Repeat("\x00", 8)), want: "overflow x", drift: "narrow x decimal(38,2)>decimal(18,2) @0"},

		// Null comes or goes.
		{name: "may be null", fields: []string{fieldOf("x", `["null","long"]`)}, columns: "x long", datum: zig(0), want: "ok null"},
		{name: "null last", fields: []string{fieldOf("x", `["long","null"]`)}, columns: "x long", datum: zig(1), want: "ok null"},
		{name: "may be null, required", fields: []string{fieldOf("x", `["null","long"]`)}, columns: "x long required", datum: zig(1) + zig(7), want: "ok 7", drift: "nullable x long>long @0"},
		{name: "is null, required", fields: []string{fieldOf("x", `["null","long"]`)}, columns: "x long required", datum: zig(0), want: "required x", drift: "nullable x long>long @0"},
		{name: "is nothing but null", fields: []string{fieldOf("x", `"null"`)}, columns: "x long", datum: "", want: "ok null"},
		{name: "default changed", fields: []string{`{"name":"x","type":"long","default":9}`}, columns: "x long", datum: zig(7), want: "ok 7"},

		// Enums and unions.
		{name: "symbol added", fields: []string{fieldOf("x", `{"type":"enum","name":"e","symbols":["NEW","A","B"]}`)}, columns: "x string", datum: zig(0), want: "ok NEW"},
		{name: "symbol removed", fields: []string{fieldOf("x", `{"type":"enum","name":"e","symbols":["B"]}`)}, columns: "x string", datum: zig(0), want: "ok B"},
		{name: "union of several", fields: []string{fieldOf("x", `["null","string","long"]`)}, columns: "x long", datum: zig(2) + zig(7), want: "ok 7", drift: "type x string>long @0"},
		{name: "union reordered", fields: []string{fieldOf("x", `["long","null","string"]`)}, columns: "x long", datum: zig(2) + str("7"), want: "ok 7", drift: "type x string>long @0"},
		{name: "union, a branch that does not fit", fields: []string{fieldOf("x", `["null","boolean","long"]`)}, columns: "x long", datum: zig(1) + "\x01", want: "type x"},
		{name: "union of what never fits", fields: []string{fieldOf("x", `["null","boolean","double"]`)}, columns: "x string", datum: zig(1) + "\x01", want: "schema_mismatch x", drift: "mismatch x union>string @0"},
		{name: "union of what never fits, null", fields: []string{fieldOf("x", `["null","boolean","double"]`)}, columns: "x string", datum: zig(0), want: "ok null", drift: "mismatch x union>string @0"},

		// The logical type changes.
		{name: "ms to µs", fields: []string{fieldOf("x", `{"type":"long","logicalType":"timestamp-millis"}`)}, columns: "x timestamp", datum: zig(-1), want: "ok -1000"},
		{name: "µs", fields: []string{fieldOf("x", `{"type":"long","logicalType":"local-timestamp-micros"}`)}, columns: "x timestamp", datum: zig(-1), want: "ok -1"},
		{name: "ns to µs", fields: []string{fieldOf("x", `{"type":"long","logicalType":"timestamp-nanos"}`)}, columns: "x timestamp", datum: zig(-1000), want: "ok -1", drift: "narrow x timestamp-nanos>timestamp @0"},
		{name: "date to timestamp", fields: []string{fieldOf("x", `{"type":"int","logicalType":"date"}`)}, columns: "x timestamp", datum: zig(1), want: "ok 86400000000", drift: "widen x date>timestamp @0"},
		{name: "timestamp to date", fields: []string{fieldOf("x", `{"type":"long","logicalType":"timestamp-millis"}`)}, columns: "x date", datum: zig(86_400_000), want: "ok 1", drift: "narrow x timestamp-millis>date @0"},
		{name: "timestamp to date, within the day", fields: []string{fieldOf("x", `{"type":"long","logicalType":"timestamp-millis"}`)}, columns: "x date", datum: zig(1), want: "scale x", drift: "narrow x timestamp-millis>date @0"},
		{name: "long without a meaning to timestamp", fields: []string{fieldOf("x", `"long"`)}, columns: "x timestamp", datum: zig(1), want: "schema_mismatch x", drift: "mismatch x long>timestamp @0"},
		{name: "long of the column's unit to timestamp", fields: []string{fieldOf("x", `"long"`)}, columns: "x timestamp unit=ms", datum: zig(1795342530123), want: "ok 1795342530123000"},
		{name: "text to timestamp", fields: []string{fieldOf("x", `"string"`)}, columns: "x timestamp", datum: str("2026-11-22T10:15:30Z"), want: "ok 1795342530000000", drift: "type x string>timestamp @0"},
		{name: "text to decimal", fields: []string{fieldOf("x", `"string"`)}, columns: "x decimal(9,2)", datum: str("12.50"), want: "ok 1250", drift: "type x string>decimal(9,2) @0"},
		{name: "time of day to text", fields: []string{fieldOf("x", `{"type":"long","logicalType":"time-micros"}`)}, columns: "x string", datum: zig(1), want: "ok 00:00:00.000001", drift: "type x time-micros>string @0"},
		{name: "decimal to bytes without a meaning", fields: []string{fieldOf("x", `"bytes"`)}, columns: "x decimal(9,2)", datum: str("\x01"), want: "schema_mismatch x", drift: "mismatch x bytes>decimal(9,2) @0"},

		// A type of another kind.
		{name: "double for money", fields: []string{fieldOf("x", `["null","double"]`)}, columns: "x decimal(9,2)", datum: zig(1) + bits64(1), want: "schema_mismatch x", drift: "mismatch x double>decimal(9,2) @0"},
		{name: "boolean to long", fields: []string{fieldOf("x", `"boolean"`)}, columns: "x long", datum: "\x01", want: "schema_mismatch x", drift: "mismatch x boolean>long @0"},
		{name: "long to string", fields: []string{fieldOf("x", `"long"`)}, columns: "x string", datum: zig(7), want: "schema_mismatch x", drift: "mismatch x long>string @0"},
		{name: "record to string, halted", fields: []string{fieldOf("x", `{"type":"record","name":"q","fields":[]}`)}, columns: "x string", policy: schema.Evolution{Narrow: schema.Halt}, want: "schema_mismatch x", drift: "mismatch x record>string @0", halt: "narrow: halt"},

		// A record nests deeper.
		{name: "from within", fields: []string{fieldOf("a", `{"type":"record","name":"q","fields":[{"name":"n","type":"string"},{"name":"b","type":["null",{"type":"record","name":"w","fields":[{"name":"c","type":"long"}]}]}]}`)}, columns: "x long from=a.b.c", datum: str("n") + zig(1) + zig(7), want: "ok 7"},
		{name: "from within null", fields: []string{fieldOf("a", `{"type":"record","name":"q","fields":[{"name":"b","type":["null",{"type":"record","name":"w","fields":[{"name":"c","type":"long"}]}]}]}`)}, columns: "x long from=a.b.c", datum: zig(0), want: "ok null"},
		{name: "one level deeper", fields: []string{fieldOf("a", `{"type":"record","name":"q","fields":[{"name":"more","type":{"type":"record","name":"w","fields":[{"name":"c","type":"long"}]}}]}`)}, columns: "x long from=a.c", datum: zig(7), want: "ok ~0", drift: "missing x >long @0"},
		{name: "an element", fields: []string{fieldOf("a", `{"type":"array","items":{"type":"map","values":"long"}}`)}, columns: "x long from=a[1].k", datum: zig(2) + zig(0) + zig(2) + str("j") + zig(5) + str("k") + zig(7) + zig(0) + zig(0), want: "ok 7"},
		{name: "an element that is not there", fields: []string{fieldOf("a", `{"type":"array","items":"long"}`)}, columns: "x long from=a[1]", datum: zig(1) + zig(7) + zig(0), want: "ok ~0", drift: "missing x >long @0"},
		{name: "within a number", fields: []string{fieldOf("a", `"long"`)}, columns: "x long from=a.b", datum: zig(7), want: "type x"},
		{name: "a key twice", fields: []string{fieldOf("a", `{"type":"map","values":"long"}`)}, columns: "x long from=a.k", datum: zig(2) + str("k") + zig(7) + str("k") + zig(8) + zig(0), want: "duplicate_key"},
	} {
		table := tableOf(t, strings.Split(c.columns, ", ")...)
		if table.Evolution = c.policy; c.policy.Narrow == schema.Accept {
			table.Evolution.Narrow = schema.Quarantine
		}
		b, report := decodeAvro(t, table, mustSchema(t, c.fields...), c.datum, c.datum)
		for row := range 2 {
			if got := outcomeOf(b, row); got != c.want {
				t.Errorf("%s: row %d: got %s, want %s", c.name, row, got, c.want)
			}
		}
		if got := driftOf(b); got != c.drift {
			t.Errorf("%s: got drift %q, want %q", c.name, got, c.drift)
		}
		if !strings.Contains(report.Halt, c.halt) || (report.Halt == "") != (c.halt == "") {
			t.Errorf("%s: got halt %q, want %q", c.name, report.Halt, c.halt)
		}
	}
}

// TestAvroManyVersions alternates versions from record to record: rows are those of one
// version, differences are told once, and memory is bounded.
func TestAvroManyVersions(t *testing.T) {
	for _, c := range []struct{ versions, rows int }{{3, 3000}, {500, 5000}, {10_000, 30_000}} {
		table := cardTable()
		table.Format = schema.AvroRegistryFormat
		one := cardVersions(1, `"string"`)
		raw := cardDatums(t, one, c.rows)
		var schemas byID
		for i := range c.versions {
			text := strings.Replace(one[0], `"name":"card"`, `"name":"card`+strings.Repeat("x", i%7)+`"`, 1)
			schemas = append(schemas, newByID(t, []string{text})...)
		}
		d := newDecoder(t, table)
		d.Schemas = schemas
		var want, got batch.Batch
		want.Reset(table, raw, 0, c.rows)
		d.Decode(&want)
		for row := range c.rows { // the id of the version
			v := raw.Value(row)
			v[3], v[4] = byte(row%c.versions>>8), byte(row%c.versions)
		}
		got.Reset(table, raw, 0, c.rows)
		if r := d.Decode(&got); r.Waits > 0 || !slices.Equal(decoded(&got), decoded(&want)) {
			t.Errorf("%d versions: %d records wait, rows differ: %v", c.versions, r.Waits, driftOf(&got))
		}
		if held := d.Bytes(); held > 1<<19 {
			t.Errorf("%d versions: the decoder holds %d bytes", c.versions, held)
		}
	}
}

// TestAvroDriftOfManyVersions tells no more differences than a batch may have.
func TestAvroDriftOfManyVersions(t *testing.T) {
	table := tableOf(t, "x long")
	table.Format = schema.AvroRegistryFormat
	var schemas byID
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	for i := range 2000 {
		schemas = append(schemas, mustSchema(t, fieldOf("x", `"int"`), fieldOf(strings.Repeat("y", i%300)+"_"+string(rune('a'+i%26))+string(rune('a'+i/26%26)), `"null"`)))
		raw.Append(source, &batch.Record{Offset: int64(i), Value: []byte("\x00\x00\x00" + string([]byte{byte(i >> 8), byte(i)}) + zig(int64(i)))})
	}
	d := newDecoder(t, table)
	d.Schemas = schemas
	var b batch.Batch
	for range 2 {
		b.Reset(table, raw, 0, 2000)
		d.Decode(&b)
		if n := len(b.Drift); n > 300 || n < 200 || b.Drift[0].Change != "widen" {
			t.Errorf("%d differences are told, the first %v", n, b.Drift[0])
		}
	}
}

// TestAvroSteady has a decoder that has seen its schemas allocate nothing.
func TestAvroSteady(t *testing.T) {
	texts := cardVersions(3, `["null","string"]`)
	raw, table := cardDatums(t, texts, 2000), cardTable()
	table.Format = schema.AvroRegistryFormat
	d := newDecoder(t, table)
	d.Schemas = newByID(t, texts)
	var b batch.Batch
	if n := testing.AllocsPerRun(20, func() {
		b.Reset(table, raw, 0, 2000)
		d.Decode(&b)
	}); n > 0 {
		t.Errorf("a batch allocates %v times, want never", n)
	}
	if len(b.Rejects) > 0 {
		t.Error(b.Detail(b.Rejects[:1]))
	}
}

// TestAvroPlansAreForgotten meets more schemas than a table remembers.
func TestAvroPlansAreForgotten(t *testing.T) {
	table := tableOf(t, "x long")
	table.Format = schema.AvroRegistryFormat
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for i := range 9000 {
		fields = append(fields, fieldOf("f"+strconv.Itoa(i), `"long"`))
	}
	datum := "\x00\x00\x00\x00%c" + strings.Repeat("\x00", 9000) + zig(7)
	var schemas byID
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	for i := range 40 {
		schemas = append(schemas, mustSchema(t, append(fields, fieldOf("x", `"long"`))...))
		raw.Append(source, &batch.Record{Offset: int64(i), Value: []byte(strings.Replace(datum, "%c", string(rune(i)), 1))})
	}
	d := plan.Decoder()
	d.Schemas = schemas
	var b batch.Batch
	for range 2 {
		b.Reset(table, raw, 0, raw.Rows())
		d.Decode(&b)
		for row := range b.Rows {
			if got := outcomeOf(&b, row); got != "ok 7" {
				t.Fatalf("row %d: got %s, want 7", row, got)
			}
		}
		if held := plan.Held(); held < 20<<20 || held > 28<<20 {
			t.Errorf("plans are said to take %d bytes, want what two generations hold", held)
		}
		if n, held := plan.AvroHeld(); n < 2 || n >= 40 || held > 28<<20 {
			t.Errorf("%d plans of %d bytes are remembered, want fewer than 40 and 28 MiB", n, held)
		}
	}
}

// TestAvroPlanIsShared has several goroutines decode with one plan.
func TestAvroPlanIsShared(t *testing.T) {
	texts := cardVersions(3, `["null","string"]`)
	raw, table := cardDatums(t, texts, 600), cardTable()
	table.Format = schema.AvroRegistryFormat
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	schemas := newByID(t, texts)
	var rows [4][]string
	var wait sync.WaitGroup
	for i := range rows {
		wait.Go(func() {
			d := plan.Decoder()
			d.Schemas = schemas
			var b batch.Batch
			for range 5 {
				b.Reset(table, raw, 0, 600)
				d.Decode(&b)
			}
			rows[i] = decoded(&b)
		})
	}
	wait.Wait()
	for i := range rows {
		if !slices.Equal(rows[i], rows[0]) {
			t.Errorf("decoder %d has other rows than the first one", i)
		}
	}
}
