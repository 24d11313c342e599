package watermark_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/watermark"
)

func TestW1NextNeverFallsNorDependsOnOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for range 2000 {
		var now watermark.Mark
		parts := make([]watermark.Partition, rng.IntN(5))
		for range 20 {
			for i := range parts {
				p := &parts[i]
				p.Idle = rng.IntN(3) == 0
				if rng.IntN(2) == 0 {
					p.MaxEventTime = p.MaxEventTime.Max(watermark.At(rng.Int64N(1000)))
				}
			}
			delay := time.Duration(rng.IntN(100)) * time.Microsecond
			next := watermark.Next(now, parts, delay)
			if now.Known && (!next.Known || next.Micros < now.Micros) {
				t.Fatalf("fell from %v to %v by %+v", now, next, parts)
			}
			for _, p := range parts {
				if !p.Idle && next != now && next.Micros > p.MaxEventTime.Micros-delay.Microseconds() {
					t.Fatalf("rose to %v past %+v, which is not idle, delay %v", next, p, delay)
				}
			}
			other := slices.Clone(parts)
			rng.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
			if got := watermark.Next(now, other, delay); got != next {
				t.Fatalf("got %v for partitions in another order, want %v", got, next)
			}
			now = next
		}
	}
}

func TestNextAtTheEndsOfTime(t *testing.T) {
	for _, c := range []struct{ at, want int64 }{
		{math.MinInt64, math.MinInt64},
		{math.MinInt64 + 5, math.MinInt64},
		{math.MaxInt64, math.MaxInt64 - 1e6},
	} {
		got := watermark.Next(watermark.Mark{}, []watermark.Partition{{MaxEventTime: watermark.At(c.at)}}, time.Second)
		if got != watermark.At(c.want) {
			t.Errorf("Next of %d: got %d, want %d", c.at, got.Micros, c.want)
		}
	}
}

// naiveJudge says the fate of one row, as plainly as can be.
func naiveJudge(b *batch.Batch, row int, in watermark.Bounds) (fate batch.Fate, counts bool) {
	v := &b.Columns[b.Table.EventTime]
	fate = b.Fates[row]
	if fate == batch.Quarantined || fate == batch.Filtered {
		return fate, false
	}
	if v.Mark(row) == batch.Null {
		if fate <= batch.Late && b.Table.Partition != schema.Unpartitioned {
			return batch.Quarantined, false
		}
		return fate, false
	}
	counts = v.Mark(row) == batch.Present && v.Ints[row] <= in.Future
	switch {
	case fate > batch.Late:
	case v.Ints[row] > in.Future:
		fate = batch.Quarantined
	case in.Watermark.Known && v.Ints[row] < in.Watermark.Micros && in.Late != watermark.Accept:
		fate = batch.Late
	}
	return fate, counts
}

func TestJudgeAgreesWithRowByRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 9))
	for range 1000 {
		b := randomBatch(rng)
		in := watermark.Bounds{Future: 700, Late: watermark.Policy(rng.IntN(3))}
		if rng.IntN(4) > 0 {
			in.Watermark = watermark.At(rng.Int64N(500))
		}
		newest := make([]watermark.Mark, len(b.Raw.Sources))
		want := slices.Clone(b.Fates)
		for _, run := range b.Raw.Runs {
			for i := run.First; i < run.First+run.Rows; i++ {
				row := i - b.First
				if row < 0 || row >= b.Rows {
					continue
				}
				fate, counts := naiveJudge(b, row, in)
				if want[row] = fate; counts {
					newest[run.Source] = newest[run.Source].Max(watermark.At(b.Columns[0].Ints[row]))
				}
			}
		}
		report := watermark.Judge(b, in)
		if !slices.Equal(b.Fates, want) {
			t.Fatalf("got fates %v\nwant %v", b.Fates, want)
		}
		if !slices.Equal(report.MaxEventTime, newest) {
			t.Fatalf("got newest %v, want %v", report.MaxEventTime, newest)
		}
		checkRejects(t, b)
		watermark.Rejudge(b, in)
		if !slices.Equal(b.Fates, want) {
			t.Fatalf("judged again by the same watermark: got fates %v\nwant %v", b.Fates, want)
		}
	}
}

func randomBatch(rng *rand.Rand) *batch.Batch {
	table := newTable()
	table.Partition = schema.Partitioning(rng.IntN(3))
	raw := &batch.Raw{}
	for i := range 60 {
		raw.Append(raw.Source(batch.Source{Partition: int32(rng.IntN(3))}), &batch.Record{Offset: int64(i)})
	}
	b := &batch.Batch{}
	first := rng.IntN(30)
	b.Reset(table, raw, first, rng.IntN(60-first))
	marked := rng.IntN(2) == 0
	for row := range b.Rows {
		b.Columns[0].Ints[row] = rng.Int64N(1000)
		if marked && rng.IntN(5) == 0 {
			b.Columns[0].SetMark(row, b.Rows, batch.Mark(rng.IntN(3)))
		}
		if rng.IntN(5) == 0 {
			b.Fates[row] = []batch.Fate{batch.Quarantined, batch.Duplicate, batch.Filtered}[rng.IntN(3)]
		}
		if b.Fates[row] == batch.Quarantined {
			b.Rejects = append(b.Rejects, batch.Reject{Row: int32(row), Reason: "earlier"})
		}
	}
	return b
}

// checkRejects checks that rejects are in order and stand for quarantined rows.
func checkRejects(t *testing.T, b *batch.Batch) {
	t.Helper()
	var rows []int32
	for _, r := range b.Rejects {
		rows = append(rows, r.Row)
	}
	var want []int32
	for row, f := range b.Fates {
		if f == batch.Quarantined {
			want = append(want, int32(row))
		}
	}
	if !slices.Equal(rows, want) {
		t.Fatalf("got rejects of rows %v, want %v", rows, want)
	}
}

func BenchmarkJudge(b *testing.B) {
	const rows = 500_000
	raw := &batch.Raw{}
	for i := range rows {
		raw.Append(raw.Source(batch.Source{Partition: int32(i / 1000 % 4)}), &batch.Record{Offset: int64(i)})
	}
	var rowsIn batch.Batch
	rowsIn.Reset(newTable(), raw, 0, rows)
	for i := range rows {
		rowsIn.Columns[0].Ints[i] = 1_795_000_000_000_000 + int64(i)
		if i%1000 == 7 {
			rowsIn.Columns[0].Ints[i] -= 30 * 86400e6
		}
	}
	in := watermark.Bounds{Watermark: watermark.At(1_795_000_000_000_000), Future: 1_796_000_000_000_000}
	b.ReportAllocs()
	for b.Loop() {
		clear(rowsIn.Fates)
		watermark.Judge(&rowsIn, in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
