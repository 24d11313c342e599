package ledger_test

import (
	"strings"
	"testing"

	"tidemark/internal/ledger"
)

// TestRecordReach: a batch record that names files elsewhere than its batch may have them
// is none, whoever wrote it. Nobody then reads, publishes or removes what is not its own.
func TestRecordReach(t *testing.T) {
	const path, staged = "t/yyyy=2026/mm=11/dd=22/b-0.parquet", "_tidemark/t/staging/b/main-0"
	for _, c := range []struct {
		name         string
		output       ledger.Output
		path, staged string
		ok           bool
	}{
		{"its own", ledger.Main, path, staged, true},
		{"its own, late", ledger.LateRows, "t_late/b.parquet", staged, true},
		{"its own, rejected", ledger.Quarantine, "t_quarantine/x/b-1.parquet", staged, true},
		{"no such output", "other", path, staged, false},
		{"another output's", ledger.LateRows, path, staged, false},
		{"another table's", ledger.Main, "u/b-0.parquet", staged, false},
		{"another batch's", ledger.Main, "t/c-0.parquet", staged, false},
		{"the folder of the table", ledger.Main, "t", staged, false},
		{"past the table", ledger.Main, "t/../u/b-0.parquet", staged, false},
		{"past the lake", ledger.Main, "t/../../b-0.parquet", staged, false},
		{"in a folder without a name", ledger.Main, "t//b-0.parquet", staged, false},
		{"in a folder called .", ledger.Main, "t/./b-0.parquet", staged, false},
		{"NUL", ledger.Main, "t/\x00/b-0.parquet", staged, false},
		{"for a terminal", ledger.Main, "t/\x1b[2J/b-0.parquet", staged, false},
		{"staged in another table", ledger.Main, path, "u/b-0", false},
		{"staged in another batch", ledger.Main, path, "_tidemark/t/staging/c/main-0", false},
		{"staged past its batch", ledger.Main, path, staged + "/../../c/main-0", false},
		{"staged as a record", ledger.Main, path, "_tidemark/t/ledger/00000000000000000001.json", false},
		{"staged where readers look", ledger.Main, path, staged + ".parquet", false},
		{"staged nowhere", ledger.Main, path, "", false},
	} {
		r := ledger.Record{
			Version: ledger.Version, Seq: 1, Table: "t", Kind: ledger.KindBatch, Batch: "b",
			Files: []ledger.File{{Output: c.output, Path: c.path, Staged: c.staged}},
		}
		data, err := ledger.EncodeRecord(&r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ledger.DecodeRecord(data)
		if got := err == nil; got != c.ok {
			t.Errorf("%s: %v, want it to be read: %t", c.name, err, c.ok)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x00\x1b\n") {
			t.Errorf("%s: the error is not fit for a terminal: %q", c.name, err)
		}
	}
}
