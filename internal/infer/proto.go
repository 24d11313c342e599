package infer

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"tidemark/internal/protoschema"
	"tidemark/internal/schema"
)

// Message is the columns for records that are messages of Protobuf, as Avro is.
func Message(m *protoschema.Message) *Result {
	out := &Result{}
	for i := range m.Fields {
		f := &m.Fields[i]
		c := Column{Name: f.Name}
		c.Type, c.Remark = ofProto(f)
		out.Columns = append(out.Columns, c)
	}
	return out
}

func ofProto(f *protoschema.Field) (schema.Type, string) {
	if t, remark := scalarProto(f); t.Kind != 0 {
		return t, remark
	}
	if t, ok := nestedProto(f, 0); ok && t.Validate() == nil {
		return t, instead(t, f.Name)
	}
	if f.List || f.Map {
		return asJSON(), keptWhole(f.Name)
	}
	return asJSON(), "of type " + f.Of.Name + ": a value within can be a column of its own, with from: " + within(f.Name)
}

// scalarProto is the type of what holds no others, of kind 0 for what does.
func scalarProto(f *protoschema.Field) (schema.Type, string) {
	of := func(k schema.Kind) schema.Type { return schema.Type{Kind: k} }
	if f.List || f.Map {
		return schema.Type{}, ""
	}
	switch f.Kind {
	case protoreflect.BoolKind:
		return of(schema.Boolean), ""
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return of(schema.Int), ""
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return of(schema.Long), ""
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return of(schema.Long), "numbers from 2^63 on are rejected"
	case protoreflect.FloatKind:
		return of(schema.Float), ""
	case protoreflect.DoubleKind:
		return of(schema.Double), ""
	case protoreflect.StringKind, protoreflect.EnumKind:
		return of(schema.String), ""
	case protoreflect.BytesKind:
		return of(schema.Binary), ""
	}
	switch f.Of.Known {
	case protoschema.Plain:
		return schema.Type{}, ""
	case protoschema.Timestamp:
		return of(schema.Timestamp), ""
	case protoschema.Date:
		return of(schema.Date), ""
	case protoschema.Wrapper:
		return scalarProto(&f.Of.Fields[0])
	case protoschema.TextDecimal, protoschema.BytesDecimal:
		return asJSON(), "of type " + f.Of.Name + ": or of type decimal(18,4), as long as they fit"
	}
	return asJSON(), "of type " + f.Of.Name + ", as JSON has it"
}

// nestedProto is the type for what is repeated, a map or a message, which stands in depth others.
// Not ok: no column has room for it.
func nestedProto(f *protoschema.Field, depth int) (schema.Type, bool) {
	if t, _ := scalarProto(f); t.Kind != 0 {
		return t, true
	}
	switch {
	case depth == schema.MaxNesting:
	case f.List:
		one := *f
		one.List = false
		of, ok := nestedProto(&one, depth+1)
		return schema.ListOf(of), ok
	case f.Map:
		of, ok := nestedProto(&f.Of.Fields[1], depth+1)
		return schema.MapOf(of), ok
	case len(f.Of.Fields) > 0 && len(f.Of.Fields) <= schema.MaxLeaves:
		var fields []schema.Inner
		for i := range f.Of.Fields {
			of, ok := nestedProto(&f.Of.Fields[i], depth+1)
			if !ok {
				return schema.Type{}, false
			}
			fields = append(fields, schema.Inner{Name: f.Of.Fields[i].Name, Type: of})
		}
		return schema.StructOf(fields...), true
	}
	return schema.Type{}, false
}
