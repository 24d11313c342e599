package conform_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// fromTable is a table with a column for each kind of a source.
func fromTable(tb testing.TB, format schema.Format) *schema.Table {
	tb.Helper()
	table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), Format: format}
	for _, line := range []string{
		"id long required", "text string from=$key", "bytes binary from=$key", "n long from=$headers.n", "ok boolean from=$headers.ok",
		"day date from=$headers.day", "sum decimal(9,2) from=$headers.sum", "trace string from=$headers.trace.id default=none",
		"sent timestamp from=$timestamp", "state string from=status",
	} {
		table.Columns = append(table.Columns, parseColumn(tb, line))
	}
	return table
}

func TestFromRecord(t *testing.T) {
	at := time.UnixMicro(1_795_342_530_123_456)
	header := func(pairs ...string) []batch.Header {
		var out []batch.Header
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, batch.Header{Key: pairs[i], Value: []byte(pairs[i+1])})
		}
		return out
	}
	const nulls = " n=null ok=null day=null sum=null trace=null"
	const sent = " sent=1795342530123456 state=S"
	for _, c := range []struct {
		name string
		rec  batch.Record
		want string
	}{
		{"nothing", batch.Record{}, "ok id=1 text=null bytes=null" + nulls + " sent=null state=S"},
		{"a key", batch.Record{Key: []byte("k\x00\"ü"), Time: at}, "ok id=1 text=k\x00\"ü bytes=k\x00\"ü" + nulls + sent},
		{"an empty key", batch.Record{Key: []byte{}, Time: at}, "ok id=1 text= bytes=" + nulls + sent},
		{"a key of many bytes", batch.Record{Key: []byte(strings.Repeat("x", 1_000_000)), Time: at},
			"quarantined limit column text (text under 1,000,000 bytes); limit column bytes (text under 1,000,000 bytes)"},
		{"a key in no UTF-8", batch.Record{Key: []byte("k\xff"), Time: at}, "quarantined encoding column text (text in UTF-8 in the record's key)"},
		{"headers", batch.Record{Time: at, Headers: header("n", "-7", "ok", "true", "day", "2026-11-22", "sum", "12.5", "trace.id", "abc", "trace", "x")},
			"ok id=1 text=null bytes=null n=-7 ok=1 day=20779 sum=1250 trace=abc" + sent},
		{"the last of a name", batch.Record{Time: at, Headers: header("n", "x", "n", "8", "N", "9")}, "ok id=1 text=null bytes=null n=8 ok=null day=null sum=null trace=null" + sent},
		{"null is the last", batch.Record{Time: at, Headers: append(header("n", "x"), batch.Header{Key: "n"})}, "ok id=1 text=null bytes=null" + nulls + sent},
		{"what does not fit", batch.Record{Time: at, Headers: header("n", "x", "ok", "yes", "day", "2026-02-30", "sum", "1.234")},
			"quarantined type column n (a whole number of 64 bits in the record's header n); type column ok (true or false in the record's header ok); " +
				"time column day (a date such as 2026-11-22 in the record's header day); scale column sum (a number that fits decimal(9,2) in the record's header sum)"},
		{"no timestamp, as Kafka says it", batch.Record{Time: time.UnixMilli(-1)}, "ok id=1 text=null bytes=null" + nulls + " sent=null state=S"},
		{"a timestamp that is none", batch.Record{Time: time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)}, "quarantined time column sent (a timestamp up to the year 2200)"},
	} {
		for format, value := range map[schema.Format]string{schema.JSONFormat: `{"id":1,"status":"S"}`, schema.CSVFormat: "1,S"} {
			table := fromTable(t, format)
			plan, err := conform.Compile(table)
			if err != nil {
				t.Fatal(err)
			}
			raw := &batch.Raw{}
			for i := range 5 {
				c.rec.Offset, c.rec.Value = int64(i), []byte(value)
				raw.Append(raw.Source(batch.Source{Topic: "t"}), &c.rec)
			}
			b := bothWays(t, plan, table, raw)
			for row := range b.Rows {
				if got := everything(b, row); got != c.want {
					t.Errorf("%s, format %d, row %d:\ngot  %s\nwant %s", c.name, format, row, got, c.want)
				}
			}
			if len(b.Drift) > 0 {
				t.Errorf("%s: got drift %v, want none", c.name, b.Drift)
			}
		}
	}
}

// F4: a field that stands a second time where it is expected shows nothing.
func TestF4SecondFieldShowsNothing(t *testing.T) {
	table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.Evolution{Narrow: schema.Halt}}
	for _, line := range []string{"id long", "sum decimal(9,2) from=x.sum", "name string from=x.name required"} {
		table.Columns = append(table.Columns, parseColumn(t, line))
	}
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	usual := []byte(`{"id":1,"x":{"sum":1.5,"name":"a"}}`)
	for _, second := range []string{`{"sum":7,"name":"a"}`, `{"sum":1.234,"name":"a"}`, `{"sum":1.5,"name":null}`, `null`, `7`, `{"sum":1.5}`, `{"sum":`} {
		bothWays(t, plan, table, rawOf(usual, usual, usual, usual, []byte(`{"x":{"sum":1.5,"name":"a"},"id":2,"x":`+second+`}`), usual))
	}
}

// F4: a record that ends anywhere, with its rest behind it, is read to its end alone.
func TestF4FieldsAreReadToTheEnd(t *testing.T) {
	table := fromCardTable(t, append(fromStyles[3].columns, fromStyles[2].columns...))
	table.Columns = append(table.Columns, parseColumn(t, "items_too json from=more.items"), parseColumn(t, "name string from=more.items[0].name"))
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	usual := fromCardRaw(1).Value(0)
	usual = append(usual[:len(usual)-1:len(usual)-1], `,"more":{"items":[{"name":"x","n":null},[1,true]]}}`...)
	for cut := len(usual) - 1; cut > 200; cut-- {
		b := bothWays(t, plan, table, rawOf(usual, usual, usual, usual, usual[:cut:cut], usual[cut:], usual))
		if b.Fates[4] != batch.Quarantined || b.Fates[3] != batch.Written || b.Fates[6] != batch.Written {
			t.Fatalf("cut at byte %d: got %v", cut, b.Fates)
		}
	}
}

// F6: what is within a field counts for the depth like all else.
func TestF6DepthWithinFields(t *testing.T) {
	table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned}
	for _, line := range []string{"id long", "a long from=x.y.a", "b long from=x.z[1].b null", "j json from=x.j", "k json"} {
		table.Columns = append(table.Columns, parseColumn(t, line))
	}
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		format string
		depth  int // objects and arrays around the place
		reason string
	}{
		{`{"x":{"more":%s}}`, 2, ""}, {`{"x":{"y":{"more":%s}}}`, 3, ""}, {`{"x":{"y":{"a":%s}}}`, 3, conform.ReasonType},
		{`{"x":{"y":%s}}`, 2, conform.ReasonType}, {`{"x":%s}`, 1, conform.ReasonType}, {`{"x":{"z":[%s]}}`, 3, ""},
		{`{"x":{"z":[0,{"c":%s}]}}`, 4, ""}, {`{"x":{"z":[0,{"b":%s}]}}`, 4, conform.ReasonType}, {`{"x":{"j":%s}}`, 2, ""}, {`{"k":%s}`, 1, ""},
	} {
		for _, levels := range []int{100 - c.depth, 101 - c.depth} {
			value := fmt.Appendf(nil, c.format, strings.Repeat("[", levels)+strings.Repeat("]", levels))
			want := c.reason
			if levels+c.depth > 100 {
				want = conform.ReasonLimit
			}
			b := bothWays(t, plan, table, rawOf(value, value, value, value, value))
			for row := range b.Rows {
				if got := rejectOf(b, row); got != want {
					t.Errorf("%s, %d levels, row %d: got %q, want %q", c.format, levels, row, got, want)
				}
			}
		}
	}
}

// A row that is rejected names the columns from its record as well, but for bytes that
// are rejected for themselves.
func TestFromRecordOfRejectedRow(t *testing.T) {
	table := fromTable(t, schema.JSONFormat)
	table.Columns[1].Required = true
	table.Evolution.Extra = schema.Quarantine
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	b := bothWays(t, plan, table, rawOf([]byte(`{"id":"x","status":1}`), []byte(`{"id":1,"x":1}`), []byte(`{"id":1,`), nil, []byte(`{"id":1}`)))
	const none = "required column text (a value: there is none in the record's key)"
	for row, want := range []string{
		"quarantined type column id byte 6+3 (a whole number of 64 bits); type column state byte 19+1 (text); " + none,
		"quarantined extra byte 8+3 (only keys that are columns); " + none,
		"quarantined syntax byte 8+0 (a key in double quotes, but the record ends)",
		"quarantined tombstone",
		"quarantined " + none,
	} {
		if got := everything(b, row); got != want {
			t.Errorf("row %d:\ngot  %s\nwant %s", row, got, want)
		}
	}
}

// A file has no keys, headers and timestamps; lines of CSV have nothing within a field.
func TestFromInFiles(t *testing.T) {
	table := fromTable(t, schema.JSONFormat)
	for _, line := range []string{"city string from=customer.city", "zip long from=customer.zip default=7"} {
		table.Columns = append(table.Columns, parseColumn(t, line))
	}
	raw := &batch.Raw{}
	lines := raw.Source(batch.Source{File: "a.json", Layout: &batch.Layout{Format: batch.JSON}})
	raw.Append(lines, &batch.Record{Offset: 1, Value: []byte(`{"id":1,"status":"S","customer":{"zip":8000,"city":"Bern"},"text":"x"}`)})
	fields := raw.Source(batch.Source{File: "a.csv", Layout: &batch.Layout{Format: batch.CSV, Header: []string{"STATUS", "customer", "id", "state"}}})
	raw.Append(fields, &batch.Record{Offset: 2, Value: []byte("S,x,2,y")})
	raw.Append(raw.Source(batch.Source{Topic: "t"}), &batch.Record{Offset: 3, Value: []byte(`{"id":3,"status":"S","customer":null}`)})
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	b := bothWays(t, plan, table, raw)
	const missing = " text=~UNKNOWN bytes=null n=~0 ok=~0 day=null sum=~0 trace=~none sent=null state=S"
	for row, want := range []string{
		"ok id=1" + missing + " city=Bern zip=8000",
		"ok id=2" + missing + " city=~UNKNOWN zip=~7",
		"ok id=3 text=null bytes=null n=null ok=null day=null sum=null trace=null sent=null state=S city=null zip=null",
	} {
		if got := everything(b, row); got != want {
			t.Errorf("row %d:\ngot  %s\nwant %s", row, got, want)
		}
	}
	told := map[string]int{}
	for _, d := range b.Drift {
		told[d.Change+" "+d.Column] = d.Row
	}
	for name, want := range map[string]int{"missing text": 0, "missing sent": 0, "extra text": 0, "missing city": 1, "extra customer": 1, "extra state": 1, "case state": 1} {
		if got, ok := told[name]; !ok || got != want {
			t.Errorf("drift %s: got row %d (%t), want %d", name, got, ok, want)
		}
	}
}

// fromStyles are tables over the same card event, which holds a customer.
var fromStyles = []struct {
	name    string
	columns []string
	plain   bool
}{
	{name: "dropped"},
	{name: "two", columns: []string{"city string from=customer.address.city", "segment string from=customer.segment"}},
	{name: "two_in_array", columns: []string{"sku long from=items[0].sku", "price decimal(18,2) from=items[1].price"}},
	{name: "all", columns: []string{"customer_id long from=customer.id", "city string from=customer.address.city", "zip string from=customer.address.zip", "segment string from=customer.segment", "since date from=customer.since"}},
	{name: "json", columns: []string{"customer json"}},
	{name: "json_and_two", columns: []string{"customer json", "city string from=customer.address.city", "segment string from=customer.segment"}},
	{name: "key_and_header", columns: []string{"k string from=$key", "trace string from=$headers.trace_id"}},
	{name: "two_no_short_cuts", columns: []string{"city string from=customer.address.city", "segment string from=customer.segment"}, plain: true},
}

func fromCardTable(tb testing.TB, columns []string) *schema.Table {
	tb.Helper()
	table := cardTable()
	for _, line := range columns {
		table.Columns = append(table.Columns, parseColumn(tb, line))
	}
	return table
}

// fromCardRaw makes card events with a customer and items.
func fromCardRaw(rows int) *batch.Raw {
	rng := rand.New(rand.NewPCG(3, 4))
	flat, raw := cardRaw(cardStyles[0], rows), &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	for row := range rows {
		value := flat.Value(row)
		value = fmt.Appendf(value[:len(value)-1:len(value)-1],
			`,"customer":{"id":%d,"segment":"%s","address":{"street":"Street %d","city":"City %d","zip":"%04d"},"since":"2020-01-%02d"},"items":[{"sku":%d,"price":1.50},{"sku":%d,"price":%d.25}]}`,
			rng.IntN(100_000), []string{"RETAIL", "PRIVATE", "SME"}[rng.IntN(3)], rng.IntN(1000), rng.IntN(300), rng.IntN(10000), 1+rng.IntN(28), rng.IntN(1000), rng.IntN(1000), rng.IntN(100))
		raw.Append(source, &batch.Record{Offset: int64(row), Value: value, Key: fmt.Appendf(nil, "account-%d", rng.IntN(1000)),
			Headers: []batch.Header{{Key: "source", Value: []byte("core")}, {Key: "trace_id", Value: []byte("0af7651916cd43dd8448eb211c80319c")}}})
	}
	return raw
}

// Columns from elsewhere take no memory for a row either.
func TestFromTakesNoMemoryPerRow(t *testing.T) {
	raw := fromCardRaw(5000)
	for _, style := range fromStyles {
		table := fromCardTable(t, style.columns)
		d := newDecoder(t, table)
		var b batch.Batch
		decodeAll(d, &b, table, raw)
		if allocs := testing.AllocsPerRun(3, func() { decodeAll(d, &b, table, raw) }); allocs > 20 {
			t.Errorf("%s: got %v allocations for %d rows", style.name, allocs, b.Rows)
		}
		if len(b.Rejects) > 0 {
			t.Errorf("%s: got rejects %s", style.name, b.Detail(b.Rejects))
		}
	}
}

func BenchmarkDecodeFrom(b *testing.B) {
	raw := fromCardRaw(cardRows)
	for _, style := range fromStyles {
		b.Run(style.name, func(b *testing.B) {
			table := fromCardTable(b, style.columns)
			plan, err := conform.Compile(table)
			if err != nil {
				b.Fatal(err)
			}
			d := plan.Decoder()
			if style.plain {
				d = plan.PlainDecoder()
			}
			var rows batch.Batch
			decode := func() {
				rows.Reset(table, raw, 0, cardRows)
				d.Decode(&rows)
			}
			decode()
			b.ReportAllocs()
			before := processorTime(b)
			for b.Loop() {
				decode()
			}
			perRow := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / cardRows
			b.ReportMetric(perRow, "ns/row")
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/cardRows, "cpu-ns/row")
		})
	}
}
