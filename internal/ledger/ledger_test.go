package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

func mustDrain(t *testing.T, p *process, rows ...int64) {
	t.Helper()
	if err := p.drain(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
}

// propose decides a batch of rows without files.
func (p *process) propose(t *testing.T, kind ledger.Kind, sources []ledger.Source, r ledger.Record) (ledger.Decision, error) {
	t.Helper()
	return p.ledger.Decide(t.Context(), ledger.Proposal{
		Batch: ledger.NewBatchID(now(), p.random), Kind: kind, Sources: sources,
		Seal: func(*ledger.State, int64) (*ledger.Record, error) { return &r, nil },
	})
}

// Many processes fight for one table on one disk: every row is decided and visible
// once, whoever wins which record.
func TestRivalsOnOneDisk(t *testing.T) {
	dir := t.TempDir()
	rows := []int64{12, 9, 15}
	open := func() *store.File {
		s, err := store.Open(t.Context(), "file://"+dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	var all sync.WaitGroup
	for i := range 4 {
		p := newProcess(open(), byte(i))
		p.step = int64(i + 1)
		all.Go(func() {
			if err := p.drain(t.Context(), rows); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	mustDrain(t, newProcess(open(), 9), rows...)
	checkPart(t, open())
	checkWhole(t, open(), rows)
}

// One Ledger is shared by the goroutines of a process.
func TestLedgerIsSharedByGoroutines(t *testing.T) {
	p := newProcess(&storetest.Memory{}, 1)
	mustDrain(t, p, 0, 0, 0, 0)
	var all sync.WaitGroup
	for i := range int32(4) {
		all.Go(func() {
			for o := range int64(10) {
				d, err := p.propose(t, ledger.KindBatch, []ledger.Source{sourceOf(topicKey(i), o, o+1)},
					ledger.Record{Counts: ledger.Counts{Read: 1, Filtered: 1}})
				if err != nil || d.Dropped {
					t.Errorf("partition %d: got %+v, %v", i, d, err)
				}
				if _, err := p.publisher.Publish(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	st, err := p.ledger.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(st), "head 41 mark 42 read 40"; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRestartReadsFromCheckpoint(t *testing.T) {
	faulty := &storetest.Faulty{Store: &storetest.Memory{}}
	mustDrain(t, newProcess(faulty, 1), 21) // a claim and 11 batches, checkpoints every 3
	faulty.Forget()
	p := newProcess(faulty, 2)
	if _, err := p.ledger.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	var read []string
	for _, line := range faulty.Transcript() {
		if strings.HasPrefix(line, "read _tidemark/t/ledger/") {
			read = append(read, line)
		}
	}
	if got, want := len(read), 2; got != want { // the two absent numbers after the head
		t.Errorf("got %d records read, want %d: %q", got, want, read)
	}
	if got, want := p.ledger.State().Head, int64(12); got != want {
		t.Errorf("head: got %d, want %d", got, want)
	}
}

// What is loaded by a checkpoint is what is loaded by all records.
func TestCheckpointIsTheFold(t *testing.T) {
	memory := &storetest.Memory{}
	mustDrain(t, newProcess(memory, 1), 9, 4)
	with, err := newProcess(memory, 2).ledger.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entries, err := memory.List(t.Context(), ledger.CheckpointDir(table)+"/")
	if err != nil || len(entries) != 2 {
		t.Fatalf("got %v, %v, want two checkpoints", entries, err)
	}
	for _, e := range entries {
		if err := memory.Remove(t.Context(), e.Key); err != nil {
			t.Fatal(err)
		}
	}
	p := newProcess(memory, 3)
	if _, err := p.ledger.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.publisher.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := asJSON(t, p.ledger.State()), asJSON(t, with); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestClockThatJumpsBack(t *testing.T) {
	p := newProcess(&storetest.Memory{}, 1)
	mustDrain(t, p, 2)
	d, err := p.propose(t, ledger.KindBatch, []ledger.Source{sourceOf(topicKey(0), 2, 3)},
		ledger.Record{DecidedAt: ledger.At(now().Add(-time.Hour)), Counts: ledger.Counts{Read: 1, Late: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.Record.DecidedAt, ledger.At(now()); got != want {
		t.Errorf("decided at: got %v, want %v: the ledger's time never runs backwards", got, want)
	}
}

// Nothing that breaks a promise is written, and it is not mistaken for a batch that
// came too late, which would be built again for ever.
func TestUnsoundRecordsAreNotWritten(t *testing.T) {
	memory := &storetest.Memory{}
	p := newProcess(memory, 1)
	mustDrain(t, p, 2)
	before := len(memory.Snapshot())
	src := sourceOf(topicKey(0), 2, 5)
	gap := src
	gap.Records = 1
	batchFile := func(path, staged string) ledger.Record {
		return ledger.Record{Counts: ledger.Counts{Read: 3, Written: 3}, Files: []ledger.File{{Output: ledger.Main, Path: path, Staged: staged}}}
	}
	for _, test := range []struct {
		name    string
		kind    ledger.Kind
		sources []ledger.Source
		record  ledger.Record
		want    string
	}{
		{"no fate", ledger.KindBatch, []ledger.Source{src}, ledger.Record{Counts: ledger.Counts{Read: 3, Written: 2}}, "have no fate"},
		{"not all read", ledger.KindBatch, []ledger.Source{src}, ledger.Record{Counts: ledger.Counts{Read: 2, Written: 2}}, "read 2, but the sources have 3"},
		{"unexplained gap", ledger.KindBatch, []ledger.Source{gap}, ledger.Record{Counts: ledger.Counts{Read: 1, Written: 1}}, "[2, 5) is not 1 records and 0 skipped"},
		{"twice", ledger.KindBatch, []ledger.Source{src, src}, ledger.Record{}, "in it twice"},
		{"claim with rows", ledger.KindClaim, []ledger.Source{src}, ledger.Record{}, "a claim has no records"},
		{"unknown kind", ledger.Kind("close"), nil, ledger.Record{}, "not in this version"},
		{"file elsewhere", ledger.KindBatch, []ledger.Source{src}, batchFile("other/x.parquet", "s"), "want t/…/"},
		{"file of another", ledger.KindBatch, []ledger.Source{src}, batchFile("t/x.parquet", "s"), "want t/…/"},
		{"halt with files", ledger.KindHalt, []ledger.Source{src}, batchFile("t/x.parquet", "s"), "a halt has no files"},
	} {
		d, err := p.propose(t, test.kind, test.sources, test.record)
		if err == nil || !strings.Contains(err.Error(), test.want) || d.Dropped {
			t.Errorf("%s: got %+v, %v, want an error with %q", test.name, d, err, test.want)
		}
	}
	_, err := p.ledger.Decide(t.Context(), ledger.Proposal{Batch: "../x", Kind: ledger.KindRun,
		Seal: func(*ledger.State, int64) (*ledger.Record, error) { return &ledger.Record{}, nil }})
	if err == nil {
		t.Error("a batch id that is a path: got no error")
	}
	sealErr := errors.New("no more room")
	_, err = p.ledger.Decide(t.Context(), ledger.Proposal{Batch: "b", Kind: ledger.KindRun,
		Seal: func(*ledger.State, int64) (*ledger.Record, error) { return nil, sealErr }})
	if !errors.Is(err, sealErr) {
		t.Errorf("seal: got %v, want %v", err, sealErr)
	}
	if got := len(memory.Snapshot()); got != before {
		t.Errorf("got %d objects, want %d: nothing may be written", got, before)
	}
}

// The same bytes are sent for one number, however often; another number is sealed
// for the state before it.
func TestSealOncePerNumber(t *testing.T) {
	memory := &storetest.Memory{}
	faulty := &storetest.Faulty{Store: memory}
	p, rival := newProcess(faulty, 1), newProcess(memory, 2)
	mustDrain(t, p, 2, 0)
	mustDrain(t, rival, 2, 2) // record 3, which p has not seen
	faulty.Inject(storetest.Fault{Op: storetest.OpCreate, Times: 2})
	var sealed []int64
	d, err := p.ledger.Decide(t.Context(), ledger.Proposal{
		Batch: "b", Kind: ledger.KindBatch, Sources: []ledger.Source{sourceOf(topicKey(0), 2, 3)},
		Seal: func(st *ledger.State, seq int64) (*ledger.Record, error) {
			if st.Head != seq-1 {
				t.Errorf("got the state at %d for record %d", st.Head, seq)
			}
			sealed = append(sealed, seq)
			return &ledger.Record{Counts: ledger.Counts{Read: 1, Written: 1}}, nil
		},
	})
	if err != nil || d.Dropped || d.Conflicts != 1 {
		t.Fatalf("got %+v, %v, want it decided after one conflict", d, err)
	}
	if want := []int64{3, 4}; !slices.Equal(sealed, want) {
		t.Errorf("sealed for %v, want %v", sealed, want)
	}
	kept, err := rival.ledger.Record(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := asJSON(t, kept), asJSON(t, d.Record); got != strings.ReplaceAll(want, `"files":null,"watermark":null,"quality":null,"nulls":null,"drift":null`, `"files":[],"watermark":null,"quality":null,"nulls":{},"drift":[]`) {
		t.Errorf("the record that lies there is\n%s, and what was returned\n%s", got, want)
	}
}

func TestDecideEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faulty := &storetest.Faulty{Store: &storetest.Memory{}}
		l := ledger.New(faulty, table)
		if _, err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		faulty.Inject(storetest.Fault{Times: -1})
		run := func(ctx context.Context) (time.Duration, error) {
			start := time.Now()
			_, err := l.Decide(ctx, ledger.Proposal{Batch: "b", Kind: ledger.KindRun,
				Seal: func(*ledger.State, int64) (*ledger.Record, error) { return &ledger.Record{}, nil }})
			return time.Since(start), err
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		took, err := run(ctx)
		var doubt *ledger.DoubtError
		if !errors.As(err, &doubt) || doubt.Batch != "b" || doubt.Seq != 1 || took != time.Second {
			t.Errorf("got %v after %v, want doubt about record 1 after 1s", err, took)
		}
		if errors.Is(err, ledger.ErrUnsafe) {
			t.Error("doubt must be something that may be retried")
		}
		// With no end in sight it gives up by itself, having waited longer each time.
		took, err = run(t.Context())
		if !errors.As(err, &doubt) || took < 3*time.Second || took > 30*time.Second {
			t.Errorf("got %v after %v, want doubt after some seconds", err, took)
		}
		faulty.Heal()
		if _, err := run(t.Context()); err != nil {
			t.Errorf("after the store has come back: %v", err)
		}
	})
}

// A waiting Decide does not outlast its context, and a dead process of another
// table is no concern.
func TestLoadTakesTurnsWithDecide(t *testing.T) {
	l := ledger.New(&storetest.Memory{}, table)
	ended, cancel := context.WithCancel(t.Context())
	_, err := l.Decide(t.Context(), ledger.Proposal{Batch: "b", Kind: ledger.KindRun,
		Seal: func(*ledger.State, int64) (*ledger.Record, error) {
			cancel()
			if _, err := l.Load(ended); !errors.Is(err, context.Canceled) {
				t.Errorf("load during decide: got %v, want %v", err, context.Canceled)
			}
			return &ledger.Record{}, nil
		}})
	if err != nil {
		t.Error(err)
	}
}

func TestBatchIDs(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	seen := map[string]bool{}
	for range 1000 {
		seen[ledger.NewBatchID(now(), random)] = true
	}
	if got, want := len(seen), 1000; got != want {
		t.Errorf("got %d different ids, want %d", got, want)
	}
	id := ledger.NewBatchID(now(), random)
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || !strings.HasPrefix(id, "20261124t113805123456-") {
		t.Errorf("got %q, want the time, and lower-case letters, digits and -", id)
	}
	if later := ledger.NewBatchID(now().Add(time.Microsecond), random); later <= id {
		t.Errorf("got %q not above %q: ids sort by time", later, id)
	}
	// Whoever gives the same random twice must not get two batches under one id.
	defer func() {
		if recover() == nil {
			t.Error("no random: got an id")
		}
	}()
	ledger.NewBatchID(now(), bytes.NewReader([]byte("short")))
}

func TestManifestIsWrittenOnce(t *testing.T) {
	p := newProcess(&storetest.Memory{}, 1)
	sources := []ledger.Source{sourceOf(topicKey(3), 7, 9)}
	if err := p.ledger.WriteManifest(t.Context(), "b", sources); err != nil {
		t.Fatal(err)
	}
	if err := p.ledger.WriteManifest(t.Context(), "b", sources); !errors.Is(err, store.ErrExists) {
		t.Errorf("the same id again: got %v, want %v", err, store.ErrExists)
	}
	if err := p.ledger.WriteManifest(t.Context(), "../b", sources); err == nil {
		t.Error("an id that is a path: got no error")
	}
	m, err := p.ledger.ReadManifest(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":1,"table":"t","batch":"b","sources":[{"topic":"in","topic_id":"01000000000000000000000000000000","partition":3,"from":7}]}`
	if got := asJSON(t, m); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A long ledger without a checkpoint is folded and published in whole, without
// keeping all of its records in memory.
func TestLongLedger(t *testing.T) {
	memory := &storetest.Memory{}
	p := newProcess(memory, 1)
	mustDrain(t, p, 0)
	const batches = 700
	for o := range int64(batches) {
		if d, err := p.batch(t.Context(), []ledger.Source{sourceOf(topicKey(0), o, o+1)}); err != nil || d.Dropped {
			t.Fatalf("got %+v, %v", d, err)
		}
	}
	late := newProcess(memory, 2)
	if _, err := late.ledger.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	done, err := late.publisher.Publish(t.Context())
	if err != nil || len(done) != batches {
		t.Fatalf("got %d published, %v, want %d", len(done), err, batches)
	}
	for i, r := range done {
		if r.Seq != int64(i+2) {
			t.Fatalf("got record %d at place %d: want ledger order", r.Seq, i)
		}
	}
	checkWhole(t, memory, []int64{batches})
}

func TestRecordAsItLiesInTheLake(t *testing.T) {
	r := ledger.Record{Version: 1, Seq: 1, Table: "t", Kind: ledger.KindRun, Batch: "b", Nonce: "n", Why: "<&>"}
	data, err := ledger.EncodeRecord(&r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":1,"seq":1,"table":"t","kind":"run","batch":"b","nonce":"n","previous":"","decided_at":"1970-01-01T00:00:00.000000Z",` +
		`"decided_by":{"host":"","pid":0,"user":"","version":"","config_hash":""},"sources":[],` +
		`"counts":{"read":0,"written":0,"late":0,"quarantined":0,"duplicate":0,"filtered":0},"files":[],"watermark":null,` +
		`"quality":null,"nulls":{},"drift":[],"timings_ms":null,"why":"<&>","sha256":"26dac74933d652abbd6a4cb874d42c6e61bcb10024139e200bafd626028440ce"}` + "\n"
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
	// Fields of a newer program are ignored.
	newer := strings.Replace(string(data), `"seq"`, `"moon":"full","seq"`, 1)
	back, err := ledger.DecodeRecord([]byte(newer))
	if err != nil || back.Seq != 1 || back.Why != "<&>" {
		t.Errorf("got %+v, %v", back, err)
	}
	if _, err := ledger.DecodeRecord([]byte(strings.Replace(string(data), `"sources":[]`, `"sources":[{"topic_id":"`+strings.Repeat("ab", 40)+`"}]`, 1))); err == nil {
		t.Error("a topic id that is too long: got no error")
	}
}
