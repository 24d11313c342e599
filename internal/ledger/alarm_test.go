package ledger_test

import (
	"errors"
	"testing"

	"tidemark/internal/ledger"
	"tidemark/internal/store/storetest"
)

// TestTroubleIsNoAlarm fails each operation in turn, one after the other, and wants
// none of the errors to be one that asks for a person: a store that cannot be asked
// for a moment has not lost anything (I5).
func TestTroubleIsNoAlarm(t *testing.T) {
	rows := []int64{7, 5}
	for _, mode := range []storetest.Mode{storetest.Fail, storetest.Lose} {
		for _, times := range []int{1, -1} {
			for i := 1; ; i++ {
				faulty := &storetest.Faulty{Store: &storetest.Memory{}}
				faulty.Inject(storetest.Fault{Index: i, Mode: mode, Times: times})
				err := newProcess(faulty, 1).drain(t.Context(), rows)
				if errors.Is(err, ledger.ErrUnsafe) {
					t.Errorf("mode %d, operation %d fails %d times: got %v, want an error that may be retried", mode, i, times, err)
				}
				if faulty.Count() < i {
					break
				}
			}
		}
	}
}
