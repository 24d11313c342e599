package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/ledger"
)

// Start implements consumer.Handler. Each partition is read from the ledger's next
// offset (R2); where the ledger knows none, or the log no longer holds it, a claim
// is decided first.
func (p *Pipeline) Start(ctx context.Context, parts []consumer.Partition) ([]int64, error) {
	offsets := make([]int64, len(parts))
	tables := p.byTable(len(parts), func(i int) string { return parts[i].Topic })
	states := map[*table]*ledger.State{}
	for t, idx := range tables {
		mine := make([]consumer.Partition, len(idx))
		for j, i := range idx {
			mine[j] = parts[i]
		}
		st, err := t.claim(ctx, mine)
		if err != nil {
			return nil, err
		}
		states[t] = st
		t.wake() // of what others decided, something may still be unpublished
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for t, idx := range tables {
		for _, i := range idx {
			offsets[i] = t.beginLocked(parts[i], states[t])
		}
	}
	return offsets, nil
}

// byTable sorts n things by the table that their topics feed.
func (p *Pipeline) byTable(n int, topic func(int) string) map[*table][]int {
	out := map[*table][]int{}
	for i := range n {
		if t := p.byTopic[topic(i)]; t != nil {
			out[t] = append(out[t], i)
		}
	}
	return out
}

// claim decides what must be claimed for partitions and returns a state that knows
// all of them.
func (t *table) claim(ctx context.Context, parts []consumer.Partition) (*ledger.State, error) {
	for {
		st, err := t.ledger.Load(ctx)
		if err != nil {
			return nil, err
		}
		pl := planner{table: t.name, state: st, onLoss: t.p.cfg.OnLoss, many: len(t.Topics) > 1, doubts: t.doubts}
		if pl.epochs, err = t.epochEnds(ctx, st, parts); err != nil {
			t.log.Warn("whether the logs still hold what is decided is not known; looking again", "err", err)
			return nil, cmp.Or(ctx.Err(), consumer.ErrOutdated)
		}
		for _, part := range parts {
			pl.plan(part)
		}
		claims, err := pl.result()
		if err != nil {
			t.doubts = pl.ahead
			return nil, err
		}
		for _, c := range claims {
			d, err := t.ledger.Decide(ctx, ledger.Proposal{
				Batch: t.p.batchID(), Kind: ledger.KindClaim, Sources: c.sources,
				Seal: func(*ledger.State, int64) (*ledger.Record, error) {
					return &ledger.Record{DecidedAt: ledger.At(t.now()), DecidedBy: t.p.cfg.Decider, Why: c.why}, nil
				},
			})
			if err != nil {
				return nil, fmt.Errorf("claim partitions: %w", err)
			}
			if d.Dropped {
				break // another claimed meanwhile: look again
			}
			t.log.Info("claimed", "seq", d.Record.Seq, "partitions", len(c.sources), "why", c.why)
		}
		if len(claims) == 0 {
			t.p.metrics.seen(t.name, st)
			return st, nil
		}
	}
}

// epochEnds asks where the leader epochs end that the last decided records of
// partitions were read under.
func (t *table) epochEnds(ctx context.Context, st *ledger.State, parts []consumer.Partition) (map[ledger.Key]int64, error) {
	var asks []consumer.Epoch
	for _, part := range parts {
		if at := st.Sources[keyOf(part.Source)]; at.Seen > 0 && at.LeaderEpoch >= 0 && !at.Retired {
			asks = append(asks, consumer.Epoch{Source: part.Source, Epoch: at.LeaderEpoch})
		}
	}
	if len(asks) == 0 {
		return nil, nil
	}
	t.p.mu.Lock()
	edge := t.p.edge
	t.p.mu.Unlock()
	ends, err := edge.EpochEnds(ctx, asks)
	if err != nil {
		return nil, err
	}
	out := make(map[ledger.Key]int64, len(asks))
	for i, a := range asks {
		out[keyOf(a.Source)] = ends[i]
	}
	return out, nil
}

// beginLocked makes a partition ours and returns where it is read from.
func (t *table) beginLocked(of consumer.Partition, st *ledger.State) int64 {
	key := keyOf(of.Source)
	at := st.Sources[key]
	t.parts[key] = &part{src: of.Source, key: key, next: at.Next, epoch: at.LeaderEpoch, end: of.End, told: at.AtEnd}
	return at.Next
}

// Stop implements consumer.Handler.
func (p *Pipeline) Stop(ctx context.Context, parts []batch.Source, why consumer.StopReason) error {
	var errs []error
	for t, idx := range p.byTable(len(parts), func(i int) string { return parts[i].Topic }) {
		keys := make([]ledger.Key, len(idx))
		for j, i := range idx {
			keys[j] = keyOf(parts[i])
		}
		errs = append(errs, t.stop(ctx, keys, why))
	}
	return errors.Join(errs...)
}

// stop gives partitions up. A batch holds several partitions, so all that the table
// has is decided, or dropped and read again where the partition stays ours.
func (t *table) stop(ctx context.Context, keys []ledger.Key, why consumer.StopReason) error {
	p := t.p
	p.mu.Lock()
	if why == consumer.Lost || p.failure != nil {
		t.abandonLocked()
	} else {
		if why == consumer.Drained {
			for _, key := range keys {
				if pt := t.parts[key]; pt != nil && !pt.away {
					t.observeLocked(pt, p.cfg.Now())
				}
			}
		}
		t.cutLocked()
	}
	p.mu.Unlock()

	err := t.landed(ctx)
	if err != nil {
		// Time is up: what a worker is deciding at this moment it may finish, nothing
		// else is begun (L2).
		p.mu.Lock()
		t.abandonLocked()
		p.mu.Unlock()
		_ = t.landed(context.WithoutCancel(ctx))
	}
	p.mu.Lock()
	for _, key := range keys {
		delete(t.parts, key)
	}
	t.seeks = slices.DeleteFunc(t.seeks, func(to consumer.Position) bool { return slices.Contains(keys, keyOf(to.Source)) })
	t.holds = slices.DeleteFunc(t.holds, func(src batch.Source) bool { return slices.Contains(keys, keyOf(src)) })
	p.tellAwaitingLocked()
	failed := p.failure != nil
	p.mu.Unlock()
	if err == nil && !failed && (why == consumer.Drained || why == consumer.Shutdown) {
		err = t.publish(ctx)
	}
	return err
}

// landed waits until nothing is in flight, or ctx is done.
func (t *table) landed(ctx context.Context) error {
	for {
		t.p.mu.Lock()
		flown := t.flownLocked()
		t.p.mu.Unlock()
		if len(flown) == 0 {
			return nil
		}
		for _, done := range flown {
			select {
			case <-done:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
