// Package pipeline owns the way of a batch: it gathers records into batches,
// takes each through the stages (conform, watermark, quality, writer), has it
// decided by the ledger and published, and gives every record exactly one fate.
//
// Records come in through the methods of consumer.Handler. Out go files and ledger
// records in a lake, advisory offsets, metrics, and one log line for each batch.
// Feed runs the workers and publishers around a consumer and returns what ended it.
//
// Invariants:
//
//	P1 the fates of a batch add up to the records read; a batch of which they do not is not decided
//	L1 the batches of a table are decided in the order in which they were cut, and a
//	   batch that is dropped takes all later ones that are undecided with it
//	L2 nothing of a partition is decided after Stop returned for it
//	L3 after a drop a partition accepts nothing until it was sent back to the ledger's next offset
//	L4 a batch is late by the watermark of the state before it: the ledger's and that of batches in flight
//	L5 what is held is counted; where it passes the budget, batches are cut early and reading waits
//
// Each worker takes one whole batch through all stages and waits for its turn
// twice: to be judged by the watermark, and to be decided. Workers of one table
// work on consecutive batches, so whoever is waited for is never waiting behind.
//
// A disk or a store that fails ends Feed with its error: the lake is sound at any
// moment, and the next start goes on. Errors that are ledger.ErrUnsafe or a
// *HaltError ask for a person. Configuration, HTTP and exit codes are left to the
// program.
package pipeline

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tidemark/conform"
	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/keyload"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/quality"
	"tidemark/watermark"
	"tidemark/writer"
)

// Lake is what the pipeline needs of a store: what the ledger, the publisher, the
// writer and who reads keys need of it, with the meaning that they give it.
type Lake interface {
	keyload.Lake
	ledger.Shelf
	writer.Shelf
}

// Edge is what the pipeline needs of a consumer beside being fed by it. All
// methods may be called from any goroutine at any time.
type Edge interface {
	// Commit tells Kafka how far partitions are decided, for lag tools. It may fail
	// or be forgotten without harm.
	Commit(ctx context.Context, offsets []consumer.Offset) error
	// EpochEnds says where leader epochs of partitions end in the logs as they are now, −1
	// where that is not known.
	EpochEnds(ctx context.Context, asks []consumer.Epoch) ([]int64, error)
	// Buffered is the memory, in bytes, of records fetched and not handed over.
	Buffered() int64
}

// OnLoss says what to do where Kafka no longer holds what the ledger needs next.
type OnLoss uint8

// What a loss can do.
const (
	Stop     OnLoss = iota // end with a *LossError
	Continue               // record the gap in the ledger, and go on behind it
)

// Table is one table with what becomes of its records.
type Table struct {
	Schema *schema.Table
	Topics []string
	// Schemas, if not nil, says whether a record can be decoded already; Written finds what it
	// was written with, of formats that need to know.
	Schemas Schemas
	Written conform.Schemas
	Suite   *quality.Suite
	Policy  quality.Policy

	Delay     time.Duration // lateness that is allowed
	MaxFuture time.Duration // how far ahead of now an event time may lie
	IdleAfter time.Duration // how long a partition is fully read before it is idle
	Late      watermark.Policy

	Writer writer.Options
}

// Config says what to do. New fills in what is zero where a default is named.
type Config struct {
	Tables       []Table
	SourceSystem string
	OnLoss       OnLoss

	MaxAge   time.Duration // a batch is cut when its first record is this old; 30 s
	MaxRows  int           // or when it has this many; 500,000
	MaxBytes int64         // or when it holds this much; a quarter of Memory at most
	// Memory is the budget in bytes of everything held, the consumer's buffers
	// included; 1 GiB. Batches are cut early rather than pass it.
	Memory int64
	// Beside, if not nil, is what others hold in memory that the budget has to count, in
	// bytes: schemas. It is called at any time, and must not wait for the pipeline.
	Beside func() int64
	// Staging is what the lake holds in memory of one file that is being written, in
	// bytes; 0 for a local disk. Each worker has one open at a time.
	Staging int64
	// Raw is set where raw files are read and no topics: rows are not judged by the
	// watermark and do not move it, and batches are not cut by age.
	Raw bool
	// Oldest, if not zero, is the event time before which rows of raw files are filtered.
	Oldest time.Time
	// Replay, if not empty, says in one sentence why rows of the quarantine are judged anew:
	// they are what is fed, and Raw is set. Unique checks then look at all rows that the
	// table has, and a batch of which all rows stay where they are is not decided.
	Replay string
	// Dry, if set, is told of each batch what would be decided, in order, and nothing is
	// written. It is called by one goroutine at a time.
	Dry func(*Dry)
	// Library is where references are kept; New makes one that knows no buckets beside
	// the lake. ReferenceAge is how old they may be: 1 min.
	Library      *keyload.Library
	ReferenceAge time.Duration
	// RunFiles, if not nil, says which raw files belong to the command: unique checks
	// reach through all that is decided of them. Nil: through what was decided since the
	// last backfill of the table that came to its end.
	RunFiles func(url string) bool
	// Spill is the folder for keys that outgrow memory; empty: the system's for
	// temporary files.
	Spill string
	// Drain is set where the consumer will drain: a partition is then idle as soon
	// as it was read to its end.
	Drain   bool
	Workers int // GOMAXPROCS

	Decider ledger.Decider
	Now     func() time.Time // time.Now
	Random  io.Reader        // crypto/rand
}

func (c Config) withDefaults() Config {
	if c.MaxAge <= 0 {
		c.MaxAge = 30 * time.Second
	}
	if c.MaxRows <= 0 {
		c.MaxRows = 500_000
	}
	if c.Memory <= 0 {
		c.Memory = 1 << 30
	}
	if c.MaxBytes <= 0 || c.MaxBytes > c.Memory/4 {
		c.MaxBytes = c.Memory / 4
	}
	if c.ReferenceAge <= 0 {
		c.ReferenceAge = referenceAge
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return c
}

// Pipeline is the way of all tables of a process. It implements consumer.Handler.
type Pipeline struct {
	cfg     Config
	lake    Lake
	log     *slog.Logger
	metrics *metrics
	tables  []*table
	byTopic map[string]*table
	random  lockedReader

	// mu guards the state of all tables too.
	mu      sync.Mutex
	edge    Edge
	queue   []*build      // cut, in order, not yet taken by a worker
	work    *sync.Cond    // of mu: the queue grew, or the workers are to end
	changed chan struct{} // closed and replaced when something that Wait waits for changes
	failure error         // what ends everything, the first of all
	ending  bool          // workers are to end
	spare   []*batch.Raw
	blocks  [][]byte // of BlockSize, for those that are being filled
	usual   int      // rows of the last batch: what the next may have
	workers []*worker
	budget  budget
	spills  spills
}

var _ consumer.Handler = (*Pipeline)(nil)

// New prepares a pipeline into a lake. Nothing is read or written before Feed.
func New(cfg Config, lake Lake, log *slog.Logger, reg prometheus.Registerer) (*Pipeline, error) {
	cfg = cfg.withDefaults()
	if cfg.Library == nil {
		cfg.Library = keyload.NewLibrary(lake, nil)
	}
	p := &Pipeline{
		cfg: cfg, lake: lake, log: log, byTopic: map[string]*table{},
		changed: make(chan struct{}), random: lockedReader{r: cfg.Random}, budget: newBudget(cfg),
	}
	p.work = sync.NewCond(&p.mu)
	var errs []error
	for _, c := range cfg.Tables {
		c.Writer.SourceSystem = cfg.SourceSystem
		plan, err := conform.Compile(c.Schema)
		if err == nil {
			_, err = writer.New(c.Schema, c.Writer)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		t := newTable(p, c, plan)
		if t.ring, err = newKeyring(t); err != nil {
			errs = append(errs, err)
		}
		p.tables = append(p.tables, t)
		for _, topic := range c.Topics {
			if other := p.byTopic[topic]; other != nil {
				errs = append(errs, fmt.Errorf("topic %s feeds both %s and %s: let one topic feed one table", topic, other.name, t.name))
			}
			p.byTopic[topic] = t
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.metrics = newMetrics(reg, p)
	return p, nil
}

// Feed publishes what is decided already, runs read, which is to feed the
// pipeline's methods (Run or Drain of a consumer), with workers and publishers
// around it, and returns why it ended: nil where read ended by itself or by the
// end of ctx. A *HaltError is returned when no table is left to feed and, in a
// drain, at its end if a table halted. Feed is called once.
func (p *Pipeline) Feed(ctx context.Context, edge Edge, read func(context.Context) error) error {
	p.mu.Lock()
	p.edge = edge
	p.mu.Unlock()
	defer p.spills.close()
	for _, t := range p.tables {
		if err := t.load(ctx); err != nil {
			return err
		}
	}
	// What carries batches outlives ctx: read gives everything up after its end, and
	// that needs workers.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var g errgroup.Group
	for _, w := range p.hire() {
		g.Go(func() error { w.run(inner); return nil })
	}
	for _, t := range p.tables {
		if p.cfg.Dry == nil {
			g.Go(func() error { t.publishOn(inner); return nil })
		}
		if t.Schemas != nil {
			g.Go(func() error { t.watchSchemas(inner); return nil })
		}
	}
	if !p.cfg.Raw {
		g.Go(func() error { p.cutByAge(inner); return nil })
	}

	err := read(ctx)
	p.end()
	stop()
	_ = g.Wait() // none of them returns an error: they tell fail

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return p.failure
	}
	if err == nil && p.cfg.Drain {
		err = p.haltedLocked()
	}
	return err
}

// hire makes the workers.
func (p *Pipeline) hire() []*worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range p.cfg.Workers {
		p.workers = append(p.workers, newWorker(p))
	}
	return p.workers
}

// fail makes err what everything ends with, unless something did before.
func (p *Pipeline) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failLocked(err)
}

func (p *Pipeline) failLocked(err error) {
	if p.failure != nil {
		return
	}
	p.failure = err
	for _, t := range p.tables {
		t.abandonLocked()
	}
	p.changeLocked()
}

// end lets the workers go.
func (p *Pipeline) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.tables {
		t.abandonLocked()
	}
	p.ending = true
	p.work.Broadcast()
}

// changeLocked wakes Wait.
func (p *Pipeline) changeLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// haltedLocked joins the errors of the tables that halted.
func (p *Pipeline) haltedLocked() error {
	var errs []error
	for _, t := range p.tables {
		if t.halt != nil {
			errs = append(errs, t.halt)
		}
	}
	return errors.Join(errs...)
}

// lockedReader lets goroutines share a source of chance.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(b)
}

// batchID is a fresh id for one build (R3).
func (p *Pipeline) batchID() string { return ledger.NewBatchID(p.cfg.Now(), &p.random) }
