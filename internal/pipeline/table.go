package pipeline

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"tidemark/conform"
	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/watermark"
)

// table is one table on its way: its ledger, the partitions that feed it here, and
// the batches that are not decided. The second half of its fields is guarded by
// the pipeline's mutex.
type table struct {
	Table
	p          *Pipeline
	name       string
	log        *slog.Logger
	plan       *conform.Plan
	ledger     *ledger.Ledger
	publisher  *ledger.Publisher
	ring       *keyring
	kick       chan struct{}        // wakes the publisher
	publishing chan struct{}        // holds one token while somebody publishes
	columns    []ledger.Column      // of the table, as the ledger records them
	rowBytes   int64                // about what a row takes in a worker
	doubts     map[ledger.Key]int64 // of the last Start, which takes turns with itself

	// Guarded by Pipeline.mu.
	parts  map[ledger.Key]*part
	open   *build   // being filled, nil: none
	flight []*build // cut, in order, neither decided nor dropped
	clock  clock
	halt   *HaltError
	paused bool // the order to pause was given
	// adrift is set between a drop and the moment at which what was in flight is
	// gone: only then is it known where partitions are to be sent back to.
	adrift bool
	seeks  []consumer.Position
	holds  []batch.Source   // partitions that rest from now on
	shown  batch.Record     // what Schemas is shown, during a call
	recent []*ledger.Record // the newest batch records published here, the last is the newest
	// took is how long the last decision and publication took, in ms: a record is
	// written before its own are known.
	took struct{ decide, publish float64 }
	// ours is what this process has decided.
	ours struct {
		batches int64
		counts  ledger.Counts
	}
	// doubted is how often deciding has ended in doubt while the ledger stood at head.
	doubted struct {
		head  int64
		times int
	}
}

// part is a partition, or a raw file, that feeds a table here.
type part struct {
	src   batch.Source
	key   ledger.Key
	raw   *RawFile // nil: a partition
	next  int64    // accepted up to here
	epoch int32    // of the last record accepted, or of the ledger
	line  int64    // of a raw file: the number that its next record has at least, 0: any
	end   int64    // last stable offset as last seen, −1: unknown
	// away is set from a drop until the order to go back was given (L3).
	away bool
	// awaits is set while a schema is waited for: the partition is away, or is to be.
	awaits bool

	watch watermark.Idle
	idle  bool
	told  bool // what the ledger, or a batch before it, says of idle

	span *span // of the open batch, nil: it has none
}

func newTable(p *Pipeline, c Table, plan *conform.Plan) *table {
	t := &table{
		Table: c, p: p, name: c.Schema.Name, plan: plan,
		log:  p.log.With("table", c.Schema.Name),
		kick: make(chan struct{}, 1), publishing: make(chan struct{}, 1), parts: map[ledger.Key]*part{},
	}
	t.ledger = ledger.New(p.lake, t.name, ledger.WithRandom(&p.random))
	t.publisher = ledger.NewPublisher(t.ledger, p.lake)
	t.rowBytes, t.columns = rowBytes(c.Schema), ColumnsOf(c.Schema)
	return t
}

func keyOf(src batch.Source) ledger.Key {
	return ledger.Key{Topic: src.Topic, TopicID: ledger.TopicID(src.TopicID), Partition: src.Partition, File: src.File, Again: src.Again}
}

// load loads the ledger and publishes what is decided.
func (t *table) load(ctx context.Context) error {
	st, err := t.ledger.Load(ctx)
	if err != nil {
		return err
	}
	t.p.metrics.seen(t.name, st)
	if err := CheckColumns(ctx, t.p.lake, st, t.Schema); err != nil {
		return err
	}
	if t.p.cfg.Dry == nil { // a rehearsal writes nothing
		if err := t.publish(ctx); err != nil {
			return err
		}
	}
	return t.ring.start(ctx, st.Head)
}

// openLocked is the batch being filled, begun now if there was none.
func (t *table) openLocked(now time.Time) *build {
	if t.open == nil {
		t.open = newBuild(t, t.p.rawLocked(), now)
	}
	return t.open
}

// cutLocked closes the open batch and gives it to the workers.
func (t *table) cutLocked() {
	b := t.open
	if b == nil {
		return
	}
	t.open = nil
	for _, pt := range t.parts {
		if pt.span != nil {
			pt.span.atEnd, pt.span.epoch = pt.idle, pt.epoch
			pt.told, pt.span = pt.idle, nil
		}
	}
	b.cut = t.p.cfg.Now()
	t.p.usual = b.raw.Rows()
	if n := len(t.flight); n > 0 {
		b.prev = t.flight[n-1]
	}
	t.flight = append(t.flight, b)
	t.p.queue = append(t.p.queue, b)
	t.p.work.Signal()
}

// abandonLocked drops all that is not decided (L1). Where partitions are to be
// sent back to is known once what is in flight is gone: settleLocked.
func (t *table) abandonLocked() {
	if t.open != nil {
		t.p.returnLocked(t.open.raw)
		t.open = nil
	}
	for _, b := range t.flight {
		b.dropLocked()
	}
	for _, pt := range t.parts {
		pt.span, pt.away, pt.awaits = nil, true, false
	}
	t.adrift, t.seeks = true, nil
	t.settleLocked()
}

// settleLocked sends the partitions back to where the ledger stands, once nothing
// is in flight any more.
func (t *table) settleLocked() {
	if !t.adrift || len(t.flight) > 0 {
		return
	}
	t.adrift = false
	t.ring.keys.Rollback()
	st := t.ledger.State()
	t.clock = clock{}
	for key, pt := range t.parts {
		at := st.Sources[key]
		pt.next, pt.line, pt.epoch, pt.told = at.Next, at.Line, at.LeaderEpoch, at.AtEnd
		if t.halt == nil {
			t.seeks = append(t.seeks, consumer.Position{Source: pt.src, Offset: at.Next})
		}
	}
	t.p.changeLocked()
}

// ordersLocked takes the orders of a table.
func (t *table) ordersLocked(o *consumer.Orders) {
	if t.halt != nil && !t.paused {
		t.paused = true
		o.Pause = append(o.Pause, t.Topics...)
	}
	for _, src := range t.holds {
		if pt := t.parts[keyOf(src)]; pt != nil && pt.away { // it may have been given up since
			o.Hold = append(o.Hold, src)
		}
	}
	t.holds = nil
	for _, to := range t.seeks {
		if pt := t.parts[keyOf(to.Source)]; pt != nil {
			pt.away = false
			o.Seek = append(o.Seek, to)
		}
	}
	t.seeks = nil
}

// doneLocked takes a batch out of the flight.
func (t *table) doneLocked(b *build) {
	t.flight = slices.DeleteFunc(t.flight, func(x *build) bool { return x == b })
	if len(t.flight) == 0 {
		t.clock = clock{} // the ledger knows all of it by now
	}
	b.endLocked()
	t.p.returnLocked(b.raw)
	t.settleLocked()
	t.p.changeLocked()
}

// flownLocked is what was in flight at this moment: a channel for each batch,
// closed when it is decided or dropped.
func (t *table) flownLocked() []chan struct{} {
	var out []chan struct{}
	for _, b := range t.flight {
		out = append(out, b.done)
	}
	return out
}

// now is the present, never earlier than the newest decision: a clock that jumped
// back makes no row one from the future.
func (t *table) now() time.Time {
	now := t.p.cfg.Now()
	if st := t.ledger.State(); st != nil {
		if at := st.DecidedAt.Time(); at.After(now) && st.DecidedAt > 0 {
			return at
		}
	}
	return now
}
