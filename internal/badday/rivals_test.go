package badday_test

import (
	"syscall"
	"testing"

	"tidemark/internal/ledger"
)

// testRivals: several processes on one lake.
func testRivals(t *testing.T, h *house) {
	t.Run("members of a group", h.members)
	t.Run("drains at once", h.drains)
	t.Run("asleep before it decides", h.asleep)
	t.Run("stopped and continued", h.stopped)
}

// members: the second joins while the first reads, the first leaves while records
// come.
func (h *house) members(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "members", 4)
	j := h.newJob(t, tp)
	one := j.start(j.stream())
	tp.produce(200)
	j.awaitDecided(200, one)
	two := j.start(j.stream())
	j.await("the second reads too", func(lines []line) bool { return reading(lines, two) > 0 }, one, two)
	tp.produce(200)
	j.awaitDecided(400, one, two)
	tp.produce(200)
	one.signal(syscall.SIGTERM)
	one.ends(0)
	j.awaitDecided(600, two)
	two.signal(syscall.SIGTERM)
	two.ends(0)
	j.check(tp.sent)
	who := map[int]bool{}
	for _, r := range j.lake.ledger(t) {
		who[r.DecidedBy.PID] = true
	}
	if len(who) != 2 {
		t.Errorf("%d processes decided, want 2", len(who))
	}
}

// drains: no group keeps these apart. Both read everything, and the ledger lets each
// record in once.
func (h *house) drains(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "drains", 2)
	j := h.newJob(t, tp)
	j.set.maxRows = 20
	for range 3 {
		tp.produce(400)
		one, two := j.start(j.drain()), j.start(j.drain())
		one.ends(0)
		two.ends(0)
		j.lake.holds(t, tp.sent)
	}
	j.check(tp.sent)
}

// asleep: a member stands still for longer than its session, right before it would
// decide. Another takes over and decides the same records; then the first wakes up
// and goes on where it was.
func (h *house) asleep(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "asleep", 1)
	j := h.newJob(t, tp)
	j.set.onLoss = "stop"
	tp.produce(50)
	var heir *process
	code, stderr := j.traced(j.drain(), func(c call) bool {
		if heir == nil && c.name == "link" && c.path == ledger.RecordKey(table, 2) {
			heir = j.start(j.stream())
			j.awaitDecided(50, heir)
			heir.signal(syscall.SIGTERM)
			heir.ends(0)
		}
		return true
	})
	if heir == nil || code != 0 {
		t.Fatalf("exit code %d:\n%s", code, stderr)
	}
	j.check(tp.sent)
	if r := j.lake.ledger(t)[1]; r.DecidedBy.PID != heir.cmd.Process.Pid {
		t.Errorf("record 2 was decided by %d, want %d", r.DecidedBy.PID, heir.cmd.Process.Pid)
	}
}

// stopped: the same with SIGSTOP at any moment, in a group. The sleeper's session
// ends, its partitions go to the other; when it wakes up it believes for a while that
// they are its own.
func (h *house) stopped(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "stopped", 2)
	j := h.newJob(t, tp)
	zombie := j.start(j.stream())
	tp.produce(100)
	j.awaitDecided(100, zombie)
	tp.produce(100) // some of it may be fetched, some staged
	zombie.signal(syscall.SIGSTOP)
	heir := j.start(j.stream())
	j.awaitDecided(200, heir)
	tp.produce(100)
	j.awaitDecided(300, heir)
	zombie.signal(syscall.SIGCONT)
	j.await("the sleeper learns of it", func(lines []line) bool {
		for _, l := range lines {
			if l.of == zombie && l.is("giving partitions up") && l.text["why"] == "lost" {
				return true
			}
		}
		return false
	}, zombie, heir)
	tp.produce(100)
	j.awaitDecided(400, zombie, heir)
	for _, p := range []*process{zombie, heir} {
		p.signal(syscall.SIGTERM)
		p.ends(0)
	}
	j.check(tp.sent)
}
