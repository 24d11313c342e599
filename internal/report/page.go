package report

import (
	_ "embed" // the page
	"html/template"
	"io"

	"tidemark/internal/ledger"
	"tidemark/internal/status"
)

//go:embed page.html
var pageHTML string

// longTable is how many rows of a table are shown at once: longer ones open by a click.
const longTable = 31

// Page writes the document as one web page that needs nothing else: no script, no
// font, no picture from elsewhere, and a policy in its head that allows none.
func (d Document) Page(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"number": status.Number, "count": status.Count, "size": status.Size, "share": status.Share, "plain": status.Plain,
		"moment": moment, "time": func(t ledger.Time) string { return moment(&t) }, "dash": dash, "sum": sum,
		"len64":   func(n int) int64 { return int64(n) },
		"long":    func(n int) bool { return n > longTable },
		"days":    (*Summary).dayPlot,
		"decided": (*Summary).decidedPlot,
		"steps":   (*Summary).stepPlot,
		"check":   func(s *Summary, c Check) plot { return s.checkPlot(&c) },
		"null":    func(s *Summary, n Null) plot { return s.nullPlot(&n) },
		"place":   func(s ledger.Source) string { return s.Key().Place() },
		"state":   func(s ledger.Source) string { return sourceState(&s) },
		"nulls":   nullsOf,
		"outputs": func(b DayBatch) Outputs { return b.outputs() },
		"all":     func(o Outputs) Size { return o.all() },
		"class":   class,
		"balance": ledger.Counts.Balance,
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.Execute(w, d)
}

// class is the style of a verdict.
func class(verdict string) string {
	switch badness(verdict) {
	case badness("PASS"):
		return "pass"
	case badness("WARN"):
		return "warn"
	case badness("FAIL"):
		return "fail"
	}
	return "soft"
}
