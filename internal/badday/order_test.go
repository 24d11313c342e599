package badday_test

import (
	"path"
	"strings"
	"testing"

	"tidemark/internal/ledger"
)

// testOrder: what must have come before what. Nobody can cut the power of the machine
// that the tests run on; but what would be on its disk is known by the calls.
func testOrder(t *testing.T, h *house) {
	t.Run("durable before it counts", h.durableFirst)
	t.Run("kafka is told last", h.toldLast)
}

// loose is what a power cut would take, by the calls of the program so far.
type loose struct {
	bytes map[string]bool // files that were written and not synced since
	names map[string]bool // folders that got a name and were not synced since
}

// note takes a call for made.
func (l *loose) note(c call) {
	switch c.name {
	case "write":
		l.bytes[c.path] = true
	case "open", "link", "mkdir":
		l.names[path.Dir(c.path)] = true
	case "fsync":
		delete(l.bytes, c.path)
		delete(l.names, c.path)
	}
}

// below says what of a folder a power cut would take.
func (l *loose) below(dir string) []string {
	var out []string
	for _, set := range []map[string]bool{l.bytes, l.names} {
		for name := range set {
			if name == dir || strings.HasPrefix(name, dir+"/") {
				out = append(out, name)
			}
		}
	}
	return out
}

// durableFirst: all of a batch is durable before its record is visible, the record
// before a file is published, and the published file before the staged name goes (R3,
// R4, R7). A single batch, so that all that is staged is its own.
func (h *house) durableFirst(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "durable", 2)
	tp.produce(40)
	j := h.newJob(t, tp)
	seen := map[string]int{}
	l := loose{bytes: map[string]bool{}, names: map[string]bool{}}
	code, stderr := j.traced(j.drain(), func(c call) bool {
		moment, must := "", ""
		switch {
		case c.name == "link" && strings.HasPrefix(c.path, ledger.LedgerDir(table)+"/"):
			moment, must = "decided", ledger.StagingDir(table, "")
		case c.name == "link" && strings.HasPrefix(c.path, table) && strings.HasSuffix(c.path, ".parquet"):
			moment, must = "published", ledger.LedgerDir(table)
		case c.name == "unlink" && strings.HasPrefix(c.path, ledger.StagingDir(table, "")) && !strings.Contains(c.path, "/.tidemark-tmp-"):
			moment, must = "taken out of staging", table
		}
		if moment != "" {
			seen[moment]++
			if left := l.below(strings.TrimSuffix(must, "/")); len(left) > 0 {
				t.Errorf("%s is %s, and a power cut would take %q", c.path, moment, left)
			}
		}
		l.note(c)
		return true
	})
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, stderr)
	}
	for _, moment := range []string{"decided", "published", "taken out of staging"} {
		if seen[moment] == 0 {
			t.Errorf("no file was seen being %s", moment)
		}
	}
	j.check(tp.sent)
}

// toldLast: at no decision and at no publication is Kafka ahead of the ledger; in the
// end it knows all (R10).
func (h *house) toldLast(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "told", 2)
	tp.produce(12)
	j := h.newJob(t, tp)
	j.set.maxRows = 3
	looks := 0
	code, stderr := j.traced(j.drain(), func(c call) bool {
		if c.name == "link" && strings.Contains(c.path, "/ledger/") || c.name == "link" && strings.HasSuffix(c.path, ".parquet") {
			looks++
			decided := j.next()
			for partition, at := range tp.committed(j.set.group) {
				if at > decided[partition] {
					t.Errorf("before %s: kafka is told %d of partition %d, and %d is decided", c, at, partition, decided[partition])
				}
			}
		}
		return true
	})
	if code != 0 || looks < 5 {
		t.Fatalf("exit code %d after %d looks:\n%s", code, looks, stderr)
	}
	told := tp.committed(j.set.group)
	for partition, at := range j.next() {
		if told[partition] != at {
			t.Errorf("partition %d: %d is decided, and kafka is told %d", partition, at, told[partition])
		}
	}
	j.check(tp.sent)
}

// next is how far each partition is decided.
func (j *job) next() map[int32]int64 {
	out := map[int32]int64{}
	for _, r := range j.lake.ledger(j.t) {
		for i := range r.Sources {
			out[r.Sources[i].Partition] = r.Sources[i].To
		}
	}
	return out
}

// committed are the offsets that a group has committed of the topic, by partition.
func (tp *topic) committed(group string) map[int32]int64 {
	tp.t.Helper()
	all, err := tp.admin().FetchOffsets(tp.t.Context(), group)
	must(tp.t, err)
	out := map[int32]int64{}
	for partition, o := range all[tp.name] {
		out[partition] = o.At
	}
	return out
}
