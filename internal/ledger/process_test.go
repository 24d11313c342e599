package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tidemark/internal/ledger"
	"tidemark/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process is a small stand-in for all that uses a ledger: it reads rows (a row is
// its partition and offset, nothing else), stages, decides and publishes them.
type process struct {
	store     storetest.Store
	ledger    *ledger.Ledger
	publisher *ledger.Publisher
	random    io.Reader
	step      int64 // rows per partition in a batch
}

const table = "t"

// now is the clock of all processes. Ids differ by their random part.
func now() time.Time { return time.Date(2026, 11, 24, 11, 38, 5, 123456000, time.UTC) }

func newProcess(s storetest.Store, seed byte) *process {
	random := &lockedReader{r: rand.NewChaCha8([32]byte{seed})}
	l := ledger.New(s, table, ledger.WithCheckpointEvery(3), ledger.WithRandom(random),
		ledger.WithPatience(4, func(ctx context.Context, _ int) error { return ctx.Err() }))
	return &process{store: s, ledger: l, publisher: ledger.NewPublisher(l, s), random: random, step: 2}
}

// lockedReader is shared by the goroutines of a process.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(b)
}

func topicKey(partition int32) ledger.Key {
	return ledger.Key{Topic: "in", TopicID: ledger.TopicID{1}, Partition: partition}
}

func sourceOf(k ledger.Key, from, to int64) ledger.Source {
	return ledger.Source{Topic: k.Topic, TopicID: k.TopicID, Partition: k.Partition, From: from, To: to, Records: to - from}
}

// drain decides and publishes all rows of the partitions, rows[i] of partition i,
// and stops at the first error.
func (p *process) drain(ctx context.Context, rows []int64) error {
	st, err := p.ledger.Load(ctx)
	if err != nil {
		return err
	}
	if _, err := p.publisher.Publish(ctx); err != nil {
		return err
	}
	if st, err = p.claim(ctx, st, len(rows)); err != nil {
		return err
	}
	for {
		sources := p.next(st, rows)
		if len(sources) == 0 {
			return nil
		}
		d, err := p.batch(ctx, sources)
		if err != nil {
			return err
		}
		st = d.State
		if _, err := p.publisher.Publish(ctx); err != nil {
			return err
		}
	}
}

// claim makes the partitions known to the ledger that it does not know.
func (p *process) claim(ctx context.Context, st *ledger.State, partitions int) (*ledger.State, error) {
	for {
		var first []ledger.Source
		for i := range partitions {
			k := topicKey(int32(i))
			if _, known := st.Sources[k]; !known {
				src := sourceOf(k, 0, 0)
				src.First = true
				first = append(first, src)
			}
		}
		if len(first) == 0 {
			return st, nil
		}
		d, err := p.ledger.Decide(ctx, ledger.Proposal{
			Batch: ledger.NewBatchID(now(), p.random), Kind: ledger.KindClaim, Sources: first,
			Seal: func(*ledger.State, int64) (*ledger.Record, error) { return &ledger.Record{Why: "start: earliest"}, nil },
		})
		if err != nil {
			return nil, err
		}
		st = d.State
	}
}

func (p *process) next(st *ledger.State, rows []int64) []ledger.Source {
	var out []ledger.Source
	for i, end := range rows {
		k := topicKey(int32(i))
		if from := st.Sources[k].Next; from < end {
			out = append(out, sourceOf(k, from, min(from+p.step, end)))
		}
	}
	return out
}

// batch stages and decides one batch: one file of all its rows.
func (p *process) batch(ctx context.Context, sources []ledger.Source) (ledger.Decision, error) {
	id := ledger.NewBatchID(now(), p.random)
	file, read, err := p.stage(ctx, id, sources)
	if err != nil {
		return ledger.Decision{}, err
	}
	return p.ledger.Decide(ctx, ledger.Proposal{
		Batch: id, Kind: ledger.KindBatch, Sources: sources,
		Seal: func(st *ledger.State, seq int64) (*ledger.Record, error) {
			return &ledger.Record{
				DecidedAt: ledger.At(now()),
				Counts:    ledger.Counts{Read: read, Written: read},
				Files:     []ledger.File{file},
			}, nil
		},
	})
}

func (p *process) stage(ctx context.Context, id string, sources []ledger.Source) (ledger.File, int64, error) {
	file := ledger.File{
		Output: ledger.Main,
		Path:   ledger.Main.Dir(table) + "/dd=01/" + id + "-0.parquet",
		Staged: ledger.StagingDir(table, id) + "/main-0",
	}
	if err := p.ledger.WriteManifest(ctx, id, sources); err != nil {
		return file, 0, err
	}
	var data strings.Builder
	for _, src := range sources {
		for o := src.From; o < src.To; o++ {
			fmt.Fprintf(&data, "%d@%d\n", src.Partition, o)
			file.Rows++
		}
	}
	file.Bytes = int64(data.Len())
	f, err := p.store.Stage(ctx, file.Staged)
	if err != nil {
		return file, 0, err
	}
	if _, err := io.WriteString(f, data.String()); err != nil {
		return file, 0, errors.Join(err, f.Abort())
	}
	if err := f.Finish(ctx); err != nil {
		return file, 0, errors.Join(err, f.Abort())
	}
	return file, file.Rows, nil
}

// visible returns the rows that a reader's glob sees, in order, doubles included.
func visible(t *testing.T, s storetest.Store) []string {
	t.Helper()
	entries, err := s.List(t.Context(), ledger.Main.Dir(table)+"/")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		data, err := s.Read(t.Context(), e.Key)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Fields(string(data))...)
	}
	slices.Sort(out)
	return out
}

func allRows(rows []int64) []string {
	var out []string
	for p, end := range rows {
		for o := range end {
			out = append(out, fmt.Sprintf("%d@%d", p, o))
		}
	}
	slices.Sort(out)
	return out
}

// checkWhole wants exactly the rows to be visible, each once.
func checkWhole(t *testing.T, s storetest.Store, rows []int64) {
	t.Helper()
	if got, want := visible(t, s), allRows(rows); !slices.Equal(got, want) {
		t.Errorf("visible rows: got %v, want %v", got, want)
	}
}

// checkPart wants that what is visible is decided, and nothing twice: what must
// hold at every moment.
func checkPart(t *testing.T, s storetest.Store) {
	t.Helper()
	entries, err := s.List(t.Context(), ledger.LedgerDir(table)+"/")
	if err != nil {
		t.Fatal(err)
	}
	decided := map[string]bool{}
	for _, e := range entries {
		data, err := s.Read(t.Context(), e.Key)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ledger.DecodeRecord(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Files {
			decided[f.Path] = true
			_, stagedErr := s.Stat(t.Context(), f.Staged)
			_, finalErr := s.Stat(t.Context(), f.Path)
			if stagedErr != nil && finalErr != nil {
				t.Errorf("record %d: %s is lost", r.Seq, f.Path)
			}
		}
	}
	finals, err := s.List(t.Context(), ledger.Main.Dir(table)+"/")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range finals {
		if !decided[e.Key] {
			t.Errorf("%s is visible, and not decided", e.Key)
		}
	}
	rows := visible(t, s)
	if got := len(slices.Compact(slices.Clone(rows))); got != len(rows) {
		t.Errorf("rows visible twice: %v", rows)
	}
}
