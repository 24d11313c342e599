package conform_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"tidemark/conform"
	"tidemark/internal/schema"
)

// TestProtoBad has what no message is.
func TestProtoBad(t *testing.T) {
	f := mustProto(t, `syntax = "proto2";`+protoHead+`message M { optional int64 a = 1; optional string s = 2; optional In dropped = 3; repeated int32 r = 4; optional fixed32 f = 5; repeated fixed64 l = 6; optional group Old = 7 { optional int64 q = 1; } }
		message In { required int64 must = 1; optional In in = 2; }
		message Pick { oneof o { In in = 1; string s = 2; Pick pick = 3; } optional Pick whole = 4; }
		message Must { required string a = 1; optional int64 z = 2 [default = 7]; optional string t = 3 [default = "CH"]; optional double d = 4 [default = -1.5]; }`)
	for name, c := range map[string]struct{ record, want string }{
		"nothing":                      {"", "ok null null"},
		"field number 0":               {"\x00\x00", "syntax"},
		"field number 0, in long":      {"\x80\x00\x00", "syntax"},
		"field number 2^29":            {uvar(1<<32) + "\x00", "syntax"},
		"a tag of 64 bits":             {uvar(1<<64-1) + "\x00", "syntax"},
		"a tag without end":            {strings.Repeat("\xff", 11), "syntax"},
		"wire type 6":                  {"\x0e\x00", "syntax"},
		"wire type 7":                  {"\x0f\x00", "syntax"},
		"the end of no group":          {tag(1, 4), "syntax"},
		"a group that is not closed":   {tag(9, 3) + uvarField(1, 1), "syntax"},
		"the end of another group":     {tag(9, 3) + tag(8, 4), "syntax"},
		"groups 99 deep":               {strings.Repeat(tag(9, 3), 99) + strings.Repeat(tag(9, 4), 99), "ok null null"},
		"groups 101 deep":              {strings.Repeat(tag(9, 3), 101) + strings.Repeat(tag(9, 4), 101), "limit"},
		"groups a million deep":        {strings.Repeat(tag(9, 3), 1_000_000), "limit"},
		"a number without end":         {"\x08" + strings.Repeat("\xff", 10), "syntax"},
		"a number of 65 bits":          {"\x08" + strings.Repeat("\xff", 9) + "\x02", "syntax"},
		"a number cut":                 {"\x08\xff", "syntax"},
		"a tag cut":                    {"\x88", "syntax"},
		"no value":                     {"\x08", "syntax"},
		"text cut":                     {"\x12\x05abc", "syntax"},
		"text of 2^62 bytes":           {"\x12" + uvar(1<<62), "syntax"},
		"text of 2^64-1 bytes":         {"\x12" + uvar(1<<64-1), "syntax"},
		"four bytes cut":               {tag(5, 5) + "abc", "syntax"},
		"eight bytes cut":              {tag(9, 1) + "abcdefg", "syntax"},
		"within a dropped field":       {bytesOf(3, "\x08"), "syntax"},
		"deep within a dropped field":  {bytesOf(3, uvarField(1, 1)+bytesOf(2, uvarField(1, 1)+"\x0f")), "syntax"},
		"a dropped one lacks a field":  {bytesOf(3, ""), "syntax"},
		"a dropped one has all":        {bytesOf(3, uvarField(1, 1)), "ok null null"},
		"dropped packed values cut":    {bytesOf(4, "\x80"), "syntax"},
		"dropped packed values odd":    {bytesOf(6, "123456789"), "syntax"},
		"dropped packed values":        {bytesOf(6, "12345678"), "ok null null"},
		"a dropped group":              {tag(7, 3) + uvarField(1, 1) + tag(7, 4), "ok null null"},
		"a dropped group with a cut":   {tag(7, 3) + "\x08", "syntax"},
		"dropped messages 3,000 deep":  {dropped(3000), "limit"},
		"two that do not fit, one bad": {bytesOf(2, "\xff") + "\x0e", "syntax"},
	} {
		table := tableOf(t, "a long", "s string")
		good := f.record(t, `a: 5 s: "x"`)
		b, _ := decodeProto(t, table, f.Message(0), good, c.record, good)
		if got := protoOutcome(b, 1); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		if protoOutcome(b, 0) != "ok 5 x" || protoOutcome(b, 2) != "ok 5 x" {
			t.Errorf("%s: its neighbours are %s and %s", name, protoOutcome(b, 0), protoOutcome(b, 2))
		}
		m := dynamicpb.NewMessage(f.other.Messages().Get(0))
		if err := proto.Unmarshal([]byte(c.record), m); (err == nil) != (strings.HasPrefix(c.want, "ok")) && c.want != "limit" {
			t.Errorf("%s: %s, and its own runtime says %v", name, c.want, err)
		}
	}
	for record, want := range map[string]string{"": "ok null", bytesOf(3, ""): "syntax", bytesOf(3, uvarField(1, 1)): `ok {"must":"1"}`, bytesOf(3, uvarField(1, 1)+bytesOf(2, "")): "syntax"} {
		b, _ := decodeProto(t, tableOf(t, "dropped json"), f.Message(0), record)
		if got := protoOutcome(b, 0); got != want {
			t.Errorf("%q as JSON: got %s, want %s", record, got, want)
		}
	}
	// What a oneof unsets is looked at all the same.
	for record, want := range map[string]string{
		bytesOf(1, uvarField(1, 1)) + bytesOf(2, "s"):                          "ok s null null",
		bytesOf(1, "") + bytesOf(2, "s"):                                       "ok s null null",
		bytesOf(1, uvarField(1, 1)) + bytesOf(1, "\x08") + bytesOf(2, "s"):     "syntax",
		bytesOf(3, bytesOf(1, "\x08")+bytesOf(2, "s")):                         "syntax",
		bytesOf(3, bytesOf(1, uvarField(1, 1))+bytesOf(2, "s")):                `ok null null null`,
		bytesOf(4, bytesOf(1, "\x08")+bytesOf(2, "s")):                         "syntax",
		bytesOf(4, bytesOf(1, uvarField(1, 1))+bytesOf(2, "s")):                `ok null null {"s":"s"}`,
		bytesOf(4, bytesOf(1, uvarField(1, 1))+bytesOf(2, "s")+bytesOf(1, "")): "syntax",
	} {
		b, _ := decodeProto(t, tableOf(t, "s string", "m long from=in.must", "whole json"), f.Message(2), record)
		if got := protoOutcome(b, 0); got != want {
			t.Errorf("%q: got %s, want %s", record, got, want)
		}
		m := dynamicpb.NewMessage(f.other.Messages().Get(2))
		if err := proto.Unmarshal([]byte(record), m); (err == nil) != strings.HasPrefix(want, "ok") {
			t.Errorf("%q: %s, and its own runtime says %v", record, want, err)
		}
	}
	table := tableOf(t, "a string", "z long", "t string", "d double")
	b, _ := decodeProto(t, table, f.Message(3), bytesOf(1, "x"), "", bytesOf(1, "y")+uvarField(2, 0)+bytesOf(3, "")+bytesOf(4, ""))
	for row, want := range []string{"ok x 7 CH -1.5", "syntax", "ok y 0  -1.5"} {
		if got := protoOutcome(b, row); got != want {
			t.Errorf("proto2, row %d: got %s, want %s", row, got, want)
		}
	}
}

func dropped(n int) string {
	out := ""
	for range n {
		out = uvarField(1, 1) + bytesOf(2, out)
	}
	return bytesOf(3, out)
}

// TestProtoEvolution says what the table's policies make of a schema that differs.
func TestProtoEvolution(t *testing.T) {
	f := mustProto(t, `syntax = "proto3"; message M { int32 id = 1; string state = 2; string more = 3; optional string note = 9; }`)
	columns := []string{"id long", "status string also=state", "gone int"}
	record := f.record(t, `id: 5 state: "OPEN"`)
	b, _ := decodeProto(t, tableOf(t, columns...), f.Message(0), record, record)
	if got, want := driftOf(b), "widen id int32>long @0, alias status state>status @0, extra more string> @0, extra note string> @0, missing gone >int @0"; got != want {
		t.Errorf("drift %s\nwant  %s", got, want)
	}
	if got, want := protoOutcome(b, 1), "ok 5 OPEN ~0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	plan, err := conform.Compile(tableOf(t, columns...))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range plan.MessageDifferences(f.Message(0)) {
		all = append(all, d.Change+" "+d.Column)
	}
	if got, want := strings.Join(all, ", "), "widen id, alias status, extra more, extra note, missing gone"; got != want {
		t.Errorf("differences %s, want %s", got, want)
	}
	for policy, want := range map[string]string{"extra": "extra, ok 5 OPEN ~0", "widen": "widen id", "missing": "missing gone"} {
		for _, action := range []schema.Action{schema.Quarantine, schema.Halt} {
			table := tableOf(t, columns...)
			switch policy {
			case "extra":
				table.Evolution.Extra, want = action, "extra"
			case "widen":
				table.Evolution.Widen = action
			case "missing":
				table.Evolution.Missing = action
			}
			for _, absent := range []string{"", record} { // an absent number is the number 0
				b, _ := decodeProto(t, table, f.Message(0), absent)
				if got := protoOutcome(b, 0); policy == "widen" && got != want {
					t.Errorf("%s, %q: got %s", policy, absent, got)
				}
			}
			b, report := decodeProto(t, table, f.Message(0), record)
			if got := protoOutcome(b, 0); got != want || (report.Halt != "") != (action == schema.Halt) {
				t.Errorf("%s: got %s, halt %q, want %s", policy, got, report.Halt, want)
			}
		}
	}
}

// TestProtoJSON compares the text of a whole message with its own runtime's.
func TestProtoJSON(t *testing.T) {
	f := mustProto(t, `syntax = "proto3";`+protoHead+`message M { M whole = 1; int32 a = 2; repeated double b = 3; map<string, M> c = 4; oneof o { string s = 5; M m = 6; } optional bool p = 7; google.protobuf.Value v = 8; uint64 u = 20; bytes raw = 5000; E e = 9; enum E { A = 0; B = 2; }}`)
	for _, text := range []string{
		`whole {}`, `whole { a: -1 b: [1, 2.5, -0, 1e300] s: "\"\n" p: false }`, `whole { m { m { e: B } } c { key: "x" value { c { key: "" value { a: 1 } } } } v { struct_value { fields { key: "q" value { number_value: 1 } } } } }`,
		`whole { u: 18446744073709551615 raw: "\x00\xfe" e: 7 }`,
	} {
		record := f.record(t, text)
		b, _ := decodeProto(t, tableOf(t, "whole json"), f.Message(0), record)
		m := dynamicpb.NewMessage(f.other.Messages().Get(0))
		if err := proto.Unmarshal([]byte(record), m); err != nil {
			t.Fatal(err)
		}
		want, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m.Get(f.other.Messages().Get(0).Fields().ByName("whole")).Message().Interface())
		if err != nil {
			t.Fatal(err)
		}
		if got := describe(b, 0, 0); sortedJSON(t, got) != sortedJSON(t, string(want)) {
			t.Errorf("%s: got  %s\nwant %s", text, got, want)
		}
	}
}

// TestProtoTexts wants texts of all lengths and of many values to be found again.
func TestProtoTexts(t *testing.T) {
	f := mustProto(t, `syntax = "proto3"; message M { string s = 1; }`)
	var values []string
	var want []string
	for n := range 200 {
		s := strings.Repeat("é", n%7) + strings.Repeat("x", n%40) + fmt.Sprint(n%13)
		values, want = append(values, bytesOf(1, s)), append(want, "ok "+s)
	}
	b, _ := decodeProto(t, tableOf(t, "s string"), f.Message(0), values...)
	for row := range want {
		if got := protoOutcome(b, row); got != want[row] {
			t.Errorf("row %d: got %q, want %q", row, got, want[row])
		}
	}
}
