package quality

import (
	"fmt"
	"math/big"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"tidemark/internal/schema"
)

// exactNumbers rewrites a parsed rule so that numbers written beside a decimal are
// decimals too, made of the very digits in the text: CEL's parser has them as
// doubles already, which do not hold 0.1 or 12345678901234567.89.
type exactNumbers struct {
	table     *schema.Table
	text      []rune
	parsed    *ast.AST
	constants []cel.EnvOption // declares what the rewritten rule refers to
	err       error
}

// constantPrefix begins the name of a rewritten number. No rule can write it.
const constantPrefix = "@decimal:"

// visit rewrites e and reports whether it is a decimal.
func (x *exactNumbers) visit(e ast.Expr) bool {
	switch e.Kind() {
	case ast.IdentKind:
		i := x.table.Column(e.AsIdent())
		return i >= 0 && x.table.Columns[i].Type.Kind == schema.Decimal
	case ast.CallKind:
		return x.visitCall(e.AsCall())
	case ast.ListKind:
		x.visitAll(e.AsList().Elements())
	case ast.SelectKind:
		x.visit(e.AsSelect().Operand())
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			x.visit(entry.AsMapEntry().Key())
			x.visit(entry.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		for _, part := range []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()} {
			x.visit(part)
		}
	}
	return false
}

func (x *exactNumbers) visitCall(call ast.CallExpr) bool {
	args := call.Args()
	switch call.FunctionName() {
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.Equals, operators.NotEquals:
		x.agree(args[0], args[1])
		return false
	case operators.Add, operators.Subtract, operators.Multiply:
		return x.agree(args[0], args[1])
	case operators.Negate:
		return x.visit(args[0])
	case operators.Conditional:
		x.visit(args[0])
		return x.agree(args[1], args[2])
	case operators.In:
		if x.visit(args[0]) && args[1].Kind() == ast.ListKind {
			for _, e := range args[1].AsList().Elements() {
				if !x.visit(e) {
					x.convert(e)
				}
			}
			return false
		}
		x.visit(args[1])
		return false
	case toDecimal:
		return true
	}
	if call.IsMemberFunction() {
		x.visit(call.Target())
	}
	x.visitAll(args)
	return false
}

func (x *exactNumbers) visitAll(all []ast.Expr) {
	for _, e := range all {
		x.visit(e)
	}
}

// agree makes decimals of both if one is, and reports whether it is so.
func (x *exactNumbers) agree(a, b ast.Expr) bool {
	left, right := x.visit(a), x.visit(b)
	switch {
	case left && !right:
		x.convert(b)
	case right && !left:
		x.convert(a)
	}
	return left || right
}

// convert makes a decimal of a number in the text or of a column of whole numbers.
// Anything else stays, and the check of types refuses it.
func (x *exactNumbers) convert(e ast.Expr) {
	fac := ast.NewExprFactory()
	switch e.Kind() {
	case ast.LiteralKind:
		switch e.AsLiteral().(type) {
		case types.Int, types.Double:
			x.convertLiteral(e, fac)
		}
	case ast.IdentKind:
		i := x.table.Column(e.AsIdent())
		if i < 0 {
			return
		}
		if kind := x.table.Columns[i].Type.Kind; kind == schema.Int || kind == schema.Long {
			id := ast.MaxID(x.parsed)
			e.SetKindCase(fac.NewCall(e.ID(), toDecimal, fac.NewIdent(id, e.AsIdent())))
		}
	case ast.CallKind:
		// Whole numbers may be computed on the way: amount < 2 * limit.
		switch c := e.AsCall(); c.FunctionName() {
		case operators.Add, operators.Subtract, operators.Multiply, operators.Negate:
			for _, arg := range c.Args() {
				x.convert(arg)
			}
		}
	}
}

func (x *exactNumbers) convertLiteral(e ast.Expr, fac ast.ExprFactory) {
	value, err := parseNumber(x.written(e))
	if err != nil {
		x.err = fmt.Errorf("number %s: %w", x.written(e), err)
		return
	}
	name := constantPrefix + value.RatString()
	e.SetKindCase(fac.NewIdent(e.ID(), name))
	x.constants = append(x.constants, cel.Constant(name, decimalType, decimal{value}))
}

// written is the text of a number as the rule has it, its sign included.
func (x *exactNumbers) written(e ast.Expr) string {
	at, _ := x.parsed.SourceInfo().GetOffsetRange(e.ID())
	rest := string(x.text[min(max(int(at.Start), 0), len(x.text)):])
	sign := ""
	if after, ok := strings.CutPrefix(rest, "-"); ok {
		sign, rest = "-", strings.TrimLeft(after, " \t\r\n\f")
	}
	if hex := strings.HasPrefix(rest, "0x"); hex {
		return fmt.Sprint(e.AsLiteral().Value()) // only whole numbers can be
	}
	n := 0
	for n < len(rest) {
		c := rest[n]
		digit := '0' <= c && c <= '9' || c == '.' || c == 'e' || c == 'E'
		if !digit && !(n > 0 && (c == '+' || c == '-') && (rest[n-1] == 'e' || rest[n-1] == 'E')) {
			break
		}
		n++
	}
	return sign + rest[:n]
}

// parseConstant is the number that the name of a constant stands for.
func parseConstant(name string) (*big.Rat, error) {
	text, ok := strings.CutPrefix(name, constantPrefix)
	x, valid := new(big.Rat).SetString(text)
	if !ok || !valid {
		return nil, fmt.Errorf("%s is no constant", name)
	}
	return x, nil
}
