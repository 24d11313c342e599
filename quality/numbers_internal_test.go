// White-box: how full a set is, and between which numbers, decides alone how it is kept.
package quality

import (
	"math/rand/v2"
	"testing"
)

// TestNumbersTogether: groups of neighbours and whole sets that are put into a set leave it as their
// numbers would, one by one, however far apart these are.
func TestNumbersTogether(t *testing.T) {
	for name, next := range map[string]func(rng *rand.Rand, i int) uint64{
		"rising":      func(_ *rand.Rand, i int) uint64 { return uint64(i) },
		"far apart":   func(rng *rand.Rand, _ int) uint64 { return rng.Uint64() },
		"first apart": func(rng *rand.Rand, i int) uint64 { return uint64(i * max(1_000_003>>(i/1000), 1)) },
		"in heaps":    func(rng *rand.Rand, _ int) uint64 { return rng.Uint64N(300)<<40 | rng.Uint64N(500) },
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 5))
			var whole numbers
			whole.reset()
			want := map[uint64]bool{}
			for round := range 20 {
				var part numbers
				part.reset()
				for i := range 1000 {
					v := next(rng, round*1000+i)
					taken := uint64(1)<<(v&63) | 1<<63
					part.or(v>>6, taken)
					want[v], want[v|63] = true, true
				}
				part.or(7, 0) // nothing
				whole.merge(&part)
			}
			lo, hi := uint64(1<<64-1), uint64(0)
			for v := range want {
				lo, hi = min(lo, v), max(hi, v)
				if !whole.has(v) {
					t.Fatalf("%d is not there", v)
				}
			}
			if whole.n != int64(len(want)) || whole.lo != lo || whole.hi != hi {
				t.Errorf("got %d numbers from %d to %d, want %d from %d to %d", whole.n, whole.lo, whole.hi, len(want), lo, hi)
			}
			for v := range whole.all() {
				if !want[v] {
					t.Fatalf("%d is there", v)
				}
				delete(want, v)
			}
			if len(want) > 0 {
				t.Errorf("%d numbers are not told", len(want))
			}
		})
	}
}
