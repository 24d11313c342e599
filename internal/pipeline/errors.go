package pipeline

import (
	"fmt"
	"strconv"
	"strings"

	"tidemark/internal/ledger"
)

// LossError says that Kafka no longer holds what the ledger needs next, or holds
// something else under the same name. It is a ledger.ErrUnsafe: going on is for a
// person to decide.
type LossError struct {
	Table     string
	Topic     string // empty: the table has one only, and nothing is wrong with it
	Partition int32

	Next  int64 // what the ledger needs
	Start int64 // where the log starts: after Next
	End   int64 // where the log ends, if Truncated: before Next

	Truncated bool
	Rewritten bool // and it has grown since: End is where leader epoch Epoch ends, Next what was decided of it
	Epoch     int32
	Old, New  ledger.TopicID // the topic was made anew: its id before and now
	Retired   bool           // it is back under an id that the ledger has given up
}

func (e *LossError) Error() string {
	at := e.Table + ": "
	if e.Topic != "" {
		at += "topic " + e.Topic + ": "
	}
	switch {
	case e.Retired:
		return fmt.Sprintf("%spartition %d: the broker gives the topic the id %s, which the ledger knows as deleted: is this the right cluster?", at, e.Partition, e.Old)
	case e.New != e.Old:
		return fmt.Sprintf("%spartition %d: the topic was deleted and created again (its id was %s and is %s), so that its offsets mean other records. Set on_loss: continue to go on with the new topic from its start.",
			at, e.Partition, e.Old, e.New)
	case e.Rewritten:
		return fmt.Sprintf("%spartition %d: records up to offset %s were decided under leader epoch %d, which ends at %s in the log as it is now: it was truncated (an election that was not clean?) and written anew, so that its offsets mean other records. Create the topic again to give its records offsets of their own, and set on_loss: continue.",
			at, e.Partition, grouped(e.Next), e.Epoch, grouped(e.End))
	case e.Truncated:
		return fmt.Sprintf("%spartition %d: the ledger is at offset %s, but the log ends at %s: it was truncated, and new records will get offsets that are decided already. Create the topic again to give its records offsets of their own, and set on_loss: continue.",
			at, e.Partition, grouped(e.Next), grouped(e.End))
	}
	lost := grouped(e.Start-e.Next) + " records"
	if e.Start-e.Next == 1 {
		lost = "1 record"
	}
	return fmt.Sprintf("%spartition %d: offset %s is gone, the log starts at %s (%s lost). Set on_loss: continue to record the gap and go on.",
		at, e.Partition, grouped(e.Next), grouped(e.Start), lost)
}

// Is makes the error a ledger.ErrUnsafe.
func (e *LossError) Is(target error) bool { return target == ledger.ErrUnsafe }

// HaltError says that quality stopped a table: nothing of the batch is decided, and
// what was decided before stands.
type HaltError struct {
	Table string
	Batch string
	Why   string
	// Samples are the places of some of the rejected records.
	Samples []ledger.Origin
}

func (e *HaltError) Error() string {
	var where strings.Builder
	for i, o := range e.Samples {
		if i == 3 {
			break
		}
		sep := ", "
		if i == 0 {
			sep = " (for example at "
		}
		fmt.Fprintf(&where, "%s%s", sep, o)
	}
	if where.Len() > 0 {
		where.WriteString(")")
	}
	return fmt.Sprintf("%s: halted, nothing of the batch is decided: %s%s. Mend the data, the check or evolution; or, to keep such records as rejected, set on_fail: quarantine_rows and raise halt_above, and start again.",
		e.Table, strings.TrimSuffix(e.Why, "."), where.String())
}

// grouped writes a number with a comma every three digits.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
