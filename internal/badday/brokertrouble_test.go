package badday_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidemark/internal/ledger"
)

// testBrokerTrouble: what befalls the broker, which nobody else can use meanwhile.
func testBrokerTrouble(t *testing.T, h *house) {
	t.Run("killed while streaming", h.killedWhileStreaming)
	t.Run("killed while draining", h.killedWhileDraining)
	t.Run("log truncated between runs", h.truncatedBetweenRuns)
	t.Run("log truncated while running", h.truncatedWhileRunning)
	t.Run("log truncated and written anew", h.writtenAnew)
}

// deaths is how often the broker is killed within a run.
func deaths() int {
	if *long {
		return 10
	}
	return 1
}

// killedWhileStreaming: records come all the time, and again and again the broker is
// killed in the middle of a batch.
func (h *house) killedWhileStreaming(t *testing.T) {
	const events = 60_000
	tp := h.newTopic(t, "killed-streaming", 4)
	j := h.newJob(t, tp)
	j.set.maxAge = "2s"
	c, poured := newCensus(tp.partitions), make(chan error, 1)
	go func() { poured <- tp.pour(c, 1, events, 15*time.Second) }()
	p := j.start(j.stream())
	for n := range deaths() {
		j.awaitPublished(events*(n+1)/(deaths()+2), p)
		h.broker.Kill()
		h.broker.Restart()
	}
	must(t, <-poured)
	j.awaitPublished(events, p)
	p.signal(syscall.SIGTERM)
	p.ends(0)
	j.exact(c, deaths())
}

// exact compares the lake with what was produced, and prints the figures.
func (j *job) exact(c *census, deaths int) {
	j.t.Helper()
	found := c.compare(j.t, j.lake, j.topic.id)
	j.lake.named(j.t)
	j.verify()
	j.t.Logf("figures: broker killed %d times: %s", deaths, found)
	if !found.exact() || found.rows != c.count {
		j.t.Errorf("%d records were produced; %s", c.count, found)
	}
}

// killedWhileDraining: a drain knows its end, and gets there when the broker does.
func (h *house) killedWhileDraining(t *testing.T) {
	const events = 200_000
	tp := h.newTopic(t, "killed-draining", 4)
	c := newCensus(tp.partitions)
	must(t, tp.pour(c, 1, events, time.Second))
	j := h.newJob(t, tp)
	j.set.maxRows = 1000
	p := j.start(j.drain())
	for n := range deaths() {
		j.awaitPublished(events*(n+1)/(deaths()+2), p)
		h.broker.Kill()
		h.broker.Restart()
	}
	p.ends(0)
	j.exact(c, deaths())
}

// truncate takes the records of a partition away behind the broker's back, as a disk
// that lost its last writes does, or the election of a replica that lagged behind.
func (h *house) truncate(tp *topic) {
	tp.t.Helper()
	h.broker.Stop()
	dir := filepath.Join(filepath.Dir(h.broker.CA), "data", tp.name+"-0")
	entries, err := os.ReadDir(dir)
	must(tp.t, err)
	for _, e := range entries {
		if e.Name() != "partition.metadata" { // the id of the topic stays
			must(tp.t, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	h.broker.Restart()
}

// wantTruncated fails unless the program has stopped for a log that ends too soon, and
// has decided nothing since.
func (j *job) wantTruncated(stderr string, decided []record, end string) {
	j.t.Helper()
	says(j.t, stderr, "transactions: partition 0: the ledger is at offset 40, but the log ends at "+end+": it was truncated",
		"Create the topic again to give its records offsets of their own, and set on_loss: continue.")
	j.check(decided)
}

// truncatedBetweenRuns: going on at the old place, or at the new end, would read other
// records under offsets that are decided. Nothing makes us, until the topic is a new one.
func (h *house) truncatedBetweenRuns(t *testing.T) {
	tp := h.newTopic(t, "truncated", 1)
	tp.produce(40)
	j := h.newJob(t, tp)
	j.run(0, j.drain())
	h.truncate(tp)
	decided := tp.sent
	j.wantTruncated(j.run(4, j.drain()), decided, "0")
	tp.put(tp.client, tp.next(10)...)
	for _, onLoss := range []string{"stop", "continue"} {
		j.set.onLoss = onLoss
		for _, args := range [][]string{j.drain(), j.stream()} {
			j.wantTruncated(j.run(4, args), decided, "10")
		}
	}
	j.madeAnew()
}

// writtenAnew: the log was cut off, and has grown past where the ledger stands. All
// offsets look right, and the records that took those of decided ones would never be
// read: only the leader epoch tells.
func (h *house) writtenAnew(t *testing.T) {
	tp := h.newTopic(t, "written-anew", 1)
	tp.produce(40)
	j := h.newJob(t, tp)
	j.run(0, j.drain())
	decided := tp.sent
	h.truncate(tp)
	tp.put(tp.client, tp.next(60)...)
	for _, onLoss := range []string{"stop", "continue"} {
		j.set.onLoss = onLoss
		for _, args := range [][]string{j.drain(), j.stream()} {
			says(t, j.run(4, args), "transactions: partition 0: records up to offset 40 were decided under leader epoch", "which ends at 0 in the log as it is now",
				"Create the topic again to give its records offsets of their own, and set on_loss: continue.")
			j.check(decided)
		}
	}
	j.madeAnew()
}

// truncatedWhileRunning: the same, under a process that has read to the end.
func (h *house) truncatedWhileRunning(t *testing.T) {
	tp := h.newTopic(t, "truncated-running", 1)
	tp.produce(40)
	j := h.newJob(t, tp)
	p := j.start(j.stream())
	j.awaitPublished(40, p)
	h.truncate(tp)
	p.ends(4)
	j.wantTruncated(p.stderr, tp.sent, "0")
	j.set.onLoss = "continue"
	j.madeAnew()
}

// madeAnew takes the way out that the error names.
func (j *job) madeAnew() {
	j.t.Helper()
	j.topic.remake()
	j.topic.produce(30)
	j.run(0, j.drain())
	j.check(j.topic.sent)
	claims := 0
	for _, r := range j.lake.ledger(j.t) {
		if r.Kind == ledger.KindClaim && strings.Contains(r.Why, "was deleted and created again") {
			claims++
		}
	}
	if claims != 1 {
		j.t.Errorf("%d claims tell of the new topic, want 1", claims)
	}
}
