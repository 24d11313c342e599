package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/internal/scripttest"
)

// All tools do the whole work on all files, and count the same.
func TestFiles(t *testing.T) {
	out := scripttest.Run(t, "bench-files", "--rows", "5000", "--rounds", "1", "--no-wait", "--dir", t.TempDir())
	for _, input := range []string{"csv", "csv.zst", "ndjson", "ndjson.zst"} {
		for _, tool := range []string{"Tidemark", "DuckDB", "Polars"} {
			if want := "\n| " + input + " | " + tool; strings.Count(out, want) == 0 {
				t.Errorf("no line %q in\n%s", want, out)
			}
		}
	}
	if want := "All wrote 4,996 of 5,000 rows. category: 1, null: 1, range: 1, reference: 1, unique: 1\n"; !strings.Contains(out, want) {
		t.Errorf("got\n%s\nwant %s", out, want)
	}
}

// What differs between tools, or is lost, ends the benchmark.
func TestFilesRounds(t *testing.T) {
	const counted = "counts = {'written': 8, 'null': 2, 'category': 3}\n" +
		"def r(s, **other): return Result(s, 2 * s, 100 << 20, 0.0, {**counts, **other})\n"
	for _, c := range []struct{ name, script, want string }{
		{"same", "print(same({'Tidemark': r(1), 'DuckDB': r(2)}, 10))", "{'written': 8, 'null': 2, 'category': 3}"},
		{"other verdict", "same({'Tidemark': r(1), 'DuckDB': r(2, written=9, null=1)}, 10)", "Failed: DuckDB counts"},
		{"other warning", "same({'Tidemark': r(1), 'DuckDB': r(2), 'Polars': r(2, category=0)}, 10)", "Failed: Polars counts"},
		{"lost", "same({'Tidemark': r(1), 'DuckDB': r(2)}, 11)", "Failed: Tidemark accounts for 10 rows of 11"},
	} {
		cmd := exec.Command("python3", "-B", "-c", "import sys\nsys.path.append('..')\nfrom files import *\nfrom measure import Result\n"+counted+c.script)
		cmd.Dir = filepath.Join(scripttest.Path(t, "bench.d"), "files")
		out, err := cmd.CombinedOutput()
		if got := string(out); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %v, %s, want %s", c.name, err, got, c.want)
		}
	}
}
