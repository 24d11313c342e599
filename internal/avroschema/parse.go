package avroschema

import (
	"encoding/json"
	"strconv"
	"strings"

	"tidemark/internal/jsontext"
)

// The limits of a schema.
const (
	maxNesting = 64        // types within types
	maxFields  = 10_000    // of a record, branches of a union, symbols of an enum
	maxFixed   = 16 << 20  // bytes of a fixed
	maxDigits  = 256       // of a decimal
	maxLeast   = 1_000_000 // a size that is not told apart from larger ones
)

// parser reads a schema.
type parser struct {
	named   map[string]*Type // of a record, also while it is read
	open    map[*Type]bool   // records that are read
	records []*Type          // all of them
	within  string           // the first that holds itself
	depth   int
}

// primitive is a type that has a name of its own, nil for any other name.
func primitive(name string) *Type {
	switch name {
	case "null":
		return &Type{Kind: Null}
	case "boolean":
		return &Type{Kind: Boolean, Least: 1}
	case "int":
		return &Type{Kind: Int, Least: 1}
	case "long":
		return &Type{Kind: Long, Least: 1}
	case "float":
		return &Type{Kind: Float, Least: 4}
	case "double":
		return &Type{Kind: Double, Least: 8}
	case "bytes":
		return &Type{Kind: Bytes, Least: 1}
	case "string":
		return &Type{Kind: String, Least: 1}
	}
	return nil
}

// parse reads a type within a namespace.
func (p *parser) parse(tree any, space string) (*Type, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, beyond("nests types more than %d deep", maxNesting)
	}
	defer func() { p.depth-- }()
	switch x := tree.(type) {
	case string:
		return p.reference(x, space)
	case []any:
		return p.union(x, space)
	case map[string]any:
		return p.object(x, space)
	}
	return nil, fail("has a type that is neither a name, nor an object, nor a union")
}

func (p *parser) reference(name, space string) (*Type, error) {
	if t := primitive(name); t != nil {
		return t, nil
	}
	full, ok := p.resolve(name, space)
	t := p.named[full]
	switch {
	case !ok:
		return nil, fail("has a type %q that it does not define", name)
	case p.open[t] && p.within == "":
		p.within = full
	}
	return t, nil
}

func (p *parser) union(branches []any, space string) (*Type, error) {
	if len(branches) == 0 || len(branches) > maxFields {
		return nil, fail("has a union of %d types", len(branches))
	}
	u := &Type{Kind: Union, Least: maxLeast}
	for _, b := range branches {
		t, err := p.parse(b, space)
		if err != nil {
			return nil, err
		}
		if t.Kind == Union {
			return nil, fail("has a union right within a union")
		}
		u.Of = append(u.Of, t)
		u.Least = min(u.Least, 1+t.Least)
	}
	return u, nil
}

func (p *parser) object(o map[string]any, space string) (*Type, error) {
	name, isName := o["type"].(string)
	if !isName {
		return p.parse(o["type"], space) // {"type": {…}}
	}
	switch name {
	case "array", "map":
		kind, key := Array, "items"
		if name == "map" {
			kind, key = Map, "values"
		}
		of, err := p.parse(o[key], space)
		if err != nil {
			return nil, err
		}
		return &Type{Kind: kind, Least: 1, Of: []*Type{of}}, nil
	case "record", "error", "enum", "fixed":
		return p.define(name, o, space)
	}
	t, err := p.reference(name, space)
	if err != nil {
		return nil, err
	}
	return connected(logical(t, o), o), nil
}

// define reads a type that has a name.
func (p *parser) define(kind string, o map[string]any, space string) (*Type, error) {
	if name, _ := o["name"].(string); name == "" {
		return nil, fail("has %s without a name", kind)
	}
	full, space := fullName(o, space)
	if _, ok := p.named[full]; ok {
		return nil, fail("defines %q twice", full)
	}
	p.named[full] = nil // an enum or a fixed has no types within it
	var t *Type
	var err error
	switch kind {
	case "enum":
		t, err = enum(o, full)
	case "fixed":
		t, err = fixed(o, full)
	default:
		t, err = p.record(o, full, space)
	}
	if err != nil {
		return nil, err
	}
	p.named[full] = t
	return t, nil
}

func (p *parser) record(o map[string]any, full, space string) (*Type, error) {
	fields, ok := o["fields"].([]any)
	if !ok || len(fields) > maxFields {
		return nil, beyond("has a record %q without fields, or with more than %d", full, maxFields)
	}
	t := &Type{Kind: Record}
	p.named[full], p.open[t], p.records = t, true, append(p.records, t)
	defer delete(p.open, t)
	seen := map[string]bool{}
	for _, f := range fields {
		field, _ := f.(map[string]any)
		name, _ := field["name"].(string)
		if name == "" {
			return nil, fail("has a record %q with a field that has no name", full)
		}
		if seen[name] {
			return nil, fail("has a record %q with two fields %q", full, name)
		}
		seen[name] = true
		of, err := p.parse(field["type"], space)
		if err != nil {
			return nil, err
		}
		t.Fields = append(t.Fields, Field{Key: append(jsontext.AppendString(nil, []byte(name)), ':'), Name: name, Of: of})
		t.Least = min(t.Least+of.Least, maxLeast)
	}
	variable(t, o)
	return t, nil
}

func enum(o map[string]any, full string) (*Type, error) {
	symbols, _ := o["symbols"].([]any)
	if len(symbols) == 0 || len(symbols) > maxFields {
		return nil, fail("has an enum %q of %d symbols", full, len(symbols))
	}
	t := &Type{Kind: Enum, Least: 1}
	for _, s := range symbols {
		text, ok := s.(string)
		if !ok {
			return nil, fail("has an enum %q with a symbol that is no text", full)
		}
		t.Symbols = append(t.Symbols, Symbol{Text: text, JSON: jsontext.AppendString(nil, []byte(text))})
	}
	return t, nil
}

func fixed(o map[string]any, full string) (*Type, error) {
	size, ok := whole(o["size"])
	if !ok || size > maxFixed {
		return nil, fail("has a fixed %q without a size from 0 to %d", full, maxFixed)
	}
	return logical(&Type{Kind: Fixed, Size: size, Least: min(size, maxLeast)}, o), nil
}

// whole is a number that is not negative; none counts as 0.
func whole(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	x, err := strconv.Atoi(n.String())
	return x, err == nil && x >= 0
}

// logical is the type that a logicalType makes of one. What is not known or does not fit
// is left as it is, as Avro asks.
func logical(t *Type, o map[string]any) *Type {
	l := *t
	l.Base = t.Kind
	name, _ := o["logicalType"].(string)
	switch raw := t.Kind == Bytes || t.Kind == Fixed; {
	case name == "decimal" && raw:
		var ok bool
		l.Precision, ok = whole(o["precision"])
		l.Scale, _ = whole(o["scale"])
		_, wrong := o["scale"].(string)
		if !ok || wrong || l.Precision < 1 || l.Scale > l.Precision || l.Precision > maxDigits {
			return t
		}
		l.Kind = Decimal
	case name == "uuid" && t.Kind == Fixed && t.Size == 16:
		l.Kind = UUID
	case name == "duration" && t.Kind == Fixed && t.Size == 12:
		l.Kind = Duration
	case name == "date" && t.Kind == Int:
		l.Kind = Date
	case t.Kind == Int && name == "time-millis":
		l.Kind, l.Unit = Time, jsontext.Millis
	case t.Kind == Long && name == "time-micros":
		l.Kind, l.Unit = Time, jsontext.Micros
	case t.Kind == Long && strings.Contains(name, "timestamp-"):
		unit, ok := map[string]jsontext.Unit{"millis": jsontext.Millis, "micros": jsontext.Micros, "nanos": jsontext.Nanos}[name[strings.LastIndexByte(name, '-')+1:]]
		zone := name[:strings.LastIndexByte(name, '-')]
		if !ok || zone != "timestamp" && zone != "local-timestamp" {
			return t
		}
		l.Kind, l.Unit, l.Zoned = Moment, unit, zone == "timestamp"
	default:
		return t
	}
	return &l
}
