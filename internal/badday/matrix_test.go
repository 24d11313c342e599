package badday_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidemark/internal/ledger"
)

var write = flag.Bool("write", false, "write what the crash matrix found into docs/crash-matrix.md (with -long)")

// The crash matrix: the program is killed with SIGKILL before and after each of its
// operations on the lake and on Kafka, and started again. A point is such a moment, and
// has a name: when, the operation, and what it is about. Points of one name are one
// line of docs/crash-matrix.md.

// medium is what the operations of a table of the page go to. Its value is the title.
type medium string

const (
	onDisk        medium = "A disk"
	kafkaDrain    medium = "Kafka, run --until-current"
	kafkaClassic  medium = "Kafka, a member of a group, classic protocol"
	kafkaConsumer medium = "Kafka, a member of a group, consumer protocol (KIP-848)"
	onVersity     medium = "S3 (versitygw)"
	onMinIO       medium = "S3 (MinIO)"
	onFakeGCS     medium = "Google Cloud Storage (fake-gcs-server)"
	onAzurite     medium = "Azure Blob Storage (Azurite)"
)

// testMatrix is the crash matrix. In its quick form it is a sample, whose choice turns
// with the seed; with -long it is every point.
func testMatrix(t *testing.T, h *house) {
	if *write && !*long {
		t.Fatal("the page tells of every point: -write needs -long")
	}
	m := &matrix{lines: map[medium]map[string]*matrixLine{}}
	t.Run("media", func(t *testing.T) {
		t.Run("disk", func(t *testing.T) { h.diskMatrix(t, m) })
		t.Run("kafka", func(t *testing.T) { h.kafkaMatrix(t, m) })
		h.storeMatrix(t, m)
	})
	sound := !t.Failed()
	for _, of := range slices.Sorted(maps.Keys(m.lines)) {
		rows := m.report(t, of)
		if complete := m.complete(t, of); *write && sound && complete {
			page, err := rewriteMatrix(readMatrixPage(t), of, rows)
			must(t, err)
			must(t, os.WriteFile(matrixPage, []byte(page), 0o644))
		}
	}
}

// matrix is what all deaths came to.
type matrix struct {
	mu    sync.Mutex
	lines map[medium]map[string]*matrixLine
}

// matrixLine is one line of a table.
type matrixLine struct {
	killed        int
	lost, doubled int64
	found         map[string]int // what restarts found, and how often
}

// add takes in a death at a point: how it was found by the restart, and what came of it.
func (m *matrix) add(of medium, at spot, found remains, came findings) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lines[of] == nil {
		m.lines[of] = map[string]*matrixLine{}
	}
	l := m.lines[of][at.String()]
	if l == nil {
		l = &matrixLine{found: map[string]int{}}
		m.lines[of][at.String()] = l
	}
	l.killed++
	l.lost += came.lost
	l.doubled += came.doubled
	l.found[found.String()]++
}

// report prints the table of a medium and returns its rows.
func (m *matrix) report(t *testing.T, of medium) []string {
	t.Helper()
	rows, kills := m.rows(of)
	t.Logf("figures: %s: %d kills at points of %d names\n%s", of, kills, len(rows), matrixHead+strings.Join(rows, ""))
	return rows
}

// complete fails unless the points of a medium are those that are known: a new one must
// be entered, and one that is never met any more taken out.
func (m *matrix) complete(t *testing.T, of medium) bool {
	t.Helper()
	ok, known := true, knownPoints(of)
	for _, at := range inOrder(slices.Collect(maps.Keys(m.lines[of]))) {
		if !slices.Contains(known, at) {
			ok = false
			t.Errorf("%s: %q is a new point: enter it in knownOperations", of, at)
		}
	}
	for _, at := range known {
		if *long && m.lines[of][at] == nil {
			ok = false
			t.Errorf("%s: the program was never killed %q", of, at)
		}
	}
	return ok
}

// rows are the lines of a table, in the order of the operations, before before after.
func (m *matrix) rows(of medium) (rows []string, kills int) {
	for _, point := range inOrder(slices.Collect(maps.Keys(m.lines[of]))) {
		l := m.lines[of][point]
		var found []string
		for _, f := range slices.Sorted(maps.Keys(l.found)) {
			found = append(found, fmt.Sprintf("%s × %d", f, l.found[f]))
		}
		rows = append(rows, fmt.Sprintf("| %s | %d | %d | %d | %s |\n", point, l.killed, l.lost, l.doubled, strings.Join(found, " · ")))
		kills += l.killed
	}
	return rows, kills
}

// remains is what a process that died has left of its work.
type remains struct {
	records []*ledger.Record
	left    bool // records are undecided
	pending bool // files of decided batches are unpublished
}

// String is what a restart finds, and what it has to do about it.
func (r remains) String() string {
	switch {
	case r.left && r.pending:
		return "a batch decided: published; the rest undecided: built again"
	case r.left:
		return "undecided: built again"
	case r.pending:
		return "decided: published"
	}
	return "published: nothing to do"
}

// remains looks at a lake in which nobody works.
func (l lake) remains(t *testing.T, sent []record) remains {
	t.Helper()
	r := remains{records: l.ledger(t), left: len(l.decided(t, sent)) < len(sent)}
	for _, rec := range r.records {
		for _, f := range rec.Files {
			if _, err := os.Stat(filepath.Join(string(l), f.Path)); err != nil {
				r.pending = true
			}
		}
	}
	return r
}

// autopsy judges a restarted lake in which nobody works any more: it must hold what was
// sent, once, and what the restart has added to the ledger must be what was left to do.
func (m *matrix) autopsy(j *job, of medium, at spot, found remains) {
	t := j.t
	t.Helper()
	c := newCensus(j.topic.partitions)
	for _, r := range j.topic.sent {
		c.add(r.partition, r.offset, []byte(r.value))
	}
	m.add(of, at, found, c.compare(t, j.lake, j.topic.id))
	j.lake.holds(t, j.topic.sent)
	now := j.lake.ledger(t)
	if n := len(found.records); len(now) < n || n > 0 && !reflect.DeepEqual(now[:n], found.records) {
		t.Error("records of the ledger have changed")
	}
	if built := batches(now) - batches(found.records); built > 0 != found.left {
		t.Errorf("the restart found %q, and decided %d batches", found, built)
	}
}

// batches counts those that hold records of Kafka: others say that a partition is idle.
func batches(records []*ledger.Record) (n int) {
	for _, r := range records {
		if r.Kind == ledger.KindBatch && r.Counts.Read > 0 {
			n++
		}
	}
	return n
}
