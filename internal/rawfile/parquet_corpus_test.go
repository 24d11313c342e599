package rawfile_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestParquetCorpus keeps the smaller ones of the crafted files where tests of the program
// find them. What is written anew with -rewrite is a file that this test was changed for.
func TestParquetCorpus(t *testing.T) {
	folder := filepath.Join("testdata", "bad", "parquet")
	kept := map[string]bool{}
	for name, c := range badParquet() {
		if len(c.file) > 4096 {
			continue
		}
		path := filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".parquet")
		kept[path] = true
		if flag.Lookup("rewrite").Value.String() == "true" {
			must(t, os.WriteFile(path, []byte(c.file), 0o644))
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.file {
			t.Errorf("%s is not the crafted file (%v): run this test with -rewrite", path, err)
		}
	}
	there, err := filepath.Glob(filepath.Join(folder, "*"))
	must(t, err)
	for _, path := range there {
		if !kept[path] {
			t.Errorf("%s is no crafted file: remove it", path)
		}
	}
}
