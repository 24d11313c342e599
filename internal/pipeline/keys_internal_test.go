// White-box: which of two workers is first must be told from outside, which no method
// allows.
package pipeline

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/internal/store/storetest"
	"tidemark/quality"
	"tidemark/writer"
)

// TestKeysWaitForTheBatchBefore lets a batch be checked while the one before it has not
// told which keys it takes: it waits, and then knows them.
func TestKeysWaitForTheBatchBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &schema.Table{Name: "t", EventTime: 1, Partition: schema.ByDay, Columns: []schema.Column{
			{Name: "id", Type: schema.Type{Kind: schema.Long}}, {Name: "at", Type: schema.Type{Kind: schema.Timestamp}},
		}}
		suite, err := quality.Compile(s, nil, quality.WithDedupe(quality.Dedupe{Keys: []string{"id"}, Within: time.Hour}))
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(Config{Tables: []Table{{Schema: s, Suite: suite, Writer: writer.Options{Codec: "none"}}}}, &storetest.Memory{}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		tab := p.tables[0]
		if _, err := tab.ledger.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		first, second := newBuild(tab, &batch.Raw{}, time.Now()), newBuild(tab, &batch.Raw{}, time.Now())
		second.prev = first
		row := func(b *build) *shift {
			w := newWorker(p)
			w.batch.Reset(s, b.raw, 0, 1)
			w.batch.Columns[0].Ints[0], w.batch.Columns[1].Ints[0] = 7, 7
			return &shift{worker: w, segment: segment{b: b, rows: 1, last: true}}
		}
		one, two := row(first), row(second)
		done := make(chan error, 1)
		go func() { done <- two.inspect(t.Context()) }()
		synctest.Wait()
		if len(done) > 0 {
			t.Error("the keys of a batch are judged before those of the batch before it")
		}
		if err := one.inspect(t.Context()); err != nil {
			t.Error(err)
		}
		if err := one.hold(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := two.worker.batch.Fates[0]; got != batch.Duplicate {
			t.Errorf("got %s, want duplicate", got)
		}
	})
}
