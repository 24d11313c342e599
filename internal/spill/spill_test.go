package spill_test

import (
	"cmp"
	"errors"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tidemark/internal/spill"
	"tidemark/quality"
)

// TestSpillIsExact adds runs of many sizes and asks for what is in them, what is beside
// it, and what was never there.
func TestSpillIsExact(t *testing.T) {
	for _, numbers := range []bool{true, false} {
		rng := rand.New(rand.NewPCG(4, 4))
		dir := t.TempDir()
		s := spill.New(dir, numbers)
		have := map[quality.SpillEntry]bool{}
		keys := uint64(3000) // few, so that keys of hashes have several entries, across blocks
		for range 40 {
			var list []quality.SpillEntry
			for range rng.IntN(2000) {
				e := quality.SpillEntry{Key: rng.Uint64N(keys), Bits: 1 << rng.IntN(64)}
				if rng.IntN(4) == 0 {
					e.Key = 7
				}
				if !numbers {
					e.Bits = rng.Uint64N(5000)
				}
				list = append(list, e)
				have[e] = true
			}
			if err := s.Add(slices.Values(sorted(list, numbers))); err != nil {
				t.Fatal(err)
			}
			var asks []quality.SpillEntry
			for e := range have {
				if asks = append(asks, e); len(asks) == 1000 {
					break
				}
			}
			for range 1000 {
				e := quality.SpillEntry{Key: rng.Uint64N(2 * keys), Bits: 1 << rng.IntN(64)}
				if !numbers {
					e.Bits = rng.Uint64N(10000)
				}
				asks = append(asks, e)
			}
			slices.SortFunc(asks, compare)
			found := make([]bool, len(asks))
			if err := s.Find(asks, func(i int) { found[i] = true }); err != nil {
				t.Fatal(err)
			}
			for i, e := range asks {
				if found[i] != have[e] {
					t.Fatalf("%+v: got %t, want %t", e, found[i], have[e])
				}
			}
		}
		if files, size := s.Runs(); files > 8 || size == 0 {
			t.Errorf("%d files of %d bytes: runs are not merged", files, size)
		}
		if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
			t.Errorf("a process that dies now leaves %v", left)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func compare(a, b quality.SpillEntry) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Bits, b.Bits))
}

// sorted is a list as Add wants it: numbers have one entry a key.
func sorted(list []quality.SpillEntry, numbers bool) (out []quality.SpillEntry) {
	slices.SortFunc(list, compare)
	for _, e := range slices.Compact(list) {
		if n := len(out); numbers && n > 0 && out[n-1].Key == e.Key {
			out[n-1].Bits |= e.Bits
		} else {
			out = append(out, e)
		}
	}
	return out
}

// A disk that takes nothing is an error that says what to do.
func TestSpillWithoutRoom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	err := spill.New(dir, true).Add(slices.Values([]quality.SpillEntry{{Key: 1, Bits: 1}}))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error of the folder", err)
	}
}

func BenchmarkFindAbsent(b *testing.B) {
	s := spill.New(b.TempDir(), true)
	const n = 2_000_000
	if err := s.Add(func(yield func(quality.SpillEntry) bool) {
		for i := range uint64(n) {
			if !yield(quality.SpillEntry{Key: i * 1000, Bits: 1}) {
				return
			}
		}
	}); err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	asks := make([]quality.SpillEntry, 100_000)
	for i := range asks {
		asks[i] = quality.SpillEntry{Key: rng.Uint64N(n * 1000), Bits: 1}
	}
	slices.SortFunc(asks, compare)
	for b.Loop() {
		if err := s.Find(asks, func(int) {}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(asks)), "ns/key")
	b.ReportMetric(float64(s.Bytes())/n, "B/key")
}
