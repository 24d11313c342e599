package parity_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var only = flag.String("case", "", "the clean bank and this case, and no others")

// comparison is one case: the clean bank, or a dirtied one.
type comparison struct {
	dirt
	load             []string // tables that are loaded and compared
	raw, lake, spark string   // folders
}

func (c *comparison) has(table string) bool { return slices.Contains(c.load, table) }

// TestParity loads the bank, clean and dirtied, with both, and compares.
func TestParity(t *testing.T) {
	root, err := filepath.Abs("../..")
	must(t, err)
	watchSources(t, root)
	interpreter(t, root) // nothing is built in vain
	dir := t.TempDir()
	b := &bank{program: build(t, root), config: filepath.Join(root, "examples", "bank", "tidemark.yaml")}
	all := lay(t, b, dir)
	job := start(t, root, dir, all)
	ours := map[string]map[string]outcome{}
	for _, c := range all {
		ours[c.name] = b.load(t, c)
	}
	theirs, want := job.finish(t), expected(t)
	if *only != "" && len(all) == 1 {
		t.Errorf("there is no case %q", *only)
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			var finds, differ []string
			for _, table := range c.load {
				spark, there := theirs[c.name][table]
				if !there {
					t.Fatalf("the job says nothing of %s", table)
				}
				spark.End, spark.files = loaded, readFiles(t, filepath.Join(c.spark, table), table)
				tidemark := ours[c.name][table]
				if found := tidemark.found(ours[all[0].name][table]); found != "" {
					finds = append(finds, table+": "+found)
				}
				differ = append(differ, differences(table, spark, tidemark)...)
			}
			same(t, "finds", finds, want[c.name].finds)
			same(t, "differ", differ, want[c.name].differ)
		})
	}
}

// same wants two lists to have the same lines.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("it is so, and testdata/expected.txt does not say it:\n  %-7s %s", what, line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("testdata/expected.txt says it, and it is not so:\n  %-7s %s", what, line)
		}
	}
}

// lay writes the raw files of all cases below a folder. The first is the bank as the
// program makes it; its transactions are what the others are made from.
func lay(t *testing.T, b *bank, dir string) []*comparison {
	t.Helper()
	at := func(d dirt) *comparison {
		folder := filepath.Join(dir, strings.ReplaceAll(d.name, " ", "-"))
		return &comparison{dirt: d, load: d.tables(), raw: folder + "/raw", lake: folder + "/lake", spark: folder + "/spark"}
	}
	all := []*comparison{at(clean())}
	raw := all[0].raw
	cmd := exec.Command(b.program, "generate", "--bank", strconv.Itoa(customers), "--days", strconv.Itoa(daysOfBank),
		"--seed", strconv.Itoa(seed), "--end", end, "--to", raw)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("generate: %v\n%s", err, out)
	}
	for _, table := range []string{"customers", "accounts", "transactions"} {
		untouched := dirt{table: table}
		for name, data := range untouched.files(t) {
			made, err := os.ReadFile(filepath.Join(raw, filepath.FromSlash(name)))
			must(t, err)
			if !bytes.Equal(unpacked(t, made), unpacked(t, data)) {
				t.Fatalf("%s as the test writes it is not what the program writes: dirt would not be all that differs", name)
			}
		}
	}
	for _, d := range cases() {
		if *only != "" && d.name != *only {
			continue
		}
		c := at(d)
		d.write(t, raw, c.raw)
		all = append(all, c)
	}
	return all
}

// watchSources looks at every folder with sources. The go command keeps the answer of
// a test that passed, until a file that it has looked at changes: what the processes
// started here look at, it does not see.
func watchSources(t *testing.T, root string) {
	t.Helper()
	must(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "bin") {
			return fs.SkipDir
		}
		if err == nil && !d.IsDir() && (strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".py")) {
			_, err = os.Stat(name)
		}
		return err
	}))
}
