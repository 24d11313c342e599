package conform_test

import (
	"math"
	"strconv"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// describe is the value of a row as a text: "~" before a default, null for a null.
func describe(b *batch.Batch, column, row int) string {
	v := &b.Columns[column]
	mark := ""
	switch v.Mark(row) {
	case batch.Null:
		return "null"
	case batch.Defaulted:
		mark = "~"
	}
	if v.Codes != nil {
		return mark + string(v.Text(row))
	}
	if k := b.Table.Columns[column].Type.Kind; k == schema.Double || k == schema.Float {
		return mark + strconv.FormatFloat(math.Float64frombits(uint64(v.Ints[row])), 'g', -1, 64)
	}
	return mark + strconv.FormatInt(v.Ints[row], 10)
}
