package conform_test

import (
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/protoschema"
	"tidemark/internal/schema"
)

// protoFile is a file of Protobuf: as we read it, and as its own runtime does.
type protoFile struct {
	*protoschema.File
	other protoreflect.FileDescriptor
}

// protoHead is in front of the files of tests.
const protoHead = `import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto";
import "google/protobuf/any.proto"; import "google/protobuf/empty.proto"; import "google/protobuf/field_mask.proto"; import "google/type/date.proto"; import "google/type/decimal.proto"; import "confluent/type/decimal.proto";
`

func mustProto(tb testing.TB, text string) protoFile {
	tb.Helper()
	f, err := protoschema.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(protocompile.CompositeResolver{
		&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{
			"t.proto":                      text,
			"google/type/date.proto":       `syntax = "proto3"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }`,
			"google/type/decimal.proto":    `syntax = "proto3"; package google.type; message Decimal { string value = 1; }`,
			"confluent/type/decimal.proto": `syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`,
		})},
	})}
	all, err := c.Compile(tb.Context(), "t.proto")
	if err != nil {
		tb.Fatal(err)
	}
	return protoFile{f, all[0]}
}

// record is the bytes of the file's first message, written by its own runtime.
func (f protoFile) record(tb testing.TB, text string) string {
	tb.Helper()
	m := dynamicpb.NewMessage(f.other.Messages().Get(0))
	o := prototext.UnmarshalOptions{AllowPartial: true, Resolver: dynamicpb.NewTypes(nil)}
	if err := o.Unmarshal([]byte(text), m); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	out, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// byIndex has the messages of a file by the number of the first one behind a zero.
type byIndex []*protoschema.Message

// Schema implements conform.Schemas.
func (s byIndex) Schema(value, _ []byte) conform.Written {
	if len(value) < 1 || int(value[0]) >= len(s) {
		return conform.Written{Reason: conform.ReasonWire}
	}
	return conform.Written{Message: s[value[0]], At: 1, Lasting: true}
}

// decodeProto decodes messages of a type, each with one byte in front.
func decodeProto(tb testing.TB, table *schema.Table, m *protoschema.Message, values ...string) (*batch.Batch, conform.Report) {
	tb.Helper()
	table.Format = schema.ProtobufRegistryFormat
	var raw [][]byte
	for _, v := range values {
		raw = append(raw, append([]byte{0}, v...))
	}
	d := newDecoder(tb, table)
	d.Schemas = byIndex{m}
	var b batch.Batch
	rows := rawOf(raw...)
	b.Reset(table, rows, 0, rows.Rows())
	return &b, d.Decode(&b)
}

// protoOutcome is what became of a row: ok and its values, or reasons with columns.
func protoOutcome(b *batch.Batch, row int) string {
	var out []string
	if b.Fates[row] == batch.Written {
		for c := range b.Columns {
			out = append(out, describe(b, c, row))
		}
		return "ok " + strings.Join(out, " ")
	}
	for _, r := range b.Rejects {
		if int(r.Row) == row {
			one := r.Reason
			if r.Column >= 0 {
				one += " " + b.Table.Columns[r.Column].Name
			}
			out = append(out, one)
		}
	}
	return strings.Join(out, ", ")
}

func tag(number protowire.Number, wire protowire.Type) string {
	return string(protowire.AppendTag(nil, number, wire))
}

func uvar(x uint64) string { return string(protowire.AppendVarint(nil, x)) }

func bytesOf(number protowire.Number, s string) string {
	return tag(number, 2) + uvar(uint64(len(s))) + s
}

// TestProto says what becomes of each type of a field, in columns that take it and in those
// that do not. What is in quotes is the text of a message; all else is its bytes.
func TestProto(t *testing.T) {
	for _, c := range []struct{ field, column, record, want, drift string }{
		// Whole numbers.
		{"int64 x = 1;", "long", "'x: -7'", "ok -7", ""},
		{"int64 x = 1;", "long", "''", "ok 0", ""},
		{"optional int64 x = 1;", "long", "''", "ok null", ""},
		{"optional int64 x = 1;", "long", "'x: 0'", "ok 0", ""},
		{"optional int64 x = 1;", "long required", "''", "required x", "nullable x int64>long @0"},
		{"int64 x = 1;", "long required", "''", "ok 0", ""},
		{"int32 x = 1;", "long", "'x: -2147483648'", "ok -2147483648", "widen x int32>long @0"},
		{"int32 x = 1;", "int", uvarField(1, 1<<32+5), "overflow x", ""},
		{"int32 x = 1;", "int", uvarField(1, 1<<32-1), "overflow x", ""},
		{"int32 x = 1;", "long", uvarField(1, 1<<32+5), "overflow x", "widen x int32>long @0"},
		{"sint32 x = 1;", "decimal(18,2)", uvarField(1, 1<<34), "overflow x", "widen x sint32>decimal(18,2) @0"},
		{"uint32 x = 1;", "long", uvarField(1, 1<<32), "overflow x", "widen x uint32>long @0"},
		{"int32 x = 1;", "double", uvarField(1, 1<<32), "overflow x", "widen x int32>double @0"},
		{"repeated int32 x = 1;", "json", uvarField(1, 1<<32), "overflow x", ""},
		{"int64 x = 1;", "int", "'x: 2147483648'", "overflow x", "narrow x int64>int @0"},
		{"uint64 x = 1;", "long", "'x: 18446744073709551615'", "overflow x", "narrow x uint64>long @0"},
		{"uint64 x = 1;", "long", "'x: 9223372036854775807'", "ok 9223372036854775807", "narrow x uint64>long @0"},
		{"fixed64 x = 1;", "long", "'x: 9223372036854775808'", "overflow x", "narrow x fixed64>long @0"},
		{"uint32 x = 1;", "long", "'x: 4294967295'", "ok 4294967295", "widen x uint32>long @0"},
		{"uint32 x = 1;", "int", "'x: 4294967295'", "overflow x", "narrow x uint32>int @0"},
		{"sint32 x = 1;", "int", "'x: -2147483648'", "ok -2147483648", ""},
		{"sint64 x = 1;", "long", "'x: -9223372036854775808'", "ok -9223372036854775808", ""},
		{"sfixed32 x = 1;", "int", "'x: -5'", "ok -5", ""},
		{"sfixed64 x = 1;", "long", "'x: -5'", "ok -5", ""},
		{"fixed32 x = 1;", "long", "'x: 4294967295'", "ok 4294967295", "widen x fixed32>long @0"},
		{"int64 x = 1;", "decimal(18,2)", "'x: 12'", "ok 1200", "widen x int64>decimal(18,2) @0"},
		{"int64 x = 1;", "decimal(18,2)", "'x: 10000000000000000'", "overflow x", "widen x int64>decimal(18,2) @0"},
		{"uint64 x = 1;", "double", "'x: 18446744073709551615'", "ok 1.8446744073709552e+19", "widen x uint64>double @0"},
		{"int64 x = 1;", "timestamp unit=ms", "'x: 1795342530123'", "ok 1795342530123000", ""},
		{"int64 x = 1;", "timestamp unit=ms", "''", "ok 0", ""},
		{"int64 x = 1;", "string", "'x: 1'", "schema_mismatch x", "mismatch x int64>string @0"},
		{"int64 x = 1;", "boolean", "'x: 1'", "schema_mismatch x", "mismatch x int64>boolean @0"},
		// Others.
		{"bool x = 1;", "boolean", "'x: true'", "ok 1", ""},
		{"bool x = 1;", "boolean", uvarField(1, 2), "ok 1", ""},
		{"double x = 1;", "double", "'x: 0.1'", "ok 0.1", ""},
		{"double x = 1;", "double", "''", "ok 0", ""},
		{"double x = 1;", "double", "'x: nan'", "syntax x", ""},
		{"float x = 1;", "double", "'x: inf'", "syntax x", "widen x float>double @0"},
		{"float x = 1;", "double", "'x: 0.5'", "ok 0.5", "widen x float>double @0"},
		{"float x = 1;", "float", "'x: 0.5'", "ok 0.5", ""},
		{"double x = 1;", "float", "'x: 1e300'", "overflow x", "narrow x double>float @0"},
		{"double x = 1;", "long", "'x: 12'", "ok 12", "narrow x double>long @0"},
		{"double x = 1;", "long", "''", "ok 0", "narrow x double>long @0"},
		{"double x = 1;", "decimal(18,2)", "'x: 12'", "schema_mismatch x", "mismatch x double>decimal(18,2) @0"},
		{"string x = 1;", "string", "'x: \"Zürich\"'", "ok Zürich", ""},
		{"string x = 1;", "string", "''", "ok ", ""},
		{"string x = 1;", "string", bytesOf(1, "a\xff"), "encoding x", ""},
		{"string x = 1;", "decimal(18,2)", "'x: \"12.50\"'", "ok 1250", "type x string>decimal(18,2) @0"},
		{"string x = 1;", "decimal(18,2)", "''", "type x", "type x string>decimal(18,2) @0"},
		{"string x = 1;", "timestamp", "'x: \"2026-11-22T10:15:30.123456Z\"'", "ok 1795342530123456", "type x string>timestamp @0"},
		{"string x = 1;", "binary", "'x: \"ab\"'", "ok ab", "widen x string>binary @0"},
		{"bytes x = 1;", "binary", "'x: \"\\xff\\x00\"'", "ok \xff\x00", ""},
		{"bytes x = 1;", "string", "'x: \"ab\"'", "ok ab", "widen x bytes>string @0"},
		{"bytes x = 1;", "string", "'x: \"\\xff\"'", "encoding x", "widen x bytes>string @0"},
		{"bytes x = 1;", "decimal(18,2)", "'x: \"1\"'", "schema_mismatch x", "mismatch x bytes>decimal(18,2) @0"},
		{"string x = 1;", "string", bytesOf(1, strings.Repeat("x", 1_000_000)), "limit x", ""},
		{"E x = 1;", "string", "'x: OPEN'", "ok OPEN", ""},
		{"E x = 1;", "string", "''", "ok NONE", ""},
		{"E x = 1;", "string", "'x: OLD'", "ok OLD", ""},
		{"E x = 1;", "string", uvarField(1, 9), "ok 9", ""},
		{"E x = 1;", "string", uvarField(1, 1<<40), "overflow x", ""},
		{"E x = 1;", "long", "'x: OPEN'", "schema_mismatch x", "mismatch x enum>long @0"},
		// Known messages.
		{"google.protobuf.Timestamp x = 1;", "timestamp", "'x {seconds: 1795342530 nanos: 123456000}'", "ok 1795342530123456", ""},
		{"google.protobuf.Timestamp x = 1;", "timestamp", "'x {}'", "ok 0", ""},
		{"google.protobuf.Timestamp x = 1;", "timestamp", "''", "ok null", ""},
		{"google.protobuf.Timestamp x = 1;", "timestamp", "'x {nanos: 1}'", "scale x", ""},
		{"google.protobuf.Timestamp x = 1;", "timestamp", "'x {nanos: -1000}'", "time x", ""},
		{"google.protobuf.Timestamp x = 1;", "timestamp", "'x {seconds: -62135596800}'", "ok -62135596800000000", ""},
		{"google.protobuf.Timestamp x = 1;", "timestamp", "'x {seconds: -62135596801}'", "time x", ""},
		{"google.protobuf.Timestamp x = 1;", "timestamp", "'x {seconds: 253402300799 nanos: 999999000}'", "ok 253402300799999999", ""},
		{"google.protobuf.Timestamp x = 1;", "timestamp", "'x {seconds: 253402300800}'", "time x", ""},
		{"google.protobuf.Timestamp x = 1;", "date", "'x {seconds: 86400}'", "ok 1", "narrow x google.protobuf.Timestamp>date @0"},
		{"google.protobuf.Timestamp x = 1;", "date", "'x {seconds: 86401}'", "scale x", "narrow x google.protobuf.Timestamp>date @0"},
		{"google.protobuf.Timestamp x = 1;", "string", "'x {seconds: 1795342530 nanos: 500000000}'", "ok 2026-11-22T10:15:30.500Z", "type x google.protobuf.Timestamp>string @0"},
		{"google.protobuf.Timestamp x = 1;", "long", "'x {seconds: 1}'", "schema_mismatch x", "mismatch x google.protobuf.Timestamp>long @0"},
		{"google.protobuf.Duration x = 1;", "string", "'x {seconds: -1 nanos: -500000000}'", "ok -1.500s", "type x google.protobuf.Duration>string @0"},
		{"google.protobuf.Duration x = 1;", "string", "'x {seconds: 1 nanos: -5}'", "time x", "type x google.protobuf.Duration>string @0"},
		{"google.protobuf.StringValue x = 1;", "string", "'x {value: \"a\"}'", "ok a", ""},
		{"google.protobuf.StringValue x = 1;", "string", "'x {}'", "ok ", ""},
		{"google.protobuf.StringValue x = 1;", "string", "''", "ok null", ""},
		{"google.protobuf.Int32Value x = 1;", "long", "'x {value: 5}'", "ok 5", "widen x int32>long @0"},
		{"google.protobuf.BoolValue x = 1;", "boolean required", "''", "required x", "nullable x google.protobuf.BoolValue>boolean @0"},
		{"google.type.Date x = 1;", "date", "'x {year: 2026 month: 11 day: 22}'", "ok 20779", ""},
		{"google.type.Date x = 1;", "date", "'x {year: 2026 month: 2 day: 30}'", "time x", ""},
		{"google.type.Date x = 1;", "date", "'x {year: 2026}'", "time x", ""},
		{"google.type.Date x = 1;", "timestamp", "'x {year: 1970 month: 1 day: 2}'", "ok 86400000000", "widen x google.type.Date>timestamp @0"},
		{"google.type.Date x = 1;", "string", "'x {year: 2026 month: 11 day: 22}'", "ok 2026-11-22", "type x google.type.Date>string @0"},
		{"google.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"+12.5\"}'", "ok 1250", ""},
		{"google.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"1e3\"}'", "ok 100000", ""},
		{"google.type.Decimal x = 1;", "decimal(18,2)", "'x {}'", "ok 0", ""},
		{"google.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"a\"}'", "type x", ""},
		{"google.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"0.005\"}'", "scale x", ""},
		{"confluent.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"\\x04\\xe2\" precision: 9 scale: 2}'", "ok 1250", ""},
		{"confluent.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"\\xfb\\x1e\" scale: 1}'", "ok -12500", ""},
		{"confluent.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"\\x04\\xe2\" precision: 3 scale: 2}'", "overflow x", ""},
		{"confluent.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"\\x04\\xe2\" scale: 2147483647}'", "overflow x", ""},
		{"confluent.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"\\x04\\xe2\" scale: 3}'", "ok 125", ""},
		{"confluent.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"\\x04\\xe3\" scale: 3}'", "scale x", ""},
		{"confluent.type.Decimal x = 1;", "decimal(18,2)", "'x {value: \"\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\" scale: 20}'", "scale x", ""},
		{"confluent.type.Decimal x = 1;", "decimal(18,2)", "'x {}'", "ok 0", ""},
		// The whole as JSON.
		{"In x = 1;", "json", "'x {a: 1 b: \"q\"}'", `ok {"a":"1","b":"q","c":[]}`, ""},
		{"In x = 1;", "json", "''", "ok null", ""},
		{"repeated int32 x = 1;", "json", "'x: [1, -2]'", "ok [1,-2]", ""},
		{"repeated int32 x = 1;", "json", "''", "ok []", ""},
		{"repeated int32 x = 1;", "json", uvarField(1, 1) + bytesOf(1, "") + bytesOf(1, "\x02\x03") + bytesOf(1, ""), "ok [1,2,3]", ""},
		{"repeated int32 x = 1;", "json", bytesOf(1, "") + uvarField(1, 1), "ok [1]", ""},
		{"repeated int32 x = 1;", "json", bytesOf(1, "\x02\x80"), "syntax", ""},
		{"repeated int32 x = 1 [packed = false];", "json", bytesOf(1, "\x02\x03"), "ok [2,3]", ""},
		{"map<string, int64> x = 1;", "json", "'x {key: \"k\" value: 2} x {key: \"l\"}'", `ok {"k":"2","l":"0"}`, ""},
		{"map<string, int64> x = 1;", "json", bytesOf(1, bytesOf(1, "k")+uvarField(2, 1)) + bytesOf(1, bytesOf(1, "k")+uvarField(2, 3)), `ok {"k":"3"}`, ""},
		{"map<string, int64> x = 1;", "json", bytesOf(1, uvarField(1, 5)+uvarField(2, 1)), `ok {"":"1"}`, ""}, // a key of another wire type
		{"map<string, In> x = 1;", "json", bytesOf(1, bytesOf(1, "k")), `ok {"k":{"a":"0","b":"","c":[]}}`, ""},
		{"map<bool, E> x = 1;", "json", "'x {key: true value: OPEN}'", `ok {"true":"OPEN"}`, ""},
		{"map<string, int64> x = 1;", "json", "''", "ok {}", ""},
		{"int64 x = 1;", "json", "'x: 5'", `ok "5"`, ""},
		{"int64 x = 1;", "json", "''", `ok "0"`, ""},
		{"string x = 1;", "json", "''", `ok ""`, ""},
		{"E x = 1;", "json", "''", `ok "NONE"`, ""},
		{"double x = 1;", "json", "'x: inf'", `ok "Infinity"`, ""},
		{"double x = 1;", "json", "'x: 1e-9'", `ok 1e-9`, ""},
		{"E x = 1;", "json", uvarField(1, 9), "ok 9", ""},
		{"bytes x = 1;", "json", "'x: \"\\xff\"'", `ok "/w=="`, ""},
		{"google.protobuf.Timestamp x = 1;", "json", "'x {nanos: 1}'", `ok "1970-01-01T00:00:00.000000001Z"`, ""},
		{"google.protobuf.Struct x = 1;", "json", "'x {fields {key: \"k\" value {list_value {values {null_value: NULL_VALUE} values {number_value: 1.5} values {bool_value: true} values {string_value: \"s\"} values {struct_value {}}}}}}'", `ok {"k":[null,1.5,true,"s",{}]}`, ""},
		{"google.protobuf.Value x = 1;", "json", "'x {null_value: NULL_VALUE}'", "ok null", ""},
		{"google.protobuf.Value x = 1;", "json", "'x {number_value: nan}'", "syntax x", ""},
		{"google.protobuf.Any x = 1;", "json", "'x {type_url: \"a/b\" value: \"\\x01\"}'", `ok {"type_url":"a/b","value":"AQ=="}`, ""},
		{"google.protobuf.Empty x = 1;", "json", "'x {}'", `ok {}`, ""},
		{"google.protobuf.FieldMask x = 1;", "json", "'x {paths: \"user.first_name\" paths: \"id\"}'", `ok "user.firstName,id"`, ""},
		{"google.protobuf.DoubleValue x = 1;", "json", "'x {value: 2}'", "ok 2", ""},
		{"In x = 1;", "json", bytesOf(1, "\x0a"), "syntax", ""},
		{"In x = 1;", "json", bytesOf(1, bytesOf(2, "\xff")), "encoding x", ""},
		{"Loop x = 1;", "json", looped(101), "limit", ""},
		{"Loop x = 1;", "json", looped(3), `ok {"in":{"in":{}}}`, ""},
		// Columns from within.
		{"In x = 1;", "long from=x.a", "'x {a: 4}'", "ok 4", ""},
		{"In x = 1;", "long from=x.a", "'x {}'", "ok 0", ""},
		{"In x = 1;", "long from=x.a", "''", "ok null", ""},
		{"In x = 1;", "long from=x.gone", "'x {a: 4}'", "ok ~0", "missing x >long @0"},
		{"In x = 1;", "string from=x.c[1]", "'x {c: [\"p\", \"q\"]}'", "ok q", ""},
		{"In x = 1;", "string from=x.c[2]", "'x {c: [\"p\", \"q\"]}'", "ok ~UNKNOWN", "missing x >string @0"},
		{"repeated In x = 1;", "string from=x[1].b", "'x {b: \"p\"} x {b: \"q\"}'", "ok q", ""},
		{"repeated In x = 1;", "string from=x[1].b", "'x {b: \"p\"}'", "ok ~UNKNOWN", "missing x >string @0"},
		{"repeated In x = 1;", "string from=x[0].b", bytesOf(1, "") + bytesOf(1, "\x08"), "syntax", ""},
		{"repeated int32 x = 1;", "int from=x[1]", bytesOf(1, "\x02") + bytesOf(1, "") + uvarField(1, 7), "ok 7", ""},
		{"map<string, In> x = 1;", "long from=x.k.a", "'x {key: \"k\" value {a: 4}}'", "ok 4", ""},
		{"map<string, In> x = 1;", "long from=x.k.a", bytesOf(1, bytesOf(1, "k")), "ok 0", ""},
		{"map<string, In> x = 1;", "long from=x.k.a", "'x {key: \"l\" value {a: 4}}'", "ok ~0", "missing x >long @0"},
		{"map<int32, string> x = 1;", "string from=x.7", "'x {key: 7 value: \"v\"}'", "ok v", ""},
		{"int64 x = 1;", "long from=x.a", "'x: 1'", "type x", ""},
		{"google.protobuf.Timestamp x = 1;", "long from=x.seconds", "'x {seconds: 1}'", "type x", ""},
		{"google.protobuf.Timestamp x = 1;", "long from=x.seconds", "''", "ok null", ""},
		{"In x = 1;", "long required from=x.a", "''", "required x", ""},
	} {
		for _, syntax := range []string{"proto3", "2023"} {
			head := `syntax = "proto3";`
			if syntax == "2023" {
				if strings.Contains(c.field, "optional") || strings.Contains(c.field, "packed") {
					continue
				}
				head = `edition = "2023"; option features.field_presence = IMPLICIT;`
			}
			f := mustProto(t, head+protoHead+"message M {"+c.field+"} message In { int64 a = 1; string b = 2; repeated string c = 3; } message Loop { Loop in = 1; } enum E { NONE = 0; OPEN = 1; OLD = -1; }")
			record := c.record
			if strings.HasPrefix(record, "'") {
				record = f.record(t, strings.Trim(record, "'"))
			}
			b, _ := decodeProto(t, tableOf(t, "x "+c.column), f.Message(0), record)
			if got := protoOutcome(b, 0); got != c.want {
				t.Errorf("%s: %s in %s, %.40q: got %.200s, want %s\n%s", syntax, c.field, c.column, c.record, got, c.want, b.Detail(b.Rejects))
			}
			if got := driftOf(b); got != c.drift {
				t.Errorf("%s: %s in %s: drift %s, want %s", syntax, c.field, c.column, got, c.drift)
			}
		}
	}
}

func uvarField(number protowire.Number, x uint64) string { return tag(number, 0) + uvar(x) }

// looped is a message in so many others.
func looped(n int) string {
	out := ""
	for range n {
		out = bytesOf(1, out)
	}
	return out
}

// TestProtoMerges has fields that come more than once, or in another form: what the runtime of
// Protobuf makes of them, the columns hold.
func TestProtoMerges(t *testing.T) {
	f := mustProto(t, `syntax = "proto3";`+protoHead+`message M { int64 a = 1; In in = 2; oneof o { string s = 3; In m = 4; int64 gone = 5; } google.protobuf.Timestamp at = 6; repeated In list = 7; }
		message In { int64 x = 1; string y = 2; In deep = 3; repeated int32 r = 4; oneof o { string s = 5; In m = 6; } }`)
	table := func() *schema.Table {
		return tableOf(t, "a long", "x long from=in.x", "y string from=in.y", "dy string from=in.deep.y", "s string", "mx long from=m.x", "m json", "at timestamp", "in json", "list json")
	}
	for name, c := range map[string]struct{ record, want string }{
		"the last scalar counts":         {uvarField(1, 1) + uvarField(1, 2), "ok 2 null null null null null null null null []"},
		"a bad one before it is nothing": {bytesOf(3, "\xff") + bytesOf(3, "ok"), "ok 0 null null null ok null null null null []"},
		"messages merge": {bytesOf(2, uvarField(1, 5)+bytesOf(3, bytesOf(2, "q"))+uvarField(4, 1)) + bytesOf(2, bytesOf(2, "b")+bytesOf(3, uvarField(1, 9))+uvarField(4, 2)),
			`ok 0 5 b q null null null null {"x":"5","y":"b","deep":{"x":"9","y":"q","r":[]},"r":[1,2]} []`},
		"three pieces":                      {bytesOf(2, uvarField(1, 5)) + bytesOf(2, uvarField(1, 6)) + bytesOf(2, bytesOf(2, "z")), `ok 0 6 z null null null null null {"x":"6","y":"z","r":[]} []`},
		"a time in two":                     {bytesOf(6, uvarField(1, 5)) + bytesOf(6, uvarField(2, 7000)), "ok 0 null null null null null null 5000007 null []"},
		"the last member of a oneof counts": {bytesOf(3, "s") + bytesOf(4, uvarField(1, 3)), `ok 0 null null null null 3 {"x":"3","y":"","r":[]} null null []`},
		"and back":                          {bytesOf(4, uvarField(1, 3)) + bytesOf(3, "s"), "ok 0 null null null s null null null null []"},
		"a member without a column":         {bytesOf(3, "s") + uvarField(5, 1), "ok 0 null null null null null null null null []"},
		"a message anew after another":      {bytesOf(4, uvarField(1, 3)) + bytesOf(3, "s") + bytesOf(4, bytesOf(2, "y")), `ok 0 null null null null 0 {"x":"0","y":"y","r":[]} null null []`},
		"the same within a text": {bytesOf(2, bytesOf(3, uvarField(1, 1)+bytesOf(6, uvarField(1, 3))+bytesOf(5, "s")+bytesOf(6, bytesOf(2, "y")))),
			`ok 0 0   null null null null {"x":"0","y":"","deep":{"x":"1","y":"","r":[],"m":{"x":"0","y":"y","r":[]}},"r":[]} []`},
		"a member in two pieces":  {bytesOf(4, uvarField(1, 3)) + bytesOf(4, bytesOf(2, "y")), `ok 0 null null null null 3 {"x":"3","y":"y","r":[]} null null []`},
		"fields out of order":     {bytesOf(7, "") + uvarField(1, 4) + bytesOf(7, uvarField(1, 1)), `ok 4 null null null null null null null null [{"x":"0","y":"","r":[]},{"x":"1","y":"","r":[]}]`},
		"a long form of a tag":    {"\x88\x80\x00\x07", "ok 7 null null null null null null null null []"},
		"a long form of a number": {"\x08\x87\x80\x80\x80\x80\x80\x80\x80\x80\x00", "ok 7 null null null null null null null null []"},
		"another wire type":       {tag(1, 5) + "\x07\x00\x00\x00", "ok 0 null null null null null null null null []"},
		"a field nobody knows":    {bytesOf(99, "xyz") + uvarField(1, 1) + tag(77, 3) + uvarField(1, 1) + tag(77, 4), "ok 1 null null null null null null null null []"},
	} {
		b, _ := decodeProto(t, table(), f.Message(0), c.record, "", c.record)
		for _, row := range []int{0, 2} {
			if got := protoOutcome(b, row); got != c.want {
				t.Errorf("%s: row %d: got %s, want %s", name, row, got, c.want)
			}
		}
		if got, want := protoOutcome(b, 1), "ok 0 null null null null null null null null []"; got != want {
			t.Errorf("%s: an empty one: got %s", name, got)
		}
		m := dynamicpb.NewMessage(f.other.Messages().Get(0))
		if err := proto.Unmarshal([]byte(c.record), m); err != nil && !strings.Contains(c.record, "\xff") {
			t.Errorf("%s: its own runtime: %v", name, err)
		}
	}
	b, _ := decodeProto(t, table(), f.Message(0), bytesOf(99, "x")+bytesOf(99, "x"), bytesOf(99, "y")+tag(1, 5)+"abcd")
	if got, want := driftOf(b), "extra gone int64> @0, extra M field 99 bytes> @0, extra M field 1 fixed32> @1"; got != want {
		t.Errorf("drift %s, want %s", got, want)
	}
}
