package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/cloudtest"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/schema"
	"tidemark/quality"
	"tidemark/writer"
)

// long is what `make chaos` asks for.
var long = flag.Bool("long", false, "run every suite at its full length")

func TestMain(m *testing.M) {
	cloudtest.Setenv()
	goleak.VerifyTestMain(m)
}

// noon is the present of all tests.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// event is one record of a topic.
type event struct {
	value string // "" with tomb: a tombstone
	tomb  bool
	gone  bool // the offset holds no record (compacted, aborted)
	at    time.Time
}

func (e event) id() string {
	var v struct {
		ID json.Number `json:"id"`
	}
	_ = json.Unmarshal([]byte(e.value), &v)
	return v.ID.String()
}

// topic stands in for a topic of Kafka.
type topic struct {
	name  string
	id    byte
	parts []partition
}

type partition struct {
	start  int64 // of the log
	events []event
}

func (tp *topic) source(p int) batch.Source {
	return batch.Source{Topic: tp.name, TopicID: [16]byte{tp.id}, Partition: int32(p)}
}

// add appends good events to a partition, one minute of event time apart.
func (tp *topic) add(p, n int, from time.Time) {
	for range n {
		i := len(tp.parts[p].events)
		at := from.Add(time.Duration(i) * time.Minute)
		tp.parts[p].events = append(tp.parts[p].events, event{
			value: fmt.Sprintf(`{"id":%d,"amount":%d.25,"at":%q,"kind":"a"}`, p*100000+i, i, at.Format(time.RFC3339)), at: noon,
		})
	}
}

func newTopic(partitions int) *topic {
	return &topic{name: "in", id: 1, parts: make([]partition, partitions)}
}

// testTable is the table of the tests.
func testTable(t testing.TB) pipeline.Table {
	t.Helper()
	s := &schema.Table{
		Name: "t", EventTime: 2, Partition: schema.ByDay, Evolution: schema.DefaultEvolution(),
		Columns: []schema.Column{
			{Name: "id", Type: schema.Type{Kind: schema.Long}, Required: true},
			{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
			{Name: "at", Type: schema.Type{Kind: schema.Timestamp}, Required: true, Default: schema.Value{Null: true}},
			{Name: "kind", Type: schema.Type{Kind: schema.String}, Default: schema.DefaultFor(schema.Type{Kind: schema.String})},
		},
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	suite, err := quality.Compile(s, []quality.Check{
		{Range: "amount", Min: "0"}, {Unique: []string{"id"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.Table{
		Schema: s, Topics: []string{"in"}, Suite: suite, Policy: quality.Policy{HaltAbove: 1},
		Delay: time.Hour, MaxFuture: time.Hour, IdleAfter: time.Minute, Writer: writer.Options{Codec: "none"}, // a pooled zstd decoder does not cross from one synctest bubble to another
	}
}

func testConfig(t testing.TB) pipeline.Config {
	return pipeline.Config{
		Tables: []pipeline.Table{testTable(t)}, SourceSystem: "test", MaxAge: time.Hour, MaxRows: 4,
		Drain: true, Workers: 2, Now: func() time.Time { return noon },
		Random: rand.NewChaCha8([32]byte{1}),
	}
}

// process is one process: a pipeline, and the driver in the place of its consumer.
type process struct {
	t     testing.TB
	p     *pipeline.Pipeline
	reg   *prometheus.Registry
	topic *topic
	chunk int // records of an Accept

	mu       sync.Mutex
	commits  []consumer.Offset
	slow     func() // called in each commit
	onCommit func(line string)
	marks    []string
	onWait   func(n int) // called with the number of each round
	mine     []int       // partitions that are ours; nil: all
	pos      map[int]int64
	onHand   func(n int) // called between Wait and Accept of each round
	starts   int
	rounds   int
	paused   bool
	held     map[int]bool // partitions that rest
	idle     func()       // called in rounds in which something rests
}

func newProcess(t testing.TB, cfg pipeline.Config, lake pipeline.Lake, tp *topic) *process {
	t.Helper()
	reg := prometheus.NewRegistry()
	p, err := pipeline.New(cfg, lake, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	return &process{t: t, p: p, reg: reg, topic: tp, chunk: 3, pos: map[int]int64{}, held: map[int]bool{}}
}

// Commit implements pipeline.Edge.
func (d *process) Commit(_ context.Context, offsets []consumer.Offset) error {
	if d.slow != nil {
		d.slow() // without the lock: virtual time stands still for who waits for one
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.commits = append(d.commits, offsets...)
	if d.onCommit != nil {
		slices.SortFunc(offsets, func(a, b consumer.Offset) int { return int(a.Partition - b.Partition) })
		line := "commit"
		for _, o := range offsets {
			line += fmt.Sprintf(" %s/%d=%d", o.Topic, o.Partition, o.Offset)
		}
		d.onCommit(line)
	}
	return nil
}

// EpochEnds implements pipeline.Edge: its logs are whole.
func (d *process) EpochEnds(_ context.Context, asks []consumer.Epoch) ([]int64, error) {
	ends := make([]int64, len(asks))
	for i, a := range asks {
		ends[i] = int64(len(d.topic.parts[a.Source.Partition].events))
	}
	return ends, nil
}

// Buffered implements pipeline.Edge.
func (d *process) Buffered() int64 { return 0 }

// drain reads the topic to the ends that it has now, as a consumer would.
func (d *process) drain(ctx context.Context) error {
	return d.p.Feed(ctx, d, func(ctx context.Context) error {
		for {
			done, err := d.round(ctx)
			if done || err != nil {
				return err
			}
		}
	})
}

// round starts, reads to the ends and stops. It reports whether nothing was left to
// be read.
func (d *process) round(ctx context.Context) (done bool, err error) {
	parts := d.partitions()
	if err := d.start(ctx, parts); err != nil {
		return false, err
	}
	done = d.drained(parts) // also a paused topic, which is not waited for
	for {
		if d.drained(parts) {
			if err := d.obey(ctx); err != nil {
				return false, errors.Join(err, d.shutdown(ctx, parts))
			}
			if d.drained(parts) { // and no order has come for what was handed over last
				break
			}
		}
		if err := d.step(ctx, parts); err != nil {
			return false, errors.Join(err, d.shutdown(ctx, parts))
		}
	}
	return done, d.stop(ctx, parts, consumer.Drained)
}

func (d *process) partitions() []int {
	if d.mine != nil {
		return d.mine
	}
	var out []int
	for p := range d.topic.parts {
		out = append(out, p)
	}
	return out
}

func (d *process) start(ctx context.Context, parts []int) error {
	var asks []consumer.Partition
	for _, p := range parts {
		log := d.topic.parts[p]
		asks = append(asks, consumer.Partition{Source: d.topic.source(p), LogStart: log.start, Begin: log.start, End: int64(len(log.events))})
	}
	d.starts++
	offsets, err := d.p.Start(ctx, asks)
	if err != nil {
		return err
	}
	for i, p := range parts {
		d.move(p, offsets[i])
	}
	return nil
}

func (d *process) stop(ctx context.Context, parts []int, why consumer.StopReason) error {
	var srcs []batch.Source
	for _, p := range parts {
		srcs = append(srcs, d.topic.source(p))
	}
	return d.p.Stop(ctx, srcs, why)
}

// shutdown gives up what is ours when the process ends, with some time.
func (d *process) shutdown(ctx context.Context, parts []int) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return d.stop(ctx, parts, consumer.Shutdown)
}

func (d *process) drained(parts []int) bool {
	for _, p := range parts {
		if !d.paused && (d.held[p] || d.pos[p] < int64(len(d.topic.parts[p].events))) {
			return false
		}
	}
	return true
}

// step is one turn of the consumer's loop: room, orders, a chunk of each partition.
func (d *process) step(ctx context.Context, parts []int) error {
	d.rounds++
	if d.onWait != nil {
		d.onWait(d.rounds)
	}
	if err := d.obey(ctx); err != nil || d.paused {
		return err
	}
	if len(d.held) > 0 && d.idle != nil {
		d.idle()
	}
	if d.onHand != nil {
		d.onHand(d.rounds)
	}
	for _, p := range parts {
		if !d.held[p] {
			d.hand(p)
		}
	}
	return nil
}

// obey waits for room and carries orders out.
func (d *process) obey(ctx context.Context) error {
	orders, err := d.p.Wait(ctx)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, src := range orders.Hold {
		d.held[int(src.Partition)] = true
	}
	for _, to := range orders.Seek {
		d.move(int(to.Source.Partition), to.Offset)
		delete(d.held, int(to.Source.Partition))
	}
	d.paused = d.paused || slices.Contains(orders.Pause, d.topic.name)
	return nil
}

// positions are where the first two partitions are read to.
func (d *process) positions() [2]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return [2]int64{d.pos[0], d.pos[1]}
}

// move says where a partition is read to.
func (d *process) move(p int, to int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pos[p] = to
}

func (d *process) hand(p int) {
	log := d.topic.parts[p]
	from := d.pos[p]
	next := min(from+int64(d.chunk), int64(len(log.events)))
	d.move(p, next)
	d.p.Accept(d.topic.source(p), next, int64(len(log.events)), recordsOf(log, from, next))
}

func recordsOf(log partition, from, to int64) iter.Seq[batch.Record] {
	return func(yield func(batch.Record) bool) {
		for o := from; o < to; o++ {
			e := log.events[o]
			if e.gone {
				continue
			}
			rec := batch.Record{Offset: o, Time: e.at, Key: []byte("k")}
			if !e.tomb {
				rec.Value = []byte(e.value)
			}
			if !yield(rec) {
				return
			}
		}
	}
}

func batches(list []*ledger.Record) []*ledger.Record {
	return slices.DeleteFunc(slices.Clone(list), func(r *ledger.Record) bool { return r.Kind != ledger.KindBatch })
}
