package schemas

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/protoschema"
	"tidemark/internal/registry"
	"tidemark/internal/registry/wire"
)

// headerType names the message of a record of Apicurio's, without its package.
const headerType = "apicurio.protobuf.type"

// file is a file of Protobuf from the registry.
type file struct {
	*protoschema.File
	id   string
	uses []batch.Use

	mu      sync.Mutex
	origins map[*protoschema.Message]*batch.Schema
}

// parsedBytes is what a byte of a file's text takes once it is parsed, about.
const parsedBytes = 16

// fileOf is what the text of a file comes to. To those who look for another format it is a
// schema that they cannot use.
func fileOf(s registry.Schema) entry {
	var imports []protoschema.Import
	for _, r := range s.References {
		imports = append(imports, protoschema.Import{Path: r.Name, Text: r.Text})
	}
	parsed, err := protoschema.Parse(s.Text, imports...)
	text := len(s.Text)
	for i := range imports {
		text += len(imports[i].Text)
	}
	if err == nil {
		return entry{
			bytes:   entryBytes + parsedBytes*int64(text),
			written: foreign(s, registry.Avro),
			file:    &file{File: parsed, id: s.ID.String(), origins: map[*protoschema.Message]*batch.Schema{}},
		}
	}
	out := entry{written: conform.Written{Reason: conform.ReasonSchemaUnknown}, until: time.Now().Add(believed), bytes: entryBytes}
	out.written.Want = fmt.Sprintf("a schema of Protobuf that can be read: %s: %v", s.ID, err)
	if bad := (*protoschema.Error)(nil); errors.As(err, &bad) && bad.Limit {
		out.written = conform.Written{Reason: conform.ReasonLimit, Want: fmt.Sprintf("a schema within the limits: %s: %v", s.ID, err)}
	}
	return out
}

// origin names a message; the same one has the same name.
func (f *file) origin(m *protoschema.Message) *batch.Schema {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one := f.origins[m]; one != nil {
		return one
	}
	one := &batch.Schema{ID: f.id, Uses: f.uses}
	if m != f.Message(0) {
		one.ID += " " + m.Name
	}
	for i := range m.Fields {
		one.Fields = append(one.Fields, batch.Field{Name: m.Fields[i].Name, Type: m.Fields[i].Describe()})
	}
	f.origins[m] = one
	return one
}

// Protobuf finds the messages that records are, where a registry has their schemas. It shares
// all that the Registry knows.
//
// Where the id stands in front of the value, the message's indexes stand behind it, as
// Confluent's serializers write them (protoschema.File has what they do not agree on). Where it stands in a header of Confluent's, they follow
// it there, and the value is the message alone: HeaderSchemaIdSerializer (schema-registry,
// io.confluent.kafka.serializers.schema.id) writes what SchemaId.guidToBytes makes, which ends
// with them. Apicurio's serializers write no indexes with their headers: another one,
// apicurio.protobuf.type, has the short name of an outermost message (ProtobufSerdeHeaders,
// io.apicurio.registry.serde.protobuf, filled with Descriptor.getName); some versions put a
// message Ref with that name, and its length, in front of the value besides
// (ProtobufSerializer.serializeData with writeRef). Both are read.
type Protobuf struct{ *Registry }

// Protobuf is r for records in Protobuf.
func (r *Registry) Protobuf() Protobuf { return Protobuf{r} }

// Ready implements pipeline.Schemas.
func (p Protobuf) Ready(rec *batch.Record) bool {
	if v := rec.Value; len(rec.Headers) == 0 && len(v) > inFront && v[0] == 0 {
		if id := uint64(binary.BigEndian.Uint32(v[1:])); p.slot(id).Load() == id+1 {
			return true
		}
	}
	if rec.Value == nil {
		return true // a tombstone was written with nothing
	}
	w := p.find(rec.Headers, rec.Value)
	return w.Message != nil || w.Reason != ""
}

// Schema implements conform.Schemas.
func (p Protobuf) Schema(value, headers []byte) conform.Written {
	if len(headers) == 0 {
		return p.find(nil, value)
	}
	return p.find(batch.DecodeHeaders(headers), value)
}

// find finds the message that a record is.
func (p Protobuf) find(headers []batch.Header, value []byte) conform.Written {
	var f wire.Finder
	var name []byte
	for i := range headers {
		f.Add(headers[i].Key, headers[i].Value)
		if headers[i].Key == headerType {
			name = headers[i].Value
		}
	}
	id, rest, err := f.ID()
	front := err == nil && id.Kind() == wire.None
	if front {
		id, rest, err = wire.Prefix(value)
	}
	if err != nil {
		return conform.Written{Reason: conform.ReasonWire, Want: err.Error()}
	}
	e := p.get(id)
	switch {
	case e.file != nil:
	case e.written.Schema != nil:
		return foreign(registry.Schema{ID: id, Type: registry.Avro}, registry.Protobuf)
	case e.json != nil:
		return foreign(registry.Schema{ID: id, Type: registry.JSON}, registry.Protobuf)
	default:
		return e.written
	}
	var w conform.Written
	switch id.Kind() {
	case wire.ApicurioGlobal, wire.ApicurioContent:
		w = e.file.byName(string(name), value)
	default:
		w = e.file.byIndexes(rest)
		if front {
			w.At += inFront
			w.Lasting = w.Message != nil
		} else {
			w.At = 0
		}
	}
	if w.Message != nil {
		w.Origin = e.file.origin(w.Message)
	}
	if n, ok := id.Number(); ok && w.Lasting {
		p.slot(n).Store(n + 1)
	}
	return w
}

// byIndexes finds the message whose indexes b begins with; At is how many bytes they take.
func (f *file) byIndexes(b []byte) conform.Written {
	m, rest, err := wire.ReadMessage(b)
	if err != nil {
		return conform.Written{Reason: conform.ReasonWire, Want: err.Error()}
	}
	indexes := make([]int, 0, wire.MaxNesting)
	for i := range m.Depth() {
		indexes = append(indexes, m.Index(i))
	}
	found, other := f.Messages(indexes...)
	if other != nil {
		return conform.Written{Reason: conform.ReasonSchemaUnknown, Want: fmt.Sprintf(
			"indexes that mean one message: in %s, %v is %s where entries of maps do not count, as for Java's serializers, and %s where they do: write a message that is not within one with maps",
			f.id, indexes, found.Name, other.Name)}
	}
	if found == nil {
		return conform.Written{Reason: conform.ReasonSchemaUnknown, Want: fmt.Sprintf("a message that the schema has: %s has none with the indexes %v", f.id, indexes)}
	}
	return conform.Written{Message: found, At: len(b) - len(rest)}
}

// byName finds the message that Apicurio's serializers name in a header, or in front of the
// value. A file with one message needs no name.
func (f *file) byName(name string, value []byte) conform.Written {
	if ref, n := refOf(value); n > 0 && (name == "" || name == ref) {
		if m := f.Named(ref); m != nil {
			return conform.Written{Message: m, At: n}
		}
	}
	switch m := f.Named(name); {
	case m != nil:
		return conform.Written{Message: m}
	case name != "":
		return conform.Written{Reason: conform.ReasonSchemaUnknown, Want: fmt.Sprintf("a message that the schema has: %s has no %.100q", f.id, name)}
	case f.Only() != nil:
		return conform.Written{Message: f.Only()}
	}
	return conform.Written{Reason: conform.ReasonWire, Want: "the header " + headerType + ", which says which message of the schema the value is"}
}

// refOf reads a Ref with its length in front of it: its first field is a text and its only one.
func refOf(value []byte) (name string, n int) {
	size, a := binary.Uvarint(value)
	if a <= 0 || size > uint64(len(value)-a) || size < 2 || value[a] != 1<<3|2 {
		return "", 0
	}
	length, b := binary.Uvarint(value[a+1:])
	if b <= 0 || length != size-1-uint64(b) {
		return "", 0
	}
	n = a + int(size)
	return string(value[a+1+b : n]), n
}
