package ledger_test

import (
	"fmt"
	"testing"

	"tidemark/internal/ledger"
)

// TestDriftIsBounded: a producer that makes up keys as it goes makes a state grow up
// to a bound, and differences of other kinds find their place all the same.
func TestDriftIsBounded(t *testing.T) {
	st := ledger.NewState("t")
	apply := func(change string, first, n int) {
		r := &ledger.Record{Version: ledger.Version, Seq: st.Head + 1, Table: "t", Kind: ledger.KindBatch, Batch: fmt.Sprint("b", st.Head)}
		for i := range n {
			r.Drift = append(r.Drift, ledger.Drift{Change: change, Column: fmt.Sprintf("k%06d", first+i)})
		}
		next, err := st.Apply(r)
		if err != nil {
			t.Fatal(err)
		}
		st = next
	}
	apply("widen", 0, 2)
	for i := range 5 {
		apply("extra", i*300, 300)
	}
	apply("alias", 0, 1)
	if got, want := len(st.Drifts), 1000+2+1; got != want {
		t.Errorf("the state keeps %d differences, want %d", got, want)
	}
	for column, want := range map[string]bool{"k000000": true, "k000999": true, "k001000": true, "never": true} {
		if got := st.KnowsDrift(ledger.Drift{Change: "extra", Column: column}); got != want {
			t.Errorf("extra %s: known %v, want %v", column, got, want)
		}
	}
	for column, want := range map[string]bool{"k000001": true, "k000002": false} {
		if got := st.KnowsDrift(ledger.Drift{Change: "widen", Column: column}); got != want {
			t.Errorf("widen %s: known %v, want %v", column, got, want)
		}
	}
}
