package writer

import (
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"tidemark/internal/ledger"
	"tidemark/internal/schema"
)

// Columns are the columns that a file of a table has by its footer, without those that are
// added to every row. A text of JSON is a string there, and columns that hold others are left
// out.
func Columns(file io.ReaderAt, size int64) ([]ledger.Column, error) {
	f, err := parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("read the footer: %w", err)
	}
	added := Added()
	var out []ledger.Column
	for _, field := range f.Schema().Fields() {
		known := slices.ContainsFunc(added, func(c schema.Column) bool { return c.Name == field.Name() })
		if known || field.Name() == watermarkColumn || !field.Leaf() {
			continue
		}
		out = append(out, ledger.Column{Name: field.Name(), Type: typeOf(field.Type()), Required: field.Required()})
	}
	return out, nil
}

// watermarkColumn is what late rows have besides.
const watermarkColumn = "_watermark"

// typeOf is the type of a column that is laid down so.
func typeOf(t parquet.Type) string {
	if logical := t.LogicalType(); logical != nil && logical.Value != nil {
		switch l := logical.Value.(type) {
		case *format.StringType:
			return schema.String.String()
		case *format.DateType:
			return schema.Date.String()
		case *format.TimestampType:
			return schema.Timestamp.String()
		case *format.DecimalType:
			return schema.Type{Kind: schema.Decimal, Precision: int(l.Precision), Scale: int(l.Scale)}.String()
		case *format.IntType: // says no more than the physical type
		default:
			return t.String()
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return schema.Boolean.String()
	case parquet.Int32:
		return schema.Int.String()
	case parquet.Int64:
		return schema.Long.String()
	case parquet.Float:
		return schema.Float.String()
	case parquet.Double:
		return schema.Double.String()
	case parquet.ByteArray:
		return schema.Binary.String()
	}
	return t.String()
}
