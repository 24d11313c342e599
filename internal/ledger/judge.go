package ledger

import "fmt"

// Verdict says whether the staging of a batch may go.
type Verdict uint8

// The verdicts.
const (
	Waiting Verdict = iota // no source has passed its start: it may still be decided
	Needed                 // it is decided, and its files may not be published yet
	Dead                   // it can never be decided, or was decided and is published
	Unknown                // nothing says where it starts
)

var verdictNames = [...]string{"waiting", "needed", "dead", "unknown"}

func (v Verdict) String() string { return verdictNames[v] }

// Judge says what is to become of the staging of a batch with this manifest: the
// dead-batch rule (R12), and why. All that it needs is in this one state. Where some
// source has passed the start of the batch, no later record can name the batch, for
// offsets only grow (R4); and if it is among the records up to here, it is pending,
// or below the mark, where all finals are verified (R8). No clock is asked: a batch
// that nobody overtakes is waiting for ever, however old it is.
func (s *State) Judge(m *Manifest) (Verdict, string) {
	for _, p := range s.Pending {
		if p.Batch == m.Batch {
			return Needed, fmt.Sprintf("decided as record %d, and not known to be published", p.Seq)
		}
	}
	for _, start := range m.Sources {
		k := start.Key()
		if p := s.Sources[k]; p.Next > start.From { // 0, where nobody has claimed it
			return Dead, fmt.Sprintf("%s is decided to %d, and it starts at %d", k.Place(), p.Next, start.From)
		}
	}
	return Waiting, "no source has passed its start: it may still be decided"
}
