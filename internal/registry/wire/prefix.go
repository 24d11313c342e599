package wire

import (
	"encoding/binary"
	"fmt"
)

// The first byte says what follows it. The second form stands in headers alone.
const (
	magicID   = 0 // an id, four bytes
	magicGUID = 1 // a GUID, sixteen bytes
)

// Prefix reads Confluent's header in front of a value and returns what follows: a datum
// of Avro or JSON, or for Protobuf what Message reads.
func Prefix(value []byte) (ID, []byte, error) {
	if len(value) < 5 || value[0] != magicID {
		return ID{}, nil, prefixError(value)
	}
	return Number(Confluent, uint64(binary.BigEndian.Uint32(value[1:5]))), value[5:], nil
}

func prefixError(value []byte) error {
	if len(value) > 0 && value[0] != magicID {
		return &FormatError{fmt.Sprintf("the value begins with byte 0x%02x and not with 0x00, which stands before a schema id: was it written without a registry, or with its id in a header?", value[0])}
	}
	return &FormatError{fmt.Sprintf("the value has %d bytes, and a schema id takes five: was it written without a registry?", len(value))}
}

// AppendPrefix appends Confluent's header to dst. Only an id of kind Confluent has one.
func AppendPrefix(dst []byte, id ID) []byte {
	return binary.BigEndian.AppendUint32(append(dst, magicID), uint32(id.lo))
}

// MaxNesting is how deep a message may be declared within others.
const MaxNesting = 16

// maxIndex is the largest index that the Java serializers can write.
const maxIndex = 1<<31 - 1

// Message says which message of a Protobuf schema a value is: the index of the outermost
// one in the file, then of the next one in it, and so on. It can be compared and be part
// of the key of a map.
type Message struct {
	n       int8
	indexes [MaxNesting]int32
}

// Depth returns how many indexes there are.
func (m *Message) Depth() int { return int(m.n) }

// Index returns the i-th index.
func (m *Message) Index(i int) int { return int(m.indexes[i]) }

// ReadMessage reads the indexes that stand behind the id, and returns what follows: the
// message. They are varints in zig-zag, their count first; a lone zero stands for the
// first message of the file.
func ReadMessage(b []byte) (Message, []byte, error) {
	if len(b) > 0 && b[0] == 0 {
		return Message{n: 1}, b[1:], nil
	}
	count, rest, err := varint(b)
	if err != nil {
		return Message{}, nil, err
	}
	if count < 0 || count > MaxNesting {
		return Message{}, nil, &FormatError{fmt.Sprintf("the value has %d indexes of a Protobuf message, and no message is nested deeper than %d: it was not written with the registry's Protobuf serializer", count, MaxNesting)}
	}
	m := Message{n: int8(max(count, 1))} // a zero in more bytes than one is a lone zero all the same
	for i := range count {
		var index int64
		if index, rest, err = varint(rest); err != nil {
			return Message{}, nil, err
		}
		if index < 0 || index > maxIndex {
			return Message{}, nil, &FormatError{fmt.Sprintf("the value has %d as the index of a Protobuf message: it was not written with the registry's Protobuf serializer", index)}
		}
		m.indexes[i] = int32(index)
	}
	return m, rest, nil
}

// varint reads a zig-zag varint of at most 32 bits, which take five bytes.
func varint(b []byte) (int64, []byte, error) {
	v, n := binary.Varint(b[:min(len(b), 5)])
	if n <= 0 {
		return 0, nil, &FormatError{"the indexes of the Protobuf message are cut off or too large: the value was not written with the registry's Protobuf serializer"}
	}
	return v, b[n:], nil
}

// AppendMessage appends indexes as ReadMessage reads them, in the short form where there
// is one. More than MaxNesting are not readable.
func AppendMessage(dst []byte, indexes ...int) []byte {
	if len(indexes) == 1 && indexes[0] == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(indexes)))
	for _, i := range indexes {
		dst = binary.AppendVarint(dst, int64(i))
	}
	return dst
}
