package badday_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tally is what rounds were made of.
type tally struct {
	rounds, records int
	steps           map[string]int
	faults          map[string]int // that hit a request
	processes       int
	killed, slept   int
	failed          int // processes that ended with 1, as they may when what is around them fails
	refused         int // batches that the ledger did not let in
	decided         int
}

func newTally() tally { return tally{steps: map[string]int{}, faults: map[string]int{}} }

// add takes in what one round was.
func (t *tally) add(o tally) {
	t.rounds += o.rounds
	t.records += o.records
	t.processes += o.processes
	t.killed += o.killed
	t.slept += o.slept
	t.failed += o.failed
	t.refused += o.refused
	t.decided += o.decided
	for k, n := range o.steps {
		t.steps[k] += n
	}
	for k, n := range o.faults {
		t.faults[k] += n
	}
}

func (t tally) String() string {
	return fmt.Sprintf("%d rounds, %d processes, %d killed, %d asleep for longer than their session, %d ended with 1, %d batches decided, %d refused, %d records checked, 0 lost, 0 doubled; steps: %s; requests hit: %s",
		t.rounds, t.processes, t.killed, t.slept, t.failed, t.decided, t.refused, t.records, list(t.steps), list(t.faults))
}

func list(of map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(of)) {
		out = append(out, fmt.Sprintf("%s × %d", k, of[k]))
	}
	return strings.Join(out, ", ")
}
