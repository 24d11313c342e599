package teeth

import (
	"fmt"
	"slices"
	"strings"
)

// Bite is a suite that caught a tooth.
type Bite struct {
	Suite
	Outcome Outcome // Failed or Stood
	By      string  // the test that failed, or stood still
}

func (b Bite) String() string {
	text := "`" + b.Package + "` " + b.By
	if b.BlackBox {
		text += " (the built program)"
	}
	if b.Outcome == Stood {
		text += " (by standing still)"
	}
	return text
}

// head begins the table. Whoever looks for it knows what is ours in a page.
const head = "| bug | rule | caught by | what a user would have seen |\n|---|---|---|---|\n"

// Row is the line of a tooth in the table, with the suites that caught it.
func Row(t Tooth, bites []Bite) string {
	bites = slices.Clone(bites)
	slices.SortStableFunc(bites, func(a, b Bite) int { return place(t, a) - place(t, b) })
	var by []string
	for _, b := range bites {
		by = append(by, b.String())
	}
	return fmt.Sprintf("| [%s](../internal/teeth/testdata/%s.txt) | %s | %s | %s |\n", t.Name, t.Name, t.Rule, strings.Join(by, " · "), t.Seen)
}

// place is where the tooth names a suite: the table keeps that order.
func place(t Tooth, b Bite) int { return slices.Index(t.Suites, b.Suite) }

// Table is the table of rows.
func Table(rows []string) string { return head + strings.Join(rows, "") }

// Rows are the rows of the table in a page.
func Rows(page string) ([]string, error) {
	_, rest, ok := strings.Cut(page, head)
	if !ok {
		return nil, fmt.Errorf("read page: there is no table that begins %q", strings.SplitN(head, "\n", 2)[0])
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

// Rewrite puts rows in the place of those of a page.
func Rewrite(page string, rows []string) (string, error) {
	old, err := Rows(page)
	if err != nil {
		return "", err
	}
	return strings.Replace(page, Table(old), Table(rows), 1), nil
}
