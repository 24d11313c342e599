package badday_test

import (
	"slices"
	"testing"
)

// shrink takes away what a failure does not need: large pieces first, then smaller
// ones, then single steps, until none can go. It returns steps for which fails was
// seen to be true, or all of them; fails is not asked about none or all.
func shrink[T any](steps []T, fails func([]T) bool) []T {
	for size := max(1, len(steps)/2); ; {
		smaller := false
		for from := 0; from < len(steps) && len(steps) > 1; {
			less := slices.Delete(slices.Clone(steps), from, min(from+size, len(steps)))
			if len(less) > 0 && fails(less) {
				steps, smaller = less, true
			} else {
				from += size
			}
		}
		switch {
		case size > 1:
			size /= 2
		case !smaller:
			return steps
		}
	}
}

// What is left fails, and would not without any one of its steps.
func TestShrink(t *testing.T) {
	all := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	needs := func(these ...int) func([]int) bool {
		return func(steps []int) bool {
			for _, n := range these {
				if !slices.Contains(steps, n) {
					return false
				}
			}
			return true
		}
	}
	for _, c := range []struct {
		what  string
		steps []int
		fails func([]int) bool
		want  []int
	}{
		{"one", all, needs(7), []int{7}},
		{"the first and the last", all, needs(1, 11), []int{1, 11}},
		{"three of them", all, needs(2, 6, 9), []int{2, 6, 9}},
		{"all", all[:3], needs(1, 2, 3), all[:3]},
		{"either of two", all, func(s []int) bool { return needs(3)(s) || needs(5)(s) }, []int{5}},
		{"never again", all, func([]int) bool { return false }, all},
		{"a single one", all[:1], needs(1), all[:1]},
		// Only by taking two away at once is it found that neither is needed.
		{"a pair that cancels out", all[:8], func(s []int) bool { return needs(8)(s) && needs(1)(s) == needs(2)(s) }, []int{8}},
	} {
		asked := 0
		got := shrink(c.steps, func(s []int) bool {
			if asked++; len(s) == 0 || len(s) >= len(c.steps) {
				t.Errorf("%s: it asks about %v", c.what, s)
			}
			return c.fails(s)
		})
		if !slices.Equal(got, c.want) || asked > 60 {
			t.Errorf("%s: got %v after %d questions, want %v", c.what, got, asked, c.want)
		}
	}
	if !slices.IsSorted(all) {
		t.Errorf("it changed what it was given: %v", all)
	}
}
