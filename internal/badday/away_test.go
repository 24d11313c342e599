package badday_test

import (
	"syscall"
	"testing"
	"time"
)

// testAway: the broker is killed in the middle of a batch and stays away for longer
// than a session. Nobody else can use it meanwhile.
func testAway(t *testing.T, h *house) {
	tp := h.newTopic(t, "away", 2)
	j := h.newJob(t, tp)
	j.set.maxRows, j.set.maxAge = 100, "10s"
	p := j.start(j.stream())
	tp.produce(250)
	j.awaitDecided(200, p) // 50 are in an open batch
	other := h.newJob(t, tp)
	impatient := other.start(other.stream())
	other.awaitDecided(250, impatient)

	h.broker.Kill()
	away := time.NewTimer(20 * time.Second) // what is tested is that time passes
	impatient.signal(syscall.SIGTERM)
	from := time.Now()
	impatient.ends(0)
	if took := time.Since(from); took > graceful {
		t.Errorf("it took %s to end without a broker, want %s at most", took, graceful)
	}
	other.lake.holds(t, tp.sent)
	<-away.C
	h.broker.Restart()

	tp.produce(250)
	j.awaitDecided(500, p)
	p.signal(syscall.SIGTERM)
	p.ends(0)
	j.check(tp.sent)
	other.run(0, other.drain())
	other.check(tp.sent)
}
