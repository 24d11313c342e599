package rawfile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"
)

// avroSchema has each kind of type that both readers know.
const avroSchema = `{"type":"record","name":"r","namespace":"t","fields":[
	{"name":"id","type":"long"},
	{"name":"small","type":"int"},
	{"name":"ok","type":"boolean"},
	{"name":"rate","type":"double"},
	{"name":"ratio","type":"float"},
	{"name":"name","type":"string"},
	{"name":"raw","type":"bytes"},
	{"name":"maybe","type":["null","string"]},
	{"name":"many","type":["null","long","string",{"type":"array","items":"int"}]},
	{"name":"status","type":{"type":"enum","name":"status","symbols":["NEW","DONE"]}},
	{"name":"old","type":["null","status"]},
	{"name":"hash","type":{"type":"fixed","name":"hash","size":3}},
	{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":30,"scale":2}},
	{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
	{"name":"day","type":{"type":"int","logicalType":"date"}},
	{"name":"tags","type":{"type":"array","items":{"type":"array","items":"string"}}},
	{"name":"more","type":{"type":"map","values":["null","long"]}},
	{"name":"in","type":{"type":"record","name":"in","fields":[{"name":"a","type":"long"},{"name":"b","type":["null","hash"]}]}}
]}`

// avroRow makes up a row, as goavro takes it and as it should be read.
func avroRow(r *rand.Rand) (row, want map[string]any) {
	pick := func(from ...any) any { return from[r.IntN(len(from))] }
	number := func(x any) any { return json.Number(fmt.Sprint(x)) }
	id, small := pick(int64(math.MinInt64), int64(math.MaxInt64), r.Int64N(1000)).(int64), int32(r.Uint32())
	cents, at, day := r.Int64()-math.MaxInt64/2, r.Int64N(4e15)-2e15, r.Int64N(40000)-10000
	name := pick("", "Zürich", "a\"\\\n\x01", "payment").(string)
	rate, ratio := r.NormFloat64(), float32(r.NormFloat64())
	row = map[string]any{
		"id": id, "small": small, "ok": true, "rate": rate, "ratio": ratio,
		"name": name, "raw": []byte{1, 255, 0}, "maybe": nil, "many": nil, "status": "DONE", "old": nil, "hash": []byte("abc"),
		"amount": big.NewRat(cents, 100), "at": time.UnixMicro(at).UTC(), "day": time.Unix(day*86400, 0).UTC(),
		"tags": []any{}, "more": map[string]any{}, "in": map[string]any{"a": id, "b": nil},
	}
	want = map[string]any{
		"id": number(id), "small": number(small), "ok": true, "rate": number(fmt.Sprintf("%g", rate)), "ratio": number(fmt.Sprintf("%g", ratio)),
		"name": name, "raw": "Af8A", "maybe": nil, "many": nil, "status": "DONE", "old": nil, "hash": "YWJj",
		"amount": number(big.NewRat(cents, 100).FloatString(2)), "at": time.UnixMicro(at).UTC().Format(time.RFC3339Nano),
		"day": time.Unix(day*86400, 0).UTC().Format(time.DateOnly), "tags": []any{}, "more": map[string]any{}, "in": map[string]any{"a": number(id), "b": nil},
	}
	if r.IntN(2) == 0 {
		row["maybe"], want["maybe"] = goavro.Union("string", name), name
		row["old"], want["old"] = goavro.Union("t.status", "NEW"), "NEW"
		row["in"], want["in"] = map[string]any{"a": id, "b": goavro.Union("t.hash", []byte("\x00\x01\x02"))}, map[string]any{"a": number(id), "b": "AAEC"}
		row["tags"], want["tags"] = []any{[]any{"a", name}, []any{}}, []any{[]any{"a", name}, []any{}}
		row["more"], want["more"] = map[string]any{"k": goavro.Union("long", id), name: nil}, map[string]any{"k": number(id), name: nil}
	}
	switch r.IntN(4) {
	case 0:
		row["many"], want["many"] = goavro.Union("long", id), number(id)
	case 1:
		row["many"], want["many"] = goavro.Union("string", name), name
	case 2:
		row["many"], want["many"] = goavro.Union("array", []any{1, 2}), []any{number(1), number(2)}
	}
	return row, want
}

// TestAvroAgreesWithGoavro reads containers that goavro wrote.
func TestAvroAgreesWithGoavro(t *testing.T) {
	for _, codec := range []string{"null", "deflate", "snappy"} {
		r := rand.New(rand.NewPCG(1, 2))
		var file bytes.Buffer
		w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &file, Schema: avroSchema, CompressionName: codec})
		if err != nil {
			t.Fatal(err)
		}
		var want []map[string]any
		for range 50 {
			var rows []any
			for range r.IntN(40) + 1 {
				row, value := avroRow(r)
				rows, want = append(rows, row), append(want, value)
			}
			if err := w.Append(rows); err != nil {
				t.Fatal(err)
			}
		}
		got := read(t, write(t, "x.avro", file.String()), options())
		if got.err != nil || len(got.records) != len(want) {
			t.Fatalf("%s: %d rows of %d, %v", codec, len(got.records), len(want), got.err)
		}
		for i, rec := range got.records {
			d := json.NewDecoder(bytes.NewReader([]byte(rec.text)))
			d.UseNumber()
			var value map[string]any
			if err := d.Decode(&value); err != nil || rec.defect != "" {
				t.Fatalf("%s: %v, %q: %s", codec, err, rec.defect, rec.text)
			}
			if !reflect.DeepEqual(value, want[i]) {
				t.Fatalf("%s: row %d\ngot  %v\nwant %v", codec, i, value, want[i])
			}
		}
	}
}
