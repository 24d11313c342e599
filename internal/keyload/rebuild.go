package keyload

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/quality"
)

// Rebuild teaches keys what a table has decided.
type Rebuild struct {
	Lake   Lake
	Ledger *ledger.Ledger
	Table  *schema.Table
	Suite  *quality.Suite // of the table
	Keys   *quality.Keys  // of the suite
	// MaxFuture is how far ahead of its decision an event may lie.
	MaxFuture time.Duration
	// Run is set where unique checks reach through a backfill: its batches are those since
	// the last backfill that came to its end.
	Run bool
	// All is set where unique checks reach through the whole table.
	All bool
	// Files, if not nil, says which files belong to the backfill: with Run, batches of
	// theirs count however long ago they were decided.
	Files func(url string) bool
	// Check is called now and then; its error ends the work. It may be nil.
	Check func() error
}

// stretch is how many records are read at once on the way back.
const stretch = 64

// found is a file to be read.
type found struct {
	file        *ledger.File
	recent, run bool
}

// Start learns what matters of all that is decided up to a head: for dedupe the rows
// within its window, for unique checks the batches of a backfill that goes on. Records
// are read from the head back to the first that can hold none of it, or, with Files, to
// the first of all.
func (r *Rebuild) Start(ctx context.Context, head int64) error {
	w := walk{Rebuild: r, within: r.Suite.Within(), run: r.Run}
	w.recent = w.within > 0
	all := r.All || r.Run && r.Files != nil
	for hi := head; hi > 0 && (w.recent || w.run || all); hi -= stretch {
		lo := max(hi-stretch+1, 1)
		records := make([]*ledger.Record, hi-lo+1)
		err := eachRecord(ctx, r.Ledger, span{lo, hi}, func(rec *ledger.Record) error {
			records[rec.Seq-lo] = rec
			return nil
		})
		if err != nil {
			return fmt.Errorf("rebuild keys of %s: %w", r.Table.Name, err)
		}
		for _, rec := range slices.Backward(records) {
			w.look(rec)
		}
	}
	var files []found
	for _, f := range w.files {
		f.recent = f.recent && w.inWindow(*f.file.MaxEventTime)
		if f.recent || f.run {
			files = append(files, f)
		}
	}
	return r.learn(ctx, files)
}

// walk goes back through a ledger.
type walk struct {
	*Rebuild
	within      time.Duration
	recent, run bool // there may be more of it
	timed       bool
	newest      ledger.Time // event time, if timed
	files       []found
}

// inWindow reports whether rows up to a time may matter to dedupe.
func (w *walk) inWindow(at ledger.Time) bool {
	return !w.timed || int64(at) >= int64(w.newest)-w.within.Microseconds()
}

func (w *walk) look(r *ledger.Record) {
	if r.Kind == ledger.KindRun {
		w.run = false
	}
	// No row of it, or of what was decided earlier, is newer than this.
	if !w.inWindow(ledger.At(r.DecidedAt.Time().Add(w.MaxFuture))) {
		w.recent = false
	}
	if r.Kind != ledger.KindBatch {
		return
	}
	run := w.All || slices.ContainsFunc(r.Sources, func(s ledger.Source) bool {
		return s.File != "" && (w.run || w.Run && w.Files != nil && w.Files(s.File))
	})
	for i := range r.Files {
		f := &r.Files[i]
		if f.Output == ledger.Quarantine {
			continue
		}
		recent := w.recent && f.MaxEventTime != nil
		if recent && (!w.timed || *f.MaxEventTime > w.newest) {
			w.newest, w.timed = *f.MaxEventTime, true
		}
		if recent || run {
			w.files = append(w.files, found{f, recent, run})
		}
	}
}

// After learns all of records [from, to], but for those that skip knows.
func (r *Rebuild) After(ctx context.Context, from, to int64, skip func(*ledger.Record) bool) error {
	var files []found
	for seq := from; seq <= to; seq++ {
		rec, err := r.Ledger.Record(ctx, seq)
		if err != nil {
			return fmt.Errorf("learn keys of %s: %w", r.Table.Name, err)
		}
		if rec.Kind != ledger.KindBatch || skip(rec) {
			continue
		}
		for i := range rec.Files {
			if rec.Files[i].Output != ledger.Quarantine {
				files = append(files, found{&rec.Files[i], true, true})
			}
		}
	}
	return r.learn(ctx, files)
}

// learn reads files, several at once.
func (r *Rebuild) learn(ctx context.Context, files []found) error {
	c := columns{lake: r.Lake, table: r.Table, want: r.Suite.KeyColumns()}
	return eachFile(ctx, files, func(ctx context.Context, f found) error {
		err := c.file(ctx, f.file, func(b *batch.Batch) error { return r.Keys.Learn(b, f.recent, f.run) })
		if err == nil && r.Check != nil {
			err = r.Check()
		}
		return err
	})
}
