package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// command runs the program here, and gives what it printed.
func command(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), append([]string{"--log-level", "warn"}, args...), &stdout, &stderr, os.LookupEnv); code != exitDone {
		t.Fatalf("tidemark %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout.String(), stderr.String())
	}
	return stdout.String()
}

var fenced = regexp.MustCompile("(?s)```(sh|text)\n(.*?)```")

// TestBankPage runs examples/bank/README.md: its commands in order, each of which must
// print the lines that stand below it.
func TestBankPage(t *testing.T) {
	page, err := os.ReadFile("../../examples/bank/README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("TIDEMARK_LAKE", "file://"+dir+"/lake")
	here := strings.NewReplacer("/tmp/tidemark-bank", dir, "examples/bank/", "../../examples/bank/")
	printed, commands, lines, unread := "", 0, 0, false
	for _, m := range fenced.FindAllStringSubmatch(string(page), -1) {
		if m[1] == "sh" {
			printed, unread = "", false
		}
		for line := range strings.Lines(m[2]) {
			line = here.Replace(strings.TrimSpace(line))
			args, ours := strings.CutPrefix(line, "tidemark ")
			switch {
			case m[1] == "text" && unread:
			case m[1] == "text" && !strings.Contains(printed, unruled(line)):
				t.Errorf("no command prints %q, but\n%s", line, printed)
			case m[1] == "text":
				lines++
			case ours:
				commands++
				printed += unruled(command(t, strings.Fields(args)...))
			case m[1] == "sh":
				out, err := duckdb(line)
				if unread = errors.Is(err, fs.ErrNotExist); unread {
					t.Logf("DuckDB is not here (make setup installs it), so this is not run: %s", line)
				} else if err != nil {
					t.Errorf("%s: %v\n%s", line, err, out)
				}
				printed += unruled(out)
			}
		}
	}
	if commands < 10 || lines < 20 {
		t.Errorf("the page has %d commands and %d lines of what they print", commands, lines)
	}
}

// duckdb runs duckdb -c "QUERY" with the DuckDB that scripts install.
func duckdb(line string) (string, error) {
	python, err := filepath.Abs("../../.cache/readers/venv/bin/python3")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(python); err != nil {
		return "", err
	}
	query := strings.TrimSuffix(strings.TrimPrefix(line, `duckdb -c "`), `"`)
	out, err := exec.Command(python, "-c", "import duckdb, sys; duckdb.sql(sys.argv[1]).show(max_width=200)", query).CombinedOutput()
	return string(out), err
}

var rule = regexp.MustCompile(`[│\s]+`)

// unruled is a table without what depends on how wide it is.
func unruled(s string) string { return rule.ReplaceAllString(s, " ") }

// TestBankIsJudged: of each fault that is planted in a bank, its check finds every row
// and no other; a rejected row says so in quarantine.
func TestBankIsJudged(t *testing.T) {
	for _, c := range []struct {
		name, bad string
		parity    string
	}{
		{"clean", "0", ""},
		{"dirty", "3", ""},
		{"dirty, with the types of a system before", "3", "money: double, ids: int"},
	} {
		t.Run(c.name, func(t *testing.T) { judge(t, c.bad, c.parity) })
	}
}

func judge(t *testing.T, bad, parity string) {
	dir := t.TempDir()
	command(t, "generate", "--bank", "600", "--seed", "7", "--bad", bad, "--to", dir+"/raw")
	var bank []bankTable
	text, err := os.ReadFile(dir + "/raw/bank.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &bank); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("lake: file://%s/lake\nsource_system: bank\ntables:\n", dir)
	for _, b := range bank[:4] {
		config += strings.TrimSuffix(fmt.Sprintf("  - {name: %s, preset: banking/%s, %s", b.Table, b.Table, parity), ", ") + "}\n"
	}
	file := filepath.Join(dir, "bank.yaml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{"customers": "customers.csv", "accounts": "accounts.csv", "transactions": "transactions", "loans": "loans.json"}
	for _, b := range bank[:4] {
		command(t, "backfill", "-c", file, "--table", b.Table, dir+"/raw/"+paths[b.Table])
		found := foundIn(t, "file://"+dir+"/lake", b.Table)
		if got := found.counts; got.Read != int64(b.Rows) || got.Written != int64(b.Accepted) || got.Quarantined != int64(b.Rejected) {
			t.Errorf("%s: %+v, want %d accepted and %d rejected", b.Table, got, b.Accepted, b.Rejected)
		}
		checks, reasons := map[string]int64{}, map[string]int64{}
		for _, f := range b.Faults {
			check := f.FoundBy
			if column, none := strings.CutPrefix(f.Name, "missing "); none { // rejected before, and counted
				check = "completeness:" + column
			}
			if n := int64(f.Rows); n > 0 {
				checks[check] += n
			}
			if f.Rejected && f.Rows > 0 {
				reasons[f.FoundBy] += int64(f.Rows)
			}
		}
		if !maps.Equal(found.failed, checks) {
			t.Errorf("%s: the checks found %v, want %v", b.Table, found.failed, checks)
		}
		ids, money := "INT64", "INT64" // a decimal, as files have it
		if parity != "" {
			ids, money = "INT32", "DOUBLE"
		}
		for column, want := range map[string]string{"customer_id": ids, "account_id": ids, "balance": money, "amount": money, "loan_amount": money, "interest_rate": money} {
			if got, there := found.kinds[column]; there && got != want {
				t.Errorf("%s: files have %s as %s, want %s", b.Table, column, got, want)
			}
		}
		if !maps.Equal(found.reasons, reasons) {
			t.Errorf("%s: the reasons are %v, want %v", b.Table, found.reasons, reasons)
		}
	}
	command(t, "verify", "-c", file, "--deep")
}

// judged is what a ledger and the quarantine of a table say.
type judged struct {
	counts  ledger.Counts
	failed  map[string]int64 // by check, those that found any
	reasons map[string]int64
	kinds   map[string]string // of columns, in files
}

func foundIn(t *testing.T, url, table string) judged {
	t.Helper()
	lake, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	out := judged{failed: map[string]int64{}, reasons: map[string]int64{}, kinds: map[string]string{}}
	l := ledger.New(lake, table)
	st, err := l.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for seq := int64(1); seq <= st.Head; seq++ {
		r, err := l.Record(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		out.counts.Add(r.Counts)
		if r.Quality != nil {
			for _, c := range r.Quality.Checks {
				if c.Failed > 0 {
					out.failed[c.Name] += c.Failed
				}
			}
		}
		for _, f := range r.Files {
			path := filepath.Join(strings.TrimPrefix(url, "file://"), f.Path)
			if f.Output == ledger.Main {
				out.look(t, path)
				continue
			}
			rows, err := parquet.ReadFile[struct {
				Reason string `parquet:"_reason"`
			}](path)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				out.reasons[row.Reason]++
			}
		}
	}
	return out
}

// look takes down the kinds of a file's columns.
func (j *judged) look(t *testing.T, path string) {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(in, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range f.Schema().Fields() {
		j.kinds[field.Name()] = field.Type().Kind().String()
	}
}
