// White-box: see explore_internal_test.go.

package ledger

import (
	"fmt"
	"slices"
)

// vacuumSteps let a vacuum load, and remove one by one what it finds dead in that one
// state, however much later; and let second copies of staged files land.
func (x *explorer) vacuumSteps(w *world, do emit) {
	if w.vacuums > 0 {
		st, err := x.load(w)
		if err != nil {
			do("V load", w.clone(), "ledger broken: "+err.Error())
			return
		}
		c := w.clone()
		c.vacuums--
		c.vacuum = st.withMark(w.checkpoint)
		do(fmt.Sprintf("V loads %d, mark %d", c.vacuum.Head, c.vacuum.Mark), c, "")
	}
	for name := range x.builds {
		f, staged := w.staged[name]
		if w.vacuum != nil && staged && x.removes(w, f.content) {
			c := w.clone()
			delete(c.staged, name)
			do(fmt.Sprintf("V removes b%d", f.content), c, "")
		}
		if content, final := w.final[name][-1]; final && !staged && w.again > 0 {
			c := w.clone()
			c.again--
			c.staged[name] = file{content: content, durable: true}
			do(fmt.Sprintf("V sees b%d staged once more", content), c, "")
		}
	}
}

// removes asks the real rule, or what is put in its place, about a staged batch.
func (x *explorer) removes(w *world, batch int) bool {
	c := x.claimant(batch)
	m := Manifest{Version: Version, Table: "t", Batch: c.Batch}
	for _, s := range c.Sources {
		m.Sources = append(m.Sources, ManifestStart{Topic: s.Topic, TopicID: s.TopicID, Partition: s.Partition, From: s.From})
	}
	verdict, _ := w.vacuum.Judge(&m)
	pending := slices.ContainsFunc(w.vacuum.Pending, func(p Pending) bool { return p.Batch == c.Batch })
	switch x.drop {
	case "vacuum-undecided":
		return !pending
	case "vacuum-at-start":
		return !pending && slices.ContainsFunc(m.Sources, func(s ManifestStart) bool {
			return w.vacuum.Sources[Key{Topic: s.Topic, TopicID: s.TopicID, Partition: s.Partition}].Next >= s.From
		})
	case "vacuum-age":
		// So old that nobody is at work on it any more: only a PUT may still be on its way.
		return !pending && !slices.ContainsFunc(w.writers, func(s writerState) bool { return s.batch == batch })
	case "vacuum-overtaken":
		return verdict == Dead || verdict == Needed
	}
	return verdict == Dead
}
