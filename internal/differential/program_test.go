package differential_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	python = "../../.cache/readers/venv/bin/python"
	script = "testdata/read.py"
)

// settings say how a file is written. Their JSON is for the script.
type settings struct {
	NoHeader     bool     `json:"no_header"`
	Separator    string   `json:"separator"`
	Quote        string   `json:"quote"` // empty: none
	Encoding     string   `json:"encoding"`
	Null         []string `json:"null"`
	DecimalComma bool     `json:"decimal_comma"`
	Thousands    string   `json:"thousands"`
	Layout       string   `json:"-"`        // of times, as Tidemark writes it
	Strftime     string   `json:"strftime"` // the same, as the others write it
}

// usual are the settings of RFC 4180.
func usual() settings {
	return settings{Separator: ",", Quote: `"`, Encoding: "utf-8", Null: []string{""}}
}

// with is usual, changed.
func with(change func(*settings)) *settings {
	s := usual()
	change(&s)
	return &s
}

// yaml is the value of csv in a table.
func (s *settings) yaml() string {
	quote := s.Quote
	if quote == "" {
		quote = "none"
	}
	nulls, _ := json.Marshal(s.Null)
	return fmt.Sprintf("{header: %t, separator: %q, quote: %q, encoding: %s, null_values: %s, decimal_comma: %t, thousands: %q}",
		!s.NoHeader, s.Separator, quote, s.Encoding, nulls, s.DecimalComma, s.Thousands)
}

// column is a name and a type.
type column [2]string

// columnsOf are the columns of names, whose types go by the name.
func columnsOf(names string) []column {
	types := map[string]string{
		"id": "long", "n": "long", "i": "int", "d": "decimal(18,2)", "x": "double",
		"a": "string", "s": "string", "b": "boolean", "day": "date", "at": "timestamp",
		"amount": "decimal(18,2)", "big": "long", "ok": "boolean", "sent": "timestamp", "local": "timestamp", "data": "binary",
	}
	var out []column
	for name := range strings.FieldsSeq(names) {
		kind := types[name]
		if kind == "" {
			kind = "string"
		}
		out = append(out, column{name, kind})
	}
	return out
}

// build builds the program as make build does.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tidemark")
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "disable_grpc_modules", "-ldflags", "-s -w", "-o", program, "tidemark/cmd/tidemark")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return program
}

// backfill is one run of the program over files, into a table of its own.
type backfill struct {
	program  string
	dir      string // holds the configuration
	lake     string // several may share it, and the probe of it
	table    string
	columns  []column
	settings *settings // nil: the usual ones
	more     string    // of the table, further lines of YAML
	maxRows  int       // of a batch; 0: as many as is usual
	column   map[string]string
	format   string // empty: auto
	weighed  bool   // its memory is measured, which the test's own would hide
}

// outcome is what a run said.
type outcome struct {
	code     int
	log      string
	reported bool  // it came to its summary
	peak     int64 // the most memory that was resident, in bytes
	Found    int64 `json:"found"`
	Empty    int64 `json:"empty"`
	Batches  int64 `json:"batches"`
	Failed   []struct {
		File string `json:"file"`
		Why  string `json:"why"`
	} `json:"failed"`
	Counts struct {
		Read        int64 `json:"read"`
		Written     int64 `json:"written"`
		Late        int64 `json:"late"`
		Quarantined int64 `json:"quarantined"`
		Duplicate   int64 `json:"duplicate"`
		Filtered    int64 `json:"filtered"`
	} `json:"counts"`
}

// config writes the configuration and returns its name.
func (b *backfill) config(t *testing.T) string {
	t.Helper()
	s := b.settings
	if s == nil {
		s = with(func(*settings) {})
	}
	var y strings.Builder
	if b.maxRows > 0 {
		fmt.Fprintf(&y, "batch: {max_rows: %d}\n", b.maxRows)
	}
	fmt.Fprintf(&y, "lake: file://%s\nsource_system: test\ntables:\n  - name: %s\n    partition_by: none\n    halt_above: 1\n%s    csv: %s\n    columns:\n", b.lake, b.table, b.more, s.yaml())
	for _, c := range b.columns {
		extra := b.column[c[0]]
		if s.Layout != "" && (c[1] == "date" || c[1] == "timestamp") {
			extra += fmt.Sprintf(", layout: %q", s.Layout)
		}
		fmt.Fprintf(&y, "      - {name: %q, type: %q, default: null%s}\n", c[0], c[1], extra)
	}
	path := filepath.Join(b.dir, b.table+".yaml")
	must(t, os.WriteFile(path, []byte(y.String()), 0o644))
	return path
}

// run runs the program to its end.
func (b *backfill) run(t *testing.T, files ...string) outcome {
	t.Helper()
	format := b.format
	if format == "" {
		format = "auto"
	}
	command := append([]string{b.program, "backfill", "-c", b.config(t), "--table", b.table, "--json", "--format", format}, files...)
	peak := filepath.Join(b.dir, b.table+".peak")
	if b.weighed {
		command = append([]string{python, "-I", "-S", "testdata/peak.py", peak}, command...)
	}
	cmd := exec.Command(command[0], command[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var o outcome
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o.code, o.log = cmd.ProcessState.ExitCode(), stderr.String()
	if b.weighed {
		text, err := os.ReadFile(peak)
		must(t, err)
		kib, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		must(t, err)
		o.peak = kib << 10
	}
	if stdout.Len() > 0 {
		must(t, json.Unmarshal(stdout.Bytes(), &o))
		o.reported = true
	}
	return o
}

// verify has the program compare the table with its ledger, row by row.
func (b *backfill) verify(t *testing.T) {
	t.Helper()
	if out, err := exec.Command(b.program, "verify", "-c", b.config(t), "--deep").CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// job is what the script is asked to read.
type job struct {
	Reader    string    `json:"reader"` // lake, duckdb or pyarrow
	Path      string    `json:"path"`
	Format    string    `json:"format"`
	Columns   []column  `json:"columns"`
	Settings  *settings `json:"settings"`
	OverLines bool      `json:"over_lines"`
	MaxLine   int       `json:"max_line,omitempty"`
}

// result is what it gave.
type result struct {
	Rows     [][]string `json:"rows"`
	Error    string     `json:"error"`
	Files    []string   `json:"files"` // of each row of a lake
	Lines    []int64    `json:"lines"`
	Rejected []rejected `json:"rejected"`
}

// rejected is a row of the quarantine.
type rejected struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Size   int    `json:"size"`
	Value  string `json:"value"` // its first 4 KiB, a character for each byte
}

// read runs the script, once for all jobs.
func read(t *testing.T, jobs []job) []result {
	t.Helper()
	in, err := json.Marshal(jobs)
	must(t, err)
	cmd := exec.Command(python, script)
	cmd.Stdin = bytes.NewReader(in)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("run the readers (make setup installs them): %v\n%s", err, stderr.String())
	}
	var out []result
	must(t, json.Unmarshal(stdout.Bytes(), &out))
	return out
}

// must ends the test where err is not nil.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
