// Package quality owns the checks of a table: it compiles them once and runs them
// over the columns of each batch.
//
// In goes a batch whose rows conform and watermark have judged. Out come a Report
// (a verdict per check and for the batch, what was null), and, in the batch, a
// reject and the fate Quarantined for each row that a check of severity fail
// refuses. Policy.Decide then says whether the batch goes on, is quarantined whole
// or is halted.
//
// Invariants:
//
//	Q1 a row that is quarantined, a duplicate or filtered is not looked at; completeness
//	   counts those that were quarantined for having no value where one is required
//	Q2 only a check of severity fail changes a fate; each row it refuses has a
//	   reject with the check's name, so the first of a row is its reason
//	Q3 a value that was defaulted is a missing one to every check
//	Q4 a row that fails any other check takes no key of a unique one: its
//	   correction may follow in the same batch
//	Q5 the order in which checks are written decides nothing but the order of the
//	   results and of the reasons of a row
//	Q6 decimals are compared as decimals, never as floats
//	Q7 a key counts for other batches only while its row is written or late: Hold takes
//	   the fates as they are at the end, Rollback forgets what is not decided
//	Q8 keys and references are compared whole: no hash stands for a key, but where keys
//	   were moved to a disk
//
// Checks work by column: a text value is judged once per entry of the dictionary,
// a column without a null costs nothing to find complete, and only uniqueness and
// rules of a shape that Rule does not know look at rows one by one.
//
// Run checks a batch alone. Where keys live longer than a batch, Begin judges all else,
// for many batches at once, and Finish the keys, in the order of the batches: Keys
// holds those of batches in flight until they are decided or rolled back. A row that
// a check refuses is quarantined, though it may repeat another; a duplicate among the
// rest takes no key. References look into a Set that the caller fills.
//
// The pipeline calls all this on the goroutine that holds the batch. A Suite may be
// shared by any number of goroutines. Compile reports every fault of the checks at
// once, each with what to write instead; only a Spill can fail later. Reading tables
// and files, disks, logging and metrics are left to others.
package quality
