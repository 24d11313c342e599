package writer

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// White box: bounds in a file may be wider than they must be. TestIntBounds compares with the plain way, where the bounds stand at each place.
func TestIntBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 20 {
		for range 200 {
			ints := make([]int64, n)
			for i := range ints {
				ints[i] = rng.Int64() >> rng.IntN(64)
				if rng.IntN(2) == 0 {
					ints[i] = -ints[i]
				}
			}
			var lower, upper int64
			if n > 0 {
				lower, upper = slices.Min(ints), slices.Max(ints)
			}
			if lo, hi := intBounds(ints); lo != lower || hi != upper {
				t.Fatalf("%d: got %d and %d, want %d and %d", ints, lo, hi, lower, upper)
			}
		}
	}
}
