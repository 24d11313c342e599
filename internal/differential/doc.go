// Package differential holds no code: it is the suite that puts raw files through the
// finished program and compares what becomes of them with what others say.
//
// Awkward files of CSV and JSON are read by DuckDB and pyarrow too, which are told the
// same columns and settings, and all three are compared value by value, rows as
// multisets. Each file says whether they are alike; where they are not, it has one
// sentence with the reason, and docs/differential.md has the table of them. A difference
// that is not listed fails, and so does one that is gone. Files that are made up by a
// seed, and are well formed by RFC 4180 or RFC 8259, must be alike.
//
// Of the catalogue of bad input, each line that a file can have is put through the
// program between good files, and has to end as the catalogue says.
//
// The readers are those of scripts/readers; `make setup` installs them.
package differential
