// Package wire reads how a Kafka record names the schema of its value, or of its key.
//
// In go bytes of a record, out come an ID, the bytes that follow, and for Protobuf
// which message of the schema it is. There are two places, and both are in use:
//
//   - in front of the value, as Confluent's serializers write it: a zero, the id in four
//     bytes, and for Protobuf the message's indexes; see
//     https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
//   - in a header of the record: Confluent's __value_schema_id, and Apicurio's
//     apicurio.value.globalId and apicurio.value.contentId; the value is then the datum alone
//
// Invariants:
//
//	H1 nothing is guessed: what is not of the exact form is a FormatError
//	H2 no input makes these functions allocate, but for an error, or read past its end
//	H3 ids of different kinds are never equal: Apicurio numbers contents and versions
//	   separately, so that its content 4 and its version 4 are two schemas
//
// All is a function of its arguments and may be called from many goroutines; a Finder
// belongs to one. What is returned points into the bytes that came in.
//
// The header is read here and not by the library that has it (franz-go's sr): that one
// allocates twice for each record of Protobuf, takes negative indexes and brings an HTTP
// client along. Tests compare with it.
package wire

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// Kind says which numbering an ID is of.
type Kind uint8

// The kinds of an ID.
const (
	None            Kind = iota // no schema is named
	Confluent                   // four bytes, given out by the registry: what its Confluent API takes
	GUID                        // sixteen bytes, the same in all registries of Confluent's that hold the schema
	ApicurioGlobal              // eight bytes: one version of one artifact
	ApicurioContent             // eight bytes: one content, whatever artifacts have it
)

// ID names a schema. It can be compared and be the key of a map; the zero ID names none.
type ID struct {
	kind   Kind
	hi, lo uint64 // hi only for a GUID
}

// Number returns an ID that has a number.
func Number(kind Kind, n uint64) ID { return ID{kind: kind, lo: n} }

// NewGUID returns the ID of sixteen bytes, as they stand in a header.
func NewGUID(b [16]byte) ID {
	return ID{kind: GUID, hi: binary.BigEndian.Uint64(b[:8]), lo: binary.BigEndian.Uint64(b[8:])}
}

// Kind returns which numbering the ID is of.
func (id ID) Kind() Kind { return id.kind }

// Number returns the number, and whether the ID has one: a GUID has none.
func (id ID) Number() (uint64, bool) { return id.lo, id.kind != None && id.kind != GUID }

// String returns the ID as people write it: 42, globalId 42, contentId 42, or a GUID
// with dashes.
func (id ID) String() string {
	switch id.kind {
	case Confluent:
		return strconv.FormatUint(id.lo, 10)
	case ApicurioGlobal:
		return "globalId " + strconv.FormatUint(id.lo, 10)
	case ApicurioContent:
		return "contentId " + strconv.FormatUint(id.lo, 10)
	case GUID:
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], id.hi)
		binary.BigEndian.PutUint64(b[8:], id.lo)
		h := hex.EncodeToString(b[:])
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	}
	return "none"
}

// FormatError says that bytes are not of the form that names a schema.
type FormatError struct{ Why string }

// Error implements error.
func (e *FormatError) Error() string { return e.Why }
