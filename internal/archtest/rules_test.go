package archtest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"tidemark/internal/archtest"
)

// files are a small module, by path.
type files map[string]string

// doc is a package doc that is long enough.
const doc = "// Package p owns one thing.\n//\n// In goes this, out comes that.\n//\n// It fails never, and is called by main.\n"

const program = doc + "package main\n\ntype cli struct {\n\tRun struct {\n\t\tUntilCurrent bool\n\t\tTable []string `name:\"table\"`\n\t} `cmd:\"\"`\n}\n"

// rules has, for each rule, a tree that breaks it in every way that the rule
// knows of, and one that is nearly as bad and in order.
var rules = []struct {
	name  string
	rule  archtest.Rule
	bad   files
	want  []string // what the findings say, each once
	right files
}{
	{
		name: "arrows",
		rule: archtest.Arrows(map[string][]string{"a": {}, "b": {"a"}, "cmd/m": {archtest.Any}}),
		bad: files{
			"a/a.go": "package a\nimport _ \"tidemark/b\"\n",
			"b/b.go": "package b\n",
			"c/c.go": "package c\n",
		},
		want: []string{
			"a/a.go:2: a must not import b",
			"c: package has no row",
			"cmd/m: the table of arrows names a package that is not there",
		},
		right: files{
			"a/a.go":         "package a\nimport _ \"fmt\"\n",
			"a/a_test.go":    "package a_test\nimport _ \"tidemark/b\"\n",
			"b/b.go":         "package b\nimport _ \"tidemark/a\"\n",
			"cmd/m/m.go":     "package main\nimport (\n_ \"tidemark/a\"\n_ \"tidemark/b\"\n)\n",
			"tools/go.mod":   "module other\n",
			"tools/tools.go": "package tools\n",
		},
	},
	{
		name: "pure",
		rule: archtest.Pure("a"),
		bad: files{
			"a/a.go": "package a\nimport (\n\"context\"\n\"log/slog\"\n\"os\"\n\"net/http\"\n\"io/fs\"\n\"github.com/prometheus/client_golang/prometheus\"\n)\n",
			"a/b.go": "package a\nimport \"time\"\nvar now = time.Now()\nfunc f() { time.Sleep(1) }\n",
		},
		want: []string{"context has no place", "log/slog has no place", "os has no place", "net/http has no place", "io/fs has no place",
			"prometheus has no place", "a/b.go:3: time.Now has no place", "a/b.go:4: time.Sleep has no place"},
		right: files{
			"a/a.go":      "package a\nimport \"time\"\nvar d = time.Unix(0, 0)\n",
			"a/a_test.go": "package a_test\nimport \"os\"\n",
			"b/b.go":      "package b\nimport \"os\"\n",
		},
	},
	{
		name:  "pure files",
		rule:  archtest.PureFiles("a/core.go"),
		bad:   files{"a/core.go": "package a\nimport _ \"os\"\n"},
		want:  []string{"a/core.go:2: os has no place"},
		right: files{"a/core.go": "package a\n", "a/edge.go": "package a\nimport _ \"os\"\n"},
	},
	{
		name: "package doc",
		rule: archtest.PackageDocs(5),
		bad: files{
			"a/a.go": "package a\n",
			"b/b.go": "// Package b is b.\npackage b\n",
			"c/c.go": doc + "package c\n",
			"c/d.go": "// Package c again.\npackage c\n",
		},
		want:  []string{"a: package has no doc comment", "b/b.go: package doc has under 5 lines", "c/d.go: package has a second doc comment"},
		right: files{"a/a.go": doc + "package a\n", "a/b.go": "package a\n", "b/b_test.go": "package b_test\n"},
	},
	{
		name: "exported doc",
		rule: archtest.ExportedDocs,
		bad: files{
			"a/a.go": "package a\ntype T struct{}\nfunc F() {}\nfunc (t *T) M() {}\nvar V int\nconst C = 1\ntype G[X any] struct{}\nfunc (g *G[X]) N() {}\n",
		},
		want: []string{"T is exported", "F is exported", "T.M is exported", "V is exported", "C is exported", "G is exported", "G.N is exported"},
		right: files{
			"a/a.go": "package a\n// T is.\ntype T struct{}\nfunc (T) String() string { return \"\" }\nfunc f() {}\ntype u struct{}\nfunc (u) M() {}\n// The colours.\nconst (\n\tRed = 1\n)\n",
			"m/m.go": "package main\nfunc F() {}\n",
		},
	},
	{
		name: "marks",
		rule: archtest.NoMarks,
		bad: files{
			"a/a.go":      "package a\n// TO" + "DO: later\n",
			"a/a_test.go": "package a\n/* FIX" + "ME */\n",
			"scripts/s":   "#!/bin/sh\n# XX" + "X\n",
			"README.md":   "TO" + "DO\n",
		},
		want:  []string{"a/a.go:2", "a/a_test.go:2", "scripts/s:2", "README.md:1"},
		right: files{"a/a.go": "package a\n// mkstemp XXXXXX, todos\n"},
	},
	{
		name: "sizes",
		rule: archtest.Sizes(archtest.Limits{FileLines: 14, FuncLines: 3, Params: 2, Methods: 1}),
		bad: files{
			"a/a.go": "package a\nfunc long() {\n\n\n}\nfunc many(a, b int, c string) {}\ntype i interface {\n\tA()\n\tB()\n}\n",
			"a/b.go": "package a\n" + strings.Repeat("\n", 14),
		},
		want: []string{"long has 4 lines", "many takes 3 parameters", "interface i has more than 1", "a/b.go: 15 lines, more than 14"},
		right: files{
			"a/a.go":      "package a\nimport \"context\"\nfunc f(ctx context.Context, a, b int) {\n\n}\ntype i interface {\n\tA()\n}\n",
			"a/a_test.go": "package a\n" + strings.Repeat("\n", 30),
		},
	},
	{
		name: "honest tests",
		rule: archtest.HonestTests,
		bad: files{
			"a/a_test.go": "package a\nfunc TestA(t *testing.T) {\n\ttime.Sleep(1)\n\tt.Skip(\"no broker\")\n\trequire.Eventually(t, f)\n\tt.SkipNow()\n}\n",
		},
		want:  []string{"a/a_test.go:3: time.Sleep", "a/a_test.go:4: a test that can skip", "a/a_test.go:5: Eventually", "a/a_test.go:6: a test that can skip"},
		right: files{"a/a.go": "package a\nfunc f() { time.Sleep(1); s.Skip() }\n"},
	},
	{
		name: "globals",
		rule: archtest.NoGlobals,
		bad: files{
			"a/a.go": "package a\nimport _ \"github.com/prometheus/client_golang/prometheus/promauto\"\nfunc init() {}\nfunc f() {\n\tprometheus.MustRegister(c)\n\thttp.HandleFunc(\"/\", h)\n\tslog.Info(\"x\")\n}\ntype s struct {\n\tctx context.Context\n}\n",
		},
		want:  []string{"promauto registers", "init runs unseen", "default registry", "default mux", "default logger", "a context in a struct"},
		right: files{"a/a.go": "package a\nfunc (a) init() {}\nfunc f(ctx context.Context) { reg.MustRegister(c); log.Info(\"x\") }\n"},
	},
	{
		name: "state",
		rule: archtest.NoState,
		bad: files{
			"a/a.go": "package a\nimport (\n\"sync\"\n\"sync/atomic\"\n)\nvar n int\nvar m = map[int]int{}\nvar s struct{ x int }\nvar mu sync.Mutex\nvar p atomic.Pointer[int]\n",
			"a/b.go": "package a\nfunc f() {\n\tn++\n\tm[1] = 2\n\ts.x = 3\n\tdelete(m, 1)\n\tn = 4\n}\n",
		},
		want: []string{"b.go:3: package-level n changes", "b.go:4: package-level m changes", "b.go:5: package-level s changes", "b.go:6: package-level m changes",
			"b.go:7: package-level n changes", "package-level sync.Mutex", "package-level atomic.Pointer"},
		right: files{
			"a/a.go": "package a\nimport \"sync\"\nvar n = 1\nvar pool sync.Pool\nfunc f() int {\n\tn := n\n\tn++\n\tvar m sync.Mutex\n\tm.Lock()\n\treturn n\n}\n",
		},
	},
	{
		name: "error texts",
		rule: archtest.ErrorTexts,
		bad: files{
			"a/a.go": "package a\nvar e = errors.New(\"failed to open\")\nvar g = fmt.Errorf(\"Open %s\", x)\nvar h = errors.New(\"gone.\")\n",
		},
		want:  []string{"failed to", "begins with a capital", "ends like a sentence"},
		right: files{"a/a.go": "package a\nvar e = fmt.Errorf(\"open %s: %w\", x, err)\nvar g = errors.New(\"SASL is off\")\n"},
	},
	{
		name:  "top level",
		rule:  archtest.TopLevel("go.mod", "a"),
		bad:   files{"a/a.go": "package a\n", "pkg/x.txt": ""},
		want:  []string{"pkg: not one of the entries"},
		right: files{"a/a.go": "package a\n", ".ci/run": "", "bin/tool": ""},
	},
	{
		name:  "names",
		rule:  archtest.Names,
		bad:   files{"a/util.go": "package a\n", "a/issue_12_test.go": "package a\n", "helpers/x.go": "package helpers\n"},
		want:  []string{"\"util\" says nothing", "\"issue\" says nothing", "\"12\" says nothing", "package helpers says nothing"},
		right: files{"a/file.go": "package a\n", "a/utility.go": "package a\n", "a/rule_row.go": "package a\n"},
	},
	{
		name: "links",
		rule: archtest.Links,
		bad: files{
			"README.md":   "[a](docs/a.md) [b](gone.md) [c](docs/a.md#not-there)\n[d](#nowhere)\n",
			"docs/a.md":   "# A title\n[up](../gone.go)\n",
			"docs/b.html": "",
		},
		want: []string{"README.md:1: link leads to gone.md", "no heading #not-there", "README.md:2: README.md has no heading #nowhere", "docs/a.md:2: link leads to gone.go"},
		right: files{
			"README.md": "# Top\n[a](docs/a.md#a-title-with-code) [w](https://example.org/x) [t](#top) [dir](docs)\n```sh\n# [x](y)\n```\n",
			"docs/a.md": "# A title, with `code`\n[up](../README.md)\n",
		},
	},
	{
		name:  "named tests",
		rule:  archtest.NamedTests,
		bad:   files{"README.md": "`TestGone` and `FuzzGone`\n", "a/a_test.go": "package a\nfunc TestThere(t *testing.T) {}\n"},
		want:  []string{"TestGone is not a test", "FuzzGone is not a test"},
		right: files{"README.md": "`TestThere`, not `Tested`\n", "a/a_test.go": "package a\nfunc TestThere(t *testing.T) {}\n"},
	},
	{
		name: "commands",
		rule: archtest.Commands("m", "git"),
		bad: files{
			"README.md": "```sh\nmake nothing\nscripts/gone up\nm fly\ngo run ./cmd/m run --wings\nbin/m\nwhatever\ngit pull && make none\nm run \\\n  --tail\n```\n",
			"Makefile":  "test: ## run\n", "cmd/m/m.go": program,
		},
		want: []string{"no target nothing", "scripts/gone is not there", "no subcommand fly", "no flag --wings", "names no subcommand", "nothing here is called whatever", "no target none", "no flag --tail"},
		right: files{
			"README.md": "```sh\nmake test  # all of it\nX=1 scripts/there up | git log\n$ m run -c x --until-current --table=t\n```\n```yaml\nm: fly\n```\n",
			"Makefile":  "test: ## run\n", "scripts/there": "", "cmd/m/m.go": program,
		},
	},
	{
		name:  "map",
		rule:  archtest.Mapped("MAP.md"),
		bad:   files{"MAP.md": "`b`\n", "a/a.go": "package a\n", "b/b.go": "package b\n", "docs/x.md": ""},
		want:  []string{"the package `a`", "does not name docs", "does not name a ("},
		right: files{"MAP.md": "`a` docs\n", "a/a.go": "package a\n", "docs/x.md": "", "LICENSE": ""},
	},
	{
		name: "metrics",
		rule: archtest.Metrics("docs/metrics.md"),
		bad: files{
			"docs/metrics.md": "`tidemark_gone`, `tidemark_there{table}`\n",
			"a/a.go":          "package a\nvar n = []string{\"tidemark_there\", \"tidemark_secret\"}\n",
		},
		want:  []string{"tidemark_gone is described and does not exist", "tidemark_secret is not described"},
		right: files{"docs/metrics.md": "`tidemark_there{table}`\n", "a/a.go": "package a\nvar n = \"tidemark_there\"\n"},
	},
}

func TestRulesBite(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			got := archtest.Check(load(t, r.bad), nil, r.rule)
			for _, w := range r.want {
				n := 0
				for _, f := range got {
					if strings.Contains(f.String(), w) {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%d findings say %q, want 1", n, w)
				}
			}
			if len(got) != len(r.want) {
				t.Errorf("got %d findings, want %d:\n%v", len(got), len(r.want), got)
			}
			for _, f := range archtest.Check(load(t, r.right), nil, r.rule) {
				t.Errorf("in order, and yet: %s", f)
			}
		})
	}
}

func TestExemptions(t *testing.T) {
	tree := load(t, files{"a/util.go": "package a\n"})
	key := archtest.Exemption{Rule: "names", Key: "a/util.go", Why: "the format is called so"}
	stale := archtest.Exemption{Rule: "names", Key: "a/gone.go", Why: "it was there once"}
	mute := archtest.Exemption{Rule: "names", Key: "a/util.go", Why: ""}
	for _, c := range []struct {
		name   string
		exempt []archtest.Exemption
		want   []string
	}{
		{"none", nil, []string{"says nothing"}},
		{"one that is needed", []archtest.Exemption{key}, nil},
		{"one that nothing needs", []archtest.Exemption{key, stale}, []string{"remove the exemption"}},
		{"one without a reason", []archtest.Exemption{mute}, []string{"gives no reason"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := archtest.Check(tree, c.exempt, archtest.Names)
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			for i, w := range c.want {
				if !strings.Contains(got[i].String(), w) {
					t.Errorf("got %s, want %q", got[i], w)
				}
			}
		})
	}
}

func TestLoadRefusesWhatDoesNotParse(t *testing.T) {
	_, err := archtest.Load(fstest.MapFS{"go.mod": {Data: []byte("module tidemark\n")}, "a/a.go": {Data: []byte("package\n")}})
	if err == nil || !strings.HasPrefix(err.Error(), "parse a/a.go: ") {
		t.Errorf("got error %v, want one that names a/a.go", err)
	}
}

// load makes a tree of files; a go.mod is added.
func load(t *testing.T, content files) *archtest.Tree {
	t.Helper()
	fsys := fstest.MapFS{"go.mod": {Data: []byte("module tidemark\n")}}
	for _, p := range slices.Sorted(maps.Keys(content)) {
		fsys[p] = &fstest.MapFile{Data: []byte(content[p])}
	}
	tree, err := archtest.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
