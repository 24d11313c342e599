// Package rawfile owns files as they come: it finds them, opens them wherever they
// lie, undoes their compression, and cuts them into records, which it hands on in
// chunks with their places.
//
// A file is known by its canonical URL. What it holds is a sequence of records, each
// the bytes of one JSON object, of one line of CSV, or of one datum of Avro as it lies in
// its container; rows of Parquet become datums of Avro too, or, where they hold others within
// or a column means something else by its text, JSON objects with the same values, as all do
// where Options.Text says so. Nothing here knows tables: whether a record fits
// one is package conform's question.
//
// The numbers of a file's records rise strictly: they are lines, or rows, and of values
// of JSON that begin in one line, each has the number behind that of the one before.
// A number is what tells the records of a file from each other, in the ledger too.
//
// A place in a file (Chunk.To, Error.At) counts its bytes as they are after
// decompression and, of a CSV file in another encoding, in UTF-8; or rows, where the
// format has no bytes of its own. Where chunks end follows from what the file holds and
// from Options.Resume, never from how it was read.
//
// A file is split into strips, which are read ahead and looked through by several
// goroutines; what comes of it is the same as if one had read it from its start.
//
// Limits are checked before memory is taken for what a file claims to hold. A file
// that breaks them, or its format, ends with an *Error that names it and the place;
// a single record that cannot be read is handed on with a batch.Defect, and the rest
// of the file goes on.
package rawfile

import (
	"context"
	"fmt"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Format is how a file is written.
type Format string

// The formats. Auto looks at the file.
const (
	Auto    Format = "auto"
	CSV     Format = "csv"
	JSON    Format = "json" // one object a line, one array, or one object after another
	Avro    Format = "avro" // an object container file
	Parquet Format = "parquet"
)

// Entry is a file that was found.
//
// Its URL is canonical: of a file on the disk, the absolute path with all symbolic
// links resolved, so that a file that is reached in two ways is one; of an object, its
// bucket and key without parameters. Odd characters are percent-encoded. An Entry of
// an object comes from Find alone and lives as long as its Found.
type Entry struct {
	URL      string    // file:///path, s3://bucket/key, …
	Size     int64     // bytes, as it lies there
	Modified time.Time // zero: whatever it is when the file is opened
	ETag     string    // of an object store, else empty

	objects Objects // that hold it, nil for the disk
	key     string  // in objects
}

// Version is what tells that the file was not changed: its entity tag, or else its
// time of modification.
func (e *Entry) Version() string {
	if e.ETag != "" {
		return e.ETag
	}
	return e.Modified.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// Options say how files are read.
type Options struct {
	Format Format // "" is Auto
	CSV    schema.CSV
	// Columns are the names of the table's columns, in order: those of a CSV file
	// without a header.
	Columns []string
	// Required has, for each column that a CSV header must name, the names that it goes
	// by; case does not count.
	Required [][]string
	// Exact are the names, with all aliases, of the columns that are decimals: a file of
	// Avro or Parquet that has one as float or double ends with an Error.
	Exact []string
	// Inexact are the same of decimals that may be made of a float or a double: of the decimal
	// with the fewest digits that names it.
	Inexact []string
	// Kinds are what the columns of the table hold, by all their names: whether a column of
	// Parquet is decoded from what it is or from its text depends on it. JSON is of a column
	// that takes whatever comes as JSON.
	Kinds map[string]ColumnKind
	// Text has the rows of Avro and Parquet become objects of JSON, for whoever has no plan to
	// read them by: the same rows, with other bytes, and so with another Sum.
	Text bool
	// Resume asks for a chunk that ends at exactly this place, if a record ends there or
	// the file did before it grew; 0 asks for nothing. Where a record goes on over that
	// place (the last line was continued), no chunk ends there: the first one with To
	// beyond it says so.
	Resume int64
}

// ColumnKind is what a column of a table holds.
type ColumnKind struct {
	Kind schema.Kind
	JSON bool
}

// Error says why a file cannot be read on.
type Error struct {
	URL  string
	At   int64  // place: byte of the decompressed file, or row
	Unit string // "byte" or "row", empty: no place
	Err  error
	Hint string // the way out, if there is one to name
}

func (e *Error) Error() string {
	text := e.URL
	if e.Unit != "" {
		text += fmt.Sprintf(": %s %d", e.Unit, e.At)
	}
	text += ": " + e.Err.Error()
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Reader reads the records of one file, in order, from its first. It belongs to one
// goroutine; Done may be called from any.
type Reader interface {
	// Layout is how the records are written. It is known once Open has returned.
	Layout() *batch.Layout
	// Next fills a chunk with the records that follow, having reset it; a Block that the chunk
	// still has, or has got, is used again. Data is at most
	// batch.BlockSize less batch.Padding bytes, but for a single larger record. The chunk
	// that has Last set is the last; an empty file gives one that is empty. What is
	// returned as an *Error ends the file; other errors come from ctx or the store.
	Next(ctx context.Context, c *batch.Chunk) error
	// Done is how many bytes of the file, as it lies there, were read.
	Done() int64
	// Close waits for what is being read.
	Close() error
}
