package config

import (
	"errors"
	"fmt"

	"tidemark/quality"
)

// placedCheck is a check and where it stands.
type placedCheck struct {
	check quality.Check
	at    value  // of the file
	from  string // the preset, if it comes from one
}

// readChecks takes the table's checks, or the preset's where it has none.
func (t *tableReader) readChecks(p preset) {
	if !t.section.has("checks") {
		t.checks = p.checks
		return
	}
	t.section.with("checks", func(v value) {
		items, _ := v.list("- {completeness: [transaction_id], severity: fail}, or [] for none")
		for _, item := range items {
			item.name = ""
			if c, ok := readCheck(item); ok {
				t.checks = append(t.checks, placedCheck{check: c, at: item})
			}
		}
	})
}

// readCheck reads one check. Whether it fits the table is for quality to say.
func readCheck(v value) (quality.Check, bool) {
	var c quality.Check
	before := len(v.r.faults)
	s, ok := v.section(checkSection)
	if !ok {
		return c, false
	}
	s.with("completeness", func(v value) { v.texts(&c.Completeness, "[transaction_id, account_id]") })
	s.with("at_least", func(v value) {
		c.AtLeast = new(float64)
		v.share(c.AtLeast)
	})
	s.with("unique", func(v value) { v.texts(&c.Unique, "[transaction_id]") })
	s.with("scope", func(v value) {
		var word string
		if v.choice(&word, "batch", "run") {
			c.Scope, _ = quality.ParseScope(word)
		}
	})
	s.with("reference", func(v value) { v.text(&c.Reference) })
	s.with("in", func(v value) { v.text(&c.In) })
	s.with("file", func(v value) { v.text(&c.File) })
	s.with("column", func(v value) { v.text(&c.FileColumn) })
	s.with("range", func(v value) { v.text(&c.Range) })
	s.with("min", func(v value) { v.literal(&c.Min) })
	s.with("max", func(v value) { v.literal(&c.Max) })
	s.with("category", func(v value) { v.text(&c.Category) })
	s.with("values", func(v value) { v.literals(&c.Values, "[deposit, withdrawal]") })
	s.with("ignore_case", func(v value) {
		c.IgnoreCase = new(bool)
		v.truth(c.IgnoreCase)
	})
	s.with("pattern", func(v value) { v.text(&c.Pattern) })
	s.with("regex", func(v value) { v.text(&c.Regex) })
	s.with("rule", func(v value) { v.text(&c.Rule) })
	s.with("name", func(v value) { v.text(&c.Name) })
	var word string
	s.with("nulls", func(v value) {
		if v.choice(&word, "pass", "fail") {
			c.Nulls, _ = quality.ParseNulls(word)
		}
	})
	s.with("severity", func(v value) {
		if v.choice(&word, "fail", "warn") {
			c.Severity, _ = quality.ParseSeverity(word)
		}
	})
	return c, len(v.r.faults) == before
}

// literals reads a list of texts and numbers as they are written.
func (v value) literals(to *[]string, example string) {
	items, _ := v.list(example)
	out := make([]string, 0, len(items))
	for _, item := range items {
		var s string
		if item.literal(&s) {
			out = append(out, s)
		}
	}
	*to = out
}

// compileChecks compiles each check alone, so that each fault has its place, and
// looks for names that two of them have.
func (t *tableReader) compileChecks() {
	first := map[string]value{}
	for _, c := range t.checks {
		suite, err := quality.Compile(t.schema, []quality.Check{c.check})
		if err != nil {
			for _, e := range causes(err) {
				c.fault("%v", e)
			}
			continue
		}
		for _, name := range suite.Names() {
			if other, taken := first[name]; taken {
				c.fault("it is named %s like the check in line %d: write name: with another", quoted(name), other.at().line)
				break
			}
			first[name] = c.at
		}
	}
}

func (c placedCheck) fault(format string, args ...any) {
	whose := "this check"
	if c.from != "" {
		whose = "a check of preset " + c.from
	}
	c.at.r.fault(c.at.at(), "%s: %s", whose, fmt.Sprintf(format, args...))
}

// causes takes an error of quality.Compile apart: it joins, for each check, what
// wraps the faults of the check, and the place says which check it is.
func causes(err error) []error {
	var out []error
	for _, e := range parts(err) {
		if inner := errors.Unwrap(e); inner != nil {
			e = inner
		}
		out = append(out, parts(e)...)
	}
	return out
}

// parts are the errors that a joined error joins.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
