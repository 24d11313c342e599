package rawfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"tidemark/internal/jsontext"
)

// The limits of a Parquet file.
const (
	maxFooter  = 16 << 20  // bytes
	maxGroups  = 100_000   // row groups
	maxChunks  = 1_000_000 // of all row groups
	maxLeaves  = 10_000    // columns, of which groups are counted too
	freeRows   = 1 << 20   // rows that need no bytes to speak of, and beyond that …
	rowsAByte  = 10_000    // … so many for each byte of the file
	parquetTop = 4         // the length of the magic bytes
)

// parquetMeta is what a footer says, as far as it is needed.
type parquetMeta struct {
	elements []parquetElement
	rows     int64
	groups   []parquetGroup
	locked   bool
}

// parquetElement is a line of the schema.
type parquetElement struct {
	name                      string
	typ, length, repetition   int32 // typ −1: a group
	children                  int32
	converted                 int32 // −1: none
	scale, precision          int32
	logical                   int // the field of the union, 0: none
	unit                      jsontext.Unit
	adjusted                  bool
	bits                      int
	unsigned                  bool
	logicalScale, logicalPrec int32
}

// parquetGroup is a row group.
type parquetGroup struct {
	rows   int64
	chunks []parquetChunk
}

// parquetChunk is a column of a row group.
type parquetChunk struct {
	typ, codec       int32
	values           int64
	start, size      int64
	data, dictionary int64
	path             string
	elsewhere        bool
	locked           bool
}

// readFooter reads and checks what stands at the end of a file, before anything is
// allocated that is larger than the footer's own bytes let it be.
func readFooter(f io.ReaderAt, size int64) (*parquetMeta, error) {
	if size < 12 {
		return nil, fmt.Errorf("is no Parquet file: it has %d bytes", size)
	}
	var head, tail [8]byte
	if err := readAt(f, head[:4], 0); err != nil {
		return nil, err
	}
	if err := readAt(f, tail[:], size-8); err != nil {
		return nil, err
	}
	switch {
	case string(tail[4:]) == "PARE" || string(head[:4]) == "PARE":
		return nil, errors.New("is encrypted")
	case string(head[:4]) != "PAR1":
		return nil, errors.New("is no Parquet file: it does not begin with PAR1")
	case string(tail[4:]) != "PAR1":
		return nil, errors.New("is no Parquet file, or was cut off: it does not end with PAR1")
	}
	n := int64(int32(binary.LittleEndian.Uint32(tail[:])))
	if n <= 0 || n > size-12 || n > maxFooter {
		return nil, fmt.Errorf("its footer claims %d bytes, of a file of %d: it may have %d", n, size, maxFooter)
	}
	b := make([]byte, n)
	if err := readAt(f, b, size-8-n); err != nil {
		return nil, err
	}
	m, err := parseFooter(b)
	if err != nil {
		return nil, fmt.Errorf("its footer: %w", err)
	}
	err = m.check(size, size-8-n)
	return m, err
}

// readAt fills b. What a store or a disk does not give is no fault of the file.
func readAt(f io.ReaderAt, b []byte, at int64) error {
	n, err := f.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return errors.New("the file was cut off")
	}
	return &readError{err}
}

// readError is an error of a disk or a store.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

// parseFooter reads a footer.
func parseFooter(b []byte) (*parquetMeta, error) {
	t := &thrift{b: b}
	m := &parquetMeta{}
	chunks := 0
	t.fields(func(id int, typ byte) bool {
		switch id {
		case 2:
			t.list(typ, func(byte) {
				if len(m.elements) > maxLeaves {
					t.fail(fmt.Errorf("its schema has more than %d columns", maxLeaves))
					return
				}
				m.elements = append(m.elements, t.element())
			})
		case 3:
			m.rows = t.int(typ)
		case 4:
			t.list(typ, func(byte) {
				if len(m.groups) == maxGroups {
					t.fail(fmt.Errorf("it has more than %d row groups", maxGroups))
					return
				}
				g := t.group(&chunks)
				m.groups = append(m.groups, g)
			})
		case 8:
			m.locked = true
			return false
		default:
			return false
		}
		return true
	})
	return m, t.err
}

func (t *thrift) element() parquetElement {
	e := parquetElement{typ: -1, converted: -1}
	t.fields(func(id int, typ byte) bool {
		switch id {
		case 1:
			e.typ = t.int32(typ)
		case 2:
			e.length = t.int32(typ)
		case 3:
			e.repetition = t.int32(typ)
		case 4:
			e.name = string(t.bytes(typ))
		case 5:
			e.children = t.int32(typ)
		case 6:
			e.converted = t.int32(typ)
		case 7:
			e.scale = t.int32(typ)
		case 8:
			e.precision = t.int32(typ)
		case 10:
			t.fields(func(id int, typ byte) bool { return t.logical(&e, id, typ) })
		default:
			return false
		}
		return true
	})
	return e
}

// logical reads one logical type.
func (t *thrift) logical(e *parquetElement, id int, typ byte) bool {
	e.logical = id
	if typ != thriftStruct {
		return false
	}
	t.fields(func(field int, typ byte) bool {
		switch {
		case id == 5 && field == 1:
			e.logicalScale = t.int32(typ)
		case id == 5 && field == 2:
			e.logicalPrec = t.int32(typ)
		case (id == 7 || id == 8) && field == 1:
			e.adjusted = typ == thriftTrue
		case (id == 7 || id == 8) && field == 2 && typ == thriftStruct:
			t.fields(func(field int, _ byte) bool {
				if field >= 1 && field <= 3 {
					e.unit = []jsontext.Unit{jsontext.Millis, jsontext.Micros, jsontext.Nanos}[field-1]
				}
				return false
			})
		case id == 10 && field == 1:
			e.bits = int(t.int(typ))
		case id == 10 && field == 2:
			e.unsigned = typ == thriftFalse
		default:
			return false
		}
		return true
	})
	return true
}

func (t *thrift) group(chunks *int) parquetGroup {
	var g parquetGroup
	t.fields(func(id int, typ byte) bool {
		switch id {
		case 1:
			t.list(typ, func(byte) {
				if *chunks++; *chunks > maxChunks || len(g.chunks) > maxLeaves {
					t.fail(fmt.Errorf("it has more than %d columns in all row groups", maxChunks))
					return
				}
				g.chunks = append(g.chunks, t.chunk())
			})
		case 3:
			g.rows = t.int(typ)
		default:
			return false
		}
		return true
	})
	return g
}

func (t *thrift) chunk() parquetChunk {
	c := parquetChunk{typ: -1}
	t.fields(func(id int, typ byte) bool {
		switch id {
		case 1:
			c.elsewhere = len(t.bytes(typ)) > 0
		case 3:
			t.fields(func(id int, typ byte) bool { return t.chunkMeta(&c, id, typ) })
		case 8, 9:
			c.locked = true
			return false
		default:
			return false
		}
		return true
	})
	c.start = c.data
	if c.dictionary > 0 && c.dictionary < c.data {
		c.start = c.dictionary
	}
	return c
}

func (t *thrift) chunkMeta(c *parquetChunk, id int, typ byte) bool {
	switch id {
	case 1:
		c.typ = t.int32(typ)
	case 3:
		var path []string
		t.list(typ, func(typ byte) { path = append(path, string(t.bytes(typ))) })
		c.path = strings.Join(path, ".")
	case 4:
		c.codec = t.int32(typ)
	case 5:
		c.values = t.int(typ)
	case 7:
		c.size = t.int(typ)
	case 9:
		c.data = t.int(typ)
	case 11:
		c.dictionary = t.int(typ)
	default:
		return false
	}
	return true
}

// check compares what the footer says of the file, whose pages end at end, with itself.
func (m *parquetMeta) check(size, end int64) error {
	if m.locked {
		return errors.New("is encrypted")
	}
	rows := int64(0)
	for i, g := range m.groups {
		if g.rows < 0 || g.rows > m.rows-rows {
			return fmt.Errorf("promises %d rows, and row group %d has %d after %d", m.rows, i, g.rows, rows)
		}
		rows += g.rows
		for _, c := range g.chunks {
			switch {
			case c.locked:
				return errors.New("is encrypted")
			case c.elsewhere:
				return errors.New("has columns in other files")
			case g.rows == 0: // nothing of it is read
			case c.start < parquetTop || c.size < 0 || c.start > end || c.size > end-c.start:
				return fmt.Errorf("row group %d: column %q lies at bytes %d to %d, and the pages at 4 to %d", i, c.path, c.start, c.start+c.size, end)
			case c.values < 0:
				return fmt.Errorf("row group %d: column %q promises %d values", i, c.path, c.values)
			}
		}
	}
	if rows != m.rows {
		return fmt.Errorf("promises %d rows, and its row groups have %d", m.rows, rows)
	}
	if rows > freeRows && rows/rowsAByte > size {
		return fmt.Errorf("promises %d rows in %d bytes, more than %d for each", rows, size, rowsAByte)
	}
	return nil
}
