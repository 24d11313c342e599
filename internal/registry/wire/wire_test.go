package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"tidemark/internal/registry/wire"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPrefix(t *testing.T) {
	for in, want := range map[string]struct{ id, rest string }{
		"0000000001":       {"1", ""},
		"000000002a0203":   {"42", "0203"},
		"00ffffffff00":     {"4294967295", "00"},
		"":                 {},
		"00":               {},
		"00000000":         {},
		"0100000001":       {},
		"7b2261223a317d":   {}, // {"a":1}
		"0189791762233641": {}, // a GUID has no place in front of a value
	} {
		id, rest, err := wire.Prefix(unhex(t, in))
		if want.id == "" {
			if bad := (*wire.FormatError)(nil); !errors.As(err, &bad) || id != (wire.ID{}) || rest != nil {
				t.Errorf("%s: %v, %x, %v, want a FormatError", in, id, rest, err)
			}
			continue
		}
		if err != nil || id.String() != want.id || hex.EncodeToString(rest) != want.rest || id.Kind() != wire.Confluent {
			t.Errorf("%s: %v, %x, %v, want %s, %s", in, id, rest, err, want.id, want.rest)
		}
	}
}

func TestMessage(t *testing.T) {
	for in, want := range map[string]struct {
		indexes []int
		rest    string
	}{
		"00":                 {[]int{0}, ""},
		"000801":             {[]int{0}, "0801"},
		"0200":               {[]int{0}, ""},   // one index, the long way
		"800008":             {[]int{0}, "08"}, // zero in two bytes
		"04020008":           {[]int{1, 0}, "08"},
		"02feffffff0f":       {[]int{1<<31 - 1}, ""},
		"0204ff":             {[]int{2}, "ff"},
		"":                   {},
		"02":                 {}, // cut
		"0280":               {},
		"01":                 {}, // -1 of them
		"0201":               {}, // the index -1
		"22":                 {}, // 17 of them
		"feffffffffffffff7f": {},
		"808080808000":       {}, // a zero in six bytes
		"0280808080808000":   {},
		"02808080801000":     {}, // 2^31
	} {
		m, rest, err := wire.ReadMessage(unhex(t, in))
		if want.indexes == nil {
			if bad := (*wire.FormatError)(nil); !errors.As(err, &bad) || m != (wire.Message{}) {
				t.Errorf("%s: %v, %x, %v, want a FormatError", in, m, rest, err)
			}
			continue
		}
		if err != nil || hex.EncodeToString(rest) != want.rest || m.Depth() != len(want.indexes) {
			t.Errorf("%s: %v, %x, %v, want %v, %s", in, m, rest, err, want.indexes, want.rest)
			continue
		}
		for i, index := range want.indexes {
			if got := m.Index(i); got != index {
				t.Errorf("%s: index %d is %d, want %d", in, i, got, index)
			}
		}
	}
}

const guid = "89791762-2336-4186-9674-299b90a802e2"

func TestHeaders(t *testing.T) {
	const id7, id8 = "0000000007", "0000000008"
	const guidHeader = "0189791762233641869674299b90a802e2"
	type header struct{ name, value string }
	for name, c := range map[string]struct {
		key     bool
		headers []header
		want    string // "error": a FormatError
		rest    string
	}{
		"none":                   {want: "none"},
		"of others":              {headers: []header{{"trace", id7}, {"__key_schema_id", id7}, {"apicurio.key.globalId", id7}}, want: "none"},
		"an id":                  {headers: []header{{"__value_schema_id", id7}}, want: "7"},
		"the last counts":        {headers: []header{{"__value_schema_id", id7}, {"__value_schema_id", id8}}, want: "8"},
		"a GUID":                 {headers: []header{{"__value_schema_id", guidHeader}}, want: guid},
		"a GUID and a message":   {headers: []header{{"__value_schema_id", guidHeader + "040200"}}, want: guid, rest: "040200"},
		"a key":                  {key: true, headers: []header{{"__value_schema_id", id7}, {"__key_schema_id", id8}}, want: "8"},
		"a global id":            {headers: []header{{"apicurio.value.globalId", "0000000000000003"}}, want: "globalId 3"},
		"a content id":           {headers: []header{{"apicurio.value.contentId", "0000000000000003"}, {"apicurio.value.globalId", "0000000000000004"}}, want: "contentId 3"},
		"Confluent before":       {headers: []header{{"__value_schema_id", id7}, {"apicurio.value.contentId", "0000000000000003"}}, want: "7"},
		"Apicurio's, of a key":   {key: true, headers: []header{{"apicurio.key.contentId", "0000000000000003"}}, want: "contentId 3"},
		"empty":                  {headers: []header{{"__value_schema_id", ""}}, want: "error"},
		"a GUID that is cut":     {headers: []header{{"__value_schema_id", guidHeader[:32]}}, want: "error"},
		"an id that is cut":      {headers: []header{{"__value_schema_id", id7[:8]}}, want: "error"},
		"magic 2":                {headers: []header{{"__value_schema_id", "0200000001"}}, want: "error"},
		"Apicurio's in four":     {headers: []header{{"apicurio.value.globalId", "00000003"}}, want: "error"},
		"Apicurio's in nine":     {headers: []header{{"apicurio.value.globalId", "000000000000000003"}}, want: "error"},
		"Apicurio's, negative":   {headers: []header{{"apicurio.value.globalId", "8000000000000003"}}, want: "error"},
		"absent without a value": {headers: []header{{"__value_schema_id", "null"}, {"apicurio.value.globalId", "0000000000000003"}}, want: "globalId 3"},
	} {
		f := wire.Finder{OfKey: c.key}
		f.Add("__value_schema_id", unhex(t, "0000000063"))
		f.Reset()
		for _, h := range c.headers {
			var value []byte
			if h.value != "null" {
				value = unhex(t, h.value)
			}
			f.Add(h.name, value)
		}
		id, rest, err := f.ID()
		if c.want == "error" {
			if bad := (*wire.FormatError)(nil); !errors.As(err, &bad) || id.Kind() != wire.None {
				t.Errorf("%s: %v, %v, want a FormatError", name, id, err)
			}
			continue
		}
		if err != nil || id.String() != c.want || hex.EncodeToString(rest) != c.rest {
			t.Errorf("%s: %v, %x, %v, want %s, %s", name, id, rest, err, c.want, c.rest)
		}
	}
}

// H3: numbers of different kinds are different ids.
func TestKindsDiffer(t *testing.T) {
	seen := map[wire.ID]bool{}
	for _, k := range []wire.Kind{wire.Confluent, wire.ApicurioGlobal, wire.ApicurioContent} {
		seen[wire.Number(k, 4)] = true
	}
	seen[wire.NewGUID([16]byte{15: 4})] = true
	if got, want := len(seen), 4; got != want {
		t.Errorf("%d ids, want %d", got, want)
	}
	if _, ok := wire.NewGUID([16]byte{15: 4}).Number(); ok {
		t.Error("a GUID has a number")
	}
	if n, ok := wire.Number(wire.ApicurioGlobal, 4).Number(); !ok || n != 4 {
		t.Errorf("number %d, %v", n, ok)
	}
}

// H2: what is read for each record costs no allocation.
func TestNoAllocation(t *testing.T) {
	value := wire.AppendMessage(wire.AppendPrefix(nil, wire.Number(wire.Confluent, 7)), 1, 2, 3)
	header := unhex(t, "0189791762233641869674299b90a802e2")
	if got := testing.AllocsPerRun(100, func() {
		_, rest, err := wire.Prefix(value)
		if err == nil {
			_, _, err = wire.ReadMessage(rest)
		}
		var f wire.Finder
		f.Add("trace", header)
		f.Add("__value_schema_id", header)
		if _, _, e := f.ID(); err != nil || e != nil {
			t.Fatal(err, e)
		}
	}); got != 0 {
		t.Errorf("%v allocations for one record, want none", got)
	}
}

// FuzzPrefix compares with franz-go's reading of the same bytes.
func FuzzPrefix(f *testing.F) {
	for _, s := range []string{"", "00", "0000000001", "000000000100", "00000000010400020801", "000000000122", "0000000001feffffffffffffff7f", "0100000001", "000000000101", "00000000010201"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var other sr.ConfluentHeader
		id, rest, err := wire.Prefix(b)
		wantID, wantRest, wantErr := other.DecodeID(b)
		if n, _ := id.Number(); (err == nil) != (wantErr == nil) || err == nil && (int(n) != wantID || !bytes.Equal(rest, wantRest)) {
			t.Fatalf("%x: %v, %x, %v, want %d, %x, %v", b, id, rest, err, wantID, wantRest, wantErr)
		}
		if err != nil {
			return
		}
		if got := wire.AppendPrefix(nil, id); !bytes.Equal(got, b[:5]) {
			t.Fatalf("%v is written %x, want %x", id, got, b[:5])
		}
		m, after, err := wire.ReadMessage(rest)
		indexes, wantAfter, wantErr := other.DecodeIndex(rest, wire.MaxNesting)
		if err != nil {
			return // it takes more: varints of ten bytes, negative indexes
		}
		if wantErr != nil || len(indexes) != m.Depth() || !bytes.Equal(after, wantAfter) {
			t.Fatalf("%x: %v, %x, want %v, %x, %v", rest, m, after, indexes, wantAfter, wantErr)
		}
		for i, want := range indexes {
			if got := m.Index(i); got != want {
				t.Fatalf("%x: index %d is %d, want %d", rest, i, got, want)
			}
		}
		if again, left, err := wire.ReadMessage(wire.AppendMessage(nil, indexes...)); err != nil || again != m || len(left) != 0 {
			t.Fatalf("%v is read back as %v, %x, %v", indexes, again, left, err)
		}
	})
}

// FuzzHeader asserts that what is read is what stood there.
func FuzzHeader(f *testing.F) {
	f.Add("__value_schema_id", unhex(f, "0189791762233641869674299b90a802e2"))
	f.Add("apicurio.value.globalId", unhex(f, "0000000000000003"))
	f.Fuzz(func(t *testing.T, name string, value []byte) {
		var h wire.Finder
		h.Add(name, value)
		id, rest, err := h.ID()
		if err != nil && id.Kind() != wire.None || len(rest) > len(value) || id.String() == "" {
			t.Fatalf("%s %x: %v, %x, %v", name, value, id, rest, err)
		}
	})
}

// BenchmarkMessage is the header of one Protobuf record, ours and franz-go's.
func BenchmarkMessage(b *testing.B) {
	for name, indexes := range map[string][]int{"first": {0}, "nested": {1, 0}} {
		value := wire.AppendMessage(wire.AppendPrefix(nil, wire.Number(wire.Confluent, 7)), indexes...)
		b.Run(name+"/ours", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, rest, _ := wire.Prefix(value)
				if _, _, err := wire.ReadMessage(rest); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/franz-go", func(b *testing.B) {
			b.ReportAllocs()
			var h sr.ConfluentHeader
			for b.Loop() {
				_, rest, _ := h.DecodeID(value)
				if _, _, err := h.DecodeIndex(rest, wire.MaxNesting); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
