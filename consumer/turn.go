package consumer

import (
	"context"
	"sync/atomic"
)

// turn makes the reading loop, the watcher and the group's callbacks take turns
// at the partitions and at the Handler. The loop polls during its turn, maybe for
// long: whoever else wants the turn cancels the poll (nothing fetched is lost by
// that), and is served next, since a channel serves its senders in order.
type turn struct {
	held    chan struct{} // capacity 1
	waiting atomic.Int32
	cancel  atomic.Pointer[context.CancelFunc] // of the poll under way
}

func newTurn() *turn { return &turn{held: make(chan struct{}, 1)} }

// do runs f in its own turn.
func (t *turn) do(f func()) {
	t.waiting.Add(1)
	t.interrupt()
	t.held <- struct{}{}
	t.waiting.Add(-1)
	defer func() { <-t.held }()
	f()
}

// interrupt ends a poll that is under way.
func (t *turn) interrupt() {
	if cancel := t.cancel.Load(); cancel != nil {
		(*cancel)()
	}
}

// poll runs f in its own turn with a context that is cancelled as soon as someone
// else wants the turn.
func (t *turn) poll(ctx context.Context, f func(context.Context)) {
	t.held <- struct{}{}
	defer func() { <-t.held }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.cancel.Store(&cancel)
	defer t.cancel.Store(nil)
	// The order matters: do counts itself, then looks for a poll; we show the poll,
	// then look for those who wait. One of the two sees the other.
	if t.waiting.Load() > 0 {
		cancel()
	}
	f(ctx)
}
