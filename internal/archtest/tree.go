package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Tree is the source of one module.
type Tree struct {
	Module   string
	Packages []*Package
	// Texts holds every Markdown file and every file of scripts, by path.
	Texts map[string]string
	// Paths lists all files and folders, for links to resolve against.
	Paths map[string]bool
	// Top lists the entries of the root, hidden ones left out.
	Top []string

	fset *token.FileSet
}

// Package is the Go files of one folder.
type Package struct {
	Dir   string // below the root, "." for the root
	Name  string // of the package, without _test
	Files []*File
	Tests []*File // of the package itself and of its _test twin
}

// File is one Go file.
type File struct {
	Path  string
	Lines int
	AST   *ast.File
}

// Load reads the module whose root fsys is. Folders that git ignores, hidden
// ones, testdata and those that are modules of their own hold no package.
func Load(fsys fs.FS) (*Tree, error) {
	t := &Tree{Texts: map[string]string{}, Paths: map[string]bool{}, fset: token.NewFileSet()}
	mod, err := fs.ReadFile(fsys, "go.mod")
	if err != nil {
		return nil, fmt.Errorf("read go.mod: %w", err)
	}
	first, _, _ := strings.Cut(string(mod), "\n")
	t.Module = strings.TrimSpace(strings.TrimPrefix(first, "module "))
	byDir := map[string]*Package{}
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p == ".":
			return nil
		case ignored(p, d):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		t.Paths[p] = true
		if !strings.Contains(p, "/") && !strings.HasPrefix(p, ".") {
			t.Top = append(t.Top, p)
		}
		if d.IsDir() {
			return nil
		}
		return t.read(fsys, p, byDir)
	})
	if err != nil {
		return nil, err
	}
	for _, p := range byDir {
		t.Packages = append(t.Packages, p)
	}
	slices.SortFunc(t.Packages, func(a, b *Package) int { return strings.Compare(a.Dir, b.Dir) })
	return t, nil
}

// ignored reports what is not ours or not written by hand.
func ignored(p string, d fs.DirEntry) bool {
	if !d.IsDir() {
		return false
	}
	switch p {
	case ".git", ".cache", "bin", "dist":
		return true
	}
	return path.Base(p) == "__pycache__"
}

func (t *Tree) read(fsys fs.FS, p string, byDir map[string]*Package) error {
	isGo := strings.HasSuffix(p, ".go") && !strings.Contains("/"+p, "/testdata/") && !t.otherModule(fsys, p)
	isText := strings.HasSuffix(p, ".md") || strings.HasPrefix(p, "scripts/") || p == "Makefile"
	if !isGo && !isText {
		return nil
	}
	src, err := fs.ReadFile(fsys, p)
	if err != nil {
		return fmt.Errorf("read %s: %w", p, err)
	}
	if isText && !isGo {
		t.Texts[p] = string(src)
		return nil
	}
	f, err := parser.ParseFile(t.fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parse %s: %w", p, err)
	}
	dir := path.Dir(p)
	pkg := byDir[dir]
	if pkg == nil {
		pkg = &Package{Dir: dir, Name: strings.TrimSuffix(f.Name.Name, "_test")}
		byDir[dir] = pkg
	}
	file := &File{Path: p, Lines: strings.Count(string(src), "\n"), AST: f}
	if strings.HasSuffix(p, "_test.go") {
		pkg.Tests = append(pkg.Tests, file)
	} else {
		pkg.Files = append(pkg.Files, file)
	}
	return nil
}

// otherModule reports whether a folder above p has a go.mod of its own.
func (t *Tree) otherModule(fsys fs.FS, p string) bool {
	for d := path.Dir(p); d != "."; d = path.Dir(d) {
		if _, err := fs.Stat(fsys, d+"/go.mod"); err == nil {
			return true
		}
	}
	return false
}

// at says where a node is, as file:line.
func (t *Tree) at(n ast.Node) string {
	pos := t.fset.Position(n.Pos())
	return pos.Filename + ":" + strconv.Itoa(pos.Line)
}

// lines is the number of lines that a node takes.
func (t *Tree) lines(n ast.Node) int {
	return t.fset.Position(n.End()).Line - t.fset.Position(n.Pos()).Line + 1
}

// imports yields the import specs of a file with their unquoted paths.
func imports(f *File) map[string]*ast.ImportSpec {
	m := map[string]*ast.ImportSpec{}
	for _, s := range f.AST.Imports {
		if p, err := strconv.Unquote(s.Path.Value); err == nil {
			m[p] = s
		}
	}
	return m
}

// funcName is the name of a function, with its receiver's type in front.
func funcName(d *ast.FuncDecl) string {
	if r := receiver(d); r != "" {
		return r + "." + d.Name.Name
	}
	return d.Name.Name
}

// receiver is the name of a method's type, "" for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// selector gives the package (or value) and the name of an expression such as
// time.Sleep.
func selector(n ast.Node) (x, name string, ok bool) {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", "", false
	}
	id, ok := s.X.(*ast.Ident)
	if !ok {
		return "", "", false
	}
	return id.Name, s.Sel.Name, true
}
