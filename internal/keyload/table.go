package keyload

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/quality"
)

// readers is how many records, with their files, are read at once.
const readers = 8

// tableSource is a column of a table of the lake: the values of its decided rows.
type tableSource struct {
	shared
	of      quality.Reference
	ledger  *ledger.Ledger
	columns columns
	head    int64 // of what is in the set
}

func newTableSource(lake Lake, ref quality.Reference) *tableSource {
	one := &schema.Table{Name: ref.Table, EventTime: -1, Columns: []schema.Column{{Name: ref.In, Type: ref.Type}}}
	return &tableSource{
		of: ref, ledger: ledger.New(lake, ref.Table), columns: columns{lake: lake, table: one, want: []int{0}},
		shared: shared{set: quality.NewSet(ref.Type)},
	}
}

// refresh reads what was decided since the last time.
func (s *tableSource) refresh(ctx context.Context) (bool, error) {
	st, err := s.ledger.Load(ctx)
	if err != nil {
		return false, fmt.Errorf("reference %s: %w", s.of.Check, err)
	}
	if st.Head == s.head && s.version != "" {
		return false, nil
	}
	fresh := quality.NewSet(s.of.Type)
	err = eachRecord(ctx, s.ledger, span{s.head + 1, st.Head}, func(r *ledger.Record) error {
		return s.learn(ctx, r, fresh)
	})
	if err != nil {
		return false, fmt.Errorf("reference %s: %w", s.of.Check, err)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.set.Len() == 0 {
		s.set = fresh
	} else {
		s.set.Merge(fresh)
	}
	s.head, s.version = st.Head, fmt.Sprintf("%s@%d", s.of.Table, st.Head)
	return true, nil
}

// learn puts the values of a batch into a set: of its rows in the table itself.
func (s *tableSource) learn(ctx context.Context, r *ledger.Record, into *quality.Set) error {
	if r.Kind != ledger.KindBatch {
		return nil
	}
	for i := range r.Files {
		if r.Files[i].Output != ledger.Main {
			continue
		}
		if err := s.columns.file(ctx, &r.Files[i], func(b *batch.Batch) error {
			s.fill.Lock()
			defer s.fill.Unlock()
			into.Add(b, 0)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// span is records, both ends included.
type span struct{ from, to int64 }

// eachRecord calls use with records of a ledger, several at once and in no order.
func eachRecord(ctx context.Context, l *ledger.Ledger, of span, use func(*ledger.Record) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for seq := of.from; seq <= of.to && ctx.Err() == nil; seq++ {
		g.Go(func() error {
			r, err := l.Record(ctx, seq)
			if err != nil {
				return err
			}
			return use(r)
		})
	}
	return g.Wait()
}

// eachFile calls use with files, several at once and in no order.
func eachFile(ctx context.Context, files []found, use func(context.Context, found) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for _, f := range files {
		g.Go(func() error { return use(ctx, f) })
	}
	return g.Wait()
}
