package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// NoState forbids package-level variables that change: every one is written where
// it is declared and nowhere else, and none is a lock, a counter or a map that
// guards itself.
func NoState(t *Tree) []Finding {
	var out []Finding
	for _, p := range t.Packages {
		if len(p.Files) == 0 {
			continue
		}
		info, scope := t.resolve(p)
		for _, f := range p.Files {
			for n := range t.nodes(f) {
				for _, id := range written(n) {
					if v, ok := info.Uses[id].(*types.Var); ok && v.Parent() == scope {
						out = append(out, Finding{"state", p.Dir + "." + id.Name, t.at(n), fmt.Sprintf("package-level %s changes here: keep it in a struct that is passed", id.Name)})
					}
				}
			}
			for _, d := range f.AST.Decls {
				out = append(out, t.guards(p, d)...)
			}
		}
	}
	return out
}

// resolve finds what names mean inside a package. Imports stay unresolved, which
// the question does not need, and which would take seconds.
func (t *Tree) resolve(p *Package) (*types.Info, *types.Scope) {
	var files []*ast.File
	for _, f := range p.Files {
		files = append(files, f.AST)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Error: func(error) {}, Importer: nothing{}, DisableUnusedImportCheck: true}
	pkg, _ := conf.Check(p.Dir, t.fset, files, info)
	return info, pkg.Scope()
}

// nothing is an importer of empty packages.
type nothing struct{}

// Import implements types.Importer.
func (nothing) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, "")
	p.MarkComplete()
	return p, nil
}

// written are the variables that a statement assigns to, in whole or in part.
func written(n ast.Node) []*ast.Ident {
	var out []*ast.Ident
	add := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.Ident:
				out = append(out, x)
				return
			case *ast.IndexExpr:
				e = x.X
			case *ast.SelectorExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			case *ast.ParenExpr:
				e = x.X
			default:
				return
			}
		}
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		for _, e := range n.Lhs {
			add(e)
		}
	case *ast.IncDecStmt:
		add(n.X)
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return nil // a pointer to a constant table is common and harmless
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear") && len(n.Args) > 0 {
			add(n.Args[0])
		}
	}
	return out
}

// guards finds package-level locks, once-flags and atomics, by their written type.
func (t *Tree) guards(p *Package, d ast.Decl) []Finding {
	g, ok := d.(*ast.GenDecl)
	if !ok || g.Tok != token.VAR {
		return nil
	}
	var out []Finding
	for _, s := range g.Specs {
		v, ok := s.(*ast.ValueSpec)
		if !ok {
			continue
		}
		x, name, ok := selector(v.Type)
		if i, generic := v.Type.(*ast.IndexExpr); generic {
			x, name, ok = selector(i.X)
		}
		if ok && (x == "atomic" || x == "sync" && name != "Pool") {
			out = append(out, Finding{"state", p.Dir + "." + v.Names[0].Name, t.at(v), fmt.Sprintf("package-level %s.%s: keep it in the struct that it guards", x, name)})
		}
	}
	return out
}
