package status

import (
	_ "embed" // the page
	"html/template"
	"io"
	"strings"

	"tidemark/internal/ledger"
)

//go:embed page.html
var pageHTML string

// Page writes the document as a web page that needs nothing else and renews itself.
func Page(w io.Writer, d Document) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"number": Number, "optional": optional, "size": Size, "share": Share, "moment": moment,
		"ago":   func(t *ledger.Time) string { return ago(t, d.At) },
		"time":  func(t ledger.Time) string { return moment(&t) },
		"lower": strings.ToLower,
		"join":  func(s []string) string { return strings.Join(s, ", ") },
		"fates": fates,
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.Execute(w, d)
}

type fate struct {
	Name  string
	Count int64
}

func fates(c ledger.Counts) []fate {
	return []fate{{"written", c.Written}, {"late", c.Late}, {"quarantined", c.Quarantined}, {"duplicate", c.Duplicate}, {"filtered", c.Filtered}}
}
