package ledger

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// abreast is how many records are read at once: a store far away answers slowly.
const abreast = 32

// Records calls each with the records from..to, both included, in order. What each returns
// ends the walk, and is returned.
func (l *Ledger) Records(ctx context.Context, from, to int64, each func(*Record) error) error {
	for ; from <= to; from += abreast {
		some := make([]*Record, min(abreast, to-from+1))
		g, gctx := errgroup.WithContext(ctx)
		for i := range some {
			g.Go(func() (err error) {
				some[i], err = l.Record(gctx, from+int64(i))
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for _, r := range some {
			if err := each(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// Counting calls each with every file that counts as of a state, in the order of the
// records: files of the quarantine whose rows were replayed are history, and left out.
// From the state's mark on a file may not be published yet, and lie in staging.
func (l *Ledger) Counting(ctx context.Context, st *State, each func(*Record, *File) error) error {
	return l.Records(ctx, 1, st.Head, func(r *Record) error {
		for i := range r.Files {
			f := &r.Files[i]
			if f.Output == Quarantine && st.Gone(f.Path) {
				continue
			}
			if err := each(r, f); err != nil {
				return err
			}
		}
		return nil
	})
}
