package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// PackageDocs wants a package comment of at least so many lines in one file of
// every package, and in one only.
func PackageDocs(least int) Rule {
	return func(t *Tree) []Finding {
		var out []Finding
		for _, p := range t.Packages {
			var docs []*File
			for _, f := range p.Files {
				if f.AST.Doc != nil {
					docs = append(docs, f)
				}
			}
			switch {
			case len(p.Files) == 0:
			case len(docs) == 0:
				out = append(out, Finding{"package doc", p.Dir, p.Dir, "package has no doc comment: what it owns, what goes in and out, its invariants, who calls it, how it fails"})
			case len(docs) > 1:
				out = append(out, Finding{"package doc", p.Dir, docs[1].Path, "package has a second doc comment: keep one, or leave a blank line above the package clause"})
			case t.lines(docs[0].AST.Doc) < least:
				out = append(out, Finding{"package doc", p.Dir, docs[0].Path, fmt.Sprintf("package doc has under %d lines: what it owns, what goes in and out, its invariants, who calls it, how it fails", least)})
			}
		}
		return out
	}
}

// selfEvident are methods whose contract another package wrote.
var selfEvident = []string{"String", "Error", "Unwrap", "Len", "Less", "Swap"}

// ExportedDocs wants a comment on everything that a package other than main
// exports: on the declaration, or on the group that it stands in.
func ExportedDocs(t *Tree) []Finding {
	var out []Finding
	for _, p := range t.Packages {
		if p.Name == "main" {
			continue
		}
		for _, f := range p.Files {
			for _, d := range f.AST.Decls {
				for _, name := range undocumented(d) {
					out = append(out, Finding{"exported doc", p.Dir + "." + name, t.at(d), name + " is exported and has no doc comment"})
				}
			}
		}
	}
	return out
}

func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		r := receiver(d)
		hidden := !d.Name.IsExported() || (r != "" && !ast.IsExported(r))
		if hidden || d.Doc != nil || (r != "" && slices.Contains(selfEvident, d.Name.Name)) {
			return nil
		}
		return []string{funcName(d)}
	case *ast.GenDecl:
		if d.Tok == token.IMPORT {
			return nil
		}
		return undocumentedSpecs(d)
	}
	return nil
}

func undocumentedSpecs(d *ast.GenDecl) []string {
	var out []string
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
				out = append(out, s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					out = append(out, n.Name)
				}
			}
		}
	}
	return out
}

// marks are what says that something is left undone.
var marks = []string{"TO" + "DO", "FIX" + "ME", "XX" + "X"}

// NoMarks forbids comments, scripts and pages that say something is left undone:
// what is left is written in the tracker, or done.
func NoMarks(t *Tree) []Finding {
	var out []Finding
	for _, p := range t.Packages {
		for _, f := range slices.Concat(p.Files, p.Tests) {
			for _, g := range f.AST.Comments {
				for _, c := range g.List {
					if m := mark(c.Text); m != "" {
						out = append(out, Finding{"marks", f.Path, t.at(c), m + ": do it, or say why it is not done"})
					}
				}
			}
		}
	}
	for path, text := range t.Texts {
		for i, line := range strings.Split(text, "\n") {
			if m := mark(line); m != "" {
				out = append(out, Finding{"marks", path, fmt.Sprintf("%s:%d", path, i+1), m + ": do it, or say why it is not done"})
			}
		}
	}
	return out
}

func mark(text string) string {
	for _, m := range marks {
		if i := strings.Index(text, m); i >= 0 && !letter(text, i-1) && !letter(text, i+len(m)) {
			return m
		}
	}
	return ""
}

func letter(s string, i int) bool {
	return i >= 0 && i < len(s) && (s[i] >= 'A' && s[i] <= 'Z' || s[i] >= 'a' && s[i] <= 'z')
}
