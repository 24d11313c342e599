package quality

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// complete finds rows in which one of the columns is null, blank or defaulted.
type complete struct {
	columns []int
	text    []bool // by column: it can be blank
}

// compileCompleteness makes a check per column, or a single one if it has a name.
func compileCompleteness(t *schema.Table, c *Check) ([]*check, error) {
	columns, err := findAll(t, c.Completeness, look)
	if err != nil {
		return nil, err
	}
	atLeast := 1.0
	if c.AtLeast != nil {
		atLeast = *c.AtLeast
	}
	if !(atLeast > 0 && atLeast <= 1) {
		return nil, fmt.Errorf("at_least %v: write a share above 0 and at most 1", atLeast)
	}
	var out []*check
	for _, column := range columns {
		one := &complete{columns: []int{column}, text: []bool{t.Columns[column].Type.Kind == schema.String}}
		if n := len(out); n > 0 && c.Name != "" {
			all := out[0].test.(*complete)
			all.columns, all.text = append(all.columns, one.columns...), append(all.text, one.text...)
			out[0].column = -1
			out[0].want = "neither null nor blank: " + strings.Join(c.Completeness, ", ")
			continue
		}
		name := c.Name
		if name == "" {
			name = "completeness:" + t.Columns[column].Name
		}
		out = append(out, &check{name: name, severity: c.Severity, want: "neither null nor blank",
			column: int16(column), atLeast: atLeast, test: one})
	}
	return out, nil
}

// refused counts the rows that were rejected before checks for having no value in one of the
// columns, which is required.
func (c *complete) refused(b *batch.Batch) (n int64) {
	last := int32(-1)
	for i := range b.Rejects {
		r := &b.Rejects[i]
		if r.Row != last && r.Reason == batch.ReasonRequired && slices.Contains(c.columns, int(r.Column)) {
			n, last = n+1, r.Row
		}
	}
	return n
}

func (c *complete) judge(r *run, out bitmap) {
	for i, column := range c.columns {
		out.or(r.missing[column])
		if !c.text[i] {
			continue
		}
		rows := r.take()
		copy(rows, r.live)
		rows.andNot(r.missing[column])
		r.byEntry(column, rows, out, notBlank)
		r.give(rows)
	}
}

// notBlank reports whether a value has anything but white space in it.
func notBlank(_ *run, value []byte) bool {
	for i := 0; i < len(value); {
		c, n := rune(value[i]), 1
		if c >= utf8.RuneSelf {
			c, n = utf8.DecodeRune(value[i:])
		}
		if !unicode.IsSpace(c) {
			return true
		}
		i += n
	}
	return false
}
