// Package archtest keeps the shape of the code base true: which package may
// import which, how large files and functions grow, what carries a comment, and
// what stands in no test.
//
// In goes a Tree, which is the source as the parser sees it, without build tags,
// type information of other modules or the network. Out comes a list of findings, each with its
// place and with what to do instead. The rules are functions and their tables are
// values, so that each is tried on a small tree that breaks it; tree_test.go
// holds the tables of this repository and is the file to change when the shape
// is to change.
//
// Nothing here runs in the program: only tests import this package. A rule never
// fails; a file that does not parse makes Load return an error.
package archtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is one breach of a rule.
type Finding struct {
	Rule string
	// Key names the thing that breaks the rule, without a line number, so that an
	// exemption outlives edits: a file, or a package and a name in it.
	Key string
	// At is where to look: file:line, or a file or folder.
	At   string
	Text string // what is wrong, and what to do instead
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s (%s)", f.At, f.Text, f.Rule) }

// Rule looks at a tree and says what is wrong with it.
type Rule func(*Tree) []Finding

// Exemption lets one thing break one rule, for a reason.
type Exemption struct{ Rule, Key, Why string }

// Check applies rules and returns what is neither exempt nor in order. An
// exemption that nothing needs any more, or that gives no reason, is a finding.
func Check(t *Tree, exempt []Exemption, rules ...Rule) []Finding {
	var left []Finding
	used := make([]bool, len(exempt))
	for _, rule := range rules {
		for _, f := range rule(t) {
			i := slices.IndexFunc(exempt, func(e Exemption) bool { return e.Rule == f.Rule && e.Key == f.Key })
			if i < 0 {
				left = append(left, f)
				continue
			}
			used[i] = true
		}
	}
	for i, e := range exempt {
		if !used[i] {
			left = append(left, Finding{Rule: "exemption", Key: e.Key, At: e.Key, Text: "nothing breaks the rule " + e.Rule + " here: remove the exemption"})
		} else if len(strings.Fields(e.Why)) < 3 {
			left = append(left, Finding{Rule: "exemption", Key: e.Key, At: e.Key, Text: "the exemption from the rule " + e.Rule + " gives no reason"})
		}
	}
	slices.SortFunc(left, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Text, b.Text)) })
	return left
}
