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
	for _, b := range r.Beside {
		out.WriteString(b + "\n")
	}
	out.WriteString("columns:\n")
	pasted := r.Pasted()
	for _, c := range r.Columns {
		name, typ := Quoted(c.Name), flow(c.Type.String())
		line := "  # " + plainLine(name)
		if !c.Omitted && unreachable(c.Name) {
			c.Omitted, c.Remark = true, "no configuration can name it"
		} else if !c.Omitted {
			as := pasted[0]
			pasted = pasted[1:]
			line = fmt.Sprintf("  - {name: %s, type: %s, default: null}", Quoted(as.Name), typ)
			if from := as.From.String(); from != "" {
				line = fmt.Sprintf("  - {name: %s, type: %s, from: %s, default: null}", Quoted(as.Name), typ, Quoted(from))
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

// flow is a type as it stands between braces of YAML.
func flow(typ string) string {
	if strings.ContainsAny(typ, "(<") {
		return Quoted(typ)
	}
	return typ
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

// Quoted is a text as YAML takes it for one, and for nothing else.
func Quoted(name string) string {
	switch strings.ToLower(name) {
	case "null", "true", "false", "yes", "no", "on", "off":
	default:
		if plain.MatchString(name) {
			return name
		}
	}
	var text strings.Builder
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	_ = out.Encode(name) // a string: cannot fail
	return strings.TrimSuffix(text.String(), "\n")
}
