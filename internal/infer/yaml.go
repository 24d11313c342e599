package infer

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// plain are names that stand in YAML without quotes.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]+$`)

// YAML is the columns as a configuration has them, with remarks as comments.
func (r *Result) YAML() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# from %d rows of %d files\ncolumns:\n", r.Rows, r.Files)
	for _, c := range r.Columns {
		name, typ := quoted(c.Name), c.Type.String()
		if strings.ContainsRune(typ, '(') {
			typ = `"` + typ + `"`
		}
		line := fmt.Sprintf("  - {name: %s, type: %s, default: null}", name, typ)
		if c.Omitted {
			line = "  # " + name
		}
		if c.Remark != "" {
			line += map[bool]string{true: ": ", false: "  # "}[c.Omitted] + c.Remark
		}
		out.WriteString(line + "\n")
	}
	return out.String()
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
