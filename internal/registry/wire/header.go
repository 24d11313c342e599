package wire

import (
	"encoding/binary"
	"fmt"
)

// The headers that name the schema of a value. Those of a key have "key" in place of
// "value".
//
// Confluent's form is read as their SchemaId.fromBytes does (schema-registry,
// schema-serializer, io.confluent.kafka.serializers.schema.id): a byte 1 and a GUID, or a
// byte 0 and an id, and in both cases the indexes of Protobuf. Apicurio's is what
// DefaultHeadersHandler writes (apicurio-registry, io.apicurio.registry.serde.headers): a
// number in eight bytes.
const (
	HeaderConfluent = "__value_schema_id"
	HeaderGlobalID  = "apicurio.value.globalId"
	HeaderContentID = "apicurio.value.contentId"

	keyConfluent = "__key_schema_id"
	keyGlobalID  = "apicurio.key.globalId"
	keyContentID = "apicurio.key.contentId"
)

// Finder picks among the headers of one record the one that names a schema: of the same
// name the last, as Kafka's own clients do; Confluent's rather than Apicurio's, and of these
// the content's. The zero Finder looks for the value's schema.
type Finder struct {
	OfKey bool // it is the key's schema that is looked for

	rank  rank
	value []byte
}

// rank orders the headers: the highest one counts.
type rank uint8

const (
	nothing rank = iota
	globalID
	contentID
	confluent
)

// Reset makes the Finder ready for another record.
func (f *Finder) Reset() { f.rank, f.value = nothing, nil }

// Add looks at one header; they come in the order of the record. A header without a value
// (nil) counts as absent, as it does for Confluent's own deserializers. The value is kept,
// not copied.
func (f *Finder) Add(name string, value []byte) {
	if r := f.rankOf(name); r != nothing && r >= f.rank && value != nil {
		f.rank, f.value = r, value
	}
}

func (f *Finder) rankOf(name string) rank {
	wantConfluent, wantGlobal, wantContent := HeaderConfluent, HeaderGlobalID, HeaderContentID
	if f.OfKey {
		wantConfluent, wantGlobal, wantContent = keyConfluent, keyGlobalID, keyContentID
	}
	switch name {
	case wantConfluent:
		return confluent
	case wantGlobal:
		return globalID
	case wantContent:
		return contentID
	}
	return nothing
}

// ID returns the schema that the headers name, kind None if they name none. After
// Confluent's there may be bytes left, which ReadMessage reads for Protobuf; with other
// formats they mean nothing.
func (f *Finder) ID() (ID, []byte, error) {
	switch f.rank {
	case confluent:
		return readConfluent(f.value)
	case globalID:
		return readApicurio(ApicurioGlobal, f.value)
	case contentID:
		return readApicurio(ApicurioContent, f.value)
	}
	return ID{}, nil, nil
}

func readConfluent(b []byte) (ID, []byte, error) {
	switch {
	case len(b) >= 17 && b[0] == magicGUID:
		return NewGUID([16]byte(b[1:17])), b[17:], nil
	case len(b) >= 5 && b[0] == magicID:
		return Number(Confluent, uint64(binary.BigEndian.Uint32(b[1:5]))), b[5:], nil
	}
	return ID{}, nil, &FormatError{fmt.Sprintf("the schema id in the header has %d bytes and is neither 0x00 with an id of four bytes nor 0x01 with a GUID of sixteen", len(b))}
}

func readApicurio(kind Kind, b []byte) (ID, []byte, error) {
	if len(b) != 8 || b[0] > 0x7f {
		return ID{}, nil, &FormatError{fmt.Sprintf("the schema id in the header of Apicurio has %d bytes and is not a positive number of eight", len(b))}
	}
	return Number(kind, binary.BigEndian.Uint64(b)), nil, nil
}
