package report

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

const (
	ahead    = 16 // records are read at a time: a store far away answers slowly
	mostGaps = 10 // missing records of one gap are named
)

// Options say what a report is about: by default, all records.
type Options struct {
	Batch int64  // the record of this number alone, in full; 0: not set
	Day   string // the batches that wrote rows of this UTC day, as 2026-11-22; empty: not set
	Last  int64  // only the last so many records; 0: all

	// Progress is told, after each record, how many are read and how many there are. It
	// is called from one goroutine.
	Progress func(done, total int64)
}

// Read makes the report of one table. It changes nothing, and may run while others
// write. After an error that is ledger.ErrUnsafe the Table holds what could be read,
// and what is wrong; after all others it holds nothing of use. There is no Record where
// Options.Batch names none.
func Read(ctx context.Context, lake ledger.Store, table string, o Options) (Table, error) {
	w := walker{ledger: ledger.New(lake, table), options: o, table: Table{Table: table, Damage: []Damage{}}}
	st, err := w.ledger.Load(ctx)
	var numbers []int64 // nil: all up to the head
	switch {
	case errors.Is(err, ledger.ErrUnsafe):
		w.loaded = err
		if numbers, err = list(ctx, lake, table); err != nil {
			return w.table, err
		}
		if len(numbers) > 0 {
			w.table.Head = numbers[len(numbers)-1]
		}
	case err != nil:
		return w.table, err
	default:
		w.table.Head, w.table.HeadHash = st.Head, st.HeadHash
	}
	if err := w.walk(ctx, numbers); err != nil {
		return w.table, err
	}
	return w.table, w.verdict()
}

// list is the numbers of the records that lie there, in order.
func list(ctx context.Context, lake ledger.Store, table string) ([]int64, error) {
	entries, err := lake.List(ctx, ledger.LedgerDir(table)+"/")
	if err != nil {
		return nil, fmt.Errorf("list ledger of %s: %w", table, err)
	}
	var out []int64
	for _, e := range entries {
		name := strings.TrimSuffix(e.Key[strings.LastIndexByte(e.Key, '/')+1:], ".json")
		if n, err := strconv.ParseInt(name, 10, 64); err == nil && n > 0 && ledger.RecordKey(table, n) == e.Key {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// walker reads the records of a table, in order.
type walker struct {
	ledger  *ledger.Ledger
	options Options
	table   Table
	loaded  error // why the ledger could not be loaded

	expected int64  // the number that comes next
	previous string // hash of the record before it, empty: not known
	chained  bool   // some record stated the one before it
	first    error  // of what is wrong
	same     bool   // what is wrong with loading is among it
}

func (w *walker) walk(ctx context.Context, numbers []int64) error {
	first, last := int64(1), w.table.Head
	switch {
	case w.options.Batch > 0:
		first, last = w.options.Batch, min(w.options.Batch, last)
	case w.options.Last > 0:
		first = max(1, last-w.options.Last+1)
	}
	seqs := between(first, last)
	total := max(0, last-first+1)
	if numbers != nil {
		numbers = slices.DeleteFunc(numbers, func(n int64) bool { return n < first || n > last })
		seqs, total = slices.Values(numbers), int64(len(numbers))
	}
	var take func(*ledger.Record)
	var f *fold
	switch {
	case w.options.Batch > 0:
		take = func(r *ledger.Record) { w.table.Record = whole(r) }
	case w.options.Day != "":
		w.table.Day = &OneDay{Day: w.options.Day, Batches: []DayBatch{}}
		take = w.table.Day.collect
	default:
		if last == 0 {
			first = 0
		}
		f = newFold(max(first, 1), last)
		f.sum.First = max(first, 1)
		take = f.add
	}
	w.expected = first
	done := int64(0)
	err := w.read(ctx, seqs, func(seq int64, r *ledger.Record, err error) error {
		if err := w.check(seq, r, err); err != nil {
			return err
		}
		if r != nil && known(r) {
			take(r)
		}
		if done++; w.options.Progress != nil {
			w.options.Progress(done, total)
		}
		return nil
	})
	if f != nil {
		w.table.Summary = f.summary()
		w.table.Summary.First = first
	}
	return err
}

func between(first, last int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for n := first; n <= last && yield(n); n++ {
		}
	}
}

// whole is a record with all of its lists.
func whole(r *ledger.Record) *Entry {
	full := *r
	full.Sources, full.Files, full.Drift = orEmpty(r.Sources), orEmpty(r.Files), orEmpty(r.Drift)
	if full.Nulls == nil {
		full.Nulls = map[string]int64{}
	}
	return &Entry{Record: &full, Hash: r.Hash()}
}

// known says whether this program knows all that a record may do.
func known(r *ledger.Record) bool {
	switch r.Kind {
	case ledger.KindBatch, ledger.KindClaim, ledger.KindHalt, ledger.KindRun:
		return r.Version == ledger.Version
	}
	return false
}

// check looks whether a record is one and follows from the one before it. It returns
// what is no fault of the ledger.
func (w *walker) check(seq int64, r *ledger.Record, err error) error {
	name := w.table.Table
	for missing := w.expected; missing < seq; missing++ {
		if missing == w.expected+mostGaps {
			w.table.DamageTotal += seq - missing
			break
		}
		w.wrong(missing, &ledger.HoleError{Table: name, Missing: missing, Seen: seq})
	}
	if seq != w.expected {
		w.previous = ""
	}
	w.expected = seq + 1
	was := w.previous
	w.previous = ""
	switch {
	case errors.Is(err, store.ErrNotExist):
		w.wrong(seq, &ledger.HoleError{Table: name, Missing: seq, Seen: w.table.Head})
		return nil
	case errors.Is(err, ledger.ErrUnsafe):
		w.wrong(seq, err)
		return nil
	case err != nil:
		return fmt.Errorf("read record %d of %s: %w", seq, name, err)
	}
	w.previous = r.Hash()
	if seq == w.table.Head {
		w.table.HeadHash = r.Hash()
	}
	switch {
	case r.Version != ledger.Version:
		w.wrong(seq, &ledger.UnsupportedError{Table: name, Seq: seq, What: fmt.Sprintf("version %d", r.Version)})
		return nil
	case !known(r):
		w.wrong(seq, &ledger.UnsupportedError{Table: name, Seq: seq, What: fmt.Sprintf("kind %q", r.Kind)})
	case r.Previous == "" && w.chained:
		w.wrong(seq, &ledger.ChainError{Table: name, Seq: seq, Err: errors.New("it does not state which record it was written after, and those before it do")})
	case r.Previous != "" && was != "" && r.Previous != was:
		w.wrong(seq, &ledger.ChainError{Table: name, Seq: seq, Err: fmt.Errorf("it was written after a record %d with SHA-256 %.12s…, which is now %.12s…", seq-1, r.Previous, was)})
	}
	w.chained = w.chained || r.Previous != ""
	return nil
}

// wrong notes a fault of the ledger.
func (w *walker) wrong(seq int64, err error) {
	w.table.DamageTotal++
	if w.first == nil {
		w.first = err
	}
	if w.loaded != nil && err.Error() == w.loaded.Error() {
		w.same = true
	}
	if len(w.table.Damage) < Listed {
		w.table.Damage = append(w.table.Damage, Damage{Seq: seq, Why: err.Error()})
	}
}

// verdict is nil where nothing is wrong.
func (w *walker) verdict() error {
	if w.loaded != nil && !w.same {
		w.wrong(0, w.loaded)
	}
	if w.first != nil && w.table.DamageTotal > 1 {
		return fmt.Errorf("%w (and %d more: they are in the report)", w.first, w.table.DamageTotal-1)
	}
	return w.first
}

// answer is one record, or why there is none.
type answer struct {
	seq int64
	r   *ledger.Record
	err error
}

// read reads records, several at a time, and gives them to each in order. All of its
// goroutines have ended when it returns.
func (w *walker) read(ctx context.Context, seqs iter.Seq[int64], each func(int64, *ledger.Record, error) error) error {
	reading, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	slots := make(chan chan answer, ahead)
	all.Go(func() {
		defer close(slots)
		for seq := range seqs {
			slot := make(chan answer, 1)
			select {
			case slots <- slot:
			case <-reading.Done():
				return
			}
			all.Go(func() {
				r, err := w.ledger.Record(reading, seq)
				slot <- answer{seq, r, err}
			})
		}
	})
	for slot := range slots {
		a := <-slot
		if err := each(a.seq, a.r, a.err); err != nil {
			return err
		}
	}
	return ctx.Err()
}
