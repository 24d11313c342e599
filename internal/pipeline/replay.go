package pipeline

import (
	"context"
	"fmt"
	"slices"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/ledger"
)

// Rejects is a file of the quarantine, to be judged anew: all of its rows.
type Rejects struct {
	Path    string // of the file, relative to the lake
	Rows    []batch.Record
	Sources []batch.Source // of each row: where it came from at first
	Stays   []batch.Defect // rows that stay as they are, by ascending row
	Size    int64          // of the file, bytes
	Version string         // of the file: the batch that wrote it
	Sum     uint64         // XXH3-64 of the file
}

// source is the file as a source of its table.
func (r *Rejects) source() batch.Source {
	return batch.Source{File: ledger.QuarantineSource(r.Path)}
}

// AcceptRejects takes a whole file of the quarantine into the open batch, which is decided
// first where it has no room for it, or holds rows of another kind: rows of topics are
// late by the watermark, rows of raw files are not. What the ledger says is replayed
// already is left alone. A *HaltError says that the table halted. Wait gives the orders to
// hand a file over once more, as for raw files.
func (p *Pipeline) AcceptRejects(table string, r *Rejects) error {
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
	streamed := len(r.Sources) > 0 && r.Sources[0].File == ""
	for i := range r.Sources {
		if (r.Sources[i].File == "") != streamed {
			return fmt.Errorf("replay %s: it has rows of topics and rows of files: no batch of Tidemark has both", r.Path)
		}
	}
	src := r.source()
	key := keyOf(src)
	if t.ledger.State().Gone(r.Path) {
		delete(t.parts, key)
		return nil
	}
	if old := t.parts[key]; old != nil && old.span != nil {
		return fmt.Errorf("replay %s: it is in a batch already", r.Path)
	}
	if t.open != nil && (t.open.streamed != streamed || !p.budget.fits(t.open.raw, r)) {
		t.cutLocked()
	}
	pt := &part{src: src, key: key, raw: &RawFile{Source: src, Size: r.Size, Version: r.Version}, away: t.adrift}
	t.parts[key] = pt
	if t.Schemas != nil && streamed {
		for i := range r.Rows {
			if !t.Schemas.Ready(&r.Rows[i]) {
				pt.away, pt.awaits = true, true
			}
		}
		p.tellAwaitingLocked()
	}
	if pt.away {
		return nil // handed over once more, when Wait says so
	}
	// An order to hand it over once more, from before, is carried out by this.
	t.seeks = slices.DeleteFunc(t.seeks, func(to consumer.Position) bool { return keyOf(to.Source) == key })
	b := t.openLocked(now)
	b.streamed = streamed
	sp := b.spanOf(pt)
	sp.line = 1
	first := b.raw.Rows()
	for i := range r.Rows {
		b.raw.Append(b.raw.Source(r.Sources[i]), &r.Rows[i])
	}
	for _, d := range r.Stays {
		d.Row += int32(first)
		b.raw.Defects = append(b.raw.Defects, d)
	}
	pt.next, sp.to = int64(len(r.Rows)), int64(len(r.Rows))
	b.raw.Cuts = append(b.raw.Cuts, batch.Cut{Source: sp.source, Rows: b.raw.Rows(), To: pt.next, Sum: r.Sum, Last: true})
	if p.budget.full(b) {
		t.cutLocked()
	}
	return nil
}

// replayed makes of a range of a file of the quarantine what its record says: its rows
// are those of other sources in the batch.
func replayed(src *ledger.Source) {
	if _, ok := src.Key().Quarantined(); ok {
		src.Records, src.ToLine = src.To-src.From, src.FromLine+src.To-src.From
	}
}

// stays ends the way of a replay of which no row leaves the quarantine: to decide it would
// write the same rows into another file. It waits for its turn, so that those who wait for
// it find all before it decided.
func (s *shift) stays(ctx context.Context) error {
	if err := s.turn(ctx); err != nil {
		return err
	}
	s.p.mu.Lock()
	s.b.t.ours.counts.Add(s.counts)
	s.p.mu.Unlock()
	s.b.t.log.Info("no row passes the rules of today: the files stay as they are", "files", len(s.src), "rows", s.rows)
	s.b.t.finished(s.src)
	return nil
}
