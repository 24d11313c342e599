package pipeline

import (
	"context"
	"slices"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/ledger"
)

// Schemas says whether records can be decoded: what they were written with may have to be
// asked for first. Its methods may be called by any goroutine at any time.
type Schemas interface {
	// Ready reports whether all that is needed to decode a record is at hand, or is known
	// not to exist. If not, it is asked for. It does not wait, and keeps nothing of the record.
	Ready(rec *batch.Record) bool
	// Changed is closed once something that was asked for before the call is at hand.
	Changed() <-chan struct{}
}

// readyLocked reports whether a record can be decoded. It is shown in the table's own place:
// one that an interface is given the address of is allocated, each time.
func (t *table) readyLocked(rec batch.Record) bool {
	t.shown = rec
	ready := t.Schemas.Ready(&t.shown)
	t.shown = batch.Record{}
	return ready
}

// holdLocked lets a partition rest from a record on whose schema is not at hand: the others
// go on, and so does the partition once it is.
func (t *table) holdLocked(pt *part) {
	pt.away, pt.awaits = true, true
	t.holds = append(t.holds, pt.src)
	t.p.tellAwaitingLocked()
	t.log.Info("partition waits for a schema", "topic", pt.src.Topic, "partition", pt.src.Partition, "offset", pt.next)
	t.p.changeLocked()
}

// releaseLocked sends the partitions that wait for a schema back to their records: what
// still is not at hand holds them anew.
func (t *table) releaseLocked() {
	for _, key := range t.awaitingLocked() {
		pt := t.parts[key]
		pt.awaits = false
		if !t.adrift && t.halt == nil {
			t.seeks = append(t.seeks, consumer.Position{Source: pt.src, Offset: pt.next})
		}
	}
	t.p.tellAwaitingLocked()
	t.p.changeLocked()
}

// tellAwaitingLocked says in the metrics whether any partition waits for a schema.
func (p *Pipeline) tellAwaitingLocked() {
	some := 0.0
	for _, t := range p.tables {
		if len(t.awaitingLocked()) > 0 {
			some = 1
		}
	}
	p.metrics.paused.WithLabelValues("registry").Set(some)
}

// schemasCame waits until no partition or file waits for a schema, or ctx is done.
func (t *table) schemasCame(ctx context.Context) error {
	for {
		t.p.mu.Lock()
		waits, changed, failure := len(t.awaitingLocked()) > 0, t.p.changed, t.p.failure
		t.p.mu.Unlock()
		if !waits || failure != nil {
			return failure
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// awaitingLocked are the partitions that wait for a schema.
func (t *table) awaitingLocked() (keys []ledger.Key) {
	for key, pt := range t.parts {
		if pt.awaits {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b ledger.Key) int { return int(a.Partition) - int(b.Partition) })
	return keys
}

// watchSchemas releases partitions when schemas come, until ctx is done.
func (t *table) watchSchemas(ctx context.Context) {
	for {
		changed := t.Schemas.Changed()
		t.p.mu.Lock()
		t.releaseLocked()
		t.p.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}
