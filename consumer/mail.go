package consumer

import (
	"sync"
	"time"

	"tidemark/internal/batch"
)

// mailbox holds what the watcher found out, for the loop to tell the Handler:
// only the loop calls Accept, after it has carried orders out, so that news never
// cross an order.
type mailbox struct {
	mu    sync.Mutex
	sight *sight // the newest
	skips []skipped
}

func (m *mailbox) news(s sight) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sight = &s
}

func (m *mailbox) skip(s skipped) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.skips = append(m.skips, s)
}

func (m *mailbox) take() (*sight, []skipped) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sight, skips := m.sight, m.skips
	m.sight, m.skips = nil, nil
	return sight, skips
}

// deliver tells the Handler what came by mail. In a turn of the loop.
func (s *session) deliver() {
	news, skips := s.mail.take()
	if news == nil && skips == nil {
		return
	}
	now := time.Now()
	for _, k := range skips {
		s.pass(k, now)
	}
	if news != nil {
		for _, p := range s.sorted((*part).hears) {
			found, ok := news.parts[p.key()]
			if !ok || found.TopicID != p.src.TopicID {
				continue
			}
			p.end = max(p.end, found.End)
			s.handler.Accept(p.src, p.pos, p.bound(), none)
			s.metrics.setLag(p.table, p)
		}
	}
	s.checkDrained()
}

// pass moves a partition behind a stretch that holds no records, if it still
// stands before it; where there was a record after all, it will come, and the
// broker is asked less and less often.
func (s *session) pass(k skipped, now time.Time) {
	p := s.parts[k.p.key()]
	if p != k.p || !p.hears() || p.term != k.term || p.pos != k.pos {
		return
	}
	if k.next <= p.pos {
		p.wait = min(max(2*p.wait, beat), probeMax)
		p.probe = now.Add(p.wait)
		return
	}
	p.pos, p.end = k.next, max(p.end, k.end)
	p.moved(now)
	s.handler.Accept(p.src, p.pos, p.bound(), none)
	s.metrics.setLag(p.table, p)
	if p.pos >= p.target {
		s.fetch.remove([]*part{p})
	}
}

func none(func(batch.Record) bool) {}
