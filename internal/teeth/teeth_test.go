package teeth_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"tidemark/internal/teeth"
)

const pageName = "docs/teeth.md"

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func load(t *testing.T) []teeth.Tooth {
	t.Helper()
	all, err := teeth.Load(os.DirFS("."), "testdata")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func page(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(t), pageName))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// T1: every tooth fits the source as it is.
func TestTeethFit(t *testing.T) {
	for _, tooth := range load(t) {
		if _, err := tooth.Apply(os.DirFS(root(t))); err != nil {
			t.Error(err)
		}
		for _, e := range tooth.Edits {
			if !strings.HasSuffix(e.File, ".go") || strings.HasSuffix(e.File, "_test.go") {
				t.Errorf("%s: %s is no source of the program", tooth.Name, e.File)
			}
		}
		for i, line := range tooth.Story {
			if len(line) > 120 {
				t.Errorf("%s: line %d of the story has %d characters, more than 120", tooth.Name, i+1, len(line))
			}
		}
	}
}

func TestStaleTeeth(t *testing.T) {
	module := fstest.MapFS{"a/a.go": {Data: []byte("one two two")}}
	for _, c := range []struct {
		old   string
		times int
	}{{"two", 2}, {"three", 0}} {
		tooth := teeth.Tooth{Name: "x", Edits: []teeth.Edit{{File: "a/a.go", Old: "one", New: "1"}, {File: "a/a.go", Old: c.old, New: "y"}}}
		_, err := tooth.Apply(module)
		var stale *teeth.StaleError
		if !errors.As(err, &stale) || stale.Times != c.times {
			t.Errorf("%s: got %v, want it stale with %d", c.old, err, c.times)
		}
	}
	tooth := teeth.Tooth{Name: "x", Edits: []teeth.Edit{{File: "a/a.go", Old: "one", New: "1"}, {File: "a/a.go", Old: "1 two", New: "12"}}}
	got, err := tooth.Apply(module)
	if err != nil || got["a/a.go"] != "12 two" {
		t.Errorf("got %q, %v, want the second edit made in what the first left", got, err)
	}
}

func TestParse(t *testing.T) {
	const head = "Rows are lost\nwhen it rains.\nrule: R1\nseen: rows lost\nsuite: a TestX/y\nblack box: b TestZ\n"
	const whole = head + "-- a/a.go --\n\told\n-- becomes --\n\tnew\n\n\tnewer\n-- a/b.go --\nx\n-- becomes --\n"
	got, err := teeth.Parse("rain", whole)
	if err != nil {
		t.Fatal(err)
	}
	want := teeth.Tooth{
		Name: "rain", Story: [2]string{"Rows are lost", "when it rains."}, Rule: "R1", Seen: "rows lost",
		Suites: []teeth.Suite{{Package: "a", Test: "TestX/y"}, {Package: "b", Test: "TestZ", BlackBox: true}},
		Edits:  []teeth.Edit{{"a/a.go", "\told", "\tnew\n\n\tnewer"}, {"a/b.go", "x", ""}},
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for why, change := range map[string][2]string{
		"one line of story":   {"when it rains.\n", ""},
		"unknown key":         {"rule: R1", "moon: full"},
		"no rule":             {"rule: R1\n", ""},
		"nothing seen":        {"seen: rows lost\n", ""},
		"no quick suite":      {"suite: a TestX/y\n", ""},
		"suite without test":  {"suite: a TestX/y", "suite: a"},
		"no value":            {"rule: R1", "rule"},
		"no edits":            {strings.TrimPrefix(whole, head), ""},
		"half a marker":       {"-- a/b.go --", "-- a/b.go"},
		"no new text":         {"-- becomes --\n\tnew\n\n\tnewer\n", ""},
		"last has no new one": {"x\n-- becomes --\n", "x\n"},
		"two new texts":       {"\told\n", "\told\n-- becomes --\nz\n"},
		"no change":           {"\tnew\n\n\tnewer", "\told"},
	} {
		if _, err := teeth.Parse("rain", strings.Replace(whole, change[0], change[1], 1)); err == nil {
			t.Errorf("%s: got no error", why)
		}
	}
}

// The page has the row of every tooth, and no other.
func TestPageNamesTheTeeth(t *testing.T) {
	rows, err := teeth.Rows(page(t))
	if err != nil {
		t.Fatal(err)
	}
	const again = "write it anew: go test ./internal/teeth -long -write -timeout 2h"
	for _, tooth := range load(t) {
		begin := teeth.Row(tooth, nil)
		begin, end, _ := strings.Cut(begin, " |  | ")
		i := slices.IndexFunc(rows, func(r string) bool { return strings.HasPrefix(r, begin+" | ") && strings.HasSuffix(r, " | "+end) })
		if i < 0 {
			t.Errorf("%s has no row for %s, or another rule, or another thing seen: %s", pageName, tooth.Name, again)
			continue
		}
		for _, s := range tooth.Suites {
			want := teeth.Bite{Suite: s, Outcome: teeth.Failed, By: s.Test}.String()
			want, _, _ = strings.Cut(want, " (")
			if !strings.Contains(rows[i], want) {
				t.Errorf("%s does not say that %s is caught by %s: %s", pageName, tooth.Name, s, again)
			}
		}
		rows = slices.Delete(rows, i, i+1)
	}
	for _, r := range rows {
		t.Errorf("%s has a row that no tooth made: %s", pageName, r)
	}
}

func TestTable(t *testing.T) {
	one := teeth.Suite{Package: "a", Test: "TestX"}
	two := teeth.Suite{Package: "b", Test: "TestY", BlackBox: true}
	tooth := teeth.Tooth{Name: "rain", Rule: "R1", Seen: "rows lost", Suites: []teeth.Suite{one, two}}
	row := teeth.Row(tooth, []teeth.Bite{{two, teeth.Stood, "TestY/z"}, {one, teeth.Failed, "TestX"}})
	want := "| [rain](../internal/teeth/testdata/rain.txt) | R1 | `a` TestX · `b` TestY/z (the built program) (by standing still) | rows lost |\n"
	if row != want {
		t.Errorf("got  %swant %s", row, want)
	}
	before := "# Page\n\n" + teeth.Table([]string{"| old |\n", "| older |\n"}) + "\nMore.\n"
	after, err := teeth.Rewrite(before, []string{row})
	if want := "# Page\n\n" + teeth.Table([]string{row}) + "\nMore.\n"; err != nil || after != want {
		t.Errorf("got %q, %v, want %q", after, err, want)
	}
	if _, err := teeth.Rewrite("# Page\n", nil); err == nil {
		t.Error("a page without the table: got no error")
	}
}
