// Package avropeers holds no code: it is the suite that compares what becomes of records in
// Avro with what other implementations say.
//
// In go made-up schemas and records, edge values included, which goavro, fastavro and Java's
// own Avro write. Out comes, of each record, that its row holds what went in, value by
// value, or that it was rejected for the column and the reason that its value has.
//
// The second half is evolution: pairs of a writer's and a reader's schema. Where Java's
// Avro resolves one into the other, the row of a table that is like the reader's must hold
// what Java reads; where it does not, or where the two part, there is a rule with its reason.
// docs/evolution.md has a table of each change and what becomes of it, which this suite
// writes and compares.
//
// The peers are those of scripts/peers, which the suite has installed on its first run.
package avropeers
