package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
	"tidemark/quality"
	"tidemark/watermark"
	"tidemark/writer"
)

// maxDays is how many days, and so files, a ledger record may have about. A batch
// of more is cut in pieces.
const maxDays = 2000

// doubtTries is how often in a row deciding may end in doubt without the ledger moving:
// each time all is read and staged again, and what was staged stays.
const doubtTries = 5

// errDropped ends the way of a batch that is not to be decided.
var errDropped = errors.New("dropped")

// worker takes one batch at a time through all stages. What it needs for that it
// keeps: columns, the scanner's memory, encoders.
type worker struct {
	p     *Pipeline
	batch batch.Batch
	kits  map[*table]*kit
	held  atomic.Int64 // bytes
}

// kit is what a worker needs for one table.
type kit struct {
	decoder *conform.Decoder
	writer  *writer.Writer
}

func newWorker(p *Pipeline) *worker { return &worker{p: p, kits: map[*table]*kit{}} }

// run takes batches until there will be none any more.
func (w *worker) run(ctx context.Context) {
	for {
		b := w.p.take()
		if b == nil {
			return
		}
		w.one(ctx, b)
	}
}

// take waits for a batch; nil: there will be none any more.
func (p *Pipeline) take() *build {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 {
		if p.ending {
			return nil
		}
		p.work.Wait()
	}
	b := p.queue[0]
	p.queue = p.queue[1:]
	p.changeLocked() // reading may wait for it to be taken
	return b
}

// one brings a batch to its end, whatever that is.
func (w *worker) one(ctx context.Context, b *build) {
	t := b.t
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.p.mu.Lock()
	b.cancel = cancel
	if b.dropped {
		cancel()
	}
	w.p.mu.Unlock()
	w.held.Store(max(w.held.Load(), int64(b.raw.Rows())*t.rowBytes))

	err := w.work(ctx, b)

	w.measure()
	var doubt *ledger.DoubtError
	if errors.As(err, &doubt) {
		// Whether it is decided is not known: the ledger is asked, and reading goes on
		// from what it says (R5).
		t.log.Warn("deciding was doubtful; reading the ledger again", "batch", doubt.Batch, "err", err)
		st, e := t.ledger.Load(context.WithoutCancel(ctx))
		switch {
		case e != nil:
			err = errors.Join(err, e)
		case w.p.doubts(t, st.Head) < doubtTries:
			err = errDropped
		}
	}
	var halt *HaltError
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	switch {
	case err == nil:
	case b.dropped || errors.Is(err, errDropped):
		t.abandonLocked()
	case errors.As(err, &halt):
		t.halt = halt
		w.p.metrics.halted.WithLabelValues(t.name, "quality").Set(1)
		t.abandonLocked()
	default:
		w.p.failLocked(fmt.Errorf("%s: %w", t.name, err))
	}
	t.doneLocked(b)
}

// doubts counts a doubt after which the ledger stands at head, and returns how many
// that were in a row.
func (p *Pipeline) doubts(t *table, head int64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.doubted.head != head {
		t.doubted.times = 0
	}
	t.doubted.head = head
	t.doubted.times++
	return t.doubted.times
}

// measure counts what the worker keeps.
func (w *worker) measure() {
	n := w.batch.Bytes()
	for _, k := range w.kits {
		n += k.decoder.Bytes() + k.writer.Bytes()
	}
	w.held.Store(n)
}

func (w *worker) kit(t *table) (*kit, error) {
	if k := w.kits[t]; k != nil {
		return k, nil
	}
	wr, err := writer.New(t.Schema, t.Writer)
	if err != nil {
		return nil, err
	}
	k := &kit{decoder: t.plan.Decoder(), writer: wr}
	k.decoder.Schemas = t.Written
	w.kits[t] = k
	return k, nil
}

// work takes a build through all stages, in one piece or, where its rows lie in too
// many days or nested columns hold more than there is room for, in several.
func (w *worker) work(ctx context.Context, b *build) error {
	kit, err := w.kit(b.t)
	if err != nil {
		return err
	}
	from := b.places()
	todo := []segment{b.whole()}
	for len(todo) > 0 {
		s := &shift{worker: w, kit: kit, segment: todo[len(todo)-1]}
		todo = todo[:len(todo)-1]
		if err := s.decode(ctx, w.p.budget.room()); err != nil {
			return err
		}
		at := s.evolved.Fits
		if at == 0 && writer.TooManyDays(&w.batch, maxDays) {
			at = s.rows / 2
		}
		if at > 0 {
			if first, second, ok := s.split(at); ok {
				todo = append(todo, second, first)
				continue
			}
		}
		if s.evolved.Fits > 0 { // one chunk of a file
			if err := s.decode(ctx, 0); err != nil {
				return err
			}
		}
		s.src = s.sources(from)
		if err := s.finish(ctx); err != nil {
			return err
		}
	}
	return nil
}

// shift is one segment in the hands of a worker.
type shift struct {
	*worker
	*kit
	segment

	src     []ledger.Source
	before  watermark.Mark // that its rows are judged by
	report  quality.Report
	held    *quality.Held // its keys, nil: none
	evolved conform.Report
	halt    string // why nothing of it may be decided
	counts  ledger.Counts
	id      string
	built   time.Time
	files   []ledger.File
	timings ledger.Timings
}

// decode makes columns of the records. Where nested ones would take more than room, not 0, they
// are of no use: s.evolved.Fits says how many records would fit.
func (s *shift) decode(ctx context.Context, room int64) error {
	from := time.Now()
	s.decoder.Room = room
	for {
		var changed <-chan struct{}
		if s.b.t.Schemas != nil {
			changed = s.b.t.Schemas.Changed()
		}
		s.worker.batch.Reset(s.b.t.Schema, s.b.raw, s.first, s.rows)
		if s.evolved = s.decoder.Decode(&s.worker.batch); s.evolved.Waits == 0 {
			break
		}
		// They were at hand when the records came, and were given up for others since.
		if err := wait(ctx, changed); err != nil {
			return err
		}
	}
	s.worker.held.Store(max(s.worker.held.Load(), s.worker.batch.Bytes()))
	s.timings.Decode = ms(from)
	s.timings.Read = float64(s.b.cut.Sub(s.b.began)) / float64(time.Millisecond)
	return nil
}

// finish judges, checks, stages and decides a decoded segment.
func (s *shift) finish(ctx context.Context) error {
	if err := s.judge(ctx); err != nil {
		return err
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	s.release()
	if s.p.cfg.Dry != nil {
		return s.rehearse(ctx)
	}
	if s.halt != "" {
		return s.stop(ctx)
	}
	if s.p.cfg.Replay != "" && s.counts.Quarantined == s.counts.Read {
		return s.stays(ctx)
	}
	if err := s.stage(ctx); err != nil {
		return err
	}
	return s.decide(ctx)
}

// judge waits for the batch before and gives each row its fate by its event time.
func (s *shift) judge(ctx context.Context) error {
	if prev := s.b.prev; prev != nil {
		if err := wait(ctx, prev.judged); err != nil {
			return err
		}
	}
	t, p := s.b.t, s.p
	st := t.ledger.State()
	p.mu.Lock()
	s.before = t.clock.before(st)
	p.mu.Unlock()
	bounds := watermark.Bounds{Watermark: s.before, Future: t.now().Add(t.MaxFuture).UnixMicro(), Late: t.Late}
	if p.cfg.Raw && !s.b.streamed {
		bounds.Watermark, bounds.Late = watermark.Mark{}, watermark.Filter
		if old := p.cfg.Oldest; !old.IsZero() {
			bounds.Watermark = watermark.At(old.UnixMicro())
		}
	}
	rep := watermark.Judge(&s.worker.batch, bounds)
	if p.cfg.Raw {
		rep.MaxEventTime = nil // neither files nor replays move the watermark
	}
	for i, src := range s.b.raw.Sources[:len(rep.MaxEventTime)] {
		if j := slices.IndexFunc(s.src, func(x ledger.Source) bool { return x.Key() == keyOf(src) }); j >= 0 {
			s.src[j].MaxEventTime = timeOf(rep.MaxEventTime[i])
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.b.dropped {
		return errDropped
	}
	if !p.cfg.Raw {
		t.clock.advance(&t.Table, st, s.src)
	}
	if s.last {
		s.b.judgedLocked()
	}
	return nil
}

// wait waits for a channel to be closed; errDropped: the batch was dropped meanwhile.
func wait(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return errDropped
	}
}

// check runs the checks and decides what becomes of the batch.
func (s *shift) check(ctx context.Context) error {
	from := time.Now()
	b, t := &s.worker.batch, s.b.t
	if err := s.inspect(ctx); err != nil {
		return err
	}
	s.tally()
	switch d := t.Policy.Decide(&s.report, s.counts.Read, s.counts.Quarantined); {
	case s.evolved.Halt != "":
		s.halt = s.evolved.Halt
	case d.Action == quality.Halt:
		s.halt = d.Reason
	case d.Action == quality.Quarantine:
		quality.QuarantineAll(b, &s.report)
		s.tally()
	}
	s.timings.Check = ms(from)
	return s.hold()
}

// release has the memory of the records filled with others, but for what the rejected ones said:
// nothing else is written of them.
func (s *shift) release() {
	if s.first > 0 || !s.last {
		return // another segment is still to be decoded
	}
	b := &s.worker.batch
	rejected := func(yield func(int) bool) {
		last := int32(-1)
		for i := range b.Rejects {
			if row := b.Rejects[i].Row; row != last && !yield(s.first+int(row)) {
				return
			}
			last = b.Rejects[i].Row
		}
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.blocks = append(s.p.blocks, s.b.raw.Release(rejected)...)
	s.p.changeLocked()
}

// tally counts the fates (P1).
func (s *shift) tally() {
	var n [batch.Filtered + 1]int64
	for _, f := range s.worker.batch.Fates[:s.rows] {
		n[f]++
	}
	s.counts = ledger.Counts{
		Read: int64(s.rows), Written: n[batch.Written], Late: n[batch.Late], Quarantined: n[batch.Quarantined],
		Duplicate: n[batch.Duplicate], Filtered: n[batch.Filtered],
	}
}

// stage makes the files durable under a fresh batch id (R3).
func (s *shift) stage(ctx context.Context) error {
	t := s.b.t
	from := time.Now()
	s.id, s.built = s.p.batchID(), t.now()
	if s.rows == 0 {
		return nil // news of idle partitions only
	}
	if err := t.ledger.WriteManifest(ctx, s.id, s.src); err != nil {
		return s.dropped(ctx, err)
	}
	shelf := timedShelf{Shelf: s.p.lake}
	var err error
	s.files, err = s.writer.Write(ctx, &shelf, &s.worker.batch, writer.Build{
		Batch: s.id, ProcessedAt: ledger.At(s.built), Watermark: timeOf(s.before), DropLate: t.Late == watermark.Drop,
	})
	if err != nil {
		return s.dropped(ctx, err)
	}
	// Files are published in this order: who sees rows of the table finds the late and
	// the rejected ones of their batch too.
	slices.SortStableFunc(s.files, func(a, b ledger.File) int { return rank(a.Output) - rank(b.Output) })
	s.timings.Stage = float64(shelf.took) / float64(time.Millisecond)
	s.timings.Encode = max(ms(from)-s.timings.Stage, 0)
	return nil
}

// rank orders outputs: the table itself comes last.
func rank(o ledger.Output) int {
	if o == ledger.Main {
		return 1
	}
	return 0
}

// dropped is err, or errDropped where it is only that the batch was dropped.
func (s *shift) dropped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errDropped
	}
	return err
}

// timedShelf measures the time that a store takes.
type timedShelf struct {
	writer.Shelf
	took time.Duration
}

func (t *timedShelf) Stage(ctx context.Context, key string) (store.Staged, error) {
	from := time.Now()
	defer func() { t.took += time.Since(from) }()
	f, err := t.Shelf.Stage(ctx, key)
	if err != nil {
		return nil, err
	}
	return &timedFile{f, t}, nil
}

type timedFile struct {
	store.Staged
	shelf *timedShelf
}

func (f *timedFile) Write(b []byte) (int, error) {
	from := time.Now()
	defer func() { f.shelf.took += time.Since(from) }()
	return f.Staged.Write(b)
}

func (f *timedFile) Finish(ctx context.Context) error {
	from := time.Now()
	defer func() { f.shelf.took += time.Since(from) }()
	return f.Staged.Finish(ctx)
}

func ms(from time.Time) float64 { return float64(time.Since(from)) / float64(time.Millisecond) }
