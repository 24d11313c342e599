package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"tidemark/internal/batch"
)

// Epoch names a leader epoch of a partition.
type Epoch struct {
	Source batch.Source
	Epoch  int32
}

// EpochEnds asks the brokers where leader epochs end: for each, the offset up to which
// the log, as it is now, was written under that epoch or an earlier one; −1 where the
// broker does not know. A log that ends an epoch before a record that was read under it
// has lost the record, whatever it holds in its place (KIP-101, KIP-320). An error says
// nothing about any of them. It may be called during Run and Drain, from any goroutine.
func (c *Consumer) EpochEnds(ctx context.Context, asks []Epoch) ([]int64, error) {
	s := c.session.Load()
	if s == nil {
		return nil, errors.New("ask for leader epochs: nothing is being read")
	}
	ctx, cancel := context.WithTimeout(ctx, patienceOfOne)
	defer cancel()
	var req kadm.OffsetForLeaderEpochRequest
	for _, a := range asks {
		req.Add(a.Source.Topic, a.Source.Partition, a.Epoch)
	}
	answers, err := s.admin.OffsetForLeaderEpoch(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("ask for leader epochs: %w", err)
	}
	ends := make([]int64, len(asks))
	for i, a := range asks {
		got, ok := answers[a.Source.Topic][a.Source.Partition]
		switch {
		case !ok:
			return nil, fmt.Errorf("ask for leader epochs: no answer for topic %s, partition %d", a.Source.Topic, a.Source.Partition)
		case got.Err != nil:
			return nil, fmt.Errorf("ask for leader epochs: topic %s, partition %d: %w", a.Source.Topic, a.Source.Partition, got.Err)
		}
		ends[i] = got.EndOffset
	}
	return ends, nil
}
