// Package avroschema reads Avro schemas: which types a record is written with, what they
// mean, and what a value of each needs at least.
//
// In goes the text of a schema, from a container file, a file or a registry, which nobody
// has looked at before. Out comes a Schema, or an *Error that says what it has that is not
// read. Limits are looked at before anything is allocated for what the text claims: its
// length, how deep types nest, how many fields there are. A record may hold itself, in a union,
// an array or a map, as a tree does: Schema.Within says so. Whoever walks its Type, or values
// of it, must count how deep he is; any other ends at most 64 levels deep. A type may be
// referred to many times, so a walk may still take long, and must count its steps. A record of which
// every value would hold another one without end is refused.
//
// Parse is safe for several goroutines. A Schema never changes.
package avroschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"tidemark/internal/jsontext"
)

// MaxText is how many bytes the text of a schema may have.
const MaxText = 1 << 20

// Kind is what a value looks like.
type Kind uint8

// The kinds of values.
const (
	Null Kind = iota
	Boolean
	Int
	Long
	Float
	Double
	Bytes
	String
	Record
	Enum
	Array
	Map
	Fixed
	Union
	// Logical types, of which the kind that they are written as is in Type.Base.
	Decimal
	UUID
	Duration
	Date
	Time
	Moment // a timestamp, local or not
)

var kinds = []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "enum", "array", "map",
	"fixed", "union", "decimal", "uuid", "duration", "date", "time", "timestamp"}

// Type is a type of a schema.
type Type struct {
	Kind, Base Kind
	Least      int // bytes that a value has at least; a million stands for more
	Size       int // of a fixed

	Scale, Precision int
	Unit             jsontext.Unit // of a time
	Zoned            bool          // a moment is one of UTC, and not of a local clock

	// Connect is what Kafka Connect says that values of an int, long or bytes are, and Debezium
	// that those of a record are, nil: nothing.
	Connect *Type

	Fields  []Field  // of a record
	Of      []*Type  // items, values or branches
	Symbols []Symbol // of an enum
}

// Field is a field of a record.
type Field struct {
	Name string
	Key  []byte // as it stands in JSON: "name":
	Of   *Type
}

// Symbol is a symbol of an enum.
type Symbol struct {
	Text string
	JSON []byte // the same between quotes
}

// String names the type: long, decimal(9,2), timestamp-micros. Of a union of null and one
// other, it names that.
func (t *Type) String() string {
	unit := map[jsontext.Unit]string{jsontext.Millis: "-millis", jsontext.Micros: "-micros", jsontext.Nanos: "-nanos"}[t.Unit]
	switch t.Kind {
	case Decimal:
		return "decimal(" + strconv.Itoa(t.Precision) + "," + strconv.Itoa(t.Scale) + ")"
	case Moment:
		if !t.Zoned {
			return "local-timestamp" + unit
		}
		return "timestamp" + unit
	case Time:
		return "time" + unit
	case Union:
		if _, other := t.Optional(); other != nil {
			return other.String()
		}
	}
	return kinds[t.Kind]
}

// Optional returns the branch of null and the other type of a union of null and one
// other, in any order; nil for any other type.
func (t *Type) Optional() (null int, other *Type) {
	if t.Kind != Union || len(t.Of) != 2 || (t.Of[0].Kind == Null) == (t.Of[1].Kind == Null) {
		return 0, nil
	}
	if t.Of[0].Kind == Null {
		return 0, t.Of[1]
	}
	return 1, t.Of[0]
}

// Inexact is float or double where a value may be one, else empty.
func (t *Type) Inexact() string {
	switch t.Kind {
	case Float, Double:
		return kinds[t.Kind]
	case Union:
		for _, b := range t.Of {
			if kind := b.Inexact(); kind != "" {
				return kind
			}
		}
	}
	return ""
}

// Schema is a schema of records.
type Schema struct {
	Root *Type // a record
	// Fingerprint is the CRC-64-AVRO of its canonical form, which stands in front of a
	// datum in single-object encoding.
	Fingerprint uint64
	// Within is the name of a record that holds itself, empty: there is none.
	Within    string
	canonical []byte
	bytes     int64
	of        string // of Made
}

// Bytes is what the schema takes in memory, about.
func (s *Schema) Bytes() int64 { return s.bytes }

// Canonical is the parsing canonical form of the schema. It leaves out what logical types
// mean: two schemas that share it lie in the same bytes, and may still differ in a scale.
func (s *Schema) Canonical() string { return string(s.canonical) }

// Error is why a schema is not read. It speaks of the schema as `has …` or `is …`, so that
// its caller can put what it is of in front.
type Error struct {
	// Limit: it is larger or nests deeper than is read.
	Limit bool
	text  string
}

func (e *Error) Error() string { return e.text }

func fail(format string, args ...any) error { return &Error{text: fmt.Sprintf(format, args...)} }

func beyond(format string, args ...any) error {
	return &Error{Limit: true, text: fmt.Sprintf(format, args...)}
}

// Parse reads a schema. Texts that it refers to by name come behind, each before those that
// refer to it. It returns an *Error for a schema that is not read.
func Parse(text []byte, refers ...[]byte) (*Schema, error) {
	p := &parser{named: map[string]*Type{}, open: map[*Type]bool{}}
	for _, one := range refers {
		if _, _, err := p.text(one); err != nil {
			return nil, err
		}
	}
	t, tree, err := p.text(text)
	if err != nil {
		return nil, err
	}
	if t.Kind != Record {
		return nil, fail("is not that of a record: a row must have named columns")
	}
	if p.within != "" && p.endless() {
		return nil, beyond("has %q within itself, in no union, array or map: such rows have no end", p.within)
	}
	s := &Schema{Root: t, Within: p.within, canonical: p.canonical(nil, tree, "")}
	s.Fingerprint = fingerprint(s.canonical)
	s.bytes = 128 + int64(cap(s.canonical)) + size(t, map[*Type]bool{})
	return s, nil
}

// endless reports whether a record is a field of itself, or of one that is.
func (p *parser) endless() bool {
	begun, done := map[*Type]bool{}, map[*Type]bool{}
	var within func(t *Type) bool
	within = func(t *Type) bool {
		if done[t] || begun[t] {
			return !done[t]
		}
		begun[t] = true
		for i := range t.Fields {
			if of := t.Fields[i].Of; of.Kind == Record && within(of) {
				return true
			}
		}
		done[t] = true
		return false
	}
	return slices.ContainsFunc(p.records, within)
}

// size is what a type takes with all that is within it, once.
func size(t *Type, seen map[*Type]bool) int64 {
	if seen[t] {
		return 0
	}
	seen[t] = true
	n := int64(144) + 8*int64(cap(t.Of)) + 56*int64(cap(t.Fields)) + 40*int64(cap(t.Symbols))
	for i := range t.Fields {
		n += int64(len(t.Fields[i].Name)+cap(t.Fields[i].Key)) + size(t.Fields[i].Of, seen)
	}
	for i := range t.Symbols {
		n += int64(len(t.Symbols[i].Text) + cap(t.Symbols[i].JSON))
	}
	for _, of := range t.Of {
		n += size(of, seen)
	}
	return n
}

// text reads one text. It returns its type and the tree that it is.
func (p *parser) text(text []byte) (*Type, any, error) {
	if len(text) > MaxText {
		return nil, nil, beyond("has %d bytes and may have %d", len(text), MaxText)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, nil, fail("is no JSON: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, fail("is followed by something")
	}
	t, err := p.parse(tree, "")
	return t, tree, err
}
