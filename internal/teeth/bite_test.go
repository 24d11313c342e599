//go:build !race

// The suites run in processes of their own: under the race detector nothing more
// would be seen, twice as slowly.

package teeth_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/internal/teeth"
)

var (
	long  = flag.Bool("long", false, "run the suites that build the program and drive it, too")
	write = flag.Bool("write", false, "write the table into docs/teeth.md (with -long)")
)

// TestTeethBite puts each bug in and wants every suite that it names to fail.
func TestTeethBite(t *testing.T) {
	if *write && !*long {
		t.Fatal("the table names all suites: -write needs -long")
	}
	r := &round{t: t, healthy: map[teeth.Suite]func() teeth.Result{}, bites: map[string][]teeth.Bite{}}
	r.watchSources()
	all := load(t)
	t.Run("quick", func(t *testing.T) {
		for _, tooth := range all {
			t.Run(tooth.Name, func(t *testing.T) {
				t.Parallel()
				r.vet(t, tooth)
				r.bite(t, tooth, false)
			})
		}
	})
	if *long {
		// Each starts a broker: one after the other.
		t.Run("long", func(t *testing.T) {
			for _, tooth := range all {
				t.Run(tooth.Name, func(t *testing.T) { r.bite(t, tooth, true) })
			}
		})
	}
	var rows []string
	for _, tooth := range all {
		if bites := r.bites[tooth.Name]; len(bites) > 0 {
			rows = append(rows, teeth.Row(tooth, bites))
		}
	}
	t.Logf("what caught which bug:\n%s", teeth.Table(rows))
	if *write && !t.Failed() {
		rewrite(t, rows)
	}
}

// round is one run of all teeth.
type round struct {
	t       *testing.T
	mu      sync.Mutex
	healthy map[teeth.Suite]func() teeth.Result
	bites   map[string][]teeth.Bite
}

// watchSources looks at every folder with sources. The go command keeps the answer of
// a test that passed, until a file that it has looked at changes: what the processes
// started here look at, it does not see.
func (r *round) watchSources() {
	err := filepath.WalkDir(root(r.t), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && name != root(r.t) && (strings.HasPrefix(d.Name(), ".") || d.Name() == "bin") {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// bench is one with a folder of its own, which goes with the test.
func (r *round) bench(t *testing.T) teeth.Bench {
	t.Helper()
	return teeth.Bench{Root: root(t), Dir: t.TempDir(), Limit: 2 * time.Minute, BlackBoxLimit: 10 * time.Minute}
}

func (r *round) vet(t *testing.T, tooth teeth.Tooth) {
	t.Helper()
	b := r.bench(t)
	overlay, err := tooth.Overlay(b.Root, b.Dir)
	if err == nil {
		err = b.Vet(t.Context(), overlay, tooth.Packages())
	}
	if err != nil {
		t.Fatalf("%s: %v", tooth.Name, err)
	}
}

// bite runs the quick suites of a tooth, or its black boxes.
func (r *round) bite(t *testing.T, tooth teeth.Tooth, blackBox bool) {
	t.Helper()
	b := r.bench(t)
	overlay, err := tooth.Overlay(b.Root, b.Dir)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{} // by package
	for _, s := range tooth.Suites {
		if s.BlackBox != blackBox {
			continue
		}
		r.wantHealthy(t, s)
		inside, outside := overlay, ""
		if blackBox {
			inside, outside = "", overlay // the suite itself keeps its wits
		}
		if tests[s.Package] == "" {
			if tests[s.Package], err = b.Compile(t.Context(), s.Package, inside); err != nil {
				t.Fatalf("%s: %v", tooth.Name, err)
			}
		}
		res := b.Run(t.Context(), s, tests[s.Package], outside)
		if res.Outcome != teeth.Failed && res.Outcome != teeth.Stood {
			t.Errorf("%s bites nothing: %s %s.\n%s\n%s\nWrite the test that is missing.\n%s",
				tooth.Name, s, res.Outcome, tooth.Story[0], tooth.Story[1], tail(res.Output))
			continue
		}
		t.Logf("%s: %s by %s\n%s", s, res.Outcome, res.Test, tail(res.Output))
		r.mu.Lock()
		r.bites[tooth.Name] = append(r.bites[tooth.Name], teeth.Bite{Suite: s, Outcome: res.Outcome, By: res.Test})
		r.mu.Unlock()
	}
}

// wantHealthy fails unless a suite passes without any tooth (T3). It runs once.
func (r *round) wantHealthy(t *testing.T, s teeth.Suite) {
	t.Helper()
	r.mu.Lock()
	if r.healthy[s] == nil {
		b := r.bench(t)
		r.healthy[s] = sync.OnceValue(func() teeth.Result {
			tests, err := b.Compile(r.t.Context(), s.Package, "")
			if err != nil {
				return teeth.Result{Outcome: teeth.Died, Output: err.Error()}
			}
			return b.Run(r.t.Context(), s, tests, "")
		})
	}
	healthy := r.healthy[s]
	r.mu.Unlock()
	if res := healthy(); res.Outcome != teeth.Passed {
		t.Fatalf("%s %s without any tooth, so that it proves nothing: mend it first.\n%s", s, res.Outcome, tail(res.Output))
	}
}

// tail is the end of an output.
func tail(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

func rewrite(t *testing.T, rows []string) {
	t.Helper()
	text, err := teeth.Rewrite(page(t), rows)
	if err == nil {
		err = os.WriteFile(filepath.Join(root(t), pageName), []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A tooth must bite by a test that fails. Judge is shown how processes really end.
func TestOutcomes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module m\n\ngo "+strings.TrimPrefix(strings.Fields(runtime.Version())[0], "go")+"\n")
	write("m_test.go", `package m

import (
	"os"
	"testing"
)

func TestPasses(t *testing.T) {}

func TestFails(t *testing.T) {
	t.Run("outer", func(t *testing.T) {
		t.Run("right", func(t *testing.T) {})
		t.Run("wrong", func(t *testing.T) { t.Error("no") })
	})
}

func TestPanics(t *testing.T) { panic("no") }

func TestStands(t *testing.T) { <-make(chan int) }

func TestExits(t *testing.T) { os.Exit(3) }
`)
	b := teeth.Bench{Root: dir, Dir: t.TempDir(), Limit: 2 * time.Second}
	tests, err := b.Compile(t.Context(), ".", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		test string
		want teeth.Outcome
		by   string
	}{
		{"TestPasses", teeth.Passed, ""},
		{"TestFails", teeth.Failed, "TestFails/outer/wrong"},
		{"TestFails/outer/right", teeth.Passed, ""},
		{"TestPanics", teeth.Failed, "TestPanics"},
		{"TestStands", teeth.Stood, "TestStands"},
		{"TestExits", teeth.Died, ""},
		{"TestGone", teeth.Died, ""},
	} {
		res := b.Run(t.Context(), teeth.Suite{Package: ".", Test: c.test}, tests, "")
		if res.Outcome != c.want || res.Test != c.by {
			t.Errorf("%s: got %s by %q, want %s by %q:\n%s", c.test, res.Outcome, res.Test, c.want, c.by, res.Output)
		}
	}
}

// Both kinds of mutants that cannot be run are told from one that is caught.
func TestMutantsMustCompileAndVet(t *testing.T) {
	b := teeth.Bench{Root: root(t), Dir: t.TempDir()}
	for _, c := range []struct{ why, becomes string }{
		{"does not compile", "return missing"},
		{"does not vet", "return fmt.Sprintf(\"%d\", \"x\") + (\"/ledger\" + table)"},
	} {
		tooth := teeth.Tooth{Name: c.why, Edits: []teeth.Edit{{
			File: "internal/ledger/layout.go", Old: `return "_tidemark/" + table + "/ledger"`, New: c.becomes,
		}}}
		overlay, err := tooth.Overlay(b.Root, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Vet(t.Context(), overlay, tooth.Packages()); err == nil {
			t.Errorf("%s: got no error", c.why)
		}
	}
	if got, want := (&teeth.Tooth{Edits: []teeth.Edit{{File: "b/x.go"}, {File: "a/y.go"}, {File: "b/z.go"}}}).Packages(), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("got packages %v, want %v", got, want)
	}
}
