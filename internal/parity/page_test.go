package parity_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var write = flag.Bool("write", false, "write the table of cases into docs/parity.md")

const (
	page = "../../docs/parity.md"
	// The tables of the page, by their heads: the cases, and the reasons.
	casesHead   = "| case | what is wrong | Tidemark finds | Spark / Tidemark | why |\n|---|---|---|---|---|\n"
	reasonsHead = "| reason | Spark | Tidemark | why |\n|---|---|---|---|\n"
)

// said is what is expected of a case.
type said struct {
	finds  []string // what Tidemark finds wrong, by table; none: nothing
	differ []string // as Spark has it / as Tidemark has it; none: both are alike
	why    []string // the reasons for that, by their names
}

// expected reads testdata/expected.txt, whose head says what stands in it.
func expected(t *testing.T) map[string]said {
	t.Helper()
	data, err := os.ReadFile("testdata/expected.txt")
	must(t, err)
	out := map[string]said{}
	blocks := strings.Split(strings.TrimSpace(string(data)), "\n\n")
	for _, block := range blocks[1:] {
		lines := strings.Split(block, "\n")
		var s said
		for _, line := range lines[1:] {
			kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			to := map[string]*[]string{"finds": &s.finds, "differ": &s.differ, "why": &s.why}[kind]
			if to == nil {
				t.Fatalf("testdata/expected.txt, %s: %q is neither finds nor differ nor why", lines[0], line)
			}
			*to = append(*to, strings.TrimSpace(rest))
		}
		if _, twice := out[lines[0]]; twice {
			t.Fatalf("testdata/expected.txt has two cases %q", lines[0])
		}
		out[lines[0]] = s
	}
	return out
}

// row is the row of a case in the page.
func (d *dirt) row(s said) string {
	finds, differ := s.finds, s.differ
	if len(finds) == 0 {
		finds = []string{"nothing"}
	}
	if len(differ) == 0 {
		differ = []string{"alike"}
	}
	join := func(lines []string) string { return strings.Join(lines, "<br>") }
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", d.name, d.says, join(finds), join(differ), strings.Join(s.why, ", "))
}

// rows are those of a table of a page.
func rows(text, head string) ([]string, error) {
	_, rest, ok := strings.Cut(text, head)
	if !ok {
		return nil, fmt.Errorf("the page has no table %q", head)
	}
	var out []string
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		out = append(out, line)
	}
	return out, nil
}

// The page has the row of every case, as testdata/expected.txt says it, and a reason
// for each difference. That this is what comes of them, TestParity shows.
func TestPage(t *testing.T) {
	data, err := os.ReadFile(page)
	must(t, err)
	text, all := string(data), expected(t)
	var want []string
	for _, d := range append([]dirt{clean()}, cases()...) {
		want = append(want, d.row(all[d.name]))
	}
	got, err := rows(text, casesHead)
	must(t, err)
	if *write {
		text = strings.Replace(text, casesHead+strings.Join(got, ""), casesHead+strings.Join(want, ""), 1)
		must(t, os.WriteFile(page, []byte(text), 0o644))
		got = want
	}
	if !slices.Equal(got, want) {
		t.Error("docs/parity.md has another table than testdata/expected.txt: go test ./internal/parity -run TestPage -write")
	}
	reasons, err := rows(text, reasonsHead)
	must(t, err)
	var given []string
	for _, r := range reasons {
		given = append(given, strings.TrimSpace(strings.Split(r, "|")[1]))
	}
	used := map[string]bool{}
	for name, s := range all {
		for _, why := range s.why {
			used[why] = true
			if !slices.Contains(given, why) {
				t.Errorf("docs/parity.md gives no reason %q, which %q has", why, name)
			}
		}
	}
	for _, name := range given {
		if !used[name] {
			t.Errorf("docs/parity.md gives a reason that no case has: %q", name)
		}
	}
}

// Each case has a name of its own, dirties its files, and has a reason if and only if
// it differs.
func TestCasesAreWhole(t *testing.T) {
	all := expected(t)
	seen := map[string]bool{"clean": true}
	for _, d := range cases() {
		if seen[d.name] {
			t.Errorf("two cases are called %q", d.name)
		}
		seen[d.name] = true
		untouched := dirt{table: d.table, csv: d.csv}
		if !strings.HasSuffix(d.says, ".") || maps.EqualFunc(d.files(t), untouched.files(t), bytes.Equal) {
			t.Errorf("%s: want a sentence, and files that are not as they were", d.name)
		}
	}
	for name, s := range all {
		if !seen[name] || (len(s.differ) > 0) != (len(s.why) > 0) {
			t.Errorf("%q: want a case of that name, and a reason where it differs: %d differences, %d reasons", name, len(s.differ), len(s.why))
		}
	}
	if len(seen) < 31 || len(all) != len(seen) {
		t.Errorf("%d cases, and of %d it is said what comes of them; want the clean bank and 30 ways to dirty it, or more", len(seen), len(all))
	}
}
