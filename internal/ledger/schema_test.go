package ledger_test

import (
	"crypto/rand"
	"fmt"
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
	if !slices.EqualFunc(st.Schema, first, ledger.Column.Equal) || st.Head != 4 {
		t.Errorf("after %d records the columns are %v, want %v", st.Head, st.Schema, first)
	}
}

// TestSchemasAreBounded wants a state to know the schemas that records name, and producers
// that make one for each record not to make it grow for ever.
func TestSchemasAreBounded(t *testing.T) {
	st := ledger.NewState("t")
	fold := func(first, n int) {
		r := &ledger.Record{Version: ledger.Version, Seq: st.Head + 1, Kind: ledger.KindBatch}
		for i := range n {
			r.Schemas = append(r.Schemas, ledger.Written{ID: fmt.Sprint(first + i)})
		}
		next, err := st.Apply(r)
		if err != nil {
			t.Fatal(err)
		}
		st = next
	}
	fold(1, 2)
	if !st.KnowsSchema("1") || !st.KnowsSchema("2") || st.KnowsSchema("3") {
		t.Errorf("known: %v", st.Schemas)
	}
	fold(1, 20_000)
	if got, want := len(st.Schemas), 10_000; got != want {
		t.Errorf("%d are kept, want %d", got, want)
	}
	if !st.KnowsSchema("99999") {
		t.Error("a full state asks for more schemas to be recorded")
	}
}
