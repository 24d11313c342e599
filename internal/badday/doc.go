// Package badday holds no code: it is the suite that does to the finished program
// what a bad day does, and looks at the lake afterwards.
//
// In go the program as it is built and shipped, a real Apache Kafka, a real disk.
// What happens to them is real, too: the process is killed before and
// after each of its calls to the lake and of its requests (a tracer or a proxy stops
// it there; the program has no hooks for tests), the disk is full at a chosen call, brokers crash, records and topics
// disappear, two processes fight, one of them asleep.
//
// What must hold afterwards is said once, by lake.holds: the multiset of (topic id,
// partition, offset, value) over the files of all outputs is what was produced, no
// row belongs to a batch that the ledger does not know, no file lies in a table
// that the ledger does not name, and `tidemark verify --deep` agrees. Where the
// program must stop instead, the lake holds what was decided before, the exit code
// is the documented one, and the way out that the message names is then taken.
//
// Nothing here waits for a clock: tests wait for lines of the program's log, for
// its calls, or for its end. Linux and root are needed: for tracing, and to mount
// file systems that are small or read-only.
package badday
