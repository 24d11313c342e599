package writer

import (
	"math/bits"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// leaf is what parquet-go takes for the buffer, and for the dictionary, of one
// column. It holds no values: it hands out pages that point to ours.
//
// A ColumnWriter asks its Type for a buffer, counts the values that are written to
// it, and at Flush asks the buffer for a page. So a leaf's types give out buffers
// that only count, and its pages are made of what values, lower and upper hold at
// the time of the Flush.
type leaf struct {
	typ     parquet.Type // what the column is
	indexed bool         // pages hold codes into the dictionary
	values  encoding.Values
	repeat  int // how often a value that is written counts

	// Bounds of the values of the next page. Unless own is set, they are computed
	// from its values. Not exact: they hold, but are no values of the page. The
	// page index wants bounds of every page, statistics only exact ones; whether a
	// column's are exact must be the same for all pages of a row group, or its
	// statistics would speak of some of them only.
	own          bool
	exact        bool
	lower, upper parquet.Value

	// The dictionary of the row group: it must stay as it is until that is flushed.
	data []byte
	ends []uint32 // one more than values, from 0

	page page // the only one in use
}

// node is the column's place in a schema.
func (l *leaf) node(enc encoding.Encoding, required bool) parquet.Node {
	n := parquet.Encoded(parquet.Leaf(&leafType{Type: l.typ, leaf: l}), enc)
	if required {
		return parquet.Required(n)
	}
	return parquet.Optional(n)
}

// leafType is the type of a leaf: that of the column, with buffers of ours.
type leafType struct {
	parquet.Type
	leaf *leaf
}

// NewColumnBuffer implements parquet.Type.
func (t *leafType) NewColumnBuffer(columnIndex, _ int) parquet.ColumnBuffer {
	// The embedded buffer supplies the methods that only parquet-go can have.
	return &counter{ColumnBuffer: t.leaf.typ.NewColumnBuffer(columnIndex, 0), typ: t, column: columnIndex}
}

// NewDictionary implements parquet.Type.
func (t *leafType) NewDictionary(columnIndex, _ int, _ encoding.Values) parquet.Dictionary {
	empty := t.leaf.typ.NewValues(nil, nil)
	return &dictionary{Dictionary: t.leaf.typ.NewDictionary(columnIndex, 0, empty), typ: t, column: columnIndex}
}

// counter is a column buffer that counts values.
type counter struct {
	parquet.ColumnBuffer
	typ    *leafType
	column int
	n      int
}

// Type implements parquet.ColumnBuffer.
func (c *counter) Type() parquet.Type { return c.typ }

// WriteValues implements parquet.ColumnBuffer. The buffer of an optional column,
// which calls this, enters as many levels as are said to be written: so one value
// can stand for a whole page, and need not be read from as many that are alike.
func (c *counter) WriteValues(v []parquet.Value) (int, error) {
	n := len(v) * c.typ.leaf.repeat
	c.n += n
	return n, nil
}

// Len implements parquet.ColumnBuffer.
func (c *counter) Len() int { return c.n }

// NumValues implements parquet.ColumnBuffer.
func (c *counter) NumValues() int64 { return int64(c.n) }

// Size implements parquet.ColumnBuffer. At 0 parquet-go never cuts a page by itself.
func (c *counter) Size() int64 { return 0 }

// Reset implements parquet.ColumnBuffer.
func (c *counter) Reset() { c.n = 0 }

// Page implements parquet.ColumnBuffer.
func (c *counter) Page() parquet.Page {
	l := c.typ.leaf
	l.page = page{leaf: l}
	if l.indexed {
		l.page.Page = parquet.Int32Type.NewPage(c.column, c.n, l.values)
	} else {
		l.page.Page = l.typ.NewPage(c.column, c.n, l.values)
	}
	return &l.page
}

// page is a page with bounds of ours.
type page struct {
	parquet.Page
	leaf *leaf
}

// Type implements parquet.Page: it says how the page is encoded.
func (p *page) Type() parquet.Type {
	if p.leaf.indexed {
		return &codes{Type: parquet.Int32Type, entries: len(p.leaf.ends) - 1}
	}
	return p.Page.Type()
}

// Bounds implements parquet.Page.
func (p *page) Bounds() (lower, upper parquet.Value, ok bool) {
	if !p.leaf.own {
		return p.Page.Bounds()
	}
	return p.leaf.lower, p.leaf.upper, p.leaf.exact && p.NumValues() > 0
}

// codes is the type of a page of codes into a dictionary of so many values. Its
// width is known from that, where parquet-go would look at every code.
type codes struct {
	parquet.Type
	entries int
}

// Encode implements parquet.Type.
func (c *codes) Encode(dst []byte, src encoding.Values, _ encoding.Encoding) ([]byte, error) {
	width := bits.Len(uint(max(c.entries-1, 0)))
	enc := rle.Encoding{BitWidth: width}
	dst, err := enc.EncodeInt32(dst, src.Int32())
	if err != nil {
		return dst, err
	}
	dst = append(dst, 0)
	copy(dst[1:], dst)
	dst[0] = byte(width)
	return dst, nil
}

// dictionary is the dictionary of a leaf.
type dictionary struct {
	parquet.Dictionary
	typ    *leafType
	column int
}

// Type implements parquet.Dictionary.
func (d *dictionary) Type() parquet.Type { return d.typ }

// Len implements parquet.Dictionary.
func (d *dictionary) Len() int { return max(len(d.typ.leaf.ends)-1, 0) }

// Size implements parquet.Dictionary. Ours is limited where it is made.
func (d *dictionary) Size() int64 { return 0 }

// Reset implements parquet.Dictionary.
func (d *dictionary) Reset() {}

// Page implements parquet.Dictionary.
func (d *dictionary) Page() parquet.Page {
	l := d.typ.leaf
	ends := l.ends
	if len(ends) == 0 {
		ends = []uint32{0}
	}
	return parquet.ByteArrayType.NewPage(d.column, len(ends)-1, encoding.ByteArrayValues(l.data, ends))
}
