package consumer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/batch"
)

// read is the loop: room, orders, poll, hand over.
func (s *session) read(ctx context.Context) error {
	for {
		starts := s.starts.Load()
		s.full.Store(true)
		orders, err := s.handler.Wait(ctx)
		s.full.Store(false)
		if ctx.Err() != nil {
			// An order is given once. A pause holds beyond the round of a drain, which
			// would never end without it; where partitions stand does not.
			s.turn.do(func() { s.pause(orders.Pause) })
			return nil
		}
		if err != nil {
			return err
		}
		s.turn.poll(ctx, func(ctx context.Context) {
			s.obey(orders, starts)
			s.deliver()
			err = s.accept(s.fetch.poll(ctx))
		})
		if err != nil {
			return err
		}
	}
}

// obey carries out orders that were given after so many starts. In a turn.
func (s *session) obey(o Orders, starts int64) {
	s.pause(o.Pause)
	s.hold(o.Hold)
	var moved, crossed []*part
	for _, to := range o.Seek {
		p := s.parts[key{to.Source.Topic, to.Source.Partition}]
		if p == nil || p.src != to.Source || p.stage != reading || p.paused {
			continue
		}
		if p.term > starts {
			p.fail(errCrossed, true, time.Now())
			crossed = append(crossed, p)
			continue
		}
		p.pos, p.held = to.Offset, false
		moved = append(moved, p)
	}
	s.fetch.remove(append(crossed, moved...))
	s.fetch.add(moved)
	if len(crossed) > 0 {
		s.wake()
	}
	s.checkDrained()
}

// pause stops reading topics, for good. In a turn.
func (s *session) pause(topics []string) {
	for _, topic := range topics {
		if s.paused[topic] {
			continue
		}
		s.paused[topic] = true
		parts := s.sorted(func(p *part) bool { return p.src.Topic == topic })
		s.fetch.remove(parts)
		for _, p := range parts {
			p.paused = true
		}
		s.log.Warn("topic is paused", "topic", topic)
	}
}

// hold stops reading partitions until they are sought. In a turn.
func (s *session) hold(sources []batch.Source) {
	var held []*part
	for _, src := range sources {
		if p := s.parts[key{src.Topic, src.Partition}]; p != nil && p.src == src && p.stage == reading {
			p.held = true
			held = append(held, p)
		}
	}
	s.fetch.remove(held)
}

var errCrossed = errors.New("an order to move the partition crossed its start")

// accept hands over what was fetched, in a turn. The error ends the consumer.
func (s *session) accept(fetches kgo.Fetches) error {
	s.inHand.Store(s.fetch.weight(fetches.NumRecords()))
	defer s.inHand.Store(0)
	now := time.Now()
	var hurt []*part
	for i := range fetches {
		for j := range fetches[i].Topics {
			t := &fetches[i].Topics[j]
			for k := range t.Partitions {
				fp := &t.Partitions[k]
				p := s.parts[key{t.Topic, fp.Partition}]
				if p == nil || !p.hears() {
					continue // news of what is not read any more, or of the poll itself
				}
				if err := s.judge(p, t, fp); err != nil {
					if err := s.note(p, err, now); err != nil {
						return err
					}
					hurt = append(hurt, p)
					continue
				}
				s.hand(p, fp, now)
				for _, r := range fp.Records {
					r.Recycle() // into the pool, with what it points to
				}
			}
		}
	}
	if len(hurt) > 0 {
		s.fetch.remove(hurt)
		s.wake()
	}
	s.fetch.adapt()
	return nil // whether all is drained is seen after the next orders, which may hold some
}

// judge says why what was fetched of p may not be handed over, nil if it may.
func (s *session) judge(p *part, t *kgo.FetchTopic, fp *kgo.FetchPartition) error {
	var none [16]byte
	switch {
	case fp.Err != nil:
		return fp.Err
	case t.TopicID != none && p.src.TopicID != none && t.TopicID != p.src.TopicID:
		return kerr.InconsistentTopicID
	case p.fresh && len(fp.Records) > 0 && fp.LogStartOffset > p.pos:
		// The client moved a position that the log did not hold.
		return kerr.OffsetOutOfRange
	}
	return nil
}

// note records trouble with p; its error is one that no waiting cures.
func (s *session) note(p *part, err error, now time.Time) error {
	var loss *kgo.ErrDataLoss
	var large *kgo.ErrDecompressTooLarge
	if errors.As(err, &large) {
		return fmt.Errorf("read %s, partition %d, offset %d: a batch of the producer takes more than %d bytes of memory once decompressed; give more memory: %w",
			p.src.Topic, p.src.Partition, large.Offset, s.cfg.MaxBatchBytes, err)
	}
	p.fail(err, errors.As(err, &loss), now)
	s.metrics.troubles.WithLabelValues("partition").Inc()
	s.warn("partition is to be read anew", "topic", p.src.Topic, "partition", p.src.Partition, "offset", p.pos, "err", err)
	return nil
}

// hand gives the records of one partition to the Handler.
func (s *session) hand(p *part, fp *kgo.FetchPartition, now time.Time) {
	n := len(fp.Records)
	if n == 0 {
		return
	}
	if fp.LastStableOffset >= 0 {
		p.end = max(p.end, fp.LastStableOffset)
	}
	next := min(fp.Records[n-1].Offset+1, p.target)
	if next <= p.pos {
		return
	}
	from := p.pos
	p.pos, p.fresh = next, false
	p.moved(now)
	s.handler.Accept(p.src, next, p.bound(), records(fp.Records, from, next))
	s.metrics.setLag(p.table, p)
	if p.pos >= p.target {
		s.fetch.remove([]*part{p})
	}
}

// records gives what a client fetched as the Handler wants it: without the markers
// of transactions, and within [from, to).
func records(fetched []*kgo.Record, from, to int64) iter.Seq[batch.Record] {
	return func(yield func(batch.Record) bool) {
		var headers []batch.Header
		for _, r := range fetched {
			if r.Offset < from || r.Attrs.IsControl() {
				continue
			}
			if r.Offset >= to {
				return
			}
			headers = headers[:0]
			for _, h := range r.Headers {
				headers = append(headers, batch.Header{Key: h.Key, Value: h.Value})
			}
			rec := batch.Record{Offset: r.Offset, Time: r.Timestamp, LeaderEpoch: r.LeaderEpoch, Key: r.Key, Value: r.Value}
			if len(headers) > 0 {
				rec.Headers = headers
			}
			if !yield(rec) {
				return
			}
		}
	}
}

// checkDrained ends the round of a drain that has nothing left to read. In a turn.
func (s *session) checkDrained() {
	if !s.drains {
		return
	}
	for _, p := range s.parts {
		if !p.drained() {
			return
		}
	}
	s.round(errDrained)
}
