package store_test

import (
	"context"
	"errors"
	"testing"

	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

// weak is a store whose put-if-absent is none in one way.
type weak struct {
	*storetest.Memory
	create func(m *storetest.Memory, key string, data []byte) error
}

func (w weak) Create(_ context.Context, key string, data []byte) error {
	return w.create(w.Memory, key, data)
}

func TestProbeFindsWeakStores(t *testing.T) {
	ctx := context.Background()
	for name, create := range map[string]func(m *storetest.Memory, key string, data []byte) error{
		"the last one wins": func(m *storetest.Memory, key string, data []byte) error {
			_ = m.Remove(ctx, key)
			return m.Create(ctx, key, data)
		},
		"losers are told that they won": func(m *storetest.Memory, key string, data []byte) error {
			_ = m.Create(ctx, key, data)
			return nil
		},
		"the loser's bytes stay": func(m *storetest.Memory, key string, data []byte) error {
			if m.Create(ctx, key, data) == nil {
				return nil
			}
			_ = m.Remove(ctx, key)
			_ = m.Create(ctx, key, data)
			return store.ErrExists
		},
		"nobody wins": func(m *storetest.Memory, key string, data []byte) error {
			_ = m.Create(ctx, key, data)
			return store.ErrExists
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := store.Probe(t.Context(), weak{&storetest.Memory{}, create}, 3, 4)
			var w *store.WeakError
			if !errors.Is(err, store.ErrWeak) || !errors.As(err, &w) {
				t.Errorf("got %v, want %v", err, store.ErrWeak)
			}
		})
	}
}

func TestProbeAsksAgainAfterConflict(t *testing.T) {
	f := &storetest.Faulty{Store: &storetest.Memory{}}
	f.Inject(storetest.Fault{Op: storetest.OpCreate, Times: 5, Err: store.ErrAgain})
	if err := store.Probe(t.Context(), f, 2, 4); err != nil {
		t.Error(err)
	}
}

func TestProbeTellsAWeakStoreFromABrokenOne(t *testing.T) {
	for _, op := range []storetest.Op{storetest.OpCreate, storetest.OpRead} {
		f := &storetest.Faulty{Store: &storetest.Memory{}}
		f.Inject(storetest.Fault{Op: op, Index: 2})
		err := store.Probe(t.Context(), f, 2, 4)
		if !errors.Is(err, storetest.ErrInjected) || errors.Is(err, store.ErrWeak) {
			t.Errorf("%s: got %v, want the store's own error", op, err)
		}
	}
	// A store that lets nothing be deleted can hold a ledger.
	f := &storetest.Faulty{Store: &storetest.Memory{}}
	f.Inject(storetest.Fault{Op: storetest.OpRemove, Times: -1})
	if err := store.Probe(t.Context(), f, 2, 4); err != nil {
		t.Error(err)
	}
}
