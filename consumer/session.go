package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"tidemark/internal/batch"
)

// session is one Run or Drain: its clients, its partitions, and the goroutines
// that work on them. The loop (read.go) polls and hands over; the watcher
// (watch.go) starts partitions and brings news; the group (group.go) brings and
// takes partitions.
type session struct {
	*Consumer
	ctx context.Context // of this session: done when it is to end
	end context.CancelFunc
	// failure is why the session must end, where a callback found out.
	failure atomic.Pointer[error]
	quiet   *limiter
	turn    *turn
	kick    chan struct{} // wakes the watcher
	fetch   *fetcher
	admin   *kadm.Client
	group   *kgo.Client // nil in a drain
	member  string      // who we are to the group since partitions last came or went; in a turn

	drains bool
	round  context.CancelCauseFunc // ends the round of a drain
	needed bool                    // something was left to read when the round began
	ends   map[key]int64           // what is to be reached

	parts  map[key]*part // changed in a turn only
	owned  atomic.Pointer[map[key]batch.Source]
	mail   mailbox
	starts atomic.Int64 // how often partitions were started
	// inHand is the memory of the fetch that is being handed over.
	inHand atomic.Int64
	// full is set while the Handler has no room.
	full atomic.Bool
	// paused topics are not read any more.
	paused map[string]bool
	// unseen are the topics that no look has found yet; the watcher's own.
	unseen map[string]bool
	// refusals are how long each topic, or everything (""), has been refused; the
	// watcher's own.
	refusals map[string]time.Time
}

// errDrained ends the goroutines of a drain's round.
var errDrained = errors.New("drained")

func (c *Consumer) open(ctx context.Context) (*session, error) {
	s := &session{
		Consumer: c, turn: newTurn(), quiet: newLimiter(), kick: make(chan struct{}, 1),
		parts: map[key]*part{}, paused: map[string]bool{}, unseen: map[string]bool{}, refusals: map[string]time.Time{},
	}
	s.publish()
	s.ctx, s.end = context.WithCancel(ctx)
	var err error
	if s.fetch, err = newFetcher(c); err != nil {
		s.end()
		return nil, fmt.Errorf("open kafka client: %w", err)
	}
	s.admin = kadm.NewClient(s.fetch.client)
	if !c.session.CompareAndSwap(nil, s) {
		s.end()
		s.fetch.close()
		return nil, errors.New("open consumer: it is in use")
	}
	return s, nil
}

func (s *session) close() {
	s.end()
	s.session.Store(nil)
	s.fetch.close()
}

func (s *session) buffered() int64 { return s.fetch.buffered() }

// run is the session of a group member.
func (s *session) run() error {
	if err := s.join(); err != nil {
		return fmt.Errorf("open kafka group client: %w", err)
	}
	for _, topic := range s.cfg.topics() {
		s.unseen[topic] = true
	}
	s.wake()
	var polling sync.WaitGroup
	polling.Go(s.listen)
	err := s.work(s.ctx)
	s.stopAll(Shutdown, s.cfg.ShutdownTimeout)
	s.leave()
	polling.Wait()
	return err
}

// work runs the loop and the watcher until ctx is done and returns why: nil where
// that was asked for from outside.
func (s *session) work(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.read(ctx) })
	g.Go(func() error { return s.watch(ctx) })
	err := g.Wait()
	if failure := s.failure.Load(); failure != nil {
		return *failure
	}
	return err
}

// fail ends the session with an error, the first one to come.
func (s *session) fail(err error) {
	s.failure.CompareAndSwap(nil, &err)
	s.end()
}

// warn logs what repeats itself while a trouble lasts.
func (s *session) warn(msg string, args ...any) {
	if s.quiet.due(msg) {
		s.log.Warn(msg, args...)
	}
}

// publish shows those who are not in a turn which partitions are ours.
func (s *session) publish() {
	owned := make(map[key]batch.Source, len(s.parts))
	for k, p := range s.parts {
		owned[k] = p.src
	}
	s.owned.Store(&owned)
}

// wake makes the watcher look at once.
func (s *session) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// give stops parts, all of which leave: they are not read any more, the Handler
// lets go of those it holds, and then they are not ours. In a turn.
func (s *session) give(ctx context.Context, parts []*part, why StopReason) error {
	s.fetch.remove(parts)
	var held []batch.Source
	for _, p := range parts {
		if p.started() {
			held = append(held, p.src)
		}
	}
	var err error
	if len(held) > 0 {
		s.log.Info("giving partitions up", "why", why.String(), "partitions", len(held))
		err = s.stop(ctx, held, why)
	}
	for _, p := range parts {
		s.metrics.dropLag(p.table, p)
		delete(s.parts, p.key())
	}
	s.publish()
	return err
}

// stop makes the Handler let go of what it holds. That its time was up is no
// error: it decides nothing more.
func (s *session) stop(ctx context.Context, held []batch.Source, why StopReason) error {
	err := s.handler.Stop(ctx, held, why)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		s.log.Warn("partitions were given up before all was decided", "why", why.String(), "partitions", len(held), "err", err)
		return nil
	}
	return err
}

// stopAll gives everything up at the end of a session, which may itself be over:
// the Handler gets time of its own.
func (s *session) stopAll(why StopReason, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), limit)
	defer cancel()
	s.turn.do(func() {
		if err := s.give(ctx, s.sorted(nil), why); err != nil {
			s.log.Warn("giving partitions up", "why", why.String(), "err", err)
		}
	})
}

// sorted returns the parts that pick selects (nil: all) by topic and partition.
// In a turn.
func (s *session) sorted(pick func(*part) bool) []*part {
	var parts []*part
	for _, p := range s.parts {
		if pick == nil || pick(p) {
			parts = append(parts, p)
		}
	}
	slices.SortFunc(parts, func(a, b *part) int { return compareKeys(a.key(), b.key()) })
	return parts
}
