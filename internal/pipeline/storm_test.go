package pipeline_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/ledger"
	"tidemark/internal/store/storetest"
)

// The first storm and how many: 0 is a number that fits `make test`.
var (
	stormSeed = flag.Uint64("seed", 1, "the seed of the first storm")
	storms    = flag.Int("storms", 0, "how many storms, 0: 300, or 3000 with -long")
)

// TestStorms lets two or three processes work on one lake, each in a storm of its own:
// faults of all kinds, deaths, power cuts, partitions that are everybody's or move.
// Whatever they did, one process in fair weather brings every record to its one fate,
// and nobody ever meets a state that asks for a person (P1, P2, P3, R4, R5, R7).
func TestStorms(t *testing.T) {
	n := *storms
	switch {
	case n > 0:
	case *long:
		n = 3000
	default:
		n = 300
	}
	began := time.Now()
	sum := struct{ lives, killed, again, cuts, operations int }{}
	faults := map[storetest.Mode]int{}
	for i := range n {
		h := newHistory(*stormSeed + uint64(i))
		if got := h.play(t); len(got) > 0 {
			why := strings.Join(got, "\n")
			h.shrink(t)
			t.Fatalf("storm of seed %d: %s\nthe shortest history that fails:\n%s", h.seed, why, h)
		}
		for p := range h.phases {
			if h.phases[p].cut {
				sum.cuts++
			}
			for _, l := range h.phases[p].lives {
				sum.lives++
				sum.operations += l.operations
				sum.again += l.starts
				if l.dies > 0 && l.operations >= l.dies {
					sum.killed++
				}
				for _, hit := range l.hits {
					faults[hit.Mode]++
				}
			}
		}
	}
	t.Logf("figures: storms: %d schedules from seed %d: %d processes, %d of them killed, %d started again after a fault, %d power cuts, %d operations; faults: %s; %.1f s",
		n, *stormSeed, sum.lives, sum.killed, sum.again, sum.cuts, sum.operations, kinds(faults), time.Since(began).Seconds())
}

// history is a schedule: phases one after another, in each of which processes live
// beside each other.
type history struct {
	seed   uint64
	events [2]int // records of each partition
	phases []phase
}

type phase struct {
	lives []*life
	cut   bool // the power fails when all have ended
}

// restarts is how often a process is started again that a fault has ended.
const restarts = 4

// life is one process, started again when a fault ends it.
type life struct {
	seed  uint64
	share float64 // of operations that a fault hits
	mine  []int   // partitions; nil: all
	rows  int     // of a batch at most
	begin time.Duration
	dies  int            // at which operation, 0: never; nothing of it reaches the store after that
	last  storetest.Mode // what becomes of that operation

	hits       []storetest.Hit // what the storm did; when it is replayed, what it is to do
	replay     bool
	operations int
	starts     int
	err        error // of the last
}

func newHistory(seed uint64) *history {
	r := rand.New(rand.NewPCG(seed, 1))
	h := &history{seed: seed, events: [2]int{5 + r.IntN(20), r.IntN(20)}}
	for range 1 + r.IntN(3) {
		p := phase{cut: r.IntN(3) == 0}
		for range 2 + r.IntN(2) {
			l := &life{
				seed: r.Uint64(), share: []float64{0.01, 0.04, 0.15}[r.IntN(3)], rows: 2 + r.IntN(8),
				mine:  [][]int{nil, nil, {0}, {1}}[r.IntN(4)],
				begin: time.Duration(r.IntN(3)) * 10 * time.Millisecond,
			}
			if r.IntN(3) == 0 {
				l.dies, l.last = 1+r.IntN(60), storetest.Mode(r.IntN(len(storetest.Modes())))
			}
			p.lives = append(p.lives, l)
		}
		h.phases = append(h.phases, p)
	}
	return h
}

// play lets it happen, and returns what is wrong at the end of it.
func (h *history) play(t *testing.T) []string {
	var v *verdict
	synctest.Test(t, func(t *testing.T) {
		v = &verdict{TB: t}
		v.guard(func() { h.happen(v) })
	})
	return v.said
}

func (h *history) happen(t testing.TB) {
	tp := newTopic(2)
	for p, n := range h.events {
		tp.add(p, n, noon.Add(-26*time.Hour))
	}
	lake := &storetest.Memory{}
	var late []*storetest.Faulty
	for i := range h.phases {
		var all sync.WaitGroup
		for _, l := range h.phases[i].lives {
			weather := &storetest.Faulty{Store: lake}
			late = append(late, weather)
			all.Go(func() { l.live(t, weather, tp) })
		}
		all.Wait()
		if h.phases[i].cut {
			lake.PowerCut()
		}
	}
	// Some of what is on its way lands before the fair weather, the rest after it.
	for i, weather := range late {
		weather.Heal()
		if i%2 == 0 {
			weather.Deliver()
		}
	}
	fair := &life{seed: h.seed, rows: 5, replay: true}
	for range 2 {
		if fair.live(t, &storetest.Faulty{Store: lake}, tp); fair.err != nil || fair.starts > 0 {
			t.Errorf("in fair weather, after %d starts: %v", fair.starts+1, fair.err)
		}
		checkExact(t, lake, "t", tp)
		checkBalance(t, lake, "t")
		for _, weather := range late {
			weather.Deliver()
		}
	}
	checkExact(t, lake, "t", tp)
}

// live runs a process to its end.
func (l *life) live(t testing.TB, weather *storetest.Faulty, tp *topic) {
	if l.replay {
		weather.Replay(l.hits)
	} else {
		weather.Storm(l.seed, l.share)
	}
	if l.dies > 0 {
		// The second does not count what the first one hit.
		weather.Inject(storetest.Fault{Index: l.dies, Mode: l.last, Wait: time.Second}, storetest.Fault{Index: l.dies, Times: -1})
	}
	cfg := testConfig(t)
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], l.seed)
	cfg.Random, cfg.MaxRows = rand.NewChaCha8(key), l.rows
	pause := l.begin
	for l.starts = range 1 + restarts {
		<-time.After(pause)
		d := newProcess(t, cfg, weather, tp)
		d.mine = l.mine
		l.err = d.drain(t.Context())
		if errors.Is(l.err, ledger.ErrUnsafe) {
			t.Errorf("an alarm: %v", l.err)
		}
		l.operations = weather.Count()
		if l.err == nil || l.dies > 0 && l.operations >= l.dies {
			break
		}
		pause = time.Second
	}
	l.hits = slices.DeleteFunc(weather.Hits(), func(x storetest.Hit) bool { return l.dies > 0 && x.N >= l.dies })
}

// verdict gathers what is found wrong, so that a history that fails can be played
// again.
type verdict struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

// stopped is what a verdict panics with where a test would end.
type stopped struct{}

func (v *verdict) guard(do func()) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stopped); !ok {
				panic(r)
			}
		}
	}()
	do()
}

func (v *verdict) Helper() {}

func (v *verdict) Error(args ...any) { v.Errorf("%s", fmt.Sprint(args...)) }

func (v *verdict) Errorf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(v.said, text) {
		v.said = append(v.said, text)
	}
}

func (v *verdict) Fatal(args ...any) {
	v.Error(args...)
	panic(stopped{})
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.Errorf(format, args...)
	panic(stopped{})
}

// shrink takes away, piece by piece, what the failure does not need.
func (h *history) shrink(t *testing.T) {
	for i := range h.phases {
		for _, l := range h.phases[i].lives {
			l.replay = true
		}
	}
	for smaller := true; smaller; {
		smaller = false
		for i := range h.phases {
			p := &h.phases[i]
			for j := len(p.lives) - 1; j >= 0; j-- {
				all := p.lives
				p.lives = slices.Delete(slices.Clone(all), j, j+1)
				if h.fails(t) {
					smaller = true
					continue
				}
				p.lives = all
				smaller = h.shrinkLife(t, all[j]) || smaller
			}
			if p.cut {
				p.cut = false
				if !h.fails(t) {
					p.cut = true
				}
			}
		}
	}
}

func (h *history) shrinkLife(t *testing.T, l *life) (smaller bool) {
	if dies := l.dies; dies > 0 {
		l.dies = 0
		if h.fails(t) {
			smaller = true
		} else {
			l.dies = dies
		}
	}
	for k := len(l.hits) - 1; k >= 0; k-- {
		all := l.hits
		l.hits = slices.Delete(slices.Clone(all), k, k+1)
		if h.fails(t) {
			smaller = true
		} else {
			l.hits = all
		}
		k = min(k, len(l.hits))
	}
	return smaller
}

// fails plays it again, without taking over what happened. Goroutines run as they
// like: what needs a certain order is tried more than once.
func (h *history) fails(t *testing.T) bool {
	for range 3 {
		again := &history{seed: h.seed, events: h.events}
		for _, p := range h.phases {
			q := phase{cut: p.cut}
			for _, l := range p.lives {
				one := *l
				q.lives = append(q.lives, &one)
			}
			again.phases = append(again.phases, q)
		}
		if len(again.play(t)) > 0 {
			return true
		}
	}
	return false
}

func (h *history) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "records: %v\n", h.events)
	for i, p := range h.phases {
		for j, l := range p.lives {
			fmt.Fprintf(&b, "phase %d, process %d: partitions %v, batches of %d, begins at %v", i+1, j+1, l.mine, l.rows, l.begin)
			if l.dies > 0 {
				fmt.Fprintf(&b, ", dies at operation %d (%s)", l.dies, l.last)
			}
			for _, hit := range l.hits {
				fmt.Fprintf(&b, "\n    %s", hit)
			}
			b.WriteString("\n")
		}
		if p.cut {
			fmt.Fprintf(&b, "phase %d: the power fails\n", i+1)
		}
	}
	return b.String()
}
