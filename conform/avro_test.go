package conform_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// zig is a number as Avro writes it, str a text or bytes.
func zig(x int64) string { return string(binary.AppendVarint(nil, x)) }

func str(s string) string { return zig(int64(len(s))) + s }

func bits64(x float64) string {
	return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
}

// mustSchema is the schema of a record with fields.
func mustSchema(tb testing.TB, fields ...string) *avroschema.Schema {
	tb.Helper()
	s, err := avroschema.Parse([]byte(`{"type":"record","name":"r","fields":[` + strings.Join(fields, ",") + `]}`))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func fieldOf(name, typ string) string { return `{"name":"` + name + `","type":` + typ + `}` }

// tableOf has columns: a name, a type, and words: required, also=ALIAS, unit=UNIT, none (null
// where it is missing).
func tableOf(tb testing.TB, columns ...string) *schema.Table {
	tb.Helper()
	t := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution()}
	for _, text := range columns {
		words := strings.Fields(text)
		typ, err := schema.ParseType(words[1])
		if err != nil {
			tb.Fatal(err)
		}
		c := schema.Column{Name: words[0], Type: typ, Default: schema.DefaultFor(typ)}
		for _, word := range words[2:] {
			name, value, _ := strings.Cut(word, "=")
			switch name {
			case "required":
				c.Required = true
			case "also":
				c.Aliases = append(c.Aliases, value)
			case "unit":
				c.Time.Unit = value
			case "from":
				c.From, err = schema.ParseFrom(value)
			}
		}
		if err != nil {
			tb.Fatal(err)
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// decodeAvro decodes datums of a file.
func decodeAvro(tb testing.TB, table *schema.Table, s *avroschema.Schema, datums ...string) (*batch.Batch, conform.Report) {
	tb.Helper()
	var values [][]byte
	for _, d := range datums {
		values = append(values, []byte(d))
	}
	raw := avroRaw(s, values)
	var b batch.Batch
	b.Reset(table, raw, 0, raw.Rows())
	report := newDecoder(tb, table).Decode(&b)
	return &b, report
}

func driftOf(b *batch.Batch) string {
	var out []string
	for _, d := range b.Drift {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s>%s @%d", d.Change, d.Column, d.From, d.To, d.Row)))
	}
	return strings.Join(out, ", ")
}

// TestAvroBadDatums has what a datum may claim that it does not have. Each stands between
// good ones, which must come out as they do alone.
func TestAvroBadDatums(t *testing.T) {
	many := `{"type":"array","items":"long"}`
	for _, c := range []struct{ name, typ, column, datum, want string }{
		{"text cut", `"string"`, "string", zig(5) + "abc", "syntax"},
		{"text of 2^62 bytes", `"string"`, "string", zig(1 << 62), "syntax"},
		{"text of -5 bytes", `"string"`, "string", zig(-5), "syntax"},
		{"text, 16 bytes claimed, 15 there", `"string"`, "string", zig(16) + strings.Repeat("x", 15), "syntax"},
		{"length without end", `"string"`, "string", strings.Repeat("\xff", 11), "syntax"},
		{"no UTF-8", `"string"`, "string", str("a\xff"), "encoding x"},
		{"no UTF-8, long", `"string"`, "string", str("a long text that is not \xff"), "encoding x"},
		{"1 MB of text", `"string"`, "string", str(strings.Repeat("x", 1_000_000)), "limit x"},
		{"bytes that are no text", `"bytes"`, "string", str("a\xff"), "encoding x"},
		{"union 99", `["null","long"]`, "long", zig(99), "syntax"},
		{"union -1", `["null","long"]`, "long", zig(-1), "syntax"},
		{"union of several 3", `["null","long","string"]`, "long", zig(3), "syntax"},
		{"union in long form", `["null","long"]`, "long", "\x82\x00" + zig(7), "ok 7"},
		{"null in long form", `["null","long"]`, "long", "\x80\x00", "ok null"},
		{"enum -1", `{"type":"enum","name":"e","symbols":["A","B"]}`, "string", zig(-1), "syntax"},
		{"enum 2", `{"type":"enum","name":"e","symbols":["A","B"]}`, "string", zig(2), "syntax"},
		{"enum 2, dropped", `{"type":"enum","name":"e","symbols":["A","B"]}`, "", zig(2), "syntax"},
		{"boolean 2", `"boolean"`, "boolean", "\x02", "syntax"},
		{"boolean 2, dropped", `"boolean"`, "", "\x02", "syntax"},
		{"int of 33 bits", `"int"`, "int", zig(1 << 31), "syntax"},
		{"int of 33 bits for a long", `"int"`, "long", zig(1 << 31), "syntax"},
		{"int of 33 bits for a double", `"int"`, "double", zig(1 << 31), "syntax"},
		{"int of 33 bits, dropped", `"int"`, "", zig(1 << 31), "syntax"},
		{"long of ten bytes", `"long"`, "long", zig(math.MinInt64), "ok -9223372036854775808"},
		{"long of ten bytes and more bits", `"long"`, "long", strings.Repeat("\xff", 9) + "\x02", "syntax"},
		{"long of eleven bytes", `"long"`, "long", strings.Repeat("\x80", 10) + "\x00", "syntax"},
		{"long cut", `"long"`, "long", "\x80", "syntax"},
		{"double cut", `"double"`, "double", "1234567", "syntax"},
		{"NaN", `"double"`, "double", bits64(math.NaN()), "syntax x"},
		{"infinite", `"float"`, "double", "\x00\x00\x80\x7f", "syntax x"},
		{"NaN for a whole number", `"double"`, "long", bits64(math.NaN()), "syntax x"},
		{"more than the datum", `"long"`, "long", zig(7) + "x", "trailing"},
		{"2^30 items", many, "", zig(1<<30) + "\x02", "limit"},
		{"2^30 items for a column", many, "string", zig(1<<30) + "\x02", "limit"},
		{"-2^63 items", many, "", zig(math.MinInt64) + zig(2) + "\x02", "limit"},
		{"2^30 nulls", `{"type":"array","items":"null"}`, "", zig(1<<30) + zig(0), "limit"},
		{"one item, and nothing behind it", many, "", zig(1), "syntax"},
		{"as many items as there are bytes", many, "", zig(1) + zig(7) + zig(2) + zig(7), "syntax"},
		{"more items than the record has bytes", many, "", zig(300) + zig(7), "limit"},
		{"a block that says less", many, "", zig(-2) + zig(1) + zig(1) + zig(2) + zig(0), "limit"},
		{"a block that says more", many, "", zig(-1) + zig(1<<30) + zig(1) + zig(0), "limit"},
		{"four million empty records in six thousand bytes", `{"type":"array","items":{"type":"array","items":{"type":"record","name":"q","fields":[]}}}`, "",
			zig(2000) + strings.Repeat(zig(2000)+zig(0), 2000) + zig(0), "limit"},
		{"the same as JSON", `{"type":"array","items":{"type":"array","items":{"type":"record","name":"q","fields":[]}}}`, "json",
			zig(2000) + strings.Repeat(zig(2000)+zig(0), 2000) + zig(0), "limit"},
		{"two million letters of JSON in two thousand bytes", `{"type":"array","items":{"type":"enum","name":"e","symbols":["` + strings.Repeat("A", 1000) + `"]}}`, "json",
			zig(2000) + strings.Repeat(zig(0), 2000) + zig(0), "limit x"},
		{"JSON", `{"type":"array","items":["null","double",{"type":"map","values":"bytes"}]}`, "json",
			zig(3) + zig(0) + zig(1) + bits64(0.5) + zig(2) + zig(1) + str("k\"") + str("\x00\x01") + zig(0) + zig(0), `ok [null,0.5,{"k\"":"AAE="}]`},
		{"JSON that is null", `["null","string"]`, "json", zig(0), "ok null"},
		{"JSON with a number that is none", `{"type":"array","items":"double"}`, "json", zig(1) + bits64(math.Inf(1)) + zig(0), "syntax x"},
		{"JSON with text that is none", `{"type":"map","values":"long"}`, "json", zig(1) + str("\xff") + zig(1) + zig(0), "encoding x"},
		{"items cut", many, "", zig(1) + zig(1), "syntax"},
		{"map cut in its key", `{"type":"map","values":"long"}`, "", zig(1) + zig(9) + "abc", "syntax"},
		{"decimal of no bytes", `{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, "decimal(9,2)", str(""), "syntax x"},
		{"decimal of more digits", `{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, "decimal(9,2)", str("\x00\x00\x30\x39"), "overflow x"},
		{"decimal of 300 bytes", `{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, "decimal(9,2)", str("\x01" + strings.Repeat("\x00", 299)), "overflow x"},
		{"decimal with zeros in front", `{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, "decimal(9,2)", str(strings.Repeat("\x00", 20) + "\x30\x39"), "ok 12345"},
		{"fixed cut", `{"type":"fixed","name":"f","size":4}`, "binary", "abc", "syntax"},
		{"time of day beyond the day", `{"type":"int","logicalType":"time-millis"}`, "string", zig(86_400_000), "time x"},
		{"day of no year", `{"type":"int","logicalType":"date"}`, "date", zig(-719163), "time x"},
		{"year 292278994", `{"type":"long","logicalType":"timestamp-millis"}`, "timestamp", zig(math.MaxInt64), "time x"},
		{"nanoseconds", `{"type":"long","logicalType":"timestamp-nanos"}`, "timestamp", zig(1), "scale x"},
	} {
		columns := []string{"id long required"}
		if c.column != "" {
			columns = append(columns, "x "+c.column)
		}
		goodOne := c.typ
		s := mustSchema(t, fieldOf("id", `"long"`), fieldOf("x", goodOne))
		b, _ := decodeAvro(t, tableOf(t, columns...), s, zig(1)+c.datum)
		got := outcomeOf(b, 0)
		if c.column == "" {
			got = strings.TrimSuffix(got, " x")
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// outcomeOf is the value of x, or why the record was rejected.
func outcomeOf(b *batch.Batch, row int) string {
	for _, r := range b.Rejects {
		switch {
		case int(r.Row) != row:
		case r.Column < 0:
			return r.Reason
		default:
			return r.Reason + " " + b.Table.Columns[r.Column].Name
		}
	}
	return "ok " + describe(b, len(b.Columns)-1, row)
}

// TestAvroCutAnywhere cuts a datum at each byte.
func TestAvroCutAnywhere(t *testing.T) {
	texts := cardVersions(2, `["null","string"]`)
	raw, table := cardDatums(t, texts, 2), cardTable()
	s := newByID(t, texts)
	for row := range 2 {
		whole := string(raw.Value(row)[5:])
		for n := range len(whole) {
			b, _ := decodeAvro(t, table, s[row], whole, whole[:n], whole)
			want := conform.ReasonSyntax
			if n == 0 {
				want = conform.ReasonEmpty
			}
			if len(b.Rejects) != 1 || b.Rejects[0].Reason != want || b.Rejects[0].Row != 1 {
				t.Errorf("cut at byte %d of %d: got %+v, want %s", n, len(whole), b.Rejects, want)
			}
			if x, y := avroOutcome(b, 0), avroOutcome(b, 2); x != y || b.Fates[0] != batch.Written {
				t.Errorf("cut at byte %d: those beside it are %s and %s", n, x, y)
			}
		}
	}
}

// TestAvroFrames has what stands in front of a datum.
func TestAvroFrames(t *testing.T) {
	one, two := mustSchema(t, fieldOf("x", `"long"`)), mustSchema(t, fieldOf("x", `"string"`))
	object := func(s *avroschema.Schema, datum string) string {
		return "\xc3\x01" + string(binary.LittleEndian.AppendUint64(nil, s.Fingerprint)) + datum
	}
	bare := conform.NewSingleObjects(one, two)
	none := &conform.SingleObjects{Known: bare.Known}
	for _, c := range []struct {
		name, value string
		of          conform.Schemas
		want        string
	}{
		{"single object", object(one, zig(7)), bare, "ok 7"},
		{"single object, no bare ones", object(one, zig(7)), none, "ok 7"},
		{"of the other schema", object(two, str("12")), bare, "ok 12"},
		{"bare", zig(7), bare, "ok 7"},
		{"bare, where none may be", zig(7), none, "wire"},
		{"mark alone", "\xc3\x01", bare, "wire"},
		{"fingerprint cut", "\xc3\x01\x01\x02", bare, "wire"},
		{"fingerprint unknown", "\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08" + zig(7), bare, "schema_unknown"},
		{"nobody knows a schema", zig(7), nil, "schema_unknown"},
		{"nothing", "", bare, "empty"},
		{"single object without a datum", object(one, ""), bare, "syntax"},
	} {
		table := tableOf(t, "x long")
		table.Format = schema.AvroFormat
		d := newDecoder(t, table)
		d.Schemas = c.of
		// What is known of one must not be taken for another.
		values := [][]byte{[]byte(object(one, zig(5))), []byte(c.value), []byte(zig(6)), []byte(object(two, str("3"))), []byte(c.value)}
		raw := rawOf(values...)
		var b batch.Batch
		for range 2 {
			b.Reset(table, raw, 0, raw.Rows())
			if r := d.Decode(&b); r.Waits != 0 {
				t.Errorf("%s: %d records wait", c.name, r.Waits)
			}
			for _, row := range []int{1, 4} {
				if got := outcomeOf(&b, row); got != c.want {
					t.Errorf("%s: got %s, want %s", c.name, got, c.want)
				}
			}
			if got := outcomeOf(&b, 3); c.of != nil && got != "ok 3" {
				t.Errorf("%s: the one beside it is %s", c.name, got)
			}
		}
	}
}

// TestAvroWaits decodes records whose schema comes only later.
func TestAvroWaits(t *testing.T) {
	texts := cardVersions(2, `"string"`)
	raw, table := cardDatums(t, texts, 6), cardTable()
	table.Format = schema.AvroRegistryFormat
	known := newByID(t, texts)
	d := newDecoder(t, table)
	d.Schemas = known[:1]
	var b batch.Batch
	b.Reset(table, raw, 0, 6)
	if r := d.Decode(&b); r.Waits != 3 || len(b.Rejects) != 3 || b.Rejects[0].Row != 1 || b.Rejects[0].Reason != conform.ReasonSchemaUnknown {
		t.Errorf("%d records wait, rejects %+v, want 3 that wait", r.Waits, b.Rejects)
	}
	d.Schemas = known
	b.Reset(table, raw, 0, 6)
	if r := d.Decode(&b); r.Waits != 0 || len(b.Rejects) != 0 {
		t.Errorf("%d records wait, rejects %+v, want none", r.Waits, b.Rejects)
	}
}

// headed has the schema of a record by its header alone.
type headed map[string]*avroschema.Schema

// Schema implements conform.Schemas.
func (h headed) Schema(_, headers []byte) conform.Written {
	if list := batch.DecodeHeaders(headers); len(list) > 0 {
		return conform.Written{Schema: h[string(list[0].Value)], Lasting: true}
	}
	return conform.Written{Schema: h[""], Lasting: true}
}

// TestAvroByHeader has records that say in a header what they are written with.
func TestAvroByHeader(t *testing.T) {
	table := tableOf(t, "x long")
	table.Format = schema.AvroRegistryFormat
	d := newDecoder(t, table)
	d.Schemas = headed{"": mustSchema(t, fieldOf("x", `"long"`)), "1": mustSchema(t, fieldOf("x", `"string"`))}
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	for i := range 6 {
		rec := batch.Record{Offset: int64(i), Value: []byte(zig(12))}
		if i%2 == 1 {
			rec.Value, rec.Headers = []byte(str("12")), []batch.Header{{Key: "id", Value: []byte("1")}}
		}
		raw.Append(source, &rec)
	}
	var b batch.Batch
	b.Reset(table, raw, 0, 6)
	d.Decode(&b)
	for row := range 6 {
		if got := outcomeOf(&b, row); got != "ok 12" {
			t.Errorf("row %d: got %s, want 12", row, got)
		}
	}
}

// TestAvroZeroInFront has a schema whose id is all zeros, behind one whose is not.
func TestAvroZeroInFront(t *testing.T) {
	table := tableOf(t, "x long")
	table.Format = schema.AvroRegistryFormat
	d := newDecoder(t, table)
	d.Schemas = byID{mustSchema(t, fieldOf("x", `"long"`)), mustSchema(t, fieldOf("x", `"string"`))}
	raw := rawOf([]byte("\x00\x00\x00\x00\x01"+str("12")), []byte("\x00\x00\x00\x00\x00"+zig(12)), []byte("\x00\x00\x00\x00\x00"+zig(12)))
	var b batch.Batch
	b.Reset(table, raw, 0, 3)
	d.Decode(&b)
	for row := range 3 {
		if got := outcomeOf(&b, row); got != "ok 12" {
			t.Errorf("row %d: got %s, want 12", row, got)
		}
	}
}

// TestAvroDifferences has what is known of a schema before a record comes.
func TestAvroDifferences(t *testing.T) {
	plan, err := conform.Compile(tableOf(t, "id long", "amount decimal(9,2)", "status string also=state", "at timestamp required", "city string from=in.city"))
	if err != nil {
		t.Fatal(err)
	}
	s := mustSchema(t, fieldOf("id", `"int"`), fieldOf("amount", `"double"`), fieldOf("state", `"string"`), fieldOf("more", `"bytes"`), fieldOf("in", `{"type":"map","values":"string"}`))
	b := batch.Batch{Drift: plan.Differences(s)}
	want := "widen id int>long @0, mismatch amount double>decimal(9,2) @0, alias status state>status @0, extra more bytes> @0, missing at >timestamp @0"
	if got := driftOf(&b); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// asked counts how often it is asked for schemas.
type asked struct {
	byID
	times int
}

// Schema implements conform.Schemas.
func (a *asked) Schema(value, headers []byte) conform.Written {
	a.times++
	return a.byID.Schema(value, headers)
}

// TestAvroRemembers has ids that follow each other found again without being asked for.
func TestAvroRemembers(t *testing.T) {
	table := tableOf(t, "x long")
	table.Format = schema.AvroRegistryFormat
	d := newDecoder(t, table)
	a := &asked{}
	for range 16 {
		a.byID = append(a.byID, mustSchema(t, fieldOf("x", `"long"`)))
	}
	d.Schemas = a
	var values [][]byte
	for i := range 1600 {
		values = append(values, []byte("\x00\x00\x00\x00"+string(rune(i%16))+zig(int64(i))))
	}
	raw := rawOf(values...)
	var b batch.Batch
	b.Reset(table, raw, 0, raw.Rows())
	d.Decode(&b)
	if len(b.Rejects) > 0 || a.times > 400 {
		t.Errorf("%d rejects, and it was asked %d times for 16 schemas of 1600 records, want 400 at most", len(b.Rejects), a.times)
	}
}
