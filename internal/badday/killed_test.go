package badday_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// testKilled kills the program before each call that changes the lake, one after
// the other, until a run passes whole. A restart brings every lake to its end.
//
// Two take turns at the numbers, to keep both processors of a small machine busy.
func testKilled(t *testing.T, h *house) {
	tp := h.newTopic(t, "killed", 2)
	tp.produce(12)
	var next atomic.Int64
	for who := range 2 {
		t.Run(fmt.Sprint(who), func(t *testing.T) {
			t.Parallel()
			for h.killedBefore(t, tp, int(next.Add(1))) {
			}
		})
	}
	t.Cleanup(func() {
		if n := next.Load(); n < 60 { // two batches in six files, and their decisions
			t.Errorf("only %d calls were seen", n)
		}
	})
}

// killedBefore is one death, and what follows. It reports whether there was one:
// false means that the program makes fewer calls.
func (h *house) killedBefore(t *testing.T, tp *topic, n int) bool {
	j := h.newJob(t, tp)
	must(t, os.CopyFS(string(j.lake), os.DirFS(h.empty)))
	j.set.maxRows = 6
	var at call
	code, stderr := j.traced(j.drain(), func(c call) bool { at = c; return c.number != n })
	if code > 0 {
		t.Fatalf("exit code %d:\n%s", code, stderr)
	}
	j.run(0, j.drain())
	j.lake.holds(t, tp.sent)
	if t.Failed() {
		t.Fatalf("it was killed before %s", at)
	}
	return code < 0
}

// probed is a lake that was probed and holds nothing else.
func (h *house) probed(t *testing.T) string {
	t.Helper()
	j := h.newJob(t, h.newTopic(t, "probe", 1))
	j.run(0, j.drain())
	must(t, os.RemoveAll(filepath.Join(string(j.lake), "_tidemark", table)))
	return string(j.lake)
}
