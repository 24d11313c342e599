package protoschema

import (
	"math"
	"sort"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// known are the types with a meaning of their own, each with the fields that it must have to
// be taken for one.
var known = map[string]struct {
	kind   Known
	fields string
}{
	"google.protobuf.Timestamp":   {Timestamp, "1 int64,2 int32"},
	"google.protobuf.Duration":    {Duration, "1 int64,2 int32"},
	"google.protobuf.DoubleValue": {Wrapper, "1 double"},
	"google.protobuf.FloatValue":  {Wrapper, "1 float"},
	"google.protobuf.Int64Value":  {Wrapper, "1 int64"},
	"google.protobuf.UInt64Value": {Wrapper, "1 uint64"},
	"google.protobuf.Int32Value":  {Wrapper, "1 int32"},
	"google.protobuf.UInt32Value": {Wrapper, "1 uint32"},
	"google.protobuf.BoolValue":   {Wrapper, "1 bool"},
	"google.protobuf.StringValue": {Wrapper, "1 string"},
	"google.protobuf.BytesValue":  {Wrapper, "1 bytes"},
	"google.protobuf.Struct":      {Struct, "1 map<string, google.protobuf.Value>"},
	"google.protobuf.Value":       {Value, "1 enum,2 double,3 string,4 bool,5 google.protobuf.Struct,6 google.protobuf.ListValue"},
	"google.protobuf.ListValue":   {ListValue, "1 repeated google.protobuf.Value"},
	"google.protobuf.FieldMask":   {FieldMask, "1 repeated string"},
	"google.type.Date":            {Date, "1 int32,2 int32,3 int32"},
	"google.type.Decimal":         {TextDecimal, "1 string"},
	"confluent.type.Decimal":      {BytesDecimal, "1 bytes,2 uint32,3 int32"},
}

// converter makes messages of descriptors, each once. What it makes holds nothing of them, nor of
// the text, whose tokens they point into.
type converter struct {
	messages map[protoreflect.FullName]*Message
	enums    map[protoreflect.FullName]*Enum
	queue    []protoreflect.MessageDescriptor // that have no fields yet
	left     int                              // of maxFields
}

// convert makes a File of a descriptor.
func convert(d protoreflect.FileDescriptor) (*File, error) {
	c := converter{map[protoreflect.FullName]*Message{}, map[protoreflect.FullName]*Enum{}, nil, maxFields}
	f := &File{top: c.node(d.Messages()).within}
	for len(c.queue) > 0 {
		next := c.queue[0]
		c.queue = c.queue[1:]
		if err := c.fill(next); err != nil {
			return nil, err
		}
	}
	for _, m := range c.messages {
		m.Known = m.known()
	}
	return f, nil
}

// node makes the messages of a file or a message. The text nests no deeper than look allows.
func (c *converter) node(all protoreflect.MessageDescriptors) node {
	var out node
	for i := range all.Len() {
		d := all.Get(i)
		if d.IsMapEntry() {
			out.counted = append(out.counted, -1)
			continue
		}
		one := c.node(d.Messages())
		one.message = c.message(d)
		out.counted = append(out.counted, len(out.within))
		out.within = append(out.within, one)
	}
	if len(out.counted) == len(out.within) {
		out.counted = nil
	}
	return out
}

func (c *converter) message(d protoreflect.MessageDescriptor) *Message {
	if m := c.messages[d.FullName()]; m != nil {
		return m
	}
	m := &Message{Name: strings.Clone(string(d.FullName()))}
	c.messages[d.FullName()] = m
	c.queue = append(c.queue, d)
	return m
}

// fill gives a message its fields.
func (c *converter) fill(d protoreflect.MessageDescriptor) error {
	m := c.messages[d.FullName()]
	if c.left -= d.Fields().Len() + 1; c.left < 0 {
		return beyond("has more than %d messages and fields, with all that it imports", maxFields)
	}
	oneofs := map[protoreflect.FullName]int{}
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		f := Field{
			Name: strings.Clone(string(fd.Name())), Key: []byte(`"` + string(fd.Name()) + `":`), Number: int32(fd.Number()), Kind: fd.Kind(),
			List: fd.IsList(), Map: fd.IsMap(), Presence: presenceOf(fd),
		}
		if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
			if oneofs[o.FullName()] == 0 {
				m.Oneofs++
				oneofs[o.FullName()] = m.Oneofs
			}
			f.Oneof = oneofs[o.FullName()]
		}
		switch f.Presence {
		case Required:
			m.Required++
			f.Must = m.Required
		case Default:
			f.Default = wireOf(fd)
		}
		if fd.Message() != nil {
			f.Of = c.message(fd.Message())
		}
		if fd.Enum() != nil {
			var err error
			if f.Enum, err = c.enum(fd.Enum()); err != nil {
				return err
			}
		}
		m.Fields = append(m.Fields, f)
	}
	m.index()
	return nil
}

func presenceOf(fd protoreflect.FieldDescriptor) Presence {
	switch {
	case fd.Cardinality() == protoreflect.Required:
		return Required
	case !fd.HasPresence():
		return Implicit
	case fd.HasDefault():
		return Default
	}
	return Explicit
}

func (c *converter) enum(d protoreflect.EnumDescriptor) (*Enum, error) {
	if e := c.enums[d.FullName()]; e != nil {
		return e, nil
	}
	e := &Enum{Null: d.FullName() == "google.protobuf.NullValue"}
	c.enums[d.FullName()] = e
	if c.left -= d.Values().Len(); c.left < 0 {
		return nil, beyond("has more than %d fields and symbols, with all that it imports", maxFields)
	}
	for i := range d.Values().Len() {
		v := d.Values().Get(i)
		e.Symbols = append(e.Symbols, Symbol{int32(v.Number()), strings.Clone(string(v.Name()))})
	}
	sort.SliceStable(e.Symbols, func(a, b int) bool { return e.Symbols[a].Number < e.Symbols[b].Number })
	n := 0
	for i, s := range e.Symbols {
		if i == 0 || s.Number != e.Symbols[n-1].Number {
			e.Symbols[n] = s
			n++
		}
	}
	e.Symbols = e.Symbols[:n]
	return e, nil
}

// known is which of the known types the message is.
func (m *Message) known() Known {
	k, ok := known[m.Name]
	if !ok {
		return Plain
	}
	var fields []string
	for i := range m.Fields {
		fields = append(fields, strconv.Itoa(int(m.Fields[i].Number))+" "+m.Fields[i].String())
	}
	if strings.Join(fields, ",") != k.fields {
		return Plain
	}
	return k.kind
}

// wireOf is the default value of a field as it stands on the wire.
func wireOf(fd protoreflect.FieldDescriptor) []byte {
	v := fd.Default()
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protowire.AppendVarint(nil, protowire.EncodeBool(v.Bool()))
	case protoreflect.EnumKind:
		return protowire.AppendVarint(nil, uint64(int64(v.Enum())))
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		return protowire.AppendVarint(nil, uint64(v.Int()))
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return protowire.AppendVarint(nil, protowire.EncodeZigZag(v.Int()))
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		return protowire.AppendVarint(nil, v.Uint())
	case protoreflect.Sfixed32Kind:
		return protowire.AppendFixed32(nil, uint32(v.Int()))
	case protoreflect.Fixed32Kind:
		return protowire.AppendFixed32(nil, uint32(v.Uint()))
	case protoreflect.FloatKind:
		return protowire.AppendFixed32(nil, math.Float32bits(float32(v.Float())))
	case protoreflect.Sfixed64Kind:
		return protowire.AppendFixed64(nil, uint64(v.Int()))
	case protoreflect.Fixed64Kind:
		return protowire.AppendFixed64(nil, v.Uint())
	case protoreflect.DoubleKind:
		return protowire.AppendFixed64(nil, math.Float64bits(v.Float()))
	case protoreflect.StringKind:
		return protowire.AppendString(nil, v.String())
	}
	return protowire.AppendBytes(nil, v.Bytes())
}
