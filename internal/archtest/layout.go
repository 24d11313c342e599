package archtest

import (
	"path"
	"slices"
	"strings"
)

// TopLevel allows these entries at the root and no others; hidden ones are free.
func TopLevel(allowed ...string) Rule {
	return func(t *Tree) []Finding {
		var out []Finding
		for _, name := range t.Top {
			if !slices.Contains(allowed, name) {
				out = append(out, Finding{"top level", name, name, "not one of the entries of the root: the top level shows the way of a record, the rest lives in internal/"})
			}
		}
		return out
	}
}

// vague are names that say nothing about what a file or package holds.
var vague = []string{"util", "utils", "helper", "helpers", "misc", "common", "types", "base", "shared", "new", "v2", "stuff", "lib", "core", "impl", "manager", "issue", "fix"}

// Names forbids files and packages named for nothing.
func Names(t *Tree) []Finding {
	var out []Finding
	for _, p := range t.Packages {
		if slices.Contains(vague, p.Name) {
			out = append(out, Finding{"names", p.Dir, p.Dir, "package " + p.Name + " says nothing about what it holds: name its noun"})
		}
		for _, f := range slices.Concat(p.Files, p.Tests) {
			stem := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.Path), ".go"), "_test")
			for _, part := range strings.Split(stem, "_") {
				if slices.Contains(vague, part) || digits(part) {
					out = append(out, Finding{"names", f.Path, f.Path, "\"" + part + "\" says nothing about what the file holds: name its noun"})
				}
			}
		}
	}
	return out
}

// digits reports a name made of digits: a ticket, a date, an attempt.
func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
