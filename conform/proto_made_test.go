package conform_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"tidemark/internal/schema"
)

// protoMade is a made up schema of Protobuf with a table beside it.
type protoMade struct {
	rng    *rand.Rand
	text   string
	table  *schema.Table
	proto2 bool
}

// protoScalars are types of fields, and of the columns that hold all of their values.
var protoScalars = [][2]string{
	{"int32", "int"}, {"int64", "long"}, {"sint32", "int"}, {"sint64", "long"}, {"uint32", "long"}, {"uint64", "double"}, {"fixed32", "long"}, {"fixed64", "double"},
	{"sfixed32", "int"}, {"sfixed64", "long"}, {"bool", "boolean"}, {"float", "double"}, {"double", "double"}, {"string", "string"}, {"bytes", "binary"}, {"int32", "double"}, {"int64", "json"}, {"string", "binary"},
	{"float", "float"}, {"E", "string"}, {"E", "json"}, {"sint32", "decimal(18,3)"}, {"bytes", "json"}, {"double", "json"},
}

// protoMessages are the same of messages.
var protoMessages = [][2]string{
	{"google.protobuf.Timestamp", "json"}, {"google.protobuf.Duration", "string"}, {"google.protobuf.Duration", "json"}, {"google.protobuf.StringValue", "string"},
	{"google.protobuf.Int64Value", "long"}, {"google.protobuf.BoolValue", "boolean"}, {"google.protobuf.DoubleValue", "double"}, {"google.protobuf.BytesValue", "json"},
	{"google.protobuf.Struct", "json"}, {"google.protobuf.Value", "json"}, {"google.protobuf.ListValue", "json"}, {"google.protobuf.Empty", "json"}, {"google.protobuf.Timestamp", "string"},
	{"M1", "json"}, {"M2", "json"}, {"M0", "json"},
}

// newProtoMade makes up a schema: three messages that refer to each other, of which the first
// is the record.
func newProtoMade(seed uint64) *protoMade {
	w := &protoMade{rng: rand.New(rand.NewPCG(seed, 77))}
	r := w.rng
	w.proto2 = r.IntN(3) == 0
	w.table = &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), Format: schema.ProtobufRegistryFormat}
	var out strings.Builder
	fmt.Fprintf(&out, "syntax = %q; package made;\n%s", map[bool]string{false: "proto3", true: "proto2"}[w.proto2], strings.Join(strings.Split(protoHead, "\n")[:1], ""))
	out.WriteString(`import "google/protobuf/empty.proto"; enum E { ZERO = 0; ONE = 1; SEVEN = 7; MINUS = -1; BIG = 2147483647; }` + "\n")
	for i := range 3 {
		fmt.Fprintf(&out, "message M%d {\n", i)
		w.fields(&out, i == 0)
		out.WriteString("}\n")
	}
	w.text = out.String()
	if len(w.table.Columns) == 0 {
		w.table.Columns = append(w.table.Columns[:0], schema.Column{Name: "gone", Type: schema.Type{Kind: schema.Int}, Default: schema.Value{Null: true}})
	}
	return w
}

// fields makes up the fields of a message, of the first one with columns.
func (w *protoMade) fields(out *strings.Builder, first bool) {
	r, number, oneof := w.rng, 0, false
	for i := range 1 + r.IntN(10) {
		number += 1 + r.IntN(3)
		switch r.IntN(20) {
		case 0:
			number += 1000
		case 1:
			number += r.IntN(100_000)
		}
		if number >= 19_000 && number < 20_000 {
			number = 20_000
		}
		name, one := fmt.Sprintf("f%d", i), protoScalars[r.IntN(len(protoScalars))]
		message := r.IntN(3) == 0
		if message {
			one = protoMessages[r.IntN(len(protoMessages))]
		}
		label, column := "", one[1]
		if w.proto2 {
			label = "optional "
		}
		if !oneof && r.IntN(8) == 0 && i > 0 {
			out.WriteString("  oneof o {\n")
			oneof = true
		}
		switch {
		case oneof:
			label = ""
		case r.IntN(4) == 0:
			label, column = "repeated ", "json"
		case r.IntN(6) == 0 && one[0] != "E":
			fmt.Fprintf(out, "  map<%s, %s> %s = %d;\n", pickOf(r, "string", "int32", "uint64", "bool", "sint64"), one[0], name, number)
			w.column(name, "json", first)
			continue
		case r.IntN(3) == 0:
			label = "optional "
		case w.proto2 && r.IntN(6) == 0 && !message:
			label = "required "
		}
		rest := ""
		switch packs := label == "repeated " && !message && one[0] != "string" && one[0] != "bytes"; {
		case packs && r.IntN(2) == 0:
			rest = pickOf(r, " [packed = true]", " [packed = false]")
		case w.proto2 && label == "optional " && r.IntN(3) == 0:
			rest = map[string]string{"int32": " [default = -5]", "string": ` [default = "ä\n"]`, "bytes": ` [default = "\377\000"]`, "double": " [default = 1e-7]", "bool": " [default = true]",
				"E": " [default = SEVEN]", "sint64": " [default = -9223372036854775808]", "fixed64": " [default = 18446744073709551615]", "float": " [default = 0.1]"}[one[0]]
		}
		fmt.Fprintf(out, "  %s%s %s = %d%s;\n", label, one[0], name, number, rest)
		w.column(name, column, first)
		if strings.HasPrefix(one[0], "M") && label != "repeated " && first && r.IntN(2) == 0 {
			w.column(name+".f0", "json", true)
			w.column(name+".f1", "json", true)
		}
		if label == "repeated " && !message && one[1] != "json" && first && r.IntN(2) == 0 {
			w.column(fmt.Sprintf("%s[%d]", name, r.IntN(3)), one[1], true)
		}
	}
	if oneof {
		out.WriteString("  }\n")
	}
}

func (w *protoMade) column(from, typ string, first bool) {
	if !first || w.rng.IntN(8) == 0 {
		return
	}
	c := schema.Column{Name: fmt.Sprintf("c%d", len(w.table.Columns)), Default: schema.Value{Null: true}}
	c.Type, _ = schema.ParseType(typ)
	if !strings.ContainsAny(from, ".[") {
		c.Name = from
	} else {
		c.From, _ = schema.ParseFrom(from)
	}
	w.table.Columns = append(w.table.Columns, c)
}

// message makes up a message, at most some deep.
func (w *protoMade) message(d protoreflect.MessageDescriptor, deep int) *dynamicpb.Message {
	r, m := w.rng, dynamicpb.NewMessage(d)
	switch d.FullName() {
	case "google.protobuf.Timestamp":
		m.Set(d.Fields().ByName("seconds"), protoreflect.ValueOfInt64([]int64{0, -62135596800, 253402300799, r.Int64N(4e9) - 2e9}[r.IntN(4)]))
		m.Set(d.Fields().ByName("nanos"), protoreflect.ValueOfInt32([]int32{0, 999999999, 1000, 500000000, r.Int32N(1e9)}[r.IntN(5)]))
		return m
	case "google.protobuf.Duration":
		sign := int64(1 - 2*r.IntN(2))
		m.Set(d.Fields().ByName("seconds"), protoreflect.ValueOfInt64(sign*[]int64{0, 315576000000, r.Int64N(1e6)}[r.IntN(3)]))
		m.Set(d.Fields().ByName("nanos"), protoreflect.ValueOfInt32(int32(sign)*[]int32{0, 1, 999999999, 1000000, r.Int32N(1e9)}[r.IntN(5)]))
		return m
	case "google.protobuf.Value":
		for o := d.Oneofs().Get(0).Fields(); ; {
			f := o.Get(r.IntN(o.Len()))
			if f.Message() != nil && deep <= 0 {
				continue
			}
			m.Set(f, w.single(f, deep))
			return m
		}
	}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if f.Cardinality() != protoreflect.Required && r.IntN(3) == 0 || f.Message() != nil && deep <= 0 && f.Cardinality() != protoreflect.Required {
			continue
		}
		switch {
		case f.IsMap():
			to := m.Mutable(f).Map()
			for range r.IntN(3) {
				to.Set(w.single(f.MapKey(), deep).MapKey(), w.single(f.MapValue(), deep-1))
			}
		case f.IsList():
			to := m.Mutable(f).List()
			for range r.IntN(4) {
				to.Append(w.single(f, deep-1))
			}
		default:
			m.Set(f, w.single(f, deep-1))
		}
	}
	return m
}

// single makes up a value, an edge of its type now and then.
func (w *protoMade) single(f protoreflect.FieldDescriptor, deep int) protoreflect.Value {
	r := w.rng
	small := wholeOf(32)(r)
	large := wholeOf(64)(r)
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.IntN(2) == 0)
	case protoreflect.EnumKind:
		all := f.Enum().Values()
		return protoreflect.ValueOfEnum(all.Get(r.IntN(all.Len())).Number())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(small))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(small))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(large)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(large))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32([]float32{0, float32(math.Copysign(0, -1)), math.MaxFloat32, math.SmallestNonzeroFloat32, float32(r.NormFloat64()), float32(r.IntN(512)) / 8}[r.IntN(6)])
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64([]float64{0, math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64, r.NormFloat64() * 1e9, 1e21, 1e-7, 123456789}[r.IntN(8)])
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(avroText(r))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(avroText(r) + string([]byte{byte(r.Uint32())})))
	}
	return protoreflect.ValueOfMessage(w.message(f.Message(), deep))
}

// pieces takes a message apart and puts its fields together in another order, some of them in
// two: a message that its own runtime reads in the same way.
func (w *protoMade) pieces(a, b []byte) []byte {
	switch w.rng.IntN(4) {
	case 0:
		return append(append([]byte{}, b...), a...) // the last one counts, and messages merge
	case 1:
		return append(append([]byte{}, a...), a...)
	}
	return a
}
