package batch_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tidemark/internal/batch"
)

func TestMergeRejectsKeepsRowOrderAndTimeFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var b batch.Batch
		var want []batch.Reject
		for _, stage := range []batch.Stage{batch.StageConform, batch.StageWatermark, batch.StageQuality} {
			from := len(b.Rejects)
			for row := range int32(40) {
				for n := rng.IntN(3); n > 0; n-- {
					b.Rejects = append(b.Rejects, batch.Reject{Row: row, Stage: stage, At: int32(n)})
				}
			}
			want = append(want, b.Rejects[from:]...)
			b.MergeRejects(from)
		}
		// Found conform, watermark, quality: want is in the order of time found.
		slices.SortStableFunc(want, func(x, y batch.Reject) int { return int(x.Row - y.Row) })
		if !slices.Equal(b.Rejects, want) {
			t.Fatalf("got %v\nwant %v", b.Rejects, want)
		}
	}
}

func TestMergeRejectsOfNothing(t *testing.T) {
	one := batch.Reject{Row: 3}
	for _, from := range []int{0, 1, 2} {
		b := batch.Batch{Rejects: []batch.Reject{one}}
		b.MergeRejects(from)
		if len(b.Rejects) != 1 || b.Rejects[0] != one {
			t.Errorf("from %d: got %v, want the one reject", from, b.Rejects)
		}
	}
}
