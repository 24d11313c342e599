package writer

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
)

// sort orders the rows within each folder of main and late by columns of the
// table, nulls first, rows that are equal as they came.
func (p *plan) sort(b *batch.Batch, by []int) {
	for i := range p.folders {
		f := &p.folders[i]
		if f.output == ledger.Quarantine {
			break
		}
		slices.SortStableFunc(p.order[f.start:f.start+f.rows], func(x, y int32) int {
			for _, c := range by {
				if d := compare(&b.Columns[c], b.Table.Columns[c].Type.Kind, x, y); d != 0 {
					return d
				}
			}
			return 0
		})
	}
	for at, row := range p.order {
		p.target[row] = int32(at)
	}
}

// compare orders two values of a column as Parquet does. NaN stands last.
func compare(v *batch.Vector, kind schema.Kind, x, y int32) int {
	if v.Marks != nil {
		nx, ny := v.Marks[x] == batch.Null, v.Marks[y] == batch.Null
		switch {
		case nx && ny:
			return 0
		case nx:
			return -1
		case ny:
			return 1
		}
	}
	switch kind {
	case schema.String, schema.Binary:
		if v.Codes[x] == v.Codes[y] {
			return 0
		}
		return bytes.Compare(v.Dict.Value(int(v.Codes[x])), v.Dict.Value(int(v.Codes[y])))
	case schema.Float, schema.Double:
		fx, fy := math.Float64frombits(uint64(v.Ints[x])), math.Float64frombits(uint64(v.Ints[y]))
		if math.IsNaN(fx) || math.IsNaN(fy) {
			return cmp.Compare(fy, fx) // which puts NaN first
		}
		return cmp.Compare(fx, fy)
	}
	return cmp.Compare(v.Ints[x], v.Ints[y])
}
