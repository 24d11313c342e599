package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"tidemark/internal/batch"
)

// beat is how often the watcher brings news.
const beat = time.Second

// watch starts partitions that are wanted, starts broken ones anew, and brings
// news of positions and ends, once a second. It asks the brokers outside of its
// turns, and looks again in its turn at what may have changed meanwhile.
func (s *session) watch(ctx context.Context) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		news := false
		select {
		case <-ctx.Done():
			return nil
		case <-s.kick:
		case <-tick.C:
			news = true
		}
		if err := s.mend(ctx); err != nil {
			return err
		}
		if news {
			if err := s.news(ctx); err != nil {
				return err
			}
		}
	}
}

// mend starts all that is not read but should be, and looks for topics that were
// not found yet: without any there is no assignment, and nobody would say why.
func (s *session) mend(ctx context.Context) error {
	topics := s.topicsOf(func(p *part) bool { return p.stage != reading && !p.paused })
	for topic := range s.unseen {
		if !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	if len(topics) == 0 {
		return nil
	}
	seen, err := look(ctx, s.admin, topics, s.start)
	if again, err := s.bear(ctx, seen, err, topics); again || err != nil {
		return err
	}
	var renamed []string
	s.turn.do(func() {
		if ctx.Err() != nil {
			return
		}
		renamed = s.renew(seen)
		if err = s.halt(ctx, seen); err == nil {
			err = s.begin(ctx, seen)
		}
	})
	for _, topic := range renamed {
		s.forget(topic)
	}
	return ended(ctx, err)
}

// ended drops an error that is only the end of ctx.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// topicsOf returns the topics of the parts that pick selects.
func (s *session) topicsOf(pick func(*part) bool) []string {
	var topics []string
	s.turn.do(func() {
		for _, p := range s.sorted(pick) {
			if n := len(topics); n == 0 || topics[n-1] != p.src.Topic {
				topics = append(topics, p.src.Topic)
			}
		}
	})
	return topics
}

// bear says what to do about what a look did not find: try again later, or, where
// brokers have refused for longer than our patience, end. Topics that were
// refused do not stand in the way of others.
func (s *session) bear(ctx context.Context, seen sight, err error, topics []string) (again bool, end error) {
	if ctx.Err() != nil {
		return true, nil
	}
	now := time.Now()
	if err != nil {
		s.metrics.troubles.WithLabelValues("look").Inc()
		s.warn("kafka does not answer; trying again", "err", err)
		return true, s.refusal("", err, now)
	}
	delete(s.refusals, "")
	for _, topic := range topics {
		err := seen.topics[topic]
		if err == nil {
			delete(s.refusals, topic)
			delete(s.unseen, topic)
			continue
		}
		s.metrics.troubles.WithLabelValues("topic").Inc()
		s.warn("topic cannot be read; trying again", "topic", topic, "err", err)
		if end := s.refusal(topic, err, now); end != nil {
			return false, end
		}
	}
	return false, nil
}

// refusal notes that topic (empty: everything) is refused and returns an error
// when it has been for longer than our patience.
func (s *session) refusal(topic string, err error, now time.Time) error {
	if !refused(err) {
		delete(s.refusals, topic)
		return nil
	}
	since, ok := s.refusals[topic]
	if !ok {
		s.refusals[topic] = now
		return nil
	}
	if now.Sub(since) < s.cfg.Patience {
		return nil
	}
	what := "the connection"
	if topic != "" {
		what = "topic " + topic
	}
	return fmt.Errorf("%w %s for %s: %w: mend the cluster or the configuration, and start again", ErrRefused, what, s.cfg.Patience, err)
}

// renew finds topics that were made anew since we read them: all their partitions
// are broken then. It returns these topics. In a turn.
func (s *session) renew(seen sight) []string {
	var renamed []string
	for _, p := range s.sorted(nil) {
		now, ok := seen.parts[p.key()]
		if !ok || !s.fetch.stale(p.src.Topic, now.TopicID) {
			continue
		}
		if n := len(renamed); n == 0 || renamed[n-1] != p.src.Topic {
			renamed = append(renamed, p.src.Topic)
			s.log.Warn("topic was made anew", "topic", p.src.Topic, "id", fmt.Sprintf("%x", now.TopicID))
		}
		p.fail(errRenewed, false, time.Now())
		if s.drains {
			s.ends[p.key()], p.target = now.End, now.End
		}
	}
	return renamed
}

var errRenewed = errors.New("the topic was deleted and created again")

// halt takes broken parts out of the Handler's hands. In a turn.
func (s *session) halt(ctx context.Context, seen sight) error {
	for _, why := range []StopReason{Lost, Drained} {
		parts := s.sorted(func(p *part) bool {
			_, ok := seen.parts[p.key()]
			return ok && p.stage == broken && p.undo == (why == Lost)
		})
		if len(parts) == 0 {
			continue
		}
		s.fetch.remove(parts)
		ctx, cancel := context.WithTimeout(ctx, s.cfg.RevokeTimeout)
		err := s.stop(ctx, sources(parts), why)
		cancel()
		if err != nil {
			return err
		}
		for _, p := range parts {
			p.stage, p.undo = wanted, false
		}
	}
	return nil
}

func sources(parts []*part) []batch.Source {
	srcs := make([]batch.Source, len(parts))
	for i, p := range parts {
		srcs[i] = p.src
	}
	return srcs
}

// begin starts parts that are wanted and were seen. In a turn.
func (s *session) begin(ctx context.Context, seen sight) error {
	now := time.Now()
	if err := s.suffer(seen, now); err != nil {
		return err
	}
	var parts []*part
	var asks []Partition
	for _, p := range s.sorted(func(p *part) bool { return p.stage == wanted && !p.paused }) {
		if found, ok := seen.parts[p.key()]; ok {
			parts, asks = append(parts, p), append(asks, found)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	offsets, err := s.handler.Start(ctx, asks)
	if errors.Is(err, ErrOutdated) {
		s.wake() // they stay wanted: the next look comes first
		return nil
	}
	if err != nil {
		return err
	}
	if len(offsets) != len(asks) {
		return fmt.Errorf("start partitions: the handler answered %d offsets for %d", len(offsets), len(asks))
	}
	for i, p := range parts {
		p.src, p.stage, p.pos, p.end = asks[i].Source, reading, offsets[i], asks[i].End
		p.term, p.heard, p.wait, p.probe = s.starts.Add(1), now, 0, time.Time{}
		s.needed = s.needed || p.pos < p.target
		s.fetch.identify(p.src.Topic, p.src.TopicID)
		s.metrics.setLag(p.table, p)
		s.log.Info("reading", "topic", p.src.Topic, "partition", p.src.Partition, "offset", p.pos, "end", p.end)
	}
	s.publish()
	s.fetch.add(toRead(parts))
	s.checkDrained()
	return nil
}

// suffer notes what was looked for and not found, and returns an error for a
// partition that gave nothing but trouble for longer than our patience although
// the brokers answer. In a turn.
func (s *session) suffer(seen sight, now time.Time) error {
	for _, p := range s.sorted(func(p *part) bool { return p.stage != reading && !p.paused }) {
		_, found := seen.parts[p.key()]
		if !found && seen.topics[p.src.Topic] == nil && slices.Contains(seen.asked, p.src.Topic) {
			err := cmp.Or(seen.missing[p.key()], error(kerr.UnknownTopicOrPartition))
			p.suffer(err, now)
			s.warn("partition cannot be read; trying again", "topic", p.src.Topic, "partition", p.src.Partition, "err", err)
		}
		if err := p.overdue(s.cfg.Patience, now); err != nil {
			return fmt.Errorf("%w topic %s, partition %d, offset %d for %s: %w", ErrRefused, p.src.Topic, p.src.Partition, p.pos, s.cfg.Patience, err)
		}
	}
	return nil
}

// toRead leaves out the parts of a drain that have reached their target.
func toRead(parts []*part) []*part {
	var rest []*part
	for _, p := range parts {
		if p.pos < p.target {
			rest = append(rest, p)
		}
	}
	return rest
}

// news looks where ends stand, for the loop to tell the Handler, and finds out
// about partitions that give nothing although there should be something.
func (s *session) news(ctx context.Context) error {
	topics := s.topicsOf((*part).hears)
	if len(topics) == 0 {
		return nil
	}
	seen, err := look(ctx, s.admin, topics, start{})
	if again, err := s.bear(ctx, seen, err, topics); again || err != nil {
		return err
	}
	var asks []skipped
	s.turn.do(func() {
		if len(s.renew(seen)) > 0 {
			s.wake()
		}
		now := time.Now()
		for _, p := range s.sorted((*part).hears) {
			found, ok := seen.parts[p.key()]
			if ok && p.pos < min(found.End, p.target) && now.Sub(p.heard) >= beat && !now.Before(p.probe) && !s.full.Load() {
				asks = append(asks, skipped{p: p, src: p.src, term: p.term, pos: p.pos, end: min(found.End, p.target)})
			}
		}
	})
	s.mail.news(seen)
	s.turn.interrupt()
	for _, ask := range asks {
		if ctx.Err() != nil {
			return nil
		}
		s.mail.skip(s.skim(ctx, ask, seen.leaders[ask.p.key()]))
		s.turn.interrupt()
	}
	return nil
}
