package quality

import (
	"errors"
	"fmt"
	"strings"

	"tidemark/internal/schema"
)

// Compile makes a suite of the checks of a table. The error joins every fault
// found, each naming the check and what to write instead.
func Compile(t *schema.Table, checks []Check, opts ...Option) (*Suite, error) {
	s := &Suite{table: t}
	var errs []error
	for _, o := range opts {
		if err := o(s); err != nil {
			errs = append(errs, err)
		}
	}
	for i := range checks {
		compiled, err := compile(t, &checks[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("check %d%s of table %s: %w", i+1, label(&checks[i]), t.Name, err))
		}
		s.checks = append(s.checks, compiled...)
	}
	seen := map[string]bool{}
	for i, c := range s.checks {
		if seen[c.name] {
			errs = append(errs, fmt.Errorf("two checks of table %s are named %s: give one of them a name of its own", t.Name, c.name))
		}
		seen[c.name] = true
		if c.ref != nil {
			c.ref.index = len(s.references)
			s.references = append(s.references, c.ref.to)
		}
		if c.key != nil && c.severity == Fail {
			s.unique = append(s.unique, i)
		}
	}
	s.fails = len(s.unique)
	for i, c := range s.checks {
		if c.key != nil && c.severity == Warn {
			s.unique = append(s.unique, i)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// label is a check as an error names it.
func label(c *Check) string {
	if kinds := kindsOf(c); len(kinds) == 1 {
		return " (" + nameOf(c, kinds[0]) + ")"
	}
	if c.Name != "" {
		return " (" + c.Name + ")"
	}
	return ""
}

// kindsOf lists the kinds that a check says it is.
func kindsOf(c *Check) (kinds []string) {
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"completeness", c.Completeness != nil}, {"unique", c.Unique != nil}, {"reference", c.Reference != ""}, {"range", c.Range != ""},
		{"category", c.Category != ""}, {"pattern", c.Pattern != ""}, {"rule", c.Rule != ""},
	} {
		if k.set {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

// nameOf is the name given to a check, else kind:column.
func nameOf(c *Check, kind string) string {
	if c.Name != "" {
		return c.Name
	}
	switch kind {
	case "completeness":
		return kind + ":" + strings.Join(c.Completeness, ",")
	case "unique":
		return kind + ":" + strings.Join(c.Unique, ",")
	case "rule":
		return kind + ":" + c.Rule
	}
	return kind + ":" + c.Reference + c.Range + c.Category + c.Pattern // one of them is set
}

// compile makes one check, or one per column of a completeness without a name.
func compile(t *schema.Table, c *Check) ([]*check, error) {
	kinds := kindsOf(c)
	if len(kinds) != 1 {
		return nil, fmt.Errorf("it says %s: write one of completeness, unique, reference, range, category, pattern, rule",
			strings.Join(append(kinds, "nothing")[:max(len(kinds), 1)], " and "))
	}
	kind := kinds[0]
	if err := settingsFit(c, kind); err != nil {
		return nil, err
	}
	out := &check{name: nameOf(c, kind), severity: c.Severity, column: -1, atLeast: 1}
	var err error
	switch kind {
	case "completeness":
		return compileCompleteness(t, c)
	case "unique":
		err = out.compileUnique(t, c)
	case "reference":
		err = out.compileReference(t, c)
	case "range":
		err = out.compileRange(t, c)
	case "category":
		err = out.compileCategory(t, c)
	case "pattern":
		err = out.compilePattern(t, c)
	case "rule":
		err = out.compileRule(t, c)
	}
	if err != nil {
		return nil, err
	}
	return []*check{out}, nil
}

// settingsFit refuses settings that mean nothing for the kind.
func settingsFit(c *Check, kind string) error {
	var errs []error
	for _, s := range []struct {
		name  string
		set   bool
		kinds string
	}{
		{"at_least", c.AtLeast != nil, "completeness"},
		{"scope", c.Scope != ScopeAuto, "unique"},
		{"in", c.In != "", "reference"},
		{"file", c.File != "", "reference"},
		{"column", c.FileColumn != "", "reference"},
		{"min", c.Min != "", "range"},
		{"max", c.Max != "", "range"},
		{"values", c.Values != nil, "category"},
		{"ignore_case", c.IgnoreCase != nil, "category"},
		{"regex", c.Regex != "", "pattern"},
		{"nulls", c.Nulls != NullsPass, "range, category and pattern"},
	} {
		if s.set && !strings.Contains(s.kinds, kind) {
			errs = append(errs, fmt.Errorf("%s belongs to %s: leave it out", s.name, s.kinds))
		}
	}
	return errors.Join(errs...)
}

// find is look for a column whose values are compared: that has no others in it.
func find(t *schema.Table, name string) (int, error) {
	i, err := look(t, name)
	if err == nil && t.Columns[i].Type.Kind.Nested() {
		return -1, fmt.Errorf("column %s is %s, and such a column is only checked for completeness: use a column without lists, maps and structs", name, t.Columns[i].Type)
	}
	return i, err
}

// look returns the index of a column, or an error that lists those there are.
func look(t *schema.Table, name string) (int, error) {
	if i := t.Column(name); i >= 0 {
		return i, nil
	}
	return -1, fmt.Errorf("there is no column %s: write one of %s", name, columnNames(t))
}

func columnNames(t *schema.Table) string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return strings.Join(names, ", ")
}

// findAll finds columns that are named once each, each by look or find.
func findAll(t *schema.Table, names []string, one func(*schema.Table, string) (int, error)) ([]int, error) {
	if len(names) == 0 {
		return nil, errors.New("it names no column: write a list of one or more")
	}
	var out []int
	seen := map[string]bool{}
	for _, name := range names {
		i, err := one(t, name)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, fmt.Errorf("column %s is named twice: write it once", name)
		}
		seen[name] = true
		out = append(out, i)
	}
	return out, nil
}

// onColumn fills in what checks of a single column have in common.
func (out *check) onColumn(column int, nulls Nulls, t test) {
	out.column = int16(column)
	out.test = &present{test: t, column: column, nulls: nulls}
	if nulls == NullsPass {
		out.columns = []int{column}
	}
}

// present leaves the missing values of a column to its nulls setting and the rest
// to a test.
type present struct {
	test   test
	column int
	nulls  Nulls
}

func (p *present) judge(r *run, out bitmap) {
	p.test.judge(r, out)
	if missing := r.missing[p.column]; p.nulls == NullsFail {
		out.or(missing)
	} else {
		out.andNot(missing)
	}
}
