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

// TestDoubtIsNotPublished wants a batch of which no answer came to be nobody's to
// publish, however often one tries, until the ledger is read and names it (R7).
func TestDoubtIsNotPublished(t *testing.T) {
	memory := &storetest.Memory{}
	faulty := &storetest.Faulty{Store: memory}
	p := newProcess(faulty, 1)
	mustDrain(t, p, 2)
	faulty.Inject(storetest.Fault{Op: storetest.OpCreate, Key: ledger.RecordKey(table, 3), Times: -1})
	_, err := p.batch(t.Context(), []ledger.Source{sourceOf(topicKey(0), 2, 4)})
	var doubt *ledger.DoubtError
	if !errors.As(err, &doubt) {
		t.Fatalf("got %v, want doubt", err)
	}
	for range 3 {
		if _, err := p.publisher.Publish(t.Context()); err != nil {
			t.Errorf("publish: %v", err)
		}
		checkPart(t, memory)
	}
	if got, want := p.ledger.State().Head, int64(2); got != want {
		t.Errorf("head: got %d, want %d: nobody has seen record 3", got, want)
	}
	faulty.Heal()
	rival := newProcess(memory, 2)
	rival.step = 1
	mustDrain(t, rival, 4)
	mustDrain(t, p, 5)
	checkPart(t, memory)
	checkWhole(t, memory, []int64{5})
}
