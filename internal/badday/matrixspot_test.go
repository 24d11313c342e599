package badday_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// spot is a moment of a run: right before or right after an operation.
type spot struct {
	op    string // as in the tables
	nth   int    // of this op in a run, from 1 on
	after bool
}

// String is the name of its point.
func (s spot) String() string {
	if s.after {
		return "after " + s.op
	}
	return "before " + s.op
}

// inOrder sorts points by their operations, before before after.
func inOrder(points []string) []string {
	key := func(p string) string {
		when, op, _ := strings.Cut(p, " ")
		if when == "before" {
			return op + " 1"
		}
		return op + " 2"
	}
	slices.SortFunc(points, func(a, b string) int { return strings.Compare(key(a), key(b)) })
	return points
}

// pass is one run of the program as it is seen going by: its operations are counted,
// until one of them is where it is to die. It may be asked by many goroutines.
type pass struct {
	at spot // zero: nowhere

	mu    sync.Mutex
	seen  map[string]int
	which map[int]int // by the number of an operation: which of its name it is
	over  bool
}

func newPass(at spot) *pass { return &pass{at: at, seen: map[string]int{}, which: map[int]int{}} }

// here is told of an operation, before it and again after it, and reports whether this
// is the spot. It is once.
func (p *pass) here(op string, number int, after bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !after {
		p.seen[op]++
		p.which[number] = p.seen[op]
	}
	if p.over || p.at != (spot{op, p.which[number], after}) {
		return false
	}
	p.over = true
	return true
}

// reached reports whether the spot was.
func (p *pass) reached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// died judges how a program ended, −1 for a signal: it was killed at the spot, or it has
// never got there, or was ending by itself when it did.
func (p *pass) died(t *testing.T, of medium, code int, stderr string) bool {
	t.Helper()
	if code > 0 || code < 0 && !p.reached() {
		t.Fatalf("%s: exit code %d, and it was to be killed %s:\n%s", of, code, p.at, stderr)
	}
	return code < 0
}

// stage is a medium on which the program dies.
type stage struct {
	of      medium
	workers int                  // that take turns at the spots
	only    func(op string) bool // nil: all
	some    func([]spot) []spot  // which, in the quick form
	// die is a run, a death where the pass says so, a restart and what it came to. It
	// fails where no death was meant, and there was one.
	die func(*testing.T, *pass)
}

// play is a run that nobody disturbs, which shows the operations, and then a death before
// and after each. Not every run makes as many of a kind as another: then there is none.
func (s stage) play(t *testing.T) {
	whole := newPass(spot{})
	s.die(t, whole)
	var spots []spot
	for _, op := range slices.Sorted(maps.Keys(whole.seen)) {
		if s.only != nil && !s.only(op) {
			continue
		}
		for nth := range whole.seen[op] {
			spots = append(spots, spot{op, nth + 1, false}, spot{op, nth + 1, true})
		}
	}
	if len(spots) == 0 {
		t.Fatalf("%s: nothing was seen of what it is about", s.of)
	}
	if !*long {
		spots = s.some(spots)
	}
	var next atomic.Int64
	for who := range s.workers {
		t.Run(fmt.Sprint(who), func(t *testing.T) {
			t.Parallel()
			var at spot
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("%s: it was killed %s, time %d of it", s.of, at, at.nth)
				}
			})
			for n := next.Add(1); n <= int64(len(spots)) && !t.Failed(); n = next.Add(1) {
				at = spots[n-1]
				s.die(t, newPass(at))
			}
		})
	}
}

// ofEachName are n spots of each point, evenly spread, beginning where the seed says.
func ofEachName(n int) func([]spot) []spot {
	return func(all []spot) (some []spot) {
		points := map[string][]spot{}
		for _, s := range all {
			points[s.String()] = append(points[s.String()], s)
		}
		for _, name := range inOrder(slices.Collect(maps.Keys(points))) {
			some = append(some, spread(points[name], n)...)
		}
		return some
	}
}

// ofAll are n spots of all points: one of each, and of these some, of both kinds.
func ofAll(n int) func([]spot) []spot {
	return func(all []spot) []spot {
		one := ofEachName(1)(all)
		slices.SortStableFunc(one, func(a, b spot) int { return strings.Compare(b.String()[:1], a.String()[:1]) })
		return spread(one, n)
	}
}

// spread are n of all, or all, evenly spread, beginning where the seed says.
func spread(all []spot, n int) (some []spot) {
	n = min(n, len(all))
	from := int(*chaosSeed % uint64(len(all)))
	for i := range n {
		some = append(some, all[(from+i*len(all)/n)%len(all)])
	}
	return some
}
