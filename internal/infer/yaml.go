package infer

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// plain are names that stand in YAML without quotes.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]+$`)

// YAML is the columns as a configuration has them, with remarks as comments.
func (r *Result) YAML() string {
	var out strings.Builder
	of := r.Of
	if of == "" {
		of = fmt.Sprintf("%d rows of %d files", r.Rows, r.Files)
	}
	fmt.Fprintf(&out, "# from %s\n", plainLine(of))
	for _, n := range r.Notes {
		fmt.Fprintf(&out, "# %s\n", plainLine(n))
	}
	out.WriteString("columns:\n")
	pasted := r.Pasted()
	for _, c := range r.Columns {
		name, typ := quoted(c.Name), c.Type.String()
		if strings.ContainsAny(typ, "(<") {
			typ = `"` + typ + `"`
		}
		line := "  # " + plainLine(name)
		if !c.Omitted && unreachable(c.Name) {
			c.Omitted, c.Remark = true, "no configuration can name it"
		} else if !c.Omitted {
			as := pasted[0]
			pasted = pasted[1:]
			line = fmt.Sprintf("  - {name: %s, type: %s, default: null}", quoted(as.Name), typ)
			if from := as.From.String(); from != "" {
				line = fmt.Sprintf("  - {name: %s, type: %s, from: %s, default: null}", quoted(as.Name), typ, quoted(from))
			}
		}
		var remarks []string
		for _, text := range []string{c.Remark, c.absent, c.seen} {
			if text != "" && !(c.looked && text == c.absent) {
				remarks = append(remarks, text)
			}
		}
		if len(remarks) > 0 {
			line += map[bool]string{true: ": ", false: "  # "}[c.Omitted] + plainLine(strings.Join(remarks, "; "))
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

// plainLine is a text as it may stand in a comment: names of fields may hold anything.
func plainLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\ufffd'
	}, s)
}

// quoted is a name as YAML takes it for a text, and for nothing else.
func quoted(name string) string {
	switch strings.ToLower(name) {
	case "null", "true", "false", "yes", "no", "on", "off":
	default:
		if plain.MatchString(name) {
			return name
		}
	}
	text, _ := json.Marshal(name) // of a string: cannot fail
	return string(text)
}
