package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"tidemark/internal/batch"
)

// patienceOfOne is how long one look at the brokers may take.
const patienceOfOne = 10 * time.Second

// sight is what a look at the brokers found: the partitions of topics, and for
// each topic or partition that was not found, why.
type sight struct {
	asked   []string
	parts   map[key]Partition
	leaders map[key]int32
	topics  map[string]error
	missing map[key]error
}

// look asks the brokers for the ids, bounds and beginnings of topics, once.
func look(ctx context.Context, admin *kadm.Client, topics []string, from start) (sight, error) {
	ctx, cancel := context.WithTimeout(ctx, patienceOfOne)
	defer cancel()
	s := sight{asked: topics, parts: map[key]Partition{}, leaders: map[key]int32{}, topics: map[string]error{}, missing: map[key]error{}}
	if len(topics) == 0 {
		return s, nil
	}
	details, err := admin.ListTopics(ctx, topics...)
	if err != nil {
		return s, fmt.Errorf("list topics: %w", err)
	}
	var there []string
	for _, topic := range topics {
		d, ok := details[topic]
		switch {
		case !ok:
			s.topics[topic] = kerr.UnknownTopicOrPartition
		case d.Err != nil:
			s.topics[topic] = d.Err
		default:
			there = append(there, topic)
		}
	}
	if len(there) == 0 {
		return s, nil
	}
	// The start is asked for before the end, so that it is never behind it.
	starts, err := admin.ListStartOffsets(ctx, there...)
	if err != nil {
		return s, fmt.Errorf("list start offsets: %w", err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, there...)
	if err != nil {
		return s, fmt.Errorf("list end offsets: %w", err)
	}
	begins, err := from.offsets(ctx, admin, starts, ends, there)
	if err != nil {
		return s, fmt.Errorf("list offsets at the time to start from: %w", err)
	}
	for _, topic := range there {
		for n, d := range details[topic].Partitions {
			k := key{topic, n}
			p, err := bounds(k, starts, ends, begins)
			if err == nil {
				err = d.Err
			}
			if err != nil {
				s.missing[k] = err
				continue
			}
			p.TopicID = details[topic].ID
			s.parts[k], s.leaders[k] = p, d.Leader
		}
	}
	return s, nil
}

// bounds puts the answers for one partition together.
func bounds(k key, starts, ends, begins kadm.ListedOffsets) (Partition, error) {
	p := Partition{Source: batch.Source{Topic: k.topic, Partition: k.partition}}
	for _, ask := range []struct {
		listed kadm.ListedOffsets
		to     *int64
	}{{starts, &p.LogStart}, {ends, &p.End}, {begins, &p.Begin}} {
		o, ok := ask.listed.Lookup(k.topic, k.partition)
		if !ok {
			return p, kerr.UnknownTopicOrPartition
		}
		if o.Err != nil {
			return p, o.Err
		}
		*ask.to = o.Offset
	}
	p.Begin = max(min(p.Begin, p.End), p.LogStart)
	return p, nil
}

// offsets finds where s points in each partition.
func (s start) offsets(ctx context.Context, admin *kadm.Client, starts, ends kadm.ListedOffsets, topics []string) (kadm.ListedOffsets, error) {
	at := s.at
	switch {
	case s.latest:
		return ends, nil
	case s.ago > 0:
		at = time.Now().Add(-s.ago)
	case s.at.IsZero():
		return starts, nil
	}
	return admin.ListOffsetsAfterMilli(ctx, at.UnixMilli(), topics...)
}
