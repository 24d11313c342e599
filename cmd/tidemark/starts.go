package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"tidemark/consumer"
	"tidemark/internal/config"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/status"
)

// start is where run would begin to read a partition, and why.
type start struct {
	topic consumer.TopicInfo
	part  consumer.PartitionInfo
	at    int64
	why   string
	loss  *pipeline.LossError // run would stop with it, unless it may go on
}

// starts says where reading of a table's partitions begins.
func (c *plan) starts(t *config.Table) []start {
	var out []start
	st, loaded := c.states[t.Schema.Name]
	if c.info == nil || !loaded { // without the ledger there is no saying
		return nil
	}
	for _, topic := range c.info.Topics {
		if topic.Table != t.Schema.Name || topic.Err != nil {
			continue
		}
		for _, p := range topic.Partitions {
			if p.Err == nil {
				out = append(out, begin(t.Schema.Name, st, topic, p))
			}
		}
	}
	return out
}

// begin decides as the pipeline will: by the ledger where it knows the partition.
func begin(table string, st *ledger.State, topic consumer.TopicInfo, p consumer.PartitionInfo) start {
	s := start{topic: topic, part: p, at: p.Begin, why: "kafka.start"}
	key := ledger.Key{Topic: topic.Topic, TopicID: topic.ID, Partition: p.Partition}
	loss := &pipeline.LossError{Table: table, Topic: topic.Topic, Partition: p.Partition, Start: p.LogStart, End: p.End, Old: topic.ID, New: topic.ID}
	if progress, known := st.Sources[key]; known {
		s.at, s.why = progress.Next, "the ledger"
		loss.Next = progress.Next
		loss.Truncated = progress.Next > p.End
		loss.Retired = progress.Retired
		if loss.Retired || loss.Truncated || progress.Next < p.LogStart {
			s.loss = loss
		}
		return s
	}
	for _, k := range st.Keys() {
		switch {
		case k.Topic != topic.Topic || st.Sources[k].Retired:
		case k.TopicID == topic.ID:
			s.at, s.why = p.LogStart, "a new partition of a known topic"
		case k.Partition == p.Partition:
			loss.Old, loss.Next = k.TopicID, st.Sources[k].Next
			s.at, s.loss = p.LogStart, loss
		}
	}
	return s
}

// findLosses makes faults of what run would stop at.
func (c *plan) findLosses() {
	if c.cfg.Kafka == nil || c.cfg.Kafka.OnLoss == "continue" {
		return
	}
	for _, t := range c.tables {
		for _, s := range c.starts(t) {
			if s.loss != nil {
				c.faults = append(c.faults, s.loss)
			}
		}
	}
}

func (c *plan) printStarts(out *strings.Builder, t *config.Table) {
	starts := c.starts(t)
	if len(starts) == 0 {
		return
	}
	w := status.Grid("partition", "+log start", "+end", "+reading begins at", "by")
	for _, s := range starts {
		if s.loss != nil {
			s.why = "LOST, see below"
			if c.cfg.Kafka.OnLoss == "continue" {
				s.at, s.why = s.part.LogStart, "on_loss: continue"
			}
		}
		w.AppendRow(table.Row{fmt.Sprintf("%s/%d", s.topic.Topic, s.part.Partition), status.Number(s.part.LogStart), status.Number(s.part.End), status.Number(s.at), s.why})
	}
	fmt.Fprintf(out, "%s\n", w.Render())
}
