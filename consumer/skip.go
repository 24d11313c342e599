package consumer

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/internal/batch"
)

const (
	probeBytes = 1 << 20
	probeMax   = 30 * time.Second
)

// skip finds out whether a partition that gives no records, although its end is
// ahead, holds any at all: behind the position there may be only aborted records
// and batches emptied by compaction, which a client passes over in silence. It
// asks the broker itself, batch by batch, and moves the position behind what
// holds nothing. What a broker once showed as empty below the last stable offset
// stays empty, so nothing that is fetched beside us can lie in between.
func (s *session) skip(ctx context.Context, p *part, leader int32) {
	var src batch.Source
	var pos, end int64
	s.turn.do(func() { src, pos, end = p.src, p.pos, p.bound() })
	for pos < end && ctx.Err() == nil {
		next, err := s.probe(ctx, src, pos, leader)
		moved := false
		s.turn.do(func() {
			if err != nil || p.src != src || p.stage != reading || p.paused || p.pos != pos || s.parts[p.key()] != p {
				return
			}
			if next = min(next, p.bound()); next <= pos {
				// There are records: they will come. Ask less and less often.
				p.wait = min(max(2*p.wait, beat), probeMax)
				p.probe = time.Now().Add(p.wait)
				return
			}
			moved, p.pos = true, next
			p.moved(time.Now())
			s.handler.Accept(p.src, p.pos, p.bound(), none)
			s.metrics.setLag(p.table, p)
			if p.pos >= p.target {
				s.fetch.remove([]*part{p})
			}
			s.checkDrained()
		})
		if !moved {
			return
		}
		pos = next
	}
}

// probe fetches once at pos and returns the offset behind what holds no records:
// pos where there is a record, or where the answer says nothing.
func (s *session) probe(ctx context.Context, src batch.Source, pos int64, leader int32) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patienceOfOne)
	defer cancel()
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = src.Partition, pos, probeBytes
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID, topic.Partitions = src.Topic, src.TopicID, []kmsg.FetchRequestTopicPartition{part}
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.IsolationLevel, req.SessionEpoch = probeBytes, 1, -1
	req.Topics = []kmsg.FetchRequestTopic{topic}

	answer, err := s.fetch.client.Broker(int(leader)).RetriableRequest(ctx, req)
	if err != nil {
		return pos, err
	}
	resp := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return pos, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return pos, nil
	}
	rp := &resp.Topics[0].Partitions[0]
	fp, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: pos, Topic: src.Topic, Partition: src.Partition, IsolationLevel: kgo.ReadCommitted(),
	}, rp, kgo.DefaultDecompressor(), nil)
	switch {
	case fp.Err != nil:
		return pos, fp.Err
	case len(fp.Records) > 0:
		return min(fp.Records[0].Offset, next), nil
	case len(rp.RecordBatches) == 0 && resp.ThrottleMillis == 0:
		return rp.LastStableOffset, nil // compacted away up to the end
	}
	return next, nil
}
