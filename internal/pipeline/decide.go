package pipeline

import (
	"context"
	"fmt"
	"maps"
	"math"
	"time"

	"tidemark/internal/ledger"
)

// haltSamples is how many rejected records a halt names.
const haltSamples = 10

// turn waits until the batch before is decided. It reports errDropped where this
// one is not to be decided any more; after nil it may be, once (L2): a drop from
// now on waits for it.
func (s *shift) turn(ctx context.Context) error {
	if prev := s.b.prev; prev != nil {
		if err := wait(ctx, prev.done); err != nil {
			return err
		}
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.b.dropped {
		return errDropped
	}
	// What is being decided is not interrupted: its answer would be lost.
	s.b.cancel = nil
	return nil
}

// decide has the segment decided by the ledger, in its turn.
func (s *shift) decide(ctx context.Context) error {
	if len(s.src) == 0 {
		return nil // nothing was read and nothing is to be told
	}
	if err := s.turn(ctx); err != nil {
		return err
	}
	t := s.b.t
	from := time.Now()
	ctx = context.WithoutCancel(ctx)
	d, err := t.ledger.Decide(ctx, ledger.Proposal{
		Batch: s.id, Kind: ledger.KindBatch, Sources: s.src,
		Seal: func(st *ledger.State, _ int64) (*ledger.Record, error) { return s.seal(ctx, st) },
	})
	s.p.metrics.conflicts.WithLabelValues(t.name).Add(float64(d.Conflicts))
	if err != nil {
		return err
	}
	if d.Dropped {
		t.log.Warn("batch dropped; reading again from the ledger's offsets", "batch", s.id, "why", d.Why)
		return errDropped
	}
	s.told(d, time.Since(from))
	if err := t.ring.decided(s.held, d.Record.Seq); err != nil {
		return err
	}
	t.finished(s.src)
	t.wake()
	return nil
}

// seal makes the record of the segment for the state before it.
func (s *shift) seal(ctx context.Context, st *ledger.State) (*ledger.Record, error) {
	t := s.b.t
	if lost, err := t.ring.overtaken(ctx, s.held, st.Head); err != nil {
		return nil, err
	} else if lost {
		t.log.Info("batch dropped: another process has decided a key of it meanwhile; judging it again", "batch", s.id, "seq", st.Head)
		return nil, errDropped
	}
	if s.counts.Balance() != 0 {
		return nil, fmt.Errorf("count fates: %d records have none, or two", s.counts.Balance())
	}
	s.p.mu.Lock()
	s.timings.Decide, s.timings.Publish = t.took.decide, t.took.publish
	s.p.mu.Unlock()
	mark := t.after(st, s.src)
	if s.p.cfg.Raw {
		mark = markOf(st.Watermark)
	}
	return &ledger.Record{
		DecidedAt: ledger.At(t.now()), DecidedBy: s.p.cfg.Decider,
		Counts: s.counts, Files: s.files, Watermark: timeOf(mark),
		Quality: s.quality(), Nulls: maps.Clone(s.report.Nulls), Drift: s.drift(st), Schemas: s.schemas(st), Columns: s.columns(st), TimingsMS: rounded(s.timings),
		Why: s.p.cfg.Replay,
	}, nil
}

// rounded are timings to the microsecond: sums of floats have a long tail of noise.
func rounded(t ledger.Timings) *ledger.Timings {
	for _, ms := range []*float64{&t.Read, &t.Decode, &t.Check, &t.Encode, &t.Stage, &t.Decide, &t.Publish} {
		*ms = math.Round(*ms*1000) / 1000
	}
	return &t
}

func (s *shift) quality() *ledger.Quality {
	q := &ledger.Quality{Verdict: s.report.Verdict.String(), Checks: []ledger.Check{}}
	for _, r := range s.report.Results {
		q.Checks = append(q.Checks, ledger.Check{
			Name: r.Name, Verdict: r.Verdict.String(), Severity: r.Severity.String(),
			Failed: r.Failed, Checked: r.Checked, Detail: r.Detail, Version: r.Version,
		})
	}
	return q
}

// origin is where a row of the segment comes from.
func (s *shift) origin(row int) ledger.Origin {
	raw := s.b.raw
	row += s.first
	for _, run := range raw.Runs {
		if row >= run.First && row < run.First+run.Rows {
			src := raw.Sources[run.Source]
			if src.File != "" {
				return ledger.Origin{File: src.File, Line: raw.Offsets[row]}
			}
			return ledger.Origin{Topic: src.Topic, Partition: src.Partition, Offset: raw.Offsets[row]}
		}
	}
	return ledger.Origin{}
}

// driftsTold is how many new differences of a batch get a line in the log: one record
// can bring hundreds of keys.
const driftsTold = 10

// told counts and logs a decided batch.
func (s *shift) told(d ledger.Decision, took time.Duration) {
	r := d.Record
	s.p.mu.Lock()
	s.b.t.took.decide = float64(took) / float64(time.Millisecond)
	s.b.t.ours.batches++
	s.b.t.ours.counts.Add(r.Counts)
	s.p.mu.Unlock()
	s.p.metrics.decided(r, took)
	s.p.metrics.seen(r.Table, d.State)
	for i, dr := range r.Drift {
		if i == driftsTold {
			s.b.t.log.Warn("more schema drift: the ledger record has it", "batch", r.Batch, "seq", r.Seq, "differences", len(r.Drift)-i)
			break
		}
		said := []any{
			"batch", r.Batch, "seq", r.Seq, "change", dr.Change, "column", dr.Column, "from", dr.From, "to", dr.To,
			"first_at", dr.FirstAt.String(), "records", dr.Count, "done", dr.Done,
		}
		if name := dr.Written(); name != "" {
			said = append(said, "schema", name)
		}
		s.b.t.log.Warn("schema drift", said...)
	}
	watermark := "none"
	if r.Watermark != nil {
		watermark = r.Watermark.String()
	}
	s.b.t.log.Info("batch decided", "batch", r.Batch, "seq", r.Seq,
		"read", r.Counts.Read, "written", r.Counts.Written, "late", r.Counts.Late, "quarantined", r.Counts.Quarantined,
		"duplicate", r.Counts.Duplicate, "filtered", r.Counts.Filtered,
		"files", len(r.Files), "verdict", r.Quality.Verdict, "watermark", watermark,
		"decode_ms", int64(r.TimingsMS.Decode), "encode_ms", int64(r.TimingsMS.Encode), "stage_ms", int64(r.TimingsMS.Stage))
}

// stop leaves evidence of a halt, in its turn: all before it is decided first.
// Nothing of the batch is.
func (s *shift) stop(ctx context.Context) error {
	if err := s.turn(ctx); err != nil {
		return err
	}
	t := s.b.t
	halt := &HaltError{Table: t.name, Batch: s.p.batchID(), Why: s.halt, Samples: s.samples()}
	d, err := t.ledger.Decide(context.WithoutCancel(ctx), ledger.Proposal{
		Batch: halt.Batch, Kind: ledger.KindHalt, Sources: s.src,
		Seal: func(*ledger.State, int64) (*ledger.Record, error) {
			return &ledger.Record{
				DecidedAt: ledger.At(t.now()), DecidedBy: s.p.cfg.Decider, Counts: s.counts,
				Quality: s.quality(), Nulls: maps.Clone(s.report.Nulls), Why: s.halt, Samples: halt.Samples,
			}, nil
		},
	})
	switch {
	case err != nil:
		return err
	case d.Dropped && s.moved(d.State):
		return errDropped // somebody else had it decided: it was not ours to halt
	}
	seq := int64(0)
	if d.Record != nil {
		seq = d.Record.Seq
	}
	t.log.Error("halted: nothing of the batch is decided", "batch", halt.Batch, "seq", seq, "why", s.halt,
		"read", s.counts.Read, "quarantined", s.counts.Quarantined)
	return halt
}

// moved reports whether a source of the segment no longer stands at its start.
func (s *shift) moved(st *ledger.State) bool { return st.Compare(ledger.KindBatch, s.src) != nil }

// samples are the places of rejected records.
func (s *shift) samples() []ledger.Origin {
	var out []ledger.Origin
	last := int32(-1)
	for _, r := range s.worker.batch.Rejects {
		if r.Row == last || len(out) == haltSamples {
			continue
		}
		last = r.Row
		out = append(out, s.origin(int(r.Row)))
	}
	if len(out) == 0 && s.evolved.Halt != "" && s.evolved.HaltRow < s.rows {
		out = append(out, s.origin(s.evolved.HaltRow))
	}
	return out
}
