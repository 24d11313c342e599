package pipeline_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/store/storetest"
)

// strand has a process decide what partition 0 holds, which it cannot publish. Decided
// is called two seconds later, when it still tries; at the end it gives up.
func strand(t *testing.T, lake storetest.Store, tp *topic, decided func()) {
	t.Helper()
	broken := (&storetest.Faulty{Store: lake}).Inject(storetest.Fault{Op: storetest.OpPublish, Times: -1})
	cfg := testConfig(t)
	cfg.Drain, cfg.MaxAge, cfg.Random, cfg.Now = false, time.Second, rand.NewChaCha8([32]byte{9}), time.Now
	d := newProcess(t, cfg, broken, tp)
	d.mine = []int{0}
	err := d.stream(t, func(context.Context) {
		d.hand(0)
		after(2 * time.Second)
		if got := len(batches(records(t, lake, "t"))); got != 1 {
			t.Errorf("got %d batches decided, want 1", got)
		}
		if got := fates(t, lake, "t"); len(got) != 0 {
			t.Errorf("visible although publishing fails: %v", got)
		}
		decided()
		after(30 * time.Second)
	})
	if !errors.Is(err, storetest.ErrInjected) {
		t.Errorf("a process that cannot publish: got %v, want its error", err)
	}
}

// TestPublishedAtStart wants what another process decided to be published before
// anything is read, or any partition is given (R7, I9).
func TestPublishedAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(2)
		tp.add(0, 3, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		strand(t, lake, tp, func() {})
		d := newProcess(t, testConfig(t), lake, tp)
		err := d.p.Feed(t.Context(), d, func(context.Context) error {
			if got := fates(t, lake, "t"); len(got) != 3 {
				t.Errorf("published at the start: %v, want three rows", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestPublishedAtAssignment wants what another process decided since our start to be
// published when partitions are given to us, and not at the janitor's next look.
func TestPublishedAtAssignment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(2)
		tp.add(0, 3, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		cfg := testConfig(t)
		cfg.Drain = false
		d := newProcess(t, cfg, lake, tp)
		err := d.p.Feed(t.Context(), d, func(ctx context.Context) error {
			var err error
			strand(t, lake, tp, func() { // two seconds after our start: the janitor looks at ten
				err = d.start(ctx, []int{1})
				after(time.Second)
				if got := fates(t, lake, "t"); len(got) != 3 {
					t.Errorf("published a second after the assignment: %v, want three rows", got)
				}
			})
			if err != nil {
				return err
			}
			return d.shutdown(ctx, []int{1})
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestShutdownLeavesStaging wants a process that is asked to end to leave alone what lies
// in staging: another one has decided it, and still tries to publish it (R5, R12).
func TestShutdownLeavesStaging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(2)
		tp.add(0, 3, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		cfg := testConfig(t)
		cfg.Drain = false
		d := newProcess(t, cfg, lake, tp)
		err := d.p.Feed(t.Context(), d, func(ctx context.Context) error {
			if err := d.start(ctx, []int{1}); err != nil {
				return err
			}
			var err error
			strand(t, lake, tp, func() { err = d.shutdown(ctx, []int{1}) })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := newProcess(t, testConfig(t), lake, tp).drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkExact(t, lake, "t", tp)
	})
}
