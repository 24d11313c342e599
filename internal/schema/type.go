package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is the family of a type.
type Kind uint8

// The kinds a column can have.
const (
	Int     Kind = iota + 1 // 32 bits, signed
	Long                    // 64 bits, signed
	Float                   // IEEE 754 binary32
	Double                  // IEEE 754 binary64
	Decimal                 // exact, at most 18 digits
	String                  // UTF-8
	Boolean
	Date      // days since 1970-01-01
	Timestamp // microseconds since 1970-01-01T00:00:00Z
	Binary
	List   // of elements of one type
	Map    // from text to values of one type, in the order that they came in
	Struct // fields by name
)

var kinds = []string{Int: "int", Long: "long", Float: "float", Double: "double", Decimal: "decimal",
	String: "string", Boolean: "boolean", Date: "date", Timestamp: "timestamp", Binary: "binary",
	List: "list", Map: "map", Struct: "struct"}

func (k Kind) String() string { return kinds[k] }

// Fixed reports whether values of the kind stand in Vector.Ints: everything but
// string, binary and what is nested.
func (k Kind) Fixed() bool { return k != String && k < Binary }

// Nested reports whether values of the kind hold others.
func (k Kind) Nested() bool { return k >= List }

// MaxPrecision is the most digits a decimal may have: 18 fit an INT64, and
// parquet-go writes wrong bounds for the longer ones (byte arrays).
const MaxPrecision = 18

// Type is a column's type. Precision and Scale are those of a decimal.
type Type struct {
	Kind             Kind
	Precision, Scale int
	JSON             bool `json:",omitempty"` // of a string: any value whatever, as the text of JSON that it came as

	// Of is what values of a nested type hold: the element of a list, key and value of a
	// map, the fields of a struct.
	Of []Inner `json:",omitempty"`
}

// Inner is a part of a nested type.
type Inner struct {
	Name string
	Type Type
}

func (t Type) String() string {
	if t.Kind.Nested() {
		return t.nestedString()
	}
	if t.Kind == Decimal {
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	}
	if t.JSON {
		return "json"
	}
	return t.Kind.String()
}

// Validate reports a decimal whose precision or scale cannot be kept.
func (t Type) Validate() error {
	if t.Kind < Int || t.Kind > Struct {
		return fmt.Errorf("type is missing")
	}
	if t.Kind.Nested() {
		return t.validateNested()
	}
	if t.JSON && t.Kind != String {
		return fmt.Errorf("a %s is no text, and so no text of JSON", t.Kind)
	}
	if t.Kind == Decimal && (t.Precision < 1 || t.Precision > MaxPrecision || t.Scale < 0 || t.Scale > t.Precision) {
		return fmt.Errorf("%s: precision is 1 to %d, scale 0 to the precision", t, MaxPrecision)
	}
	return nil
}

// ParseType reads a type as the configuration writes it: long, decimal(18,2),
// list<string> ….
func ParseType(s string) (Type, error) {
	if IsNested(s) {
		return parseNested(s)
	}
	if s == "json" {
		return Type{Kind: String, JSON: true}, nil
	}
	name, args, isCall := strings.Cut(s, "(")
	for k := Int; k <= Binary; k++ {
		if k.String() != name || isCall != (k == Decimal) {
			continue
		}
		t := Type{Kind: k}
		if k == Decimal {
			p, sc, ok := strings.Cut(strings.TrimSuffix(args, ")"), ",")
			var err, err2 error
			t.Precision, err = strconv.Atoi(strings.TrimSpace(p))
			t.Scale, err2 = strconv.Atoi(strings.TrimSpace(sc))
			if !ok || err != nil || err2 != nil || !strings.HasSuffix(args, ")") {
				return Type{}, fmt.Errorf("type %q: write decimal(18,2)", s)
			}
		}
		return t, t.Validate()
	}
	return Type{}, fmt.Errorf("type %q is not one of int, long, float, double, decimal(p,s), string, boolean, date, timestamp, binary, json, list<…>, map<string,…>, struct<…>", s)
}

// DefaultFor is what a missing value of the type becomes where the schema says
// nothing: zero, UNKNOWN or null.
func DefaultFor(t Type) Value {
	switch {
	case t.JSON, t.Kind.Nested(), t.Kind == Date, t.Kind == Timestamp, t.Kind == Binary:
		return Value{Null: true}
	case t.Kind == String:
		return Value{Bytes: []byte("UNKNOWN")}
	}
	return Value{} // zero: the bits of 0.0 are 0 too
}
