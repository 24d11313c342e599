// Package protoschema reads schemas of Protocol Buffers: which fields the messages of a
// .proto file have, and what a value of each means.
//
// In goes the text of a file and of those that it imports, from a registry, which nobody has
// looked at before. Out comes a File with its messages, or an *Error that says what it has
// that is not read. Limits are looked at before a text is compiled: the length of all, how
// deep it nests, how many tokens it has. Messages may hold themselves, so that whoever walks
// a Message by itself must stop somewhere; the bytes of a value end.
//
// Files are compiled by protocompile, whose descriptors are asked once: a Message is a plain
// structure that conform reads without a call.
//
// Parse is safe for several goroutines. A File and all in it never change.
package protoschema

import (
	"fmt"
	"hash/crc32"
	"sort"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Limits of a schema, with all that it imports from the registry.
const (
	MaxText    = 1 << 20 // bytes
	maxNesting = 64      // brackets within brackets
	maxTokens  = 200_000
	maxFields  = 10_000 // fields and symbols of all messages together
)

// Known says which of the types with a meaning of its own a message is.
type Known uint8

// The known messages: Google's well-known types, and those of others that banks use.
const (
	Plain        Known = iota
	Timestamp          // google.protobuf.Timestamp
	Duration           // google.protobuf.Duration
	Wrapper            // google.protobuf.StringValue and the like
	Struct             // google.protobuf.Struct
	Value              // google.protobuf.Value
	ListValue          // google.protobuf.ListValue
	FieldMask          // google.protobuf.FieldMask
	Date               // google.type.Date
	TextDecimal        // google.type.Decimal
	BytesDecimal       // confluent.type.Decimal
)

// Presence says what it means that a field is not there.
type Presence uint8

// The kinds of presence.
const (
	Implicit Presence = iota // it has the zero value of its type
	Explicit                 // it has none
	Default                  // it has the value that the schema says
	Required                 // it may not be absent
)

// Message is the type of a message.
type Message struct {
	Name   string // in full
	Known  Known
	Fields []Field // as they are declared
	Oneofs int     // how many there are

	// Always are fields that JSON has also where they are absent, ascending.
	Always   []int32
	Required int // how many fields must be there

	byNumber []int32 // places in Fields, by number
	sparse   []int32 // the same of the numbers beyond byNumber, ascending
}

// Field is a field of a message.
type Field struct {
	Name   string
	Key    []byte // as it stands in JSON: "name":
	Number int32
	Kind   protoreflect.Kind
	List   bool // it is repeated, and no map
	Map    bool // Of is the message of its entries

	Presence Presence
	Oneof    int    // which one it is in, from 1 on; 0: none
	Must     int    // which of the required fields it is, from 1 on; 0: none
	Default  []byte // the value of an absent one, as it would stand on the wire; nil: zeros

	Of   *Message // of a message or a group
	Enum *Enum
}

// Enum is the type of an enum.
type Enum struct {
	Symbols []Symbol // by number, of several names of one number the first
	Null    bool     // it is google.protobuf.NullValue, which JSON has as null
}

// Symbol is a name of a number.
type Symbol struct {
	Number int32
	Text   string
}

// densest is the highest number that is found at once.
const densest = 1 << 10

// Find returns the place of the field with a number in Fields, −1: there is none.
func (m *Message) Find(number uint64) int {
	if number < uint64(len(m.byNumber)) {
		return int(m.byNumber[number]) - 1
	}
	i := sort.Search(len(m.sparse), func(i int) bool { return uint64(m.Fields[m.sparse[i]].Number) >= number })
	if i < len(m.sparse) && uint64(m.Fields[m.sparse[i]].Number) == number {
		return int(m.sparse[i])
	}
	return -1
}

// Named returns the field of a name, nil: there is none.
func (m *Message) Named(name string) *Field {
	for i := range m.Fields {
		if m.Fields[i].Name == name {
			return &m.Fields[i]
		}
	}
	return nil
}

// index makes what Find and the writing of JSON look at.
func (m *Message) index() {
	most := int32(0)
	for i := range m.Fields {
		f := &m.Fields[i]
		if f.Number < densest {
			most = max(most, f.Number)
		} else {
			m.sparse = append(m.sparse, int32(i))
		}
		if f.Presence == Implicit {
			m.Always = append(m.Always, int32(i))
		}
	}
	sort.Slice(m.sparse, func(a, b int) bool { return m.Fields[m.sparse[a]].Number < m.Fields[m.sparse[b]].Number })
	m.byNumber = make([]int32, most+1)
	for i := range m.Fields {
		if n := m.Fields[i].Number; n < densest {
			m.byNumber[n] = int32(i) + 1
		}
	}
}

// String names the type: int64, repeated string, map<string, double>, pkg.Message.
func (f *Field) String() string {
	switch {
	case f.Map:
		return "map<" + f.Of.Fields[0].String() + ", " + f.Of.Fields[1].String() + ">"
	case f.List:
		return "repeated " + f.single()
	}
	return f.single()
}

func (f *Field) single() string {
	if f.Of != nil {
		return f.Of.Name
	}
	return f.Kind.String()
}

// Inexact is float or double where a value is one, else empty.
func (f *Field) Inexact() string {
	if f.Kind == protoreflect.FloatKind || f.Kind == protoreflect.DoubleKind {
		return f.Kind.String()
	}
	return ""
}

// Packs reports whether values of the field may stand together in one run of bytes.
func (f *Field) Packs() bool {
	return f.List && f.Of == nil && f.Kind != protoreflect.StringKind && f.Kind != protoreflect.BytesKind
}

// Wire is the wire type of a value of the field that stands alone.
func (f *Field) Wire() uint8 {
	switch f.Kind {
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return 1
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return 2
	case protoreflect.GroupKind:
		return 3
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return 5
	}
	return 0
}

// Find returns the place of the symbol of a number, −1: there is none.
func (e *Enum) Find(number int32) int {
	if uint(number) < uint(len(e.Symbols)) && e.Symbols[number].Number == number {
		return int(number) // most begin at 0 and leave nothing out
	}
	i := sort.Search(len(e.Symbols), func(i int) bool { return e.Symbols[i].Number >= number })
	if i < len(e.Symbols) && e.Symbols[i].Number == number {
		return i
	}
	return -1
}

// File is a schema as a registry has it: the messages of one .proto file.
type File struct {
	top []node
}

// node is a message with those that are declared within it.
type node struct {
	message *Message
	within  []node
	counted []int // places in within, where entries of maps are counted too, −1: such an entry
}

// Message returns the message that indexes lead to, outermost first: of the file's messages
// that one, then of those within it. It is nil where there is none, or two: see Messages. The
// same indexes have the same Message.
func (f *File) Message(indexes ...int) *Message {
	m, other := f.Messages(indexes...)
	if other != nil {
		return nil
	}
	return m
}

// Messages is Message, with the other one that indexes may lead to, nil: there is none.
//
// The clients of Confluent do not agree on what counts. Java's counts the messages of the text
// (ProtobufSchema.toMessageIndexes in schema-registry); those for Python and Go count the
// descriptor's, among which each map has one for its entries (in confluent-kafka-python,
// _create_index_array; in confluent-kafka-go, toMessageIndexes). What leads to a message in one
// way alone is taken; where each way leads to another one, both are returned, and nothing says
// which is meant.
func (f *File) Messages(indexes ...int) (m, other *Message) {
	m, other = f.follow(indexes, false), f.follow(indexes, true)
	switch {
	case m == nil:
		return other, nil
	case m == other:
		return m, nil
	}
	return m, other
}

// follow is Message for one way to count.
func (f *File) follow(indexes []int, counted bool) *Message {
	at := node{within: f.top}
	for _, i := range indexes {
		if counted && at.counted != nil {
			if i < 0 || i >= len(at.counted) {
				return nil
			}
			i = at.counted[i]
		}
		if i < 0 || i >= len(at.within) {
			return nil
		}
		at = at.within[i]
	}
	return at.message
}

// Named returns the outermost message of a name without its package, which is how Apicurio's
// serializers call it (Descriptor.getName). Only is the one of a file that has no other.
func (f *File) Named(name string) *Message {
	for i := range f.top {
		if m := f.top[i].message; m.Name[strings.LastIndexByte(m.Name, '.')+1:] == name {
			return m
		}
	}
	return nil
}

// Only returns the outermost message of a file that has one of them, else nil.
func (f *File) Only() *Message {
	if len(f.top) != 1 {
		return nil
	}
	return f.top[0].message
}

// Error is why a schema is not read. It speaks of the schema as `has …` or `is …`, so that
// its caller can put what it is of in front.
type Error struct {
	// Limit: it is larger or nests deeper than is read.
	Limit bool
	text  string
}

func (e *Error) Error() string { return e.text }

func fail(format string, args ...any) error { return &Error{text: fmt.Sprintf(format, args...)} }

func beyond(format string, args ...any) error {
	return &Error{Limit: true, text: fmt.Sprintf(format, args...)}
}

// described is how many bytes of a type Describe writes.
const described = 120

// Describe is the type with what tells it from others for people, such as int64, int64? or
// enum(NEW, DONE); ? stands for a value that may be absent. What is long is cut, and ends with a
// checksum, so that types that differ have different texts.
func (f *Field) Describe() string {
	out := f.String()
	switch {
	case f.Of != nil && !f.Map:
		names := make([]string, len(f.Of.Fields))
		for i := range f.Of.Fields {
			names[i] = f.Of.Fields[i].Name + " " + f.Of.Fields[i].String()
		}
		if f.Of.Known == Plain {
			out += "{" + strings.Join(names, ", ") + "}"
		}
	case f.Enum != nil:
		names := make([]string, len(f.Enum.Symbols))
		for i := range f.Enum.Symbols {
			names[i] = f.Enum.Symbols[i].Text
		}
		out += "(" + strings.Join(names, ", ") + ")"
	}
	if f.Presence == Explicit && f.Of == nil {
		out += "?"
	}
	if len(out) <= described {
		return out
	}
	return strings.ToValidUTF8(out[:described], "") + "… " + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(out))), 16)
}
