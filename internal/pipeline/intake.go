package pipeline

import (
	"context"
	"iter"
	"time"

	"tidemark/consumer"
	"tidemark/internal/batch"
)

// lookAhead is how many records without their schema are looked at, from the first on, so that
// schemas are asked for beside each other and not one after the other.
const lookAhead = 1000

// Accept implements consumer.Handler. It copies the records into the open batch of
// their table, cutting it where it is full.
func (p *Pipeline) Accept(src batch.Source, next, end int64, records iter.Seq[batch.Record]) {
	now := p.cfg.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.byTopic[src.Topic]
	if t == nil || t.halt != nil || p.failure != nil {
		return
	}
	pt := t.parts[keyOf(src)]
	if pt == nil || pt.away || next < pt.next {
		return
	}
	missing := 0
	for rec := range records {
		if t.Schemas != nil && rec.Offset >= pt.next && !t.readyLocked(rec) {
			if missing++; missing == lookAhead {
				break
			}
		}
		if missing == 0 { // what comes behind one that waits is only looked at
			t.addLocked(pt, &rec, now)
		}
	}
	pt.end = max(pt.end, end)
	if missing > 0 {
		t.holdLocked(pt)
		return
	}
	if next > pt.next {
		// Behind the last record are offsets that hold none.
		t.openLocked(now).spanOf(pt).to = next
		pt.next = next
	}
	t.observeLocked(pt, now)
}

func (t *table) addLocked(pt *part, rec *batch.Record, now time.Time) {
	if rec.Offset < pt.next {
		return
	}
	b := t.openLocked(now)
	sp := b.spanOf(pt)
	t.p.lendLocked(b.raw)
	b.raw.Append(sp.source, rec)
	sp.records++
	sp.to = rec.Offset + 1
	pt.next, pt.epoch = sp.to, rec.LeaderEpoch
	if b.oldest.IsZero() || rec.Time.Before(b.oldest) {
		b.oldest = rec.Time
	}
	if t.p.budget.full(b) {
		t.cutLocked()
	}
}

// observeLocked looks whether a partition became idle, or is no longer, and puts
// news of it into the open batch: an empty range, if nothing else of it comes.
func (t *table) observeLocked(pt *part, now time.Time) {
	if t.p.cfg.Drain {
		pt.idle = pt.end >= 0 && pt.next >= pt.end
	} else {
		pt.idle = pt.end >= 0 && pt.watch.Observe(now, pt.next, pt.end, t.IdleAfter)
	}
	if pt.idle && !pt.told {
		t.openLocked(now).spanOf(pt)
	}
}

// Wait implements consumer.Handler. It blocks while what is held passes the
// memory budget, or is to be given back by a batch at work.
func (p *Pipeline) Wait(ctx context.Context) (consumer.Orders, error) {
	for {
		orders, changed, err := p.room()
		if changed == nil || err != nil {
			return orders, err
		}
		select {
		case <-ctx.Done():
			return consumer.Orders{}, nil
		case <-changed:
		}
	}
}

// room gives the orders that are due. A channel is returned where there is no room
// for records: look again when it is closed.
func (p *Pipeline) room() (consumer.Orders, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var orders consumer.Orders
	if p.failure != nil {
		return orders, nil, p.failure
	}
	halted := 0
	for _, t := range p.tables {
		t.ordersLocked(&orders)
		if t.halt != nil {
			halted++
		}
	}
	if halted == len(p.tables) && halted > 0 && !p.cfg.Drain {
		return orders, nil, p.haltedLocked()
	}
	if len(orders.Seek)+len(orders.Pause)+len(orders.Hold) > 0 {
		return orders, nil, nil
	}
	if p.budget.ahead(p.queue) {
		return orders, p.changed, nil
	}
	paused := p.metrics.paused.WithLabelValues("memory")
	if p.tightLocked() {
		paused.Set(1)
		return orders, p.changed, nil
	}
	paused.Set(0)
	return orders, nil, nil
}

// tightLocked reports whether reading has to wait for memory. Where nothing is at
// work that would give some back, the heaviest open batch is cut to be next.
func (p *Pipeline) tightLocked() bool {
	if p.heldLocked() <= p.budget.total {
		return false
	}
	var heaviest *table
	for _, t := range p.tables {
		if len(t.flight) > 0 {
			return true
		}
		if t.open != nil && (heaviest == nil || p.budget.weight(t.open) > p.budget.weight(heaviest.open)) {
			heaviest = t
		}
	}
	p.spare, p.blocks = nil, nil
	if p.heldLocked() <= p.budget.total {
		return false
	}
	if heaviest == nil {
		return false // nothing here could be given back: it is in the consumer's buffers
	}
	heaviest.cutLocked()
	return true
}

// cutByAge cuts batches whose first record is MaxAge old, until ctx is done.
func (p *Pipeline) cutByAge(ctx context.Context) {
	tick := time.NewTicker(max(min(p.cfg.MaxAge/20, time.Second), 5*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p.mu.Lock()
		now := p.cfg.Now()
		for _, t := range p.tables {
			if t.open == nil {
				continue
			}
			// A clock that jumped back must not make a batch wait for ever.
			if age := now.Sub(t.open.began); age >= p.cfg.MaxAge || age < 0 {
				t.cutLocked()
			}
		}
		p.mu.Unlock()
	}
}
