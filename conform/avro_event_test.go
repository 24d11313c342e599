package conform_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// envelopeOf is the schema of change events around rows of a schema, as Debezium registers it.
func envelopeOf(row string) string {
	return `{"type":"record","name":"Envelope","namespace":"core.public.t","fields":[{"name":"before","type":["null",` + row + `],"default":null},{"name":"after","type":["null","r"],"default":null},` +
		`{"name":"source","type":{"type":"record","name":"Source","namespace":"io.debezium.connector.postgresql","fields":[{"name":"version","type":"string"},{"name":"ts_ms","type":"long"},{"name":"snapshot","type":[{"type":"string","connect.default":"false"},"null"],"default":"false"},{"name":"db","type":"string"},{"name":"sequence","type":["null","string"],"default":null},{"name":"lsn","type":["null","long"],"default":null}]}},` +
		`{"name":"transaction","type":["null",{"type":"record","name":"block","namespace":"event","fields":[{"name":"id","type":"string"},{"name":"total_order","type":"long"}]}],"default":null},{"name":"op","type":"string"},{"name":"ts_ms","type":["null","long"],"default":null}]}`
}

// change is a change event, as JSON and as Avro has it.
type change struct {
	before, after []byte // datums, nil: null
	op            string
	lsn           int64 // 0: null
	n             int64
}

func (c *change) json(before, after []byte) []byte {
	image := func(b []byte) string {
		if b == nil {
			return "null"
		}
		return string(b)
	}
	lsn := "null"
	if c.lsn > 0 {
		lsn = fmt.Sprint(c.lsn)
	}
	return fmt.Appendf(nil, `{"before":%s,"after":%s,"source":{"version":"2.7","ts_ms":%d,"snapshot":"false","db":"bank","sequence":null,"lsn":%s},"transaction":null,"op":%q,"ts_ms":%d}`, image(before), image(after), c.n, lsn, c.op, c.n)
}

func (c *change) avro() []byte {
	image := func(b []byte) string {
		if b == nil {
			return zig(0)
		}
		return zig(1) + string(b)
	}
	lsn := zig(0)
	if c.lsn > 0 {
		lsn = zig(1) + zig(c.lsn)
	}
	return []byte(image(c.before) + image(c.after) + str("2.7") + zig(c.n) + zig(0) + str("false") + str("bank") + zig(0) + lsn + zig(0) + str(c.op) + zig(1) + zig(c.n))
}

// bareOf are records of a topic whose datums are of one schema.
func decodeChanges(t *testing.T, table *schema.Table, s *avroschema.Schema, values ...[]byte) *batch.Batch {
	t.Helper()
	table.Format = schema.AvroFormat
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	d := plan.Decoder()
	d.Schemas = conform.NewSingleObjects(s)
	raw := dirty([]byte(strings.Repeat("\x01\xff", 40)), values)
	b := &batch.Batch{}
	for range 2 {
		b.Reset(table, raw, 0, raw.Rows())
		d.Decode(b)
	}
	return b
}

// TestChangeEventsOfAvroMeanWhatTheirJSONDoes decodes change events around random records of
// random schemas, which another library wrote, as Avro and as JSON: the same rows, and the same
// rejects.
func TestChangeEventsOfAvroMeanWhatTheirJSONDoes(t *testing.T) {
	schemas, rows := 60, 60
	if *long {
		schemas, rows = 200, 500
	}
	written, filtered, rejected := 0, 0, map[string]int{}
	for seed := range uint64(schemas) {
		w := newAvroWriter(1000 + seed)
		for _, line := range []string{"lsn long null from=$envelope.source.lsn", "db string from=$envelope.source.db", "sent timestamp null unit=ms from=$envelope.source.ts_ms", "was json null from=$envelope.before", "none long from=$envelope.nowhere.x"} {
			w.table.Columns = append(w.table.Columns, parseColumn(t, line))
		}
		w.table.AddChange()
		s, err := avroschema.Parse([]byte(envelopeOf(w.text)))
		if err != nil {
			t.Fatal(err)
		}
		var datums [][]byte
		for range 2 * rows {
			datums = append(datums, w.datum(t))
		}
		texts := jsonRaw(t, w.text, datums)
		flawed := map[int]bool{}
		for _, one := range texts.Defects {
			flawed[int(one.Row)] = true
		}
		var avro, json [][]byte
		for i := range rows {
			if flawed[2*i] || flawed[2*i+1] {
				continue
			}
			c := change{before: datums[2*i], after: datums[2*i+1], n: int64(i), op: pickOf(w.rng, "c", "u", "r", "d", "d", "t", "m", "x", "", "cc"), lsn: int64(w.rng.IntN(3))}
			before, after := texts.Value(2*i), texts.Value(2*i+1)
			if none := w.rng.IntN(4); none == 0 {
				c.before, before = nil, nil
			} else if none == 1 {
				c.after, after = nil, nil
			}
			avro, json = append(avro, c.avro()), append(json, c.json(before, after))
		}
		got := decodeChanges(t, w.table, s, avro...)
		w.table.Format = schema.JSONFormat
		want := decodeAs(t, w.table, nil, rawOf(json...))
		for row := range json {
			g, x := avroOutcome(got, row), avroOutcome(want, row)
			if g != x {
				t.Fatalf("seed %d, row %d: %s\nschema %s\ncolumns %v\nAvro %s\nJSON %s\n%s", seed, row, json[row], w.text, w.table.Columns, g, x, got.Detail(got.Rejects))
			}
			switch got.Fates[row] {
			case batch.Written:
				written++
			case batch.Filtered:
				filtered++
			default:
				rejected[rejectOf(got, row)]++
			}
		}
	}
	if written < schemas*rows/8 || filtered < schemas*rows/20 || rejected[conform.ReasonEnvelope] < schemas*rows/8 {
		t.Errorf("%d are written, %d filtered, rejected for %v", written, filtered, rejected)
	}
}

const plainRow = `{"type":"record","name":"r","fields":[{"name":"id","type":"long"},{"name":"kind","type":{"type":"enum","name":"k","symbols":["A","B"]}},{"name":"note","type":["null","string"]}]}`

// TestChangeEventsOfAvro has what events may lack or claim, each between good ones.
func TestChangeEventsOfAvro(t *testing.T) {
	table := tableOf(t, "id long required", "kind string", "note string", "lsn long from=$envelope.source.lsn")
	table.AddChange()
	s, err := avroschema.Parse([]byte(envelopeOf(plainRow)))
	if err != nil {
		t.Fatal(err)
	}
	row := func(id int64) []byte { return []byte(zig(id) + zig(1) + zig(1) + str("n")) }
	one := change{after: row(7), op: "c", lsn: 9, n: 5}
	whole := string(one.avro())
	const fine = "ok id=7 kind=B note=n lsn=9 _op=c _ts_ms=5"
	gone := change{before: row(3), op: "d", n: 5}
	both := change{before: row(3), after: row(4), op: "d", lsn: 1, n: 5}
	for name, c := range map[string]struct{ value, want string }{
		"a delete":                 {string(gone.avro()), "ok id=3 kind=B note=n lsn=null _op=d _ts_ms=5"},
		"a delete with an after":   {string(both.avro()), "ok id=3 kind=B note=n lsn=1 _op=d _ts_ms=5"},
		"nothing behind":           {whole + "x", fmt.Sprintf("quarantined trailing byte %d+1 (nothing after the datum)", len(whole))},
		"after null":               {string((&change{op: "c"}).avro()), "quarantined envelope byte 1+0 (an object in after, the row that the event leaves)"},
		"before null":              {string((&change{op: "d", after: row(1)}).avro()), "quarantined envelope byte 0+0 (an object in before"},
		"no op":                    {string((&change{op: "", after: row(1)}).avro()), "quarantined envelope byte"},
		"an op of another kind":    {string((&change{op: "z", after: row(1)}).avro()), "quarantined envelope byte"},
		"emptied":                  {string((&change{op: "t"}).avro()), "filtered"},
		"branch 2":                 {zig(2) + whole[1:], "quarantined syntax"},
		"branch -1 of after":       {zig(0) + zig(-1) + whole[2:], "quarantined syntax"},
		"a symbol that is none":    {zig(0) + zig(1) + zig(7) + zig(2) + whole[4:], "quarantined syntax"},
		"a length beyond":          {zig(0) + zig(1) + zig(7) + zig(1) + zig(1) + zig(1<<40), "quarantined syntax"},
		"a branch in two bytes":    {"\x80\x00" + whole[1:], fine},
		"a row's branch in two":    {zig(0) + "\x82\x00" + whole[2:], fine},
		"text that is none, after": {zig(0) + zig(1) + zig(7) + zig(1) + zig(1) + str("\xff") + whole[8-1:], "quarantined"},
	} {
		b := decodeChanges(t, table, s, []byte(whole), []byte(c.value), []byte(whole))
		if got := everything(b, 1); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		for _, at := range []int{0, 2} {
			if got := everything(b, at); got != fine {
				t.Errorf("%s: beside it: %s", name, got)
			}
		}
	}
	for n := range len(whole) {
		b := decodeChanges(t, table, s, []byte(whole), []byte(whole[:n]), []byte(whole))
		want := conform.ReasonSyntax
		if n == 0 {
			want = conform.ReasonEmpty
		}
		if got := rejectOf(b, 1); got != want || everything(b, 2) != fine {
			t.Errorf("cut at byte %d: %s, and behind it %s", n, everything(b, 1), everything(b, 2))
		}
	}
	b := decodeChanges(t, table, s, []byte(whole), nil)
	if b.Fates[1] != batch.Filtered || len(b.Schemas) != 1 || b.Schemas[0].Records != 1 {
		t.Errorf("a tombstone is %s, schemas %v", b.Fates[1], b.Schemas)
	}
	if got := driftOf(b); got != "" {
		t.Errorf("drift %s", got)
	}
}

// TestSchemasOfNoChanges wants records to be set aside whose schema is none of change events, and
// that to be told before they come; rows of files are taken as they are.
func TestSchemasOfNoChanges(t *testing.T) {
	table := tableOf(t, "id long required", "kind string", "note string", "lsn long from=$envelope.source.lsn")
	table.AddChange()
	s, err := avroschema.Parse([]byte(plainRow))
	if err != nil {
		t.Fatal(err)
	}
	row := zig(7) + zig(1) + zig(1) + str("n")
	b := decodeChanges(t, table, s, []byte(row))
	if got := everything(b, 0); !strings.HasPrefix(got, "quarantined envelope (a change event") || len(b.Drift) > 0 {
		t.Errorf("got %s, drift %s", got, driftOf(b))
	}
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	if d := plan.Differences(s); len(d) != 1 || d[0].Change != "mismatch" || d[0].Column != "op" {
		t.Errorf("differences %v", d)
	}
	file, _ := decodeAvro(t, table, s, row, row)
	for at := range 2 {
		if got := everything(file, at); got != "ok id=7 kind=B note=n lsn=~0 _op=null _ts_ms=null" {
			t.Errorf("of a file: %s", got)
		}
	}
	events, err := avroschema.Parse([]byte(envelopeOf(plainRow)))
	if err != nil {
		t.Fatal(err)
	}
	file, _ = decodeAvro(t, table, events, string((&change{after: []byte(row), op: "r", n: 5}).avro()))
	if got := everything(file, 0); got != "ok id=7 kind=B note=n lsn=null _op=r _ts_ms=5" {
		t.Errorf("events of a file: %s", got)
	}
	for text, want := range map[string]string{
		envelopeOf(strings.Replace(plainRow, `"name":"note","type":["null","string"]`, `"name":"extra","type":"boolean"`, 1)):                                                              "extra extra boolean>, missing note >string",
		envelopeOf(strings.Replace(plainRow, `"name":"id","type":"long"`, `"name":"id","type":"boolean"`, 1)):                                                                              "mismatch id boolean>long",
		strings.Replace(envelopeOf(plainRow), `{"name":"lsn","type":["null","long"],"default":null}`, `{"name":"lsn","type":"string"}`, 1):                                                 "type lsn string>long",
		`{"type":"record","name":"e","fields":[{"name":"after","type":["null","string"]},{"name":"op","type":"string"}]}`:                                                                  "",
		`{"type":"record","name":"e","fields":[{"name":"op","type":"string"},{"name":"before","type":` + plainRow + `},{"name":"after","type":{"type":"record","name":"o","fields":[]}}]}`: "missing id >long, missing kind >string, missing note >string",
	} {
		s, err := avroschema.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range plan.Differences(s) {
			got = append(got, fmt.Sprintf("%s %s %s>%s", d.Change, d.Column, d.From, d.To))
		}
		slices.Sort(got)
		if strings.Join(got, ", ") != want {
			t.Errorf("%s\n got %q\nwant %q", text, got, want)
		}
	}
	s, _ = avroschema.Parse([]byte(`{"type":"record","name":"e","fields":[{"name":"after","type":["null","string"]},{"name":"op","type":"string"}]}`))
	for text, want := range map[string]string{ // of MongoDB
		zig(1) + str(`{"id":{"$numberLong":"7"},"kind":"A","note":null}`): "ok id=7 kind=A note=null lsn=~0 _op=c _ts_ms=null",
		zig(1) + str(`{"id":"x"}`):                                        "quarantined type column id byte 2+0",
		zig(1) + str(`{"id":`):                                            "quarantined syntax byte 2+0",
		zig(1) + str("{\"id\":1,\"x\":\"\xff\"}"):                         "quarantined encoding byte 15+1",
		zig(1) + str(`7`):                                                 "quarantined envelope",
		zig(0):                                                            "quarantined envelope",
	} {
		b := decodeChanges(t, table, s, []byte(text+str("c")), []byte(text+str("c")))
		for at := range 2 {
			if got := everything(b, at); !strings.HasPrefix(got, want) {
				t.Errorf("%q: got %s, want %s", text, got, want)
			}
		}
	}
}

// TestEventsWrittenOtherwise reads events whose members stand in another order, whose op is an
// enum or may be null, and whose rows before and after have types of their own.
func TestEventsWrittenOtherwise(t *testing.T) {
	table := tableOf(t, "id long required", "kind string", "note string")
	table.AddChange()
	const before = `{"type":"record","name":"was","fields":[{"name":"note","type":"string"},{"name":"id","type":"int"},{"name":"kind","type":{"type":"enum","name":"l","symbols":["X","B","A"]}}]}`
	s, err := avroschema.Parse([]byte(`{"type":"record","name":"e","fields":[{"name":"ts_ms","type":"long"},{"name":"op","type":["null",{"type":"enum","name":"ops","symbols":["c","u","d","create"]}]},{"name":"after","type":[` + plainRow + `,"null"]},{"name":"before","type":["null",` + before + `]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	after, was := zig(0)+zig(7)+zig(1)+zig(0), zig(1)+str("w")+zig(3)+zig(0)
	b := decodeChanges(t, table, s,
		[]byte(zig(5)+zig(1)+zig(0)+after+zig(0)), []byte(zig(5)+zig(1)+zig(1)+after+was), []byte(zig(5)+zig(1)+zig(2)+zig(1)+was), []byte(zig(5)+zig(0)+after+was), []byte(zig(5)+zig(1)+zig(3)+after+was), []byte(zig(5)+zig(1)+zig(2)+after+was))
	for i, want := range []string{"ok id=7 kind=B note=null _op=c _ts_ms=5", "ok id=7 kind=B note=null _op=u _ts_ms=5", "ok id=3 kind=X note=w _op=d _ts_ms=5", "quarantined envelope", "quarantined envelope", "ok id=3 kind=X note=w _op=d _ts_ms=5"} {
		if got := everything(b, i); !strings.HasPrefix(got, want) {
			t.Errorf("row %d: got %s, want %s", i, got, want)
		}
	}
}

// TestAvroOfConnect reads what the name of a schema of Kafka Connect says of numbers and bytes.
func TestAvroOfConnect(t *testing.T) {
	connect := func(base, name, more string) string {
		return `{"type":"` + base + `","connect.name":"` + name + `"` + more + `}`
	}
	decimal := connect("bytes", "org.apache.kafka.connect.data.Decimal", `,"connect.parameters":{"scale":"2","connect.decimal.precision":"10"}`)
	const variable = `{"type":"record","name":"VariableScaleDecimal","namespace":"io.debezium.data","fields":[{"name":"scale","type":"int"},{"name":"value","type":"bytes"}],"connect.name":"io.debezium.data.VariableScaleDecimal"}`
	for _, c := range []struct{ typ, column, datum, want string }{
		{decimal, "decimal(18,2)", str("\x04\xe2"), "ok a=1250"},
		{decimal, "decimal(18,4)", str("\x04\xe2"), "ok a=125000"},
		{decimal, "decimal(18,1)", str("\x04\xe2"), "ok a=125"},
		{decimal, "decimal(18,1)", str("\x04\xe1"), "quarantined scale"},
		{decimal, "binary", str("\x04\xe2"), "ok a=\x04\xe2"},
		{decimal, "string", str("\x04\xe2"), "ok a=12.50"},
		{decimal, "boolean", str("\x01"), "quarantined schema_mismatch"},
		{variable, "decimal(18,2)", zig(1) + str("\x7d"), "ok a=1250"},
		{variable, "decimal(18,2)", zig(-2) + str("\x01"), "ok a=10000"},
		{variable, "decimal(18,2)", zig(3) + str("\x7d"), "quarantined scale"},
		{variable, "decimal(18,2)", zig(1001) + str("\x7d"), "quarantined overflow"},
		{variable, "decimal(18,2)", zig(2) + str(""), "quarantined syntax"},
		{variable, "decimal(18,2)", zig(2) + zig(9) + "\x01", "quarantined syntax"},
		{variable, "string", zig(1) + str("\x7d"), "ok a=12.5"},
		{variable, "long", zig(0) + str("\x7d"), "ok a=125"},
		{variable, "date", zig(0) + str("\x7d"), "quarantined schema_mismatch"},
		{`["null",` + variable + `]`, "decimal(18,2)", zig(1) + zig(1) + str("\x7d"), "ok a=1250"},
		{variable, "json", zig(1) + str("\x7d"), `ok a={"scale":1,"value":"fQ=="}`},
		{decimal, "long", str("\x64"), "ok a=1"},
		{`["null",` + decimal + `]`, "decimal(18,2)", zig(1) + str("\x64"), "ok a=100"},
		{connect("bytes", "org.apache.kafka.connect.data.Decimal", ``), "decimal(18,2)", str("1"), "quarantined schema_mismatch"},
		{connect("bytes", "org.apache.kafka.connect.data.Decimal", `,"connect.parameters":{"scale":"2"},"logicalType":"decimal","precision":64,"scale":2`), "decimal(18,2)", str("\x04\xe2"), "ok a=1250"},
		{connect("int", "io.debezium.time.Date", ""), "date", zig(20779), "ok a=20779"},
		{connect("int", "io.debezium.time.Date", ""), "long", zig(20779), "ok a=20779"},
		{connect("int", "io.debezium.time.Date", ""), "string", zig(20779), "ok a=2026-11-22"},
		{connect("int", "io.debezium.time.Date", ""), "boolean", zig(1), "quarantined schema_mismatch"},
		{connect("long", "io.debezium.time.MicroTimestamp", ""), "timestamp", zig(1795342530123456), "ok a=1795342530123456"},
		{connect("long", "io.debezium.time.NanoTimestamp", ""), "timestamp", zig(1795342530123456000), "ok a=1795342530123456"},
		{connect("long", "io.debezium.time.NanoTimestamp", ""), "timestamp", zig(1795342530123456001), "quarantined scale"},
		{connect("long", "io.debezium.time.Timestamp", ""), "timestamp unit=us", zig(1795342530123), "ok a=1795342530123000"},
		{connect("long", "io.debezium.time.Timestamp", ""), "long", zig(1795342530123), "ok a=1795342530123"},
		{connect("int", "io.debezium.time.Timestamp", ""), "timestamp", zig(1), "quarantined schema_mismatch"}, // it is no int
		{connect("long", "io.debezium.time.MicroTime", ""), "string", zig(1), "ok a=00:00:00.000001"},
		{connect("int", "org.apache.kafka.connect.data.Time", ""), "string", zig(1), "ok a=00:00:00.001"},
		{connect("string", "io.debezium.time.ZonedTimestamp", ""), "timestamp", str("2026-11-22T10:00:00Z"), "ok a=1795341600000000"},
		{connect("int", "io.debezium.time.Date", ""), "json", zig(20779), "ok a=20779"},
		{connect("long", "somebody.else", ""), "long", zig(7), "ok a=7"},
	} {
		b, _ := decodeAvro(t, tableOf(t, "a "+c.column), mustSchema(t, fieldOf("a", c.typ)), c.datum)
		if got := everything(b, 0); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s into %s: got %s, want %s", c.typ, c.column, got, c.want)
		}
	}
}

// TestChangeEventsOfAvroAllocate wants the decoding of events to cost no memory, once a batch is
// warm.
func TestChangeEventsOfAvroAllocate(t *testing.T) {
	table, s, raw := avroEvents(t, 2000)
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	d := plan.Decoder()
	d.Schemas = conform.NewSingleObjects(s)
	var b batch.Batch
	decode := func() {
		b.Reset(table, raw, 0, raw.Rows())
		d.Decode(&b)
	}
	decode()
	if len(b.Rejects) > 0 {
		t.Fatal(b.Detail(b.Rejects[:1]))
	}
	if got := testing.AllocsPerRun(10, decode); got > 4 {
		t.Errorf("%v allocations for 2,000 records", got)
	}
}

// avroEvents are events around the bench event, of which every tenth is a delete.
func avroEvents(tb testing.TB, rows int) (*schema.Table, *avroschema.Schema, *batch.Raw) {
	tb.Helper()
	table := changeTable(schema.AvroFormat)
	s, err := avroschema.Parse([]byte(envelopeOf(`{"type":"record","name":"r","fields":[{"name":"transaction_id","type":"long"},{"name":"account_id","type":"long"},{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},{"name":"transaction_type","type":"string"},{"name":"transaction_date","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"status","type":"string"},{"name":"currency","type":"string"},{"name":"channel","type":"string"},{"name":"merchant","type":"string"},{"name":"country","type":"string"}]}`)))
	if err != nil {
		tb.Fatal(err)
	}
	var values [][]byte
	for i := range rows {
		row := []byte(zig(int64(1000000000+i)) + zig(int64(i%5000)) + str("\x01\x02\x03") + str(pickOf(rand.New(rand.NewPCG(uint64(i), 1)), "PURCHASE", "REFUND", "FEE")) + zig(int64(1795342530000000+i*1000)) +
			str("COMPLETED") + str("USD") + str("POS") + str(fmt.Sprintf("Merchant %05d", i%1000)) + str("US"))
		c := change{after: row, op: "c", lsn: int64(i + 1), n: int64(1795342530000 + i)}
		if i%10 == 9 {
			c.before, c.after, c.op = row, nil, "d"
		}
		values = append(values, c.avro())
	}
	return table, s, rawOf(values...)
}

func BenchmarkDecodeEventAvro(b *testing.B) {
	table, s, raw := avroEvents(b, cardRows)
	plan, err := conform.Compile(table)
	if err != nil {
		b.Fatal(err)
	}
	d := plan.Decoder()
	d.Schemas = conform.NewSingleObjects(s)
	var rows batch.Batch
	for b.Loop() {
		rows.Reset(table, raw, 0, raw.Rows())
		d.Decode(&rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(raw.Rows()), "ns/row")
}

// FuzzChangeEventsOfAvro: whatever the bytes, the records around them are untouched, and the cost
// is bounded by their length.
func FuzzChangeEventsOfAvro(f *testing.F) {
	s, err := avroschema.Parse([]byte(envelopeOf(plainRow)))
	if err != nil {
		f.Fatal(err)
	}
	table := tableOf(f, "id long required", "kind string", "note string", "lsn long from=$envelope.source.lsn", "was json from=$envelope.before")
	table.AddChange()
	table.Format = schema.AvroFormat
	plan, err := conform.Compile(table)
	if err != nil {
		f.Fatal(err)
	}
	row := []byte(zig(7) + zig(1) + zig(1) + str("n"))
	fine := (&change{after: row, op: "c", lsn: 9, n: 5}).avro()
	f.Add(fine)
	f.Add((&change{before: row, op: "d"}).avro())
	f.Add((&change{op: "t"}).avro())
	f.Add(binary.AppendUvarint(nil, 1<<60))
	f.Fuzz(func(t *testing.T, value []byte) {
		d := plan.Decoder()
		d.Schemas = conform.NewSingleObjects(s)
		raw := rawOf(fine, value, fine)
		var b batch.Batch
		b.Reset(table, raw, 0, 3)
		d.Decode(&b)
		for _, at := range []int{0, 2} {
			if got := everything(&b, at); b.Fates[at] != batch.Written || !strings.HasPrefix(got, "ok id=7 kind=B note=n lsn=9") {
				t.Fatalf("row %d is %s", at, got)
			}
		}
		if bytes.Equal(value, fine) && b.Fates[1] != batch.Written {
			t.Fatal(outcome(&b, 1))
		}
		alone := rawOf(value)
		b.Reset(table, alone, 0, 1)
		before := allocated()
		d.Decode(&b)
		if got, most := allocated()-before, uint64(64*len(value)+1<<20); got > most {
			t.Fatalf("%d bytes are allocated for a record of %d", got, len(value))
		}
	})
}
