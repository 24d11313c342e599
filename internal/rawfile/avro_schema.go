package rawfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// The limits of a schema.
const (
	maxNesting = 64        // types within types
	maxFields  = 10_000    // of a record, branches of a union, symbols of an enum
	maxFixed   = 16 << 20  // bytes of a fixed
	maxLeast   = 1_000_000 // a size that is not told apart from larger ones
)

// avroKind is what a value looks like in the file and in JSON.
type avroKind uint8

const (
	avroNull avroKind = iota
	avroBoolean
	avroInt
	avroLong
	avroFloat
	avroDouble
	avroBytes
	avroString
	avroRecord
	avroEnum
	avroArray
	avroMap
	avroFixed
	avroUnion
	// Logical types, of which the kind below is in avroType.base.
	avroDecimal
	avroUUID
	avroDuration
	avroDate
	avroTime
	avroMoment
)

// avroType is a type of a schema, compiled.
type avroType struct {
	kind, base avroKind
	least      int // bytes that a value has at least
	size       int // of a fixed

	scale, precision int
	unit             unit
	zoned            bool

	fields  []avroField // of a record
	of      []*avroType // items, values or branches
	symbols [][]byte    // of an enum, as JSON
}

type avroField struct {
	key  []byte // as it stands in JSON: "name":
	name string
	of   *avroType
}

// avroCompiler compiles a schema.
type avroCompiler struct {
	named map[string]*avroType // nil while the type is compiled
	depth int
}

// compileAvro compiles the schema of a file. The columns in exact may not be float or
// double.
func compileAvro(text []byte, exact []string) (*avroType, error) {
	if len(text) > maxAvroSchema {
		return nil, fmt.Errorf("has %d bytes and may have %d", len(text), maxAvroSchema)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("is no JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("is followed by something")
	}
	c := &avroCompiler{named: map[string]*avroType{}}
	t, err := c.compile(tree, "")
	if err != nil {
		return nil, err
	}
	if t.kind != avroRecord {
		return nil, errors.New("is not that of a record: a row must have named columns")
	}
	for _, f := range t.fields {
		if kind := f.of.inexact(); kind != "" && slices.Contains(exact, f.name) {
			return nil, &inexactError{f.name, kind}
		}
	}
	return t, nil
}

// inexact is float or double where a value may be one.
func (t *avroType) inexact() string {
	switch t.kind {
	case avroFloat:
		return "float"
	case avroDouble:
		return "double"
	case avroUnion:
		for _, b := range t.of {
			if kind := b.inexact(); kind != "" {
				return kind
			}
		}
	}
	return ""
}

// primitives are the types that have a name of their own, with their least size.
func primitive(name string) *avroType {
	switch name {
	case "null":
		return &avroType{kind: avroNull}
	case "boolean":
		return &avroType{kind: avroBoolean, least: 1}
	case "int":
		return &avroType{kind: avroInt, least: 1}
	case "long":
		return &avroType{kind: avroLong, least: 1}
	case "float":
		return &avroType{kind: avroFloat, least: 4}
	case "double":
		return &avroType{kind: avroDouble, least: 8}
	case "bytes":
		return &avroType{kind: avroBytes, least: 1}
	case "string":
		return &avroType{kind: avroString, least: 1}
	}
	return nil
}

// compile compiles a type within a namespace.
func (c *avroCompiler) compile(tree any, space string) (*avroType, error) {
	if c.depth++; c.depth > maxNesting {
		return nil, fmt.Errorf("nests types more than %d deep", maxNesting)
	}
	defer func() { c.depth-- }()
	switch x := tree.(type) {
	case string:
		return c.reference(x, space)
	case []any:
		return c.union(x, space)
	case map[string]any:
		return c.object(x, space)
	}
	return nil, fmt.Errorf("has a type that is neither a name, nor an object, nor a union")
}

func (c *avroCompiler) reference(name, space string) (*avroType, error) {
	if t := primitive(name); t != nil {
		return t, nil
	}
	full := name
	if !strings.Contains(name, ".") && space != "" {
		full = space + "." + name
	}
	t, ok := c.named[full]
	if !ok {
		full = name
		t, ok = c.named[name]
	}
	switch {
	case !ok:
		return nil, fmt.Errorf("has a type %q that it does not define", name)
	case t == nil:
		return nil, fmt.Errorf("has %q within itself: rows that nest without end are not read", full)
	}
	return t, nil
}

func (c *avroCompiler) union(branches []any, space string) (*avroType, error) {
	if len(branches) == 0 || len(branches) > maxFields {
		return nil, fmt.Errorf("has a union of %d types", len(branches))
	}
	u := &avroType{kind: avroUnion, least: maxLeast}
	for _, b := range branches {
		t, err := c.compile(b, space)
		if err != nil {
			return nil, err
		}
		if t.kind == avroUnion {
			return nil, errors.New("has a union right within a union")
		}
		u.of = append(u.of, t)
		u.least = min(u.least, 1+t.least)
	}
	return u, nil
}

func (c *avroCompiler) object(o map[string]any, space string) (*avroType, error) {
	name, isName := o["type"].(string)
	if !isName {
		return c.compile(o["type"], space) // {"type": {…}}
	}
	switch name {
	case "array", "map":
		kind, key := avroArray, "items"
		if name == "map" {
			kind, key = avroMap, "values"
		}
		of, err := c.compile(o[key], space)
		if err != nil {
			return nil, err
		}
		return &avroType{kind: kind, least: 1, of: []*avroType{of}}, nil
	case "record", "error", "enum", "fixed":
		return c.define(name, o, space)
	}
	t, err := c.reference(name, space)
	if err != nil {
		return nil, err
	}
	return logical(t, o), nil
}

// define compiles a type that has a name.
func (c *avroCompiler) define(kind string, o map[string]any, space string) (*avroType, error) {
	full, _ := o["name"].(string)
	if full == "" {
		return nil, fmt.Errorf("has %s without a name", kind)
	}
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		space = full[:i]
	} else {
		if own, ok := o["namespace"].(string); ok {
			space = own
		}
		if space != "" {
			full = space + "." + full
		}
	}
	if _, ok := c.named[full]; ok {
		return nil, fmt.Errorf("defines %q twice", full)
	}
	c.named[full] = nil
	var t *avroType
	var err error
	switch kind {
	case "enum":
		t, err = enum(o, full)
	case "fixed":
		t, err = fixed(o, full)
	default:
		t, err = c.record(o, full, space)
	}
	if err != nil {
		return nil, err
	}
	c.named[full] = t
	return t, nil
}

func (c *avroCompiler) record(o map[string]any, full, space string) (*avroType, error) {
	fields, ok := o["fields"].([]any)
	if !ok || len(fields) > maxFields {
		return nil, fmt.Errorf("has a record %q without fields, or with more than %d", full, maxFields)
	}
	t := &avroType{kind: avroRecord}
	seen := map[string]bool{}
	for _, f := range fields {
		field, _ := f.(map[string]any)
		name, _ := field["name"].(string)
		if name == "" {
			return nil, fmt.Errorf("has a record %q with a field that has no name", full)
		}
		if seen[name] {
			return nil, fmt.Errorf("has a record %q with two fields %q", full, name)
		}
		seen[name] = true
		of, err := c.compile(field["type"], space)
		if err != nil {
			return nil, err
		}
		t.fields = append(t.fields, avroField{key: append(appendText(nil, []byte(name)), ':'), name: name, of: of})
		t.least = min(t.least+of.least, maxLeast)
	}
	return t, nil
}

func enum(o map[string]any, full string) (*avroType, error) {
	symbols, _ := o["symbols"].([]any)
	if len(symbols) == 0 || len(symbols) > maxFields {
		return nil, fmt.Errorf("has an enum %q of %d symbols", full, len(symbols))
	}
	t := &avroType{kind: avroEnum, least: 1}
	for _, s := range symbols {
		text, ok := s.(string)
		if !ok {
			return nil, fmt.Errorf("has an enum %q with a symbol that is no text", full)
		}
		t.symbols = append(t.symbols, appendText(nil, []byte(text)))
	}
	return t, nil
}

func fixed(o map[string]any, full string) (*avroType, error) {
	size, ok := whole(o["size"])
	if !ok || size > maxFixed {
		return nil, fmt.Errorf("has a fixed %q without a size from 0 to %d", full, maxFixed)
	}
	return logical(&avroType{kind: avroFixed, size: size, least: min(size, maxLeast)}, o), nil
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
func logical(t *avroType, o map[string]any) *avroType {
	l := *t
	l.base = t.kind
	name, _ := o["logicalType"].(string)
	switch raw := t.kind == avroBytes || t.kind == avroFixed; {
	case name == "decimal" && raw:
		var ok bool
		l.precision, ok = whole(o["precision"])
		l.scale, _ = whole(o["scale"])
		_, wrong := o["scale"].(string)
		if !ok || wrong || l.precision < 1 || l.scale > l.precision || l.precision > maxDecimal {
			return t
		}
		l.kind = avroDecimal
	case name == "uuid" && t.kind == avroFixed && t.size == 16:
		l.kind = avroUUID
	case name == "duration" && t.kind == avroFixed && t.size == 12:
		l.kind = avroDuration
	case name == "date" && t.kind == avroInt:
		l.kind = avroDate
	case t.kind == avroInt && name == "time-millis":
		l.kind, l.unit = avroTime, millis
	case t.kind == avroLong && name == "time-micros":
		l.kind, l.unit = avroTime, micros
	case t.kind == avroLong && strings.Contains(name, "timestamp-"):
		unit, ok := map[string]unit{"millis": millis, "micros": micros, "nanos": nanos}[name[strings.LastIndexByte(name, '-')+1:]]
		zone := name[:strings.LastIndexByte(name, '-')]
		if !ok || zone != "timestamp" && zone != "local-timestamp" {
			return t
		}
		l.kind, l.unit, l.zoned = avroMoment, unit, zone == "timestamp"
	default:
		return t
	}
	return &l
}
