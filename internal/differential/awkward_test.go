package differential_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// awkward is a file that readers may read in more than one way.
type awkward struct {
	name     string // what is in it
	columns  string // names, whose types columnsOf knows
	data     string
	settings *settings // nil: the usual ones
	pack     string    // how it is packed, or not: see packed
	lines    bool      // JSON whose values take several lines
	maxRows  int       // of a batch; above 0, the table is verified as well
}

// compared is what three readers made of a file.
type compared struct {
	*awkward
	format                string
	dir, path             string
	run                   outcome
	lake, duckdb, pyarrow result
	why                   difference
}

// packed is data in the way of its ending: gz, zst, or bz2, which nothing here writes, so
// that data are packed already. Of gz+gz, each is a half.
func packed(t *testing.T, how string, data []byte) []byte {
	t.Helper()
	first, second, two := strings.Cut(how, "+")
	if two {
		half := len(data) / 2
		return append(packed(t, first, data[:half]), packed(t, second, data[half:])...)
	}
	var out bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&out)
	switch how {
	case "", "bz2":
		return data
	case "zst":
		var err error
		w, err = zstd.NewWriter(&out)
		must(t, err)
	}
	_, err := w.Write(data)
	must(t, err)
	must(t, w.Close())
	return out.Bytes()
}

// compareAll has all files read by all readers.
func compareAll(t *testing.T, program, format string, files []awkward) []compared {
	t.Helper()
	out := make([]compared, len(files))
	root := t.TempDir()
	lake := filepath.Join(root, "lake")
	table := func(i int) string { return fmt.Sprintf("t%d", i) }
	t.Run("tidemark", func(t *testing.T) {
		for i := range files {
			c, dir := &out[i], filepath.Join(root, strconv.Itoa(i))
			must(t, os.Mkdir(dir, 0o755))
			*c = compared{awkward: &files[i], format: format, dir: dir, path: filepath.Join(dir, "file."+format)}
			if c.pack != "" {
				ending, _, _ := strings.Cut(c.pack, "+")
				c.path += "." + ending
			}
			must(t, os.WriteFile(c.path, packed(t, c.pack, []byte(c.data)), 0o644))
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				b := backfill{program: program, dir: dir, lake: lake, table: table(i), columns: columnsOf(c.columns), settings: c.settings, format: format, maxRows: c.maxRows}
				c.run = b.run(t, c.path)
				if c.maxRows > 0 {
					b.verify(t)
				}
			})
		}
	})
	var jobs []job
	for i := range out {
		c := &out[i]
		s := c.settings
		if s == nil {
			s = with(func(*settings) {})
		}
		j := job{Path: c.path, Format: format, Columns: columnsOf(c.columns), Settings: s, OverLines: c.lines}
		wrote := j
		wrote.Reader, wrote.Path = "lake", filepath.Join(lake, table(i))
		j.Reader = "duckdb"
		jobs = append(jobs, wrote, j)
		j.Reader = "pyarrow"
		jobs = append(jobs, j)
	}
	got := read(t, jobs)
	for i := range out {
		out[i].lake, out[i].duckdb, out[i].pyarrow = got[3*i], got[3*i+1], got[3*i+2]
	}
	return out
}

// sorted are rows as a multiset.
func sorted(rows [][]string) []string {
	var out []string
	for _, r := range rows {
		out = append(out, strings.Join(r, ", "))
	}
	slices.Sort(out)
	return out
}

// refused reports that the program did not take all of the file.
func (c *compared) refused() bool { return len(c.lake.Rejected) > 0 || len(c.run.Failed) > 0 }

// relation is how a reader's result stands to the program's.
func (c *compared) relation(r *result) string {
	switch {
	case r.Error != "" && c.refused():
		return "refused too"
	case r.Error == "" && !c.refused() && slices.Equal(sorted(r.Rows), sorted(c.lake.Rows)):
		return "alike"
	case r.Error != "":
		return "refused"
	}
	return "differs"
}

// tidemark is what the program made of the file, in a few words.
func (c *compared) tidemark() string {
	if len(c.run.Failed) > 0 {
		return "the file is refused"
	}
	words := []string{count(len(c.lake.Rows), "row")}
	reasons := map[string]int{}
	for _, r := range c.lake.Rejected {
		reason, _, _ := strings.Cut(r.Reason, ":")
		reasons[reason]++
	}
	for _, r := range slices.Sorted(mapKeys(reasons)) {
		words = append(words, fmt.Sprint(reasons[r])+" `"+r+"`")
	}
	if n := c.run.Counts.Filtered; n > 0 {
		words = append(words, fmt.Sprintf("%d filtered", n))
	}
	return strings.Join(words, ", ")
}

func mapKeys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// check asserts that the relations are those that are listed, and that no record is lost.
func (c *compared) check(t *testing.T) {
	t.Helper()
	n := c.run.Counts
	if !c.run.reported || n.Read != n.Written+n.Late+n.Quarantined+n.Duplicate+n.Filtered {
		t.Errorf("%s: the counts do not add up: %+v\n%s", c.name, n, c.run.log)
	}
	if int(n.Written) != len(c.lake.Rows) || int(n.Quarantined) != len(c.lake.Rejected) {
		t.Errorf("%s: %d rows and %d rejected ones are in the lake, and %+v was told", c.name, len(c.lake.Rows), len(c.lake.Rejected), n)
	}
	if c.maxRows > 0 && c.run.Batches < 2 {
		t.Errorf("%s: its %d rows were one batch", c.name, n.Read)
	}
	if want := min(len(c.run.Failed), 1); c.run.code != want {
		t.Errorf("%s: got exit code %d, want %d\n%s", c.name, c.run.code, want, c.run.log)
	}
	for _, reader := range []struct {
		name, why string
		result    *result
	}{{"DuckDB", c.why.duckdb, &c.duckdb}, {"pyarrow", c.why.pyarrow, &c.pyarrow}} {
		relation := c.relation(reader.result)
		alike := relation == "alike" || relation == "refused too"
		switch {
		case !alike && reader.why == "":
			t.Errorf("%s: %s %s, and no reason is listed\ndata     %.200q\n%s\ntidemark %s: %.600q\n%.600s", c.name, reader.name, relation, c.data,
				reader.result.show(c.lake.Rows), c.tidemark(), without(c.lake.Rows, reader.result.Rows), fmt.Sprintf("%+v %+v", c.lake.Rejected, c.run.Failed))
		case alike && reader.why != "":
			t.Errorf("%s: %s is listed with a difference (%s), and is %s", c.name, reader.name, reader.why, relation)
		}
	}
}

// show is a result as a message has it, without the rows that are elsewhere too.
func (r *result) show(elsewhere [][]string) string {
	if r.Error != "" {
		return fmt.Sprintf("refuses it: %.300s", r.Error)
	}
	return fmt.Sprintf("reads    %.600q", without(r.Rows, elsewhere))
}

// without are the rows of a multiset that another does not have.
func without(rows, other [][]string) (out []string) {
	there := map[string]int{}
	for _, r := range sorted(other) {
		there[r]++
	}
	for _, r := range sorted(rows) {
		if there[r]--; there[r] < 0 {
			out = append(out, r)
		}
	}
	return out
}

// TestFiles puts files through the program: those that others read too, and bad ones.
func TestFiles(t *testing.T) {
	program := build(t)
	t.Run("csv", func(t *testing.T) { testAwkward(t, program, "csv", csvFiles(), csvDifferences()) })
	t.Run("json", func(t *testing.T) { testAwkward(t, program, "json", jsonFiles(), jsonDifferences()) })
	t.Run("random", func(t *testing.T) { testRandom(t, program) })
	t.Run("catalogue", func(t *testing.T) { testCatalogue(t, program) })
	t.Run("corpus", func(t *testing.T) { testCorpus(t, program) })
}

func testAwkward(t *testing.T, program, format string, files []awkward, listed map[string]difference) {
	names := map[string]bool{}
	for _, f := range files {
		if names[f.name] {
			t.Errorf("two files are named %q", f.name)
		}
		names[f.name] = true
	}
	for name := range listed {
		if !names[name] {
			t.Errorf("a difference is listed of %q, and there is no such file", name)
		}
	}
	all := compareAll(t, program, format, files)
	for i := range all {
		all[i].why = listed[all[i].name]
		all[i].check(t)
	}
	checkPage(t, format, all)
}
