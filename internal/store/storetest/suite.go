package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"tidemark/internal/store"
)

// Run holds a store to the contract of store.File. Factory makes an empty store for
// each test; only the file system and the network may tell two stores apart.
func Run(t *testing.T, factory func(t *testing.T) Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s Store)
	}{
		{"CreateIsWonOnce", createIsWonOnce},
		{"CreateKeepsItsOwnBytes", createKeepsItsOwnBytes},
		{"CreateIsWonByOneOfManyRacers", createIsWonByOneOfManyRacers},
		{"AbsentIsNotExist", absentIsNotExist},
		{"ListIsOrderedAndByPrefix", listIsOrderedAndByPrefix},
		{"StagedIsWholeOrAborted", stagedIsWholeOrAborted},
		{"StagedNameIsNotReused", stagedNameIsNotReused},
		{"LargeStagedIsWhole", largeStagedIsWhole},
		{"LargeAbortedIsNotThere", largeAbortedIsNotThere},
		{"PublishMovesOnce", publishMovesOnce},
		{"PublishNeverReplaces", publishNeverReplaces},
		{"PublishChecksTheSize", publishChecksTheSize},
		{"PublishByManyAtOnce", publishByManyAtOnce},
		{"OpenReadsAnywhere", openReadsAnywhere},
		{"RemoveTakesAway", removeTakesAway},
		{"EndedContextDoesNothing", endedContextDoesNothing},
		{"PassesTheProbe", passesTheProbe},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, factory(t)) })
	}
}

func createIsWonOnce(t *testing.T, s Store) {
	must(t, s.Create(t.Context(), "a/b/1.json", []byte("first")))
	wantErr(t, s.Create(t.Context(), "a/b/1.json", []byte("second")), store.ErrExists)
	wantData(t, s, "a/b/1.json", "first")
}

func createKeepsItsOwnBytes(t *testing.T, s Store) {
	data := []byte("mine")
	must(t, s.Create(t.Context(), "k", data))
	data[0] = 'X'
	got, err := s.Read(t.Context(), "k")
	must(t, err)
	got[1] = 'Y'
	wantData(t, s, "k", "mine")
}

func createIsWonByOneOfManyRacers(t *testing.T, s Store) {
	for round := range 20 {
		key := fmt.Sprintf("race/%d", round)
		winners := race(16, func(i int) error {
			return s.Create(t.Context(), key, []byte(fmt.Sprint("racer ", i)))
		}, func(err error) {
			if !errors.Is(err, store.ErrExists) {
				t.Errorf("got %v, want %v", err, store.ErrExists)
			}
		})
		if len(winners) != 1 {
			t.Fatalf("got winners %v, want one", winners)
		}
		wantData(t, s, key, fmt.Sprint("racer ", winners[0]))
	}
	entries, err := s.List(t.Context(), "")
	must(t, err)
	if got, want := len(entries), 20; got != want {
		t.Errorf("got %d objects, want %d", got, want)
	}
}

func absentIsNotExist(t *testing.T, s Store) {
	ctx := t.Context()
	_, err := s.Read(ctx, "no/such")
	wantErr(t, err, store.ErrNotExist)
	_, err = s.Stat(ctx, "no/such")
	wantErr(t, err, store.ErrNotExist)
	_, _, err = s.Open(ctx, "no/such")
	wantErr(t, err, store.ErrNotExist)
	wantErr(t, s.Remove(ctx, "no/such"), store.ErrNotExist)
	wantErr(t, s.Publish(ctx, "no/such", "no/final", 0), store.ErrNotExist)
	got, err := s.List(ctx, "no/")
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v, want an empty list", got, err)
	}
}

func listIsOrderedAndByPrefix(t *testing.T, s Store) {
	for _, key := range []string{"t/b", "t/a/2", "t/a-1", "t/a/1", "u/1", "t/a/1x"} {
		must(t, s.Create(t.Context(), key, []byte(key)))
	}
	for _, test := range []struct {
		prefix string
		want   []string
	}{
		{"", []string{"t/a-1", "t/a/1", "t/a/1x", "t/a/2", "t/b", "u/1"}},
		{"t/", []string{"t/a-1", "t/a/1", "t/a/1x", "t/a/2", "t/b"}},
		{"t/a", []string{"t/a-1", "t/a/1", "t/a/1x", "t/a/2"}},
		{"t/a/1", []string{"t/a/1", "t/a/1x"}},
		{"t/a/2/", nil},
		{"v", nil},
	} {
		entries, err := s.List(t.Context(), test.prefix)
		must(t, err)
		var got []string
		for _, e := range entries {
			got = append(got, e.Key)
			if e.Size != int64(len(e.Key)) || e.Modified.IsZero() {
				t.Errorf("got %+v, want size %d and a time", e, len(e.Key))
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("list %q: got %q, want %q", test.prefix, got, test.want)
		}
	}
}

func stagedIsWholeOrAborted(t *testing.T, s Store) {
	ctx := t.Context()
	stage(t, s, "stage/whole", "one", "two")
	wantData(t, s, "stage/whole", "onetwo")

	f, err := s.Stage(ctx, "stage/aborted")
	must(t, err)
	_, err = f.Write([]byte("half"))
	must(t, err)
	must(t, f.Abort())
	must(t, f.Abort())
	_, err = s.Read(ctx, "stage/aborted")
	wantErr(t, err, store.ErrNotExist)
	if f.Finish(ctx) == nil {
		t.Error("finish after abort: got no error")
	}

	f, err = s.Stage(ctx, "stage/kept")
	must(t, err)
	must(t, f.Finish(ctx))
	must(t, f.Abort()) // a finished file may be in a record: it stays
	wantData(t, s, "stage/kept", "")
	if _, err := f.Write([]byte("more")); err == nil {
		t.Error("write after finish: got no error")
	}
}

// stagedNameIsNotReused: a store may look at the name when the file is begun, or when
// it is finished.
func stagedNameIsNotReused(t *testing.T, s Store) {
	stage(t, s, "stage/x", "first")
	f, err := s.Stage(t.Context(), "stage/x")
	if err == nil {
		_, err = f.Write([]byte("second"))
		must(t, err)
		err = f.Finish(t.Context())
		must(t, f.Abort())
	}
	wantErr(t, err, store.ErrExists)
	wantData(t, s, "stage/x", "first")
}

// largeStagedIsWhole: what an object store takes in several parts comes back as it
// went in.
func largeStagedIsWhole(t *testing.T, s Store) {
	want := make([]byte, 20<<20+7)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(want) // never fails
	f, err := s.Stage(t.Context(), "stage/large")
	must(t, err)
	for part := range slices.Chunk(want, 300_001) {
		_, err := f.Write(part)
		must(t, err)
	}
	must(t, f.Finish(t.Context()))
	must(t, s.Publish(t.Context(), "stage/large", "t/large", int64(len(want))))
	got, err := s.Read(t.Context(), "t/large")
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("got %d other bytes, want the %d that were staged", len(got), len(want))
	}
	r, _, err := s.Open(t.Context(), "t/large")
	must(t, err)
	defer r.Close()
	got, err = io.ReadAll(r)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("open: got %d other bytes, want the %d that were staged", len(got), len(want))
	}
}

// largeAbortedIsNotThere: of a file that is aborted after several parts nothing is to
// be seen.
func largeAbortedIsNotThere(t *testing.T, s Store) {
	f, err := s.Stage(t.Context(), "stage/large")
	must(t, err)
	for range 12 {
		_, err := f.Write(make([]byte, 1<<20))
		must(t, err)
	}
	must(t, f.Abort())
	entries, err := s.List(t.Context(), "")
	if err != nil || len(entries) != 0 {
		t.Errorf("got %v, %v, want nothing", entries, err)
	}
}

func publishMovesOnce(t *testing.T, s Store) {
	ctx := t.Context()
	stage(t, s, "stage/x", "rows")
	must(t, s.Publish(ctx, "stage/x", "t/dd=01/x.parquet", 4))
	wantData(t, s, "t/dd=01/x.parquet", "rows")
	wantErr(t, s.Publish(ctx, "stage/x", "t/dd=01/x.parquet", 4), store.ErrNotExist)
	e, err := s.Stat(ctx, "t/dd=01/x.parquet")
	if err != nil || e.Size != 4 || e.Key != "t/dd=01/x.parquet" {
		t.Errorf("got %+v, %v, want 4 bytes", e, err)
	}
}

// publishNeverReplaces: neither a file of another size nor one that only its content
// tells apart.
func publishNeverReplaces(t *testing.T, s Store) {
	stage(t, s, "stage/x", "mine")
	for name, other := range map[string]string{"t/x.parquet": "other's", "t/y.parquet": "hers"} {
		stage(t, s, name, other)
		wantErr(t, s.Publish(t.Context(), "stage/x", name, 4), store.ErrExists)
		wantData(t, s, "stage/x", "mine")
		wantData(t, s, name, other)
	}
}

func publishChecksTheSize(t *testing.T, s Store) {
	stage(t, s, "stage/x", "truncat")
	wantErr(t, s.Publish(t.Context(), "stage/x", "t/x.parquet", 9), store.ErrSize)
	wantData(t, s, "stage/x", "truncat")
	_, err := s.Stat(t.Context(), "t/x.parquet")
	wantErr(t, err, store.ErrNotExist)
}

func publishByManyAtOnce(t *testing.T, s Store) {
	for round := range 20 {
		staged, final := fmt.Sprintf("stage/%d", round), fmt.Sprintf("t/%d.parquet", round)
		stage(t, s, staged, "rows")
		winners := race(8, func(int) error { return s.Publish(t.Context(), staged, final, 4) }, func(err error) {
			if !errors.Is(err, store.ErrNotExist) {
				t.Errorf("got %v, want %v", err, store.ErrNotExist)
			}
		})
		if len(winners) == 0 {
			t.Error("got no publisher that succeeded, want at least one")
		}
		wantData(t, s, final, "rows")
		_, err := s.Stat(t.Context(), staged)
		wantErr(t, err, store.ErrNotExist)
	}
}

func openReadsAnywhere(t *testing.T, s Store) {
	must(t, s.Create(t.Context(), "k", []byte("0123456789")))
	r, size, err := s.Open(t.Context(), "k")
	must(t, err)
	defer r.Close()
	var at [3]byte
	_, err = r.ReadAt(at[:], 4)
	must(t, err)
	_, err = r.Seek(-2, io.SeekEnd)
	must(t, err)
	rest, err := io.ReadAll(r)
	must(t, err)
	if size != 10 || string(at[:]) != "456" || string(rest) != "89" {
		t.Errorf("got %d, %q, %q, want 10, 456, 89", size, at, rest)
	}
}

func removeTakesAway(t *testing.T, s Store) {
	must(t, s.Create(t.Context(), "k", nil))
	must(t, s.Remove(t.Context(), "k"))
	_, err := s.Stat(t.Context(), "k")
	wantErr(t, err, store.ErrNotExist)
	must(t, s.Create(t.Context(), "k", []byte("again")))
	wantData(t, s, "k", "again")
}

func endedContextDoesNothing(t *testing.T, s Store) {
	stage(t, s, "stage/x", "rows")
	open, err := s.Stage(t.Context(), "stage/y")
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, stageErr := s.Stage(ctx, "stage/z")
	_, readErr := s.Read(ctx, "stage/x")
	_, listErr := s.List(ctx, "")
	for _, err := range []error{
		s.Create(ctx, "k", nil), s.Publish(ctx, "stage/x", "x", 4), s.Remove(ctx, "stage/x"), s.Sync(ctx, "stage"),
		open.Finish(ctx), stageErr, readErr, listErr,
	} {
		wantErr(t, err, context.Canceled)
	}
	must(t, open.Abort())
	entries, err := s.List(t.Context(), "")
	must(t, err)
	if len(entries) != 1 || entries[0].Key != "stage/x" {
		t.Errorf("got %v, want stage/x alone", entries)
	}
}

func passesTheProbe(t *testing.T, s Store) {
	must(t, store.Probe(t.Context(), s, 4, 8))
	entries, err := s.List(t.Context(), "")
	if err != nil || len(entries) != 0 {
		t.Errorf("got %v, %v, want nothing left over", entries, err)
	}
}

// race calls do from n goroutines at once, and returns which of them succeeded.
func race(n int, do func(i int) error, lost func(error)) (winners []int) {
	answers := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			answers[i] = do(i)
		})
	}
	close(start)
	all.Wait()
	for i, err := range answers {
		if err == nil {
			winners = append(winners, i)
		} else {
			lost(err)
		}
	}
	return winners
}

func stage(t *testing.T, s Store, key string, parts ...string) {
	t.Helper()
	f, err := s.Stage(t.Context(), key)
	must(t, err)
	for _, p := range parts {
		buf := []byte(p)
		n, err := f.Write(buf)
		if err != nil || n != len(p) {
			t.Fatalf("write: got %d, %v, want %d", n, err, len(p))
		}
		clear(buf)
	}
	must(t, f.Finish(t.Context()))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func wantData(t *testing.T, s Store, key, want string) {
	t.Helper()
	got, err := s.Read(t.Context(), key)
	if err != nil || !bytes.Equal(got, []byte(want)) {
		t.Errorf("read %s: got %q, %v, want %q", key, got, err, want)
	}
}
