package infer

import (
	"fmt"
	"strings"
	"unicode"

	"tidemark/internal/schema"
)

// longestName is how many bytes the name of a column may have.
const longestName = 255

// Pasted is the columns as YAML writes them: fields whose names no column may have come from
// there into columns of other names.
func (r *Result) Pasted() []schema.Column {
	taken := map[string]bool{}
	for _, c := range r.Columns {
		taken[c.Name] = !c.Omitted
	}
	var out []schema.Column
	for _, c := range r.Columns {
		if c.Omitted || unreachable(c.Name) {
			continue
		}
		one := schema.Column{Name: c.Name, Type: c.Type, Default: schema.Value{Null: true}}
		if !fit(&one) {
			one.Name = other(&one, taken)
			one.From = schema.From{Path: []schema.Step{{Key: c.Name, Index: -1}}}
			taken[one.Name] = true
		}
		out = append(out, one)
	}
	return out
}

// unreachable reports a field that no configuration can name.
func unreachable(name string) bool {
	return len(name) > longestName || strings.ContainsFunc(name, odd)
}

// odd are letters that a configuration does not take in a name.
func odd(c rune) bool {
	return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) || c == unicode.ReplacementChar
}

// fit reports whether a column may have its name.
func fit(c *schema.Column) bool {
	return !unreachable(c.Name) && c.Validate() == nil
}

// other is a name that a column may have, in place of its field's.
func other(c *schema.Column, taken map[string]bool) string {
	name := strings.TrimLeft(c.Name, "_")
	name = strings.ToValidUTF8(name[:min(len(name), longestName-10)], "")
	one := schema.Column{Name: name, Type: c.Type}
	for i := 2; name == "" || taken[one.Name] || !fit(&one); i++ {
		one.Name = fmt.Sprintf("%s_%d", map[bool]string{true: "field", false: name}[name == ""], i)
		if !taken[one.Name] && fit(&one) {
			break
		}
	}
	return one.Name
}
