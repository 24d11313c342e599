package status

import (
	"context"
	"errors"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// lookBack bounds how many records are read to find Shown batches among them.
const lookBack = 20 * Shown

// Lake is what Read needs of a lake, with the meaning that package ledger gives it.
type Lake interface {
	ledger.Store
	Stat(ctx context.Context, key string) (store.Entry, error)
}

// Read loads a table's ledger, the newest of its records, and looks which decided
// batches are not published. It writes nothing. Ends stays nil.
func Read(ctx context.Context, lake Lake, table string) (*ledger.State, Live, error) {
	l := ledger.New(lake, table)
	st, err := l.Load(ctx)
	if err != nil {
		return nil, Live{}, err
	}
	var live Live
	for seq := st.Head; seq > max(0, st.Head-lookBack) && len(live.Recent) < Shown; seq-- {
		r, err := record(ctx, l, seq)
		if err != nil {
			return nil, Live{}, err
		}
		if r.Kind == ledger.KindBatch || r.Kind == ledger.KindHalt {
			live.Recent = append(live.Recent, r)
		}
	}
	// The mark of a ledger that was only loaded is as old as its newest checkpoint.
	for _, p := range st.Pending {
		r, err := record(ctx, l, p.Seq)
		if err != nil {
			return nil, Live{}, err
		}
		whole, err := published(ctx, lake, r)
		if err != nil {
			return nil, Live{}, err
		}
		if !whole {
			live.Pending++
		}
	}
	return st, live, nil
}

func record(ctx context.Context, l *ledger.Ledger, seq int64) (*ledger.Record, error) {
	r, err := l.Record(ctx, seq)
	if errors.Is(err, store.ErrNotExist) {
		return nil, &ledger.HoleError{Table: l.Table(), Missing: seq, Seen: l.State().Head}
	}
	return r, err
}

// published says whether readers see all files of a record.
func published(ctx context.Context, lake Lake, r *ledger.Record) (bool, error) {
	for i := range r.Files {
		_, err := lake.Stat(ctx, r.Files[i].Path)
		if errors.Is(err, store.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}
