package conform_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// nestedProtoMaker makes up messages beside nested types.
type nestedProtoMaker struct {
	r        *rand.Rand
	messages []string
}

// types are the types of fields that become one of a column.
func (m *nestedProtoMaker) scalar(t schema.Type) string {
	switch t.Kind {
	case schema.Int:
		return pickOf(m.r, "int32", "sint32", "sfixed32")
	case schema.Long:
		return pickOf(m.r, "int64", "sint64", "sfixed64", "uint32", "fixed32", "google.protobuf.Int64Value")
	case schema.Double:
		return pickOf(m.r, "double", "google.protobuf.DoubleValue")
	case schema.Boolean:
		return pickOf(m.r, "bool", "google.protobuf.BoolValue")
	case schema.Binary:
		return "bytes"
	case schema.Timestamp:
		return "google.protobuf.Timestamp"
	}
	return pickOf(m.r, "string", "string", "E", "google.protobuf.StringValue", "google.protobuf.Duration")
}

// single is the type of a field that is neither repeated nor a map.
func (m *nestedProtoMaker) single(t schema.Type) string {
	if t.Kind == schema.Struct {
		return m.message(t.Of)
	}
	return m.scalar(t)
}

// field makes up a field of a number.
func (m *nestedProtoMaker) field(t schema.Type, name string, number int) string {
	var label, rest, typ string
	switch t.Kind {
	case schema.List:
		label, typ = "repeated ", m.single(t.Of[0].Type)
		if slices.Contains([]string{"int32", "sint64", "double", "bool", "sfixed32", "int64"}, typ) {
			rest = pickOf(m.r, "", " [packed = true]", " [packed = false]")
		}
	case schema.Map:
		typ = "map<" + pickOf(m.r, "string", "string", "int32", "bool") + ", " + m.single(t.Of[1].Type) + ">"
	default:
		typ = m.single(t)
		label = pickOf(m.r, "", "", "optional ")
	}
	return fmt.Sprintf("  %s%s %s = %d%s;\n", label, typ, name, number, rest)
}

// message makes up a message, some of whose fields no struct has and the other way round.
func (m *nestedProtoMaker) message(fields []schema.Inner) string {
	var out strings.Builder
	name := fmt.Sprintf("T%d", len(m.messages))
	m.messages = append(m.messages, "")
	at := len(m.messages) - 1
	for i, f := range fields {
		if f.Name == "n" || f.Name == "x" || m.r.IntN(5) > 0 {
			out.WriteString(m.field(f.Type, f.Name, 1+3*i+m.r.IntN(2)))
		}
		if m.r.IntN(5) == 0 {
			fmt.Fprintf(&out, "  %s extra%d = %d;\n", pickOf(m.r, "int64", "repeated string", "T0"), i, 3+3*i)
		}
	}
	m.messages[at] = "message " + name + " {\n" + out.String() + "}\n"
	return name
}

// randomProtoType makes up a nested type that fields of Protobuf have.
func randomProtoType(r *rand.Rand, depth int, within bool) string {
	scalar := func() string {
		return pickOf(r, "int", "long", "double", "boolean", "timestamp", "binary", "string", "string")
	}
	if depth == 0 {
		return scalar()
	}
	single := func(depth int) string { // no list of lists
		if depth > 0 && r.IntN(2) == 0 {
			return randomStruct(r, depth)
		}
		return scalar()
	}
	switch r.IntN(4) {
	case 0:
		return "list<" + single(depth-1) + ">"
	case 1:
		return "map<string," + single(depth-1) + ">"
	case 2:
		if within {
			return scalar()
		}
	}
	return randomStruct(r, depth)
}

func randomStruct(r *rand.Rand, depth int) string {
	var fields []string
	for i := range 1 + r.IntN(4) {
		fields = append(fields, fmt.Sprintf("f%d:%s", i, randomProtoType(r, depth-1, true)))
	}
	return "struct<" + strings.Join(fields, ",") + ">"
}

// unordered is shown, with the entries of maps in the order of their text.
func unordered(v *batch.Vector, t schema.Type, row int) string {
	if v.Mark(row) == batch.Null || !t.Kind.Nested() {
		return shown(v, t, row)
	}
	if t.Kind == schema.Struct {
		var parts []string
		for i, in := range t.Of {
			parts = append(parts, in.Name+":"+unordered(&v.Children[i], in.Type, row))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	var parts []string
	for i := int(v.Offsets[row]); i < int(v.Offsets[row+1]); i++ {
		one := ""
		for k, in := range t.Of {
			one += unordered(&v.Children[k], in.Type, i) + ":"
		}
		parts = append(parts, one)
	}
	if t.Kind == schema.Map {
		slices.Sort(parts)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// F1: messages that another runtime wrote, in pieces and in any order, fill nested columns with
// what the same messages do as its JSON. -long: 100,000 records of 200 schemas.
func TestProtoNestedMeansWhatItsJSONDoes(t *testing.T) {
	schemas, rows := 100, 60
	if *long {
		schemas, rows = 200, 500
	}
	written := 0
	for seed := range uint64(schemas) {
		r := rand.New(rand.NewPCG(seed, 31))
		table := nestedTable(t, randomProtoType(r, 3, false))
		typ := table.Columns[1].Type
		if !typ.Kind.Nested() {
			continue
		}
		m := nestedProtoMaker{r: r}
		m.message([]schema.Inner{{Name: "n", Type: schema.Type{Kind: schema.Long}}, {Name: "x", Type: typ}})
		text := `syntax = "proto3"; ` + protoHead + " enum E { NONE = 0; OPEN = 1; OLD = -1; }\n" + strings.Join(m.messages, "")
		f := mustProto(t, text)
		desc := f.other.Messages().Get(0)
		w := &protoMade{rng: r}
		var values, texts []string
		for range rows {
			a, b := w.message(desc, 5), w.message(desc, 3)
			x, err := proto.MarshalOptions{Deterministic: true}.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			y, err := proto.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			whole := w.pieces(x, y)
			if beyondJSON(desc, string(whole)) {
				whole = x
			}
			back := dynamicpb.NewMessage(desc)
			if err := proto.Unmarshal(whole, back); err != nil {
				t.Fatal(err)
			}
			text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(back)
			if err != nil {
				t.Fatal(err)
			}
			values, texts = append(values, string(whole)), append(texts, string(text))
		}
		want := decodeNested(t, table, texts...)
		got, _ := decodeProto(t, table, f.Message(0), values...)
		for row := range rows {
			g, x := nestedOutcome(got, typ, row), nestedOutcome(want, typ, row)
			if got.Fates[row] == batch.Written && want.Fates[row] == batch.Written {
				g, x = unordered(&got.Columns[1], typ, row), unordered(&want.Columns[1], typ, row)
			}
			if g != x {
				t.Fatalf("seed %d, row %d of %s\nProtobuf %s\nJSON %s\n%s\n%s\n%s", seed, row, typ, g, x, texts[row], text, got.Detail(got.Rejects))
			}
			written += btoi(got.Fates[row] == batch.Written)
		}
		if n := got.Columns[1].Rows(); n != rows {
			t.Fatalf("seed %d: got %d rows, want %d", seed, n, rows)
		}
	}
	if least := schemas * rows / 2; written < least {
		t.Errorf("%d rows were written, want %d at least", written, least)
	}
}

// F1, F3: what messages become in nested columns, and what rejects them.
func TestProtoNested(t *testing.T) {
	head := `syntax = "proto3"; ` + protoHead
	for _, c := range []struct{ typ, field, record, want string }{
		{"list<long>", "repeated int64 x = 2;", "", `[]`},
		{"list<long>", "repeated int64 x = 2;", "\x12\x03\x01\x02\x03", `[1,2,3]`},
		{"list<long>", "repeated int64 x = 2;", "\x12\x01\x01\x10\x02\x12\x02\x03\x04", `[1,2,3,4]`}, // packed and not
		{"list<long>", "repeated int64 x = 2;", "\x12\x02\x01\x80", `syntax`},
		{"list<long>", "repeated int64 x = 2;", "\x12\x05\x01", `syntax`},
		{"list<int>", "repeated int64 x = 2;", "\x12\x06\x01\xff\xff\xff\xff\x0f", `overflow`},
		{"list<boolean>", "repeated int64 x = 2;", "\x12\x01\x01", `schema_mismatch`},
		{"list<boolean>", "repeated int64 x = 2;", "", `[]`},
		{"list<long>", "int64 x = 2;", "\x10\x01", `schema_mismatch`},
		{"list<long>", "map<string, int64> x = 2;", "", `schema_mismatch`},
		{"map<string,long>", "map<string, int64> x = 2;", "", `{}`},
		{"map<string,long>", "map<string, int64> x = 2;", "\x12\x05\x0a\x01a\x10\x01\x12\x00\x12\x05\x0a\x01b\x10\x07", `{"a":1,"":0,"b":7}`},
		{"map<string,long>", "map<string, int64> x = 2;", "\x12\x05\x0a\x01a\x10\x01\x12\x05\x0a\x01b\x10\x02\x12\x05\x0a\x01a\x10\x03", `{"b":2,"a":3}`}, // the last one counts
		{"map<string,long>", "map<string, int64> x = 2;", "\x12\x02\x0a\x05", `syntax`},
		{"map<string,long>", "map<int32, int64> x = 2;", "\x12\x04\x08\x07\x10\x01", `{"7":1}`},
		{"map<string,long>", "map<string, int64> x = 2;", "\x12\x05\x0a\x01\xff\x10\x01", `encoding`},
		{"struct<a:long,b:long>", "map<string, int64> x = 2;", "\x12\x05\x0a\x01b\x10\x02\x12\x05\x0a\x01z\x10\x09", `{"a":null,"b":2}`},
		{"struct<a:long,b:string,c:list<string>>", "In x = 2;", "", `null`},
		{"struct<a:long,b:string,c:list<string>>", "In x = 2;", "\x12\x00", `{"a":0,"b":"","c":[]}`},
		{"struct<a:long,b:string,c:list<string>>", "In x = 2;", "\x12\x05\x08\x07\x1a\x01y\x12\x05\x12\x01z\x08\x09\x12\x03\x1a\x01w", `{"a":9,"b":"z","c":["y","w"]}`}, // in pieces
		{"list<struct<a:long,c:list<string>,gone:int>>", "repeated In x = 2;", "\x12\x03\x1a\x01y\x12\x02\x08\x01\x12\x00", `[{"a":0,"c":["y"],"gone":null},{"a":1,"c":[],"gone":null},{"a":0,"c":[],"gone":null}]`},
		{"map<string,struct<a:long>>", "map<string, In> x = 2;", "\x12\x03\x0a\x01a\x12\x07\x0a\x01b\x12\x02\x08\x05", `{"a":{"a":0},"b":{"a":5}}`},
		{"list<timestamp>", "repeated google.protobuf.Timestamp x = 2;", "\x12\x02\x08\x01", `[1970-01-01T00:00:01Z]`},
		{"list<struct<in:struct<in:json>>>", "repeated Loop x = 2;", "\x12\x04\x0a\x02\x0a\x00", `[{"in":{"in":"{}"}}]`},
	} {
		table := nestedTable(t, c.typ)
		f := mustProto(t, head+"message M { int64 n = 1; "+c.field+" } message In { int64 a = 1; string b = 2; repeated string c = 3; } message Loop { Loop in = 1; }")
		b, _ := decodeProto(t, table, f.Message(0), c.record, c.record, "\x80", c.record)
		for _, row := range []int{0, 1, 3} {
			got := nestedOutcome(b, table.Columns[1].Type, row)
			if got != c.want && !strings.HasPrefix(got, "quarantined "+c.want+" ") {
				t.Errorf("%s of %s, row %d: got %s, want %s", c.typ, c.field, row, got, c.want)
			}
		}
	}
}

// F6: a million values are too many, and what a message that is within itself nests is bounded.
func TestProtoNestedLimit(t *testing.T) {
	f := mustProto(t, `syntax = "proto3"; message M { int64 n = 1; repeated E x = 2; } message E {}`)
	table := nestedTable(t, "list<struct<a:long,b:long,c:long,d:long>>")
	most := strings.Repeat("\x12\x00", 249_999)
	b, _ := decodeProto(t, table, f.Message(0), most, most+"\x12\x00", "\x12\x00", most+"\x12\x00\x12\x09", most+"\x12\x00\x12\x01\x80")
	for row, want := range []string{"", "quarantined limit of column 1", `[{"a":null,"b":null,"c":null,"d":null}]`, "quarantined syntax of column -1", "quarantined syntax of column -1"} {
		if got := nestedOutcome(b, table.Columns[1].Type, row); got != want && row > 0 || row == 0 && b.Fates[0] != batch.Written {
			t.Errorf("row %d: got %s, want %s", row, got, want)
		}
	}
	if r := b.Rejects[0]; r.Reason != conform.ReasonLimit {
		t.Errorf("got %+v", r)
	}
}

// What a struct has no field for is told once, and a policy may reject records for it.
func TestProtoNestedDrift(t *testing.T) {
	f := mustProto(t, `syntax = "proto3"; message M { int64 n = 1; repeated In x = 2; } message In { int32 a = 1; string b = 2; bool c = 3; }`)
	table := nestedTable(t, "list<struct<a:long,c:string>>")
	b, _ := decodeProto(t, table, f.Message(0), "", "")
	if got, want := driftOf(b), "widen x.a int32>long @0, extra x.b string> @0, mismatch x.c bool>string @0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	table = nestedTable(t, "list<struct<a:int>>")
	table.Evolution.Extra = schema.Quarantine
	b, _ = decodeProto(t, table, f.Message(0), "\x12\x00", "")
	if b.Fates[0] != batch.Quarantined || b.Fates[1] != batch.Written {
		t.Errorf("got %v: %s", b.Fates, b.Detail(b.Rejects))
	}
}
