package archtest

import (
	"fmt"
	"go/ast"
)

// Limits are how large things may grow. Tests are not measured.
type Limits struct {
	FileLines, FuncLines, Params, Methods int
}

// Sizes bounds files, functions, parameters and interfaces.
func Sizes(most Limits) Rule {
	return func(t *Tree) []Finding {
		var out []Finding
		for _, p := range t.Packages {
			for _, f := range p.Files {
				if f.Lines > most.FileLines {
					out = append(out, Finding{"file size", f.Path, f.Path, fmt.Sprintf("%d lines, more than %d: a file is one noun, so name the second one and give it a file", f.Lines, most.FileLines)})
				}
				for _, d := range f.AST.Decls {
					out = append(out, t.declSize(p, d, most)...)
				}
			}
		}
		return out
	}
}

func (t *Tree) declSize(p *Package, d ast.Decl, most Limits) []Finding {
	var out []Finding
	switch d := d.(type) {
	case *ast.FuncDecl:
		key := p.Dir + "." + funcName(d)
		if n := t.lines(d); n > most.FuncLines {
			out = append(out, Finding{"function size", key, t.at(d), fmt.Sprintf("%s has %d lines, more than %d: what are its steps called?", funcName(d), n, most.FuncLines)})
		}
		if n := params(d.Type); n > most.Params {
			out = append(out, Finding{"parameters", key, t.at(d), fmt.Sprintf("%s takes %d parameters besides the context, more than %d: give them a struct", funcName(d), n, most.Params)})
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			ts, ok := s.(*ast.TypeSpec)
			if !ok {
				continue
			}
			if i, ok := ts.Type.(*ast.InterfaceType); ok && methods(i) > most.Methods {
				out = append(out, Finding{"interface size", p.Dir + "." + ts.Name.Name, t.at(ts), fmt.Sprintf("interface %s has more than %d methods: declare what its caller needs", ts.Name.Name, most.Methods)})
			}
		}
	}
	return out
}

// params counts parameters, a context in front left out.
func params(f *ast.FuncType) int {
	n := 0
	for i, field := range f.Params.List {
		if x, name, ok := selector(field.Type); i == 0 && ok && x == "context" && name == "Context" {
			continue
		}
		n += max(len(field.Names), 1)
	}
	return n
}

func methods(i *ast.InterfaceType) int {
	n := 0
	for _, m := range i.Methods.List {
		if _, ok := m.Type.(*ast.FuncType); ok {
			n += len(m.Names)
		}
	}
	return n
}
