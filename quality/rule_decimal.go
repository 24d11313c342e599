package quality

import (
	"fmt"
	"math/big"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// decimalType is what a decimal column is in a rule. It is compared with, added
// to, taken from and multiplied by its like, and by nothing else: there is no way
// to a double, so none is taken (Q6).
var decimalType = cel.ObjectType("decimal",
	traits.ComparerType, traits.AdderType, traits.SubtractorType, traits.MultiplierType, traits.NegatorType)

// toDecimal is the function that makes an exact number of a whole one.
const toDecimal = "decimal"

// decimalOptions declares decimals. The operators of CEL's library work on any
// value with the traits above; what is missing is that they may be used.
func decimalOptions() []cel.EnvOption {
	d := decimalType
	var out []cel.EnvOption
	for name, result := range map[string]*cel.Type{
		operators.Less: cel.BoolType, operators.LessEquals: cel.BoolType,
		operators.Greater: cel.BoolType, operators.GreaterEquals: cel.BoolType,
		operators.Add: d, operators.Subtract: d, operators.Multiply: d,
	} {
		out = append(out, cel.Function(name, cel.Overload(name+"decimal", []*cel.Type{d, d}, result)))
	}
	return append(out,
		cel.Function(operators.Negate, cel.Overload(operators.Negate+"decimal", []*cel.Type{d}, d)),
		cel.Function(toDecimal, cel.Overload("int_to_decimal", []*cel.Type{cel.IntType}, d,
			cel.UnaryBinding(func(v ref.Val) ref.Val {
				return decimal{new(big.Rat).SetInt64(int64(v.(types.Int)))}
			}))))
}

// decimal is an exact number in a rule. It is immutable.
type decimal struct{ *big.Rat }

var (
	_ traits.Comparer   = decimal{}
	_ traits.Adder      = decimal{}
	_ traits.Subtractor = decimal{}
	_ traits.Multiplier = decimal{}
	_ traits.Negater    = decimal{}
)

// Compare implements traits.Comparer.
func (d decimal) Compare(other ref.Val) ref.Val {
	o, ok := other.(decimal)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return types.Int(d.Cmp(o.Rat))
}

// Add implements traits.Adder.
func (d decimal) Add(other ref.Val) ref.Val { return d.with(other, (*big.Rat).Add) }

// Subtract implements traits.Subtractor.
func (d decimal) Subtract(other ref.Val) ref.Val { return d.with(other, (*big.Rat).Sub) }

// Multiply implements traits.Multiplier.
func (d decimal) Multiply(other ref.Val) ref.Val { return d.with(other, (*big.Rat).Mul) }

// Negate implements traits.Negater.
func (d decimal) Negate() ref.Val { return decimal{new(big.Rat).Neg(d.Rat)} }

func (d decimal) with(other ref.Val, op func(z, x, y *big.Rat) *big.Rat) ref.Val {
	o, ok := other.(decimal)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return decimal{op(new(big.Rat), d.Rat, o.Rat)}
}

// Equal implements ref.Val.
func (d decimal) Equal(other ref.Val) ref.Val {
	o, ok := other.(decimal)
	return types.Bool(ok && d.Cmp(o.Rat) == 0)
}

// Type implements ref.Val.
func (d decimal) Type() ref.Type { return decimalType }

// Value implements ref.Val.
func (d decimal) Value() any { return d.Rat }

// ConvertToNative implements ref.Val. Nothing native holds every decimal.
func (d decimal) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("convert decimal to %v: no such conversion", t)
}

// ConvertToType implements ref.Val.
func (d decimal) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case decimalType:
		return d
	case types.TypeType:
		return decimalType
	}
	return types.NewErr("convert decimal to %s: no such conversion", t.TypeName())
}
