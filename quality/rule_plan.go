package quality

import (
	"math"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"

	"tidemark/internal/schema"
)

// node is a part of a rule that is true or false, over whole columns.
type node interface {
	// eval sets in yes the live rows for which it is true and in no those for which
	// it is false; rows in neither are errors. Both come empty.
	eval(r *run, yes, no bitmap)
}

// plan finds the quickest way to evaluate an expression: || && and ! by words of
// bitmaps, a column compared with a constant in one loop, what looks at one text
// column once per distinct value, and the rest row by row.
func (c *ruleCompiler) plan(e ast.Expr) (node, error) {
	if e.Kind() == ast.CallKind {
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr:
			a, err := c.plan(call.Args()[0])
			if err != nil {
				return nil, err
			}
			b, err := c.plan(call.Args()[1])
			return &both{a: a, b: b, or: call.FunctionName() == operators.LogicalOr}, err
		case operators.LogicalNot:
			a, err := c.plan(call.Args()[0])
			return not{a}, err
		}
		if n := c.planComparison(call); n != nil {
			return n, nil
		}
	}
	if column := c.columnOf(e, schema.Boolean); column >= 0 {
		return &inSpan{column: column, span: span{lo: 1, hi: 1}}, nil
	}
	program, err := c.program(e.ID())
	if err != nil {
		return nil, err
	}
	if column, only := c.onlyText(e); only {
		n := &onEntries{column: column, binary: c.table.Columns[column].Type.Kind == schema.Binary, program: program}
		n.missing = evaluate(program, &rowVars{table: c.table, value: missingValue})
		return n, nil
	}
	return &onRows{program: program}, nil
}

// columnOf is the column of one of the kinds that e names, −1 if it does not.
func (c *ruleCompiler) columnOf(e ast.Expr, kinds ...schema.Kind) int {
	if e.Kind() != ast.IdentKind {
		return -1
	}
	i := c.table.Column(e.AsIdent())
	for _, k := range kinds {
		if i >= 0 && c.table.Columns[i].Type.Kind == k {
			return i
		}
	}
	return -1
}

// onlyText reports whether e looks at exactly one column, of text or bytes.
func (c *ruleCompiler) onlyText(e ast.Expr) (column int, only bool) {
	column, only = -1, true
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		switch {
		case e.Kind() == ast.ComprehensionKind:
			only = false // it has variables, which may have the names of columns
		case e.Kind() == ast.IdentKind && c.table.Column(e.AsIdent()) >= 0:
			i := c.columnOf(e, schema.String, schema.Binary)
			only = only && i >= 0 && (column < 0 || i == column)
			column = i
		}
	}))
	return column, only && column >= 0
}

// flipped is the comparison with its sides exchanged.
var flipped = map[string]string{
	operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
	operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals,
	operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals,
}

// planComparison plans a column of fixed width compared with a constant; nil if
// the call is something else.
func (c *ruleCompiler) planComparison(call ast.CallExpr) node {
	op := call.FunctionName()
	if flipped[op] == "" {
		return nil
	}
	column, constant := call.Args()[0], call.Args()[1]
	if column.Kind() != ast.IdentKind || c.table.Column(column.AsIdent()) < 0 {
		column, constant, op = constant, column, flipped[op]
	}
	if i := c.columnOf(column, schema.Float, schema.Double); i >= 0 {
		if x, ok := floatOf(constant); ok {
			return &floatCompare{column: i, op: op, x: x}
		}
		return nil
	}
	i := c.columnOf(column, schema.Int, schema.Long, schema.Decimal, schema.Boolean, schema.Date, schema.Timestamp)
	if i < 0 {
		return nil
	}
	at, ok := cutIn(constant, c.table.Columns[i].Type)
	if !ok {
		return nil
	}
	return &inSpan{column: i, span: at.compared(op), not: op == operators.NotEquals}
}

// floatOf is the constant that e is, if a column of doubles may be compared with it.
func floatOf(e ast.Expr) (float64, bool) {
	if e.Kind() == ast.LiteralKind {
		switch v := e.AsLiteral().(type) {
		case types.Double:
			return float64(v), true
		case types.Int:
			return float64(v), true
		}
	}
	return 0, false
}

// cutIn places the constant that e is among the values of a column of the type.
func cutIn(e ast.Expr, t schema.Type) (cut, bool) {
	switch t.Kind {
	case schema.Decimal:
		if e.Kind() == ast.IdentKind {
			if x, err := parseConstant(e.AsIdent()); err == nil {
				return cutOf(x, t.Scale), true
			}
		}
	case schema.Int, schema.Long, schema.Boolean:
		if e.Kind() == ast.LiteralKind {
			switch v := e.AsLiteral().(type) {
			case types.Int:
				return cut{floor: int64(v), exact: true}, true
			case types.Bool:
				return cut{floor: int64(bit(bool(v))), exact: true}, true
			}
		}
	case schema.Date, schema.Timestamp:
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == overloads.TypeConvertTimestamp &&
			e.AsCall().Args()[0].Kind() == ast.LiteralKind {
			text, _ := e.AsCall().Args()[0].AsLiteral().(types.String)
			at, err := time.Parse(time.RFC3339, string(text))
			return timeCut(at, t.Kind), err == nil && at.UTC().Year() >= 1 && at.UTC().Year() <= 9999
		}
	}
	return cut{}, false
}

// compared is the numbers for which "number op cut" is true; for != those for
// which it is not.
func (c cut) compared(op string) span {
	switch op {
	case operators.Less:
		return c.from().before()
	case operators.LessEquals:
		return c.to()
	case operators.Greater:
		return c.to().after()
	case operators.GreaterEquals:
		return c.from()
	}
	return c.at()
}

// before is the numbers below a span that reaches to the greatest.
func (s span) before() span {
	if s.empty {
		return everything
	}
	return span{lo: math.MinInt64, hi: s.lo - 1, empty: s.lo == math.MinInt64}
}

// after is the numbers above a span that reaches to the least.
func (s span) after() span {
	if s.empty {
		return everything
	}
	return span{lo: s.hi + 1, hi: math.MaxInt64, empty: s.hi == math.MaxInt64}
}

// both is a && b, or a || b. An error counts only where the other side does not
// decide, as CEL has it.
type both struct {
	a, b node
	or   bool
}

func (n *both) eval(r *run, yes, no bitmap) {
	if n.or { // by De Morgan, the same with the answers exchanged
		yes, no = no, yes
	}
	yes2, no2 := r.take(), r.take()
	if n.or {
		n.a.eval(r, no, yes)
		n.b.eval(r, no2, yes2)
	} else {
		n.a.eval(r, yes, no)
		n.b.eval(r, yes2, no2)
	}
	yes.and(yes2)
	no.or(no2)
	r.give(yes2)
	r.give(no2)
}

// not is !a.
type not struct{ a node }

func (n not) eval(r *run, yes, no bitmap) { n.a.eval(r, no, yes) }

// inSpan is whether a value lies in a span, or not in it.
type inSpan struct {
	column int
	span   span
	not    bool
}

func (n *inSpan) eval(r *run, yes, no bitmap) {
	if n.not {
		yes, no = no, yes
	}
	n.span.outside(r.b.Columns[n.column].Ints[:r.b.Rows], no)
	settle(r, n.column, yes, no)
}

// settle makes yes the live rows that are not in no, and takes those without a
// value out of both.
func settle(r *run, column int, yes, no bitmap) {
	missing := r.missing[column]
	for i, live := range r.live {
		if missing != nil {
			live &^= missing[i]
		}
		yes[i], no[i] = live&^no[i], live&no[i]
	}
}

// floatCompare compares a column of floats or doubles with a constant. A NaN is
// neither below nor above anything, as CEL has it.
type floatCompare struct {
	column int
	op     string
	x      float64
}

func (n *floatCompare) eval(r *run, yes, no bitmap) {
	holds := floatOps[n.op]
	for i, v := range r.b.Columns[n.column].Ints[:r.b.Rows] {
		no[i>>6] |= bit(!holds(math.Float64frombits(uint64(v)), n.x)) << (i & 63)
	}
	settle(r, n.column, yes, no)
}

var floatOps = map[string]func(a, b float64) bool{
	operators.Less:          func(a, b float64) bool { return a < b },
	operators.LessEquals:    func(a, b float64) bool { return a <= b },
	operators.Greater:       func(a, b float64) bool { return a > b },
	operators.GreaterEquals: func(a, b float64) bool { return a >= b },
	operators.Equals:        func(a, b float64) bool { return a == b },
	operators.NotEquals:     func(a, b float64) bool { return a != b },
}
