package jsonschema

import "strings"

// ParseConnect reads a schema of Kafka Connect, as its JsonConverter writes it in front of a
// payload: of a struct. A field that is not optional is required, and a struct has no others.
func ParseConnect(text string) (*Schema, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	r := reader{}
	t, err := r.ofConnect(root, 0)
	switch {
	case err != nil:
		return nil, err
	case t.Kind != Object || t.Connect != "struct":
		return nil, &Error{Why: "is no schema of Kafka Connect for a struct"}
	case len(t.Fields) == 0:
		return nil, &Error{Why: "names no fields"}
	}
	return &Schema{Root: t, bytes: r.bytes}, nil
}

// ofConnect makes a type of a schema that stands in depth others.
func (r *reader) ofConnect(n *node, depth int) (*Type, *Error) {
	if r.types++; r.types > maxTypes {
		return nil, &Error{true, "comes to more than 20,000 types"}
	}
	if depth == maxLevel {
		return nil, &Error{true, "has types that stand more than 64 deep in each other"}
	}
	r.bytes += typeBytes
	t := &Type{Connect: n.text("type")}
	if m := n.get("optional"); m != nil && m.kind == 't' {
		t.Nullable = true
	}
	if name := n.text("name"); isLogical(name) {
		t.Name = name
		if m := n.get("parameters"); m != nil {
			t.Scale = m.text("scale")
		}
	}
	if t.Name == "io.debezium.time.ZonedTimestamp" {
		t.Format = "date-time"
	}
	switch t.Connect {
	case "boolean":
		t.Kind = Boolean
	case "int8", "int16", "int32", "int64":
		t.Kind = Integer
	case "float", "float32", "double", "float64":
		t.Kind = Number
	case "string", "bytes":
		t.Kind = String
	case "array":
		t.Kind = Array
		return t, r.part(&t.Items, n.get("items"), depth)
	case "map":
		if t.Kind = Array; n.get("keys") == nil || n.get("keys").text("type") != "string" {
			return t, nil // of pairs, each an array
		}
		t.Kind = Object
		return t, r.part(&t.Values, n.get("values"), depth)
	case "struct":
		t.Kind, t.Closed = Object, true
		return t, r.fields(t, n.get("fields"), depth)
	}
	return t, nil
}

func (r *reader) part(to **Type, n *node, depth int) (err *Error) {
	if n != nil {
		*to, err = r.ofConnect(n, depth+1)
	}
	return err
}

func (r *reader) fields(t *Type, n *node, depth int) *Error {
	if n == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, one := range n.items {
		of, err := r.ofConnect(one, depth+1)
		if err != nil {
			return err
		}
		name := one.text("field")
		if seen[name] {
			return &Error{Why: "has the field " + short(name) + " twice"}
		}
		seen[name] = true
		r.bytes += int64(len(name))
		t.Fields = append(t.Fields, Field{Name: name, Required: !of.Nullable, Of: of})
	}
	return nil
}

// isLogical reports whether a schema of this name says how values are to be read.
func isLogical(name string) bool {
	return strings.HasPrefix(name, "org.apache.kafka.connect.data.") || strings.HasPrefix(name, "io.debezium.")
}
