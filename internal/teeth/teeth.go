// Package teeth puts known bugs back into the program, one at a time, and wants the
// suites to notice.
//
// The program carries no switches for tests. A bug is a file in testdata instead: two
// lines that tell its story, the rule that it breaks, what a user would see, the text
// that is replaced in the source, and the suites that must catch it. It is put in while
// the program or a test is built, by the go command's -overlay; the working tree is
// never touched. In goes a Tooth and the folder of the module; out comes whether a
// suite fails, by which test, or why that cannot be said.
//
// What must hold, each with a test that can fail:
//
//	T1 the text that a tooth replaces stands in its file exactly once, or the tooth is stale
//	T2 what a tooth makes of the source compiles and passes go vet
//	T3 a suite counts only if it passes without the tooth
//	T4 a bite is a test that fails: not a build that does, not a process that dies without
//	   naming a test; one that runs into its time limit is told apart
//	T5 every tooth is caught by each suite that it names, one of them quick enough for every day
//
// A tooth that bites nothing means that a guard of the program could be removed
// unseen: the missing test is what is wanted, not another tooth. A stale tooth means
// that the source has moved on, and the bug is to be written into it anew.
//
// Only tests import this package. It runs the go command and the tests of other
// packages, and leaves nothing behind but what the build cache keeps.
package teeth

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Tooth is one bug.
type Tooth struct {
	Name   string
	Story  [2]string // what it does to a user
	Rule   string    // that it breaks: an id of ARCHITECTURE.md or of a package comment
	Seen   string    // by the user, in a few words
	Edits  []Edit
	Suites []Suite
}

// Edit replaces a text of a file, which must be there exactly once.
type Edit struct {
	File     string // below the module's root, with forward slashes
	Old, New string
}

// Suite is one test, and all below it, that must catch a bug.
type Suite struct {
	Package  string // below the module's root
	Test     string // names from TestX down, with slashes between them
	BlackBox bool   // it builds the program and drives that; the suite itself is healthy
}

func (s Suite) String() string { return s.Package + " " + s.Test }

// Load reads all teeth of a folder, ordered by name.
func Load(fsys fs.FS, dir string) ([]Tooth, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	var out []Tooth
	for _, name := range names { // sorted
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		t, err := Parse(strings.TrimSuffix(path.Base(name), ".txt"), string(data))
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// becomes stands between the old text of an edit and the new one.
const becomes = "becomes"

// Parse reads a tooth: the story in two lines, then lines "key: value" (rule, seen,
// suite, black box; the last two once or more), then for each edit the old text below a
// line "-- FILE --" and the new text below a line "-- becomes --".
func Parse(name, text string) (Tooth, error) {
	t := Tooth{Name: name}
	head, rest, _ := strings.Cut(text, "\n-- ")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	if len(lines) < 2 {
		return t, fmt.Errorf("parse tooth %s: want a story of two lines", name)
	}
	t.Story = [2]string{lines[0], lines[1]}
	for _, line := range lines[2:] {
		if err := t.set(line); err != nil {
			return t, fmt.Errorf("parse tooth %s: %w", name, err)
		}
	}
	if rest == "" || !strings.HasSuffix(text, "\n") {
		return t, fmt.Errorf("parse tooth %s: want edits, and a line end after the last", name)
	}
	for _, part := range strings.Split("\n-- "+rest, "\n-- ")[1:] {
		if err := t.edit(part); err != nil {
			return t, fmt.Errorf("parse tooth %s: %w", name, err)
		}
	}
	err := t.validate()
	return t, err
}

func (t *Tooth) set(line string) error {
	key, value, ok := strings.Cut(line, ": ")
	if !ok || value == "" {
		return fmt.Errorf("line %q: want key: value", line)
	}
	switch key {
	case "rule":
		t.Rule = value
	case "seen":
		t.Seen = value
	case "suite", "black box":
		pkg, test, ok := strings.Cut(value, " ")
		if !ok {
			return fmt.Errorf("suite %q: want a package and a test", value)
		}
		t.Suites = append(t.Suites, Suite{Package: pkg, Test: test, BlackBox: key == "black box"})
	default:
		return fmt.Errorf("key %q: want rule, seen, suite or black box", key)
	}
	return nil
}

// edit takes one part: the rest of a marker's line, and the text below it.
func (t *Tooth) edit(part string) error {
	line, text, _ := strings.Cut(part, "\n")
	name, ok := strings.CutSuffix(line, " --")
	if !ok {
		return fmt.Errorf("line %q: want -- FILE --, or -- becomes --", "-- "+line)
	}
	text = strings.TrimSuffix(text, "\n")
	n := len(t.Edits)
	open := n > 0 && t.Edits[n-1].New == unset
	switch {
	case name == becomes && open:
		t.Edits[n-1].New = text
	case name == becomes || open:
		return fmt.Errorf("line %q: an old text and a new one take turns", "-- "+line)
	default:
		t.Edits = append(t.Edits, Edit{File: name, Old: text, New: unset})
	}
	return nil
}

// unset is the new text of an edit that has none yet: no source holds it.
const unset = "\x00"

func (t *Tooth) validate() error {
	quick := false
	for _, s := range t.Suites {
		quick = quick || !s.BlackBox
	}
	switch {
	case t.Rule == "" || t.Seen == "":
		return fmt.Errorf("parse tooth %s: want a rule and what is seen", t.Name)
	case !quick:
		return fmt.Errorf("parse tooth %s: want a suite that is no black box: those run only when asked", t.Name)
	case t.Edits[len(t.Edits)-1].New == unset:
		return fmt.Errorf("parse tooth %s: the last edit has no new text", t.Name)
	}
	for _, e := range t.Edits {
		if e.Old == "" || e.Old == e.New {
			return fmt.Errorf("parse tooth %s: an edit of %s changes nothing", t.Name, e.File)
		}
	}
	return nil
}
