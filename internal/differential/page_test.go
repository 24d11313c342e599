package differential_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

const page = "../../docs/differential.md"

var write = flag.Bool("write", false, "write the tables of docs/differential.md anew")

// checkPage asserts that the page says of a format what was observed, or writes it.
func checkPage(t *testing.T, format string, all []compared) {
	t.Helper()
	text, err := os.ReadFile(page)
	must(t, err)
	after, err := rewrite(string(text), strings.ToUpper(format), report(all))
	must(t, err)
	switch {
	case after == string(text):
	case *write && !t.Failed():
		must(t, os.WriteFile(page, []byte(after), 0o644))
	default:
		t.Errorf("docs/differential.md does not say what was observed of %s: write it anew: go test ./internal/differential -run TestFiles -write", format)
	}
}

// begins and ends stand around what is written.
const begins, ends = "<!-- %s: written by go test ./internal/differential -write -->\n", "<!-- end -->\n"

// rewrite puts text in the place of what the page has between the two.
func rewrite(page, title, text string) (string, error) {
	begins := fmt.Sprintf(begins, title)
	before, rest, ok := strings.Cut(page, begins)
	_, after, closed := strings.Cut(rest, ends)
	if !ok || !closed {
		return "", fmt.Errorf("the page has no place for %s", title)
	}
	return before + begins + text + ends + after, nil
}

// report is a table of the files on which readers differ, and a list of the others.
func report(all []compared) string {
	var table strings.Builder
	var alike []string
	table.WriteString("\n| file | Tidemark | DuckDB | pyarrow |\n|---|---|---|---|\n")
	for i := range all {
		c := &all[i]
		if c.why == (difference{}) {
			alike = append(alike, c.name)
			continue
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", cellOf(c.name), c.tidemark(), cellOf(c.said(&c.duckdb, c.why.duckdb)), cellOf(c.said(&c.pyarrow, c.why.pyarrow)))
	}
	fmt.Fprintf(&table, "\nNo difference (%d of %d files): %s.\n\n", len(alike), len(all), strings.Join(alike, " · "))
	return table.String()
}

// said is what the page says of a reader.
func (c *compared) said(r *result, why string) string {
	if why == "" {
		return c.relation(r)
	}
	if r.Error != "" {
		return "refuses the file: " + why
	}
	if c.refused() {
		return count(len(r.Rows), "row") + ": " + why
	}
	return "other rows: " + why
}

// cellOf is a text within a table.
func cellOf(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func TestRewrite(t *testing.T) {
	const have = "# Page\n" + "<!-- CSV: written by go test ./internal/differential -write -->\nold\n<!-- end -->\ntext\n"
	got, err := rewrite(have, "CSV", "new\n")
	if want := strings.Replace(have, "old", "new", 1); got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, bad := range []string{"# Page\n", strings.Replace(have, "<!-- end -->", "", 1), strings.Replace(have, "CSV", "JSON", 1)} {
		if _, err := rewrite(bad, "CSV", "new\n"); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}
