package pipeline

import (
	"context"
	"errors"
	"time"

	"tidemark/consumer"
	"tidemark/internal/ledger"
)

const (
	// janitor is how often the ledger is looked at for what others decided and did
	// not publish.
	janitor = 10 * time.Second
	// publishRetry is the pause after a publication that failed, publishTries how
	// often in a row that is borne.
	publishRetry = 2 * time.Second
	publishTries = 5
	commitLimit  = 5 * time.Second
	recentKept   = 20
)

// wake makes the publisher look at once.
func (t *table) wake() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// publishOn publishes what is decided, by us at once and by others every so often,
// until ctx is done.
func (t *table) publishOn(ctx context.Context) {
	tick := time.NewTicker(janitor)
	defer tick.Stop()
	var retry <-chan time.Time
	for failed := 0; ; {
		look := false
		select {
		case <-ctx.Done():
			return
		case <-t.kick:
		case <-retry:
		case <-tick.C:
			look = true
		}
		err := t.publishOnce(ctx, look)
		retry = nil
		switch {
		case err == nil || ctx.Err() != nil:
			failed = 0
			continue
		case errors.Is(err, ledger.ErrUnsafe) || failed+1 == publishTries:
			t.p.fail(err)
			return
		}
		failed++
		retry = time.After(publishRetry)
		t.log.Warn("publishing failed; trying again", "err", err)
	}
}

func (t *table) publishOnce(ctx context.Context, look bool) error {
	if look {
		st, err := t.ledger.Load(ctx)
		if err != nil {
			return err
		}
		t.p.metrics.seen(t.name, st)
	}
	return t.publish(ctx)
}

// publish publishes what the ledger's state knows as decided, and tells Kafka how
// far that is. One does it at a time: who finds nothing left to publish knows that
// the offsets are told too.
func (t *table) publish(ctx context.Context) error {
	select {
	case t.publishing <- struct{}{}:
		defer func() { <-t.publishing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	from := time.Now()
	done, err := t.publisher.Publish(ctx)
	if len(done) > 0 {
		t.tell(ctx, done, time.Since(from)/time.Duration(len(done)))
	}
	return err
}

// tell counts, logs and remembers published batches and commits their offsets.
func (t *table) tell(ctx context.Context, done []*ledger.Record, took time.Duration) {
	offsets := map[ledger.Key]consumer.Offset{}
	for _, r := range done {
		t.p.metrics.published(r, took)
		for i := range r.Sources {
			s := &r.Sources[i]
			if s.File != "" {
				continue
			}
			offsets[s.Key()] = consumer.Offset{Topic: s.Topic, Partition: s.Partition, Offset: s.To, LeaderEpoch: s.LeaderEpoch}
		}
		for _, f := range r.Files {
			t.log.Debug("file published", "batch", r.Batch, "seq", r.Seq, "path", f.Path, "rows", f.Rows, "bytes", f.Bytes)
		}
		t.log.Info("batch published", "batch", r.Batch, "seq", r.Seq, "files", len(r.Files), "rows", r.Counts.Read)
	}
	t.p.mu.Lock()
	t.took.publish = float64(took) / float64(time.Millisecond)
	t.recent = append(t.recent, done...)
	if n := len(t.recent); n > recentKept {
		t.recent = append([]*ledger.Record(nil), t.recent[n-recentKept:]...)
	}
	edge := t.p.edge
	t.p.mu.Unlock()
	if edge == nil || len(offsets) == 0 {
		return
	}
	var list []consumer.Offset
	for _, o := range offsets {
		list = append(list, o)
	}
	ctx, cancel := context.WithTimeout(ctx, commitLimit)
	defer cancel()
	if err := edge.Commit(ctx, list); err != nil {
		// R10: only lag tools read it, and the next commit says more.
		t.log.Warn("telling kafka the offsets failed", "err", err)
	}
}
