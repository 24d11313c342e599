package differential_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// catalogued is a line of the catalogue of bad input.
type catalogued struct {
	line string // the input, as the catalogue has it
	// corpus are beginnings of names in conform's corpus: those go through the program as
	// lines of one file (testCorpus).
	corpus string
	files  []badFile
	// other says what tests the line, or a part of it, that a file cannot have, or not so
	// that a run of the program meets it: "package Test", several with commas.
	other string
}

// badFile is a file of such a line, and what becomes of it.
type badFile struct {
	name     string // as it lies there
	data     string
	from     string                        // instead of data: a file below internal/rawfile/testdata/bad
	makes    func(t *testing.T, in string) // instead of data: makes what lies in a folder
	made     bool                          // instead of data: testdata/parquet.py makes it
	columns  string                        // empty: id and name
	settings *settings
	more     string // lines of the table
	column   map[string]string

	rows     int    // that are accepted
	rejected string // the reasons of the others
	filtered int
	fails    string // the file fails, and says so
	log      string // what else is said
	want     string // the first accepted row
}

// testCatalogue puts each file through the program, between files that are good.
func testCatalogue(t *testing.T, program string) {
	root := t.TempDir()
	lake := filepath.Join(root, "lake")
	idle := (&backfill{program: program, dir: root, lake: lake, table: "idle", columns: columnsOf("id name"), weighed: true}).run(t, neighbour(t, root, "x", 1))
	if out, err := exec.Command(python, "testdata/parquet.py", root).CombinedOutput(); err != nil {
		t.Fatalf("make Parquet files: %v\n%s", err, out)
	}
	fates := corpusFates(t)
	var all []*badRun
	lines := map[string]bool{}
	for _, l := range catalogue() {
		if lines[l.line] {
			t.Errorf("the line %q is there twice", l.line)
		}
		lines[l.line] = true
		if l.corpus == "" && len(l.files) == 0 && l.other == "" {
			t.Errorf("nothing is tested of %q", l.line)
		}
		checkOther(t, l.other)
		checkCorpus(t, fates, l.corpus)
		for i := range l.files {
			n := strconv.Itoa(len(all))
			all = append(all, &badRun{badFile: &l.files[i], line: l.line, dir: filepath.Join(root, n), table: "t" + n})
		}
	}
	t.Run("files", func(t *testing.T) {
		for _, r := range all {
			t.Run(r.badFile.name, func(t *testing.T) {
				t.Parallel()
				r.start(t, program, lake)
			})
		}
	})
	var jobs []job
	for _, r := range all {
		jobs = append(jobs, job{Reader: "lake", Path: filepath.Join(lake, r.table), Columns: r.columns})
	}
	for i, result := range read(t, jobs) {
		all[i].check(t, &result, idle.peak)
	}
}

// badRun is a run of the program over a file.
type badRun struct {
	*badFile
	line, dir, table string
	columns          []column
	run              outcome
}

// neighbour makes a good file, whose row has an id of seven digits.
func neighbour(t *testing.T, folder, name string, n int) string {
	t.Helper()
	path := filepath.Join(folder, name+"-neighbour.json")
	must(t, os.WriteFile(path, fmt.Appendf(nil, `{"id":%d,"at":"2026-01-02T03:04:05Z"}`+"\n", 1_000_000+n), 0o644))
	return path
}

func (r *badRun) start(t *testing.T, program, lake string) {
	in := filepath.Join(r.dir, "in")
	must(t, os.MkdirAll(in, 0o755))
	neighbour(t, in, "a", 1)
	neighbour(t, in, "z", 2)
	switch {
	case r.makes != nil:
		r.makes(t, in)
	case r.from != "":
		copyFile(t, "../rawfile/testdata/bad/"+r.from, filepath.Join(in, r.badFile.name))
	case r.made:
		copyFile(t, filepath.Join(filepath.Dir(r.dir), r.badFile.name), filepath.Join(in, r.badFile.name))
	default:
		must(t, os.WriteFile(filepath.Join(in, r.badFile.name), []byte(r.data), 0o644))
	}
	names := r.badFile.columns
	if names == "" {
		names = "id name"
	}
	r.columns = columnsOf(names)
	b := backfill{program: program, dir: r.dir, lake: lake, table: r.table, columns: r.columns, settings: r.settings, more: r.more, column: r.column, weighed: true}
	r.run = b.run(t, in)
}

func copyFile(t *testing.T, from, to string) {
	data, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, data, 0o644))
}

// memory is how much more than for good files the program may take.
const memory = 64 << 20

func (r *badRun) check(t *testing.T, got *result, idle int64) {
	t.Helper()
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s (%s): %s\n%.1500s", r.badFile.name, r.line, fmt.Sprintf(format, args...), r.run.log)
	}
	code := 0
	if r.fails != "" {
		code = 1
	}
	n := r.run.Counts
	if r.run.code != code {
		bad("got exit code %d, want %d", r.run.code, code)
	}
	if n.Read != n.Written+n.Late+n.Quarantined+n.Duplicate+n.Filtered || int(n.Written) != len(got.Rows) || int(n.Quarantined) != len(got.Rejected) {
		bad("the counts do not add up: %+v, with %d rows and %d rejected in the lake", n, len(got.Rows), len(got.Rejected))
	}
	r.checkRows(bad, got)
	var reasons []string
	for _, q := range got.Rejected {
		reasons = append(reasons, q.Reason)
		if base(q.File) != r.badFile.name && r.makes == nil || q.Line < 1 {
			bad("a rejected row is of %s, line %d", q.File, q.Line)
		}
		if v := q.Value[:min(len(q.Value), 100)]; len(v) >= 16 && strings.Contains(r.run.log, v) {
			bad("the value of a rejected row is in the log")
		}
	}
	slices.Sort(reasons)
	if got := strings.Join(reasons, " "); got != r.rejected {
		bad("got rejected %q, want %q", got, r.rejected)
	}
	if int(n.Filtered) != r.filtered {
		bad("%d are filtered, want %d", n.Filtered, r.filtered)
	}
	switch failed := r.run.Failed; {
	case r.fails == "" && len(failed) > 0:
		bad("it fails")
	case r.fails != "" && (len(failed) != 1 || !strings.Contains(failed[0].Why, r.fails) || r.makes == nil && base(failed[0].File) != r.badFile.name):
		bad("got failed %+v, want %q", failed, r.fails)
	}
	if !strings.Contains(r.run.log, r.log) {
		bad("nothing is said of %q", r.log)
	}
	if more := r.run.peak - idle; more > memory {
		bad("it took %d MiB more than good files", more>>20)
	}
}

// checkRows wants the rows of the file, and those of its neighbours.
func (r *badRun) checkRows(bad func(string, ...any), got *result) {
	neighbours := map[string]int{}
	var own []string
	for i, row := range got.Rows {
		if b := base(got.Files[i]); strings.HasSuffix(b, "-neighbour.json") {
			neighbours[b+" "+row[0]]++
			continue
		}
		own = append(own, strings.Join(row, ", "))
	}
	if len(neighbours) != 2 || neighbours["a-neighbour.json 1000001"] != 1 || neighbours["z-neighbour.json 1000002"] != 1 {
		bad("its neighbours became %v", neighbours)
	}
	if len(own) != r.rows {
		bad("got %d rows, want %d", len(own), r.rows)
	}
	if slices.Sort(own); r.want != "" && (len(own) == 0 || own[0] != r.want) {
		bad("got the row %q, want %q", own[:min(len(own), 1)], r.want)
	}
}

// base is the name of a file by its URL.
func base(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return filepath.Base(u.Path)
}

// checkOther asserts that the tests are there that a line refers to.
func checkOther(t *testing.T, other string) {
	t.Helper()
	for ref := range strings.SplitSeq(other, ", ") {
		pkg, name, ok := strings.Cut(ref, " Test")
		if !ok {
			continue // a reason
		}
		files, err := filepath.Glob("../../" + pkg + "/*_test.go")
		must(t, err)
		found := false
		for _, f := range files {
			text, err := os.ReadFile(f)
			must(t, err)
			found = found || regexp.MustCompile(`(?m)^func Test`+name+`\(`).Match(text)
		}
		if !found {
			t.Errorf("there is no Test%s in %s", name, pkg)
		}
	}
}
