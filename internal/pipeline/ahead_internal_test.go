// White-box: which batches a worker has taken is decided by the test.
package pipeline

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/internal/store/storetest"
	"tidemark/quality"
	"tidemark/writer"
)

// TestNoMoreIsReadThanMakesABatch has no worker at first: reading waits once a batch's worth of
// rows is cut and waits for one, and goes on as soon as it is taken. The rows that wait count
// together, however many batches they are.
func TestNoMoreIsReadThanMakesABatch(t *testing.T) {
	s := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Columns: []schema.Column{{Name: "id", Type: schema.Type{Kind: schema.Long}}}}
	suite, err := quality.Compile(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Tables: []Table{{Schema: s, Topics: []string{"x"}, Suite: suite, Writer: writer.Options{Codec: "none"}}}, MaxRows: 10, Workers: 2},
		&storetest.Memory{}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	src := batch.Source{Topic: "x"}
	next, err := p.Start(t.Context(), []consumer.Partition{{Source: src, End: 100}})
	if err != nil {
		t.Fatal(err)
	}
	at := next[0]
	read := func(rows int) {
		var records []batch.Record
		for range rows {
			records = append(records, batch.Record{Offset: at, Time: time.Now(), Value: []byte(fmt.Sprintf(`{"id":%d}`, at))})
			at++
		}
		p.Accept(src, at, 100, slices.Values(records))
	}
	waits := func() <-chan struct{} {
		t.Helper()
		orders, changed, err := p.room()
		if err != nil || len(orders.Seek)+len(orders.Pause)+len(orders.Hold) > 0 {
			t.Fatal(orders, err)
		}
		return changed
	}
	cut := func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tables[0].cutLocked()
	}
	read(9)
	if waits() != nil {
		t.Error("it waits with an open batch of 9 rows alone")
	}
	cut()
	if waits() != nil {
		t.Error("it waits with 9 of 10 rows cut")
	}
	read(1)
	cut()
	changed := waits()
	if changed == nil {
		t.Fatal("it reads on with 10 rows that wait for a worker")
	}
	if b := p.take(); b.raw.Rows() != 9 {
		t.Errorf("took a batch of %d rows", b.raw.Rows())
	}
	select {
	case <-changed:
	default:
		t.Error("who waits is not told that a batch was taken")
	}
	if waits() != nil {
		t.Error("it waits with one row that waits for a worker")
	}
}
