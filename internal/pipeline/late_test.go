package pipeline_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"tidemark/internal/ledger"
	"tidemark/internal/store/storetest"
)

// TestArrivesLate lets what a process asked of the store, and was told that it had no
// answer, happen when that process is dead and another is at work: before operation 1,
// 2, … n of that one. A record must not become two batches, nor a file be seen that is
// not decided or seen twice: what comes too late is litter in staging (R5, R7).
func TestArrivesLate(t *testing.T) {
	for _, test := range []struct {
		name string
		late storetest.Fault
	}{
		{"claim", storetest.Fault{Op: storetest.OpCreate, Key: ledger.RecordKey("t", 1)}},
		{"first batch", storetest.Fault{Op: storetest.OpCreate, Key: ledger.RecordKey("t", 2)}},
		{"second batch", storetest.Fault{Op: storetest.OpCreate, Key: ledger.RecordKey("t", 3)}},
		{"staged file", storetest.Fault{Op: storetest.OpFinish}},
		{"publication", storetest.Fault{Op: storetest.OpPublish}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.late.Mode, test.late.Times = storetest.Late, -1
			moments := 0
			for more := true; more && !t.Failed(); {
				synctest.Test(t, func(t *testing.T) { more = arrives(t, test.late, moments+1) })
				if more {
					moments++
				}
			}
			t.Logf("figures: late %s: at %d moments", test.name, moments)
		})
	}
}

// arrives lets it happen before operation moment of the second process. It reports
// whether there was one.
func arrives(t *testing.T, late storetest.Fault, moment int) (reached bool) {
	tp := crashTopic()
	lake := &storetest.Memory{}
	dead := (&storetest.Faulty{Store: lake}).Inject(late)
	if err := newProcess(t, testConfig(t), dead, tp).drain(t.Context()); err == nil {
		t.Fatal("nobody noticed that no answer came")
	}
	alive := (&storetest.Faulty{Store: lake}).Inject(storetest.Fault{Index: moment, Mode: storetest.Delay})
	next := testConfig(t)
	next.Random = rand.NewChaCha8([32]byte{2})
	ended := make(chan error, 1)
	go func() { ended <- newProcess(t, next, alive, tp).drain(t.Context()) }()
	synctest.Wait()
	if reached = len(alive.Hits()) > 0; reached {
		dead.Deliver()
		alive.Release()
	}
	if err := <-ended; err != nil {
		t.Errorf("late before operation %d: %v", moment, err)
	}
	recovers(t, lake, tp, func() { dead.Deliver() })
	for key := range lake.Snapshot() {
		if !strings.HasSuffix(key, ".parquet") && !strings.HasPrefix(key, "_tidemark/") {
			t.Errorf("late before operation %d: %s lies among published files", moment, key)
		}
	}
	return reached
}
