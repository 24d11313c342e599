package rawfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The limits of pages.
const (
	maxPage  = 128 << 20 // bytes of one, as it lies there and unpacked
	maxHeld  = 512 << 20 // bytes of those that are held at a time, of all columns
	pageHead = 64 << 10  // bytes of its header
)

// What is read ahead of each column: as much as a header may take, but of files with many
// columns less, for each has its own.
const (
	aheadAll   = 64 << 20 // bytes, of all columns
	aheadLeast = 4 << 10  // of one
)

// pageHeader says what a page is.
type pageHeader struct {
	kind, plain, packed int32
	crc                 uint32
	checked             bool // it has a crc
	values, encoding    int32
	v2                  bool
	// Of the levels: their encodings, or in the second version, how many bytes they take.
	repEncoding, defEncoding int32
	repBytes, defBytes       int32
	stored                   bool // v2: its values are not compressed
	dictionary               bool
}

// readPageHeader reads the header that b begins with.
func readPageHeader(b []byte) (h pageHeader, size int, err error) {
	t := &thrift{b: b}
	t.fields(func(id int, typ byte) bool {
		switch id {
		case 1:
			h.kind = t.int32(typ)
		case 2:
			h.plain = t.int32(typ)
		case 3:
			h.packed = t.int32(typ)
		case 4:
			h.crc, h.checked = uint32(t.int32(typ)), true
		case 5, 7, 8:
			if typ != thriftStruct {
				return false
			}
			h.v2, h.dictionary = id == 8, id == 7
			t.fields(func(field int, typ byte) bool { return t.pageField(&h, field, typ) })
		default:
			return false
		}
		return true
	})
	return h, t.pos, t.err
}

func (t *thrift) pageField(h *pageHeader, field int, typ byte) bool {
	switch {
	case field == 1:
		h.values = t.int32(typ)
	case field == 2 && !h.v2, field == 4 && h.v2:
		h.encoding = t.int32(typ)
	case field == 3 && !h.v2 && !h.dictionary:
		h.defEncoding = t.int32(typ)
	case field == 4 && !h.v2 && !h.dictionary:
		h.repEncoding = t.int32(typ)
	case field == 5 && h.v2:
		h.defBytes = t.int32(typ)
	case field == 6 && h.v2:
		h.repBytes = t.int32(typ)
	case field == 7 && h.v2:
		h.stored = typ == thriftFalse
	default:
		return false
	}
	return true
}

// parquetColumn reads a column of a row group, a page at a time. Its levels and values
// come one after another: take the one that peek shows.
type parquetColumn struct {
	*parquetNode
	file *parquetFile

	in     *bufio.Reader
	unread int64 // bytes of the chunk
	left   int64 // values of it that no page has brought
	codec  int32

	packed, plain []byte // memory of a page
	dict          *dictionary
	hasDict       bool
	inPage        int32 // values left
	reps, defs    hybrid
	values        parquetValues

	shown    bool // the levels below are of the next value
	rep, def int
	value    parquetValue
}

// open begins a chunk.
func (c *parquetColumn) open(chunk *parquetChunk) error {
	from := io.NewSectionReader(c.file.f, chunk.start, chunk.size)
	ahead := max(aheadLeast, min(pageHead, aheadAll/len(c.file.columns)))
	if err := c.ahead(from, min(int64(ahead), chunk.size)); err != nil {
		return err
	}
	c.in.Reset(from)
	c.unread, c.left, c.codec = chunk.size, chunk.values, chunk.codec
	c.inPage, c.shown, c.hasDict = 0, false, false
	return nil
}

// ahead has c.in hold n bytes at least, of what from goes on with if it must be made anew.
func (c *parquetColumn) ahead(from io.Reader, n int64) error {
	was := int64(0)
	if c.in != nil {
		was = int64(c.in.Size())
	}
	if c.in != nil && was >= n {
		return nil
	}
	if err := c.file.hold(n - was); err != nil {
		return err
	}
	c.in = bufio.NewReaderSize(from, int(n))
	return nil
}

// ended reports whether no value is left.
func (c *parquetColumn) ended() bool { return !c.shown && c.inPage == 0 && c.left == 0 }

// peek shows the levels of the next value.
func (c *parquetColumn) peek(ctx context.Context) error {
	if c.shown {
		return nil
	}
	for c.inPage == 0 {
		if c.left == 0 {
			return errors.New("it has fewer values than it promises rows")
		}
		if err := c.page(ctx); err != nil {
			return err
		}
	}
	c.inPage--
	if c.maxRep > 0 {
		x, err := c.reps.level()
		if err != nil {
			return err
		}
		c.rep = int(x)
	}
	c.def = c.maxDef
	if c.maxDef > 0 {
		x, err := c.defs.level()
		if err != nil {
			return err
		}
		c.def = int(x)
	}
	if c.rep > c.maxRep || c.def > c.maxDef {
		return fmt.Errorf("a value has the levels %d and %d, and its column %d and %d", c.rep, c.def, c.maxRep, c.maxDef)
	}
	c.shown = true
	return nil
}

// page reads pages up to one that has values.
func (c *parquetColumn) page(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h, err := c.header()
	if err != nil {
		return err
	}
	packed, err := c.bytes(&h)
	if err != nil {
		return err
	}
	switch h.kind {
	case 0, 3:
		return c.data(&h, packed)
	case 1: // an index, which no one writes
		return nil
	case 2:
		return c.dictionaryPage(&h, packed)
	}
	return fmt.Errorf("a page is of the unknown kind %d", h.kind)
}

// header reads the header of the next page.
func (c *parquetColumn) header() (h pageHeader, err error) {
	if c.unread == 0 {
		return h, fmt.Errorf("its pages end, and %d of its values are not there", c.left)
	}
	for _, most := range []int64{256, pageHead} {
		most = min(most, c.unread)
		if err := c.ahead(c.in, most); err != nil {
			return h, err
		}
		b, failed := c.in.Peek(int(most))
		if failed != nil {
			return h, c.file.cut(failed)
		}
		var size int
		if h, size, err = readPageHeader(b); err == nil {
			c.unread -= int64(size)
			_, err = c.in.Discard(size)
			break
		}
	}
	switch {
	case err != nil:
		return h, fmt.Errorf("the header of a page: %w", err)
	case h.packed < 0 || int64(h.packed) > c.unread:
		return h, fmt.Errorf("a page claims %d bytes, and its column has %d left", h.packed, c.unread)
	case h.plain < 0 || h.plain > maxPage || h.packed > maxPage:
		return h, fmt.Errorf("a page claims %d bytes, packed to %d: it may have %d", h.plain, h.packed, maxPage)
	case h.values < 0:
		return h, fmt.Errorf("a page claims %d values", h.values)
	}
	return h, nil
}

// bytes reads the bytes of a page, as they lie there.
func (c *parquetColumn) bytes(h *pageHeader) ([]byte, error) {
	c.unread -= int64(h.packed)
	if err := c.file.hold(int64(int(h.packed) - cap(c.packed))); err != nil {
		return nil, err
	}
	c.packed = grow(c.packed[:0], int(h.packed))
	if _, err := io.ReadFull(c.in, c.packed); err != nil {
		return nil, c.file.cut(err)
	}
	if h.checked && crc32.ChecksumIEEE(c.packed) != h.crc {
		return nil, errors.New("the checksum of a page is wrong")
	}
	return c.packed, nil
}

// unpack undoes the compression of a page, into memory that is used again. n is its size.
func (c *parquetColumn) unpack(to, packed []byte, n int) ([]byte, error) {
	if err := c.file.hold(int64(n - cap(to))); err != nil {
		return nil, err
	}
	return c.file.unpacker.unpack(c.codec, to[:0], packed, n)
}

func (c *parquetColumn) dictionaryPage(h *pageHeader, packed []byte) error {
	switch {
	case c.hasDict:
		return errors.New("a column has two dictionaries")
	case h.encoding != encodingPlain && h.encoding != encodingPlainDictionary:
		return fmt.Errorf("a dictionary has the encoding %d", h.encoding)
	case c.physical == physicalBoolean:
		return errors.New("a dictionary is of booleans")
	}
	var err error
	if c.plain, err = c.unpack(c.plain, packed, int(h.plain)); err != nil {
		return err
	}
	from, err := valuesOf(c.parquetNode, encodingPlain, c.plain, nil)
	if err != nil {
		return err
	}
	least := c.width
	if least == 0 {
		least = 4
	}
	if c.dict == nil {
		c.dict = &dictionary{}
	}
	before := c.dict.held()
	err = c.dict.fill(from, int(h.values), least, c.plain)
	c.hasDict = true
	return errors.Join(err, c.file.hold(c.dict.held()-before))
}

// data begins a page of values.
func (c *parquetColumn) data(h *pageHeader, packed []byte) error {
	if int64(h.values) > c.left {
		return fmt.Errorf("a page has %d values, and its column promises %d more", h.values, c.left)
	}
	c.left -= int64(h.values)
	c.inPage = h.values
	var reps, defs, b []byte
	var err error
	if h.kind == 3 {
		reps, defs, b, err = c.partsV2(h, packed)
	} else {
		reps, defs, b, err = c.parts(h, packed)
	}
	if err != nil {
		return err
	}
	c.reps = hybrid{b: reps, width: bitsFor(c.maxRep)}
	c.defs = hybrid{b: defs, width: bitsFor(c.maxDef)}
	var d *dictionary
	if c.hasDict {
		d = c.dict
	}
	if h.values > 0 {
		c.values, err = valuesOf(c.parquetNode, h.encoding, b, d)
	}
	return err
}

// parts takes a page apart into its levels and its values.
func (c *parquetColumn) parts(h *pageHeader, packed []byte) (reps, defs, b []byte, err error) {
	if c.plain, err = c.unpack(c.plain, packed, int(h.plain)); err != nil {
		return nil, nil, nil, err
	}
	b = c.plain
	if c.maxRep > 0 && h.repEncoding != encodingRLE || c.maxDef > 0 && h.defEncoding != encodingRLE {
		return nil, nil, nil, fmt.Errorf("the levels of a page have the encodings %d and %d: %d is read", h.repEncoding, h.defEncoding, encodingRLE)
	}
	if c.maxRep > 0 && h.values > 0 {
		if reps, err = prefixed(&b); err != nil {
			return nil, nil, nil, err
		}
	}
	if c.maxDef > 0 && h.values > 0 {
		defs, err = prefixed(&b)
	}
	return reps, defs, b, err
}

// partsV2 does so with a page of the second version, of which the levels are never
// compressed.
func (c *parquetColumn) partsV2(h *pageHeader, packed []byte) (reps, defs, b []byte, err error) {
	levels := int64(h.repBytes) + int64(h.defBytes)
	if h.repBytes < 0 || h.defBytes < 0 || levels > int64(len(packed)) || levels > int64(h.plain) {
		return nil, nil, nil, fmt.Errorf("the levels of a page claim %d and %d bytes, of %d", h.repBytes, h.defBytes, len(packed))
	}
	reps, defs, b = packed[:h.repBytes], packed[h.repBytes:levels], packed[levels:]
	if h.stored {
		return reps, defs, b, nil
	}
	c.plain, err = c.unpack(c.plain, b, int(int64(h.plain)-levels))
	return reps, defs, c.plain, err
}

// held is how many bytes the dictionary takes.
func (d *dictionary) held() int64 { return int64(8*cap(d.bits) + cap(d.bytes) + 4*cap(d.ends)) }
