// Package store owns the bytes of a lake: it creates, reads, lists and moves
// objects by key, and knows what makes each of these durable on its medium.
//
// Keys are relative paths with forward slashes. What goes in is copied before a
// call returns; what comes out belongs to the caller. A store knows nothing of
// tables, batches or records: the order of operations is package ledger's.
//
// Invariants:
//
//	S1 of all that create one key, exactly one succeeds, and readers see its bytes whole
//	S2 what returned without an error survives a loss of power
//	S3 a published file is never replaced, and its staged name is given up last
//	S4 a temporary file of ours is never listed
//
// Callers declare the few methods that they need, beside their own code: the
// ledger creates, reads, lists and syncs; the publisher publishes and looks; the
// writer stages. All methods may be called from many goroutines and processes at
// once, except those of one Staged. An error other than the sentinels leaves open
// whether the operation happened: who cares must look.
//
// File is the local disk; package bucket is object stores.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"
)

// The answers that a caller branches on. They are settled answers: the operation
// did not happen.
var (
	// ErrExists says that the key is taken (412 of an object store).
	ErrExists = errors.New("already exists")
	// ErrNotExist says that nothing has this key (404).
	ErrNotExist = errors.New("does not exist")
	// ErrAgain says that another writer is busy with this key, so that the same
	// request must be sent again (409). The local disk never gives it.
	ErrAgain = errors.New("conflict, try again")
	// ErrSize says that a file does not have the size that it should have.
	ErrSize = errors.New("size differs")
)

// Entry is what a store knows of an object without reading it.
type Entry struct {
	Key      string
	Size     int64
	Modified time.Time
	ETag     string // of an object store that gives one with this answer, without quotes
}

// Staged is a file that is being written. Exactly one goroutine uses it. Either
// Finish or Abort must be called; Write keeps nothing of its argument. That the name
// is taken (ErrExists) shows in Stage or in Finish: an object store looks at it last.
type Staged interface {
	io.Writer
	// Finish makes the file and its name durable. After an error the file must be
	// aborted and built again under another name: what reached the disk is unknown,
	// and asking again would not tell.
	Finish(ctx context.Context) error
	// Abort throws an unfinished file away. After Finish returned nil it does
	// nothing: a finished file may stand in a ledger record.
	Abort() error
}

// Reader reads an object at any place.
type Reader interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// Error is a failed operation on a key.
type Error struct {
	Op   string // create, read, stage, publish, …
	Key  string
	Err  error
	Hint string // the way out, if there is one to name
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s %s: %v", e.Op, e.Key, e.Err)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Open gives the lake in a folder of this machine, at file:///path. It looks, and writes nothing: folders
// come into being with the first object in them.
func Open(ctx context.Context, lake string) (*File, error) {
	u, err := url.Parse(lake)
	if err != nil {
		return nil, fmt.Errorf("open lake %q: %w", lake, err)
	}
	switch u.Scheme {
	case "file":
	default:
		return nil, fmt.Errorf("open lake %q: write it as file:///path", lake)
	}
	if u.Host != "" || !filepath.IsAbs(u.Path) {
		return nil, fmt.Errorf("open lake %q: the path must be absolute: write it as file:///path, with three slashes", lake)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("open lake %q: a local lake takes no parameters: write %%3F and %%23 for ? and # in a path", lake)
	}
	return newFile(ctx, filepath.Clean(u.Path))
}
