package archtest

import (
	"fmt"
	"go/ast"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

var (
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
	separators = regexp.MustCompile(`\s(?:&&|\|\||\||;|&)(?:\s|$)`)
)

// Commands wants each command in the shell blocks of the pages to exist: targets
// of make, scripts, subcommands and flags of the program. Outside names what a
// reader is expected to have.
func Commands(program string, outside ...string) Rule {
	return func(t *Tree) []Finding {
		k := known{tree: t, outside: outside, verbs: map[string]bool{}, flags: map[string]bool{"help": true}}
		k.readProgram("cmd/" + program)
		k.program = program
		var out []Finding
		for _, p := range t.pages() {
			_, shell := fences(t.Texts[p])
			for _, l := range joined(shell) {
				for _, c := range separators.Split(l.text, -1) {
					if why := k.wrong(words(c)); why != "" {
						out = append(out, Finding{"commands", p + " " + strings.TrimSpace(c), fmt.Sprintf("%s:%d", p, l.no), why})
					}
				}
			}
		}
		return out
	}
}

// joined brings lines that end in a backslash together and leaves comments out.
func joined(lines []line) []line {
	var out []line
	open := false
	for _, l := range lines {
		text, _, _ := strings.Cut(" "+l.text, " #")
		text = strings.TrimSpace(text)
		cut, more := strings.CutSuffix(text, "\\")
		if open {
			out[len(out)-1].text += " " + cut
		} else {
			out = append(out, line{l.no, cut})
		}
		open = more
	}
	return out
}

// words splits a command, leaving out variables set in front, a prompt and what
// stands in quotes.
func words(command string) []string {
	w := strings.Fields(strings.TrimPrefix(strings.TrimSpace(command), "$ "))
	for len(w) > 0 && assignment.MatchString(w[0]) {
		w = w[1:]
	}
	if len(w) > 1 && w[0] == "sudo" {
		w = w[1:]
	}
	return w
}

// known is what commands may be made of.
type known struct {
	tree         *Tree
	program      string
	outside      []string
	verbs, flags map[string]bool
}

func (k *known) wrong(w []string) string {
	if len(w) == 0 {
		return ""
	}
	switch name := strings.TrimPrefix(w[0], "./"); {
	case name == "make":
		return k.wrongTarget(w[1:])
	case strings.HasPrefix(name, "scripts/"):
		if !k.tree.Paths[name] {
			return name + " is not there"
		}
		return ""
	case name == k.program, name == "bin/"+k.program:
		return k.wrongUse(w[1:])
	case name == "go" && len(w) > 2 && w[1] == "run" && w[2] == "./cmd/"+k.program:
		return k.wrongUse(w[3:])
	case slices.Contains(k.outside, name):
		return ""
	default:
		return "nothing here is called " + name
	}
}

func (k *known) wrongTarget(targets []string) string {
	for _, name := range targets {
		if assignment.MatchString(name) || strings.HasPrefix(name, "-") {
			continue
		}
		there := slices.ContainsFunc(makeTarget.FindAllStringSubmatch(k.tree.Texts["Makefile"], -1), func(m []string) bool { return m[1] == name })
		if !there {
			return "the Makefile has no target " + name
		}
	}
	return ""
}

func (k *known) wrongUse(args []string) string {
	if len(args) == 0 {
		return "names no subcommand"
	}
	if !strings.HasPrefix(args[0], "-") && !k.verbs[args[0]] {
		return k.program + " has no subcommand " + args[0]
	}
	for _, a := range args {
		flag, isFlag := strings.CutPrefix(a, "--")
		flag, _, _ = strings.Cut(flag, "=")
		if isFlag && !k.flags[flag] {
			return k.program + " has no flag --" + flag
		}
	}
	return ""
}

// readProgram finds subcommands and flags in the structs that the command line is
// read into: a field with the tag cmd is a subcommand, another one a flag.
func (k *known) readProgram(dir string) {
	for _, p := range k.tree.Packages {
		if p.Dir != dir && !strings.HasPrefix(p.Dir, dir+"/") {
			continue
		}
		for _, f := range p.Files {
			for n := range k.tree.nodes(f) {
				if s, ok := n.(*ast.StructType); ok {
					for _, field := range s.Fields.List {
						k.readField(field)
					}
				}
			}
		}
	}
}

func (k *known) readField(field *ast.Field) {
	var tag reflect.StructTag
	if field.Tag != nil {
		text, _ := strconv.Unquote(field.Tag.Value)
		tag = reflect.StructTag(text)
	}
	_, isCommand := tag.Lookup("cmd")
	for _, id := range field.Names {
		name := tag.Get("name")
		if name == "" {
			name = kebab(id.Name)
		}
		if isCommand {
			k.verbs[name] = true
		} else {
			k.flags[name] = true
		}
	}
}

// kebab is how the command line spells the name of a field: UntilCurrent becomes
// until-current.
func kebab(s string) string {
	var out strings.Builder
	r := []rune(s)
	for i, c := range r {
		startsWord := unicode.IsUpper(c) && i > 0 && (!unicode.IsUpper(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1]))
		if startsWord {
			out.WriteByte('-')
		}
		out.WriteRune(unicode.ToLower(c))
	}
	return out.String()
}
