package infer

import (
	"encoding/json"
	"fmt"

	"tidemark/internal/avroschema"
	"tidemark/internal/jsontext"
	"tidemark/internal/schema"
)

// Avro is the columns for records that are written with a schema: each takes every value of
// its field, but for decimals with more digits than a column has. What Debezium puts around a row
// is left out, and debezium: true is among what goes with the columns.
func Avro(s *avroschema.Schema) *Result {
	out, row := &Result{}, s.Root
	if t := changedAvro(s.Root); t != nil {
		row, out.Beside = t, []string{debezium}
	}
	for _, f := range row.Fields {
		c := Column{Name: f.Name}
		c.Type, c.Remark = ofAvro(f.Of, f.Name)
		if f.Of.Kind == avroschema.Null {
			c.Omitted, c.Remark = true, "is always null"
		}
		out.Columns = append(out.Columns, c)
	}
	return out
}

// debezium goes with columns that stand within change events.
const debezium = "debezium: true"

// changedAvro is the type of the rows of a change event, nil: it is none.
func changedAvro(t *avroschema.Type) (row *avroschema.Type) {
	seen := map[string]bool{}
	for i := range t.Fields {
		f := &t.Fields[i]
		seen[f.Name] = true
		if f.Name == "after" {
			row = f.Of
		}
	}
	if row == nil || !seen["op"] || !seen["before"] {
		return nil
	}
	if _, other := row.Optional(); other != nil {
		row = other
	}
	if row.Kind != avroschema.Record {
		return nil
	}
	return row
}

func ofAvro(t *avroschema.Type, name string) (schema.Type, string) {
	if _, other := t.Optional(); other != nil {
		t = other
	}
	switch of := t.Connect; {
	case of == nil:
	case of.Base == avroschema.Record:
		return schema.Type{Kind: schema.String}, "decimals, each with a scale of its own: or of type decimal(18,4), as long as they fit"
	default:
		t = of
	}
	of := func(k schema.Kind) schema.Type { return schema.Type{Kind: k} }
	switch t.Kind {
	case avroschema.Boolean:
		return of(schema.Boolean), ""
	case avroschema.Int:
		return of(schema.Int), ""
	case avroschema.Long:
		return of(schema.Long), ""
	case avroschema.Float:
		return of(schema.Float), ""
	case avroschema.Double:
		return of(schema.Double), ""
	case avroschema.String, avroschema.Enum, avroschema.UUID:
		return of(schema.String), ""
	case avroschema.Bytes, avroschema.Fixed, avroschema.Duration:
		return of(schema.Binary), ""
	case avroschema.Date:
		return of(schema.Date), ""
	case avroschema.Moment:
		remark := ""
		if t.Unit == 1e9 {
			remark = "of nanoseconds: those between two microseconds are rejected"
		}
		return of(schema.Timestamp), remark
	case avroschema.Time:
		return of(schema.String), "a time of day"
	case avroschema.Decimal:
		if t.Scale <= schema.MaxPrecision {
			c := schema.Type{Kind: schema.Decimal, Precision: min(t.Precision, schema.MaxPrecision), Scale: t.Scale}
			if t.Precision > schema.MaxPrecision {
				return c, fmt.Sprintf("%s in the schema: numbers of more than %d digits are rejected", t, schema.MaxPrecision)
			}
			return c, ""
		}
		return schema.Type{Kind: schema.String, JSON: true}, t.String() + " in the schema: a decimal has at most 18 digits"
	}
	if n, ok := nestedAvro(t, 0); ok && n.Validate() == nil {
		return n, instead(n, name)
	}
	return asJSON(), "of type " + t.Describe() + ": a value within can be a column of its own, with from: " + within(name)
}

// nestedAvro is the type for an array, a map or a record, which stands in depth others. Not ok:
// no column has room for it.
func nestedAvro(t *avroschema.Type, depth int) (schema.Type, bool) {
	none := schema.Type{}
	if _, other := t.Optional(); other != nil {
		t = other
	}
	switch t.Kind {
	case avroschema.Array, avroschema.Map, avroschema.Record:
	case avroschema.Null, avroschema.Union:
		return asJSON(), true
	default:
		of, _ := ofAvro(t, "")
		return of, true
	}
	if depth == schema.MaxNesting || len(t.Fields) > schema.MaxLeaves {
		return none, false
	}
	if t.Kind == avroschema.Record {
		var fields []schema.Inner
		for i := range t.Fields {
			of, ok := nestedAvro(t.Fields[i].Of, depth+1)
			if !ok {
				return none, false
			}
			fields = append(fields, schema.Inner{Name: t.Fields[i].Name, Type: of})
		}
		return schema.StructOf(fields...), true
	}
	of, ok := nestedAvro(t.Of[0], depth+1)
	if t.Kind == avroschema.Map {
		return schema.MapOf(of), ok
	}
	return schema.ListOf(of), ok
}

// Changes is what Unwrap says behind a format whose records are change events.
const Changes = " with debezium: true"

// Unwrap takes the record out of what Kafka Connect and Debezium put around it. Kind is what
// that is, empty: nothing.
func Unwrap(value []byte) (record []byte, kind string) {
	var whole map[string]json.RawMessage
	if json.Unmarshal(value, &whole) != nil {
		return value, ""
	}
	if payload, ok := whole["payload"]; ok && len(whole) == 2 && whole["schema"] != nil {
		inner, within := Unwrap(payload)
		if within == "" {
			return payload, "connect-json"
		}
		return inner, "connect-json" + Changes
	}
	if whole["op"] == nil || whole["ts_ms"] == nil || whole["before"] == nil && whole["after"] == nil {
		return value, ""
	}
	for _, image := range []json.RawMessage{whole["after"], whole["before"]} {
		if len(image) == 0 || image[0] == 'n' {
			continue
		}
		var text string // of MongoDB
		if json.Unmarshal(image, &text) == nil {
			image = jsontext.AppendPlain(nil, []byte(text))
		}
		return image, "json" + Changes
	}
	return value, ""
}
