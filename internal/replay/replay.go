// Package replay sends rows of a table's quarantine through the rules of today once more.
//
// In goes a table's ledger and what to look for; whole files of the quarantine go to the
// pipeline, each with all of its rows as they first came: bytes, key, headers, time and
// origin. Rows that are not asked for, and those that no rule can read again, are marked
// to stay.
//
// Invariants:
//
//	Y1 a file is one source of its table's ledger, from 0 to its rows: of all who replay it,
//	   one has it decided, whole, and nobody ever again
//	Y2 a file is handed on only if it is, byte for byte, what its record says
//	Y3 a row keeps its origin; one that stays keeps its reason, its detail and its stage
//	Y4 a value that was cut, or that the reader of its file could not make a record of, is
//	   not read again: half of it might look whole
//
// It decides nothing: fates are the pipeline's, and so is the ledger.
package replay

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/store"
)

// Lake is what replaying needs of a store. Open gives the bytes of an object at any place.
type Lake interface {
	Open(ctx context.Context, key string) (store.Reader, int64, error)
}

// Feeder is the pipeline, with the meaning that *pipeline.Pipeline gives the methods.
type Feeder interface {
	AcceptRejects(table string, r *pipeline.Rejects) error
	Wait(ctx context.Context) (consumer.Orders, error)
	FinishFiles(ctx context.Context, table string) error
	State(table string) (*ledger.State, error)
}

// Config says what to replay.
type Config struct {
	Table  string
	Lake   Lake
	Ledger *ledger.Ledger
	Reason string // only rows with this reason; empty: all
	// From and To are the first and the last day of the folders to look into, as
	// 2026-11-22; empty: no bound.
	From, To string
	Log      *slog.Logger
}

// Result is what a replay looked at.
type Result struct {
	Files int64 `json:"files"` // handed on
	Rows  int64 `json:"rows"`  // of them that were to be judged anew
	Aside int64 `json:"aside"` // of them that were not: of another reason, or not readable again
	Taken int64 `json:"taken"` // files that another replay took at the same time
}

// Progress is how far a run is. It may be read at any time.
type Progress struct {
	Rows, Bytes, Total atomic.Int64 // rows and bytes handed on, and bytes to be looked at
}

// candidate is a file to look into.
type candidate struct {
	file  ledger.File
	batch string
}

// runner is one run.
type runner struct {
	Config
	feed  Feeder
	sofar *Progress
	out   Result
	queue []candidate
	begun map[ledger.Key]candidate
	again map[ledger.Key]bool // to be handed over once more
	// layouts are those of lines of CSV, by the header of their file: one for all files.
	layouts map[string]*batch.Layout
}

// Run replays what is asked for. The result says what was done, also beside an error.
func Run(ctx context.Context, feed Feeder, c Config, sofar *Progress) (Result, error) {
	r := &runner{Config: c, feed: feed, sofar: sofar, begun: map[ledger.Key]candidate{}, again: map[ledger.Key]bool{}, layouts: map[string]*batch.Layout{}}
	st, err := feed.State(c.Table)
	if err != nil {
		return r.out, err
	}
	err = c.Ledger.Counting(ctx, st, func(rec *ledger.Record, f *ledger.File) error {
		if day := f.Day(); f.Output == ledger.Quarantine && (c.From == "" || day >= c.From) && (c.To == "" || day <= c.To) {
			r.queue = append(r.queue, candidate{*f, rec.Batch})
			sofar.Total.Add(f.Bytes)
		}
		return nil
	})
	if err != nil {
		return r.out, fmt.Errorf("look for files of the quarantine of %s: %w", c.Table, err)
	}
	return r.out, r.all(ctx)
}

// all hands files over until none is left that is not decided.
func (r *runner) all(ctx context.Context) error {
	for {
		for len(r.queue) > 0 {
			if err := r.obey(ctx); err != nil {
				return err
			}
			next := r.queue[0]
			r.queue = r.queue[1:]
			if err := r.file(ctx, next); err != nil {
				return err
			}
		}
		if err := r.feed.FinishFiles(ctx, r.Table); err != nil {
			return err
		}
		// What was dropped meanwhile is known now.
		if err := r.obey(ctx); err != nil {
			return err
		}
		if len(r.queue) == 0 {
			return ctx.Err()
		}
	}
}

// obey waits for room, and takes orders: what was dropped is handed over once more, unless
// another replay has had it decided.
func (r *runner) obey(ctx context.Context) error {
	orders, err := r.feed.Wait(ctx)
	if err != nil {
		return err
	}
	for _, to := range orders.Seek {
		if key := (ledger.Key{File: to.Source.File}); r.begun[key].batch != "" {
			r.again[key] = true
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(r.again), func(a, b ledger.Key) int { return strings.Compare(a.File, b.File) }) {
		delete(r.again, key)
		c := r.begun[key]
		if !slices.ContainsFunc(r.queue, func(q candidate) bool { return q.file.Path == c.file.Path }) { // a second drop, before it had its turn
			r.queue = append(r.queue, c)
		}
	}
	return ctx.Err()
}

// file hands one file over, if a row of it is to be judged.
func (r *runner) file(ctx context.Context, c candidate) error {
	st, err := r.feed.State(r.Table)
	if err != nil {
		return err
	}
	key := ledger.Key{File: ledger.QuarantineSource(c.file.Path)}
	_, before := r.begun[key]
	if st.Gone(c.file.Path) {
		r.Log.Info("file was replayed by another process", "file", c.file.Path)
		r.out.Taken++
		return r.feed.AcceptRejects(r.Table, &pipeline.Rejects{Path: c.file.Path})
	}
	rejects, err := r.read(ctx, &c)
	if err != nil {
		return err
	}
	if !before {
		r.sofar.Bytes.Add(c.file.Bytes)
	}
	judged := int64(len(rejects.Rows) - len(rejects.Stays))
	if judged == 0 {
		return nil
	}
	if !before {
		r.out.Files++
		r.out.Rows += judged
		r.out.Aside += int64(len(rejects.Stays))
		r.sofar.Rows.Add(judged)
		r.begun[key] = c
	}
	return r.feed.AcceptRejects(r.Table, rejects)
}
