package infer_test

import (
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/infer"
	"tidemark/internal/protoschema"
	"tidemark/internal/schema"
)

func tableOf(t *testing.T, r *infer.Result) *conform.Plan {
	t.Helper()
	plan, err := conform.Compile(&schema.Table{
		Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), Columns: r.Pasted(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestWritten wants the columns of a schema to differ from it in nothing, but where no column
// has room for all that a type holds.
func TestWritten(t *testing.T) {
	var fields []string
	for _, typ := range []string{
		`"boolean"`, `"int"`, `"long"`, `"float"`, `"double"`, `"bytes"`, `"string"`, `["null","long"]`, `["string","null"]`,
		`{"type":"enum","name":"e","symbols":["A"]}`, `{"type":"fixed","name":"f","size":4}`, `{"type":"array","items":"long"}`, `{"type":"map","values":"long"}`,
		`{"type":"record","name":"r","fields":[{"name":"x","type":"int"}]}`, `["long","string"]`, `["null","long","string"]`,
		`["null",{"type":"array","items":["null",{"type":"record","name":"r2","fields":[{"name":"x","type":["null","int"]},{"name":"m","type":{"type":"map","values":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}}]}]}]`,
		`{"type":"array","items":["long","string"]}`, `{"type":"record","name":"r3","fields":[{"name":"y","type":"null"}]}`,
		`{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}`, `{"type":"fixed","name":"d","size":8,"logicalType":"decimal","precision":9,"scale":0}`,
		`{"type":"int","logicalType":"date"}`, `{"type":"long","logicalType":"timestamp-millis"}`, `{"type":"long","logicalType":"timestamp-micros"}`,
		`{"type":"long","logicalType":"local-timestamp-micros"}`, `{"type":"string","logicalType":"uuid"}`, `{"type":"fixed","name":"u","size":12,"logicalType":"duration"}`,
	} {
		fields = append(fields, `{"name":"`+string(rune('a'+len(fields)))+`1","type":`+typ+`}`)
	}
	schemaOf := func(fields ...string) *avroschema.Schema {
		s, err := avroschema.Parse([]byte(`{"type":"record","name":"x","fields":[` + strings.Join(fields, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := schemaOf(fields...)
	if d := tableOf(t, infer.Avro(s)).Differences(s); len(d) > 0 {
		t.Errorf("avro: %+v", d)
	}
	for typ, want := range map[string]string{
		`{"type":"bytes","logicalType":"decimal","precision":30,"scale":4}`:  "narrow",
		`{"type":"long","logicalType":"timestamp-nanos"}`:                    "narrow",
		`{"type":"int","logicalType":"time-millis"}`:                         "type",
		`{"type":"bytes","logicalType":"decimal","precision":38,"scale":20}`: "",
		`"null"`: "extra",
	} {
		s := schemaOf(`{"name":"a","type":`+typ+`}`, `{"name":"b","type":"int"}`)
		r := infer.Avro(s)
		got := ""
		for _, d := range tableOf(t, r).Differences(s) {
			got += d.Change
		}
		if got != want || r.Columns[0].Remark == "" {
			t.Errorf("%s: got %q, want %q; %q", typ, got, want, r.Columns[0].Remark)
		}
	}
	f, err := protoschema.Parse(`syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
		enum E { Z = 0; } message N { int32 x = 1; }
		message M { bool a = 1; int32 b = 2; int64 c = 3; float d = 4; double e = 5; string f = 6; bytes g = 7; E h = 8; N i = 9; repeated N j = 10;
			map<string, int64> k = 11; google.protobuf.Timestamp l = 12; google.protobuf.Int64Value m = 13; uint32 n = 14; optional sint64 o = 15; }`)
	if err != nil {
		t.Fatal(err)
	}
	m := f.Message(1)
	for _, d := range tableOf(t, infer.Message(m)).MessageDifferences(m) {
		if d.Change != "widen" { // uint32 into long
			t.Errorf("protobuf: %+v", d)
		}
	}
}

// TestMessageNested: what is repeated, maps and messages are lists, maps and structs, as far as
// columns go.
func TestMessageNested(t *testing.T) {
	f, err := protoschema.Parse(`syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/duration.proto";
		message In { int32 x = 1; repeated string tags = 2; google.protobuf.Int64Value n = 3; } message Loop { Loop in = 1; } message None {}
		message M { repeated int64 a = 1; map<string, double> b = 2; map<int32, In> c = 3; In d = 4; repeated In e = 5; repeated Loop f = 6; None g = 7;
			repeated google.protobuf.Timestamp h = 8; google.protobuf.StringValue i = 9; google.protobuf.Struct j = 10; google.protobuf.Duration k = 11; map<string, google.protobuf.Value> l = 12; }`)
	if err != nil {
		t.Fatal(err)
	}
	m := f.Named("M")
	r := infer.Message(m)
	want := []string{"list<long>", "map<string,double>", "map<string,struct<x:int,tags:list<string>,n:long>>", "struct<x:int,tags:list<string>,n:long>", "list<struct<x:int,tags:list<string>,n:long>>", "json", "json",
		"list<timestamp>", "string", "json", "json", "map<string,json>"}
	for i, c := range r.Columns {
		if c.Type.String() != want[i] || c.Remark == "" && c.Type.Kind != schema.String {
			t.Errorf("%s: got %s, %q, want %s", c.Name, c.Type, c.Remark, want[i])
		}
	}
	if d := tableOf(t, r).MessageDifferences(m); len(d) > 0 {
		t.Errorf("%+v", d)
	}
}

// TestUnwrap takes records out of what is put around them.
func TestUnwrap(t *testing.T) {
	for value, want := range map[string][2]string{
		`{"id":1}`:                                                                    {`{"id":1}`, ""},
		`{"schema":{},"payload":{"id":1}}`:                                            {`{"id":1}`, "connect-json"},
		`{"schema":null,"payload":1,"x":2}`:                                           {`{"schema":null,"payload":1,"x":2}`, ""},
		`{"before":null,"after":{"id":1},"op":"c","ts_ms":1}`:                         {`{"id":1}`, "json with debezium: true"},
		`{"before":{"id":2},"after":null,"op":"d","ts_ms":1}`:                         {`{"id":2}`, "json with debezium: true"},
		`{"schema":{},"payload":{"before":null,"after":{"id":1},"op":"c","ts_ms":1}}`: {`{"id":1}`, "connect-json with debezium: true"},
		`{"before":null,"after":"{\"_id\":{\"$oid\":\"a\"}}","op":"c","ts_ms":1}`:     {`{"_id":"a"}`, "json with debezium: true"},
		`{"op":"c","ts_ms":1}`:                                                        {`{"op":"c","ts_ms":1}`, ""},
		`{`:                                                                           {`{`, ""},
		``:                                                                            {``, ""},
	} {
		if got, kind := infer.Unwrap([]byte(value)); string(got) != want[0] || kind != want[1] {
			t.Errorf("%s: got %s, %q", value, got, kind)
		}
	}
}

// TestWrittenNested: arrays, maps and records of Avro are lists, maps and structs, as far as
// columns go.
func TestWrittenNested(t *testing.T) {
	wide := ""
	for i := range 65 {
		wide += `,{"name":"f` + strings.Repeat("x", i) + `","type":"int"}`
	}
	for typ, want := range map[string]string{
		`{"type":"array","items":"long"}`:                    "list<long>",
		`["null",{"type":"map","values":["null","string"]}]`: "map<string,string>",
		`{"type":"array","items":["null","int","string"]}`:   "list<json>",
		`{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"b","type":{"type":"array","items":"string"}}]}`: "struct<a:int,b:list<string>>",
		`{"type":"array","items":{"type":"array","items":{"type":"array","items":{"type":"array","items":"int"}}}}`:               "json",
		`{"type":"record","name":"r","fields":[` + wide[1:] + `]}`:                                                                "json",
		`{"type":"record","name":"r","fields":[]}`:                                                                                "json",
	} {
		s, err := avroschema.Parse([]byte(`{"type":"record","name":"x","fields":[{"name":"a","type":` + typ + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		r := infer.Avro(s)
		if got := r.Columns[0]; got.Type.String() != want || got.Remark == "" {
			t.Errorf("%s: got %s, %q, want %s", typ, got.Type, got.Remark, want)
		}
		if d := tableOf(t, r).Differences(s); len(d) > 0 {
			t.Errorf("%s: %+v", typ, d)
		}
	}
}
