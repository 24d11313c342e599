package rawfile

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The limits of what a schema may claim.
const (
	maxNesting = 64       // types within types
	maxFixed   = 16 << 20 // bytes of a value of fixed length
)

// thrift reads structures in Thrift's compact protocol, in which the footer and the
// headers of pages are written. It allocates nothing for what is claimed, and goes no
// deeper than maxNesting. After the first error, everything reads as zero.
type thrift struct {
	b     []byte
	pos   int
	depth int
	err   error
}

// The types of the protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

var errThriftCut = errors.New("it does not end where its bytes do")

func (t *thrift) fail(err error) {
	if t.err == nil {
		t.err = err
	}
	t.pos = len(t.b)
}

func (t *thrift) byte() byte {
	if t.pos >= len(t.b) {
		t.fail(errThriftCut)
		return 0
	}
	t.pos++
	return t.b[t.pos-1]
}

func (t *thrift) varint() uint64 {
	x, n := binary.Uvarint(t.b[t.pos:])
	if n <= 0 {
		t.fail(errThriftCut)
		return 0
	}
	t.pos += n
	return x
}

// int reads a whole number of any width.
func (t *thrift) int(typ byte) int64 {
	switch typ {
	case thriftByte:
		return int64(int8(t.byte()))
	case thriftI16, thriftI32, thriftI64:
		x := t.varint()
		return int64(x>>1) ^ -int64(x&1)
	}
	t.fail(fmt.Errorf("a number is of type %d", typ))
	return 0
}

// int32 reads one that must fit 32 bits.
func (t *thrift) int32(typ byte) int32 {
	x := t.int(typ)
	if x != int64(int32(x)) {
		t.fail(fmt.Errorf("%d is no number of 32 bits", x))
		return 0
	}
	return int32(x)
}

// bytes reads a binary. They are those of the input.
func (t *thrift) bytes(typ byte) []byte {
	if typ != thriftBinary {
		t.fail(fmt.Errorf("a text is of type %d", typ))
		return nil
	}
	n := t.varint()
	if n > uint64(len(t.b)-t.pos) {
		t.fail(errThriftCut)
		return nil
	}
	t.pos += int(n)
	return t.b[t.pos-int(n) : t.pos]
}

// fields reads a structure. read gets the id and the type of each field, and reports
// whether it has read it; else it is skipped.
func (t *thrift) fields(read func(id int, typ byte) bool) {
	if t.depth++; t.depth > maxNesting {
		t.fail(fmt.Errorf("it nests more than %d deep", maxNesting))
	}
	defer func() { t.depth-- }()
	for id := 0; t.err == nil; {
		head := t.byte()
		typ := head & 15
		if head == 0 {
			return
		}
		if delta := int(head >> 4); delta > 0 {
			id += delta
		} else {
			id = int(t.int(thriftI16))
		}
		if !read(id, typ) {
			t.skip(typ)
		}
	}
}

// list reads a list. read reads an element of type typ.
func (t *thrift) list(typ byte, read func(typ byte)) {
	n, element := t.listHead(typ)
	for ; n > 0 && t.err == nil; n-- {
		read(element)
	}
}

// listHead reads how many elements a list has, each of which takes a byte or more.
func (t *thrift) listHead(typ byte) (n uint64, element byte) {
	if typ != thriftList && typ != thriftSet {
		t.fail(fmt.Errorf("a list is of type %d", typ))
		return 0, 0
	}
	head := t.byte()
	if n = uint64(head >> 4); n == 15 {
		n = t.varint()
	}
	if n > uint64(len(t.b)-t.pos) {
		t.fail(fmt.Errorf("a list claims %d elements, and %d bytes are left", n, len(t.b)-t.pos))
		return 0, 0
	}
	return n, head & 15
}

// skip reads over a field.
func (t *thrift) skip(typ byte) {
	switch typ {
	case thriftTrue, thriftFalse:
	case thriftByte:
		t.byte()
	case thriftI16, thriftI32, thriftI64:
		t.varint()
	case thriftDouble:
		for range 8 {
			t.byte()
		}
	case thriftBinary:
		t.bytes(typ)
	case thriftList, thriftSet:
		if t.depth++; t.depth > maxNesting {
			t.fail(fmt.Errorf("it nests more than %d deep", maxNesting))
		}
		t.list(typ, t.skipElement)
		t.depth--
	case thriftMap:
		t.skipMap()
	case thriftStruct:
		t.fields(func(int, byte) bool { return false })
	default:
		t.fail(fmt.Errorf("a field is of type %d", typ))
	}
}

// skipElement reads over an element of a list: there, a boolean has a byte of its own.
func (t *thrift) skipElement(typ byte) {
	if typ == thriftTrue || typ == thriftFalse {
		typ = thriftByte
	}
	t.skip(typ)
}

func (t *thrift) skipMap() {
	n := t.varint()
	if n == 0 {
		return
	}
	types := t.byte()
	if n > uint64(len(t.b)-t.pos) {
		t.fail(fmt.Errorf("a map claims %d elements, and %d bytes are left", n, len(t.b)-t.pos))
	}
	if t.depth++; t.depth > maxNesting {
		t.fail(fmt.Errorf("it nests more than %d deep", maxNesting))
	}
	for ; n > 0 && t.err == nil; n-- {
		t.skipElement(types >> 4)
		t.skipElement(types & 15)
	}
	t.depth--
}
