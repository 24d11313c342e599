package writer_test

import (
	"os"
	"path/filepath"
	"testing"

	"tidemark/internal/ledger"
	"tidemark/writer"
)

// The columns of each output, in their order, as a file itself tells them.
func TestSchemaOfEachOutput(t *testing.T) {
	m := newMaker(60)
	b := m.make(allTypes(), 600)
	m.fates()
	lake, files := write(t, writer.Options{}, b, build("b1"))
	seen := map[ledger.Output]bool{}
	for _, f := range files {
		golden := filepath.Join("testdata", "schema", string(f.Output)+".txt")
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got := open(t, lake, f).Schema().String() + "\n"; got != string(want) {
			t.Errorf("%s: got\n%s\nwant, as in %s\n%s", f.Path, got, golden, want)
		}
		seen[f.Output] = true
	}
	if len(seen) != 3 {
		t.Errorf("got outputs %v, want all three", seen)
	}
}

// What is required by the table's schema is so in the file, whatever a batch holds;
// all files of a table have one schema.
func TestSchemaDoesNotDependOnTheBatch(t *testing.T) {
	m := newMaker(61)
	m.nulls = 0
	lake, files := write(t, writer.Options{}, m.make(allTypes(), 100), build("b1"))
	want := open(t, lake, files[0]).Schema().String()
	m.nulls = 1
	lake, files = write(t, writer.Options{}, m.make(allTypes(), 100), build("b2"))
	if got := open(t, lake, files[0]).Schema().String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	table := allTypes()
	for i := range table.Columns {
		table.Columns[i].Required = true
	}
	m.nulls = 0
	lake, files = write(t, writer.Options{}, m.make(table, 100), build("b3"))
	for _, c := range open(t, lake, files[0]).Root().Columns()[:len(table.Columns)] {
		if !c.Required() {
			t.Errorf("column %s is optional", c.Name())
		}
	}
}
