package main

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/config"
	"tidemark/internal/ledger"
)

// TestOneRecordsColumns: who infers at the same time as another, and comes second, reads
// nothing with columns of his own.
func TestOneRecordsColumns(t *testing.T) {
	lake, err := openLake(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{cfg: &config.Config{}, lake: observe(lake, prometheus.NewRegistry())}
	job := func(typ string) *job {
		return &job{backfillCommand: &backfillCommand{Table: "t"}, engine: e, inferred: []ledger.Column{{Name: "id", Type: typ}}}
	}
	for _, c := range []struct{ typ, want string }{
		{"long", ""}, {"string", "another backfill has recorded other columns meanwhile"}, {"long", ""},
	} {
		err := job(c.typ).record(t.Context())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.typ, err, c.want)
		}
	}
	dry := job("string")
	dry.ghost = newRehearsal()
	if err := dry.record(t.Context()); err != nil {
		t.Errorf("a dry run records: %v", err)
	}
}
