package conform

import (
	"encoding/binary"

	"tidemark/internal/avroschema"
)

// SingleObjects is Schemas of records in single-object encoding, and of bare datums where
// there is one schema for them. It never changes once it is in use.
//
// A value that begins with the mark of the encoding is taken for one: a bare datum that
// happens to begin so is quarantined, since it could be either.
type SingleObjects struct {
	Bare  *avroschema.Schema            // of datums without a header, nil: none is read
	Known map[uint64]*avroschema.Schema // by fingerprint
}

// What stands in front of a datum in single-object encoding.
const (
	objectMark = 0x01c3 // c3 01, then the fingerprint
	objectHead = 10     // bytes
)

// NewSingleObjects knows schemas by their fingerprints. Bare datums are of the first.
func NewSingleObjects(schemas ...*avroschema.Schema) *SingleObjects {
	o := &SingleObjects{Known: map[uint64]*avroschema.Schema{}}
	for _, s := range schemas {
		if o.Bare == nil {
			o.Bare = s
		}
		if o.Known[s.Fingerprint] == nil {
			o.Known[s.Fingerprint] = s
		}
	}
	return o
}

// Schema implements Schemas.
func (o *SingleObjects) Schema(value, _ []byte) Written {
	if len(value) < 2 || binary.LittleEndian.Uint16(value) != objectMark {
		if o.Bare == nil {
			return Written{Reason: ReasonWire, Want: "c3 01 and a fingerprint in front of the datum: this table has no schema for bare ones"}
		}
		return Written{Schema: o.Bare}
	}
	if len(value) < objectHead {
		return Written{Reason: ReasonWire, Want: "a fingerprint of eight bytes behind c3 01"}
	}
	s := o.Known[binary.LittleEndian.Uint64(value[2:])]
	if s == nil {
		return Written{Reason: ReasonSchemaUnknown, Want: "a fingerprint of one of the table's schemas behind c3 01"}
	}
	return Written{Schema: s, At: objectHead, Lasting: true}
}
