package pipeline

import (
	"context"
	"fmt"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/writer"
)

// RawFile is a raw file that feeds a table.
type RawFile struct {
	Source  batch.Source
	Size    int64  // bytes, as it lies there
	Version string // when it was modified, or its entity tag
}

// StartFile makes a file one that feeds a table, from where the ledger has it decided,
// and returns that. It is called again for a file that is to be read once more, after
// Wait gave the order to seek it.
func (p *Pipeline) StartFile(table string, f RawFile) (ledger.Progress, error) {
	t, err := p.named(table)
	if err != nil {
		return ledger.Progress{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := keyOf(f.Source)
	at := t.ledger.State().Sources[key]
	if old := t.parts[key]; old != nil && old.span != nil {
		return at, fmt.Errorf("start %s: it is being read already", f.Source.File)
	}
	t.parts[key] = &part{src: f.Source, key: key, raw: &f, next: at.Next, line: at.Line, away: t.adrift}
	return at, nil
}

// State is what the ledger of a table says, as it was seen last. It must not be
// changed.
func (p *Pipeline) State(table string) (*ledger.State, error) {
	t, err := p.named(table)
	if err != nil {
		return nil, err
	}
	return t.ledger.State(), nil
}

// AcceptFile takes the chunk of a file that follows the one before, or what the ledger
// has. It copies it into the open batch, cutting it where it is full. A chunk of a file
// that is to be sought first is left alone. A *HaltError says that the table halted.
func (p *Pipeline) AcceptFile(table string, src batch.Source, c *batch.Chunk) error {
	t, err := p.named(table)
	if err != nil {
		return err
	}
	now := p.cfg.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := t.endedLocked(); err != nil {
		return err
	}
	pt := t.parts[keyOf(src)]
	if pt == nil || pt.away {
		return nil
	}
	b := t.openLocked(now)
	sp := b.spanOf(pt)
	if sp.line == 0 {
		sp.line = max(pt.line, 1)
	}
	p.lendLocked(b.raw)
	b.raw.AppendChunk(sp.source, c)
	pt.next, sp.to = c.To, c.To
	if n := len(c.Lines); n > 0 {
		pt.line = c.Lines[n-1].Number + 1
	}
	if p.budget.full(b) {
		t.cutLocked()
	}
	return nil
}

// endedLocked is why nothing more is taken for the table, nil: it is.
func (t *table) endedLocked() error {
	switch {
	case t.p.failure != nil:
		return t.p.failure
	case t.halt != nil:
		return t.halt
	}
	return nil
}

// FinishFiles has all that was accepted decided and published. Files that are to be
// read once more are then ordered by Wait.
func (p *Pipeline) FinishFiles(ctx context.Context, table string) error {
	t, err := p.named(table)
	if err != nil {
		return err
	}
	p.mu.Lock()
	if p.failure == nil {
		t.cutLocked()
	}
	p.mu.Unlock()
	if err := t.landed(ctx); err != nil {
		return err
	}
	if err := t.schemasCame(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	failure, halt := p.failure, t.halt
	p.mu.Unlock()
	switch {
	case failure != nil:
		return failure
	case halt != nil:
		return halt
	case p.cfg.Dry != nil:
		return nil
	}
	return t.publish(ctx)
}

// FinishRun leaves the record of a backfill command in the ledger.
func (p *Pipeline) FinishRun(ctx context.Context, table string, run *ledger.Run) error {
	t, err := p.named(table)
	if err != nil {
		return err
	}
	_, err = t.ledger.Decide(ctx, ledger.Proposal{
		Batch: p.batchID(), Kind: ledger.KindRun,
		Seal: func(*ledger.State, int64) (*ledger.Record, error) {
			return &ledger.Record{DecidedAt: ledger.At(t.now()), DecidedBy: p.cfg.Decider, Run: run}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("leave the record of the run: %w", err)
	}
	return nil
}

func (p *Pipeline) named(table string) (*table, error) {
	for _, t := range p.tables {
		if t.name == table {
			return t, nil
		}
	}
	return nil, fmt.Errorf("no table %s", table)
}

// finished lets go of files that are decided to their end.
func (t *table) finished(sources []ledger.Source) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	for i := range sources {
		if s := &sources[i]; s.File != "" && s.AtEnd {
			delete(t.parts, s.Key())
		}
	}
}

// rawSource is the range of a raw file in a segment, if it has one. From is moved on to
// where it ends; newest is the number of its last row in the segment, −1: it has none.
func (s *segment) rawSource(sp *span, from *place, newest int64) (ledger.Source, bool) {
	f := sp.part.raw
	out := ledger.Source{
		File: f.Source.File, Again: f.Source.Again, Size: f.Size, Version: f.Version,
		From: from.at, FromLine: from.line, ToLine: max(from.line, newest+1),
	}
	found := false
	for _, c := range s.cuts {
		if c.Source == sp.source {
			out.To, out.Hash, out.AtEnd, found = c.To, ledger.Sum(c.Sum), c.Last, true
		}
	}
	from.at, from.line = out.To, out.ToLine
	return out, found
}

// Dry is what a batch would have become.
type Dry struct {
	Counts  ledger.Counts
	Days    map[string]int64 // rows of the table itself by folder, such as yyyy=2026/mm=11/dd=22
	Quality *ledger.Quality
	Drift   []ledger.Drift
	Halt    string // why it would have stopped the table
	Rejects []Rejected
}

// Rejected is a row that would be quarantined.
type Rejected struct {
	At     ledger.Origin
	Detail string // holds data of the record
}

// rehearse tells what the segment would have become, in its turn.
func (s *shift) rehearse(ctx context.Context) error {
	if err := s.turn(ctx); err != nil {
		return err
	}
	d := &Dry{
		Counts: s.counts, Days: writer.Folders(&s.worker.batch), Quality: s.quality(),
		Drift: s.drift(s.b.t.ledger.State()), Halt: s.halt,
	}
	b := &s.worker.batch
	for i := 0; i < len(b.Rejects) && len(d.Rejects) < haltSamples; {
		n := i + 1
		for n < len(b.Rejects) && b.Rejects[n].Row == b.Rejects[i].Row {
			n++
		}
		d.Rejects = append(d.Rejects, Rejected{s.origin(int(b.Rejects[i].Row)), b.Detail(b.Rejects[i:n])})
		i = n
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.cfg.Dry(d)
	return nil
}
