package pipeline

import (
	"slices"

	"tidemark/internal/ledger"
	"tidemark/watermark"
)

// clock is what batches in flight have made of event time, on top of the ledger's
// state. The zero clock adds nothing.
type clock struct {
	mark  watermark.Mark
	parts map[ledger.Key]watermark.Partition
}

func markOf(t *ledger.Time) watermark.Mark {
	if t == nil {
		return watermark.Mark{}
	}
	return watermark.At(int64(*t))
}

func timeOf(m watermark.Mark) *ledger.Time {
	if !m.Known {
		return nil
	}
	t := ledger.Time(m.Micros)
	return &t
}

// before is the watermark that the next batch is judged by (L4).
func (c *clock) before(st *ledger.State) watermark.Mark {
	return markOf(st.Watermark).Max(c.mark)
}

// advance takes in a judged batch of a table.
func (c *clock) advance(t *Table, st *ledger.State, sources []ledger.Source) {
	if c.parts == nil {
		c.parts = map[ledger.Key]watermark.Partition{}
	}
	for i := range sources {
		s := &sources[i]
		was := c.parts[s.Key()]
		c.parts[s.Key()] = watermark.Partition{MaxEventTime: was.MaxEventTime.Max(markOf(s.MaxEventTime)), Idle: s.AtEnd}
	}
	c.mark = watermark.Next(c.before(st), t.partitions(st, c.parts), t.Delay)
}

// after is the watermark of the state that a record with these sources makes of st.
func (t *Table) after(st *ledger.State, sources []ledger.Source) watermark.Mark {
	var c clock
	c.advance(t, st, sources)
	return c.mark
}

// partitions are those of the ledger that still feed the table, with what is newer.
// A topic that was made anew, or taken out of the configuration, brings nothing any
// more and must not hold the watermark back for ever.
func (t *Table) partitions(st *ledger.State, newer map[ledger.Key]watermark.Partition) []watermark.Partition {
	var out []watermark.Partition
	for key, at := range st.Sources {
		if at.Retired || !slices.Contains(t.Topics, key.Topic) {
			continue
		}
		p := watermark.Partition{MaxEventTime: markOf(at.MaxEventTime), Idle: at.AtEnd}
		if n, ok := newer[key]; ok {
			p = watermark.Partition{MaxEventTime: p.MaxEventTime.Max(n.MaxEventTime), Idle: n.Idle}
		}
		out = append(out, p)
	}
	return out
}
