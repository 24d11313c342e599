package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Error is one fault of a configuration file. Line and Column count from 1, in
// characters; Line 0 means the file as a whole.
type Error struct {
	File         string
	Line, Column int
	Text         string // ends in what to write instead
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// most is how many faults are shown: who has more mends these first.
const most = 50

// reader reads one document and gathers what is wrong with it.
type reader struct {
	file     string
	getenv   func(string) (string, bool)
	faults   []*Error
	warnings []string
	// variables are those that were put in, by what they hold.
	variables map[string]string
}

// place is where something stands in the file.
type place struct{ line, column int }

func (r *reader) fault(at place, format string, args ...any) {
	r.faults = append(r.faults, r.errorAt(at, format, args...))
}

func (r *reader) errorAt(at place, format string, args ...any) *Error {
	return &Error{File: r.file, Line: at.line, Column: at.column, Text: oneLine(r.masked(fmt.Sprintf(format, args...)))}
}

// masked names the variables of what they hold (G3). Where a value is shown as it
// was read that is so from the start; this is for texts that went through other
// hands. What is shorter than four bytes is no secret and would be met by chance.
func (r *reader) masked(text string) string {
	for held, name := range r.variables {
		if len(held) >= 4 {
			text = strings.ReplaceAll(text, held, "${"+name+"}")
		}
	}
	return text
}

// lookUp asks for a variable and remembers what it holds.
func (r *reader) lookUp(name string) (string, bool) {
	held, ok := r.getenv(name)
	if ok {
		if r.variables == nil {
			r.variables = map[string]string{}
		}
		r.variables[held] = name
	}
	return held, ok
}

// err joins the faults in the order of the file.
func (r *reader) err() error {
	slices.SortStableFunc(r.faults, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var errs []error
	for i, e := range r.faults {
		if i == most {
			errs = append(errs, &Error{File: r.file, Text: fmt.Sprintf("%d more faults are not shown: mend these first", len(r.faults)-most)})
			break
		}
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// oneLine keeps a fault on its line, whatever the file has in its texts.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) {
			return '?'
		}
		return c
	}, s)
}

// userinfo is what stands before a host in an address: a name, a colon and a password,
// which may hold any sign but a space.
var userinfo = regexp.MustCompile(`\S*:\S*@`)

// quoted shows a text of the file, cut where it is long, and without what may be a
// password in an address (G2).
func quoted(s string) string {
	s = userinfo.ReplaceAllString(s, "…@")
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// cause is an error of the file system without its operation and path, which the
// message around it names.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Sprintf("%s: %v", p.Path, p.Err)
	}
	return err.Error()
}
