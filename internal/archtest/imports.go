package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// Any stands in a row of the arrows for a package that may import all others.
const Any = "*"

// Arrows allows each package the packages of the module named in its row, both
// by their folders. A package without a row is a finding, so that a new one is
// placed on purpose. Tests may import what they like.
func Arrows(rows map[string][]string) Rule {
	return func(t *Tree) []Finding {
		var out []Finding
		seen := map[string]bool{}
		for _, p := range t.Packages {
			if len(p.Files) == 0 {
				continue
			}
			seen[p.Dir] = true
			row, known := rows[p.Dir]
			if !known {
				out = append(out, Finding{"arrows", p.Dir, p.Dir, "package has no row in the table of arrows: say there what it may import"})
				continue
			}
			for _, f := range p.Files {
				for path, spec := range imports(f) {
					to, ours := strings.CutPrefix(path, t.Module+"/")
					if ours && !slices.Contains(row, to) && !slices.Contains(row, Any) {
						out = append(out, Finding{"arrows", p.Dir + " -> " + to, t.at(spec), fmt.Sprintf("%s must not import %s: declare an interface here, or move the code to where it may", p.Dir, to)})
					}
				}
			}
		}
		for dir := range rows {
			if !seen[dir] {
				out = append(out, Finding{"arrows", dir, dir, "the table of arrows names a package that is not there: remove its row"})
			}
		}
		return out
	}
}

// impure are the packages that bring time, files, network, logs or metrics into
// what should be a function of its arguments.
var impure = []string{"context", "log", "log/slog", "os", "net", "io/fs", "io/ioutil", "syscall", "math/rand", "math/rand/v2", "database/sql"}

// impureBelow are the same for whole families of packages.
var impureBelow = []string{"os/", "net/", "github.com/prometheus/", "github.com/twmb/", "golang.org/x/sys/"}

// clocks are the names of package time that read a clock or wait for one.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// Pure forbids clocks, logs, contexts, files, networks, chance and metrics in
// packages that are values in, values out.
func Pure(dirs ...string) Rule {
	return func(t *Tree) []Finding {
		var out []Finding
		for _, p := range t.Packages {
			if !slices.Contains(dirs, p.Dir) {
				continue
			}
			for _, f := range p.Files {
				out = append(out, t.impureFile(f)...)
			}
		}
		return out
	}
}

// PureFiles is Pure for single files of a package that does have edges.
func PureFiles(paths ...string) Rule {
	return func(t *Tree) []Finding {
		var out []Finding
		left := slices.Clone(paths)
		for _, p := range t.Packages {
			for _, f := range p.Files {
				if i := slices.Index(left, f.Path); i >= 0 {
					left = slices.Delete(left, i, i+1)
					out = append(out, t.impureFile(f)...)
				}
			}
		}
		for _, gone := range left {
			out = append(out, Finding{"pure", gone, gone, "the list of pure files names a file that is not there: remove it"})
		}
		return out
	}
}

func (t *Tree) impureFile(f *File) []Finding {
	var out []Finding
	for path, spec := range imports(f) {
		below := slices.ContainsFunc(impureBelow, func(s string) bool { return strings.HasPrefix(path, s) })
		if below || slices.Contains(impure, path) {
			out = append(out, Finding{"pure", f.Path + " " + path, t.at(spec), path + " has no place in pure code: take what it gives as an argument"})
		}
	}
	for n := range t.nodes(f) {
		if x, name, ok := selector(n); ok && x == "time" && slices.Contains(clocks, name) {
			out = append(out, Finding{"pure", f.Path + " time." + name, t.at(n), "time." + name + " has no place in pure code: take the time as an argument"})
		}
	}
	return out
}
