package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// nodes yields every node of a file.
func (t *Tree) nodes(f *File) iter.Seq[ast.Node] { return ast.Preorder(f.AST) }

// HonestTests forbids tests that wait for a clock and tests that can be skipped:
// the first are slow when green and mute when red, the second are green when
// nothing was tried. What a test needs is installed by the scripts.
func HonestTests(t *Tree) []Finding {
	var out []Finding
	for _, p := range t.Packages {
		for _, f := range p.Tests {
			for n := range t.nodes(f) {
				if text := dishonest(n); text != "" {
					out = append(out, Finding{"honest tests", f.Path, t.at(n), text})
				}
			}
		}
	}
	return out
}

func dishonest(n ast.Node) string {
	if id, ok := n.(*ast.Ident); ok && strings.HasPrefix(id.Name, "Eventually") {
		return "Eventually polls a clock: wait for the event itself"
	}
	x, name, ok := selector(n)
	switch {
	case !ok:
		return ""
	case x == "time" && name == "Sleep":
		return "time.Sleep in a test: wait for the event, or use testing/synctest"
	case slices.Contains([]string{"t", "b", "f", "tb", "m"}, x) && strings.HasPrefix(name, "Skip"):
		return "a test that can skip is green when nothing was tried: install what it needs"
	}
	return ""
}

// NoGlobals forbids what registers or keeps itself: metrics in the default
// registry, the default HTTP mux, the default logger's setting, init functions,
// a context in a struct.
func NoGlobals(t *Tree) []Finding {
	var out []Finding
	for _, p := range t.Packages {
		for _, f := range p.Files {
			for path, spec := range imports(f) {
				if strings.HasSuffix(path, "/promauto") {
					out = append(out, Finding{"globals", f.Path, t.at(spec), "promauto registers globally: pass a prometheus.Registerer"})
				}
			}
			for n := range t.nodes(f) {
				if text := global(n); text != "" {
					out = append(out, Finding{"globals", f.Path, t.at(n), text})
				}
			}
		}
	}
	return out
}

func global(n ast.Node) string {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Recv == nil && n.Name.Name == "init" {
			return "init runs unseen: build it in a constructor"
		}
	case *ast.StructType:
		for _, field := range n.Fields.List {
			if x, name, ok := selector(field.Type); ok && x == "context" && name == "Context" {
				return "a context in a struct outlives its call: make it the first argument"
			}
		}
	}
	x, name, _ := selector(n)
	switch x + "." + name {
	case "prometheus.MustRegister", "prometheus.Register", "prometheus.DefaultRegisterer", "prometheus.DefaultGatherer":
		return "the default registry is global: pass a prometheus.Registerer"
	case "http.HandleFunc", "http.Handle", "http.DefaultServeMux":
		return "the default mux is global: make a http.ServeMux"
	case "slog.SetDefault", "slog.Default", "slog.Info", "slog.Warn", "slog.Error", "slog.Debug":
		return "the default logger is global: pass a *slog.Logger"
	}
	return ""
}

// ErrorTexts wants errors as "verb noun: cause": lower case, without a full stop
// at the end, without "failed to".
func ErrorTexts(t *Tree) []Finding {
	var out []Finding
	for _, p := range t.Packages {
		for _, f := range p.Files {
			for n := range t.nodes(f) {
				text, ok := errorText(n)
				if !ok {
					continue
				}
				if why := badError(text); why != "" {
					out = append(out, Finding{"error texts", f.Path, t.at(n), fmt.Sprintf("error %q %s", text, why)})
				}
			}
		}
	}
	return out
}

// errorText is the literal text of a call of errors.New or fmt.Errorf.
func errorText(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	x, name, _ := selector(call.Fun)
	if c := x + "." + name; c != "errors.New" && c != "fmt.Errorf" {
		return "", false
	}
	lit, ok := call.Args[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

func badError(text string) string {
	lower := strings.ToLower(text)
	for _, noise := range []string{"failed to", "unable to", "error while", "error when"} {
		if strings.Contains(lower, noise) {
			return "says \"" + noise + "\": write verb noun: cause"
		}
	}
	first, _, _ := strings.Cut(text, " ")
	if len(first) > 1 && first[0] >= 'A' && first[0] <= 'Z' && strings.ToUpper(first) != first && !strings.ContainsAny(first[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && first != "Kafka" {
		return "begins with a capital"
	}
	if strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "…") || strings.HasSuffix(text, "!") {
		return "ends like a sentence: others put words behind it"
	}
	return ""
}
