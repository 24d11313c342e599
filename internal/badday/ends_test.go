package badday_test

import (
	"context"
	"os"
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
		j.endsWhileProducing(decided + 1500)
		done := j.lake.decided(t, tp.sent)
		j.lake.holds(t, done)
		decided = len(done)
	}
	j.run(0, j.drain())
	j.check(tp.sent)
}

// endsWhileProducing ends the program when it has decided so many records since the
// job began. Nothing is produced any more when it returns.
func (j *job) endsWhileProducing(decided int) {
	j.t.Helper()
	ctx, stop := context.WithCancel(j.t.Context())
	producing := make(chan struct{})
	go func() {
		defer close(producing)
		for ctx.Err() == nil {
			j.topic.produce(200)
		}
	}()
	defer func() {
		stop()
		<-producing
	}()
	p := j.start(j.stream())
	j.awaitDecided(decided, p)
	from := time.Now()
	p.signal(syscall.SIGTERM)
	p.ends(0)
	if took := time.Since(from); took > graceful {
		j.t.Errorf("it took %s to end, want %s at most", took, graceful)
	}
}

// endsBeforeCalls: the signal comes while the program stands before a call.
func (h *house) endsBeforeCalls(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "ends-calls", 2)
	tp.produce(12)
	for what, at := range map[string]func(call) bool{
		"probe":             on("link", "/probe/"),
		"claim":             on("link", "/ledger/"),
		"manifest":          on("open", "/staging/", "/.tidemark-tmp-"),
		"staged file":       on("open", "/staging/", "/main-"),
		"rows":              on("write", "/staging/", "/main-"),
		"durable rows":      on("fsync", "/staging/", "/main-"),
		"decision":          second("link", "/ledger/"),
		"durable decision":  second("unlink", "/ledger/"),
		"publication":       on("link", "transactions/yyyy="),
		"durable name":      on("fsync", "transactions/yyyy="),
		"end of the staged": on("unlink", "/staging/", "/main-"),
	} {
		j := h.newJob(t, tp)
		if what != "probe" {
			must(t, os.CopyFS(string(j.lake), os.DirFS(h.empty)))
		}
		sent := false
		code, stderr := j.traced(j.stream(), func(c call) bool {
			if !sent && at(c) {
				sent = true
				must(t, syscall.Kill(c.pid, syscall.SIGTERM))
			}
			return sent || c.number < 5000 // or it would run for ever
		})
		if !sent || code != 0 {
			t.Fatalf("%s: exit code %d:\n%s", what, code, stderr)
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
