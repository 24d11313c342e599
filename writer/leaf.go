package writer

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// leaf is what parquet-go takes for the buffer, and for the dictionary, of one
// column. It holds no values: it hands out pages that point to ours.
//
// A ColumnWriter asks its Type for a buffer, counts the rows that are written to
// it, and at Flush asks the buffer for a page. So a leaf's types give out buffers
// that only count, and its pages are made of what the leaf holds at the time of the
// Flush.
//
// An optional column would cost five nanoseconds a value even without a null, for
// parquet-go notes a level and a place for each. Our pages bring their levels with
// them, in front of the encoded values, as data pages of version 1 have them; see
// optional.
type leaf struct {
	typ      parquet.Type // what the column is
	required bool
	indexed  bool // pages hold codes into the dictionary

	// The next page: its rows, how many of them have a value, and which: levels has
	// a 1 for those. It is looked at only where some have one and some have none.
	rows, present int
	levels        []byte
	values        encoding.Values

	// Of a leaf within a nested column: where it stands, and its greatest levels. Its pages
	// have an entry for each value, and one where a list is empty or something around the
	// value is null. Elsewhere there is an entry for each row.
	nested         bool
	steps          []step
	maxRep, maxDef byte
	entries        int
	repeats        []byte // repetition levels

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

	page  page // the only one in use
	paged pageType
}

// node is the column's place in a schema. laid is that of the schema's root.
func (l *leaf) node(enc encoding.Encoding, laid *bool) parquet.Node {
	n := parquet.Encoded(parquet.Leaf(&leafType{Type: l.typ, leaf: l}), enc)
	if l.required {
		return parquet.Required(n)
	}
	return &optional{Node: n, laid: laid}
}

// optional is an optional column whose pages bring their levels with them.
// NewWriter asks a node twice whether it is optional: to describe it in the file,
// and then, beginning with the root, to make the writers of the columns. The second
// time the answer is no, so that they add no levels to ours.
type optional struct {
	parquet.Node
	laid *bool
}

// Optional implements parquet.Node.
func (o *optional) Optional() bool { return !*o.laid }

// Required implements parquet.Node.
func (o *optional) Required() bool { return false }

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

// WriteValues implements parquet.ColumnBuffer. One value stands for a page.
func (c *counter) WriteValues([]parquet.Value) (int, error) {
	c.n = c.typ.leaf.rows
	return c.n, nil
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
	typ := l.typ
	if l.indexed {
		typ = parquet.Int32Type
	}
	l.page = page{Page: typ.NewPage(c.column, l.present, l.values), leaf: l}
	return &l.page
}

// page is a page with levels and bounds of ours.
type page struct {
	parquet.Page // of the values alone
	leaf         *leaf
}

// NumRows implements parquet.Page.
func (p *page) NumRows() int64 { return int64(p.leaf.rows) }

// NumValues implements parquet.Page. Nulls are values, for parquet-go.
func (p *page) NumValues() int64 { return int64(p.leaf.entries) }

// NumNulls implements parquet.Page.
func (p *page) NumNulls() int64 { return int64(p.leaf.entries - p.leaf.present) }

// Bounds implements parquet.Page.
func (p *page) Bounds() (lower, upper parquet.Value, ok bool) {
	if !p.leaf.own {
		return p.Page.Bounds()
	}
	return p.leaf.lower, p.leaf.upper, p.leaf.exact && p.leaf.present > 0
}

// Type implements parquet.Page: it says how the page is encoded.
func (p *page) Type() parquet.Type { return &p.leaf.paged }

// pageType encodes the pages of a leaf.
type pageType struct {
	parquet.Type
	leaf    *leaf
	prefix  []byte // what stands before the values
	encoded []byte // levels, without their length
}

// Encode implements parquet.Type.
func (t *pageType) Encode(dst []byte, src encoding.Values, enc encoding.Encoding) ([]byte, error) {
	l := t.leaf
	t.prefix = t.prefix[:0]
	if l.nested {
		if err := t.nestedLevels(); err != nil {
			return dst, err
		}
	} else if !l.required {
		if err := t.levels(); err != nil {
			return dst, err
		}
	}
	var err error
	if l.indexed {
		// The width of codes is known, where parquet-go would look at every one.
		width := bits.Len(uint(max(len(l.ends)-2, 0)))
		t.prefix = append(t.prefix, byte(width))
		codes := rle.Encoding{BitWidth: width}
		dst, err = codes.EncodeInt32(dst, src.Int32())
	} else {
		dst, err = t.Type.Encode(dst, src, enc)
	}
	if err != nil {
		return dst, err
	}
	return slices.Insert(dst, 0, t.prefix...), nil
}

// levels writes the definition levels to prefix: their length, and a 1 or a 0 for
// each row, as one run where all are alike.
func (t *pageType) levels() error {
	l := t.leaf
	t.prefix = append(t.prefix, 0, 0, 0, 0)
	if l.present == 0 || l.present == l.rows {
		t.prefix = binary.AppendUvarint(t.prefix, uint64(l.rows)<<1)
		t.prefix = append(t.prefix, byte(min(l.present, 1)))
	} else {
		one := rle.Encoding{BitWidth: 1}
		encoded, err := one.EncodeLevels(t.encoded, l.levels)
		if err != nil {
			return err
		}
		t.encoded = encoded
		t.prefix = append(t.prefix, encoded...)
	}
	binary.LittleEndian.PutUint32(t.prefix, uint32(len(t.prefix)-4))
	return nil
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
