package ledger_test

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// TestSchemaIsKept: of several that record the columns of a table, the first counts, for
// whoever reads the ledger later, by way of a checkpoint too.
func TestSchemaIsKept(t *testing.T) {
	lake, err := store.Open(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	first := []ledger.Column{{Name: "id", Type: "long"}}
	claim := func(columns []ledger.Column) {
		l := ledger.New(lake, "t", ledger.WithCheckpointEvery(1))
		_, err := l.Decide(t.Context(), ledger.Proposal{
			Batch: ledger.NewBatchID(time.Now(), rand.Reader), Kind: ledger.KindClaim,
			Seal: func(*ledger.State, int64) (*ledger.Record, error) { return &ledger.Record{Schema: columns}, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.NewPublisher(l, lake).Publish(t.Context()); err != nil { // writes the checkpoint
			t.Fatal(err)
		}
	}
	for _, columns := range [][]ledger.Column{nil, first, {{Name: "id", Type: "string"}}, nil} {
		claim(columns)
	}
	st, err := ledger.New(lake, "t").Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(st.Schema, first) || st.Head != 4 {
		t.Errorf("after %d records the columns are %v, want %v", st.Head, st.Schema, first)
	}
}
