package badday_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// act does what is due.
func (g *game) act() {
	g.t.Helper()
	g.reap()
	for {
		g.mu.Lock()
		if len(g.mu.due) == 0 {
			g.mu.Unlock()
			break
		}
		s := g.mu.due[0]
		g.mu.due = g.mu.due[1:]
		switch s.kind {
		case kill, stop, leave: // that had to be done at the end
			g.signalLocked(s)
			g.mu.Unlock()
		default:
			g.noteLocked(s, "")
			g.mu.Unlock()
			g.do(s)
		}
	}
	for _, do := range g.delayed() {
		do()
	}
	g.wakeSleepers()
	g.replace()
}

// do does what takes time.
func (g *game) do(s step) {
	g.t.Helper()
	switch s.kind {
	case join:
		if g.awake() < 5 {
			g.join(g.stream(), false)
		}
	case rival:
		g.join(g.drain(), true)
	case vacuum:
		g.join([]string{"vacuum", "-c", g.config(), "--yes"}, true)
	case verify:
		g.join([]string{"verify", "-c", g.config()}, true)
	case diskFull:
		if !g.full {
			g.full = true
			free := fill(g.t, g.disk)
			g.later(produced, 300, func() {
				free()
				g.full = false
			})
		}
	case brokerDies:
		g.arena.broker.Kill()
		g.arena.broker.Restart()
	case storeDies:
		g.arena.store.Kill()
		g.arena.store.Restart()
	case kafkaCut:
		g.arena.kafka.Cut()
	case kafkaFault, storeFault:
		a := &armed{fault: s.fault, of: asked, left: s.fault.times}
		if s.kind == storeFault {
			a.of = stored
		}
		g.mu.Lock()
		g.mu.armed = append(g.mu.armed, a)
		g.mu.Unlock()
	case abort, commit, hang:
		g.transaction(s)
	case tombstones:
		g.feed.Lock()
		defer g.feed.Unlock()
		records := g.topic.next(s.rows)
		for _, r := range records {
			r.Value = nil
		}
		g.topic.send(records...)
	}
}

// transaction is one that ends at once, or one whose producer goes away in the middle.
func (g *game) transaction(s step) {
	g.t.Helper()
	g.feed.Lock()
	defer g.feed.Unlock()
	id := fmt.Sprintf("%s-%d", g.topic.name, s.no)
	p := g.topic.producer(id, txOptions())
	p.begin(s.rows)
	switch s.kind {
	case commit:
		p.end(kgo.TryCommit)
	case abort:
		p.end(kgo.TryAbort)
	case hang:
		p.client.Close()
		g.later(produced, 200, func() {
			g.topic.producer(id, txOptions()) // who has its id aborts it
		})
	}
}

// later has something done so many events from now, or when no more come.
func (g *game) later(of counted, n int, do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.delays = append(g.mu.delays, delay{when: of, at: g.mu.count[of] + n, do: do})
}

// delayed takes out what is to be done by now.
func (g *game) delayed() (out []func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.delays = slices.DeleteFunc(g.mu.delays, func(d delay) bool {
		ready := g.mu.count[d.when] >= d.at || d.or > 0 && g.mu.count[produced] >= d.or || g.mu.fed && !d.late
		if ready {
			out = append(out, d.do)
		}
		return ready
	})
	return out
}

// join starts a process.
func (g *game) join(args []string, drain bool) {
	g.t.Helper()
	m := &member{process: g.start(args), drain: drain}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.members = append(g.mu.members, m)
	g.mu.tally.processes++
	go func() { // it ends with the process, which ends with the test
		<-m.done
		g.wake()
	}()
}

// awake counts the members of the group that nothing keeps from reading.
func (g *game) awake() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.mu.members {
		if !m.drain && !m.told && !m.killed && !m.asleep && !m.reaped {
			n++
		}
	}
	return n
}

// replace does what a supervisor does, and sees to it that somebody is awake.
func (g *game) replace() {
	g.t.Helper()
	g.mu.Lock()
	owed := g.mu.owed
	g.mu.owed = 0
	g.mu.Unlock()
	for range owed {
		g.join(g.stream(), false)
	}
	if g.awake() == 0 {
		g.join(g.stream(), false)
	}
}

// wakeSleepers wakes those whose partitions others read: their sessions are over.
func (g *game) wakeSleepers() {
	g.mu.Lock()
	defer g.mu.Unlock()
	owners := g.ownersLocked()
	for _, m := range g.mu.members {
		if m.asleep && !owners[m.process] {
			m.asleep = false
			if m.owned {
				g.mu.tally.slept++
			}
			g.writeLocked("process %d wakes up", m.cmd.Process.Pid)
			_ = m.cmd.Process.Signal(syscall.SIGCONT)
		}
	}
}

// ownersLocked are the members of the group who were the last to say that they read some
// partition. Who drains asks no group.
func (g *game) ownersLocked() map[*process]bool {
	readers, owners, drains := map[int64]*process{}, map[*process]bool{}, map[*process]bool{}
	for _, m := range g.mu.members {
		drains[m.process] = m.drain
	}
	lines, _ := g.log.seen()
	for _, l := range lines {
		if l.is("reading") && !drains[l.of] {
			readers[l.number("partition")] = l.of
		}
	}
	for _, p := range readers {
		owners[p] = true
	}
	return owners
}

// reap looks at how processes ended.
func (g *game) reap() {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range g.mu.members {
		select {
		case <-m.done:
			if !m.reaped {
				m.reaped, m.asleep = true, false
				g.judgeLocked(m)
			}
		default:
		}
	}
}

// judgeLocked says whether a process may end like this. A store or a disk that fails ends
// it with 1, and so does a broker that does not answer when it is to end; nothing else may.
func (g *game) judgeLocked(m *member) {
	g.t.Helper()
	code := m.cmd.ProcessState.ExitCode()
	var kafka, store bool
	for _, s := range g.steps {
		kafka = kafka || s.kind == kafkaFault || s.kind == brokerDies || s.kind == kafkaCut
		store = store || s.kind == storeFault || s.kind == storeDies || s.kind == diskFull
	}
	switch {
	case m.killed && code == -1, code == 0 && (m.told || m.drain):
	case m.told && code == -1 && m.stderr == "": // before it had begun to listen to signals
	case code == 1 && (store || kafka && m.told):
		g.mu.tally.failed++
		g.writeLocked("process %d ends with 1: %s", m.cmd.Process.Pid, last(m.stderr))
	default:
		g.t.Errorf("process %d ended with %d: %s", m.cmd.Process.Pid, code, last(m.stderr))
	}
}

// calm ends all faults.
func (g *game) calm() {
	g.arena.kafka.Set(nil)
	g.arena.front.Set(nil)
	g.arena.kafka.Release()
	g.arena.front.Release()
}

// retire ends all processes, in good order.
func (g *game) retire() {
	g.t.Helper()
	g.write("all are to end")
	g.calm()
	g.mu.Lock()
	all := slices.Clone(g.mu.members)
	for _, m := range all {
		if !m.told && !m.killed && !m.reaped {
			m.told = true
			_ = m.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	g.mu.Unlock()
	for _, m := range all {
		m.end()
	}
	g.reap()
}

// compare lets one run in fair weather finish, and looks; then what is still on its way
// lands, and it looks once more.
func (g *game) compare() {
	g.t.Helper()
	for range 2 {
		g.write("fair weather")
		g.run(0, g.drain())
		if g.bucket {
			g.mirror(g.direct)
		}
		g.lake.holds(g.t, g.topic.sent)
		g.arena.kafka.Deliver()
		g.arena.front.Deliver()
	}
	g.verify()
	g.write("all is well")
}

// sum adds the round to the figures.
func (g *game) sum() {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &g.mu.tally
	t.rounds, t.records = 1, len(g.topic.sent)
	lines, _ := g.log.seen()
	for _, l := range lines {
		switch {
		case l.is("batch decided"):
			t.decided++
		case l.is("batch dropped; reading again from the ledger's offsets"):
			t.refused++
		}
	}
	if !g.t.Failed() {
		g.arena.sum.add(*t)
	}
}

// standsStill ends a round that does not.
func (g *game) standsStill() {
	g.t.Helper()
	g.mu.Lock()
	all := slices.Clone(g.mu.members)
	text := fmt.Sprintf("%d steps are left, %d delays", len(g.mu.left), len(g.mu.delays))
	g.mu.Unlock()
	for _, m := range all {
		_ = m.cmd.Process.Signal(syscall.SIGCONT)
		_ = m.cmd.Process.Signal(syscall.SIGQUIT) // it shows what it is waiting for
		<-m.done
		if !m.reaped {
			text += fmt.Sprintf("\nprocess %d:\n%s", m.cmd.Process.Pid, m.stderr)
		}
	}
	g.t.Fatalf("the round has not come to its end within %s: %s", standstill.Round(time.Second), text)
}

// last is what a process said of its end, or the end of what it said.
func last(stderr string) (text string) {
	for said := range strings.Lines(stderr) {
		if strings.HasPrefix(said, "tidemark: ") {
			text += said
		}
	}
	if text == "" {
		text = stderr[max(0, len(stderr)-1500):]
	}
	return strings.TrimSpace(text)
}
