package rawfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// The corpus of bad and odd files, and what becomes of each. Whether a record that is
// handed on fits a table is tested in package conform.
func TestCorpus(t *testing.T) {
	datadriven.RunTest(t, "testdata/bad.txt", func(t *testing.T, d *datadriven.TestData) string {
		o := options()
		o.Columns = []string{"id", "name"}
		files, err := os.ReadDir(filepath.Join("testdata", "bad", d.Cmd))
		must(t, err)
		var out strings.Builder
		for _, f := range files {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := read(t, filepath.Join("testdata", "bad", d.Cmd, f.Name()), o)
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
				t.Errorf("%s: %d bytes were allocated", f.Name(), n)
			}
			fmt.Fprintf(&out, "%q:\n", f.Name())
			for _, r := range got.records {
				shown := strconv.QuoteToASCII(r.text)
				if len(shown) > 60 {
					shown = fmt.Sprintf("%s… (%d bytes)", shown[:60], len(r.text))
				}
				fmt.Fprintf(&out, "  %d %s %s\n", r.number, shown, r.defect)
			}
			if got.err != nil {
				text := got.err.Error()
				if i := strings.Index(text, "/testdata/"); i >= 0 {
					text = text[i+1:]
				}
				fmt.Fprintf(&out, "  error: %s\n", text)
			}
		}
		return strings.ReplaceAll(out.String(), " \n", "\n")
	})
}
