package quality

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"

	"tidemark/internal/schema"
)

// rule finds rows for which an expression is not true.
type rule struct{ root node }

func (c *rule) judge(r *run, out bitmap) {
	no := r.take()
	c.root.eval(r, out, no)
	for i, yes := range out {
		out[i] = r.live[i] &^ yes
	}
	r.give(no)
}

func (out *check) compileRule(t *schema.Table, c *Check) error {
	if strings.TrimSpace(c.Rule) == "" {
		return errors.New("it is empty: write an expression such as amount > 0")
	}
	compiler, err := newRuleCompiler(t, c.Rule)
	if err != nil {
		return err
	}
	checked, err := compiler.expression(0)
	if err != nil {
		return err
	}
	if typ := checked.OutputType(); typ.Kind() != cel.BoolKind {
		return fmt.Errorf("it is %s, not true or false: compare it with something", typ)
	}
	root, err := compiler.plan(checked.NativeRep().Expr())
	if err != nil {
		return err
	}
	out.want, out.test = c.Rule, &rule{root: root}
	return nil
}

// ruleCompiler turns the text of one rule into typed expressions, of the whole or
// of a part.
type ruleCompiler struct {
	table *schema.Table
	text  string
	env   *cel.Env // knows decimals, but no columns
}

func newRuleCompiler(t *schema.Table, text string) (*ruleCompiler, error) {
	env, err := cel.NewEnv(append(decimalOptions(), cel.CrossTypeNumericComparisons(true))...)
	if err != nil {
		return nil, fmt.Errorf("build the environment of rules: %w", err)
	}
	return &ruleCompiler{table: t, text: text, env: env}, nil
}

// expression parses the rule and checks the part of it that has an id, all of it
// if the id is 0. Ids are the parser's and the same each time.
func (c *ruleCompiler) expression(id int64) (*cel.Ast, error) {
	parsed, issues := c.env.Parse(c.text)
	if issues.Err() != nil {
		return nil, c.explain(issues)
	}
	root := parsed.NativeRep().Expr()
	exact := exactNumbers{table: c.table, text: []rune(c.text), parsed: parsed.NativeRep()}
	exact.visit(root)
	if exact.err != nil {
		return nil, exact.err
	}
	if id != 0 {
		ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
			if e.ID() == id {
				root.SetKindCase(e)
				id = 0
			}
		}))
	}
	env, err := c.env.Extend(append(exact.constants, c.variables(root)...)...)
	if err != nil {
		return nil, fmt.Errorf("declare the columns of the rule: %w", err)
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, c.explain(issues)
	}
	return checked, nil
}

// program makes the part of the rule that has an id ready to be evaluated.
func (c *ruleCompiler) program(id int64) (cel.Program, error) {
	checked, err := c.expression(id)
	if err != nil {
		return nil, err
	}
	program, err := c.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("plan the rule: %w", err)
	}
	return program, nil
}

// variables declares the columns that an expression names. The others are left
// out: a column may have the name of a type, which cannot be declared.
func (c *ruleCompiler) variables(e ast.Expr) []cel.EnvOption {
	var out []cel.EnvOption
	seen := map[string]bool{}
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.IdentKind || seen[e.AsIdent()] {
			return
		}
		name := e.AsIdent()
		seen[name] = true
		if i := c.table.Column(name); i >= 0 && !c.table.Columns[i].Type.Kind.Nested() {
			out = append(out, cel.Variable(name, celType(c.table.Columns[i].Type)))
		}
	}))
	return out
}

// explain says where the rule is wrong, and what may be written.
func (c *ruleCompiler) explain(issues *cel.Issues) error {
	var faults []string
	for _, e := range issues.Errors() {
		message := strings.TrimSuffix(e.Message, " (in container '')")
		faults = append(faults, fmt.Sprintf("line %d, column %d: %s", e.Location.Line(), e.Location.Column()+1, message))
	}
	return fmt.Errorf("%s: write a CEL expression over the columns %s", strings.Join(faults, "; "), columnNames(c.table))
}

// celType is the type that a column has in a rule.
func celType(t schema.Type) *cel.Type {
	switch t.Kind {
	case schema.Int, schema.Long:
		return cel.IntType
	case schema.Float, schema.Double:
		return cel.DoubleType
	case schema.Decimal:
		return decimalType
	case schema.String:
		return cel.StringType
	case schema.Boolean:
		return cel.BoolType
	case schema.Date, schema.Timestamp:
		return cel.TimestampType
	}
	return cel.BytesType
}
