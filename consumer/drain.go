package consumer

import (
	"context"
	"errors"
	"time"
)

// drain reads all partitions to the ends they have now, in rounds: start, read to
// the targets, stop. When a round's starts are all at or behind the targets,
// everything up to them is decided, by whomever.
func (s *session) drain() error {
	var err error
	if s.ends, err = s.targets(); err != nil {
		return err
	}
	for {
		needed, err := s.drainOnce()
		if err != nil || !needed {
			return err
		}
	}
}

// targets are the last stable offsets of all partitions of the topics, asked for
// until every topic answers.
func (s *session) targets() (map[key]int64, error) {
	topics := s.cfg.topics()
	retry := time.NewTicker(beat)
	defer retry.Stop()
	for {
		seen, err := look(s.ctx, s.admin, topics, start{})
		_, end := s.bear(s.ctx, seen, err, topics)
		if end != nil {
			return nil, end
		}
		if err == nil && len(seen.topics) == 0 && len(seen.missing) == 0 {
			targets := map[key]int64{}
			for k, p := range seen.parts {
				targets[k] = p.End
			}
			return targets, nil
		}
		select {
		case <-s.ctx.Done():
			return nil, s.ctx.Err()
		case <-retry.C:
		}
	}
}

// drainOnce is one round. It reports whether anything was still to be read at its
// start, so that another round must look at what became of it.
func (s *session) drainOnce() (needed bool, err error) {
	ctx, end := context.WithCancelCause(s.ctx)
	defer end(nil)
	s.turn.do(func() {
		s.round, s.needed = end, false
		for k, target := range s.ends {
			if s.paused[k.topic] {
				continue
			}
			p := newPart(k, s.cfg.Tables[k.topic])
			p.target = target
			s.parts[k] = p
		}
		s.publish()
		if len(s.parts) == 0 {
			end(errDrained)
		}
	})
	s.wake()
	err = s.work(ctx)
	drained := errors.Is(context.Cause(ctx), errDrained)
	if err == nil && s.ctx.Err() != nil {
		err = s.ctx.Err()
	}
	if err != nil || !drained {
		s.stopAll(Shutdown, s.cfg.ShutdownTimeout)
		return false, err
	}
	s.turn.do(func() {
		needed = s.needed
		err = s.give(s.ctx, s.sorted(nil), Drained)
	})
	return needed, err
}
