package rawfile

import (
	"slices"

	"tidemark/internal/avroschema"
	"tidemark/internal/jsontext"
	"tidemark/internal/schema"
)

// typed is the schema of the rows of a file in terms of Avro, nil where they are to be read as
// text: because they hold others within, because that was asked for, or because a column of the
// table takes a value in another way from its text than from what it is.
func (p *parquetFile) typed(o Options) *avroschema.Schema {
	if o.Text || len(p.top.children) > maxTyped {
		return nil
	}
	root := &avroschema.Type{Kind: avroschema.Record}
	for _, n := range p.top.children {
		of, used := o.Kinds[n.name]
		if n.kind < parquetBoolean || n.maxRep > 0 || n.shortest || used && !n.alike(of) {
			return nil
		}
		t := n.avro()
		if n.optional {
			null := &avroschema.Type{Kind: avroschema.Null}
			if t.Kind == avroschema.Union {
				t = &avroschema.Type{Kind: avroschema.Union, Of: slices.Concat([]*avroschema.Type{null}, t.Of)}
			} else {
				t = &avroschema.Type{Kind: avroschema.Union, Of: []*avroschema.Type{null, t}}
			}
		}
		root.Fields = append(root.Fields, avroschema.Field{Name: n.name, Key: n.key, Of: t})
	}
	return avroschema.Made("parquet", root)
}

// maxTyped is how many columns are read side by side without text.
const maxTyped = 10_000

// alike reports whether a column of a table makes the same of a value as of its text in JSON.
func (n *parquetNode) alike(of ColumnKind) bool {
	switch {
	case n.kind == parquetInterval:
		return false
	case n.kind == parquetInt96:
		return of.Kind != schema.String // which takes what is no time
	case of.JSON:
		return true
	case n.kind == parquetText || n.kind == parquetUUID:
		return of.Kind != schema.Binary // which takes base64
	case n.kind == parquetBinary:
		return of.Kind == schema.Binary // the text of which is base64
	case n.kind == parquetFloat || n.kind == parquetHalf: // the digits say less than the number
		return of.Kind != schema.Double && of.Kind != schema.Decimal && of.Kind != schema.Timestamp && of.Kind != schema.Date
	case n.kind == parquetDouble:
		return of.Kind != schema.Decimal
	}
	return true
}

// avro is the type of a column that is not null. An INT96 is one of microseconds where they tell
// all of it, of nanoseconds where these do, or else the text of the time.
func (n *parquetNode) avro() *avroschema.Type {
	one := func(k, base avroschema.Kind) *avroschema.Type {
		return &avroschema.Type{Kind: k, Base: base, Unit: n.unit, Zoned: n.zoned, Scale: n.scale, Precision: n.precision, Size: n.width}
	}
	moment := func(u jsontext.Unit) *avroschema.Type {
		return &avroschema.Type{Kind: avroschema.Moment, Base: avroschema.Long, Unit: u, Zoned: true}
	}
	integer := avroschema.Long
	if n.physical == physicalInt32 {
		integer = avroschema.Int
	}
	switch n.kind {
	case parquetBoolean:
		return &avroschema.Type{Kind: avroschema.Boolean}
	case parquetInt:
		return &avroschema.Type{Kind: integer}
	case parquetUint32:
		return &avroschema.Type{Kind: avroschema.Long}
	case parquetUint64:
		return &avroschema.Type{Kind: avroschema.Decimal, Base: avroschema.Bytes, Precision: 20}
	case parquetHalf, parquetFloat:
		return &avroschema.Type{Kind: avroschema.Float}
	case parquetDouble:
		return &avroschema.Type{Kind: avroschema.Double}
	case parquetNumber, parquetDecimal:
		return &avroschema.Type{Kind: avroschema.Decimal, Base: avroschema.Bytes, Scale: n.scale, Precision: n.precision}
	case parquetDate:
		return one(avroschema.Date, avroschema.Int)
	case parquetTime:
		return one(avroschema.Time, integer)
	case parquetMoment:
		return one(avroschema.Moment, avroschema.Long)
	case parquetInt96:
		return &avroschema.Type{Kind: avroschema.Union, Of: []*avroschema.Type{
			moment(jsontext.Micros), moment(jsontext.Nanos), {Kind: avroschema.String},
		}}
	case parquetText:
		return &avroschema.Type{Kind: avroschema.String}
	case parquetUUID:
		return one(avroschema.UUID, avroschema.Fixed)
	case parquetInterval:
		return one(avroschema.Duration, avroschema.Fixed)
	}
	return &avroschema.Type{Kind: avroschema.Bytes}
}
