package quality

import (
	"fmt"
	"strconv"
	"strings"

	"tidemark/internal/batch"
)

// OnFail says what a verdict of FAIL does.
type OnFail uint8

// What a FAIL can do.
const (
	QuarantineRows  OnFail = iota // the rows that failed are quarantined, the rest go on
	QuarantineBatch               // every row is quarantined
	HaltBatch                     // nothing is decided
)

var onFails = []string{QuarantineRows: "quarantine_rows", QuarantineBatch: "quarantine_batch", HaltBatch: "halt"}

func (o OnFail) String() string { return onFails[o] }

// ParseOnFail reads quarantine_rows, quarantine_batch or halt.
func ParseOnFail(s string) (OnFail, error) { return parse[OnFail]("on_fail", s, onFails) }

// Policy says what becomes of a batch, given its report and how much of it is
// quarantined.
type Policy struct {
	OnFail OnFail
	// HaltAbove halts a batch of which more than this share is quarantined, by any
	// stage: a broken producer, not broken rows. 0 halts at any quarantined row and
	// at any FAIL, whatever the size of the batch.
	HaltAbove float64
	// HaltMinRows is the size under which a batch is not halted for its share.
	HaltMinRows int64
}

// DefaultPolicy quarantines rows, and halts batches of 1000 rows and more of which
// over 5 % are quarantined.
func DefaultPolicy() Policy { return Policy{HaltAbove: 0.05, HaltMinRows: 1000} }

// Validate reports bounds that make no sense.
func (p Policy) Validate() error {
	if !(p.HaltAbove >= 0 && p.HaltAbove <= 1) {
		return fmt.Errorf("halt_above %v: write a share from 0 to 1", p.HaltAbove)
	}
	if p.HaltMinRows < 0 {
		return fmt.Errorf("halt_min_rows %d: write a number of rows, 0 or more", p.HaltMinRows)
	}
	return nil
}

// Action is what is to be done with a batch.
type Action uint8

// The actions.
const (
	Go         Action = iota // on to the writer
	Quarantine               // QuarantineAll, then on to the writer
	Halt                     // decide nothing, and say why
)

var actions = []string{Go: "go", Quarantine: "quarantine", Halt: "halt"}

func (a Action) String() string { return actions[a] }

// Decision is an action with its reason, one sentence without data of a record;
// empty for Go.
type Decision struct {
	Action Action
	Reason string
}

// Decide says what becomes of a batch of which quarantined of rows are refused by
// any stage. A halt comes before a quarantine of the whole: what is halted can
// still be quarantined once someone has looked, not the other way round. A batch
// without rows goes on.
func (p Policy) Decide(r *Report, rows, quarantined int64) Decision {
	failed := r.firstFailed()
	switch share := float64(quarantined) / float64(rows); {
	case rows == 0:
		return Decision{}
	case failed != nil && (p.OnFail == HaltBatch || p.HaltAbove == 0):
		return Decision{Halt, describe(r)}
	case quarantined > 0 && p.HaltAbove == 0:
		return Decision{Halt, fmt.Sprintf("%d of %d rows are quarantined and halt_above is 0", quarantined, rows)}
	case share > p.HaltAbove && rows >= p.HaltMinRows:
		reason := fmt.Sprintf("%d of %d rows (%s %%) are quarantined, more than halt_above %s %%",
			quarantined, rows, percent(share), percent(p.HaltAbove))
		if failed != nil {
			reason += ": " + describe(r)
		}
		return Decision{Halt, reason}
	case failed != nil && p.OnFail == QuarantineBatch:
		return Decision{Quarantine, describe(r)}
	}
	return Decision{}
}

// describe names the checks that failed.
func describe(r *Report) string {
	var parts []string
	for i := range r.Results {
		if c := &r.Results[i]; c.Verdict == VerdictFail {
			parts = append(parts, fmt.Sprintf("check %s failed on %d of %d rows", c.Name, c.Failed, c.Checked))
		}
	}
	return strings.Join(parts, ", ")
}

// percent writes a share as a percentage of at most five significant digits.
func percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 5, 64) }

// QuarantineAll quarantines every row of b that is written or late, with the first
// check that failed as its reason. Rows that were refused for themselves keep
// their own reason, duplicate and filtered rows their fate.
func QuarantineAll(b *batch.Batch, r *Report) {
	failed := r.firstFailed()
	if failed == nil {
		return
	}
	from := len(b.Rejects)
	for i, f := range b.Fates[:b.Rows] {
		if f <= batch.Late {
			b.Fates[i] = batch.Quarantined
			b.Rejects = append(b.Rejects, batch.Reject{
				Row: int32(i), Column: -1, Stage: batch.StageQuality,
				Reason: failed.Name, Want: "a batch in which this check holds", At: -1,
			})
		}
	}
	b.MergeRejects(from)
}
