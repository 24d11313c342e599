package infer

import (
	"strconv"

	"tidemark/internal/jsonschema"
	"tidemark/internal/schema"
)

// Objects is the columns for records of JSON with a schema, as Avro is. What Debezium puts around a
// row is left out, and debezium: true is among what goes with the columns.
func Objects(s *jsonschema.Schema) *Result {
	out, row := &Result{}, s.Root
	if t := changed(s.Root); t != nil {
		row, out.Beside = t, []string{"debezium: true"}
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

// changed is the type of the rows of a change event, nil: it is none.
func changed(t *jsonschema.Type) *jsonschema.Type {
	after := t.Named("after")
	if after == nil || len(after.Of.Fields) == 0 || t.Named("op") == nil || t.Named("before") == nil {
		return nil
	}
	return after.Of
}

func ofObject(t *jsonschema.Type, name string) (schema.Type, string) {
	of := func(k schema.Kind) schema.Type { return schema.Type{Kind: k} }
	switch t.Name {
	case "org.apache.kafka.connect.data.Decimal":
		if scale, err := strconv.Atoi(t.Scale); err == nil && scale >= 0 && scale <= schema.MaxPrecision {
			return schema.Type{Kind: schema.Decimal, Precision: schema.MaxPrecision, Scale: scale}, ""
		}
	case "org.apache.kafka.connect.data.Date", "io.debezium.time.Date":
		return of(schema.Date), ""
	case "org.apache.kafka.connect.data.Timestamp", "io.debezium.time.Timestamp", "io.debezium.time.MicroTimestamp", "io.debezium.time.NanoTimestamp":
		return of(schema.Timestamp), ""
	case "org.apache.kafka.connect.data.Time", "io.debezium.time.Time", "io.debezium.time.MicroTime", "io.debezium.time.NanoTime":
		return of(schema.String), "a time of day"
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
		if t.Connect == "float32" || t.Connect == "float64" {
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

// nestedObject is the type for an array or an object, which stands in depth others. Not ok: no
// column has room for it, or its schema does not say what it holds.
func nestedObject(t *jsonschema.Type, depth int) (schema.Type, bool) {
	switch {
	case t.Kind == jsonschema.Any, t.Kind == jsonschema.Null:
		return asJSON(), true
	case t.Kind != jsonschema.Array && t.Kind != jsonschema.Object:
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
