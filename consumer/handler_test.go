package consumer_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/consumer"
	"tidemark/internal/batch"
)

// ledger is what the handlers of a test share: the next offset per partition,
// and what was decided of each.
type ledger struct {
	mu      sync.Mutex
	next    map[string]int64
	decided map[string][]string // values, in the order decided
}

func newLedger() *ledger {
	return &ledger{next: map[string]int64{}, decided: map[string][]string{}}
}

// handler is a recording Handler. It decides what it accepted when it is stopped
// for any reason but Lost (of which it drops it), and by flush.
type handler struct {
	hold   func(batch.Record) bool // does not take a record, nor what follows it
	late   int                     // calls of Accept for what is held
	ledger *ledger
	name   string

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with every change
	events  []string
	open    map[string]*run
	orders  consumer.Orders
	full    bool                                  // no room: Wait blocks
	room    chan struct{}                         // closed when there is room again
	fail    error                                 // what Wait returns
	refuse  func(consumer.Partition, int64) error // what Start returns
	claim   func(consumer.Partition, int64) int64 // where Start moves a partition to
	busy    bool                                  // a call of Start, Accept or Stop is under way
	faults  []string
	stopped func(why consumer.StopReason) // called inside Stop
}

// run is what was accepted of a partition and not yet decided.
type run struct {
	held   bool // a record was not taken: nothing is until it is sought
	src    batch.Source
	from   int64
	next   int64
	end    int64
	values []string
	offs   []int64
}

func newHandler(l *ledger) *handler {
	return &handler{ledger: l, changed: make(chan struct{}), open: map[string]*run{}}
}

func name(src batch.Source) string { return fmt.Sprintf("%s/%d", src.Topic, src.Partition) }

func ledgerName(src batch.Source) string {
	return fmt.Sprintf("%x/%d", src.TopicID, src.Partition)
}

// enter marks the beginning of a call that must not overlap with another.
func (h *handler) enter(what string) func() {
	h.mu.Lock()
	if h.busy {
		h.faults = append(h.faults, what+" overlaps")
	}
	h.busy = true
	return func() {
		h.busy = false
		h.signal()
		h.mu.Unlock()
	}
}

// signal wakes those who await something. H is locked.
func (h *handler) signal() {
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *handler) event(format string, args ...any) {
	h.events = append(h.events, fmt.Sprintf(format, args...))
}

func (h *handler) Start(_ context.Context, parts []consumer.Partition) ([]int64, error) {
	defer h.enter("start")()
	h.ledger.mu.Lock()
	defer h.ledger.mu.Unlock()
	var offsets []int64
	for _, p := range parts {
		next, ok := h.ledger.next[ledgerName(p.Source)]
		if !ok {
			next = p.Begin
		}
		h.event("start %s log %d end %d begin %d from %d", name(p.Source), p.LogStart, p.End, p.Begin, next)
		if h.open[name(p.Source)] != nil {
			h.faults = append(h.faults, "start of "+name(p.Source)+" before stop")
		}
		if h.claim != nil {
			next = h.claim(p, next)
		}
		if h.refuse != nil {
			if err := h.refuse(p, next); err != nil {
				return nil, err
			}
		}
		h.ledger.next[ledgerName(p.Source)] = next
		h.open[name(p.Source)] = &run{src: p.Source, from: next, next: next, end: -1}
		offsets = append(offsets, next)
	}
	return offsets, nil
}

func (h *handler) Accept(src batch.Source, next, end int64, records iter.Seq[batch.Record]) {
	defer h.enter("accept")()
	r := h.open[name(src)]
	if r == nil || r.src != src {
		h.faults = append(h.faults, "accept of "+name(src)+" that is not started")
		return
	}
	if r.held {
		h.late++
		return
	}
	for rec := range records {
		if h.hold != nil && h.hold(rec) {
			r.held, r.next = true, rec.Offset
			h.orders.Hold = append(h.orders.Hold, src)
			return
		}
		if rec.Offset < r.next || rec.Offset >= next {
			h.faults = append(h.faults, fmt.Sprintf("%s: offset %d outside of [%d, %d)", name(src), rec.Offset, r.next, next))
		}
		r.values = append(r.values, text(rec))
		r.offs = append(r.offs, rec.Offset)
	}
	if next < r.next {
		h.faults = append(h.faults, fmt.Sprintf("%s: next falls from %d to %d", name(src), r.next, next))
	}
	r.next, r.end = next, end
}

// text is a record as the tests compare it: key=value, with headers.
func text(r batch.Record) string {
	var b strings.Builder
	show := func(v []byte) {
		if v == nil {
			b.WriteString("null")
		} else {
			fmt.Fprintf(&b, "%q", v)
		}
	}
	show(r.Key)
	b.WriteByte('=')
	show(r.Value)
	for _, h := range r.Headers {
		fmt.Fprintf(&b, " %s:", h.Key)
		show(h.Value)
	}
	return b.String()
}

func (h *handler) Stop(_ context.Context, parts []batch.Source, why consumer.StopReason) error {
	defer h.enter("stop")()
	for _, src := range parts {
		r := h.open[name(src)]
		if r == nil || r.src != src {
			h.faults = append(h.faults, "stop of "+name(src)+" that is not started")
			continue
		}
		h.event("stop %s %s at %d", name(src), why, r.next)
		if why != consumer.Lost {
			h.decide(r)
		}
		delete(h.open, name(src))
	}
	if h.stopped != nil {
		h.stopped(why)
	}
	return nil
}

// decide moves the ledger to what r accepted, if it stands where r began.
func (h *handler) decide(r *run) {
	h.ledger.mu.Lock()
	defer h.ledger.mu.Unlock()
	k := ledgerName(r.src)
	if h.ledger.next[k] != r.from {
		return // someone else decided: drop
	}
	h.ledger.next[k] = r.next
	h.ledger.decided[name(r.src)] = append(h.ledger.decided[name(r.src)], r.values...)
	r.from, r.values = r.next, nil
}

// flush decides all that was accepted so far.
func (h *handler) flush() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.open {
		h.decide(r)
	}
}

func (h *handler) Wait(ctx context.Context) (consumer.Orders, error) {
	h.mu.Lock()
	room, err := h.room, h.fail
	full := h.full
	h.mu.Unlock()
	if err != nil {
		return consumer.Orders{}, err
	}
	if full {
		select {
		case <-room:
		case <-ctx.Done():
			return consumer.Orders{}, ctx.Err()
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.signal()
	orders := h.orders
	h.orders = consumer.Orders{}
	for _, to := range orders.Seek { // what was accepted from there on is dropped
		if r := h.open[name(to.Source)]; r != nil && r.src == to.Source {
			if !r.held {
				r.from, r.values = to.Offset, nil
			}
			r.next, r.held = to.Offset, false
		}
	}
	return orders, nil
}

// with changes h.
func (h *handler) with(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// await waits until cond, which is called with h locked, holds.
func (h *handler) await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	for {
		h.mu.Lock()
		ok, changed := cond(), h.changed
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			h.mu.Lock()
			events := strings.Join(h.events, "\n")
			h.mu.Unlock()
			t.Fatalf("%s %s: did not happen; events:\n%s", h.name, what, events)
		}
	}
}

// accepted is the number of records of a partition accepted and not yet decided.
func (h *handler) accepted(part string) int {
	if r := h.open[part]; r != nil {
		return len(r.values)
	}
	return 0
}

// at reports whether a partition was read to next, and its end is that, too.
func (h *handler) at(part string, next int64) bool {
	r := h.open[part]
	return r != nil && r.next == next && r.end == next
}

// check fails the test for calls that break the contract.
func (h *handler) check(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.faults {
		t.Errorf("%s: contract broken: %s", h.name, f)
	}
}

// wantEvents compares the calls of Start and Stop.
func (h *handler) wantEvents(t *testing.T, want ...string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.events, want) {
		t.Errorf("events:\n%s\nwant:\n%s", strings.Join(h.events, "\n"), strings.Join(want, "\n"))
	}
}

// wantDecided compares what was decided of a partition with values made by
// produce: every value once, in order.
func (l *ledger) wantDecided(t *testing.T, part string, want []string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := l.decided[part]; !slices.Equal(got, want) {
		t.Errorf("%s: decided %d records %v, want %d %v", part, len(got), clip(got), len(want), clip(want))
	}
}

func clip(s []string) []string { return s[:min(len(s), 20)] }
