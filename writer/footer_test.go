package writer_test

import (
	"slices"
	"strings"
	"testing"

	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/writer"
)

// Columns tells of a file what the table was that it is of.
func TestColumnsOfAFile(t *testing.T) {
	table := allTypes()
	table.Columns = append(table.Columns, schema.Column{Name: "doc", Type: schema.Type{Kind: schema.String, JSON: true}})
	m := newMaker(62)
	b := m.make(table, 200)
	m.fates()
	lake, files := write(t, writer.Options{}, b, build("b1"))
	var want []ledger.Column
	for _, c := range table.Columns {
		want = append(want, ledger.Column{Name: c.Name, Type: strings.Replace(c.Type.String(), "json", "string", 1), Required: c.Required})
	}
	for _, f := range files {
		if f.Output == ledger.Quarantine {
			continue
		}
		in, size, err := lake.Open(t.Context(), f.Staged)
		if err != nil {
			t.Fatal(err)
		}
		got, err := writer.Columns(in, size)
		if err != nil || !slices.EqualFunc(got, want, ledger.Column.Equal) {
			t.Errorf("%s: got %v, %v, want %v", f.Output, got, err, want)
		}
	}
	if _, err := writer.Columns(strings.NewReader("PAR1 and no more"), 16); err == nil {
		t.Error("no error for what is no file")
	}
}
