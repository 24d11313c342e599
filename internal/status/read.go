package status

import (
	"context"
	"errors"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// lookBack bounds how many records are read to find Shown batches among them.
const lookBack = 20 * Shown

// Read loads a table's ledger and the newest of its records. It writes nothing.
func Read(ctx context.Context, s ledger.Store, table string) (*ledger.State, []*ledger.Record, error) {
	l := ledger.New(s, table)
	st, err := l.Load(ctx)
	if err != nil {
		return nil, nil, err
	}
	var recent []*ledger.Record
	for seq := st.Head; seq > max(0, st.Head-lookBack) && len(recent) < Shown; seq-- {
		r, err := l.Record(ctx, seq)
		if errors.Is(err, store.ErrNotExist) {
			return nil, nil, &ledger.HoleError{Table: table, Missing: seq, Seen: st.Head}
		}
		if err != nil {
			return nil, nil, err
		}
		if r.Kind == ledger.KindBatch || r.Kind == ledger.KindHalt {
			recent = append(recent, r)
		}
	}
	return st, recent, nil
}
