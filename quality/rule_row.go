package quality

import (
	"math"
	"math/big"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// rowVars is what an expression sees: the columns of one row, or one value of one
// text column. It implements cel.Activation and is used again for each row.
type rowVars struct {
	table *schema.Table
	b     *batch.Batch
	row   int
	// value stands for every column while b is nil.
	value ref.Val
}

// missingValue makes any expression that needs it an error.
var missingValue = types.NewErr("the value is missing")

func newRowVars(t *schema.Table) rowVars { return rowVars{table: t} }

// ResolveName implements cel.Activation.
func (r *rowVars) ResolveName(name string) (any, bool) {
	i := r.table.Column(name)
	if i < 0 {
		return nil, false
	}
	if r.b == nil {
		return r.value, true
	}
	if v := &r.b.Columns[i]; v.Mark(r.row) == batch.Present {
		return celValue(r.table.Columns[i].Type, v, r.row), true
	}
	return missingValue, true
}

// Parent implements cel.Activation.
func (r *rowVars) Parent() cel.Activation { return nil }

// celValue is a value of a column as a rule sees it.
func celValue(t schema.Type, v *batch.Vector, row int) ref.Val {
	switch t.Kind {
	case schema.Int, schema.Long:
		return types.Int(v.Ints[row])
	case schema.Float, schema.Double:
		return types.Double(math.Float64frombits(uint64(v.Ints[row])))
	case schema.Decimal:
		return decimal{new(big.Rat).SetFrac(big.NewInt(v.Ints[row]), pow10(t.Scale))}
	case schema.String:
		return types.String(v.Text(row))
	case schema.Boolean:
		return types.Bool(v.Ints[row] != 0)
	case schema.Date:
		return types.Timestamp{Time: time.Unix(v.Ints[row]*24*60*60, 0).UTC()}
	case schema.Timestamp:
		return types.Timestamp{Time: time.UnixMicro(v.Ints[row]).UTC()}
	}
	return types.Bytes(v.Text(row))
}

// outcome is what an expression is: true, false, or an error, which is neither.
type outcome uint8

const (
	isTrue  outcome = 1
	isFalse outcome = 2
)

// evaluate evaluates an expression.
func evaluate(p cel.Program, vars *rowVars) outcome {
	v, _, err := p.Eval(vars)
	if err != nil {
		return 0
	}
	switch v {
	case types.True:
		return isTrue
	case types.False:
		return isFalse
	}
	return 0
}

// onRows evaluates an expression for one row after the other, as no better way is
// known for it.
type onRows struct{ program cel.Program }

func (n *onRows) eval(r *run, yes, no bitmap) {
	r.row.b = r.b
	for i, word := range r.live {
		each(i, word, func(row int) {
			r.row.row = row
			switch evaluate(n.program, &r.row) {
			case isTrue:
				yes.set(row)
			case isFalse:
				no.set(row)
			}
		})
	}
	r.row.b = nil
}

// onEntries evaluates an expression that looks at a single text column, once per
// entry of its dictionary.
type onEntries struct {
	column  int
	binary  bool
	program cel.Program
	missing outcome // of a row in which the column has no value
}

func (n *onEntries) eval(r *run, yes, no bitmap) {
	v := &r.b.Columns[n.column]
	r.entries = resize(r.entries, v.Dict.Len())
	for i := range r.entries {
		if n.binary {
			r.row.value = types.Bytes(v.Dict.Value(i))
		} else {
			r.row.value = types.String(v.Dict.Value(i))
		}
		r.entries[i] = uint8(evaluate(n.program, &r.row))
	}
	r.row.value = nil
	missing := r.missing[n.column]
	for i, word := range r.live {
		if missing != nil {
			yes[i] = word & missing[i] & -uint64(n.missing&isTrue)
			no[i] = word & missing[i] & -uint64(n.missing&isFalse>>1)
			word &^= missing[i]
		}
		each(i, word, func(row int) {
			e := uint64(r.entries[v.Codes[row]])
			yes[i] |= e & 1 << (row & 63)
			no[i] |= e >> 1 << (row & 63)
		})
	}
}
