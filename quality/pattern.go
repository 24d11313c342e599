package quality

import (
	"errors"
	"fmt"
	"regexp"

	"tidemark/internal/schema"
)

// matching finds values of a text column in which a regular expression matches
// nowhere.
type matching struct {
	column int
	regex  *regexp.Regexp
	test   func(r *run, value []byte) bool
}

func (c *matching) judge(r *run, out bitmap) { r.byEntry(c.column, r.live, out, c.test) }

func (out *check) compilePattern(t *schema.Table, c *Check) error {
	column, err := find(t, c.Pattern)
	if err != nil {
		return err
	}
	if typ := t.Columns[column].Type; typ.Kind != schema.String {
		return fmt.Errorf("pattern needs text, column %s is %s: use range or a rule", c.Pattern, typ)
	}
	if c.Regex == "" {
		return errors.New(`it has no regex: write one such as "^[A-Z]{3}$"`)
	}
	regex, err := regexp.Compile(c.Regex)
	if err != nil {
		return fmt.Errorf("%w: write a regular expression as RE2 has it (no look-around, no back-references)", err)
	}
	out.want = "text that matches " + c.Regex
	m := &matching{column: column, regex: regex}
	m.test = func(_ *run, value []byte) bool { return m.regex.Match(value) }
	out.onColumn(column, c.Nulls, m)
	return nil
}
