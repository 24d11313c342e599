package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

// TestCrashAtEveryOperation fails operation 1, 2, … n of a process that claims,
// stages, decides, publishes and writes checkpoints, in every way that an operation
// can fail; lets it die there, or lets it go on; cuts the power, or does not; and
// wants a fresh process to bring every row before the readers, once.
func TestCrashAtEveryOperation(t *testing.T) {
	rows := []int64{7, 5}
	for _, mode := range []storetest.Mode{storetest.Fail, storetest.Lose, storetest.Late} {
		for _, dead := range []bool{false, true} {
			for _, power := range []bool{false, true} {
				t.Run(fmt.Sprintf("mode=%d,dead=%t,power=%t", mode, dead, power), func(t *testing.T) {
					for i := 1; ; i++ {
						if !crashAt(t, crash{index: i, mode: mode, dead: dead, power: power}, rows) {
							t.Logf("%d operations", i-1)
							break
						}
						if t.Failed() {
							t.Fatalf("operation %d", i)
						}
					}
				})
			}
		}
	}
}

type crash struct {
	index int
	mode  storetest.Mode
	dead  bool // the store stays broken, so that the process dies
	power bool
}

// crashAt reports whether there was an operation of that index.
func crashAt(t *testing.T, c crash, rows []int64) bool {
	memory := &storetest.Memory{}
	faulty := &storetest.Faulty{Store: memory}
	times := 1
	if c.dead {
		times = -1
	}
	faulty.Inject(storetest.Fault{Index: c.index, Mode: c.mode, Times: times})
	err := newProcess(faulty, 1).drain(t.Context(), rows)
	if faulty.Count() < c.index {
		if err != nil {
			t.Errorf("without a fault: %v", err)
		}
		checkWhole(t, memory, rows)
		return false
	}
	faulty.Heal()
	if c.power {
		memory.PowerCut()
	}
	checkPart(t, memory)

	// The next process comes half of the way; then what was late arrives, after its
	// sender is long dead.
	next := newProcess(faulty, 2)
	half := []int64{rows[0] / 2, rows[1] / 2}
	if err := next.drain(t.Context(), half); err != nil {
		t.Errorf("after the crash: %v", err)
	}
	faulty.Deliver()
	checkPart(t, memory)
	if err := next.drain(t.Context(), rows); err != nil {
		t.Errorf("to the end: %v", err)
	}
	if err := newProcess(faulty, 3).drain(t.Context(), rows); err != nil {
		t.Errorf("a third process: %v", err)
	}
	checkPart(t, memory)
	checkWhole(t, memory, rows)
	checkNothingDeleted(t, faulty.Transcript())
	return true
}

// checkNothingDeleted wants, of a whole run with its crash: no ledger record, no
// published file (R13) and no finished staged file (R5) was ever asked to go, dead
// or alive. A file whose Finish answered an error is another matter: its batch is
// never proposed, so that no record can name it, and it must be aborted.
func checkNothingDeleted(t *testing.T, transcript []string) {
	t.Helper()
	finished := map[string]bool{}
	for _, line := range transcript {
		op, rest, _ := strings.Cut(line, " ")
		key, _, failed := strings.Cut(rest, ": ")
		switch storetest.Op(op) {
		case storetest.OpFinish:
			finished[key] = !failed
		case storetest.OpRemove:
			t.Errorf("%s: nothing may be removed", line)
		case storetest.OpAbort:
			if finished[key] {
				t.Errorf("%s: the file was finished", line)
			}
		}
	}
}

// The same on a real file system, where a publication is several calls.
func TestCrashOnDisk(t *testing.T) {
	rows := []int64{3}
	for _, mode := range []storetest.Mode{storetest.Fail, storetest.Lose} {
		for i := 1; ; i++ {
			disk, err := store.Open(t.Context(), "file://"+t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			faulty := (&storetest.Faulty{Store: disk}).Inject(storetest.Fault{Index: i, Mode: mode, Times: -1})
			first := newProcess(faulty, 1).drain(t.Context(), rows)
			if faulty.Count() < i {
				break
			}
			if first == nil {
				t.Errorf("mode %d, operation %d: got no error from a dead store", mode, i)
			}
			faulty.Heal()
			checkPart(t, disk)
			if err := newProcess(disk, 2).drain(t.Context(), rows); err != nil {
				t.Errorf("mode %d, operation %d: %v", mode, i, err)
			}
			checkWhole(t, disk, rows)
		}
	}
}
