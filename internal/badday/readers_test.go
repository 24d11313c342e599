package badday_test

import (
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"tidemark/internal/ledger"
)

// testReaders: DuckDB, pyarrow and Polars read what the program left, by a plain
// glob, and agree on every value; make setup installs them. Their counts are those of
// what was produced.
func testReaders(t *testing.T, h *house) {
	tp := h.newTopic(t, "readers", 3)
	tp.produce(3000)
	j := h.newJob(t, tp)
	j.set.maxRows = 700
	j.run(0, j.drain())
	tp.produce(300)
	j.run(0, j.drain())
	j.check(tp.sent)
	counted := regexp.MustCompile(`(?m)^(duckdb|pyarrow|polars) +(\d+) rows`)
	sums := map[string]int{}
	for _, o := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
		out, err := exec.Command("../../scripts/readers", "check", string(j.lake), o.Dir(table)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", o, err, out)
		}
		for _, m := range counted.FindAllStringSubmatch(string(out), -1) {
			n, err := strconv.Atoi(m[2])
			if err != nil || n == 0 {
				t.Errorf("%s finds %q rows in %s", m[1], m[2], o)
			}
			sums[m[1]] += n
		}
	}
	for _, reader := range []string{"duckdb", "pyarrow", "polars"} {
		if got, want := sums[reader], len(tp.sent); got != want {
			t.Errorf("%s sees %d rows, want %d", reader, got, want)
		}
	}
}
