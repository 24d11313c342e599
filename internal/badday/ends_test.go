package badday_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidemark/internal/ledger"
)

// testEnds: SIGTERM and SIGINT, at any moment.
func testEnds(t *testing.T, h *house) {
	t.Run("in the middle", h.endsInTheMiddle)
	t.Run("before each call", h.endsBeforeCalls)
	t.Run("a second signal", h.endsAtOnce)
}

// graceful is how long an end may take.
const graceful = 10 * time.Second

// endsInTheMiddle: records come all the time.
func (h *house) endsInTheMiddle(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "ends", 2)
	j := h.newJob(t, tp)
	j.set.maxRows = 200
	for decided := 0; decided < 4000; {
		p := j.start(j.stream())
		ctx, stop := context.WithCancel(t.Context())
		producing := make(chan struct{})
		go func() {
			defer close(producing)
			for ctx.Err() == nil {
				tp.produce(200)
			}
		}()
		j.awaitDecided(decided+1500, p)
		from := time.Now()
		p.signal(syscall.SIGTERM)
		p.ends(0)
		if took := time.Since(from); took > graceful {
			t.Errorf("it took %s to end, want %s at most", took, graceful)
		}
		stop()
		<-producing
		done := j.lake.decided(t, tp.sent)
		j.lake.holds(t, done)
		decided = len(done)
	}
	j.run(0, j.drain())
	j.check(tp.sent)
}

// endsBeforeCalls: the signal comes while the program stands before a call.
func (h *house) endsBeforeCalls(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "ends-calls", 2)
	tp.produce(12)
	for _, at := range []func(call) bool{
		on("mkdir", "/ledger"), second("link", "/ledger/"), on("open", "/staging/", "/manifest"), on("fsync", "/staging/"), on("open", "/staging/", "/main-"),
		on("write", "/staging/", "/main-"), on("link", "transactions/yyyy="), on("fsync", "transactions/yyyy="), on("unlink", "/staging/", "/main-"),
	} {
		j := h.newJob(t, tp)
		sent := false
		code, stderr := j.traced(j.stream(), func(c call) bool {
			if (!sent && at(c)) || (!sent && c.number > 200) {
				sent = true
				must(t, syscall.Kill(c.pid, syscall.SIGTERM))
			}
			return true
		})
		if code != 0 {
			t.Fatalf("exit code %d:\n%s", code, stderr)
		}
		j.lake.holds(t, j.lake.decided(t, tp.sent))
		j.run(0, j.drain())
		j.lake.holds(t, tp.sent)
	}
}

// endsAtOnce: whoever does not want to wait for the first signal sends a second one.
func (h *house) endsAtOnce(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "ends-at-once", 2)
	tp.produce(12)
	for _, at := range []func(call) bool{on("open", "/staging/", "/main-"), second("link", "/ledger/"), on("link", "transactions/yyyy=")} {
		j := h.newJob(t, tp)
		sent := false
		code, stderr := j.traced(j.stream(), func(c call) bool {
			if !sent && at(c) {
				sent = true
				must(t, syscall.Kill(c.pid, syscall.SIGTERM))
				must(t, syscall.Kill(c.pid, syscall.SIGINT)) // two of a kind would be one
			}
			return true
		})
		if code != 130 {
			t.Fatalf("exit code %d, want 130:\n%s", code, stderr)
		}
		for _, f := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
			for _, path := range j.lake.files(t, f) {
				if !strings.HasSuffix(path, ".parquet") {
					t.Errorf("%s was left", path)
				}
			}
		}
		j.run(0, j.drain())
		j.check(tp.sent)
	}
}
