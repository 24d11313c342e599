package pipeline_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/store/storetest"
)

// TestCrashAtEveryOperation fails operation 1, 2, … n of the store, in every way that
// an operation can fail, once or for good, with and without a power cut, and wants
// a fresh process to bring every record to its one fate (P1, P3).
func TestCrashAtEveryOperation(t *testing.T) {
	for _, mode := range []storetest.Mode{storetest.Fail, storetest.Lose, storetest.Late} {
		for _, dead := range []bool{false, true} {
			t.Run(fmt.Sprintf("mode=%d,dead=%t", mode, dead), func(t *testing.T) {
				for i := 1; ; i++ {
					more := false
					// Virtual time: what waits before it tries again costs nothing.
					synctest.Test(t, func(t *testing.T) { more = crashAt(t, i, mode, dead) })
					if !more {
						t.Logf("%d operations", i-1)
						return
					}
					if t.Failed() {
						t.Fatalf("operation %d", i)
					}
				}
			})
		}
	}
}

// crashAt reports whether there was an operation of that index.
func crashAt(t *testing.T, index int, mode storetest.Mode, dead bool) bool {
	tp := newTopic(2)
	tp.add(0, 9, noon.Add(-26*time.Hour))
	tp.add(1, 5, noon.Add(-30*time.Hour))
	tp.parts[0].events[4].value = `{"id":4,"amount":-1,"at":"2026-11-23T10:00:00Z"}`
	tp.parts[0].events[6].value = `{"id":`
	tp.parts[1].events[2].gone = true

	memory := &storetest.Memory{}
	faulty := &storetest.Faulty{Store: memory}
	times := 1
	if dead {
		times = -1
	}
	faulty.Inject(storetest.Fault{Index: index, Mode: mode, Times: times})
	cfg := testConfig(t)
	err := newProcess(t, cfg, faulty, tp).drain(t.Context())
	if faulty.Count() < index {
		if err != nil {
			t.Errorf("without a fault: %v", err)
		}
		checkExact(t, memory, "t", tp)
		checkBalance(t, memory, "t")
		return false
	}
	if dead && err == nil {
		t.Errorf("operation %d failed for good, and nobody noticed", index)
	}
	faulty.Heal()
	memory.PowerCut()

	next := testConfig(t)
	next.Random = rand.NewChaCha8([32]byte{2})
	if err := newProcess(t, next, faulty, tp).drain(t.Context()); err != nil {
		t.Errorf("after the crash: %v", err)
	}
	faulty.Deliver()
	checkExact(t, memory, "t", tp)
	checkBalance(t, memory, "t")
	return true
}
