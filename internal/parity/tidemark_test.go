package parity_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// build builds the program as make build does.
func build(t *testing.T, root string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tidemark")
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "disable_grpc_modules", "-ldflags", "-s -w", "-o", program, "./cmd/tidemark")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return program
}

// bank is the program with the configuration of examples/bank.
type bank struct {
	program, config string
}

// backfill loads a table into a lake, and gives how that ended.
func (b *bank) backfill(t *testing.T, c *comparison, table string) string {
	t.Helper()
	cmd := exec.Command(b.program, "backfill", "-c", b.config, "--log-level", "error", "--table", table, filepath.Join(c.raw, source(table)))
	cmd.Env = append(os.Environ(), "TIDEMARK_LAKE=file://"+c.lake)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return loaded
	case errors.As(err, &exit) && exit.ExitCode() == 3:
		return "halted"
	default:
		t.Fatalf("%s: backfill %s: %v\n%s", c.name, table, err, out)
		return ""
	}
}

// source is where the raw files of a table are.
func source(table string) string {
	switch table {
	case "transactions":
		return table
	case "loans":
		return table + ".json"
	}
	return table + ".csv"
}

// load loads the tables of a case, and those that they refer to, into a fresh lake.
func (b *bank) load(t *testing.T, c *comparison) map[string]outcome {
	t.Helper()
	out := map[string]outcome{}
	for _, table := range order() {
		if c.has(table) || table == "customers" || table == "accounts" {
			end := b.backfill(t, c, table)
			if c.has(table) {
				out[table] = judged(t, c.lake, table, end)
			}
		}
	}
	return out
}

// judged is what the ledger and the files of a table say.
func judged(t *testing.T, lake, table, end string) outcome {
	t.Helper()
	o := outcome{End: end, files: readFiles(t, filepath.Join(lake, table), table)}
	names, err := filepath.Glob(filepath.Join(lake, "_tidemark", table, "ledger", "*.json"))
	must(t, err)
	batches := 0
	for _, name := range names {
		var r struct {
			Kind   string `json:"kind"`
			Counts struct {
				Read        int64 `json:"read"`
				Quarantined int64 `json:"quarantined"`
				Filtered    int64 `json:"filtered"`
			} `json:"counts"` // of a batch that was halted: as they would have been
			Quality *struct {
				Checks []check `json:"checks"`
			} `json:"quality"`
		}
		data, err := os.ReadFile(name)
		must(t, err)
		must(t, json.Unmarshal(data, &r))
		if r.Kind != "batch" && r.Kind != "halt" {
			continue
		}
		batches++
		o.Read, o.Rejected, o.Filtered = r.Counts.Read, r.Counts.Quarantined, r.Counts.Filtered
		if r.Quality != nil {
			o.Checks = r.Quality.Checks
		}
	}
	o.reasons = reasons(t, filepath.Join(lake, table+"_quarantine"))
	if batches != 1 {
		t.Fatalf("%s has %d batches in %s, want one: its counts would have to be added up", table, batches, lake)
	}
	return o
}

// reasons counts the rows of a quarantine by why they were rejected.
func reasons(t *testing.T, folder string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	names, err := filepath.Glob(filepath.Join(folder, "*", "*", "*", "*.parquet"))
	must(t, err)
	for _, name := range names {
		rows, err := parquet.ReadFile[struct {
			Reason string `parquet:"_reason"`
		}](name)
		must(t, err)
		for _, r := range rows {
			out[r.Reason]++
		}
	}
	return out
}
