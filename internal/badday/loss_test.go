package badday_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"tidemark/internal/ledger"
)

// testLoss: Kafka no longer has what the ledger needs next.
func testLoss(t *testing.T, h *house) {
	t.Run("between runs", h.goneBetweenRuns)
	t.Run("before the first run", h.goneBeforeFirst)
	t.Run("while running", h.goneWhileRunning)
	t.Run("topic made anew between runs", h.anewBetweenRuns)
	t.Run("topic made anew while running", h.anewWhileRunning)
	t.Run("by retention", h.goneByRetention)
	t.Run("by age", h.expired)
	t.Run("topic deleted while running", h.deleted)
}

// lost is what is left of records when all before an offset are gone from Kafka.
func lost(all []record, decided, before int64) (left []record) {
	for _, r := range all {
		if r.offset < decided || r.offset >= before {
			left = append(left, r)
		}
	}
	return left
}

// claimed fails unless the ledger has one claim of a gap from, to in each partition.
func (j *job) claimed(from, to int64) {
	j.t.Helper()
	found := int32(0)
	for _, r := range j.lake.ledger(j.t) {
		for i := range r.Sources {
			s := &r.Sources[i]
			if r.Kind == ledger.KindClaim && s.From == from && s.To == to && s.Skipped == to-from && strings.Contains(r.Why, "on_loss is continue") {
				found++
			}
		}
	}
	if found != j.topic.partitions {
		j.t.Errorf("the gap [%d, %d) is claimed for %d partitions, want %d", from, to, found, j.topic.partitions)
	}
}

func (h *house) goneBetweenRuns(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "gone", 2)
	tp.produce(40)
	j := h.newJob(t, tp)
	j.run(0, j.drain())
	decided := len(tp.sent)
	tp.produce(4000)
	tp.forget(1300)

	for _, args := range [][]string{j.drain(), j.stream()} {
		says(t, j.run(4, args), "transactions: partition 0: offset 20 is gone, the log starts at 1,300 (1,280 records lost). Set on_loss: continue to record the gap and go on.")
		j.check(tp.sent[:decided])
	}
	j.set.onLoss = "continue"
	j.run(0, j.drain())
	j.check(lost(tp.sent, 20, 1300))
	j.claimed(20, 1300)
	j.set.onLoss = "stop"
	j.run(0, j.drain())
	j.check(lost(tp.sent, 20, 1300))
}

// goneBeforeFirst: nothing was promised yet, so nothing is missed.
func (h *house) goneBeforeFirst(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "gone-first", 1)
	tp.produce(40)
	tp.forget(15)
	j := h.newJob(t, tp)
	j.run(0, j.drain())
	j.check(lost(tp.sent, 0, 15))
}

func (h *house) goneWhileRunning(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "gone-running", 1)
	tp.produce(40)
	j := h.newJob(t, tp)
	// It stands still before it publishes what it read first. A fetch that is under way
	// is answered with one record; what comes then is gone when it goes on.
	frozen := false
	code, stderr := j.traced(j.stream(), func(c call) bool {
		if !frozen && on("link", "transactions/yyyy=")(c) {
			frozen = true
			tp.produce(1)
			tp.produce(3000)
			tp.forget(2500)
			tp.produce(20)
		}
		return true
	})
	if code != 4 {
		t.Fatalf("exit code %d, want 4:\n%s", code, stderr)
	}
	decided := int64(len(j.lake.decided(t, tp.sent))) // with or without that one record
	says(t, stderr, fmt.Sprintf("offset %d is gone, the log starts at 2,500 (2,%d records lost)", decided, 500-decided))
	j.check(tp.sent[:decided])
	j.set.onLoss = "continue"
	p := j.start(j.stream())
	j.awaitDecided(521, p)
	p.signal(syscall.SIGINT)
	p.ends(0)
	j.check(lost(tp.sent, decided, 2500))
	j.claimed(decided, 2500)
}

func (h *house) goneByRetention(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "retention", 1, "segment.bytes", "1048576", "retention.bytes", "2000000", "file.delete.delay.ms", "100")
	tp.produce(10)
	j := h.newJob(t, tp)
	j.run(0, j.drain())
	tp.produce(20_000) // some segments
	start := int64(0)
	for start == 0 { // it looks every so often
		tp.produce(1)
		starts, err := tp.admin().ListStartOffsets(t.Context(), tp.name)
		must(t, err)
		o, _ := starts.Lookup(tp.name, 0)
		start = o.Offset
	}
	says(t, j.run(4, j.drain()), "offset 10 is gone, the log starts at ", " records lost)", "Set on_loss: continue")
	j.check(tp.sent[:10])
	j.set.onLoss = "continue"
	j.run(0, j.drain())
	// Retention may have gone on meanwhile: the claim says how far.
	for _, r := range j.lake.ledger(t) {
		if r.Kind == ledger.KindClaim && r.Sources[0].From == 10 {
			start = r.Sources[0].To
		}
	}
	j.check(lost(tp.sent, 10, start))
}

func (h *house) anewBetweenRuns(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "anew", 2)
	tp.produce(40)
	j := h.newJob(t, tp)
	j.run(0, j.drain())
	old := tp.id
	tp.remake()
	tp.produce(60)
	for _, args := range [][]string{j.drain(), j.stream()} {
		says(t, j.run(4, args), fmt.Sprintf("the topic was deleted and created again (its id was %s and is %s)", old, tp.id),
			"Set on_loss: continue to go on with the new topic from its start.")
		j.check(tp.sent[:40])
	}
	j.set.onLoss = "continue"
	j.run(0, j.drain())
	j.check(tp.sent)
	j.set.onLoss = "stop"
	tp.produce(20)
	j.run(0, j.drain())
	j.check(tp.sent)
}

func (h *house) anewWhileRunning(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "anew-running", 1)
	tp.produce(40)
	j := h.newJob(t, tp)
	p := j.start(j.stream())
	j.awaitDecided(40, p)
	tp.remake()
	tp.produce(60)
	p.ends(4)
	says(t, p.stderr, "the topic was deleted and created again", "Set on_loss: continue")
	j.check(tp.sent[:40])
	j.set.onLoss = "continue"
	j.run(0, j.drain())
	j.check(tp.sent)
}
