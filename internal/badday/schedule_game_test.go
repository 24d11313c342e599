package badday_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/faultproxy"
)

// standstill is how long a round may take before its end.
const standstill = 3 * time.Minute

// more is how many records there are at most for steps that have not come yet.
const more = 900

// game is a schedule while it happens. One goroutine does what takes time; what only
// sends a signal is done where the event is counted, so that it comes at that moment.
type game struct {
	*job
	schedule
	arena  *arena
	direct string // the lake without a proxy; empty: it is on a disk
	disk   string // a small one, with the lake; empty: it is on a large one
	full   bool   // that disk is
	began  time.Time
	feed   sync.Mutex    // for what the topic makes and remembers
	poke   chan struct{} // there is something to do
	mu     gameState
}

// gameState is what events change.
type gameState struct {
	sync.Mutex
	count   [events]int
	left    []step // that are not due
	due     []step
	armed   []*armed
	delays  []delay
	members []*member
	owed    int // members that were killed and are to be replaced
	fed     bool
	tally   tally
	diary   []string
}

// member is a process of a round.
type member struct {
	*process
	drain                        bool // it ends by itself
	told, killed, asleep, reaped bool
	owned                        bool // when it fell asleep
}

// armed is a fault that waits for its requests.
type armed struct {
	fault
	of   counted
	left int
}

// delay is something that is done some events later.
type delay struct {
	when counted
	at   int
	or   int  // so many records produced in all, if not 0: who is held asks for nothing more
	late bool // it can be left until all is over
	do   func()
}

func (a *arena) newGame(t *testing.T, s schedule) *game {
	t.Helper()
	name := fmt.Sprintf("game-%d", a.games)
	g := &game{schedule: s, arena: a, began: time.Now(), poke: make(chan struct{}, 1)}
	g.job = a.newJob(t, a.newTopic(t, name, 3))
	_, _, err := g.topic.client.ProducerID(t.Context()) // while the broker is there: who has none gives up without it
	must(t, err)
	g.set.brokers, g.set.maxAge, g.set.maxRows = a.kafka.Endpoint, s.maxAge, s.maxRows
	g.set.kafka = ", protocol: " + s.protocol
	if s.bucket {
		g.direct = a.store.Lake(name)
		g.set.lake = a.store.LakeThrough(a.front.Endpoint, name)
		g.markProbed(g.direct, a.empty)
	}
	if slices.ContainsFunc(s.steps, func(st step) bool { return st.kind == diskFull }) {
		g.disk = mount(t, "size=32m,nr_inodes=8000")
		g.lake = lake(filepath.Join(g.disk, "lake"))
	}
	g.mu.tally, g.mu.left = newTally(), slices.Clone(s.steps)
	return g
}

// play lets it happen, and looks at the lake when it is over.
func (g *game) play() {
	g.t.Helper()
	ctx, cancel := context.WithCancel(g.t.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	defer g.calm() // also where a round is given up: nothing waits for ever
	g.arena.kafka.Set(g.decide(asked))
	g.arena.front.Set(g.decide(stored))
	for range g.schedule.members {
		g.join(g.stream(), false)
	}
	poured := make(chan error, 1)
	work.Go(func() { poured <- g.pour(ctx) })
	work.Go(func() { g.countDecided(ctx) })

	late := time.NewTimer(standstill)
	defer late.Stop()
	for g.goesOn() {
		select {
		case <-g.poke:
		case err := <-poured:
			must(g.t, err)
			g.endOfFeed()
		case <-late.C:
			g.standsStill()
		}
		g.act()
	}
	if !g.t.Failed() {
		g.retire()
		g.compare()
		g.sum()
	}
}

// goesOn reports whether there is anything to wait for.
func (g *game) goesOn() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.t.Failed() && (!g.mu.fed || g.busyLocked())
}

func (g *game) busyLocked() bool {
	return len(g.mu.left)+len(g.mu.due)+g.mu.owed > 0 ||
		slices.ContainsFunc(g.mu.delays, func(d delay) bool { return !d.late }) ||
		slices.ContainsFunc(g.mu.members, func(m *member) bool { return m.asleep || m.drain && !m.reaped })
}

// pour produces records: those of the schedule at speed, and then, as long as there are
// steps to come, some more, so that events go on. Both ends are counted in records.
func (g *game) pour(ctx context.Context) error {
	pace := time.NewTicker(50 * time.Millisecond)
	defer pace.Stop()
	for n, share := 0, 30; ; n += share {
		g.mu.Lock()
		busy := g.busyLocked()
		g.mu.Unlock()
		if n >= g.records {
			share = 6
		}
		if n >= g.records && !busy || n >= g.records+more {
			return nil
		}
		if err := g.pourSome(ctx, share); err != nil {
			return err
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (g *game) pourSome(ctx context.Context, n int) error {
	g.feed.Lock()
	records := g.topic.next(n)
	g.feed.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, r := range g.topic.client.ProduceSync(ctx, records...) {
		if r.Err != nil {
			return fmt.Errorf("produce: %w", r.Err)
		}
		g.feed.Lock()
		g.topic.sent = append(g.topic.sent, record{topicID: g.topic.id, partition: r.Record.Partition, offset: r.Record.Offset, value: string(r.Record.Value)})
		g.feed.Unlock()
	}
	g.tick(produced, n)
	return nil
}

// endOfFeed: what has not come by now comes at once.
func (g *game) endOfFeed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.fed = true
	g.mu.due = append(g.mu.due, g.mu.left...)
	g.mu.left = nil
}

func (g *game) countDecided(ctx context.Context) {
	for n := 0; ; {
		lines, changed := g.log.seen()
		for ; n < len(lines); n++ {
			if lines[n].is("batch decided") {
				g.tick(decided, 1)
			}
		}
		select {
		case <-changed:
			g.wake()
		case <-ctx.Done():
			return
		}
	}
}

func (g *game) wake() {
	select {
	case g.poke <- struct{}{}:
	default:
	}
}

// tick counts events. A step that only sends a signal happens here and now.
func (g *game) tick(of counted, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.count[of] += n
	g.mu.left = slices.DeleteFunc(g.mu.left, func(s step) bool {
		if s.when != of || g.mu.count[of] < s.after {
			return false
		}
		if s.kind == kill || s.kind == stop || s.kind == leave {
			g.signalLocked(s)
		} else {
			g.mu.due = append(g.mu.due, s)
		}
		return true
	})
	g.wake()
}

// signalLocked kills a member, sends it to sleep or asks it to end.
func (g *game) signalLocked(s step) {
	live := slices.DeleteFunc(slices.Clone(g.mu.members), func(m *member) bool {
		return m.told || m.killed || m.reaped || m.asleep && s.kind != kill || m.drain && s.kind == leave
	})
	owners := g.ownersLocked()
	if s.kind == stop { // who has no partition loses none, and is taken only where nobody has
		if o := slices.DeleteFunc(slices.Clone(live), func(m *member) bool { return !owners[m.process] }); len(o) > 0 {
			live = o
		}
	}
	if len(live) == 0 {
		g.noteLocked(s, "there is none")
		return
	}
	m := live[s.who%len(live)]
	g.noteLocked(s, fmt.Sprintf("process %d", m.cmd.Process.Pid))
	send := syscall.SIGKILL
	switch s.kind {
	case kill:
		m.killed, m.asleep = true, false
		if !m.drain {
			g.mu.owed++
		}
		g.mu.tally.killed++
	case stop:
		send = syscall.SIGSTOP
		if m.drain { // which has no session
			g.mu.delays = append(g.mu.delays, delay{when: produced, at: g.mu.count[produced] + 300, do: func() { _ = m.cmd.Process.Signal(syscall.SIGCONT) }})
		} else {
			m.asleep, m.owned = true, owners[m.process]
		}
	case leave:
		m.told, send = true, syscall.SIGTERM
	}
	_ = m.cmd.Process.Signal(send) // unless it ended
}

// noteLocked writes down that a step happens.
func (g *game) noteLocked(s step, what string) {
	g.mu.tally.steps[s.kind.String()]++
	g.writeLocked("%s %s", s, what)
}

// writeLocked adds a line to the diary. Its seconds are for who reads it: nothing
// follows from them.
func (g *game) writeLocked(format string, args ...any) {
	g.mu.diary = append(g.mu.diary, fmt.Sprintf("%5.1f s %v ", time.Since(g.began).Seconds(), g.mu.count)+fmt.Sprintf(format, args...))
}

func (g *game) write(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writeLocked("%s", text)
}

// decide counts requests and says what becomes of each.
func (g *game) decide(of counted) faultproxy.Decide {
	return func(p faultproxy.Point) faultproxy.Action {
		if p.After {
			return faultproxy.Pass
		}
		g.tick(of, 1)
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, a := range g.mu.armed {
			if a.of != of || a.left == 0 || !a.hits(p) {
				continue
			}
			a.left--
			g.mu.tally.faults[p.Kind+" "+a.act.String()]++
			g.writeLocked("%s: %s %s", a.act, p.Op, filepath.Base(p.Path))
			if a.delays() {
				g.delayLocked(a)
			}
			return a.act
		}
		return faultproxy.Pass
	}
}

func (g *game) delayLocked(a *armed) {
	proxy := g.arena.kafka
	if a.of == stored {
		proxy = g.arena.front
	}
	d := delay{when: a.of, at: g.mu.count[a.of] + a.until, or: g.mu.count[produced] + 10*a.until, do: proxy.Release}
	if a.act == faultproxy.Land {
		d.do, d.late, d.or = proxy.Deliver, true, 0
	}
	g.mu.delays = append(g.mu.delays, d)
}

// story is what happened, in order, and the last lines of the log.
func (g *game) story() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	text := fmt.Sprintf("as it happened (%v):\n    %s\n", eventNames, strings.Join(g.mu.diary, "\n    "))
	lines, _ := g.log.seen()
	for _, l := range lines[max(0, len(lines)-60):] {
		text += fmt.Sprintln(l.of.cmd.Process.Pid, l.text)
	}
	return text
}

// txOptions: a transaction is ended by its producer, not by the broker's clock.
func txOptions() kgo.Opt { return kgo.TransactionTimeout(10 * time.Minute) }
