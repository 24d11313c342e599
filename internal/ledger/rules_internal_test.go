// White-box: the exploration drives unexported state.

package ledger

import (
	"strings"
	"testing"
)

// usual are the bounds that each rule is tried in, unless it needs others: two
// writers over two records, one publisher, one of each fault.
func usual() bounds {
	return bounds{writers: 2, partitions: 1, rows: 2, publishers: 1, lost: 1, kills: 1}
}

func twoPartitions() bounds {
	b := usual()
	b.partitions, b.rows = 2, 1
	return b
}

// TestExplorationIsClean walks all interleavings within several bounds and finds
// no state in which rows are lost, doubled or visible too early, no false alarm,
// and no end at which something is left undone.
func TestExplorationIsClean(t *testing.T) {
	for name, b := range map[string]bounds{
		"lost":           usual(),
		"delayed":        {writers: 2, partitions: 1, rows: 2, publishers: 1, delayed: 1, kills: 1},
		"twice":          {writers: 2, partitions: 1, rows: 2, publishers: 1, twice: 1, delayed: 1},
		"two partitions": twoPartitions(),
		"two publishers": {writers: 1, partitions: 1, rows: 2, publishers: 2, lost: 1, kills: 1, pubKill: 1},
		"copies":         {writers: 1, partitions: 1, rows: 2, publishers: 2, lost: 1, pubKill: 1, copies: true},
		"power":          {writers: 2, partitions: 1, rows: 2, publishers: 1, power: 1, delayed: 1},
		"three writers":  {writers: 3, partitions: 1, rows: 2, publishers: 1, delayed: 1},
		"vacuum":         {writers: 2, partitions: 1, rows: 2, publishers: 1, delayed: 1, kills: 1, vacuums: 1},
		"vacuum, copies": {writers: 1, partitions: 1, rows: 2, publishers: 2, lost: 1, pubKill: 1, copies: true, vacuums: 1, again: 1},
		"vacuum twice":   {writers: 2, partitions: 1, rows: 2, publishers: 1, lost: 1, pubKill: 1, vacuums: 2},
		"vacuum, two":    {writers: 2, partitions: 2, rows: 1, publishers: 1, delayed: 1, vacuums: 1},
	} {
		t.Run(name, func(t *testing.T) {
			states, v := explore(b)
			if v != nil {
				t.Errorf("%s:\n%s", v.what, strings.Join(v.trace, "\n"))
			}
			t.Logf("%d states", states)
		})
	}
}

// tooth drops one rule, and wants the exploration to find what the user would see.
func tooth(t *testing.T, rule string, b bounds, want string) {
	t.Helper()
	t.Run(rule, func(t *testing.T) {
		b.drop = rule
		states, v := explore(b)
		switch {
		case v == nil:
			t.Errorf("nothing found in %d states, want %q", states, want)
		case !strings.Contains(v.what, want):
			t.Errorf("found %q, want %q:\n%s", v.what, want, strings.Join(v.trace, "\n"))
		default:
			t.Logf("%s after %d steps, %d states:\n%s", v.what, len(v.trace), states, strings.Join(v.trace, "\n"))
		}
	})
}

// R4: a record is created only where every source stands at the start.
func TestCompareEveryPartition(t *testing.T) {
	tooth(t, "no-compare", usual(), "rows twice")
	tooth(t, "compare-any", twoPartitions(), "rows twice")
	tooth(t, "compare-end", usual(), "rows twice")
	wild := usual()
	wild.wild, wild.kills = true, 0
	tooth(t, "compare-le", wild, "rows lost: a gap")
	// The control: writers that start anywhere do no harm while the rule holds.
	if states, v := explore(wild); v != nil {
		t.Errorf("wild starts: %s:\n%s", v.what, strings.Join(v.trace, "\n"))
	} else {
		t.Logf("wild starts: %d states", states)
	}
}

// R5: a number that was asked for is read before a higher one is.
func TestUnsettledNeverSkipped(t *testing.T) {
	b := usual()
	b.lost, b.delayed = 0, 1
	tooth(t, "skip-n", b, "rows twice")
}

// R5: staged files are not a writer's to delete, whatever it believes.
func TestWriterNeverDeletes(t *testing.T) {
	tooth(t, "delete-on-drop", usual(), "rows lost")
	tooth(t, "delete-on-SIGTERM", usual(), "rows lost")
}

// R6: who finds another's record reads to the head and compares again.
func TestRebaseReadsAll(t *testing.T) {
	tooth(t, "blind-retry", usual(), "rows twice")
}

// R7: what readers see is decided.
func TestNothingBeforeDecide(t *testing.T) {
	tooth(t, "main-first", usual(), "undecided rows visible")
	tooth(t, "janitor-undecided", usual(), "undecided rows visible")
}

// R7: every publisher uses the name in the record.
func TestFinalNameFromRecord(t *testing.T) {
	b := usual()
	b.writers, b.publishers, b.copies = 1, 2, true
	tooth(t, "own-name", b, "visible twice")
}

// R7: a staged file goes only when its copy was seen. (Package store holds the same
// for the calls of a local disk.)
func TestVerifyThenDelete(t *testing.T) {
	b := usual()
	b.copies = true
	tooth(t, "no-verify", b, "rows lost")
}

// R7: the name that goes away is looked at first.
func TestStagedFirst(t *testing.T) {
	b := usual()
	b.publishers = 2
	tooth(t, "final-first", b, "false alarm")
}

// R8: a checkpoint does not make a publisher forget.
func TestCheckpointKeepsMark(t *testing.T) {
	b := usual()
	b.pubKill = 1
	tooth(t, "no-mark", b, "never published")
}

// R3: what a record names has reached the disk before.
func TestStagedIsDurable(t *testing.T) {
	b := usual()
	b.power = 1
	tooth(t, "no-fsync", b, "rows lost")
}

// R3: no two builds share a name.
func TestBatchNamesUnique(t *testing.T) {
	tooth(t, "reuse-names", usual(), "rows lost")
}

// R13: a number that was used stays used.
func TestLedgerIsForever(t *testing.T) {
	tooth(t, "trim-ledger", usual(), "rows twice")
}

// R12: staging goes only where one loaded state shows that its batch can never be
// decided, or that it is decided and published.
func TestVacuumOnlyDead(t *testing.T) {
	b := usual()
	b.vacuums = 1
	tooth(t, "vacuum-undecided", b, "rows lost")
	tooth(t, "vacuum-at-start", b, "rows lost")
	tooth(t, "vacuum-overtaken", b, "rows lost")
	late := b
	late.lost, late.delayed = 0, 1
	tooth(t, "vacuum-age", late, "rows lost")
	// H2 of the model: a mark that passes what is decided lets a vacuum take it away.
	marked := b
	marked.pubKill = 1
	tooth(t, "no-mark", marked, "rows lost")
}
