package writer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/internal/store"
	"tidemark/writer"
)

// cardTable has the columns of the bench event.
func cardTable() *schema.Table {
	col := func(name string, k schema.Kind) schema.Column {
		return schema.Column{Name: name, Type: schema.Type{Kind: k}}
	}
	t := &schema.Table{Name: "transactions", EventTime: 4, Columns: []schema.Column{
		col("transaction_id", schema.Long), col("account_id", schema.Long),
		{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
		col("transaction_type", schema.String), col("transaction_date", schema.Timestamp), col("status", schema.String),
		col("currency", schema.String), col("channel", schema.String), col("merchant", schema.String), col("country", schema.String),
	}}
	t.Columns[0].Required = true
	return t
}

// cardBatch makes rows over a number of days, in the order of their time or mixed.
func cardBatch(rows, days int, mixed bool) *batch.Batch {
	rng := rand.New(rand.NewPCG(1, 2))
	raw := &batch.Raw{}
	for i := range rows {
		src := raw.Source(batch.Source{Topic: "transactions", Partition: int32(i * 4 / rows)})
		raw.Append(src, &batch.Record{Offset: int64(i), Time: kafkaTime, Value: []byte("{}")})
	}
	b := &batch.Batch{}
	b.Reset(cardTable(), raw, 0, rows)
	for c, n := range map[int]int{3: 7, 5: 4, 6: 5, 7: 4, 8: 1000, 9: 10} {
		for i := range n {
			b.Columns[c].Dict.Add(fmt.Appendf(nil, "Value %05d", i))
		}
		for row := range rows {
			b.Columns[c].Codes[row] = int32(rng.IntN(n))
		}
	}
	first := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).UnixMicro()
	span := int64(days) * 86_400_000_000
	for row := range rows {
		b.Columns[0].Ints[row] = 1_000_000_000 + int64(row)
		b.Columns[1].Ints[row] = rng.Int64N(100_000)
		b.Columns[2].Ints[row] = rng.Int64N(500_000)
		at := int64(row) * (span / int64(rows))
		if mixed {
			at = rng.Int64N(span)
		}
		b.Columns[4].Ints[row] = first + at
	}
	return b
}

// nowhere is a shelf that keeps nothing.
type nowhere struct{ bytes int64 }

func (n *nowhere) Stage(context.Context, string) (store.Staged, error) { return n, nil }
func (n *nowhere) Write(p []byte) (int, error)                         { n.bytes += int64(len(p)); return len(p), nil }
func (n *nowhere) Finish(context.Context) error                        { return nil }
func (n *nowhere) Abort() error                                        { return nil }

func BenchmarkWrite(b *testing.B) {
	for _, bench := range []struct {
		name       string
		rows, days int
		mixed      bool
	}{{"one_day", 250_000, 1, false}, {"given", 500_000, 9, false}, {"mixed", 500_000, 9, true}} {
		b.Run(bench.name, func(b *testing.B) {
			rows := cardBatch(bench.rows, bench.days, bench.mixed)
			w, err := writer.New(rows.Table, writer.Options{SourceSystem: "core_banking"})
			if err != nil {
				b.Fatal(err)
			}
			shelf := &nowhere{}
			run := func() {
				if _, err := w.Write(b.Context(), shelf, rows, build("20261125t010203456789-abcdefghijklmnop")); err != nil {
					b.Fatal(err)
				}
			}
			run()
			shelf.bytes = 0
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				run()
			}
			runtime.ReadMemStats(&after)
			n := float64(b.N) * float64(bench.rows)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/row")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/row")
			b.ReportMetric(float64(shelf.bytes)/n, "bytes/row")
		})
	}
}
