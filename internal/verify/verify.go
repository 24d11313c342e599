// Package verify recomputes the evidence of a table: it holds every record of the
// ledger against those before it, against itself and against the files that it
// names, and looks for files that no record names.
//
// In goes a lake; out come Findings, one for each difference with its place, and a
// Summary. Nothing is written. What is looked at is what others may read:
//
//	V1 every record from 1 to the head is there, readable, and follows from those before it:
//	   its ranges begin where theirs end, its watermark and its time are not below theirs
//	V2 what a record says of itself adds up: fates, ranges, rows of its files; and no batch
//	   has two records
//	V3 every file of a record is there with its size and its checksum; one that is decided
//	   and not yet published lies in staging, and is counted, not reported
//	V4 every Parquet file below the table's folders is named by a record
//	V5 a checkpoint says what the records say
//	V6 every record is what its own SHA-256 says, and what the record after it, or a checkpoint
//	   that ends with it, says it was: an edit of any field is found, in the newest record
//	   as long as its own check was not made anew with it
//	V7 (deep) the rows are those of the record: its batch id, its offsets, each once in all
//	   outputs, their number, their days and the bounds of their event times
//	V8 a replay takes whole files of the quarantine, as they were written, each once; deep: its
//	   rows are theirs, each once in all outputs
//
// A lake may be written while it is verified: what is decided later than the walk
// over the ledger is not judged. Memory is that of one record at a time and, where rows
// are read, of one file of up to 64 MiB (larger ones are read twice instead), plus a few
// bytes for each file and batch, the entry of each file of the quarantine, and one listing
// of the table's folders. An error means that the lake could not be read, or is of a newer
// version; findings are no errors.
package verify

import (
	"context"
	"fmt"
	"strings"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// Lake is what verifying needs of a lake. Read and Open answer store.ErrNotExist
// where nothing has the key. What is returned belongs to the caller, who closes the
// reader. One goroutine calls.
type Lake interface {
	Read(ctx context.Context, key string) ([]byte, error)
	List(ctx context.Context, prefix string) ([]store.Entry, error)
	Open(ctx context.Context, key string) (store.Reader, int64, error)
}

// Options say what to look at and whom to tell.
type Options struct {
	Deep bool // read the rows again
	// EventTime is the column that the days of files are judged by; empty, or absent
	// from a file: they are not judged.
	EventTime string
	// Keep is up to which size a file is kept in memory while its rows are read, so that
	// an object store sends it once; 0: 64 MiB. Larger files are read twice.
	Keep int64
	// Found is called for each difference as it is found.
	Found func(Finding)
	// Progress, if set, is called after each record.
	Progress func(Summary)
}

// Finding is one difference.
type Finding struct {
	Table string
	Seq   int64  // of the record, 0: none
	File  string // its key, empty: none
	What  string
}

func (f Finding) String() string {
	place := []string{f.Table}
	if f.Seq > 0 {
		place = append(place, fmt.Sprintf("record %d", f.Seq))
	}
	if f.File != "" {
		place = append(place, f.File)
	}
	return strings.Join(append(place, f.What), ": ")
}

// Summary is what was looked at.
type Summary struct {
	Table     string
	Head      int64  // the newest record
	HeadHash  string // its SHA-256: who keeps it elsewhere can tell later whether the ledger was made anew
	Linked    int64  // records that state the SHA-256 of the one before them, and rightly
	Batches   int64  // batch records
	Files     int64  // files of those
	Pending   int64  // of these: decided, and not yet published
	Rows      int64  // rows of the files, as their records say
	Bytes     int64  // bytes of the files
	Different int64  // findings
}

// Table verifies one table of a lake.
func Table(ctx context.Context, lake Lake, table string, o Options) (Summary, error) {
	v := &verifier{lake: lake, options: o, known: map[uint64]bool{}, rejected: map[string]*ledger.File{}, batches: map[uint64]int64{}, state: ledger.NewState(table), sum: Summary{Table: table}}
	if err := v.listCheckpoints(ctx); err != nil {
		return v.sum, err
	}
	if err := v.walk(ctx); err != nil {
		return v.sum, err
	}
	return v.sum, v.strays(ctx)
}

// verifier is one verification of one table.
type verifier struct {
	lake    Lake
	options Options
	sum     Summary

	state       *ledger.State           // folded from the records so far
	changed     int64                   // the last record that is not what its own check says, 0: none
	broken      bool                    // a record was missing, unreadable or did not follow
	checkpoints []int64                 // heads of checkpoints not reached yet, ascending
	mark        int64                   // the published mark of the newest checkpoint
	rejected    map[string]*ledger.File // of the quarantine: those that were not replayed
	known       map[uint64]bool         // hashes of the names of published files
	batches     map[uint64]int64        // records by the hashes of their batch ids
	buffer      []byte
}

// found reports a difference at a record, a file, or both.
func (v *verifier) found(seq int64, file, format string, args ...any) {
	v.sum.Different++
	v.options.Found(Finding{Table: v.sum.Table, Seq: seq, File: file, What: fmt.Sprintf(format, args...)})
}

// record verifies what one record says.
func (v *verifier) record(ctx context.Context, r *ledger.Record) error {
	if err := v.follows(ctx, r); err != nil {
		return err
	}
	v.sum.HeadHash = r.Hash()
	if first := v.batches[hash(r.Batch)]; first > 0 {
		v.found(r.Seq, "", "decides batch %s, which record %d has decided: its rows count twice", r.Batch, first)
	}
	v.batches[hash(r.Batch)] = r.Seq
	v.addsUp(r)
	if r.Kind != ledger.KindBatch {
		return nil
	}
	v.sum.Batches++
	t := newTally(r)
	if r.Replayed() > 0 {
		if err := v.replay(ctx, t); err != nil {
			return err
		}
	}
	for i := range r.Files {
		f := &r.Files[i]
		v.sum.Files++
		v.sum.Rows += f.Rows
		v.sum.Bytes += f.Bytes
		if name := hash(f.Path); v.known[name] {
			v.found(r.Seq, f.Path, "is named twice in the ledger")
		} else {
			v.known[name] = true
		}
		if f.Output == ledger.Quarantine {
			v.rejected[f.Path] = f
		}
		if err := v.file(ctx, t, f); err != nil {
			return err
		}
	}
	if v.options.Deep {
		v.offsets(t)
	}
	return nil
}
