// Package writer turns batches into Parquet files, one column at a time.
//
// A Writer belongs to one table and one goroutine. Write takes a batch whose rows
// have their fates and stages the files that hold them: one for each output (main,
// late, quarantine) and day, more where a file would grow over its size. A file
// exists for readers only after the ledger has decided the batch and the publisher
// has moved it: nothing here knows of that, and nothing here is ever deleted.
//
// What a file looks like is docs/lake-format.md. Invariants:
//
//	O1 every row with the fate Written, Late or Quarantined is in exactly one file, once;
//	   Duplicate and Filtered ones are in none (nor Late ones with Build.DropLate)
//	O2 a file is durable before Write names it, and its checksum is of what was written
//	O3 a file that was begun is finished or aborted when Write returns
//	O4 statistics are of the rows in the file alone: no bound is too narrow, and no
//	   dictionary holds a value that no row of its file has
//	O5 the same batch gives the same bytes
//
// Rows are first moved, column by column, to where they stand in the files (a
// target for each row, folders one after the other), and then encoded folder after
// folder, with one file open at a time. The values go into parquet-go as they are:
// a leaf hands it pages that point into our columns, so that no value is ever
// boxed. Memory is kept between batches (Bytes) and what a row group holds back is
// limited in bytes, so that records of a megabyte need no more than small ones.
//
// An error comes from the shelf or from a context that has ended. The files that
// were finished stay where they are: the batch is built again under another id, and
// vacuum finds what the first attempt left. The Writer may be used again.
package writer

import (
	"context"
	"fmt"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/internal/store"
)

// DefaultTargetFile is the size at which a file is closed where none is set.
const DefaultTargetFile = 256 << 20

// Options say how files are written. The zero value is zstd at its fastest, files
// of 256 MiB, rows in the order in which they came.
type Options struct {
	Codec        string // zstd, snappy, gzip, lz4 or none
	Level        string // fastest, default, better or best; snappy and none have but one
	TargetFile   int64  // bytes after which a file is closed and the next one begun
	SortBy       []string
	SourceSystem string // the column source_system
}

// Shelf is where files are staged.
//
// Durability: after Finish returned nil, the file survives a loss of power.
// Memory: nothing of what Write is given is kept. Concurrency: one Write of ours
// has one file open at a time; several Writers share one Shelf. Idempotence: none
// is asked for, a key is staged once. Errors: any ends the Write, which aborts the
// file.
type Shelf interface {
	// Stage begins the file of that key.
	Stage(ctx context.Context, key string) (store.Staged, error)
}

// Build says which build of a batch the files belong to.
type Build struct {
	Batch       string // its id, new for each build
	ProcessedAt ledger.Time
	Watermark   *ledger.Time // the one that rows were judged by, nil if there was none
	DropLate    bool         // late rows go to no file
}

// Writer writes the batches of one table. It is for one goroutine.
type Writer struct {
	table   *schema.Table
	options settings
	plan    plan
	columns scattered
	outputs map[ledger.Output]*sheet
	scratch *scratch
}

// New makes a Writer. It reports every fault of the options at once.
func New(t *schema.Table, o Options) (*Writer, error) {
	s, err := newSettings(t, o)
	if err != nil {
		return nil, fmt.Errorf("set up writer of table %s: %w", t.Name, err)
	}
	w := &Writer{table: t, options: s, outputs: map[ledger.Output]*sheet{}, scratch: &scratch{}}
	for _, output := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
		w.outputs[output] = newSheet(t, output, &w.options, w.scratch)
	}
	return w, nil
}

// Write stages the files of a batch and returns them in the order of their
// numbers, main before late before quarantine. b is only read, and nothing of it is
// kept.
func (w *Writer) Write(ctx context.Context, shelf Shelf, b *batch.Batch, in Build) ([]ledger.File, error) {
	defer w.release()
	if err := w.plan.make(b, in, w.options.sortBy); err != nil {
		return nil, fmt.Errorf("write batch %s: %w", in.Batch, err)
	}
	w.columns.fill(b, &w.plan)
	constants := newConstants(in, w.options.sourceSystem)
	shelved := &shelving{shelf: shelf, table: w.table.Name, batch: in.Batch}
	for i := range w.plan.folders {
		f := &w.plan.folders[i]
		s := w.outputs[f.output]
		if i == 0 || w.plan.folders[i-1].output != f.output {
			if err := s.load(b, w, constants); err != nil {
				return nil, fmt.Errorf("write batch %s: %w", in.Batch, err)
			}
		}
		if err := s.write(ctx, shelved, f); err != nil {
			return nil, fmt.Errorf("write batch %s: %w", in.Batch, err)
		}
	}
	return shelved.files, nil
}

// release lets go of the batch: its memory is counted, and used again, elsewhere.
func (w *Writer) release() {
	clear(w.columns.table)
	w.columns.offsets, w.columns.event = cells{}, nil
	for _, s := range w.outputs {
		s.release()
	}
}

// Bytes is the memory that w holds between calls.
func (w *Writer) Bytes() int64 {
	n := w.plan.bytes() + w.columns.bytes() + w.scratch.bytes()
	for _, s := range w.outputs {
		n += s.bytes()
	}
	return n
}
