package conform

import (
	"unicode/utf8"

	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// mostParts is how many fields of records a schema may have within nested columns: types that
// are referred to many times make many of few bytes.
const mostParts = 20_000

// avroNested says whether a type becomes the nested one of the column: an array a list; a map
// or a record, which JSON would both have as an object, a map or a struct.
func (f *field) avroNested(t *avroschema.Type) avroCode {
	switch object := t.Kind == avroschema.Map || t.Kind == avroschema.Record; {
	case f.kind == schema.List && t.Kind == avroschema.Array, f.kind != schema.List && object:
		return avroNested
	}
	return avroUnfit
}

// nested has an op know what to do with the parts of its values: of a struct in the order of
// its fields where a map fills it, else in that of the record's.
func (c *avroCompiler) nested(op *avroOp, f *field) {
	t, n := op.of, f.nest
	if c.parts += max(len(t.Fields), len(n.parts)); c.parts > mostParts {
		op.code = avroUnfit
		return
	}
	add := func(t *avroschema.Type, i int) *avroOp {
		op.branches = append(op.branches, c.field(t, c.plan.part(n, i)))
		return &op.branches[len(op.branches)-1]
	}
	switch {
	case f.kind == schema.List:
		add(t.Of[0], 0)
	case f.kind == schema.Map && t.Kind == avroschema.Map:
		add(t.Of[0], 1)
	case f.kind == schema.Map:
		for i := range t.Fields {
			add(t.Fields[i].Of, 1).name = []byte(t.Fields[i].Name)
		}
	case t.Kind == avroschema.Map:
		for i := range n.parts {
			add(t.Of[0], i)
		}
	default:
		for i := range t.Fields {
			one := &t.Fields[i]
			if part, _, ok := n.fields.find([]byte(one.Name)); ok {
				add(one.Of, part)
				continue
			}
			op.branches = append(op.branches, c.extra(one.Of, n.path+one.Name))
		}
	}
}

// nullBoxed makes a nested column null, or the last value of a part of one.
func (d *Decoder) nullBoxed(column int) {
	c := &d.slots[column]
	if column < len(d.columns) {
		d.setNull(c)
		return
	}
	rows := c.v.Rows()
	c.v.SetMark(rows-1, rows, batch.Null)
}

// nestedAvro decodes the value at pos into a nested column, or into the last row of a part of
// one, which is there and empty.
func (d *Decoder) nestedAvro(w *avroWriters, op *avroOp, pos int) int {
	c, row := &d.slots[op.column], d.row
	if int(op.column) >= len(d.columns) {
		d.avro.depth++
		next := d.buildAvro(w, op, pos)
		d.avro.depth--
		d.row = row
		return next
	}
	c.clear(row)
	d.account()
	work, depth := d.avro.work, d.avro.depth
	d.avro.depth++
	next := d.buildAvro(w, op, pos)
	d.row, d.avro.depth = row, depth
	if d.taken < mostCells {
		return next
	}
	// What is read over has been looked at only up to the limit.
	d.avro.work = work
	if next = d.skipAvro(op.of, pos); next >= 0 && next <= d.end {
		d.reject(int(op.column), ReasonLimit, "fewer than 1,000,000 values", place{pos, 0})
	}
	return next
}

// buildAvro decodes the value at pos into the last row of a nested column or a part. It leaves
// d.row behind. Where too much was taken the place that it returns is behind every record.
func (d *Decoder) buildAvro(w *avroWriters, op *avroOp, pos int) int {
	c := &d.slots[op.column]
	switch {
	case op.of.Kind != avroschema.Record:
		return d.avroItems(w, op, pos)
	case c.kind == schema.Map:
		return d.avroFields(w, op, pos)
	}
	d.row = c.v.Rows() - 1
	for i := range op.branches {
		if part := op.branches[i].column; part >= 0 {
			d.renew(int(part))
		}
	}
	return d.perform(w, op.branches, pos)
}

// renew makes the part of a struct in d.row present and empty.
func (d *Decoder) renew(part int) {
	c := &d.slots[part]
	c.v.Truncate(d.row)
	c.v.Append()
	c.ints, c.codes = c.v.Ints, c.v.Codes
}

// another appends an element, or a value of a map, and makes its row that of the decoder.
func (d *Decoder) another(part int) {
	c := &d.slots[part]
	d.row = c.v.Append()
	c.ints, c.codes = c.v.Ints, c.v.Codes
}

// avroItems decodes an array or a map.
func (d *Decoder) avroItems(w *avroWriters, op *avroOp, pos int) int {
	c := &d.slots[op.column]
	named := op.of.Kind == avroschema.Map
	var seen *keySet
	if named {
		seen = d.beginKeys(c)
	}
	for {
		b := d.block(op.of, pos)
		if b.from < 0 {
			return -1
		}
		if b.count == 0 {
			if c.kind != schema.Struct {
				c.v.Close()
			}
			return b.from
		}
		if b.count >= int64((mostCells-d.taken+c.nest.cells-1)/c.nest.cells) {
			d.taken = mostCells
			return noEnd
		}
		cells := int(b.count) * c.nest.cells
		if d.taken += cells; !d.works(cells) {
			return -1
		}
		for pos = b.from; b.count > 0; b.count-- {
			var key []byte
			if named {
				if key, pos = d.avroKey(seen, pos); pos < 0 {
					return -1
				}
			}
			if pos = d.avroItem(w, op, key, pos); pos < 0 || pos > d.end {
				return pos
			}
		}
		if !d.ends(b, pos) {
			return -1
		}
	}
}

// works counts what items take in a column. It reports false where the record was rejected for
// too much. Items that have but one byte each are never too many: a column has at most MaxLeaves
// values within it, and byteWork is as much.
func (d *Decoder) works(cells int) bool {
	if d.avro.work -= cells; d.avro.work < 0 {
		d.fail(ReasonLimit, "no more values than a record of its length may have", -1, 0)
		return false
	}
	return true
}

// avroItem decodes an item at pos, of a map with its key. For a struct, d.row is its row.
func (d *Decoder) avroItem(w *avroWriters, op *avroOp, key []byte, pos int) int {
	c := &d.slots[op.column]
	switch c.kind {
	case schema.List:
		d.another(d.part(c.nest, 0))
		return d.perform(w, op.branches, pos)
	case schema.Map:
		d.enterKey(c, key)
		d.another(d.part(c.nest, 1))
		return d.perform(w, op.branches, pos)
	}
	i, _, known := c.nest.fields.find(key)
	if !known {
		d.text = append(append(d.text[:0], c.nest.path...), key...)
		d.extraneous(d.text, op.of.Of[0].String(), pos-len(key), len(key))
		return d.skipAvro(op.of.Of[0], pos)
	}
	d.renew(d.part(c.nest, i))
	return d.perform(w, op.branches[i:i+1], pos)
}

// avroFields decodes a record into a map from the names of its fields.
func (d *Decoder) avroFields(w *avroWriters, op *avroOp, pos int) int {
	c := &d.slots[op.column]
	for i := range op.branches {
		if d.more(c.nest) {
			return noEnd
		}
		d.enterKey(c, op.branches[i].name)
		d.another(d.part(c.nest, 1))
		if pos = d.perform(w, op.branches[i:i+1], pos); pos < 0 || pos > d.end {
			return pos
		}
	}
	c.v.Close()
	return pos
}

// avroKey reads a key at pos, which is none of those that were seen. It returns the place
// behind it, −1 where the record was rejected for it.
func (d *Decoder) avroKey(seen *keySet, pos int) ([]byte, int) {
	n, at := d.length(pos)
	if n < 0 {
		return nil, -1
	}
	key := d.buf[at : at+n]
	switch {
	case !utf8.Valid(key):
		d.fail(ReasonEncoding, "a key in UTF-8", at+invalidAt(key), 0)
	case !seen.add(d.buf, key, d.hashKey(key), at):
		d.fail(ReasonDuplicate, "each key once", at, n)
	default:
		return key, at + n
	}
	return nil, -1
}

// enterKey appends a key to a map.
func (d *Decoder) enterKey(c *column, key []byte) {
	keys := &d.slots[d.part(c.nest, 0)]
	if len(key) >= maxText {
		d.reject(int(keys.top), ReasonLimit, wantText, place{-1, 0})
		key = nil
	}
	d.spent += int64(len(key))
	row := keys.v.Append()
	keys.v.Codes[row] = keys.index.add(key, plain(key), row)
}
