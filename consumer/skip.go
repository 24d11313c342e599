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

// skipped is a stretch of a partition in which nothing is to be read: [pos, next).
type skipped struct {
	p              *part
	src            batch.Source
	term           int64
	pos, next, end int64
}

// skim finds out whether a partition that gives no records, although its end is
// ahead, holds any at all: behind the position there may be only aborted records
// and batches emptied by compaction, which a client passes over in silence. It
// asks the broker itself, batch by batch, for where the next record is. What a
// broker once showed as empty below the last stable offset stays empty, so
// nothing that is fetched beside us can lie in between.
func (s *session) skim(ctx context.Context, ask skipped, leader int32) skipped {
	ask.next = ask.pos
	for ask.next < ask.end {
		next, err := s.probe(ctx, ask.src, ask.next, leader)
		if err != nil || next <= ask.next {
			break
		}
		ask.next = min(next, ask.end)
	}
	return ask
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
	}, rp, s.fetch.unpack, nil)
	switch {
	case fp.Err != nil:
		return pos, fp.Err
	case len(fp.Records) > 0:
		return min(fp.Records[0].Offset, next), nil
	case len(rp.RecordBatches) == 0 && resp.ThrottleMillis == 0:
		return s.emptied(ctx, src, pos, rp.LastStableOffset)
	}
	return next, nil
}

// emptied answers for a fetch at pos that gave no batch at all: the log is empty
// from there to end, unless what is there lies in remote storage and did not come
// in time, which looks the same.
func (s *session) emptied(ctx context.Context, src batch.Source, pos, end int64) (int64, error) {
	local, err := s.admin.ListLocalLogStartOffsets(ctx, src.Topic)
	if err != nil {
		return pos, err
	}
	if o, ok := local.Lookup(src.Topic, src.Partition); !ok || o.Err != nil || o.Offset > pos {
		return pos, nil
	}
	return end, nil
}
