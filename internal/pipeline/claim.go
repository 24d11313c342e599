package pipeline

import (
	"errors"
	"fmt"

	"tidemark/consumer"
	"tidemark/internal/ledger"
)

// claim is a place to read from that the ledger does not know yet.
type claim struct {
	why     string
	sources []ledger.Source
}

// planner finds out what must be claimed before partitions can be read: pure
// logic over a state of the ledger and what the logs hold.
type planner struct {
	table  string
	state  *ledger.State
	onLoss OnLoss
	many   bool // the table has several topics: errors name them
	// doubts are the sources of which the log, when it was last seen, did not show what
	// the ledger knew, and what that was. It was seen again since.
	doubts map[ledger.Key]int64
	// epochs are where the leader epochs of known sources end in the logs, −1: not known.
	epochs map[ledger.Key]int64

	claims []claim
	ahead  map[ledger.Key]int64 // doubts to be settled by another look
	errs   []error
}

// plan looks at one partition.
func (pl *planner) plan(part consumer.Partition) {
	key := keyOf(part.Source)
	at, known := pl.state.Sources[key]
	switch old, sibling := pl.relatives(key); {
	case known && pl.doubt(part, at):
	case known && at.Retired:
		pl.lose(&LossError{Table: pl.table, Topic: key.Topic, Partition: key.Partition, Old: key.TopicID, New: key.TopicID, Retired: true})
	case known && at.Next < part.LogStart:
		pl.gap(part, at)
	case known && pl.rewritten(part, at):
		pl.lose(&LossError{Table: pl.table, Topic: pl.named(key), Partition: key.Partition, Next: at.Seen, End: pl.epochs[key], Rewritten: true, Epoch: at.LeaderEpoch})
	case known && at.Next > part.End:
		pl.lose(&LossError{Table: pl.table, Topic: pl.named(key), Partition: key.Partition, Next: at.Next, End: part.End, Truncated: true})
	case known:
	case sibling:
		// Records that came before we heard of it are wanted too.
		pl.first(part, part.LogStart, fmt.Sprintf("topic %s has a new partition: it begins at its log start", key.Topic))
	case old != ledger.TopicID{} && pl.onLoss == Stop:
		pl.lose(&LossError{Table: pl.table, Topic: key.Topic, Partition: key.Partition, Old: old, New: key.TopicID})
	case old != ledger.TopicID{}:
		pl.first(part, part.LogStart, fmt.Sprintf("topic %s was deleted and created again, as %s in place of %s, and on_loss is continue", key.Topic, key.TopicID, old))
	default:
		pl.first(part, part.Begin, fmt.Sprintf("topic %s is new to the table", key.Topic))
	}
}

// rewritten reports whether the log was cut off before a decided record, and has grown
// since: its offsets mean other records now. The leader epoch that the record was read
// under then ends before it (KIP-101). Records that retention took are no such thing.
func (pl *planner) rewritten(part consumer.Partition, at ledger.Progress) bool {
	end, told := pl.epochs[keyOf(part.Source)]
	return told && end >= 0 && end < at.Seen && at.Seen > part.LogStart && at.Next <= part.End
}

// doubt reports whether the ledger is ahead of the log, and that may be because the
// log was seen first: somebody read on since. It is settled when the log is seen again.
func (pl *planner) doubt(part consumer.Partition, at ledger.Progress) bool {
	key := keyOf(part.Source)
	then, again := pl.doubts[key]
	if !at.Retired && at.Next <= part.End || again && (at.Retired || part.End < then) {
		return false
	}
	if pl.ahead == nil {
		pl.ahead = map[ledger.Key]int64{}
	}
	pl.ahead[key] = at.Next
	return true
}

// relatives says whether the ledger knows other partitions of the topic, and under
// which other id it knows the topic's name, if it does.
func (pl *planner) relatives(key ledger.Key) (old ledger.TopicID, sibling bool) {
	for k, at := range pl.state.Sources {
		switch {
		case k.Topic != key.Topic || at.Retired:
		case k.TopicID == key.TopicID:
			sibling = true
		default:
			old = k.TopicID
		}
	}
	return old, sibling
}

// gap is for a partition whose log no longer holds what comes next.
func (pl *planner) gap(part consumer.Partition, at ledger.Progress) {
	key := keyOf(part.Source)
	if pl.onLoss == Stop {
		pl.lose(&LossError{Table: pl.table, Topic: pl.named(key), Partition: key.Partition, Next: at.Next, Start: part.LogStart})
		return
	}
	why := fmt.Sprintf("records are gone from topic %s, and on_loss is continue", key.Topic)
	pl.claim(why, ledger.Source{
		Topic: key.Topic, TopicID: key.TopicID, Partition: key.Partition,
		From: at.Next, To: part.LogStart, Skipped: part.LogStart - at.Next, LeaderEpoch: at.LeaderEpoch,
	})
}

func (pl *planner) first(part consumer.Partition, at int64, why string) {
	key := keyOf(part.Source)
	pl.claim(why, ledger.Source{Topic: key.Topic, TopicID: key.TopicID, Partition: key.Partition, From: at, To: at, First: true})
}

// claim adds to the claim with the same reason: a record has one.
func (pl *planner) claim(why string, src ledger.Source) {
	for i := range pl.claims {
		if pl.claims[i].why == why {
			pl.claims[i].sources = append(pl.claims[i].sources, src)
			return
		}
	}
	pl.claims = append(pl.claims, claim{why, []ledger.Source{src}})
}

func (pl *planner) lose(err *LossError) { pl.errs = append(pl.errs, err) }

// named is the topic if an error has to name it.
func (pl *planner) named(key ledger.Key) string {
	if pl.many {
		return key.Topic
	}
	return ""
}

// result is what is to be claimed, or why nothing can be read.
func (pl *planner) result() ([]claim, error) {
	if len(pl.errs) == 0 && len(pl.ahead) > 0 {
		return nil, consumer.ErrOutdated
	}
	return pl.claims, errors.Join(pl.errs...)
}
