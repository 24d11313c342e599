package main

import (
	"os/exec"
	"testing"

	"tidemark/internal/scripttest"
)

// The table is of the median, and its ratios are of rates.
func TestMeasureTable(t *testing.T) {
	const results = "def r(s, **other): return Result(s, 2 * s, 100 << 20, 0.0, {})._replace(**other)\n" +
		"works = [Work('csv', 'f', 10**6, 5 * 10**8, [], None)]\n" +
		"def show(*tools): print(*table({'csv': dict(zip(('Tidemark', 'DuckDB'), tools))}, works), sep='\\n')\n"
	for _, c := range []struct{ name, script, want string }{
		{"files", "show([r(2), r(1), r(4)], [r(5), r(1), r(9, others=0.2)])",
			"| input | tool | s | of all rounds | rows/s | MB/s | CPU s | rows per CPU second | peak MiB | Tidemark is, by the clock | by CPU |\n" +
				"|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n" +
				"| csv | Tidemark | 2.00 | 1.00 to 4.00 | 500,000 | 250 | 4.00 | 250,000 | 100 | 1.00 × | 1.00 × |\n" +
				"| csv | DuckDB (not quiet) | 5.00 | 1.00 to 9.00 | 200,000 | 100 | 10.00 | 100,000 | 100 | 2.50 × | 2.50 × |\n"},
		{"a broker", "show([r(2, broker=0.5)], [r(1)])",
			"| input | tool | s | of all rounds | rows/s | MB/s | CPU s | broker CPU s | rows per CPU second | peak MiB | Tidemark is, by the clock | by CPU |\n" +
				"|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n" +
				"| csv | Tidemark | 2.00 | 2.00 to 2.00 | 500,000 | 250 | 4.00 | 0.50 | 250,000 | 100 | 1.00 × | 1.00 × |\n" +
				"| csv | DuckDB | 1.00 | 1.00 to 1.00 | 1,000,000 | 500 | 2.00 |  | 500,000 | 100 | 0.50 × | 0.50 × |\n"},
	} {
		if got := python(t, results+c.script); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// tool is a tool of the benchmark that a shell runs.
const tool = `
import sys, tempfile
class Tool:
    name, folder, environment = "tool", tempfile.mkdtemp() + "/out", None
    def __init__(self, script): self.script = script
    def prepare(self): pass
    def command(self, work): return ["sh", "-c", self.script]
    def counts(self, work, printed): return {"printed": printed.strip()}
work = Work("csv", "f", 1, 1, [], None)
adopt()
hog = sys.executable + " -c 'b = bytearray(64 << 20)\nimport time\nwhile time.process_time() < 0.5: pass\ntime.sleep(1)'"
`

// All processes of a tool are measured, also those that its first one leaves behind; a
// service is done when its rows have arrived, and then told to end.
func TestMeasureProcesses(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"one", "r = measure(Tool('echo 7; exec ' + hog), work)\n" +
			"print(r.counts['printed'], r.seconds > 0.9, 0.4 < r.cpu < 2, 64 < r.peak >> 20 < 100)", "7 True True True\n"},
		{"left behind", "r = measure(Tool(f'{hog} & echo 7; sleep 0.3'), work)\n" +
			"print(r.counts['printed'], 0.4 < r.cpu < 2, 64 < r.peak >> 20 < 100)", "7 True True\n"},
		{"two at once", "r = measure(Tool(f'{hog} & {hog} & wait'), work)\nprint(0.9 < r.cpu < 3, 128 < r.peak >> 20 < 200)", "True True\n"},
		{"service", "class Service(Tool):\n    def arrived(self, work): return used(tree(os.getpid())[1:]) > 0.4\n" +
			"r = measure(Service(hog + '; sleep 1000'), work)\nprint(0.4 < r.cpu < 2, tree(os.getpid())[1:])", "True []\n"},
		{"service that ends", "class Service(Tool):\n    def arrived(self, work): return False\n" +
			"try: measure(Service('echo why >&2; exit 3'), work)\nexcept Failed as e: print(e)", "tool ended with 3 before it was done:\nwhy\n\n"},
		{"failure", "try: measure(Tool('echo why >&2; exit 3'), work)\nexcept Failed as e: print(e)", "tool ended with 3 on csv:\nwhy\n\n"},
	} {
		if got := python(t, tool+c.script); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// python runs a script that has all of measure.py.
func python(t *testing.T, script string) string {
	t.Helper()
	cmd := exec.Command("python3", "-B", "-c", "from measure import *\n"+script)
	cmd.Dir = scripttest.Path(t, "bench.d")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v", err)
	}
	return string(out)
}
