package ledger_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

// yard is a lake with something of each kind in staging.
type yard struct {
	*storetest.Memory
	dead, overtaken, published, needed, waiting string
}

// newYard decides four batches of one partition: 1 to 3 are published and below the
// mark of a checkpoint, the last is neither. Beside them lie batches that were staged
// and never decided.
func newYard(t *testing.T) *yard {
	t.Helper()
	y := &yard{Memory: &storetest.Memory{}}
	p := newProcess(y.Memory, 1)
	mustDrain(t, p, 4, 0) // a claim and two batches: a checkpoint at 3
	y.stage(t, p, &y.dead, sourceOf(topicKey(0), 2, 4))
	y.stage(t, p, &y.overtaken, sourceOf(topicKey(0), 3, 9), sourceOf(topicKey(1), 0, 5))
	d, err := p.batch(t.Context(), []ledger.Source{sourceOf(topicKey(0), 4, 6)})
	if err != nil || d.Dropped {
		t.Fatalf("got %+v, %v", d, err)
	}
	y.needed = d.Record.Batch
	y.stage(t, p, &y.waiting, sourceOf(topicKey(0), 6, 8), sourceOf(topicKey(1), 0, 1))
	second, err := p.ledger.Record(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	y.published = second.Batch
	// A second copy of a staged PUT landed after the file was published.
	y.put(t, second.Files[0].Staged, "0@0\n")
	return y
}

func (y *yard) stage(t *testing.T, p *process, id *string, sources ...ledger.Source) {
	t.Helper()
	*id = ledger.NewBatchID(now(), p.random)
	if _, _, err := p.stage(t.Context(), *id, sources); err != nil {
		t.Fatal(err)
	}
}

func (y *yard) put(t *testing.T, key, data string) {
	t.Helper()
	if err := y.Create(t.Context(), key, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func (y *yard) batches() []string { return []string{y.dead, y.overtaken, y.published} }

// staged lists the batches that anything lies in staging of.
func (y *yard) staged() []string {
	var out []string
	for key := range y.Snapshot() {
		if rest, ok := strings.CutPrefix(key, ledger.StagingDir(table, "")); ok {
			batch, _, _ := strings.Cut(rest, "/")
			out = append(out, batch)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func vacuum(t *testing.T, s storetest.Store, o ledger.VacuumOptions) (map[string]ledger.Leftover, error) {
	t.Helper()
	out := map[string]ledger.Leftover{}
	o.Done = func(l *ledger.Leftover, _ int) { out[l.Batch] = *l }
	err := ledger.Vacuum(t.Context(), ledger.New(s, table), s, o)
	return out, err
}

// R12: what is dead goes, all else stays and says why.
func TestVacuumRemovesWhatIsDead(t *testing.T) {
	y := newYard(t)
	for key, data := range map[string]string{
		"nomanifest/main-0": "rows", "badjson/manifest.json": "{", "badjson/main-0": "rows",
		"newer/manifest.json":     `{"version":2,"table":"t","batch":"newer","sources":[{"topic":"in","topic_id":"01000000000000000000000000000000","partition":0,"from":0}]}`,
		"another/manifest.json":   `{"version":1,"table":"t","batch":"else","sources":[{"topic":"in","topic_id":"01000000000000000000000000000000","partition":0,"from":0}]}`,
		"foreign/manifest.json":   `{"version":1,"table":"u","batch":"foreign","sources":[{"topic":"in","topic_id":"01000000000000000000000000000000","partition":0,"from":0}]}`,
		"nosource/manifest.json":  `{"version":1,"table":"t","batch":"nosource","sources":[]}`,
		"unclaimed/manifest.json": `{"version":1,"table":"t","batch":"unclaimed","sources":[{"topic":"in","topic_id":"02000000000000000000000000000000","partition":0,"from":0}]}`,
		"alone":                   "a file of nobody", "NOT AN ID/manifest.json": `{}`,
	} {
		y.put(t, ledger.StagingDir(table, "")+key, data)
	}
	y.put(t, "_tidemark/t2/staging/"+y.dead+"/manifest.json", "of another table")
	want := map[string]string{
		y.dead: "dead: in/0 is decided to 6, and it starts at 2", y.overtaken: "dead: in/0 is decided to 6, and it starts at 3",
		y.published: "dead: in/0 is decided to 6, and it starts at 0", y.needed: "needed: decided as record 4, and not known to be published",
		y.waiting: "waiting: no source has passed its start", "nomanifest": "unknown: it has no manifest", "badjson": "unknown: its manifest cannot be read",
		"newer": "unknown: its manifest has version 2", "another": "unknown: its manifest is that of batch else of t", "foreign": "unknown: its manifest is that of batch foreign of u",
		"nosource": "waiting: no source", "unclaimed": "waiting: no source", "alone": "unknown: it has no manifest", "NOT AN ID": "unknown: it has no manifest",
	}
	third := y.staged()
	third = slices.DeleteFunc(third, func(b string) bool { _, named := want[b]; return named })
	if len(third) != 1 { // the manifest of record 3
		t.Fatalf("staged besides: %v", third)
	}
	want[third[0]] = "dead: in/0 is decided to 6, and it starts at 2"
	before := y.Snapshot()
	got, err := vacuum(t, y, ledger.VacuumOptions{Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(y.Snapshot(), before) {
		t.Error("only looking has changed the lake")
	}
	if len(got) != len(want) {
		t.Errorf("got %d batches, want %d", len(got), len(want))
	}
	for batch, says := range want {
		l := got[batch]
		if line := fmt.Sprintf("%s: %s", l.Verdict, l.Why); !strings.HasPrefix(line, says) || l.Removed || l.Files < 1 || l.Bytes < 1 {
			t.Errorf("%s: got %+v, want %s", batch, l, says)
		}
	}
	if l := got[y.dead]; l.Files != 2 || l.Bytes != int64(len(before[ledger.ManifestKey(table, y.dead)])+len("0@2\n0@3\n")) {
		t.Errorf("got %d files of %d bytes, want the manifest and a file", l.Files, l.Bytes)
	}

	got, err = vacuum(t, y, ledger.VacuumOptions{Remove: true, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	for batch, says := range want {
		if l := got[batch]; l.Removed != strings.HasPrefix(says, "dead") {
			t.Errorf("%s: removed %v, want it if it is dead: %s", batch, l.Removed, says)
		}
	}
	gone := before
	for key := range y.Snapshot() {
		delete(gone, key)
	}
	for key := range gone {
		batch, _, _ := strings.Cut(strings.TrimPrefix(key, ledger.StagingDir(table, "")), "/")
		if !strings.HasPrefix(want[batch], "dead") {
			t.Errorf("%s is gone", key)
		}
	}
	if slices.ContainsFunc(y.staged(), func(b string) bool { return strings.HasPrefix(want[b], "dead") }) {
		t.Errorf("still staged: %v", y.staged())
	}
	mustDrain(t, newProcess(y, 2), 8, 1)
	checkWhole(t, y, []int64{8, 1})
}

// An age spares what is younger. It makes nothing dead.
func TestVacuumAge(t *testing.T) {
	y := newYard(t)
	young, err := y.List(t.Context(), ledger.StagingDir(table, y.overtaken)+"/")
	if err != nil || len(young) != 2 {
		t.Fatal(young, err)
	}
	got, err := vacuum(t, y, ledger.VacuumOptions{Remove: true, Before: young[0].Modified})
	if err != nil {
		t.Fatal(err)
	}
	if l := got[y.overtaken]; l.Removed || !l.Young {
		t.Errorf("younger than asked for: got %+v", l)
	}
	if l := got[y.dead]; !l.Removed || l.Young {
		t.Errorf("older than asked for: got %+v", l)
	}
	if got, err = vacuum(t, y, ledger.VacuumOptions{Remove: true, Before: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}); err != nil {
		t.Fatal(err)
	}
	if !got[y.overtaken].Removed || got[y.waiting].Removed || got[y.needed].Removed {
		t.Errorf("as old as can be: got %+v", got)
	}
}

// A vacuum that is cut off anywhere leaves what the next one can judge and finish;
// whatever befalls it, only what is dead is asked to go, and the manifest last.
func TestVacuumCrashLoop(t *testing.T) {
	crashes := 0
	for _, mode := range []storetest.Mode{storetest.Fail, storetest.Lose, storetest.Late} {
		for _, times := range []int{1, -1} {
			for i := 1; ; i++ {
				y := newYard(t)
				faulty := (&storetest.Faulty{Store: y.Memory}).Inject(storetest.Fault{Index: i, Mode: mode, Times: times})
				_, err := vacuum(t, faulty, ledger.VacuumOptions{Remove: true})
				if faulty.Count() < i {
					break
				}
				crashes++
				if err == nil || errors.Is(err, ledger.ErrUnsafe) {
					t.Errorf("operation %d, mode %d: got %v, want an error that may be retried", i, mode, err)
				}
				// What lost its manifest can never be judged again.
				for _, b := range y.staged() {
					if _, err := y.Stat(t.Context(), ledger.ManifestKey(table, b)); err != nil {
						t.Errorf("operation %d, mode %d: batch %s is staged without a manifest", i, mode, b)
					}
				}
				faulty.Heal()
				if _, err := vacuum(t, faulty, ledger.VacuumOptions{Remove: true}); err != nil {
					t.Errorf("operation %d, mode %d: the next vacuum: %v", i, mode, err)
				}
				faulty.Deliver()
				for _, b := range y.batches() {
					if slices.Contains(y.staged(), b) {
						t.Errorf("operation %d, mode %d: %s is still there", i, mode, b)
					}
				}
				if !slices.Contains(y.staged(), y.waiting) || !slices.Contains(y.staged(), y.needed) {
					t.Errorf("operation %d, mode %d: got %v, want %s and %s", i, mode, y.staged(), y.waiting, y.needed)
				}
				onlyStaging(t, faulty.Transcript())
				mustDrain(t, newProcess(y, 3), 8, 1)
				checkWhole(t, y, []int64{8, 1})
			}
		}
	}
	t.Logf("%d crashes", crashes)
}

// onlyStaging wants every object that was asked to go to be in staging (R13).
func onlyStaging(t *testing.T, transcript []string) {
	t.Helper()
	for _, line := range transcript {
		if key, removed := strings.CutPrefix(line, "remove "); removed && !strings.HasPrefix(key, ledger.StagingDir(table, "")) {
			t.Errorf("%s: not in staging", line)
		}
	}
}

// A store that forbids deleting is told by the key, and what may be done about it.
func TestVacuumIsForbidden(t *testing.T) {
	y := newYard(t)
	denied := errors.New("AccessDenied")
	faulty := (&storetest.Faulty{Store: y.Memory}).Inject(storetest.Fault{Op: storetest.OpRemove, Times: -1, Err: denied})
	before := y.Snapshot()
	got, err := vacuum(t, faulty, ledger.VacuumOptions{Remove: true})
	if !errors.Is(err, denied) || !strings.Contains(err.Error(), "vacuum t: remove staged _tidemark/t/staging/") || !strings.Contains(err.Error(), "allow deleting below _tidemark/t/staging/") {
		t.Errorf("got %v, want the key and the way out", err)
	}
	for _, l := range got {
		if l.Removed {
			t.Errorf("%s: said to be removed", l.Batch)
		}
	}
	if !maps.Equal(y.Snapshot(), before) {
		t.Error("the lake has changed")
	}
}

// A ledger that is not whole says nothing about what is dead.
func TestVacuumOfABrokenLedger(t *testing.T) {
	y := newYard(t)
	if err := y.Remove(t.Context(), ledger.RecordKey(table, 2)); err != nil {
		t.Fatal(err)
	}
	staged := y.staged()
	if _, err := vacuum(t, y, ledger.VacuumOptions{Remove: true}); !errors.Is(err, ledger.ErrUnsafe) {
		t.Errorf("got %v, want %v", err, ledger.ErrUnsafe)
	}
	if got := y.staged(); !slices.Equal(got, staged) {
		t.Errorf("got %v, want %v", got, staged)
	}
}

// Vacuums and writers at once, on one disk: every row once, and at the end no staging
// of what is published below the mark.
func TestVacuumBesideWriters(t *testing.T) {
	dir := t.TempDir()
	open := func() *store.File {
		s, err := store.Open(t.Context(), "file://"+dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	rows := []int64{14, 11}
	done := make(chan error, 3)
	for i := range 3 {
		p := newProcess(open(), byte(i))
		p.step = int64(i + 1)
		go func() { done <- p.drain(t.Context(), rows) }()
	}
	removed := 0
	for left := 3; left > 0; {
		select {
		case err := <-done:
			if left--; err != nil {
				t.Error(err)
			}
		default:
			got, err := vacuum(t, open(), ledger.VacuumOptions{Remove: true, Workers: 2})
			if err != nil {
				t.Error(err)
			}
			for _, l := range got {
				if l.Removed {
					removed++
				}
			}
		}
	}
	mustDrain(t, newProcess(open(), 9), rows...)
	checkPart(t, open())
	checkWhole(t, open(), rows)
	t.Logf("%d batches removed meanwhile", removed)
}

func TestVacuumOfNothing(t *testing.T) {
	if got, err := vacuum(t, &storetest.Memory{}, ledger.VacuumOptions{Remove: true}); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}
