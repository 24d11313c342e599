package pipeline_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

// TestCrashAtEveryOperation fails operation 1, 2, … n of the store, in every way that
// an operation can fail, once or from then on, with and without a power cut, and wants
// a fresh process to bring every record to its one fate (P1, P3).
func TestCrashAtEveryOperation(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		g := ground{name: "memory", virtual: true, lake: func(*testing.T) storetest.Store { return &storetest.Memory{} }}
		g.inEveryWay(t)
	})
	t.Run("disk", func(t *testing.T) {
		g := ground{name: "disk", virtual: true, lake: disk}
		if *long {
			g.inEveryWay(t)
		} else {
			g.inTurn(t, 1)
		}
	})
}

// ground is where the error loop runs.
type ground struct {
	name    string
	lake    func(t *testing.T) storetest.Store // a new one, empty
	virtual bool                               // time may be: nothing goes over a network
	sum     tally
}

// inEveryWay does everything to each operation. Only in virtual time is there the
// patience for a store that is gone for good.
func (g *ground) inEveryWay(t *testing.T) {
	began := time.Now()
	for _, mode := range storetest.Modes() {
		for _, dead := range []bool{false, true} {
			if dead && !g.virtual {
				continue
			}
			t.Run(fmt.Sprintf("mode=%s,dead=%t", mode, dead), func(t *testing.T) {
				for i := 1; g.once(t, crash{index: i, mode: mode, dead: dead}); i++ {
				}
			})
		}
	}
	g.sum.tell(t, g.name, began)
}

// inTurn does one thing to every step-th operation, each time another, once.
func (g *ground) inTurn(t *testing.T, step int) {
	began := time.Now()
	all := storetest.Modes()
	for n := 0; g.once(t, crash{index: 1 + n*step, mode: all[n%len(all)]}); n++ {
	}
	g.sum.tell(t, g.name, began)
}

// once runs one crash. It reports whether there was an operation to fail.
func (g *ground) once(t *testing.T, c crash) bool {
	if g.virtual {
		// What waits before it tries again costs nothing.
		c.wait = time.Minute
		synctest.Test(t, func(t *testing.T) { c.run(t, g.lake(t)) })
	} else {
		c.wait = 5 * time.Millisecond
		c.run(t, g.lake(t))
	}
	if t.Failed() {
		t.Fatalf("operation %d, mode %s", c.index, c.mode)
	}
	g.sum.add(&c)
	return c.reached
}

// disk is a lake in a folder.
func disk(t *testing.T) storetest.Store {
	s, err := store.Open(t.Context(), "file://"+t.TempDir()+"/lake")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// crash is a run of which an operation fails, and what comes after it.
type crash struct {
	index int
	mode  storetest.Mode
	dead  bool          // all operations from index on
	wait  time.Duration // of mode Delay

	reached    bool // there was an operation of that index
	failed     bool // the run ended with an error
	operations int
	faults     map[storetest.Mode]int
}

// crashTopic has records of every fate, and an offset without one.
func crashTopic() *topic {
	tp := newTopic(2)
	tp.add(0, 9, noon.Add(-26*time.Hour))
	tp.add(1, 5, noon.Add(-30*time.Hour))
	tp.parts[0].events[4].value = `{"id":4,"amount":-1,"at":"2026-11-23T10:00:00Z"}`
	tp.parts[0].events[6].value = `{"id":`
	tp.parts[1].events[2].gone = true
	return tp
}

func (c *crash) run(t *testing.T, lake storetest.Store) {
	tp := crashTopic()
	faulty := &storetest.Faulty{Store: lake}
	times := 1
	if c.dead {
		times = -1
	}
	faulty.Inject(storetest.Fault{Index: c.index, Mode: c.mode, Times: times, Gap: 4, Wait: c.wait})
	err := newProcess(t, testConfig(t), faulty, tp).drain(t.Context())
	c.operations, c.failed, c.faults = faulty.Count(), err != nil, faulty.Injected()
	c.reached = c.operations >= c.index
	switch tells := c.mode != storetest.Delay && c.mode != storetest.Twice; {
	case !c.reached && err != nil:
		t.Errorf("without a fault: %v", err)
	case c.reached && c.dead && tells && err == nil:
		t.Errorf("operation %d failed for good, and nobody noticed", c.index)
	case c.mode == storetest.Delay && err != nil:
		t.Errorf("a store that is slow: %v", err)
	}
	faulty.Heal()
	if m, ok := lake.(*storetest.Memory); ok && c.reached {
		m.PowerCut()
	}
	recovers(t, faulty.Store, tp, func() { faulty.Deliver() })
}

// recovers wants a fresh process to bring every record to its one fate, and one more
// to find nothing to do after all has landed that was still on its way.
func recovers(t *testing.T, lake storetest.Store, tp *topic, deliver func()) {
	t.Helper()
	for life := range 2 {
		if life == 1 {
			deliver()
		}
		next := testConfig(t)
		next.Random = rand.NewChaCha8([32]byte{2, byte(life)})
		if err := newProcess(t, next, lake, tp).drain(t.Context()); err != nil {
			t.Errorf("process %d after the crash: %v", life+1, err)
		}
		checkExact(t, lake, "t", tp)
		checkBalance(t, lake, "t")
	}
}

// tally sums up runs for the figures.
type tally struct {
	runs, failed, longest int
	faults                map[storetest.Mode]int
}

func (s *tally) add(c *crash) {
	s.runs++
	s.longest = max(s.longest, c.operations)
	if c.failed {
		s.failed++
	}
	if s.faults == nil {
		s.faults = map[storetest.Mode]int{}
	}
	for mode, n := range c.faults {
		s.faults[mode] += n
	}
}

func (s *tally) tell(t *testing.T, name string, began time.Time) {
	t.Logf("figures: %s, error loop: %d runs of up to %d operations, %d ended with an error; faults: %s; %.1f s",
		name, s.runs, s.longest, s.failed, kinds(s.faults), time.Since(began).Seconds())
}

// kinds is a text of counts by mode.
func kinds(faults map[storetest.Mode]int) string {
	var out []string
	for _, m := range storetest.Modes() {
		if n := faults[m]; n > 0 {
			out = append(out, fmt.Sprintf("%s %d", m, n))
		}
	}
	return strings.Join(out, ", ")
}
