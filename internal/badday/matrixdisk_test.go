package badday_test

import (
	"os"
	"path"
	"strings"
	"testing"

	"tidemark/internal/ledger"
)

// diskMatrix kills the program before and after each of its calls to a lake on a disk:
// of those that change it nothing happens, or all.
func (h *house) diskMatrix(t *testing.T, m *matrix) {
	t.Parallel()
	tp := h.newTopic(t, "matrix-disk", 2)
	tp.produce(12)
	d := &diskMatrix{house: h, matrix: m, topic: tp, lake: h.empty, maxRows: 6}
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		stage{of: onDisk, workers: 2, some: ofEachName(2), die: d.die}.play(t)
	})
	t.Run("checkpoint", func(t *testing.T) {
		t.Parallel()
		tp, begun := h.beforeCheckpoint(t, "disk")
		d := &diskMatrix{house: h, matrix: m, topic: tp, lake: begun, maxRows: 1}
		stage{of: onDisk, workers: 1, some: ofAll(3), only: ofCheckpoints, die: d.die}.play(t)
	})
}

// ofCheckpoints chooses operations.
func ofCheckpoints(op string) bool { return strings.Contains(op, "checkpoint") }

// beforeCheckpoint makes a lake that begins some records before the hundredth, with which
// a checkpoint is due, and a topic with as many events more.
func (h *house) beforeCheckpoint(t *testing.T, name string) (tp *topic, begun string) {
	t.Helper()
	tp = h.newTopic(t, "matrix-checkpoint-"+name, 1)
	begun = h.begun(t, tp, 95)
	const due = 100
	n := len(lake(begun).ledger(t)) // a claim, a batch for each, and maybe one more: the partition is idle
	if n >= due {
		t.Fatalf("%d records were decided, want fewer than %d", n, due)
	}
	tp.produce(due - n + 1)
	return tp, begun
}

// begun makes a lake with so many events in as many batches.
func (h *house) begun(t *testing.T, tp *topic, events int) string {
	t.Helper()
	tp.produce(events)
	j := h.newJob(t, tp)
	must(t, os.CopyFS(string(j.lake), os.DirFS(h.empty)))
	j.set.maxRows = 1
	j.run(0, j.drain())
	return string(j.lake)
}

// diskMatrix is a run on a lake that is made anew for each.
type diskMatrix struct {
	*house
	*matrix
	topic   *topic
	lake    string // what a lake begins with
	maxRows int
}

// die is for a stage.
func (d *diskMatrix) die(t *testing.T, p *pass) {
	j := d.newJob(t, d.topic)
	must(t, os.CopyFS(string(j.lake), os.DirFS(d.lake)))
	j.set.maxRows = d.maxRows
	code, stderr := j.follow(j.drain(), &tracer{
		reads:  true,
		before: func(c call) bool { return !p.here(operation(c), c.number, false) },
		after:  func(c call) bool { return !p.here(operation(c), c.number, true) },
	})
	if !p.died(t, onDisk, code, stderr) {
		return
	}
	found := j.lake.remains(t, d.topic.sent)
	j.run(0, j.drain())
	if *long {
		j.verify()
	}
	d.autopsy(j, onDisk, p.at, found)
}

// operation is the name of a call.
func operation(c call) string {
	name, ok := map[string]string{"open": "create", "read": "open"}[c.name]
	if !ok {
		name = c.name
	}
	return name + " of " + subject(c.path)
}

// subject says what a path of a lake is.
func subject(at string) string {
	at = strings.TrimSuffix(at, "/") // of a listing
	dir, name := path.Split(at)
	isTemp := strings.HasPrefix(name, ".tidemark-tmp-")
	kind := func(of string) string {
		if isTemp {
			return of + " without its name"
		}
		return of
	}
	switch {
	case strings.HasPrefix(at, "_tidemark/probe"):
		return "the probe"
	case at == "_tidemark", at == "_tidemark/"+table:
		return "a folder above the ledger"
	case at == ledger.LedgerDir(table):
		return "the ledger's folder"
	case at == ledger.CheckpointDir(table):
		return "the checkpoints' folder"
	case strings.HasPrefix(dir, ledger.LedgerDir(table)):
		return kind("a record")
	case strings.HasPrefix(dir, ledger.CheckpointDir(table)):
		return kind("a checkpoint")
	case strings.HasPrefix(at, "_tidemark/"+table+"/staging"):
		switch {
		case isTemp, name == "manifest.json":
			return kind("a manifest")
		case strings.Count(at, "/") > 3:
			return "a staged file"
		}
		return "a staging folder"
	case strings.HasSuffix(name, ".parquet"):
		return "a published file"
	case strings.HasPrefix(at, table):
		return "a folder of a table"
	}
	return at
}
