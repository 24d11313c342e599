// Package conform turns the bytes of records into typed columns of a table, in one
// pass over the bytes: no tree, no map and no object per row.
//
// In goes a batch.Batch that was reset over its raw records. Out come its columns,
// and, for each record that cannot become a row without loss, the fate Quarantined
// and a reject that names the column, the byte and what was expected. Differences
// to the table's schema that the table's evolution policy accepts are listed once
// as drift, with the first row that showed them.
//
// Invariants:
//
//	F1 nothing is rounded, truncated, repaired or guessed: what does not fit its
//	   column exactly quarantines the record (float and double alone take the
//	   nearest value, that is what they are)
//	F2 bytes that are no JSON object, or no line of CSV with as many fields as its
//	   header, are rejected for that alone; of others every column that does not fit
//	   is named, up to four
//	F3 keys are matched exactly, and no key stands twice in a record; a name in a
//	   header of CSV may differ in its case where only one column is meant
//	F4 a short cut never rejects: it does what the general parser would have done,
//	   or leaves the bytes to it
//	F5 a value that was sent as null is null, also where the column has a default;
//	   a missing one takes the default and is marked
//	F6 what a record costs is bounded by its length: depth, keys, digits and text
//	   have limits that are looked at before anything is allocated
//
// Records are JSON objects, or lines of CSV, datums of Avro or messages of Protobuf where the
// Layout of their source says so or, of a topic, the table. A text of CSV becomes a value by the rules that a text of
// JSON does; besides, a number may have groups of digits and a comma as the table's
// CSV says, one in a column of times with a unit counts from 1970, and true, false, 1
// and 0 are truths. Records that have a Defect already are not looked at.
//
// A datum of Avro becomes the row that its JSON would, as raw files write that, but that
// what Avro itself resolves exactly is taken so: a float as the double that it is, text as
// bytes and back. Its schema is found by Schemas, for each record; what to do with its
// fields is found out once for each schema. How a schema differs from the table is told
// once in a batch, with its first record: as missing, extra, alias and widen, and beyond
// those as narrow (what fits is taken), type, nullable and mismatch (nothing ever fits).
//
// A message of Protobuf is read twice: where its fields stand is noted first, since the last
// value of a field counts, and what stands there goes into columns after that, by a plan that
// is made once for each message and table. No object is made of a message: dynamicpb, which
// makes one and is then asked for its fields, takes some 20 times the processor time of what
// fills the columns (BenchmarkProtobuf has both in one run).
// What Protobuf's own mapping to JSON would write is what a row holds; docs/protobuf.md has the rest.
//
// A Plan is made once per table by Compile, which reports every fault of the table
// at once, and is shared by any number of goroutines. Each of them has its own
// Decoder, which keeps its memory between batches and learns from the records how
// the next one will probably be written. Decode cannot fail.
//
// Whether an event time is late or absurd is left to watermark, whether a value
// makes sense to quality, logging and counting to the pipeline.
package conform

import "tidemark/internal/batch"

// The reasons with which Decode quarantines a record.
const (
	ReasonEmpty     = "empty"         // no bytes but white space
	ReasonTombstone = "tombstone"     // no value at all
	ReasonNotObject = "not_object"    // JSON, but no object
	ReasonTrailing  = "trailing"      // bytes after the object
	ReasonSyntax    = "syntax"        // not JSON
	ReasonDuplicate = "duplicate_key" // a key twice
	ReasonEncoding  = "encoding"      // not UTF-8, or half a surrogate pair
	ReasonLimit     = "limit"         // too deep, too long, too many
	ReasonOverflow  = "overflow"      // a number beyond the column's type
	ReasonScale     = "scale"         // more digits behind the point than the column has
	ReasonRequired  = batch.ReasonRequired
	ReasonType      = "type"    // a value of another kind
	ReasonTime      = "time"    // not a time, or not one that exists
	ReasonColumns   = "columns" // CSV: too few or too many fields
	ReasonQuote     = "quote"   // CSV: a quote that is not closed, or where none may be

	ReasonEnvelope       = "envelope"        // not what the table's format puts around a row
	ReasonWire           = "wire"            // Avro, Protobuf: nothing in front of the datum says its schema
	ReasonSchemaUnknown  = "schema_unknown"  // Avro, Protobuf: nobody has the schema
	ReasonSchemaMismatch = "schema_mismatch" // Avro, Protobuf: the schema's type never becomes the column's

	// The table's evolution policy asks for these.
	ReasonMissing = "missing"
	ReasonExtra   = "extra"
	ReasonWiden   = "widen"
)

// What a record may hold. What is dropped counts for depth alone.
const (
	maxDepth   = 100
	maxKeys    = 100_000   // of the object: so many are too many
	maxText    = 1_000_000 // bytes of a text in a column: so many are too many
	maxDigits  = 100_000   // bytes of a number in a column: so many are too many
	maxRejects = 4         // of one record that are named
	maxExtras  = 256       // keys without a column that are named in one batch
)

// Report is what Decode found about the batch as a whole.
type Report struct {
	// Halt is not empty if a record met an evolution policy `halt`: one sentence
	// that holds no data of the record. The batch is decoded to its end all the
	// same, and each such record is quarantined.
	Halt    string
	HaltRow int // the first such row
	// Waits counts records in Avro or Protobuf whose schema is not there yet. They are quarantined,
	// but a batch that has any must not be decided: it is decoded again when Schemas
	// has what it was asked for.
	Waits int
	// Fits is not 0 where what nested columns hold passed Decoder.Room: so many rows, at least
	// one and fewer than the batch has, can be decoded together. Nothing of the batch is to be
	// used.
	Fits int
}
