package backfill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/rawfile"
)

// Feeder is the pipeline, with the meaning that *pipeline.Pipeline gives the methods.
type Feeder interface {
	StartFile(table string, f pipeline.RawFile) (ledger.Progress, error)
	AcceptFile(table string, src batch.Source, c *batch.Chunk) error
	Wait(ctx context.Context) (consumer.Orders, error)
	FinishFiles(ctx context.Context, table string) error
}

// Config says what to read into a table.
type Config struct {
	Table   string
	Files   []rawfile.Entry // what was found, each once
	Options rawfile.Options
	Since   time.Time // files that were not modified since then are left alone; zero: none is
	// Shard of Shards says which share of the files is ours; Shards 0: all of them.
	Shard, Shards int
	// Again orders a file that has changed to be read anew, beside what is decided of it.
	Again bool
	Log   *slog.Logger
}

// Progress is how far a run is. It may be read at any time.
type Progress struct {
	Rows, Bytes  atomic.Int64 // of records handed on, and of files as they lie there
	Total        atomic.Int64 // bytes to be read
	Files, Count atomic.Int64 // files read to their end, and all that are to be read
}

// runner is one run.
type runner struct {
	Config
	feed  Feeder
	sofar *Progress
	out   *ledger.Run
	queue []step
	// sought are the files that are to be read again from where the ledger stands.
	sought map[ledger.Key]step
	begun  map[ledger.Key]step
	chunk  batch.Chunk
}

// errSought ends the reading of a file that is to be read once more.
var errSought = errors.New("to be read once more")

// Run reads what is new in the files of c, given what the ledger says, and has it
// decided. It reports what it did, also beside an error, which is what ended it: the
// pipeline's, or that of ctx. A file that cannot be read is in the report alone.
func Run(ctx context.Context, feed Feeder, c Config, st *ledger.State, sofar *Progress) (*ledger.Run, error) {
	r := &runner{
		Config: c, feed: feed, sofar: sofar, out: &ledger.Run{Failed: []ledger.Broken{}},
		sought: map[ledger.Key]step{}, begun: map[ledger.Key]step{},
	}
	for _, e := range c.Files {
		s := c.look(st, e)
		r.out.Found++
		switch s.action {
		case done:
			r.out.Skipped++
			c.Log.Debug("file is done already", "file", e.URL)
		case older:
			r.out.Older++
		case foreign:
			r.out.Others++
		case read:
			r.queue = append(r.queue, s)
			sofar.Total.Add(e.Size)
		}
	}
	sofar.Count.Store(int64(len(r.queue)))
	return r.out, r.all(ctx)
}

// all reads the queue, and what is to be read once more, until nothing is left.
func (r *runner) all(ctx context.Context) error {
	for {
		for len(r.queue) > 0 {
			s := r.queue[0]
			r.queue = r.queue[1:]
			if err := r.file(ctx, s); err != nil {
				return err
			}
			r.requeue()
		}
		if err := r.feed.FinishFiles(ctx, r.Table); err != nil {
			return err
		}
		// What was dropped meanwhile is known now.
		if err := r.obey(ctx); err != nil {
			return err
		}
		r.requeue()
		if len(r.queue) == 0 {
			return ctx.Err()
		}
	}
}

// requeue puts the files that are to be read once more at the end of the queue, each once: one
// may be sought again while it waits there.
func (r *runner) requeue() {
	for key, s := range r.sought {
		if !slices.ContainsFunc(r.queue, func(q step) bool { return q.key == key }) {
			r.queue = append(r.queue, s)
		}
		delete(r.sought, key)
	}
}

// obey waits for room and takes orders.
func (r *runner) obey(ctx context.Context) error {
	orders, err := r.feed.Wait(ctx)
	if err != nil {
		return err
	}
	for _, to := range orders.Seek {
		key := ledger.Key{File: to.Source.File, Again: to.Source.Again}
		if s, ok := r.begun[key]; ok {
			r.sought[key] = s
		}
	}
	return ctx.Err()
}

// file reads one file. What is wrong with it is reported; an error ends the run.
func (r *runner) file(ctx context.Context, s step) error {
	err := r.read(ctx, s)
	var (
		changed *ChangedError
		broken  *rawfile.Error
	)
	switch {
	case errors.As(err, &changed) && r.Again:
		s.key.Again++
		s.at = ledger.Progress{}
		r.Log.Warn("file has changed: it is read anew, as ordered", "file", s.entry.URL, "time", s.key.Again+1, "what", changed.What)
		return r.file(ctx, s)
	case errors.Is(err, errSought):
		return nil
	case errors.As(err, &changed), errors.As(err, &broken):
		r.Log.Error("file failed; going on with the others", "file", s.entry.URL, "err", err)
		r.out.Failed = append(r.out.Failed, ledger.Broken{File: s.entry.URL, Why: err.Error()})
		return nil
	case err != nil:
		return fmt.Errorf("read %s: %w", s.entry.URL, err)
	}
	r.sofar.Files.Add(1)
	return nil
}

// read reads one file from where the ledger has it decided.
func (r *runner) read(ctx context.Context, s step) error {
	options := r.Options
	options.Resume = s.at.Next
	in, err := rawfile.Open(ctx, s.entry, options)
	if err != nil {
		return err
	}
	defer in.Close()
	src := batch.Source{File: s.key.File, Again: s.key.Again, Layout: in.Layout()}
	if s.at, err = r.feed.StartFile(r.Table, pipeline.RawFile{Source: src, Size: s.entry.Size, Version: s.entry.Version()}); err != nil {
		return err
	}
	if s.at.Next != options.Resume {
		// The ledger has moved on since: its place is to be looked for anew.
		r.begun[s.key], r.sought[s.key] = s, s
		return errSought
	}
	r.begun[s.key] = s
	begun := r.sofar.Bytes.Load()
	some := false
	s.other = func() (uint64, error) {
		if !options.Text && in.Layout().Texts == nil {
			return 0, nil
		}
		return otherSum(ctx, s.entry, options)
	}
	for last := false; !last; {
		if err := r.obey(ctx); err != nil {
			return err
		}
		if _, again := r.sought[s.key]; again {
			r.sofar.Bytes.Store(begun)
			return errSought
		}
		if err := in.Next(ctx, &r.chunk); err != nil {
			return err
		}
		r.sofar.Bytes.Store(begun + in.Done())
		last = r.chunk.Last
		fresh, err := s.fresh(&r.chunk)
		if err != nil {
			return err
		}
		if !fresh {
			continue
		}
		some = some || len(r.chunk.Lines) > 0
		if err := r.feed.AcceptFile(r.Table, src, &r.chunk); err != nil {
			return err
		}
		r.sofar.Rows.Add(int64(len(r.chunk.Lines)))
	}
	switch {
	case some:
		r.out.Read++
	case s.at.Next == 0:
		r.out.Empty++
	default:
		r.out.Skipped++
	}
	return nil
}

// fresh reports whether a chunk holds what is not decided, and whether what is decided
// is still what the file begins with.
func (s *step) fresh(c *batch.Chunk) (bool, error) {
	next := s.at.Next
	changed := func(format string, args ...any) (bool, error) {
		return false, &ChangedError{File: s.entry.URL, What: fmt.Sprintf(format, args...) + fmt.Sprintf(
			" (it had %d bytes and was of %s, and has %d bytes and is of %s)", s.at.Size, s.at.Version, s.entry.Size, s.entry.Version())}
	}
	switch {
	case next == 0 || s.passed:
		return true, nil
	case c.To < next && c.Last:
		return changed("it has changed since it was read: it ends at %d, and is decided to %d", c.To, next)
	case c.To < next:
		return false, nil
	case c.To > next:
		return changed("it has changed since it was read: what is decided ends at %d, where no record ends any more", next)
	case ledger.Sum(c.Sum) != s.at.Hash:
		if sum, err := s.other(); err != nil {
			return false, err
		} else if ledger.Sum(sum) != s.at.Hash {
			return changed("it has changed since it was read: its first %d bytes or rows are not what is decided", next)
		}
	}
	s.passed = true
	if c.Last {
		// Nothing is new, but that this is its end: it is told once.
		c.Lines, c.Defects, c.Data = c.Lines[:0], c.Defects[:0], c.Data[:0]
		return true, nil
	}
	return false, nil
}

// otherSum is the sum of a file up to where it is to be read on, when its rows are read the
// other way, as text or not: of files of Avro and Parquet the ledger may have either, since
// which one is read depends on the table and on the version of the program. 0: no chunk ends
// there.
func otherSum(ctx context.Context, e rawfile.Entry, o rawfile.Options) (sum uint64, err error) {
	o.Text = !o.Text
	in, err := rawfile.Open(ctx, e, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	var c batch.Chunk
	for !c.Last && c.To < o.Resume {
		if err := in.Next(ctx, &c); err != nil {
			return 0, err
		}
	}
	if c.To != o.Resume {
		return 0, nil
	}
	return c.Sum, nil
}
