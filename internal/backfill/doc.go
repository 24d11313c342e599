// Package backfill owns the file edge: which files of a command are new, grown or
// changed, which this process takes, and how far the ledger has each of them. It
// reads them, and feeds the pipeline in chunks, as a consumer feeds it records.
//
// Files come from package rawfile, and what is decided of them is in the ledger: the
// package keeps nothing of its own. A file that cannot be read to its end is reported,
// and the others go on; what ends everything comes from the pipeline.
package backfill
