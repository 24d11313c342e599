package avroschema_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/avro"

	"tidemark/internal/avroschema"
)

// TestCanonical compares the canonical form and the fingerprint with another library's.
func TestCanonical(t *testing.T) {
	for _, text := range []string{
		`{"type":"record","name":"r","fields":[]}`,
		`{"type":"record","name":"a.b.r","doc":"x","aliases":["q"],"fields":[{"default":1,"type":"long","name":"x"},{"name":"y","type":["null",{"type":"string"}]}]}`,
		`{"type":"record","name":"r","namespace":"n.s","fields":[
			{"name":"e","type":{"type":"enum","name":"e","symbols":["A","B"],"default":"A"}},
			{"name":"f","type":{"type":"fixed","name":"other.f","size":12,"logicalType":"duration"}},
			{"name":"a","type":{"type":"array","items":"e"}},
			{"name":"m","type":{"type":"map","values":["null","other.f","n.s.e"]}},
			{"name":"in","type":{"type":"record","name":"in","namespace":"deep","fields":[{"name":"x","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},{"name":"y","type":"n.s.e"}]}},
			{"name":"again","type":["null","deep.in"]}]}`,
	} {
		s, err := avroschema.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		other, err := avro.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := s.Canonical(), string(other.Canonical()); got != want {
			t.Errorf("canonical form\ngot  %s\nwant %s", got, want)
		}
		if got, want := s.Fingerprint, binary.BigEndian.Uint64(other.Fingerprint(avro.NewRabin())); got != want {
			t.Errorf("fingerprint %x, want %x: %s", got, want, text)
		}
	}
}

// TestFingerprintIsLittleEndian looks at what goavro puts in front of a datum.
func TestFingerprintIsLittleEndian(t *testing.T) {
	text := `{"type":"record","name":"r","fields":[{"name":"x","type":"int"}]}`
	s, err := avroschema.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := goavro.NewCodec(text)
	if err != nil {
		t.Fatal(err)
	}
	one, err := codec.SingleFromNative(nil, map[string]any{"x": 1})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := binary.LittleEndian.Uint64(one[2:]), s.Fingerprint; got != want {
		t.Errorf("single object says %x, want %x", got, want)
	}
}

func TestTypeNames(t *testing.T) {
	for typ, want := range map[string]string{
		`"long"`:                              "long",
		`["null","string"]`:                   "string",
		`["string","null"]`:                   "string",
		`["null","string","long"]`:            "union",
		`["null"]`:                            "union",
		`{"type":"int","logicalType":"date"}`: "date",
		`{"type":"int","logicalType":"time-millis"}`:                            "time-millis",
		`{"type":"long","logicalType":"timestamp-nanos"}`:                       "timestamp-nanos",
		`{"type":"long","logicalType":"local-timestamp-micros"}`:                "local-timestamp-micros",
		`{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`:      "decimal(9,2)",
		`{"type":"bytes","logicalType":"decimal","precision":2,"scale":9}`:      "bytes",
		`{"type":"fixed","name":"f","size":16,"logicalType":"uuid"}`:            "uuid",
		`{"type":"string","logicalType":"uuid"}`:                                "string",
		`{"type":"array","items":"long"}`:                                       "array",
		`{"type":"enum","name":"e","symbols":["A"]}`:                            "enum",
		`["null",{"type":"long","logicalType":"timestamp-millis"}]`:             "timestamp-millis",
		`{"type":{"type":"bytes","logicalType":"decimal","precision":4}}`:       "decimal(4,0)",
		`{"type":"fixed","name":"f","size":12,"logicalType":"duration"}`:        "duration",
		`{"type":"fixed","name":"f","size":11,"logicalType":"duration"}`:        "fixed",
		`{"type":"record","name":"q","fields":[{"name":"x","type":"boolean"}]}`: "record",
	} {
		s, err := avroschema.Parse([]byte(`{"type":"record","name":"r","fields":[{"name":"x","type":` + typ + `}]}`))
		if err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		if got := s.Root.Fields[0].Of.String(); got != want {
			t.Errorf("%s is %s, want %s", typ, got, want)
		}
	}
}

func TestWhatIsNotRead(t *testing.T) {
	field := func(typ string) string {
		return `{"type":"record","name":"r","fields":[{"name":"x","type":` + typ + `}]}`
	}
	for _, c := range []struct {
		name, text, want string
		limit            bool
	}{
		{"no JSON", `{"type"`, "is no JSON", false},
		{"two", `"int" "int"`, "is followed by something", false},
		{"no record", `"int"`, "is not that of a record", false},
		{"unknown", field(`"what"`), `has a type "what" that it does not define`, false},
		{"itself", field(`"r"`), `has "r" within itself`, true},
		{"itself, by way of another", field(`{"type":"record","name":"q","fields":[{"name":"y","type":"r"}]}`), `has "r" within itself`, true},
		{"itself, by way of one that is known", `{"type":"record","name":"r","fields":[{"name":"x","type":["null",{"type":"record","name":"q","fields":[{"name":"y","type":"r"}]}]},{"name":"z","type":"q"}]}`, `has "r" within itself`, true},
		{"deep", field(strings.Repeat(`{"type":"array","items":`, 3000) + `"int"` + strings.Repeat("}", 3000)), "nests types more than 64 deep", true},
		{"long", field(`"` + strings.Repeat("x", 1<<20) + `"`), "bytes and may have", true},
		{"many", `{"type":"record","name":"r","fields":[` + strings.Repeat(`{},`, 10_000) + `{}]}`, "or with more than 10000", true},
		{"twice", field(`{"type":"fixed","name":"r","size":1}`), `defines "r" twice`, false},
		{"union in union", field(`["null",["int"]]`), "has a union right within a union", false},
		{"no symbols", field(`{"type":"enum","name":"e","symbols":[]}`), `has an enum "e" of 0 symbols`, false},
		{"large", field(`{"type":"fixed","name":"f","size":100000000}`), `has a fixed "f" without a size`, false},
		{"null", `null`, "has a type that is neither", false},
	} {
		_, err := avroschema.Parse([]byte(c.text))
		var e *avroschema.Error
		if !errors.As(err, &e) || !strings.Contains(fmt.Sprint(err), c.want) || e.Limit != c.limit {
			t.Errorf("%s: got %v, want %q, limit %v", c.name, err, c.want, c.limit)
		}
	}
}

func TestReferences(t *testing.T) {
	text := `{"type":"record","name":"r","namespace":"n","fields":[{"name":"x","type":"n.in"},{"name":"y","type":["null","in"]}]}`
	in := `{"type":"record","name":"n.in","fields":[{"name":"f","type":"other.f"}]}`
	f := `{"type":"fixed","name":"f","namespace":"other","size":3}`
	s, err := avroschema.Parse([]byte(text), []byte(f), []byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Root.Fields[0].Of.Fields[0].Of; got.Kind != avroschema.Fixed || got.Size != 3 || s.Root.Fields[1].Of.Of[1] != s.Root.Fields[0].Of {
		t.Errorf("x holds a %s of %d bytes, want a fixed of 3, and y the same as x", got, got.Size)
	}
	if _, err := avroschema.Parse([]byte(text), []byte(in)); err == nil {
		t.Error("what no text defines is read")
	}
}

// A record may hold itself where it need not: in a union, an array or a map.
func TestWithinItself(t *testing.T) {
	for typ, want := range map[string]string{
		`["null","r"]`: "r", `{"type":"array","items":"r"}`: "r", `{"type":"map","values":["null","r"]}`: "r", `"long"`: "",
		`{"type":"array","items":{"type":"record","name":"q","fields":[{"name":"y","type":"r"},{"name":"z","type":{"type":"array","items":"q"}}]}}`: "r",
	} {
		s, err := avroschema.Parse([]byte(`{"type":"record","name":"r","fields":[{"name":"id","type":"long"},{"name":"x","type":` + typ + `}]}`))
		if err != nil || s.Within != want {
			t.Errorf("%s: got %v, within %q, want %q", typ, err, s.Within, want)
			continue
		}
		if again, err := avroschema.Parse([]byte(s.Canonical())); err != nil || again.Fingerprint != s.Fingerprint || s.Root.Least != 2 {
			t.Errorf("%s: %v, at least %d bytes", typ, err, s.Root.Least)
		}
		if got := s.Root.Describe(); want != "" && !strings.Contains(got, "record{…}") || len(got) > 150 {
			t.Errorf("%s: %s", typ, got)
		}
	}
}
