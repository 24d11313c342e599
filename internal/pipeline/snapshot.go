package pipeline

import (
	"slices"
	"time"

	"tidemark/internal/ledger"
)

// Snapshot is one table as it stands at a moment, for people to look at. It shares
// nothing that changes.
type Snapshot struct {
	Table    string
	State    *ledger.State        // nil before the ledger was read
	Ends     map[ledger.Key]int64 // last stable offsets of the partitions that are ours, as last seen
	Halted   string               // why the table halted; empty: it did not
	Recent   []*ledger.Record     // the newest batches published, the newest last
	Batches  int64                // decided by this process
	Counts   ledger.Counts        // of them
	OpenRows int64                // records accepted and not decided
	Oldest   time.Time            // the earliest Kafka time among them, zero: there are none
}

// Snapshot shows all tables, in the order of the configuration. It may be called at
// any time from any goroutine.
func (p *Pipeline) Snapshot() []Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Snapshot
	for _, t := range p.tables {
		s := Snapshot{Table: t.name, State: t.ledger.State(), Ends: map[ledger.Key]int64{}, Recent: slices.Clone(t.recent), Oldest: t.oldestLocked(), Batches: t.ours.batches, Counts: t.ours.counts}
		for key, pt := range t.parts {
			s.Ends[key] = pt.end
		}
		if t.halt != nil {
			s.Halted = t.halt.Why
		}
		for _, b := range t.undecidedLocked() {
			s.OpenRows += int64(b.raw.Rows())
		}
		out = append(out, s)
	}
	return out
}

func (t *table) oldest() time.Time {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	return t.oldestLocked()
}

// oldestLocked is the earliest Kafka time of a record that is read and undecided.
func (t *table) oldestLocked() (at time.Time) {
	for _, b := range t.undecidedLocked() {
		if !b.oldest.IsZero() && (at.IsZero() || b.oldest.Before(at)) {
			at = b.oldest
		}
	}
	return at
}

func (t *table) undecidedLocked() []*build {
	list := slices.Clone(t.flight)
	if t.open != nil {
		list = append(list, t.open)
	}
	return list
}
