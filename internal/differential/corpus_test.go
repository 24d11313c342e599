package differential_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const corpus = "../../conform/testdata/bad"

// corpusFates reads what conform's golden file says of each value: ok, or the reason for
// its quarantine.
func corpusFates(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(corpus + "/json.txt")
	must(t, err)
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, rest, ok := strings.Cut(strings.TrimSpace(line), ": ")
		f := strings.Fields(rest)
		switch {
		case !ok || len(f) == 0:
		case f[0] == "ok":
			out[name] = "ok"
		case f[0] == "quarantined" && len(f) > 1:
			out[name] = f[1]
		}
	}
	return out
}

// corpusValue reads a value, or cooks it by its recipe: lines with a count and a piece.
func corpusValue(t *testing.T, path string) (name, value string) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	name, isRecipe := strings.CutSuffix(filepath.Base(path), ".recipe")
	if !isRecipe {
		return strings.TrimSuffix(name, ".json"), string(text)
	}
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		count, piece, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.Atoi(count)
		must(t, err)
		for i := range n {
			out.WriteString(strings.ReplaceAll(piece, "%d", strconv.Itoa(i)))
		}
	}
	return name, out.String()
}

// testCorpus puts the values of conform's corpus through the program, each a line of one
// file, with a good line before it. A value that holds a line end, or nothing but blanks,
// is no line.
func testCorpus(t *testing.T, program string) {
	want := corpusFates(t)
	paths, err := filepath.Glob(corpus + "/json/*")
	must(t, err)
	slices.Sort(paths)
	var lines, names []string
	for i, path := range paths {
		name, value := corpusValue(t, path)
		if strings.Contains(value, "\n") || strings.Trim(value, " \t\r") == "" {
			continue
		}
		names = append(names, name)
		lines = append(lines, fmt.Sprintf(`{"id":%d,"status":"neighbour"}`, 1_000_000+i), value)
	}
	if len(names) < 200 {
		t.Fatalf("only %d of %d values are lines", len(names), len(paths))
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "corpus.json")
	must(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	b := backfill{
		program: program, dir: dir, lake: filepath.Join(dir, "lake"), table: "t",
		columns: columnsOf("id amount i big x status ok at sent local day data"),
		column:  map[string]string{"id": ", required: true", "i": ", aliases: [n]", "status": ", aliases: [state]", "sent": ", unit: ms", "local": ", zone: Europe/Zurich"},
	}
	run := b.run(t, file)
	if run.code != 0 || int(run.Counts.Read) != len(lines) || run.Counts.Written+run.Counts.Quarantined != run.Counts.Read {
		t.Errorf("got exit code %d and %+v, of %d lines\n%s", run.code, run.Counts, len(lines), run.log)
	}
	got := read(t, []job{{Reader: "lake", Path: filepath.Join(b.lake, "t"), Columns: b.columns}})[0]
	fates := map[int64][]string{}
	for _, l := range got.Lines {
		fates[l] = append(fates[l], "ok")
	}
	for _, r := range got.Rejected {
		fates[r.Line] = append(fates[r.Line], r.Reason)
		if value := strings.Trim(lines[r.Line-1], " \t\r"); r.Size != len(value) {
			t.Errorf("%s: %d bytes of %d are kept", names[(r.Line-1)/2], r.Size, len(value))
		}
	}
	for i := range lines {
		name, wants := "neighbour", "ok"
		if i%2 == 1 {
			name, wants = names[i/2], want[names[i/2]]
		}
		if f := fates[int64(i+1)]; len(f) != 1 || f[0] != wants {
			t.Errorf("line %d (%s): got %v, want %s", i+1, name, f, wants)
		}
	}
}

// The lines of the catalogue that refer to the corpus refer to values that are there.
func checkCorpus(t *testing.T, fates map[string]string, beginnings string) {
	t.Helper()
	for b := range strings.FieldsSeq(beginnings) {
		found := false
		for name := range fates {
			found = found || strings.HasPrefix(name, b)
		}
		if !found {
			t.Errorf("no value of the corpus begins with %s", b)
		}
	}
}
