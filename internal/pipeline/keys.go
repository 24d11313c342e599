package pipeline

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tidemark/internal/keyload"
	"tidemark/internal/ledger"
	"tidemark/internal/spill"
	"tidemark/quality"
	"tidemark/watermark"
)

const (
	// referenceAge is how old references may be.
	referenceAge = time.Minute
	// missedAge is how old they may be where a row refers to what is not in them.
	missedAge = time.Second
	// keysShare is the part of what may be held that all keys may take; spillShare that
	// from which on the keys of one check of a run go to the disk.
	keysShare  = 2
	spillShare = 8
)

// keyring is what a table knows beyond the batch at hand: the sets that its references
// look into, and the keys of its own rows.
type keyring struct {
	t       *table
	refs    *keyload.References
	keys    *quality.Keys // nil: no check reaches beyond a batch
	rebuild keyload.Rebuild
	bytes   atomic.Int64 // of keys, as last counted

	mu      sync.Mutex
	learned int64          // all records up to it are in keys
	mine    map[int64]bool // records beyond it that are, too
}

// newKeyring makes the keyring of a table. Nothing is read before start.
func newKeyring(t *table) (*keyring, error) {
	p := t.p
	k := &keyring{t: t, mine: map[int64]bool{}}
	k.keys = t.Suite.NewKeys(quality.KeyOptions{
		Run: p.cfg.Raw, All: p.cfg.Replay != "", SkipLate: t.Late == watermark.Drop, Limit: p.budget.total / spillShare,
		Spill: func(numbers bool) (quality.Spill, error) {
			t.log.Info("the keys of a unique check outgrow memory: keeping them on the disk", "at_bytes", p.budget.total/spillShare)
			return p.spills.open(p.cfg.Spill, numbers), nil
		},
	})
	k.rebuild = keyload.Rebuild{
		Lake: p.lake, Ledger: t.ledger, Table: t.Schema, Suite: t.Suite, Keys: k.keys,
		MaxFuture: t.MaxFuture, Run: p.cfg.Raw, All: p.cfg.Replay != "", Files: p.cfg.RunFiles, Check: k.fits,
	}
	var err error
	k.refs, err = p.cfg.Library.References(t.Suite.References())
	return k, err
}

// spills are the places on the disk that Feed gives back at its end.
type spills struct {
	mu   sync.Mutex // keys are locked while it is taken, so the pipeline's may not be
	list []*spill.Spill
}

func (s *spills) open(dir string, numbers bool) *spill.Spill {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := spill.New(dir, numbers)
	s.list = append(s.list, one)
	return one
}

func (s *spills) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.list {
		_ = one.Close() // its files have no names: there is nothing to be done about it
	}
	s.list = nil
}

// keyBytes is the memory of all keys.
func (p *Pipeline) keyBytes() int64 {
	_, n := p.cfg.Library.Size()
	for _, t := range p.tables {
		n += t.ring.bytes.Load()
	}
	return n
}

// fits counts the keys, and reports an error where they take too much of the memory:
// nothing would be left for batches, and to forget some would let repetitions through.
func (k *keyring) fits() error {
	k.bytes.Store(k.keys.Bytes())
	p := k.t.p
	if n, most := p.keyBytes(), p.budget.total/keysShare; n > most {
		return fmt.Errorf("the keys of references and dedupe take %s bytes, more than the %s that memory leaves for them: raise memory, or lower dedupe.within", grouped(n), grouped(most))
	}
	return nil
}

// start loads the references and learns what is decided up to the ledger's head.
func (k *keyring) start(ctx context.Context, head int64) error {
	from := time.Now()
	if _, err := k.refs.Refresh(ctx, k.t.p.cfg.Now(), 0); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.learned = head
	if k.keys != nil {
		if err := k.rebuild.Start(ctx, head); err != nil {
			return err
		}
	}
	err := k.fits()
	if k.keys != nil && err == nil {
		k.t.log.Info("keys rebuilt from the table", "seq", head, "bytes", k.bytes.Load(), "ms", time.Since(from).Milliseconds())
	}
	return err
}

// catchUp learns what was decided up to a record by others, or by us in a way that we did not
// hear of.
func (k *keyring) catchUp(ctx context.Context, head int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if head <= k.learned {
		return nil
	}
	err := k.rebuild.After(ctx, k.learned+1, head, func(r *ledger.Record) bool { return k.mine[r.Seq] })
	if err != nil {
		return err
	}
	k.learned = head
	for seq := range k.mine {
		if seq <= head {
			delete(k.mine, seq)
		}
	}
	return k.fits()
}

// overtaken reports whether others have decided a key of a batch in a record up to head, after
// the batch was judged.
func (k *keyring) overtaken(ctx context.Context, held *quality.Held, head int64) (bool, error) {
	if k.keys == nil {
		return false, nil
	}
	if err := k.catchUp(ctx, head); err != nil {
		return false, err
	}
	return k.keys.Overtaken(held), nil
}

// decided says that record seq holds the keys of a batch of ours.
func (k *keyring) decided(held *quality.Held, seq int64) error {
	if k.keys == nil {
		return nil
	}
	if err := k.keys.Commit(held); err != nil {
		return err
	}
	k.mu.Lock()
	if seq > k.learned {
		k.mine[seq] = true
	}
	for k.mine[k.learned+1] {
		k.learned++
		delete(k.mine, k.learned)
	}
	k.mu.Unlock()
	return k.fits()
}

// begin judges all of a batch but its keys, by references that are fresh enough. One
// that cannot be brought up to date stays as it is: the record names its version.
func (s *shift) begin(ctx context.Context) (*quality.Judgement, error) {
	t, b := s.b.t, &s.worker.batch
	if len(t.Suite.References()) == 0 {
		return t.Suite.Begin(b, nil), nil
	}
	var j *quality.Judgement
	for _, age := range []time.Duration{s.p.cfg.ReferenceAge, missedAge} {
		changed, err := t.ring.refs.Refresh(ctx, s.p.cfg.Now(), age)
		if ctx.Err() != nil {
			if j != nil {
				j.Drop()
			}
			return nil, errDropped
		}
		if err != nil {
			t.log.Warn("a reference cannot be brought up to date: going on with what is known", "err", err)
		}
		if changed {
			if err := t.ring.fits(); err != nil {
				return nil, err
			}
		}
		if j != nil && !changed {
			return j, nil
		}
		if j != nil {
			j.Drop()
		}
		t.ring.refs.Use(func(known []quality.Known) { j = t.Suite.Begin(b, known) })
		if !j.Missed() {
			return j, nil
		}
	}
	return j, nil
}

// inspect runs the checks: keys in the order of batches, all else before.
func (s *shift) inspect(ctx context.Context) error {
	j, err := s.begin(ctx)
	if err != nil {
		return err
	}
	ring := s.b.t.ring
	if ring.keys != nil {
		if prev := s.b.prev; prev != nil {
			err = wait(ctx, prev.keyed.c)
		}
		if err == nil {
			err = ring.catchUp(ctx, s.b.t.ledger.State().Head)
		}
		if err != nil {
			j.Drop()
			return s.dropped(ctx, err)
		}
	}
	s.report, err = j.Finish(ring.keys)
	return err
}

// hold lets the keys of a batch whose fates are known count for those after it.
func (s *shift) hold() error {
	ring := s.b.t.ring
	if ring.keys != nil && s.halt == "" && s.rows > 0 {
		s.held = ring.keys.Hold(&s.worker.batch)
		ring.bytes.Store(ring.keys.Bytes())
	}
	if s.last {
		s.b.keyed.open()
	}
	if s.p.cfg.Dry != nil && s.held != nil {
		return ring.keys.Commit(s.held)
	}
	return nil
}

// gate is open for good once it was opened.
type gate struct {
	c    chan struct{}
	once sync.Once
}

func newGate() *gate { return &gate{c: make(chan struct{})} }

func (g *gate) open() { g.once.Do(func() { close(g.c) }) }
