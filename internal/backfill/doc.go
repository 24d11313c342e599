// Package backfill owns the file edge: which files of a command are new, grown or
// changed, which this process takes, and how far the ledger has each of them. It
// reads them, one after another, and feeds the pipeline as a consumer does.
package backfill
