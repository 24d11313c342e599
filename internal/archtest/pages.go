package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	linkTarget = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#{1,6}\s+(.+?)\s*$`)
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	testName   = regexp.MustCompile("`((?:Test|Fuzz|Benchmark|Example)[A-Z]\\w*)`")
	metricName = regexp.MustCompile(`^tidemark_[a-z0-9_]+$`)
	metricWord = regexp.MustCompile("`(tidemark_[a-z0-9_]+)")
)

// pages yields the Markdown files, in order.
func (t *Tree) pages() []string {
	var out []string
	for p := range t.Texts {
		if strings.HasSuffix(p, ".md") {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// Links wants every relative link of a page to lead to a file that is there, and
// to a heading in it where it names one.
func Links(t *Tree) []Finding {
	var out []Finding
	for _, p := range t.pages() {
		prose, _ := fences(t.Texts[p])
		for _, l := range prose {
			for _, m := range linkTarget.FindAllStringSubmatch(l.text, -1) {
				if why := t.brokenLink(p, m[1]); why != "" {
					out = append(out, Finding{"links", p + " " + m[1], fmt.Sprintf("%s:%d", p, l.no), why})
				}
			}
		}
	}
	return out
}

func (t *Tree) brokenLink(page, target string) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return ""
	}
	file, anchor, _ := strings.Cut(target, "#")
	to := page
	if file != "" {
		to = path.Join(path.Dir(page), file)
	}
	if !t.Paths[to] {
		return "link leads to " + to + ", which is not there"
	}
	if anchor != "" && strings.HasSuffix(to, ".md") && !slices.Contains(slugs(t.Texts[to]), anchor) {
		return to + " has no heading #" + anchor
	}
	return ""
}

// slugs are the anchors that GitHub makes of a page's headings.
func slugs(text string) []string {
	var out []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		s := notInSlug.ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, strings.ReplaceAll(s, " ", "-"))
	}
	return out
}

// NamedTests wants every test that a page names in code quotes to exist.
func NamedTests(t *Tree) []Finding {
	there := map[string]bool{}
	for _, p := range t.Packages {
		for _, f := range p.Tests {
			for _, d := range f.AST.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok {
					there[fn.Name.Name] = true
				}
			}
		}
	}
	var out []Finding
	for _, p := range t.pages() {
		for i, line := range strings.Split(t.Texts[p], "\n") {
			for _, m := range testName.FindAllStringSubmatch(line, -1) {
				if !there[m[1]] {
					out = append(out, Finding{"named tests", p + " " + m[1], fmt.Sprintf("%s:%d", p, i+1), m[1] + " is not a test of this repository"})
				}
			}
		}
	}
	return out
}

// Mapped wants the page to name every package and every folder of the root.
func Mapped(page string) Rule {
	return func(t *Tree) []Finding {
		var out []Finding
		text := t.Texts[page]
		for _, p := range t.Packages {
			if len(p.Files) > 0 && !strings.Contains(text, "`"+p.Dir+"`") {
				out = append(out, Finding{"map", p.Dir, page, "the map does not name the package `" + p.Dir + "`"})
			}
		}
		for _, name := range t.Top {
			if t.folder(name) && !strings.Contains(text, name) {
				out = append(out, Finding{"map", name, page, "the map does not name " + name})
			}
		}
		return out
	}
}

// folder reports whether something lies below name.
func (t *Tree) folder(name string) bool {
	for p := range t.Paths {
		if strings.HasPrefix(p, name+"/") {
			return true
		}
	}
	return false
}

// Metrics wants the page to list the metrics of the code, and no others.
func Metrics(page string) Rule {
	return func(t *Tree) []Finding {
		code := map[string]string{}
		for _, p := range t.Packages {
			for _, f := range p.Files {
				for n := range t.nodes(f) {
					lit, ok := n.(*ast.BasicLit)
					if !ok || lit.Kind != token.STRING {
						continue
					}
					if s, err := strconv.Unquote(lit.Value); err == nil && metricName.MatchString(s) {
						code[s] = t.at(lit)
					}
				}
			}
		}
		var out []Finding
		listed := map[string]bool{}
		for _, m := range metricWord.FindAllStringSubmatch(t.Texts[page], -1) {
			listed[m[1]] = true
			if _, ok := code[m[1]]; !ok {
				out = append(out, Finding{"metrics", m[1], page, m[1] + " is described and does not exist"})
			}
		}
		for name, at := range code {
			if !listed[name] {
				out = append(out, Finding{"metrics", name, at, name + " is not described in " + page})
			}
		}
		return out
	}
}

type line struct {
	no   int
	text string
}

// fences splits a page into its prose and its shell blocks (```sh).
func fences(text string) (prose, shell []line) {
	lang, inside := "", false
	for i, l := range strings.Split(text, "\n") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(l), "```"); ok {
			inside, lang = !inside, rest
			continue
		}
		switch {
		case !inside:
			prose = append(prose, line{i + 1, l})
		case lang == "sh":
			shell = append(shell, line{i + 1, l})
		}
	}
	return prose, shell
}
