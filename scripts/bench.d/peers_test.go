package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"tidemark/internal/scripttest"
)

// A tool that has written something else than it should ends the benchmark, and what
// Iceberg's table holds is what its present snapshot says.
func TestPeersStreams(t *testing.T) {
	const head = "import sys, types\nsys.path.append('..')\nsys.modules['duckdb'] = types.ModuleType('duckdb')\nfrom streams import *\nfrom measure import Result\n" +
		"kinds = {'good': 90, 'late': 4, 'failing': 5, 'broken': 1}\n" +
		"tools = [Tidemark('', '', ''), Spark('', '', '', ''), Iceberg('', '', '', kinds), Raw('', '', '')]\n" +
		"def check(*counts):\n" +
		"  try: print(right(tools, kinds)({t.name: Result(1, 1, 1, 0, c) for t, c in zip(tools, counts)}, 100))\n" +
		"  except Failed as e: print(e)\n" +
		"def table(now): return {'current-snapshot-id': now, 'snapshots': [{'snapshot-id': i, 'summary': {'total-records': str(i * 10)}} for i in (1, 2)]}\n"
	for _, c := range []struct{ name, script, want string }{
		{"right", "check({'passed': 94, 'rejected': 6}, {'passed': 94, 'rejected': 6}, {'passed': 99, 'committed': 99}, {'read': 100})", "None\n"},
		{"one row less", "check({'passed': 93, 'rejected': 6}, {'passed': 94, 'rejected': 6}, {'passed': 99, 'committed': 99}, {'read': 100})",
			"Tidemark has written {'passed': 93, 'rejected': 6}, not {'passed': 94, 'rejected': 6}\n"},
		{"files that are not committed", "check({'passed': 94, 'rejected': 6}, {'passed': 94, 'rejected': 6}, {'passed': 100, 'committed': 99}, {'read': 100})",
			"Iceberg sink, no checks has written {'passed': 100, 'committed': 99}, not {'passed': 99, 'committed': 99}\n"},
		{"no check of broken events", "check({'passed': 94, 'rejected': 6}, {'passed': 95, 'rejected': 5}, {'passed': 99, 'committed': 99}, {'read': 100})",
			"Spark, row checks has written {'passed': 95, 'rejected': 5}, not {'passed': 94, 'rejected': 6}\n"},
		{"snapshot", "print(total(table(2)), total(table(1)), total(table(-1)), total({}))", "20 10 0 0\n"},
	} {
		cmd := exec.Command("python3", "-B", "-c", head+c.script)
		cmd.Dir = filepath.Join(scripttest.Path(t, "bench.d"), "peers")
		out, err := cmd.CombinedOutput()
		if got := string(out); got != c.want || err != nil {
			t.Errorf("%s: got %v, %s, want %s", c.name, err, got, c.want)
		}
	}
}
