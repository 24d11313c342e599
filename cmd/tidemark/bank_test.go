package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
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
	printed, commands, lines := "", 0, 0
	for _, m := range fenced.FindAllStringSubmatch(string(page), -1) {
		if m[1] == "sh" {
			printed = ""
		}
		for line := range strings.Lines(m[2]) {
			line = here.Replace(strings.TrimSpace(line))
			args, ours := strings.CutPrefix(line, "tidemark ")
			switch {
			case m[1] == "text" && !strings.Contains(printed, unruled(line)):
				t.Errorf("no command prints %q, but\n%s", line, printed)
			case m[1] == "text":
				lines++
			case ours:
				commands++
				printed += unruled(command(t, strings.Fields(args)...))
			}
		}
	}
	if commands < 10 || lines < 20 {
		t.Errorf("the page has %d commands and %d lines of what they print", commands, lines)
	}
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
			if n := int64(f.Rows); n > 0 && f.FoundBy != "required" {
				checks[f.FoundBy] += n
			}
			if f.Rejected && f.Rows > 0 {
				reasons[f.FoundBy] += int64(f.Rows)
			}
		}
		if !maps.Equal(found.failed, checks) {
			t.Errorf("%s: the checks found %v, want %v", b.Table, found.failed, checks)
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
}

func foundIn(t *testing.T, url, table string) judged {
	t.Helper()
	lake, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	out := judged{failed: map[string]int64{}, reasons: map[string]int64{}}
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
			if f.Output != ledger.Quarantine {
				continue
			}
			rows, err := parquet.ReadFile[struct {
				Reason string `parquet:"_reason"`
			}](filepath.Join(strings.TrimPrefix(url, "file://"), f.Path))
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
