package writer_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/internal/store"
	"tidemark/writer"
)

// publish writes a batch into a lake on disk and moves its files to their names.
func publish(t *testing.T, dir string, o writer.Options, b *batch.Batch, in writer.Build) []ledger.File {
	t.Helper()
	lake, err := store.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := writer.New(b.Table, o)
	if err != nil {
		t.Fatal(err)
	}
	files, err := w.Write(t.Context(), lake, b, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := lake.Publish(t.Context(), f.Staged, f.Path, f.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// readers runs scripts/readers: DuckDB, pyarrow and Polars, which must agree.
func readers(t *testing.T, args ...string) []byte {
	t.Helper()
	out, errs, err := tryReaders(t, args...)
	if err != nil {
		t.Fatalf("readers %s: %v\n%s", strings.Join(args, " "), err, errs)
	}
	return out
}

func tryReaders(t *testing.T, args ...string) (out []byte, errs string, err error) {
	t.Helper()
	if _, err := os.Stat("../.cache/readers/ready"); err != nil && os.Getenv("TIDEMARK_CACHE") == "" {
		t.Fatal("the outside readers are not installed: run `make setup`")
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "../scripts/readers", args...)
	cmd.Stderr = &stderr
	out, err = cmd.Output()
	return out, stderr.String(), err
}

// compareDump reads a table with the outside readers and compares every row with
// what was put in.
func compareDump(t *testing.T, dir string, b *batch.Batch, output ledger.Output, in writer.Build, o writer.Options) {
	t.Helper()
	expected := map[string]map[string]any{}
	for row, fate := range b.Fates[:b.Rows] {
		if fate.String() == map[ledger.Output]string{ledger.Main: "written", ledger.LateRows: "late", ledger.Quarantine: "quarantined"}[output] {
			rec := want(b, row, in, o)
			expected[rec["_offset"]+rec["_line"]] = outside(b.Table, output, rec)
		}
	}
	dec := json.NewDecoder(bytes.NewReader(readers(t, "dump", dir, output.Dir(b.Table.Name))))
	for dec.More() {
		var got map[string]any
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		id := text(got["_offset"]) + text(got["_line"])
		if !maps.Equal(got, expected[id]) {
			t.Fatalf("%s: row %s\ngot  %q\nwant %q", output, id, got, expected[id])
		}
		delete(expected, id)
	}
	if len(expected) > 0 {
		t.Errorf("%s: the readers miss %d rows", output, len(expected))
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// outside is a row in the notation of scripts/readers.
func outside(table *schema.Table, output ledger.Output, rec record) map[string]any {
	binary := map[string]bool{"_value": true, "_key": true, "_headers": true}
	names := []string{"_reason", "_detail", "_stage", "_value", "_key", "_headers", "_schema_id", "_timestamp"}
	scale := map[string]int{}
	if output != ledger.Quarantine {
		names = columnNames(table)
		for _, c := range table.Columns {
			binary[c.Name] = c.Type.Kind == schema.Binary
			if c.Type.Kind == schema.Decimal {
				scale[c.Name] = c.Type.Scale
			}
		}
	}
	names = append(names, "etl_batch_id", "etl_processed_at", "source_system", "_topic", "_partition", "_offset", "_file", "_line")
	if output == ledger.LateRows {
		names = append(names, "_watermark")
	}
	out := map[string]any{}
	for _, n := range names {
		v, ok := rec[n]
		switch {
		case !ok:
			out[n] = nil
		case binary[n]:
			out[n] = hex.EncodeToString([]byte(v))
		default:
			out[n] = point(v, scale[n])
		}
	}
	return out
}

func columnNames(t *schema.Table) []string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return names
}

// point writes an unscaled number with its decimals.
func point(digits string, scale int) string {
	if scale == 0 {
		return digits
	}
	abs, negative := strings.CutPrefix(digits, "-")
	for len(abs) <= scale {
		abs = "0" + abs
	}
	abs = abs[:len(abs)-scale] + "." + abs[len(abs)-scale:]
	if negative {
		return "-" + abs
	}
	return abs
}

func TestOutsideReadersSeeWhatWasPutIn(t *testing.T) {
	dir := t.TempDir()
	m := newMaker(7)
	b := m.make(allTypes(), 3000)
	m.fates()
	o := writer.Options{SourceSystem: "core_bänking"}
	publish(t, dir, o, b, build("b1"))
	for _, output := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
		compareDump(t, dir, b, output, build("b1"), o)
	}
}

func TestOutsideReadersSeeManyFilesAndCodecs(t *testing.T) {
	for _, codec := range []string{"zstd", "snappy", "gzip", "lz4", "none"} {
		t.Run(codec, func(t *testing.T) {
			dir := t.TempDir()
			m := newMaker(8)
			b := m.make(allTypes(), 2000)
			o := writer.Options{Codec: codec, Level: "best", TargetFile: 4000}
			if files := publish(t, dir, o, b, build("b1")); len(files) < 6 {
				t.Fatalf("got %d files, want several for each day", len(files))
			}
			compareDump(t, dir, b, ledger.Main, build("b1"), o)
		})
	}
}

// Folders of hours, and none at all, are no columns of the rows, and change none.
func TestOutsideReadersSeeOtherFolders(t *testing.T) {
	for by, where := range map[schema.Partitioning]string{schema.ByHour: "/hh=", schema.Unpartitioned: "all/b1-"} {
		t.Run(by.String(), func(t *testing.T) {
			dir := t.TempDir()
			table := allTypes()
			table.Partition = by
			b := newMaker(12).make(table, 300)
			files := publish(t, dir, writer.Options{}, b, build("b1"))
			for _, f := range files {
				if f.Output == ledger.Main && !strings.Contains(f.Path, where) {
					t.Errorf("main file %s, want %s in its path", f.Path, where)
				}
			}
			compareDump(t, dir, b, ledger.Main, build("b1"), writer.Options{})
		})
	}
}

func TestOutsideReadersSee300Columns(t *testing.T) {
	table := allTypes()
	base := table.Columns
	for i := range 289 {
		c := base[i%len(base)]
		c.Name, c.Required = fmt.Sprintf("%s_%d", c.Name, i), false
		table.Columns = append(table.Columns, c)
	}
	dir := t.TempDir()
	m := newMaker(9)
	b := m.make(table, 400)
	o := writer.Options{}
	publish(t, dir, o, b, build("b1"))
	compareDump(t, dir, b, ledger.Main, build("b1"), o)
}

// A file of a stream and one of a backfill lie in the same table.
func TestOutsideReadersSeeStreamAndFilesTogether(t *testing.T) {
	dir := t.TempDir()
	m := newMaker(10)
	o := writer.Options{}
	stream := m.make(allTypes(), 200)
	publish(t, dir, o, stream, build("b1"))
	other := newMaker(11)
	files := other.make(allTypes(), 200)
	for i := range files.Raw.Sources {
		files.Raw.Sources[i] = batch.Source{File: fmt.Sprintf("file:///in/%d.json", i)}
	}
	publish(t, dir, o, files, build("b2"))
	lines := bytes.Count(readers(t, "dump", dir, "all"), []byte("\n"))
	if got, want := lines, 400; got != want {
		t.Errorf("got %d rows, want %d", got, want)
	}
}

// O4: what a reader looks for is not hidden from it by a bound that is too narrow.
func TestOutsideReadersFindByStatistics(t *testing.T) {
	for _, o := range []writer.Options{{}, {SortBy: []string{"amount"}, TargetFile: 40_000}} {
		dir := t.TempDir()
		m := newMaker(12)
		b := m.make(allTypes(), 5000)
		publish(t, dir, o, b, build("b1"))
		args := []string{"find", dir, "all"}
		for _, c := range []string{
			"amount < 0", "amount > 9999999999999999", "zid < -9000000000000000000", "zid = 9007199254740993", "i <= -2147483648",
			"d < 0", "d > 1e300", "f >= 0", "born < 1960-01-01", "at < 1795219200000000", "s = é", "s > \U0010ffff", "s <  ", "unique < 2", "b = true",
		} {
			column, rest, _ := strings.Cut(c, " ")
			op, value, _ := strings.Cut(rest, " ")
			args = append(args, column, op, value)
		}
		readers(t, args...)
	}
}

// The comparison itself has teeth: a row that is there twice, or a file that is not
// whole, is an error.
func TestOutsideReadersNotice(t *testing.T) {
	dir := t.TempDir()
	b := newMaker(13).make(allTypes(), 50)
	files := publish(t, dir, writer.Options{}, b, build("b1"))
	data, err := os.ReadFile(filepath.Join(dir, files[0].Path))
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "all", "yyyy=2026", "again.parquet")
	for name, content := range map[string][]byte{"two rows come from the same place": data, "": data[:len(data)-9]} {
		if err := os.WriteFile(other, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, errs, err := tryReaders(t, "check", dir, "all"); err == nil || !strings.Contains(errs, name) {
			t.Errorf("got %v, want an error with %q in\n%s", err, name, errs)
		}
	}
	if _, errs, err := tryReaders(t, "check", dir, "nothing"); err == nil || !strings.Contains(errs, "no file is at") {
		t.Errorf("a table without files: got %v\n%s", err, errs)
	}
}
