package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/consumer"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

// gate is a store that stops the first batch of a topic when its file is staged:
// before it begins, or before it is finished, until it is let through.
type gate struct {
	storetest.Store
	finish bool // stop at the end of the file, and whatever the context says
	open   chan struct{}

	mu    sync.Mutex
	first string // the folder of the batch that begins at offset 0
}

func (g *gate) Create(ctx context.Context, key string, data []byte) error {
	if dir, ok := strings.CutSuffix(key, "manifest.json"); ok && bytes.Contains(data, []byte(`"from":0}`)) {
		g.mu.Lock()
		g.first = dir
		g.mu.Unlock()
	}
	return g.Store.Create(ctx, key, data)
}

func (g *gate) Stage(ctx context.Context, key string) (store.Staged, error) {
	g.mu.Lock()
	mine := g.first != "" && strings.HasPrefix(key, g.first)
	g.mu.Unlock()
	if mine && !g.finish {
		select {
		case <-g.open:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f, err := g.Store.Stage(ctx, key)
	if err != nil || !mine || !g.finish {
		return f, err
	}
	return &gatedFile{f, g.open}, nil
}

type gatedFile struct {
	store.Staged
	open chan struct{}
}

func (f *gatedFile) Finish(context.Context) error {
	<-f.open
	return f.Staged.Finish(context.Background())
}

// TestLostInFlight wants a batch at work to be given up when its partition is lost,
// wherever it is, and Stop to wait for that (L2).
func TestLostInFlight(t *testing.T) {
	for _, finish := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			tp := newTopic(1)
			tp.add(0, 12, noon.Add(-3*time.Hour))
			lake := &storetest.Memory{}
			g := &gate{Store: lake, finish: finish, open: make(chan struct{})}
			d := newProcess(t, testConfig(t), g, tp)
			d.onHand = func(n int) {
				if n != 4 { // two batches are cut: one stands at the gate, one waits for it
					return
				}
				synctest.Wait()
				stopped := make(chan error)
				go func() { stopped <- d.stop(t.Context(), []int{0}, consumer.Lost) }()
				synctest.Wait()
				close(g.open)
				if err := <-stopped; err != nil {
					t.Error(err)
				}
				if got := batches(records(t, lake, "t")); len(got) != 0 {
					t.Errorf("finish %t: %d batches of a lost partition were decided", finish, len(got))
				}
				d.pos[0] = int64(len(tp.parts[0].events))
			}
			if err := d.drain(t.Context()); err != nil || g.first == "" {
				t.Fatalf("got %v, first batch %q", err, g.first)
			}
			checkExact(t, lake, "t", tp)
		})
	}
}

// TestRevokedInTime wants Stop to return when its time is up, although a store hangs,
// and nothing to be decided after it (L2).
func TestRevokedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(1)
		tp.add(0, 8, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		g := &gate{Store: lake, open: make(chan struct{})}
		cfg := testConfig(t)
		cfg.Drain = false
		d := newProcess(t, cfg, g, tp)
		d.chunk = 8
		err := d.stream(t, func(ctx context.Context) {
			d.hand(0)
			synctest.Wait() // the first batch stands at the gate
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			stopped := make(chan error, 1)
			go func() { stopped <- d.stop(ctx, []int{0}, consumer.Revoked) }()
			select {
			case err := <-stopped:
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want the end of its time", err)
				}
			case <-time.After(time.Minute):
				t.Error("it waits for a store that hangs")
			}
			close(g.open)
			synctest.Wait()
			if got := batches(records(t, lake, "t")); len(got) != 0 {
				t.Errorf("%d batches were decided", len(got))
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestDecidedInOrder wants a batch that is staged before the one before it to wait
// for its turn, not to be dropped and built again (L1).
func TestDecidedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(1)
		tp.add(0, 8, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		g := &gate{Store: lake, open: make(chan struct{})}
		d := newProcess(t, testConfig(t), g, tp)
		d.onHand = func(n int) {
			if n == 3 {
				go func() {
					synctest.Wait() // the second batch is staged by now
					close(g.open)
				}()
			}
		}
		d.chunk = 4
		d.topic.add(0, 1, noon.Add(-3*time.Hour))
		if err := d.drain(t.Context()); err != nil || g.first == "" {
			t.Fatalf("got %v, first batch %q", err, g.first)
		}
		built := 0
		for key := range lake.Snapshot() {
			if strings.HasSuffix(key, "manifest.json") {
				built++
			}
		}
		if got := len(batches(records(t, lake, "t"))); built != got {
			t.Errorf("%d batches were built and %d decided: want each built once", built, got)
		}
		checkExact(t, lake, "t", tp)
	})
}

// TestLateByBatchInFlight wants a row to be late by what the batch before it has
// seen, although that one is far from decided (L4).
func TestLateByBatchInFlight(t *testing.T) {
	tp := newTopic(1)
	const n = 50_000
	for i := range n {
		at := noon.Add(-2*time.Hour + time.Duration(i)*100*time.Millisecond)
		tp.parts[0].events = append(tp.parts[0].events, event{at: noon, value: fmt.Sprintf(
			`{"id":%d,"amount":%d.25,"at":%q,"kind":"k%d"}`, i, i, at.Format(time.RFC3339Nano), i)})
	}
	tp.parts[0].events = append(tp.parts[0].events, event{at: noon, value: fmt.Sprintf(
		`{"id":%d,"amount":1,"at":%q,"kind":"late"}`, n, noon.Add(-5*time.Hour).Format(time.RFC3339))})
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	cfg.MaxRows = n
	d := newProcess(t, cfg, lake, tp)
	d.chunk = n + 1
	if err := d.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if late := rows(t, lake, ledger.LateRows, "t"); len(late) != 1 || late[0]["id"] != fmt.Sprint(n) {
		t.Errorf("late rows: got %v, want the last one", late)
	}
}

// stream runs a process that is never drained: body feeds it, then it ends.
func (d *process) stream(t *testing.T, body func(ctx context.Context)) error {
	return d.p.Feed(t.Context(), d, func(ctx context.Context) error {
		parts := d.partitions()
		if err := d.start(ctx, parts); err != nil {
			return err
		}
		body(ctx)
		_, err := d.p.Wait(ctx)
		return errors.Join(err, d.shutdown(ctx, parts))
	})
}

func after(d time.Duration) { <-time.After(d) }

// TestBatchIsCutByAge wants a lone record to be visible soon after max_age.
func TestBatchIsCutByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(1)
		tp.add(0, 1, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		cfg := testConfig(t)
		cfg.Drain, cfg.MaxAge, cfg.Now = false, 30*time.Second, time.Now
		d := newProcess(t, cfg, lake, tp)
		err := d.stream(t, func(context.Context) {
			d.hand(0)
			after(29 * time.Second)
			if got := fates(t, lake, "t"); len(got) != 0 {
				t.Errorf("visible after 29 s: %v", got)
			}
			after(3 * time.Second)
			if got := fates(t, lake, "t"); len(got) != 1 {
				t.Errorf("visible after 32 s: %v", got)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestPublishedByAnyone wants what a process decided and could not publish to be
// published by another that has nothing else to do, and a process that can never
// publish to end (R7, I9).
func TestPublishedByAnyone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(2)
		tp.add(0, 3, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		cfg := testConfig(t)
		cfg.Drain, cfg.MaxAge = false, time.Second
		idle := newProcess(t, cfg, lake, tp)
		idle.mine = []int{1}

		broken := &storetest.Faulty{Store: lake}
		broken.Inject(storetest.Fault{Op: storetest.OpPublish, Times: -1})
		other := testConfig(t)
		other.Drain, other.MaxAge, other.Random = false, time.Second, rand.NewChaCha8([32]byte{9})
		other.Now = time.Now
		err := idle.stream(t, func(context.Context) {
			b := newProcess(t, other, broken, tp)
			b.mine = []int{0}
			err := b.stream(t, func(ctx context.Context) {
				b.hand(0)
				after(5 * time.Second)
				if got := fates(t, lake, "t"); len(got) != 0 {
					t.Errorf("visible although publishing fails: %v", got)
				}
				after(30 * time.Second)
			})
			if !errors.Is(err, storetest.ErrInjected) {
				t.Errorf("a process that cannot publish: got %v, want its error", err)
			}
			after(30 * time.Second)
			if got := fates(t, lake, "t"); len(got) != 3 {
				t.Errorf("nobody published what was decided: %v", got)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
