package infer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"tidemark/internal/schema"
)

// connectSchema is a schema of Kafka Connect, and a field of one.
type connectSchema struct {
	Field      string            `json:"field"`
	Type       string            `json:"type"`
	Name       string            `json:"name"`
	Parameters map[string]string `json:"parameters"`
	Fields     []connectSchema   `json:"fields"`
	Items      *connectSchema    `json:"items"`
	Keys       *connectSchema    `json:"keys"`
	Values     *connectSchema    `json:"values"`
}

// Connect is the columns for values that Kafka Connect's JsonConverter wrote, the newest last,
// by the schemas in them. Fields that only older schemas have come last. Of change events of
// Debezium, which changes tells, the columns are those of the rows behind the changes. It is
// nil where no value has such a schema.
func Connect(values [][]byte) (r *Result, changes bool) {
	known, seen := map[string]bool{}, map[string]bool{}
	for _, v := range slices.Backward(values) {
		var whole struct {
			Schema json.RawMessage `json:"schema"`
		}
		if json.Unmarshal(v, &whole) != nil || len(whole.Schema) == 0 || known[string(whole.Schema)] {
			continue
		}
		known[string(whole.Schema)] = true
		var s connectSchema
		if json.Unmarshal(whole.Schema, &s) != nil || s.Type != "struct" {
			continue
		}
		fields, change := s.row()
		if fields == nil {
			continue // rows are texts: their values tell
		}
		newest := r == nil
		if newest {
			r, changes = &Result{}, change
		}
		for _, f := range fields {
			if seen[f.Field] {
				continue
			}
			seen[f.Field] = true
			c := Column{Name: f.Field}
			if c.Type, c.Remark = f.column(); !newest {
				c.Remark = joined("the newest schema has no such field", c.Remark)
			}
			r.Columns = append(r.Columns, c)
		}
	}
	if len(known) > 1 && r != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("of %d schemas: the columns are those of the newest one first", len(known)))
	}
	return r, changes
}

// row is the fields of the row, and whether it stands within a change event; nil: it is a text.
func (s *connectSchema) row() (fields []connectSchema, change bool) {
	members := map[string]*connectSchema{}
	for i := range s.Fields {
		members[s.Fields[i].Field] = &s.Fields[i]
	}
	if members["op"] == nil || members["ts_ms"] == nil {
		return s.Fields, false
	}
	for _, image := range []string{"after", "before"} {
		switch m := members[image]; {
		case m == nil:
		case m.Type == "struct":
			return m.Fields, true
		case m.Type == "string":
			return nil, true
		}
	}
	return s.Fields, false
}

// column is the type for values with the schema, and what a person should know of it.
func (s *connectSchema) column() (schema.Type, string) {
	t, remark := s.scalar()
	if t.Kind != 0 {
		return t, remark
	}
	if t, ok := s.nested(0); ok && t.Validate() == nil {
		return t, instead(t, s.Field)
	}
	return asJSON(), "of type " + s.Type + ": a value within can be a column of its own, with from: " + within(s.Field)
}

// scalar is the type of what holds no others, of kind 0 for what does.
func (s *connectSchema) scalar() (schema.Type, string) {
	of := func(k schema.Kind) schema.Type { return schema.Type{Kind: k} }
	switch s.Name {
	case "org.apache.kafka.connect.data.Decimal":
		return s.decimal()
	case "io.debezium.data.VariableScaleDecimal":
		return of(schema.String), "decimals, each with a scale of its own: or of type decimal(18,4), as long as they fit"
	case "org.apache.kafka.connect.data.Date", "io.debezium.time.Date":
		return of(schema.Date), ""
	case "org.apache.kafka.connect.data.Timestamp", "io.debezium.time.ZonedTimestamp":
		return of(schema.Timestamp), ""
	case "io.debezium.time.Timestamp", "io.debezium.time.MicroTimestamp":
		return of(schema.Timestamp), "of a local clock: zone says which, by default UTC"
	case "io.debezium.time.NanoTimestamp":
		return of(schema.Timestamp), "of a local clock: zone says which, by default UTC; of nanoseconds: those between two microseconds are rejected"
	case "org.apache.kafka.connect.data.Time", "io.debezium.time.Time", "io.debezium.time.MicroTime", "io.debezium.time.NanoTime":
		return of(schema.String), "a time of day"
	}
	switch s.Type {
	case "boolean":
		return of(schema.Boolean), ""
	case "int8", "int16", "int32":
		return of(schema.Int), ""
	case "int64":
		return of(schema.Long), ""
	case "float", "float32":
		return of(schema.Float), ""
	case "double", "float64":
		return of(schema.Double), ""
	case "string":
		return of(schema.String), ""
	case "bytes":
		return of(schema.Binary), ""
	}
	return schema.Type{}, ""
}

func (s *connectSchema) decimal() (schema.Type, string) {
	scale, err := strconv.Atoi(s.Parameters["scale"])
	if err != nil || scale < 0 || scale > schema.MaxPrecision {
		return asJSON(), "a decimal of scale " + s.Parameters["scale"] + ": a column has at most 18 digits"
	}
	precision, err := strconv.Atoi(s.Parameters["connect.decimal.precision"])
	t := schema.Type{Kind: schema.Decimal, Precision: schema.MaxPrecision, Scale: scale}
	switch {
	case err != nil:
	case precision > schema.MaxPrecision:
		return t, fmt.Sprintf("of %d digits in the schema: numbers of more than %d are rejected", precision, schema.MaxPrecision)
	case precision >= max(scale, 1):
		t.Precision = precision
	}
	return t, ""
}

// nested is the type for a list, a map or a struct, which stands in depth others. Not ok: one
// that no column has room for.
func (s *connectSchema) nested(depth int) (t schema.Type, ok bool) {
	if depth >= schema.MaxNesting {
		return t, false
	}
	inner := func(f *connectSchema) (schema.Type, bool) {
		if f == nil {
			return t, false
		}
		if t, _ := f.scalar(); t.Kind != 0 {
			return t, true
		}
		return f.nested(depth + 1)
	}
	switch {
	case s.Type == "array":
		of, ok := inner(s.Items)
		return schema.ListOf(of), ok
	case s.Type == "map" && s.Keys != nil && s.Keys.Type == "string":
		of, ok := inner(s.Values)
		return schema.MapOf(of), ok
	case s.Type == "struct" && len(s.Fields) > 0 && len(s.Fields) <= schema.MaxLeaves:
		var fields []schema.Inner
		for i := range s.Fields {
			of, ok := inner(&s.Fields[i])
			if !ok {
				return t, false
			}
			fields = append(fields, schema.Inner{Name: s.Fields[i].Field, Type: of})
		}
		return schema.StructOf(fields...), true
	}
	return t, false
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
