package ledger

import (
	"errors"
	"fmt"
)

// ErrUnsafe is what errors are (errors.Is) after which going on could lose or
// double rows. The program stops with exit code 4.
var ErrUnsafe = errors.New("stopped to avoid losing or doubling data")

// HoleError says that a record is missing below one that exists.
type HoleError struct {
	Table   string
	Missing int64
	Seen    int64 // a higher number that is or was there; Missing itself if a checkpoint has it
}

func (e *HoleError) Error() string {
	after := fmt.Sprintf("record %d is there", e.Seen)
	if e.Seen == e.Missing {
		after = "a checkpoint knows it"
	}
	return fmt.Sprintf("%s: ledger record %d is missing, but %s: put %s back from a copy of the lake",
		e.Table, e.Missing, after, RecordKey(e.Table, e.Missing))
}

// Is makes the error an ErrUnsafe.
func (e *HoleError) Is(target error) bool { return target == ErrUnsafe }

// BadRecordError says that a record cannot be read as one.
type BadRecordError struct {
	Key string
	Err error
}

func (e *BadRecordError) Error() string {
	return fmt.Sprintf("read %s: %v: put it back from a copy of the lake", e.Key, e.Err)
}

func (e *BadRecordError) Unwrap() error { return e.Err }

// Is makes the error an ErrUnsafe.
func (e *BadRecordError) Is(target error) bool { return target == ErrUnsafe }

// UnsupportedError says that a newer program wrote something that this one does
// not know, so that it cannot tell what the table's state is.
type UnsupportedError struct {
	Table string
	Seq   int64
	What  string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s: ledger record %d has %s, which this version does not know: use the newer program that wrote it",
		e.Table, e.Seq, e.What)
}

// Is makes the error an ErrUnsafe.
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsafe }

// ChainError says that a record does not follow from those before it.
type ChainError struct {
	Table string
	Seq   int64
	Err   error
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("%s: ledger record %d does not follow from those before it: %v: put the ledger back from a copy of the lake",
		e.Table, e.Seq, e.Err)
}

func (e *ChainError) Unwrap() error { return e.Err }

// Is makes the error an ErrUnsafe.
func (e *ChainError) Is(target error) bool { return target == ErrUnsafe }

// FileError says that a file of a decided batch is not what its record says.
type FileError struct {
	Table       string
	Seq         int64
	File        File
	Size        int64 // found under the final name; −1: nothing is there
	StagedWrong bool  // what is staged has another size than the record says
}

func (e *FileError) Error() string {
	what := "is neither published nor staged"
	switch {
	case e.Size >= 0:
		what = fmt.Sprintf("has %d bytes", e.Size)
	case e.StagedWrong:
		what = "is not published, and has another size as " + e.File.Staged
	}
	return fmt.Sprintf("%s: record %d: %s %s: put it back from a copy of the lake (%d bytes, %d rows, xxh3 %016x)",
		e.Table, e.Seq, e.File.Path, what, e.File.Bytes, e.File.Rows, uint64(e.File.XXH3))
}

// Is makes the error an ErrUnsafe.
func (e *FileError) Is(target error) bool { return target == ErrUnsafe }

// DoubtError says that no answer about a record could be had. The batch may or may
// not be decided: load, and build again from what the ledger says.
type DoubtError struct {
	Table string
	Seq   int64
	Batch string
	Err   error
}

func (e *DoubtError) Error() string {
	return fmt.Sprintf("%s: decide batch %s as record %d: %v: start again, the ledger will tell whether it is decided",
		e.Table, e.Batch, e.Seq, e.Err)
}

func (e *DoubtError) Unwrap() error { return e.Err }

// MovedError says that a source does not stand where a batch begins.
type MovedError struct {
	Key   Key
	Start int64 // where the batch begins; −1: a claim of a source not known yet
	Next  int64 // where the source stands; −1: the ledger does not know it
}

func (e *MovedError) Error() string {
	switch {
	case e.Start < 0:
		return fmt.Sprintf("%s is claimed as new, but stands at %d already", e.Key.Place(), e.Next)
	case e.Next < 0:
		return fmt.Sprintf("%s starts at %d, but nobody has claimed it", e.Key.Place(), e.Start)
	}
	return fmt.Sprintf("%s starts at %d, but stands at %d", e.Key.Place(), e.Start, e.Next)
}
