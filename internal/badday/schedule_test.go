package badday_test

import (
	"flag"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/internal/cloudtest"
	"tidemark/internal/faultproxy"
	"tidemark/internal/kafkatest"
)

// How long, and what is played again: see replay.
var (
	chaosFor   = flag.Duration("for", 0, "how long TestBrokerSchedules makes up rounds, 0: two short ones")
	chaosRound = flag.Int64("round", -1, "the only round of TestBrokerSchedules, -1: all")
	chaosSteps = flag.String("steps", "", "the steps of that round, as 1,4,7; empty: all")
)

const (
	// shrinking is how long looking for a shorter history may take, at least.
	shrinking = 5 * time.Minute
	// attempts is how often a shorter history is tried: processes run as they like.
	attempts = 3
)

// TestBrokerSchedules makes up bad days by a seed: everything that befalls the program
// in the other tests, in an order and at moments that nobody thought of. Whatever it
// was, a run in fair weather then brings every record to its one place.
func TestBrokerSchedules(t *testing.T) {
	a := newArena(t)
	until := time.Now().Add(*chaosFor)
	for s := range schedules(t, until) {
		if !a.survives(t, s) {
			left := time.Until(until)
			t.Fatal(a.shortest(t, s, time.Now().Add(max(left, shrinking))))
		}
	}
	t.Logf("figures: schedules of seed %d: %s", *chaosSeed, a.sum)
}

// schedules are what the flags ask for.
func schedules(t *testing.T, until time.Time) iter.Seq[schedule] {
	return func(yield func(schedule) bool) {
		switch {
		case *chaosRound >= 0:
			s := newSchedule(*chaosSeed, uint64(*chaosRound))
			if *chaosSteps != "" {
				s = s.with(named(t, s.steps, *chaosSteps))
			}
			yield(s)
		case *chaosFor > 0:
			for round := uint64(0); time.Now().Before(until) && yield(newSchedule(*chaosSeed, round)); round++ {
			}
		default: // two that fit into `make test`: one lake on a disk, one in an object store
			for first := range uint64(2) {
				if !yield(firstQuick(*chaosSeed, first)) {
					return
				}
			}
		}
	}
}

// firstQuick is the first quick schedule of every other round from this one on.
func firstQuick(seed, round uint64) schedule {
	for n := round; n < 1000; n += 2 {
		if s := newSchedule(seed, n); s.quick() {
			return s
		}
	}
	return newSchedule(seed, round)
}

// named are the steps with these numbers.
func named(t *testing.T, steps []step, numbers string) []step {
	t.Helper()
	var out []step
	for n := range strings.SplitSeq(numbers, ",") {
		i := slices.IndexFunc(steps, func(s step) bool { return fmt.Sprint(s.no) == n })
		if i < 0 {
			t.Fatalf("-steps: the round has no step %q, but 1 to %d", n, len(steps))
		}
		out = append(out, steps[i])
	}
	return out
}

// arena is what all rounds share.
type arena struct {
	*house
	kafka *faultproxy.Proxy // all processes go through it
	store *cloudtest.Server
	front *faultproxy.Proxy // before the store
	games int               // begun: what they make has new names
	sum   tally
}

func newArena(t *testing.T) *arena {
	t.Helper()
	a := &arena{house: &house{broker: kafkatest.Start(t, kafkatest.Behind(0)), program: build(t)}, store: cloudtest.Versity(t), sum: newTally()}
	a.kafka = faultproxy.Kafka(t, a.broker.BehindAddr, nil)
	a.front = faultproxy.HTTP(t, a.store.Endpoint, nil)
	a.empty = a.probed(t)
	return a
}

// survives plays a schedule and reports whether all was well.
func (a *arena) survives(t *testing.T, s schedule) bool {
	t.Helper()
	a.games++
	return t.Run(fmt.Sprintf("game %d: round %d, steps %s", a.games, s.round, numbers(s.steps)), func(t *testing.T) {
		g := a.newGame(t, s)
		g.play()
		if t.Failed() || *chaosRound >= 0 {
			t.Logf("%s%s", s, g.story())
		}
	})
}

// shortest looks for a shorter history that fails, as long as there is time, and says
// how it is played again.
func (a *arena) shortest(t *testing.T, s schedule, until time.Time) string {
	t.Helper()
	tried := 0
	steps := shrink(s.steps, func(less []step) bool {
		for range attempts {
			if time.Now().After(until) {
				return false
			}
			if tried++; !a.survives(t, s.with(less)) {
				return true
			}
		}
		return false
	})
	return fmt.Sprintf("seed %d, round %d fails: the whole schedule is\n%sthe shortest history that failed, of %d that were tried, is\n%splay it again with\n    go test ./internal/badday -run '^TestBrokerSchedules$' -seed=%d -round=%d -steps=%s",
		s.seed, s.round, s, tried, s.with(steps), s.seed, s.round, numbers(steps))
}

// The same seed and round are the same schedule, another seed or round is another one,
// and nothing that a step can be is left out.
func TestScheduleFollowsFromItsSeed(t *testing.T) {
	kinds, whens, hits, seen := map[stepKind]int{}, map[counted]int{}, map[string]int{}, map[string]bool{}
	for seed := range uint64(200) {
		for first := range uint64(2) {
			if s := firstQuick(seed, first); !s.quick() || s.bucket != (first == 1) {
				t.Errorf("seed %d: the first quick round from %d on is %d:\n%s", seed, first, s.round, s)
			}
		}
		for round := range uint64(2) {
			s := newSchedule(seed, round)
			text := s.String()
			if again := newSchedule(seed, round).String(); again != text {
				t.Fatalf("got two schedules of one seed:\n%s%s", text, again)
			}
			_, story, _ := strings.Cut(text, ": ")
			if seen[story] {
				t.Errorf("seed %d, round %d is a schedule that was there before:\n%s", seed, round, text)
			}
			seen[story] = true
			last := 0
			for i, st := range s.steps {
				if share := s.share(st); st.no != i+1 || share < last || st.after < 1 || st.after > s.reach(st.when) {
					t.Errorf("seed %d, round %d: step %s stands in place %d", seed, round, st, i+1)
				} else {
					last = share
				}
				if !s.bucket && (st.when == stored || st.kind == storeDies || st.kind == storeFault) {
					t.Errorf("seed %d, round %d: step %s, and there is no store", seed, round, st)
				}
				if s.bucket && st.kind == diskFull {
					t.Errorf("seed %d, round %d: step %s, and the lake is on no disk", seed, round, st)
				}
				kinds[st.kind]++
				whens[st.when]++
				if st.kind == kafkaFault || st.kind == storeFault {
					hits[fmt.Sprint(st.kind, " ", st.fault.act)]++
				}
			}
		}
	}
	if len(kinds) != int(stepKinds) || len(whens) != int(events) || len(hits) != 2*len(acts) {
		t.Errorf("400 schedules have steps %v, after %v, with %v", kinds, whens, hits)
	}
}
