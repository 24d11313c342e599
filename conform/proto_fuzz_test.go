package conform_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// protoFuzzed has a field of each type, under the names of fuzzTable's columns and others.
const protoFuzzed = `syntax = "proto2";` + protoHead + `message M { optional sint64 a = 1; optional string b = 2; optional In in = 3; map<string, sint32> map = 4; repeated double y = 5 [packed = true]; oneof o { string c = 6; M d = 7; int64 dropped = 8; }
	optional group K = 9 { optional int32 q = 1; } optional google.protobuf.Struct x = 10; repeated M more = 11; repeated fixed32 packed = 12 [packed = true]; optional E e = 13; optional google.protobuf.Timestamp at = 14; optional google.protobuf.Any any = 2500; }
	message In { required fixed32 f = 1; repeated H g = 2; } message H { optional bytes h = 1; optional In in = 2; } enum E { A = 1; B = -1; }`

// Whatever the bytes: no panic, a cost that their length bounds, the good records around them
// untouched, the same result behind what other records have left, and nothing accepted that
// Protobuf's own runtime does not read.
func FuzzProtobuf(f *testing.F) {
	file := mustProto(f, protoFuzzed)
	for _, text := range []string{
		`a: -5 b: "OPEN" in { f: 7 g { h: "x" } g { h: "12.5" in { f: 1 } } } map { key: "k" value: 3 } y: [1, nan] d { c: "y" } e: B at { seconds: 5 nanos: 1000 }`,
		`x { fields { key: "a" value { list_value { values { null_value: NULL_VALUE } values { struct_value {} } } } } } more { more { dropped: 1 } } packed: [1, 2] any { type_url: "a" value: "b" }`,
	} {
		f.Add([]byte(file.record(f, text)), byte(0))
		f.Add([]byte(file.record(f, text)), byte(5))
	}
	f.Add([]byte(bytesOf(3, uvarField(1, 1))+bytesOf(3, "")+bytesOf(3, tag(1, 5)+"abcd")), byte(11))
	f.Add([]byte(dropped(200)), byte(1))
	f.Add([]byte(tag(9, 3)+tag(9, 3)+tag(9, 4)+tag(9, 4)), byte(2))
	f.Fuzz(func(t *testing.T, value []byte, kind byte) {
		table := fuzzTable(t, kind)
		table.Format = schema.ProtobufRegistryFormat
		one := newDecoder(t, table)
		one.Schemas = byIndex{file.Message(0)}
		var alone, b batch.Batch
		framed := append([]byte{0}, value...)
		warm := rawOf([]byte{0}) // the plan is made once, and costs what the schema costs
		b.Reset(table, warm, 0, 1)
		one.Decode(&b)
		raw := rawOf(framed)
		before := allocated()
		alone.Reset(table, raw, 0, 1)
		one.Decode(&alone)
		if got, most := allocated()-before, uint64(64*len(value)+1<<20); got > most {
			t.Fatalf("%d bytes are allocated for a record of %d, want %d at most", got, len(value), most)
		}
		want := protoOutcome(&alone, 0)
		values := [][]byte{framed, framed, append(append([]byte{}, framed...), 0)}
		for n := range min(len(value), 40) {
			values = append(values, framed[:len(framed)-n-1])
		}
		values = append(values, framed)
		raw = rawOf(values...)
		b.Reset(table, raw, 0, raw.Rows())
		one.Decode(&b)
		for _, row := range []int{0, 1, raw.Rows() - 1} {
			if got := protoOutcome(&b, row); got != want {
				t.Fatalf("row %d: got %s, alone %s", row, got, want)
			}
		}
		for row, v := range values {
			if b.Fates[row] != batch.Written {
				continue
			}
			if err := otherReads(file.other.Messages().Get(0), v[1:]); err != nil {
				t.Fatalf("row %d is accepted, and its own runtime says %v: %x", row, err, v[1:])
			}
		}
	})
}

// otherReads reads a value with Protobuf's own runtime. That panics at an entry of a map whose key
// has another wire type, of which it then has no opinion.
func otherReads(d protoreflect.MessageDescriptor, value []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = nil
		}
	}()
	return proto.UnmarshalOptions{RecursionLimit: 10_000}.Unmarshal(value, dynamicpb.NewMessage(d))
}

// TestProtoCosts has records that ask for much: what they cost, their length bounds.
func TestProtoCosts(t *testing.T) {
	many := func(n int, one func(i int) string) string {
		var out strings.Builder
		for i := range n {
			out.WriteString(one(i))
		}
		return out.String()
	}
	wide := &strings.Builder{}
	for i := range 2000 {
		fmt.Fprintf(wide, "int64 a_rather_long_name_%d = %d; ", i, i+1)
	}
	sparse := strings.ReplaceAll(strings.ReplaceAll(wide.String(), "int64", "optional int64"), "long", "sparse")
	f := mustProto(t, `syntax = "proto3";`+protoHead+"message M { repeated W wide = 1; map<string, W> map = 2; M in = 3; repeated M list = 4; google.protobuf.Struct any = 5; repeated S sparse = 6; map<int32, int32> n = 7; repeated bool b = 8; } message W {"+wide.String()+"} message S {"+sparse+"}")
	pieces := func(depth int) string { // each message in two halves, at every depth
		out := strings.Repeat("x", 0)
		for range depth {
			out = bytesOf(3, out) + bytesOf(3, bytesOf(4, strings.Repeat(bytesOf(4, ""), 50)))
		}
		return out
	}
	for name, c := range map[string]struct{ column, value string }{
		"elements that are much text":   {"wide json", many(50_000, func(int) string { return bytesOf(1, "") })},
		"fields without presence":       {"sparse json", many(50_000, func(int) string { return bytesOf(6, "") })},
		"entries of a map":              {"map json", many(20_000, func(i int) string { return bytesOf(2, bytesOf(1, fmt.Sprint(i))) })},
		"entries of one key":            {"n json", many(50_000, func(int) string { return bytesOf(7, "") })},
		"entries of few bytes":          {"n json", many(50_000, func(i int) string { return bytesOf(7, uvarField(1, uint64(i))) })},
		"entries that lead nowhere":     {"x long from=map.x.a_rather_long_name_1", many(50_000, func(int) string { return bytesOf(2, "") })},
		"messages in a hundred pieces":  {"in json", many(30_000, func(int) string { return bytesOf(3, bytesOf(3, "")) })},
		"pieces of pieces":              {"in json", pieces(95)},
		"pieces that columns come from": {"x json from=in.in.in.in.list", many(30_000, func(int) string { return bytesOf(3, bytesOf(3, bytesOf(3, bytesOf(3, "")))) })},
		"deep lists":                    {"list json", many(3000, func(int) string { return looped4(98) })},
		"packed values":                 {"b json", bytesOf(8, strings.Repeat("\x01", 200_000))},
		"runs of nothing":               {"b json", many(100_000, func(int) string { return bytesOf(8, "") })},
		"fields of no schema":           {"b json", many(50_000, func(i int) string { return uvarField(protowire.Number(100+i), 1) })},
		"groups within groups":          {"b json", strings.Repeat(strings.Repeat(tag(99, 3), 90)+strings.Repeat(tag(99, 4), 90), 500)},
	} {
		table := tableOf(t, c.column)
		table.Format = schema.ProtobufRegistryFormat
		d := newDecoder(t, table)
		d.Schemas = byIndex{f.Message(0)}
		var b batch.Batch
		warm, raw := rawOf([]byte{0}), rawOf([]byte("\x00"+c.value))
		b.Reset(table, warm, 0, 1)
		d.Decode(&b)
		before, began := allocated(), time.Now()
		b.Reset(table, raw, 0, 1)
		d.Decode(&b)
		got, took := allocated()-before, time.Since(began)
		t.Logf("%s: %d bytes: %.60s: %d allocated, %v", name, len(c.value), protoOutcome(&b, 0), got, took.Round(time.Millisecond))
		if most := uint64(64*len(c.value) + 1<<20); got > most || took > 10*time.Second {
			t.Errorf("%s: %d bytes allocated, want %d at most; took %v", name, got, most, took)
		}
		if held := d.Bytes(); held > 16<<20 {
			t.Errorf("%s: the decoder holds %d bytes", name, held)
		}
	}
}

func looped4(n int) string {
	out := ""
	for range n {
		out = bytesOf(4, out)
	}
	return out
}
