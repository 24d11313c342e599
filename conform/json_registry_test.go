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
	"tidemark/internal/batch"
	"tidemark/internal/jsonschema"
	"tidemark/internal/schema"
)

// objectIDs are schemas by the four bytes behind a zero, or by the only header of a record.
type objectIDs struct {
	all     map[uint32]*jsonschema.Schema
	origins map[uint32]*batch.Schema
	asked   int
}

func (o *objectIDs) Schema(value, headers []byte) conform.Written {
	o.asked++
	at := 5
	if len(headers) > 0 {
		value, at = batch.DecodeHeaders(headers)[0].Value, 0
	}
	if len(value) < 5 || value[0] != 0 {
		return conform.Written{Reason: conform.ReasonWire, Want: "a zero and an id"}
	}
	id := binary.BigEndian.Uint32(value[1:])
	if o.all[id] == nil {
		return conform.Written{Reason: conform.ReasonSchemaUnknown, Want: "a schema"}
	}
	if o.origins[id] == nil {
		o.origins[id] = &batch.Schema{ID: fmt.Sprint(id)}
	}
	return conform.Written{JSON: o.all[id], At: at, Lasting: at > 0, Origin: o.origins[id]}
}

// newObjectIDs knows schemas from the id 1 on.
func newObjectIDs(tb testing.TB, texts ...string) *objectIDs {
	tb.Helper()
	o := &objectIDs{all: map[uint32]*jsonschema.Schema{}, origins: map[uint32]*batch.Schema{}}
	for i, text := range texts {
		s, err := jsonschema.Parse(text)
		if err != nil {
			s = jsonschema.Unread(err.Error())
		}
		o.all[uint32(i+1)] = s
	}
	return o
}

func behindID(id uint32, value []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, id), value...)
}

// TestJSONBehindAnID wants records behind the ids of schemas, or with them in a header, to be
// read as JSON without them is: the same rows, drift and rejects, at places that count from the
// beginning of the value. Schemas alternate; nothing that they say of ordinary types counts.
func TestJSONBehindAnID(t *testing.T) {
	plain := corpusTable(t)
	framed := corpusTable(t)
	framed.Format = schema.JSONRegistryFormat
	var pool [][]byte
	for _, c := range corpus(t) {
		if len(c.value) < 1<<16 {
			pool = append(pool, c.value)
		}
	}
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 11))
		w := newRecordWriter(rng)
		var bare, front [][]byte
		headed := &batch.Raw{}
		source := headed.Source(batch.Source{Topic: "t"})
		for i := range 400 {
			v := w.record()
			if rng.IntN(8) == 0 {
				v = pool[rng.IntN(len(pool))]
			}
			id := 1 + uint32(rng.IntN(3))
			if seed%3 == 0 {
				id = 1
			}
			bare, front = append(bare, v), append(front, behindID(id, v))
			headed.Append(source, &batch.Record{Offset: int64(i), Value: v, Headers: []batch.Header{{Key: "id", Value: behindID(id, nil)}}})
		}
		want := decodeAs(t, plain, nil, dirty(good[0], bare))
		ids := newObjectIDs(t, `{"properties":{"id":{"type":"integer"}}}`, `{"properties":{"amount":{"type":"string"}}}`, `"unread"`)
		for name, raw := range map[string]*batch.Raw{"in front": dirty(good[0], front), "in a header": headed} {
			got := decodeAs(t, framed, ids, raw)
			shift := int32(len(front[0]) - len(bare[0]))
			if name != "in front" {
				shift = 0
			}
			for i := range want.Rejects {
				if len(got.Rejects) != len(want.Rejects) {
					t.Fatalf("%s: %d rejects, want %d", name, len(got.Rejects), len(want.Rejects))
				}
				g, w := got.Rejects[i], want.Rejects[i]
				if w.At >= 0 {
					w.At += shift
				}
				if g != w {
					t.Fatalf("%s: row %d: %q: got %+v, want %+v", name, g.Row, bare[g.Row], g, w)
				}
			}
			for row := range want.Rows {
				if g, w := everything(got, row), everything(want, row); got.Fates[row] != want.Fates[row] || w[:2] == "ok" && g != w {
					t.Fatalf("%s: row %d: %q: got %s, want %s", name, row, bare[row], g, w)
				}
			}
			if len(got.Drift) != len(want.Drift) {
				t.Fatalf("%s: drift %v, want %v", name, got.Drift, want.Drift)
			}
			for i, d := range got.Drift {
				if d.Schema == nil {
					t.Fatalf("%s: drift %+v names no schema", name, d)
				}
				if d.Schema = nil; d != want.Drift[i] {
					t.Fatalf("%s: drift %+v, want %+v", name, d, want.Drift[i])
				}
			}
			records := int64(0)
			for _, m := range got.Schemas {
				records += m.Records
			}
			if records != int64(len(bare)) || len(got.Schemas) > 3 {
				t.Fatalf("%s: %d records of %d schemas", name, records, len(got.Schemas))
			}
		}
	}
}

func decodeAs(t *testing.T, table *schema.Table, ids conform.Schemas, raw *batch.Raw) *batch.Batch {
	t.Helper()
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	d := plan.Decoder()
	d.Schemas = ids
	b := &batch.Batch{}
	for range 2 {
		b.Reset(table, raw, 0, raw.Rows())
		d.Decode(b)
	}
	return b
}

// TestJSONWithoutASchema has what stands in front of no value.
func TestJSONWithoutASchema(t *testing.T) {
	table := tableOf(t, "id long required", "note string")
	table.Format = schema.JSONRegistryFormat
	ids := newObjectIDs(t, `{"properties":{"id":{"type":"integer"}}}`)
	values := [][]byte{behindID(1, []byte(`{"id":7}`)), []byte(`{"id":7}`), {}, {0}, {0, 0, 0}, behindID(1, nil), behindID(1, []byte(" ")), behindID(1, []byte("null")), behindID(1, []byte("\xef\xbb\xbf{\"id\":7}")),
		behindID(2, []byte(`{"id":7}`)), behindID(1, []byte(`{"id":7}x`)), behindID(1, []byte(`{"id":"x"}`)), nil, behindID(1, []byte(`{"id":8}`))}
	b := decodeAs(t, table, ids, rawOf(values...))
	for row, want := range []string{"ok id=7", "quarantined wire (a zero and an id)", "quarantined wire (a zero and an id)", "quarantined wire (a zero and an id)", "quarantined wire (a zero and an id)",
		"quarantined empty", "quarantined empty", "quarantined not_object byte 5+4 (an object)", "ok id=7", "quarantined schema_unknown (a schema)",
		"quarantined trailing byte 13+1 (nothing after the object)", `quarantined type column id byte 11+3 (a whole number of 64 bits)`, "quarantined tombstone", "ok id=8"} {
		if got := outcome(b, row); got != want {
			t.Errorf("%q: got %s, want %s", values[row], got, want)
		}
	}
}

// TestJSONOfConnect reads values as Kafka Connect's JsonSchemaConverter writes them, and the
// change events of Debezium within.
func TestJSONOfConnect(t *testing.T) {
	const row = `{"type":"object","properties":{"id":{"type":"integer","connect.type":"int64"},"amount":{"oneOf":[{"type":"null"},{"type":"number","title":"org.apache.kafka.connect.data.Decimal","connect.type":"bytes","connect.parameters":{"scale":"2"}}]},` +
		`"day":{"type":"integer","title":"org.apache.kafka.connect.data.Date","connect.type":"int32"},"at":{"type":"integer","title":"io.debezium.time.MicroTimestamp","connect.type":"int64"},"raw":{"type":"string","connect.type":"bytes"}}}`
	table := tableOf(t, "id long required", "amount decimal(18,2)", "day date", "at timestamp", "raw string", "lsn timestamp from=$envelope.source.lsn")
	table.Columns = table.Columns[:5]
	table.Format = schema.JSONRegistryFormat
	ids := newObjectIDs(t, row, `{"properties":{"id":{}}}`)
	value := []byte(`{"id":1,"amount":"BOI=","day":20779,"at":1795342530123456,"raw":"AAEC"}`)
	const want = "ok id=1 amount=1250 day=20779 at=1795342530123456 raw=\x00\x01\x02"
	b := decodeAs(t, table, ids, rawOf(behindID(1, value), behindID(2, value), behindID(1, value), behindID(1, []byte(`{"id":1,"amount":12.5,"day":1,"at":"x","raw":"?"}`))))
	if got := everything(b, 0); got != want || everything(b, 2) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := rejectOf(b, 1); got != conform.ReasonType {
		t.Errorf("without a schema that says it: %s", everything(b, 1))
	}
	if got := everything(b, 3); got != "quarantined time column at byte 40+3 (a time such as 2026-11-22T10:15:30.123456Z); type column raw byte 50+3 (text in base64, as its schema says)" {
		t.Errorf("got %s", got)
	}

	table = tableOf(t, "id long required", "amount decimal(18,2)", "day date", "at timestamp", "raw string", "lsn timestamp from=$envelope.source.at")
	table.Format = schema.JSONRegistryFormat
	table.AddChange()
	ids = newObjectIDs(t, `{"properties":{"before":{"oneOf":[{"type":"null"},`+row+`]},"after":{"oneOf":[{"type":"null"},`+row+`]},"op":{"type":"string"},"source":{"type":"object","properties":{"at":{"type":"integer","title":"io.debezium.time.Timestamp"}}}}}`)
	b = decodeAs(t, table, ids, rawOf(
		behindID(1, []byte(`{"before":null,"after":`+string(value)+`,"op":"c","source":{"at":1000},"ts_ms":7}`)), behindID(1, []byte(`{"before":`+string(value)+`,"after":null,"op":"d"}`)),
		behindID(1, []byte(`{"op":"t"}`)), nil, behindID(1, value), behindID(1, []byte(`{"op":"d","before":null}`))))
	for i, want := range []string{strings.TrimSuffix(want, "") + " lsn=1000000 _op=c _ts_ms=7", want + " lsn=null _op=d _ts_ms=null", "filtered", "filtered", "quarantined envelope", "quarantined envelope"} {
		if got := everything(b, i); !strings.HasPrefix(got, want) {
			t.Errorf("row %d: got %q, want %q", i, got, want)
		}
	}
}

// TestJSONOfManySchemas: ten thousand schemas take bounded memory, and what is learned of
// records is learned anew where the differences to the table were forgotten.
func TestJSONOfManySchemas(t *testing.T) {
	table := tableOf(t, "id long required", "note string")
	table.Format = schema.JSONRegistryFormat
	texts := make([]string, 10_000)
	for i := range texts {
		texts[i] = `{"properties":{"id":{"title":"io.debezium.time.Date"}}}`
	}
	ids := newObjectIDs(t, texts...)
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	d := plan.Decoder()
	d.Schemas = ids
	var b batch.Batch
	for round := range 8 {
		var values [][]byte
		for i := range 10_000 {
			values = append(values, behindID(uint32(1+i), fmt.Appendf(nil, `{"id":%d,"note":"n","extra%d":1}`, i, (i+round*40)%300)))
		}
		raw := rawOf(values...)
		b.Reset(table, raw, 0, raw.Rows())
		d.Decode(&b)
		if len(b.Rejects) > 0 || len(b.Schemas) != 10_000 {
			t.Fatalf("%d schemas, %s", len(b.Schemas), b.Detail(b.Rejects[:min(1, len(b.Rejects))]))
		}
		extras := 0
		for _, change := range b.Drift {
			if change.Change == "extra" {
				extras++
			}
		}
		if extras != 256 {
			t.Fatalf("round %d: %d keys without a column are told", round, extras)
		}
	}
	if held := d.Bytes(); held > 16<<20 {
		t.Errorf("the decoder holds %d bytes", held)
	}
}

// TestJSONRegistryAllocates wants the decoding of records to cost no memory, once a batch is warm.
func TestJSONRegistryAllocates(t *testing.T) {
	table := cardTable()
	table.Format = schema.JSONRegistryFormat
	raw := rewritten(cardRaw(cardStyles[0], 2000), func(value []byte, row int) []byte { return behindID(uint32(1+row%2), value) })
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	d := plan.Decoder()
	d.Schemas = newObjectIDs(t, `{"properties":{"transaction_id":{"type":"integer"}}}`, `{"properties":{"amount":{"type":"number"}}}`)
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

// TestJSONSchemaDiffers compares what a schema says before any record comes with what becomes
// of records.
func TestJSONSchemaDiffers(t *testing.T) {
	samples := map[string][]string{
		`{"type":"integer"}`: {"1", "20779"}, `{"type":"number"}`: {"1", "1.5"}, `{"type":"string"}`: {`"x"`, `"1"`, `"AAEC"`, `"2026-11-22"`, `"true"`},
		`{"type":"boolean"}`: {"true"}, `{"type":"object"}`: {`{}`}, `{"type":"array"}`: {`[]`}, `{"type":"string","format":"date-time"}`: {`"2026-11-22T10:00:00Z"`}, `{}`: {"1", `"2026-11-22"`, "true", `"AAEC"`, "[]", "{}"},
	}
	for _, column := range []string{"int", "long", "decimal(18,2)", "double", "float", "string", "boolean", "date", "timestamp", "binary", "json", "timestamp unit=ms", "list<string>", "map<string,string>"} {
		table := tableOf(t, "a "+column)
		plan, err := conform.Compile(table)
		if err != nil {
			t.Fatal(err)
		}
		for typ, values := range samples {
			s, err := jsonschema.Parse(`{"properties":{"a":` + typ + `}}`)
			if err != nil {
				t.Fatal(err)
			}
			changes := []string{}
			for _, d := range plan.ObjectDifferences(s) {
				changes = append(changes, d.Change)
			}
			var raw [][]byte
			for _, v := range values {
				raw = append(raw, []byte(`{"a":`+v+`}`))
			}
			b := decodeAs(t, table, nil, rawOf(raw...))
			taken, widened := 0, false
			for _, f := range b.Fates[:b.Rows] {
				taken += btoi(f == batch.Written)
			}
			for _, d := range b.Drift {
				widened = widened || d.Change == "widen"
			}
			if column == "binary" && strings.Contains(typ, "format") {
				continue // it would be no base64, and that is not looked at
			}
			if mismatch := slices.Contains(changes, "mismatch"); mismatch != (taken == 0) {
				t.Errorf("%s into %s: %v, and %d of %d are taken", typ, column, changes, taken, len(values))
			}
			if typ == `{"type":"integer"}` && widened != slices.Contains(changes, "widen") {
				t.Errorf("%s into %s: %v, and drift %v", typ, column, changes, b.Drift)
			}
		}
	}
	table := tableOf(t, "id long required", "other long required", "name string also=title", "city string from=address.city", "zip long from=address.zip", "first string from=tags[0]", "sku long from=tags2[0].sku", "none string from=nothing.here")
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"properties":{"id":{"type":"integer"},"title":{"type":"string"},"address":{"properties":{"city":{"type":"string"},"zip":{"type":"string"}}},"tags":{"type":"array","items":{"type":"string"}},"tags2":{"items":{"type":"object","properties":{"sku":{"type":"boolean"}}}},"more":{"type":"boolean"}},"required":["id"]}`: "nullable other >long, alias name title>name, extra more boolean>, mismatch sku boolean>long, missing none >string, type zip string>long",
		`{"properties":{"id":{"type":["integer","null"]},"other":{"type":"string"},"address":{"type":"string"},"tags":{"type":"object"},"tags2":{}},"additionalProperties":false,"required":["id","other"]}`:                                                                                                                       "mismatch city string>string, mismatch first object>string, mismatch zip string>long, missing name >string, missing none >string, nullable id integer>long, type other string>long",
		`{"properties":{"name":{"type":"string"}},"additionalProperties":false}`: "missing city >string, missing first >string, missing id >long, missing none >string, missing other >long, missing sku >long, missing zip >long",
	} {
		s, err := jsonschema.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range plan.ObjectDifferences(s) {
			got = append(got, fmt.Sprintf("%s %s %s>%s", d.Change, d.Column, d.From, d.To))
		}
		slices.Sort(got)
		parts := strings.Split(want, ", ")
		slices.Sort(parts)
		if !slices.Equal(got, parts) {
			t.Errorf("%s\n got %q\nwant %q", text, got, parts)
		}
	}
	table.AddChange()
	if plan, err = conform.Compile(table); err != nil {
		t.Fatal(err)
	}
	s, _ := jsonschema.Parse(`{"properties":{"id":{}}}`)
	if d := plan.ObjectDifferences(s); len(d) != 1 || d[0].Change != "mismatch" {
		t.Errorf("what is no change event differs in %v", d)
	}
}

// FuzzJSONRegistry: whatever the bytes, the records around them are untouched, and short cuts
// change nothing.
func FuzzJSONRegistry(f *testing.F) {
	f.Add(behindID(1, good[0]))
	f.Add(behindID(2, good[1]))
	f.Add([]byte{0, 0, 0, 0})
	for _, c := range corpus(f) {
		if len(c.value) < 1<<10 {
			f.Add(behindID(1, c.value))
		}
	}
	table := corpusTable(f)
	table.Format = schema.JSONRegistryFormat
	plan, err := conform.Compile(table)
	if err != nil {
		f.Fatal(err)
	}
	ids := newObjectIDs(f, `{"properties":{"day":{"title":"io.debezium.time.Date"}}}`, `{"properties":{"amount":{"title":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2"}}}}`)
	f.Fuzz(func(t *testing.T, value []byte) {
		fine := behindID(1, good[0])
		raw := dirty(fine, [][]byte{fine, fine, fine, value, fine, value, fine})
		quick, general := plan.Decoder(), plan.PlainDecoder()
		quick.Schemas, general.Schemas = ids, ids
		var a, b batch.Batch
		a.Reset(table, raw, 0, raw.Rows())
		quick.Decode(&a)
		b.Reset(table, raw, 0, raw.Rows())
		general.Decode(&b)
		if got, want := decoded(&a), decoded(&b); !slices.Equal(got, want) {
			t.Fatalf("with short cuts %q, without %q", got, want)
		}
		for row := range a.Rows {
			if bytes.Equal(raw.Value(row), fine) && outcome(&a, row) != outcome(&a, 0) {
				t.Fatalf("row %d is %s", row, outcome(&a, row))
			}
		}
	})
}

// TestJSONForgets: where differences to the table are forgotten, to make room for others, so is what
// short cuts knew of them, also of a schema that has given way to many others since.
func TestJSONForgets(t *testing.T) {
	table := tableOf(t, "id long required")
	table.Format = schema.JSONRegistryFormat
	texts := make([]string, 1500)
	for i := range texts {
		texts[i] = `{"properties":{"id":{}}}`
	}
	for _, others := range []int{0, 1400} {
		ids := newObjectIDs(t, texts...)
		plan, err := conform.Compile(table)
		if err != nil {
			t.Fatal(err)
		}
		d := plan.Decoder()
		d.Schemas = ids
		var b batch.Batch
		tell := func(values ...[]byte) string {
			raw := &batch.Raw{}
			source := raw.Source(batch.Source{Topic: "t"})
			for i, v := range values {
				rec := batch.Record{Offset: int64(i), Value: v}
				if id := binary.BigEndian.Uint32(v[1:]); id > 3 { // in a header, which is not kept by its bytes
					rec.Value, rec.Headers = v[5:], []batch.Header{{Key: "id", Value: v[:5]}}
				}
				raw.Append(source, &rec)
			}
			b.Reset(table, raw, 0, raw.Rows())
			d.Decode(&b)
			out := ""
			for _, d := range b.Drift {
				out += fmt.Sprintf("%s %s ×%d ", d.Change, d.Column, d.Count)
			}
			return out
		}
		one, two := behindID(1, []byte(`{"id":1,"first":1}`)), behindID(2, []byte(`{"id":1,"second":1}`))
		learn := slices.Concat(slices.Repeat([][]byte{one}, 64), slices.Repeat([][]byte{two}, 64))
		if got := tell(learn...); got != "extra first ×64 extra second ×64 " {
			t.Fatal(got)
		}
		var many [][]byte
		for i := range others {
			many = append(many, behindID(uint32(4+i), []byte(`{"id":1}`)))
		}
		for i := range 256 {
			many = append(many, behindID(3, fmt.Appendf(nil, `{"id":1,"x%d":1}`, i)))
		}
		tell(many...)
		if got := tell(behindID(3, []byte(`{"id":1,"third":1}`)), two, one, two); got != "extra third ×1 extra second ×2 extra first ×1 " {
			t.Errorf("after %d other schemas: %s", others, got)
		}
	}
}
