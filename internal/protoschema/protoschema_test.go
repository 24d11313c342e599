package protoschema_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"tidemark/internal/protoschema"
)

const payment = `syntax = "proto3";
package bank.v1;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/type/date.proto";
import "confluent/type/decimal.proto";
import "confluent/meta.proto";
import "common/address.proto";
message Other { map<string, Other> of = 1; message Deep { message Deeper {} } message Second {} }
message Payment {
  option (confluent.message_meta).doc = "a payment";
  int64 id = 1;
  optional string note = 2 [(confluent.field_meta).tags = "PII"];
  google.protobuf.Timestamp at = 3;
  confluent.type.Decimal amount = 4;
  google.type.Date due = 5;
  repeated Line lines = 2000;
  map<int32, double> rates = 1024;
  oneof to { string iban = 8; Address address = 9; }
  Status status = 10;
  google.protobuf.StringValue memo = 11;
  message Line { string sku = 1; Payment parent = 2; common.Address where = 3; }
  enum Status { option allow_alias = true; UNKNOWN = 0; OPEN = 1; AKA_OPEN = 1; SHUT = 7; OLD = -1; }
}
message Address { string city = 1; }
`

const address = `syntax = "proto2"; package common; message Address { required string city = 1; optional int32 zip = 2 [default = 8000]; optional string land = 3 [default = "CH"];
  optional double x = 4 [default = inf]; optional bytes raw = 5 [default = "\001\002"]; optional sint32 s = 6 [default = -3]; optional bool b = 7 [default = true]; optional group Old = 8 { optional int32 q = 1; } }`

func parse(t *testing.T, text string, imports ...protoschema.Import) *protoschema.File {
	t.Helper()
	f, err := protoschema.Parse(text, imports...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestParse says what becomes of each part of the language.
func TestParse(t *testing.T) {
	f := parse(t, payment, protoschema.Import{Path: "common/address.proto", Text: address})
	m := f.Message(1)
	var got strings.Builder
	for i := range m.Fields {
		d := &m.Fields[i]
		fmt.Fprintf(&got, "%d %s %s presence %d oneof %d wire %d", d.Number, d.Name, d, d.Presence, d.Oneof, d.Wire())
		if d.Of != nil && d.Of.Known != 0 {
			fmt.Fprintf(&got, " known %d", d.Of.Known)
		}
		got.WriteString("\n")
		if at := m.Find(uint64(d.Number)); at != i {
			t.Errorf("field %s is found at %d, want %d", d.Name, at, i)
		}
	}
	want := `1 id int64 presence 0 oneof 0 wire 0
2 note string presence 1 oneof 0 wire 2
3 at google.protobuf.Timestamp presence 1 oneof 0 wire 2 known 1
4 amount confluent.type.Decimal presence 1 oneof 0 wire 2 known 10
5 due google.type.Date presence 1 oneof 0 wire 2 known 8
2000 lines repeated bank.v1.Payment.Line presence 0 oneof 0 wire 2
1024 rates map<int32, double> presence 0 oneof 0 wire 2
8 iban string presence 1 oneof 1 wire 2
9 address bank.v1.Address presence 1 oneof 1 wire 2
10 status enum presence 0 oneof 0 wire 0
11 memo google.protobuf.StringValue presence 1 oneof 0 wire 2 known 3
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", &got, want)
	}
	for _, n := range []uint64{0, 6, 7, 12, 1023, 1025, 1 << 28, 1<<64 - 1} {
		if at := m.Find(n); at != -1 {
			t.Errorf("field number %d is found at %d", n, at)
		}
	}
	if fmt.Sprint(m.Always) != "[0 5 6 9]" {
		t.Errorf("always in JSON: %v", m.Always)
	}
	status := m.Named("status").Enum
	for number, text := range map[int32]string{0: "UNKNOWN", 1: "OPEN", 7: "SHUT", -1: "OLD"} {
		if i := status.Find(number); i < 0 || status.Symbols[i].Text != text {
			t.Errorf("symbol %d is found at %d, want %s", number, i, text)
		}
	}
	if i := status.Find(2); i != -1 {
		t.Errorf("symbol 2 is found at %d", i)
	}
	line := m.Named("lines").Of
	if line.Named("parent").Of != m || line.Named("nobody") != nil {
		t.Error("a message is not the same where it is referred to")
	}
	where := line.Named("where").Of
	if where.Required != 1 || where.Fields[0].Must != 1 {
		t.Errorf("required: %+v", where.Fields[0])
	}
	for name, wire := range map[string]string{"zip": "\xc0\x3e", "land": "\x02CH", "x": "\x00\x00\x00\x00\x00\x00\xf0\x7f", "raw": "\x02\x01\x02", "s": "\x05", "b": "\x01"} {
		if d := where.Named(name); d.Presence != protoschema.Default || string(d.Default) != wire {
			t.Errorf("default of %s: %x, want %x", name, d.Default, wire)
		}
	}
	if g := where.Named("old"); g == nil || g.Wire() != 3 {
		t.Errorf("group: %+v", g)
	}
}

// TestCounts has the indexes of messages within one that has maps, as Java's serializers count
// them and as others do.
func TestCounts(t *testing.T) {
	f := parse(t, `syntax = "proto3"; message Top { map<string, int32> a = 1; message X { message Z {} } map<string, int32> b = 2; message Y {} } message Next {}`)
	for _, c := range []struct {
		indexes  []int
		m, other string
	}{
		{[]int{0}, "Top", ""}, {[]int{1}, "Next", ""}, {[]int{2}, "", ""},
		{[]int{0, 0}, "Top.X", ""},      // 0 is an entry elsewhere
		{[]int{0, 1}, "Top.Y", "Top.X"}, // 1 is another message elsewhere
		{[]int{0, 2}, "", ""},
		{[]int{0, 3}, "Top.Y", ""}, // 3 is none for Java
		{[]int{0, 0, 0}, "Top.X.Z", ""},
		{[]int{0, 1, 0}, "Top.X.Z", ""},
		{[]int{0, 4}, "", ""},
	} {
		m, other := f.Messages(c.indexes...)
		name := func(m *protoschema.Message) string {
			if m == nil {
				return ""
			}
			return m.Name
		}
		if name(m) != c.m || name(other) != c.other || (f.Message(c.indexes...) == nil) != (c.m == "" || c.other != "") {
			t.Errorf("%v: %q and %q, want %q and %q", c.indexes, name(m), name(other), c.m, c.other)
		}
	}
}

// TestMessages follows indexes, and finds messages by their short names.
func TestMessages(t *testing.T) {
	f := parse(t, payment, protoschema.Import{Path: "common/address.proto", Text: address})
	for name, indexes := range map[string][]int{
		"bank.v1.Other": {0}, "bank.v1.Other.Deep": {0, 0}, "bank.v1.Other.Second": {0, 2}, "bank.v1.Other.Deep.Deeper": {0, 0, 0}, "bank.v1.Payment.Line": {1, 0}, "bank.v1.Address": {2},
	} {
		m := f.Message(indexes...)
		if m == nil || m.Name != name || f.Message(indexes...) != m {
			t.Errorf("%v: %+v, want %s", indexes, m, name)
		}
	}
	for _, indexes := range [][]int{{}, {3}, {-1}, {0, 1}, {0, 3}, {1, 2}, {0, 0, 0, 0}} {
		if m := f.Message(indexes...); m != nil {
			t.Errorf("%v: %s", indexes, m.Name)
		}
	}
	if f.Named("Payment") != f.Message(1) || f.Named("Line") != nil || f.Named("bank.v1.Payment") != nil || f.Only() != nil {
		t.Error("messages are not found by their short names")
	}
	if one := parse(t, `syntax="proto3"; message A { message B {} }`); one.Only() != one.Message(0) {
		t.Error("the only message is not found")
	}
}

// TestGiven wants a known file to be taken from the registry where that has it, and a message
// to be taken for a known one by its fields, not by its name alone.
func TestGiven(t *testing.T) {
	text := `syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/descriptor.proto"; import public "more.proto";
		extend google.protobuf.FieldOptions { string note = 50000; } message M { google.protobuf.Timestamp at = 1 [(note) = "x"]; google.protobuf.Duration d = 2; other.Fine f = 3; }`
	for given, known := range map[string]protoschema.Known{
		`syntax = "proto3"; package google.protobuf; message Timestamp { int64 seconds = 1; int32 nanos = 2; }`: protoschema.Timestamp,
		`syntax = "proto3"; package google.protobuf; message Timestamp { string text = 1; }`:                    protoschema.Plain,
		`syntax = "proto3"; package google.protobuf; message Timestamp { int64 seconds = 1; int64 nanos = 2; }`: protoschema.Plain,
	} {
		f := parse(t, text, protoschema.Import{Path: "google/protobuf/timestamp.proto", Text: given},
			protoschema.Import{Path: "more.proto", Text: `syntax = "proto3"; package other; import public "google/protobuf/duration.proto"; message Fine {}`},
			protoschema.Import{Path: "nobody/needs.proto", Text: `syntax = "no such";`})
		if got := f.Message(0).Named("at").Of.Known; got != known {
			t.Errorf("%s: known %d, want %d", given, got, known)
		}
		if got := f.Message(0).Named("d").Of.Known; got != protoschema.Duration {
			t.Errorf("a Duration that comes by way of another file: known %d", got)
		}
	}
}

// TestRefused says what is not read, and that it costs little to say so.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		limit bool
		want  string
	}{
		"nothing":         {"", false, ""},
		"no file":         {"{}", false, "syntax error"},
		"an import":       {`import "a.proto";`, false, `a.proto`},
		"itself":          {`import "<schema>"; message M {}`, false, "cycle"},
		"a type":          {`syntax="proto3"; message M { Nobody n = 1; }`, false, "Nobody"},
		"two numbers":     {`syntax="proto3"; message M { int32 a = 1; int32 b = 1; }`, false, "same tag"},
		"length":          {"// " + strings.Repeat("x", protoschema.MaxText), true, "bytes"},
		"messages within": {`syntax="proto3";` + strings.Repeat("message M {", 5000) + strings.Repeat("}", 5000), true, "deep"},
		"lists within":    {`syntax="proto3"; option x = {a: ` + strings.Repeat("[", 100_000), true, "deep"},
		"angles":          {`syntax="proto3"; option x = {a ` + strings.Repeat("<", 100_000), true, "deep"},
		"words":           {`syntax="proto3"; message M {` + strings.Repeat("reserved 1;", 70_000) + "}", true, "words"},
		"fields":          {`syntax="proto3"; message M {` + many(10_001, "int32 f%d = %d;") + "}", true, "fields"},
		"symbols":         {`syntax="proto3"; enum E {` + many(10_001, "F%d = %d;") + "} message M { E e = 1; }", true, "symbols"},
	} {
		began, before := time.Now(), allocated()
		_, err := protoschema.Parse(c.text)
		took, got := time.Since(began), allocated()-before
		bad := (*protoschema.Error)(nil)
		if name == "nothing" {
			if err != nil {
				t.Errorf("an empty file: %v", err)
			}
			continue
		}
		if !errors.As(err, &bad) || bad.Limit != c.limit || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 500 {
			t.Errorf("%s: %v", name, err)
		}
		if took > 20*time.Second || got > 256<<20 {
			t.Errorf("%s: took %v and %d bytes", name, took, got)
		}
	}
	if _, err := protoschema.Parse(`syntax="proto3"; import "a"; import "b"; message M {}`,
		protoschema.Import{Path: "a", Text: "// " + strings.Repeat("x", protoschema.MaxText/2)}, protoschema.Import{Path: "b", Text: "// " + strings.Repeat("x", protoschema.MaxText/2)}); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("two halves and more: %v", err)
	}
	if _, err := protoschema.Parse(`syntax="proto3"; import "a"; message M {}`, protoschema.Import{Path: "a", Text: `syntax="proto3"; import "b";`}, protoschema.Import{Path: "b", Text: `syntax="proto3"; import "a";`}); err == nil || !strings.Contains(err.Error(), "cycle") {
		t.Errorf("two that import each other: %v", err)
	}
}

func many(n int, form string) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, form, i, i+1)
		if i == 0 {
			out.Reset()
			fmt.Fprintf(&out, form, i, 0)
			if strings.HasPrefix(form, "int32") {
				out.Reset()
			}
		}
	}
	return out.String()
}

// TestDear wants what a text within the limits takes to be bounded.
func TestDear(t *testing.T) {
	for name, text := range map[string]string{
		"fields":      `syntax="proto3"; message M {` + many(9_000, "int32 f%d = %d;") + "}",
		"chain":       `syntax="proto3";` + many(4_000, "message M%d { M%d n = 1; }") + "message M4000 {}",
		"reserved":    `syntax="proto3"; message M { reserved ` + strings.TrimSuffix(many(60_000, "%[2]d,"), ",") + "; }",
		"ranges":      `syntax="proto2"; message M { extensions ` + strings.TrimSuffix(many(60_000, "%[2]d,"), ",") + "; }",
		"aggregate":   `syntax="proto2"; import "google/protobuf/descriptor.proto"; message O { repeated int32 x = 1; } extend google.protobuf.MessageOptions { optional O o = 50000; } message M { option (o) = { x: [` + strings.Repeat("1,", 90_000) + `1] }; }`,
		"long names":  `syntax="proto3"; message ` + strings.Repeat("x", 900_000) + ` {}`,
		"long path":   `syntax="proto3"; message M { ` + strings.Repeat("x.", 90_000) + `x f = 1; }`,
		"text pieces": `syntax="proto2"; message M { optional string s = 1 [default = ` + strings.Repeat(`"a" `, 190_000) + `]; }`,
	} {
		began, before := time.Now(), allocated()
		_, err := protoschema.Parse(text)
		t.Logf("%s: %d bytes: %v, %d MiB allocated, %.80v", name, len(text), time.Since(began).Round(time.Millisecond), (allocated()-before)>>20, err)
		if took, got := time.Since(began), allocated()-before; took > 20*time.Second || got > 512<<20 {
			t.Errorf("%s: took %v and %d bytes", name, took, got)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// FuzzParse wants an answer and no panic, whatever the text.
func FuzzParse(f *testing.F) {
	f.Add(payment, address)
	f.Add(address, "")
	f.Add(`edition = "2023"; message M { int32 a = 1 [features.field_presence = IMPLICIT]; M m = 2 [features.message_encoding = DELIMITED]; }`, "")
	f.Add(`syntax="proto2"; message M { extensions 100 to max; } extend M { optional M x = 100; } message S { option message_set_wire_format = true; extensions 4 to max; }`, "")
	f.Fuzz(func(t *testing.T, text, other string) {
		one, err := protoschema.Parse(text, protoschema.Import{Path: "common/address.proto", Text: other})
		if bad := (*protoschema.Error)(nil); err != nil && !errors.As(err, &bad) {
			t.Fatal(err)
		}
		if err != nil && strings.Contains(err.Error(), "cannot deal") {
			t.Fatal("the compiler panics")
		}
		if err == nil {
			one.Message(0)
		}
	})
}
