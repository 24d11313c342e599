package conform_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// textTable has a number and a text.
func textTable() *schema.Table {
	return &schema.Table{
		Name: "texts", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(),
		Columns: []schema.Column{
			{Name: "id", Type: schema.Type{Kind: schema.Long}, Required: true},
			{Name: "text", Type: schema.Type{Kind: schema.String}, Default: schema.Value{Bytes: []byte("UNKNOWN")}},
		},
	}
}

func decodeAll(d *conform.Decoder, b *batch.Batch, t *schema.Table, raw *batch.Raw) conform.Report {
	b.Reset(t, raw, 0, raw.Rows())
	return d.Decode(b)
}

// A decoder with its memory takes none for a row, whatever the order and the style
// of the records.
func TestDecodeTakesNoMemoryPerRow(t *testing.T) {
	table := cardTable()
	for _, style := range cardStyles {
		raw := cardRaw(style, 5000)
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

// A column of texts that are nearly all different is no longer searched, one of
// few is, and both hold what was sent. The search is tried again some batches later.
func TestManyDistinctTexts(t *testing.T) {
	table := textTable()
	few := func(i int) string { return fmt.Sprint("text ", i%500) }
	own := func(i int) string { return fmt.Sprint("t", i) }
	long := func(i int) string { return fmt.Sprintf("a text of more than sixteen bytes, %08d", i) }
	often := func(i int) string { return fmt.Sprint("x", i/3) } // many, but each three times
	d := newDecoder(t, table)
	var b batch.Batch
	for i, c := range []struct {
		text    func(int) string
		rows    int
		entries int // of the dictionary, −1: one each for the rows
	}{
		{few, 20_000, 500}, {own, 20_000, -1}, {few, 1000, -1}, {few, 1000, 500},
		{long, 20_000, -1}, {few, 1000, -1}, {few, 1000, 500}, {often, 30_000, 10_000}, {often, 300_000, 0},
	} {
		var values [][]byte
		for row := range c.rows {
			values = append(values, fmt.Appendf(nil, `{"id":%d,"text":"%s"}`, row, c.text(row)))
		}
		decodeAll(d, &b, table, rawOf(values...))
		for row := range c.rows {
			if got, want := string(b.Columns[1].Text(row)), c.text(row); got != want {
				t.Fatalf("batch %d, row %d: got %q, want %q", i, row, got, want)
			}
		}
		switch n := b.Columns[1].Dict.Len(); {
		case c.entries < 0 && n < c.rows, c.entries > 0 && n != c.entries, c.entries == 0 && n < 1<<16:
			t.Errorf("batch %d: got %d entries for %d rows, want %d", i, n, c.rows, c.entries)
		}
	}
}

// The bytes between the quotes and the text they stand for are different things.
func TestTextsThatLookAlike(t *testing.T) {
	table := textTable()
	d := newDecoder(t, table)
	var b batch.Batch
	texts := []struct{ sent, want string }{
		{`a\\n`, `a\n`}, {`a\n`, "a\n"}, {`a\\n`, `a\n`}, {`\"`, `"`}, {`\\`, `\`}, {`\\\"`, `\"`}, {``, ``}, {`\u0041`, `A`}, {`A`, `A`},
		{`a long text with \\t in it`, `a long text with \t in it`}, {`a long text with \t in it`, "a long text with \t in it"},
	}
	var values [][]byte
	for range 4 {
		for _, x := range texts {
			values = append(values, []byte(`{"id":1,"text":"`+x.sent+`"}`))
		}
	}
	decodeAll(d, &b, table, rawOf(values...))
	for row := range values {
		if got, want := string(b.Columns[1].Text(row)), texts[row%len(texts)].want; got != want {
			t.Errorf("row %d: got %q, want %q", row, got, want)
		}
	}
	// A control character stands in the dictionary, sent as an escape; sent as it
	// is, it is still no JSON.
	decodeAll(d, &b, table, rawOf([]byte(`{"id":1,"text":"a\n"}`), []byte(`{"id":1,"text":"b"}`), []byte(`{"id":1,"text":"b"}`), []byte(`{"id":1,"text":"b"}`), []byte("{\"id\":1,\"text\":\"a\n\"}")))
	if got, want := outcome(&b, 4), "quarantined syntax byte 17+1 (no control character in text: it is written as \\u00XX)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A batch may begin and end in the middle of its records.
func TestDecodePartOfRaw(t *testing.T) {
	table := textTable()
	var values [][]byte
	for i := range 100 {
		values = append(values, fmt.Appendf(nil, `{"id":%d,"text":"x"}`, i))
	}
	raw := rawOf(values...)
	d := newDecoder(t, table)
	var b batch.Batch
	b.Reset(table, raw, 37, 20)
	d.Decode(&b)
	for row := range b.Rows {
		if got, want := b.Columns[0].Ints[row], int64(37+row); got != want {
			t.Errorf("row %d: got %d, want %d", row, got, want)
		}
	}
}

// A block whose last record ends with it has no padding to read.
func TestDecodeWithoutPadding(t *testing.T) {
	table := textTable()
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	raw := rawOf([]byte(`{"id":1,"text":"a"}`), []byte(`{"id":2,"text":"b"}`), []byte(`{"id":3,"text":"a text that goes on to the end`))
	s := raw.Spans[2]
	raw.Blocks[0] = slices.Clip(raw.Blocks[0][:s.At+s.Value])
	b := bothWays(t, plan, table, raw)
	for row, want := range []string{"ok id=1 text=a", "ok id=2 text=b", "quarantined syntax byte 46+0 (a double quote, but the record ends)"} {
		if got := outcome(b, row); got != want {
			t.Errorf("row %d: got %s, want %s", row, got, want)
		}
	}
}

// A quarantined row holds zeros, not what was read before its fault was met.
func TestQuarantinedRowsAreEmpty(t *testing.T) {
	table := cardTable()
	cut := []byte(cardEvent[:len(cardEvent)-1])
	raw := rawOf([]byte(cardEvent), []byte(cardEvent), []byte(cardEvent), []byte(cardEvent), cut, nil, []byte("{}"), []byte(cardEvent))
	d := newDecoder(t, table)
	var b batch.Batch
	decodeAll(d, &b, table, raw)
	for _, row := range []int{4, 5, 6} {
		if b.Fates[row] != batch.Quarantined {
			t.Errorf("row %d is %s", row, b.Fates[row])
		}
		for c := range b.Columns {
			v := &b.Columns[c]
			if v.Ints != nil && v.Ints[row] != 0 || v.Codes != nil && v.Codes[row] != 0 || v.Mark(row) != batch.Present {
				t.Errorf("row %d, column %s: got %s, want nothing", row, table.Columns[c].Name, describe(&b, c, row))
			}
		}
	}
}

// Whoever sends keys without end is told of some, and does not fill the memory. In
// another batch there is room for others.
func TestDriftIsBounded(t *testing.T) {
	table := textTable()
	d := newDecoder(t, table)
	var b batch.Batch
	send := func(name string, keys int) int {
		var values [][]byte
		for i := range keys {
			values = append(values, fmt.Appendf(nil, `{"id":1,"text":"a","%s%d":1}`, name, i))
		}
		decodeAll(d, &b, table, rawOf(values...))
		return len(b.Drift)
	}
	if got, want := send("a", 1000), 256; got != want {
		t.Errorf("got %d differences, want %d", got, want)
	}
	if got, want := send("b", 3), 3; got != want {
		t.Errorf("got %d differences in the next batch, want %d", got, want)
	}
	if got, want := send(strings.Repeat("é", 1000), 2), 1; got != want {
		t.Errorf("got %d differences for keys that are alike in what is told, want %d", got, want)
	}
	if got, want := b.Drift[0].Column, strings.Repeat("é", 64)+"…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if held := d.Bytes(); held > 1<<18 {
		t.Errorf("the decoder holds %d bytes", held)
	}
	// What was learned about a key is forgotten with it.
	same := []byte(`{"id":1,"text":"a","same":1}`)
	want := batch.Drift{Change: "extra", Column: "same", From: "number"}
	for _, strange := range []int{0, 300, 0} {
		var values [][]byte
		for i := range 1000 {
			values = append(values, same)
			if i >= 500 && i-500 < strange {
				values = append(values, fmt.Appendf(nil, `{"id":1,"text":"a","c%d":1}`, i))
			}
		}
		decodeAll(d, &b, table, rawOf(values...))
		if want.Count = 1000; len(b.Drift) == 0 || b.Drift[0] != want {
			t.Errorf("got %v, want %v first", b.Drift, want)
		}
	}
}

// Compile reports every fault at once.
func TestCompileReportsAllFaults(t *testing.T) {
	table := textTable()
	table.Name = "bad name"
	table.Columns[0].Time.Unit = "s"
	table.Columns[1].Default = schema.Value{Bytes: []byte("\xff")}
	at := schema.Type{Kind: schema.Timestamp}
	null := schema.Value{Null: true}
	table.Columns = append(table.Columns,
		schema.Column{Name: "a", Type: at, Default: null, Time: schema.TimeFormat{Unit: "minutes"}},
		schema.Column{Name: "b", Type: at, Default: null, Time: schema.TimeFormat{Layout: "15:04"}},
		schema.Column{Name: "c", Type: at, Default: null, Time: schema.TimeFormat{Layout: "2006-01-02 15:04 MST"}},
		schema.Column{Name: "d", Type: schema.Type{Kind: schema.Decimal, Precision: 4, Scale: 2}, Default: schema.Value{Int: 10_000}},
		schema.Column{Name: "e", Type: schema.Type{Kind: schema.Boolean}, Default: schema.Value{Int: 2}},
		schema.Column{Name: "f", Type: schema.Type{Kind: schema.Int}, Default: schema.Value{Bytes: []byte("1")}},
		schema.Column{Name: "g", Type: schema.Type{Kind: schema.Decimal, Precision: 19}},
	)
	_, err := conform.Compile(table)
	if err == nil {
		t.Fatal("got a plan")
	}
	for _, want := range []string{
		`table name "bad name"`, "column id of table bad name: unit, layout and zone belong to", "column text of table bad name: default is not valid UTF-8",
		`column a of table bad name: unit "minutes" is not one of s, ms, us, ns`, `column b of table bad name: layout "15:04" does not say year`,
		`column c of table bad name: layout "2006-01-02 15:04 MST" reads the name of a zone`, "column d of table bad name: default does not fit decimal(4,2)",
		"column e of table bad name: default does not fit boolean", "column f of table bad name: default is text", "column g of table bad name: decimal(19,0): precision",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant it to say %s", err, want)
		}
	}
}

// What is left behind a record of those before it is not part of it, even where it
// goes on exactly as the record would have.
func TestPaddingIsNotTrusted(t *testing.T) {
	for _, c := range []struct {
		table *schema.Table
		event string
	}{
		{cardTable(), cardEvent},
		{corpusTable(t), string(good[0])},
		{corpusTable(t), `{"extra":{"a":[1,2]},"id":12345678901,"status":null,"more":"text","amount":-1.50,"ok":false,"state ":17.25,"day":"2026-11-22"}`},
		{corpusTable(t), `{"status":"a text of more than sixteen bytes","id": 7, "x":0.25}`},
	} {
		plan, err := conform.Compile(c.table)
		if err != nil {
			t.Fatal(err)
		}
		event, old := []byte(c.event), []byte(strings.Replace(c.event, "Merchant 00123", "Merchant 99999", 1))
		before := [][]byte{event, event, event, event, event}
		for cut := 1; cut < len(event); cut++ {
			raw := rawOf(append(before, old, old)...)
			raw.Reset()
			source := raw.Source(batch.Source{Topic: "t"})
			for i, v := range append(before, event[:cut]) {
				raw.Append(source, &batch.Record{Offset: int64(i), Value: v})
			}
			s := raw.Spans[5] // and nothing behind the padding
			raw.Blocks[0] = slices.Clip(raw.Blocks[0][:s.At+s.Value+batch.Padding])
			b := bothWays(t, plan, c.table, raw)
			if got := rejectOf(b, 5); got != conform.ReasonSyntax {
				t.Fatalf("cut at byte %d: got %s, want %s", cut, outcome(b, 5), conform.ReasonSyntax)
			}
			for row := range before {
				if b.Fates[row] != batch.Written {
					t.Fatalf("row %d: %s", row, outcome(b, row))
				}
			}
			for i := range b.Columns {
				if bytes.Contains(b.Columns[i].Dict.Data, []byte("99999")) {
					t.Fatalf("cut at byte %d: the dictionary of column %d holds text of an older record", cut, i)
				}
			}
		}
	}
}

// The same where records follow no order, and their keys lead.
func TestPaddingIsNotTrustedWithoutOrder(t *testing.T) {
	table := corpusTable(t)
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Split(strings.Trim(string(good[0]), "{}"), ",")
	rng := rand.New(rand.NewPCG(1, 2))
	var before [][]byte
	for range 30 {
		rng.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		before = append(before, []byte("{"+strings.Join(fields, ",")+"}"))
	}
	event := before[len(before)-1]
	before = slices.Clip(before[:len(before)-1])
	for cut := 1; cut < len(event); cut++ {
		raw := rawOf(append(before, event)...)
		raw.Reset()
		source := raw.Source(batch.Source{Topic: "t"})
		for i, v := range append(before, event[:cut]) {
			raw.Append(source, &batch.Record{Offset: int64(i), Value: v})
		}
		b := bothWays(t, plan, table, raw)
		if got := rejectOf(b, len(before)); got != conform.ReasonSyntax {
			t.Fatalf("cut at byte %d: got %s, want %s", cut, outcome(b, len(before)), conform.ReasonSyntax)
		}
	}
}

// TestBraceIsNoComma has records whose second member follows a brace in place of a
// comma, behind records that taught the short cuts what a first member looks like:
// the brace is part of that, and must not be taken for what separates two members.
func TestBraceIsNoComma(t *testing.T) {
	table := cardTable()
	for _, value := range []string{
		`{"more":0{"transaction_id":1,"account_id":2,"transaction_date":"2026-11-22"}`,
		`{"account_id":0{"transaction_id":1,"transaction_date":"2026-11-22"}`,
		`{"more":"x"{"transaction_id":1,"account_id":2,"transaction_date":"2026-11-22"}`,
	} {
		var values [][]byte
		for range 10 {
			values = append(values, []byte(cardEvent))
		}
		raw := rawOf(append(values, []byte(value))...)
		var b batch.Batch
		b.Reset(table, raw, 0, raw.Rows())
		newDecoder(t, table).Decode(&b)
		if len(b.Rejects) != 1 || b.Rejects[0].Row != 10 || b.Rejects[0].Reason != conform.ReasonSyntax {
			t.Errorf("%s: got %v, want syntax", value, b.Rejects)
		}
	}
}
