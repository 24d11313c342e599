package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

// TestEndsInTime has work that does not end when it is asked to: SIGTERM must end
// the process within ten seconds all the same.
func TestEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		hung := make(chan struct{})
		defer close(hung)
		cancel()
		begin := time.Now()
		err := inTime(ctx, func() error { <-hung; return nil })
		if took := time.Since(begin); !errors.Is(err, errStuck) || took >= 10*time.Second {
			t.Errorf("got %v after %s", err, took)
		}
	})
}

// TestSettled says when a process that could not say farewell has done its work all
// the same.
func TestSettled(t *testing.T) {
	published := ledger.NewState("t")
	pending := *published
	pending.Pending = []ledger.Pending{{Seq: 1, Batch: "b"}}
	for _, c := range []struct {
		table pipeline.Snapshot
		want  bool
	}{
		{pipeline.Snapshot{}, true},
		{pipeline.Snapshot{State: published}, true},
		{pipeline.Snapshot{State: published, OpenRows: 1}, false},
		{pipeline.Snapshot{State: &pending}, false},
	} {
		if got := settled([]pipeline.Snapshot{{}, c.table}); got != c.want {
			t.Errorf("%+v: got %t, want %t", c.table, got, c.want)
		}
	}
}

func TestEndsAsItsWorkDoes(t *testing.T) {
	want := errors.New("full disk")
	if got := inTime(t.Context(), func() error { return want }); !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := inTime(ctx, func() error { <-ctx.Done(); return want }); !errors.Is(got, want) {
		t.Errorf("asked to end: got %v, want %v", got, want)
	}
}

// weak is a store in which a later creation wins over an earlier one.
type weak struct{ storetest.Memory }

func (w *weak) Create(ctx context.Context, key string, data []byte) error {
	_ = w.Memory.Remove(ctx, key)
	return w.Memory.Create(ctx, key, data)
}

func TestWeakLakeIsRefused(t *testing.T) {
	w := &weak{}
	_, err := probeNew(t.Context(), w, []pipeline.Table{})
	if got := exitCode(err); got != exitUnsafe {
		t.Errorf("code %d, want %d: %v", got, exitUnsafe, err)
	}
	for key := range w.Snapshot() {
		if strings.HasSuffix(key, ".json") {
			t.Errorf("kept %s", key)
		}
	}
}

func TestAnswersOfAStore(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "ok"}, {&store.Error{Err: store.ErrExists}, "exists"}, {store.ErrNotExist, "not_exist"}, {store.ErrAgain, "again"},
		{store.ErrSize, "size"}, {context.Canceled, "canceled"}, {errors.New("x"), "error"},
	} {
		if got := answer(c.err); got != c.want {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
}

// TestProgressInTheLog has work of half a minute, watched by nobody.
func TestProgressInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &program{stderr: &out, log: newLog(&out, "text", "")}
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		begin := time.Now()
		p.follow(ctx, "draining", func() sample {
			rows := int64(time.Since(begin).Seconds() * 1000)
			return sample{rows: rows, bytes: rows * 2000, done: rows, total: 50_000, rest: []any{"decided", 7}}
		})
		got := out.String()
		if strings.Count(got, "msg=draining") != 2 || !strings.Contains(got, "rows=20000 rows_per_s=1000 mb_per_s=2.0 left=30000 decided=7") {
			t.Errorf("got\n%s", got)
		}
	})
}
