package infer

import (
	"strconv"

	"tidemark/internal/jsonschema"
	"tidemark/internal/schema"
)

// Objects is the columns for records of JSON with a schema, as Avro is. What Debezium puts around a
// row is left out, and debezium: true is among what goes with the columns.
func Objects(s *jsonschema.Schema) *Result {
	out := &Result{}
	row, changes := rowOf(s.Root)
	if changes {
		out.Beside = []string{debezium}
	}
	if row == nil {
		out.Notes = []string{"rows are texts, of which the schema says nothing: look at records, with --topic"}
		return out
	}
	for i := range row.Fields {
		f := &row.Fields[i]
		c := Column{Name: f.Name}
		c.Type, c.Remark = ofObject(f.Of, f.Name)
		if f.Of.Kind == jsonschema.Null {
			c.Omitted, c.Remark = true, "is always null"
		}
		out.Columns = append(out.Columns, c)
	}
	return out
}

// rowOf is the type of the rows, nil where they are texts, and whether they stand within change
// events.
func rowOf(t *jsonschema.Type) (row *jsonschema.Type, changes bool) {
	after, before := t.Named("after"), t.Named("before")
	if t.Named("op") == nil || after == nil && before == nil {
		return t, false
	}
	for _, image := range []*jsonschema.Field{after, before} {
		switch {
		case image == nil:
		case len(image.Of.Fields) > 0:
			return image.Of, true
		case image.Of.Kind == jsonschema.String:
			return nil, true
		}
	}
	return t, false
}

// ofObject is the type of a field, and what a person should know of it.
func ofObject(t *jsonschema.Type, name string) (schema.Type, string) {
	of := func(k schema.Kind) schema.Type { return schema.Type{Kind: k} }
	if t, remark := ofLogical(t); t.Kind != 0 {
		return t, remark
	}
	switch t.Kind {
	case jsonschema.Boolean:
		return of(schema.Boolean), ""
	case jsonschema.Integer:
		switch t.Connect {
		case "int8", "int16", "int32":
			return of(schema.Int), ""
		}
		return of(schema.Long), ""
	case jsonschema.Number:
		switch t.Connect {
		case "float", "float32":
			return of(schema.Float), ""
		case "double", "float64":
			return of(schema.Double), ""
		}
		return of(schema.Double), "of money, write decimal(18,2): numbers of JSON are exact"
	case jsonschema.String:
		switch {
		case t.Connect == "bytes":
			return of(schema.Binary), ""
		case t.Format == "date":
			return of(schema.Date), ""
		case t.Format == "date-time":
			return of(schema.Timestamp), ""
		}
		return of(schema.String), ""
	case jsonschema.Any:
		return asJSON(), "of any type, by its schema"
	}
	if n, ok := nestedObject(t, 0); ok && n.Validate() == nil {
		return n, instead(n, name)
	}
	return asJSON(), keptWhole(name)
}

// ofLogical is the type of what Kafka Connect and Debezium write in a way of their own, of kind
// 0 for all others.
func ofLogical(t *jsonschema.Type) (schema.Type, string) {
	of := func(k schema.Kind) schema.Type { return schema.Type{Kind: k} }
	const local = "of a local clock: zone says which, by default UTC"
	switch t.Name {
	case "org.apache.kafka.connect.data.Decimal":
		if scale, err := strconv.Atoi(t.Scale); err == nil && scale >= 0 && scale <= schema.MaxPrecision {
			return schema.Type{Kind: schema.Decimal, Precision: schema.MaxPrecision, Scale: scale}, ""
		}
		remark := "a decimal of scale " + t.Scale + ": a column of decimals has at most 18 digits"
		if t.Kind == jsonschema.String {
			return of(schema.String), remark
		}
		return asJSON(), remark
	case "io.debezium.data.VariableScaleDecimal":
		return of(schema.String), "decimals, each with a scale of its own: or of type decimal(18,4), as long as they fit"
	case "org.apache.kafka.connect.data.Date", "io.debezium.time.Date":
		return of(schema.Date), ""
	case "org.apache.kafka.connect.data.Timestamp", "io.debezium.time.ZonedTimestamp":
		return of(schema.Timestamp), ""
	case "io.debezium.time.Timestamp", "io.debezium.time.MicroTimestamp":
		return of(schema.Timestamp), local
	case "io.debezium.time.NanoTimestamp":
		return of(schema.Timestamp), local + "; of nanoseconds: those between two microseconds are rejected"
	case "org.apache.kafka.connect.data.Time", "io.debezium.time.Time", "io.debezium.time.MicroTime", "io.debezium.time.NanoTime":
		return of(schema.String), "a time of day"
	}
	return schema.Type{}, ""
}

// nestedObject is the type for an array or an object, which stands in depth others. Not ok: no
// column has room for it, or its schema does not say what it holds.
func nestedObject(t *jsonschema.Type, depth int) (schema.Type, bool) {
	switch {
	case t.Kind == jsonschema.Any, t.Kind == jsonschema.Null:
		return asJSON(), true
	case t.Kind != jsonschema.Array && t.Kind != jsonschema.Object, t.Name == "io.debezium.data.VariableScaleDecimal":
		of, _ := ofObject(t, "")
		return of, true
	case depth == schema.MaxNesting || len(t.Fields) > schema.MaxLeaves:
	case t.Items != nil:
		of, ok := nestedObject(t.Items, depth+1)
		return schema.ListOf(of), ok
	case len(t.Fields) > 0:
		var fields []schema.Inner
		for i := range t.Fields {
			of, ok := nestedObject(t.Fields[i].Of, depth+1)
			if !ok {
				return schema.Type{}, false
			}
			fields = append(fields, schema.Inner{Name: t.Fields[i].Name, Type: of})
		}
		return schema.StructOf(fields...), true
	case t.Values != nil:
		of, ok := nestedObject(t.Values, depth+1)
		return schema.MapOf(of), ok
	}
	return schema.Type{}, false
}
