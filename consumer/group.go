package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// leaving bounds the farewell to the group: a broker that is away does not keep
// us from ending.
const leaving = 2 * time.Second

// join makes the client that is a member of the group. It never fetches: asked
// where to begin, it is told of no partition. Kafka's committed offsets reach
// nobody (C1).
func (s *session) join() error {
	opts := append([]kgo.Opt{
		kgo.ConsumerGroup(s.cfg.Group),
		kgo.ConsumeTopics(s.cfg.topics()...),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(s.cfg.SessionTimeout),
		kgo.HeartbeatInterval(min(3*time.Second, s.cfg.SessionTimeout/3)),
		kgo.AdjustFetchOffsetsFn(func(context.Context, map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			return nil, nil
		}),
		kgo.OnPartitionsAssigned(func(_ context.Context, cl *kgo.Client, got map[string][]int32) { s.assigned(cl, got) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, cl *kgo.Client, gone map[string][]int32) {
			s.gone(cl, gone, Revoked)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, cl *kgo.Client, gone map[string][]int32) {
			s.gone(cl, gone, Lost)
		}),
	}, s.opts...)
	if s.cfg.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(s.cfg.InstanceID))
	}
	if s.cfg.Protocol == "consumer" {
		opts = append(opts, kgo.ServerSideBalancer())
	} else {
		opts = append(opts, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	}
	var err error
	s.group, err = kgo.NewClient(opts...) // callbacks may come before it returns
	return err
}

// assigned takes partitions as ours; the watcher starts them.
func (s *session) assigned(member *kgo.Client, got map[string][]int32) {
	s.turn.do(func() {
		if s.ctx.Err() != nil {
			return
		}
		if s.disowned(member) {
			s.distrust()
		}
		for topic, partitions := range got {
			for _, n := range partitions {
				k := key{topic, n}
				if s.parts[k] == nil {
					s.parts[k] = newPart(k, s.cfg.Tables[topic])
					s.parts[k].paused = s.paused[topic]
				}
			}
		}
		s.publish()
	})
	s.wake()
}

// gone gives partitions back to the group, which waits for us to return.
func (s *session) gone(member *kgo.Client, gone map[string][]int32, why StopReason) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), s.cfg.RevokeTimeout)
	defer cancel()
	s.turn.do(func() {
		disowned := s.disowned(member)
		if disowned {
			why = Lost
		}
		var parts []*part
		for topic, partitions := range gone {
			for _, n := range partitions {
				if p := s.parts[key{topic, n}]; p != nil {
					parts = append(parts, p)
				}
			}
		}
		if err := s.give(ctx, parts, why); err != nil {
			s.fail(err)
		}
		if disowned {
			s.distrust()
		}
	})
}

// disowned reports whether we became another member of the group since partitions
// last came or went. Where a broker answers a join that it knows no such member, the
// client joins as a new one without a word: it takes for revoked what others have had
// since the session ended, and for its own still what came back to it. In a turn.
func (s *session) disowned(member *kgo.Client) bool {
	was := s.member
	s.member, _ = member.GroupMetadata()
	return was != "" && s.member != was
}

var errDisowned = errors.New("the session in the group had ended")

// distrust makes all that is held be given up as lost and read anew. In a turn.
func (s *session) distrust() {
	held := s.sorted((*part).started)
	for _, p := range held {
		p.fail(errDisowned, true, time.Now())
	}
	if len(held) > 0 {
		s.fetch.remove(held)
		s.log.Info("giving partitions up", "why", Lost.String(), "partitions", len(held))
		s.wake()
	}
}

// listen hears what the group has to say beside assignments, until the client is
// closed. Nothing is ever fetched by it.
func (s *session) listen() {
	var taken, last time.Time // since when the instance id is another's, and when that was last heard
	for {
		fetches := s.group.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			s.metrics.troubles.WithLabelValues("group").Inc()
			s.warn("the group has a problem", "group", s.cfg.Group, "err", err)
			switch now := time.Now(); {
			case errors.Is(err, kerr.FencedInstanceID):
				s.fail(fmt.Errorf("%w instance_id %s: another member uses it: %w", ErrRefused, s.cfg.InstanceID, err))
			case errors.Is(err, kerr.UnreleasedInstanceID):
				// Who died without a farewell has it until its session ends; who lives, for ever.
				if now.Sub(last) > lately {
					taken = now
				}
				if last = now; now.Sub(taken) >= s.cfg.Patience {
					s.fail(fmt.Errorf("%w instance_id %s for %s: another member uses it: give each process an instance_id of its own: %w",
						ErrRefused, s.cfg.InstanceID, s.cfg.Patience, err))
				}
			}
		})
	}
}

// forget makes the group's client forget a topic that was made anew, with the
// id that it had; being assigned its partitions again, we start them.
func (s *session) forget(topic string) {
	if s.drains {
		return
	}
	s.group.PurgeTopicsFromConsuming(topic)
	s.group.AddConsumeTopics(topic)
}

// leave leaves the group and closes its client, soon.
func (s *session) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	member, _ := s.group.GroupMetadata()
	err := s.group.LeaveGroupContext(ctx)
	if errors.Is(err, kerr.InvalidRequest) && s.cfg.Protocol == "consumer" && s.cfg.InstanceID != "" {
		err = s.release(ctx, member)
	}
	if err != nil {
		s.log.Warn("leaving the group", "group", s.cfg.Group, "err", err)
	}
	s.group.CloseAllowingRebalance()
}

// release gives the instance id of a static member back, so that the process that
// comes next may take it at once. The client (1.22) forgets to name the id in
// KIP-848's farewell, which the broker then refuses: the id would stay taken until
// the session ends.
func (s *session) release(ctx context.Context, member string) error {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.InstanceID = s.cfg.Group, member, &s.cfg.InstanceID
	req.MemberEpoch = -2 // a static member that comes back
	resp, err := req.RequestWith(ctx, s.group)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

// commit tells the group's offsets: as a member, or in a drain from outside.
func (s *session) commit(ctx context.Context, offsets []Offset) error {
	owned := *s.owned.Load()
	ours := map[string]map[int32]kgo.EpochOffset{}
	outside := kadm.Offsets{}
	for _, o := range offsets {
		if _, ok := owned[key{o.Topic, o.Partition}]; !ok {
			continue
		}
		if ours[o.Topic] == nil {
			ours[o.Topic] = map[int32]kgo.EpochOffset{}
		}
		ours[o.Topic][o.Partition] = kgo.EpochOffset{Epoch: o.LeaderEpoch, Offset: o.Offset}
		outside.Add(kadm.Offset{Topic: o.Topic, Partition: o.Partition, At: o.Offset, LeaderEpoch: o.LeaderEpoch})
	}
	if len(ours) == 0 {
		return nil
	}
	if s.drains {
		if err := s.admin.CommitAllOffsets(ctx, s.cfg.Group, outside); err != nil {
			return fmt.Errorf("commit offsets of group %s from outside: %w", s.cfg.Group, err)
		}
		return nil
	}
	var failed error
	s.group.CommitOffsetsSync(ctx, ours, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failed = commitError(resp, err)
	})
	if failed != nil {
		return fmt.Errorf("commit offsets of group %s: %w", s.cfg.Group, failed)
	}
	return nil
}

// commitError finds the first error in an answer.
func commitError(resp *kmsg.OffsetCommitResponse, err error) error {
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("topic %s, partition %d: %w", t.Topic, p.Partition, err)
			}
		}
	}
	return nil
}
