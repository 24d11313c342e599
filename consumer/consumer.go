// Package consumer is the Kafka edge: it knows which partitions are ours, reads
// them in order, and says what became of them.
//
// In go the records of the configured topics; out, through a Handler, runs of
// records of one partition in offset order, the news that a partition is fully
// read, and the moments at which partitions come and go. It decides nothing
// about records, keeps none, and never chooses an offset: where to read from is
// the Handler's answer to Start, which it makes durable first.
//
// Invariants:
//
//	C1 what is read starts at the offset that Start returned, never at Kafka's
//	   committed offset, and no reset of the client ever moves it: a position that
//	   the log does not hold, a truncated log and a topic that was made anew all
//	   lead back to Start, with the numbers as they are now.
//	C2 the records of a partition reach Accept in offset order, without a gap that
//	   holds a committed record, each once between two Starts.
//	C3 nothing of a partition reaches Accept before its Start or after its Stop.
//	C4 every goroutine is joined before Run and Drain return.
//
// Two Kafka clients share the work. One joins the group and never fetches: it
// only brings assignments. The other reads exactly the partitions it is told to,
// so that a stream in a group and a drain without one are the same code, and
// one partition is stopped, moved or given a new topic id without a rebalance.
// Calls of the Handler that change what it holds (Start, Accept, Stop) take
// turns; a rebalance that wants its turn interrupts a poll that is waiting.
//
// Brokers that are away are waited for, for ever; what a broker refuses
// (a topic that is missing, a password that is wrong) ends the consumer after
// Config.Patience, in the broker's own words. Run and Drain then return an
// error, as they do when the Handler does, and everything is given up.
package consumer

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/batch"
)

// Partition is what the consumer knows of a partition when it is about to be
// read.
type Partition struct {
	batch.Source
	LogStart int64 // the oldest offset that the log still holds
	End      int64 // the last stable offset: all below it is decided by Kafka
	// Begin is where Config.Start points: between LogStart and End. It is for a
	// source of a topic that the ledger does not know; a new partition of a known
	// topic begins at LogStart.
	Begin int64
}

// StopReason says why partitions are given up.
type StopReason uint8

// The reasons.
const (
	// Revoked: another member gets the partitions; there is time, until the
	// deadline of the context, to decide what was accepted.
	Revoked StopReason = iota
	// Lost: another member may have them already, or what was accepted is no longer
	// what the log holds. Nothing accepted and undecided may be decided.
	Lost
	// Drained: all there is to read was read, or must be decided before the
	// partition is read anew. Everything accepted is to be decided and published.
	Drained
	// Shutdown: the program ends. Decide and publish what the deadline allows.
	Shutdown
)

var reasons = [...]string{Revoked: "revoked", Lost: "lost", Drained: "drained", Shutdown: "shutdown"}

func (r StopReason) String() string { return reasons[r] }

// Position is a place in a partition: the offset of the next record to read.
type Position struct {
	Source batch.Source
	Offset int64
}

// Orders are what a Handler wants done before the next poll.
type Orders struct {
	// Seek moves partitions that were started to other offsets, for example back
	// to the ledger's after a batch was dropped. One that is no longer ours, or
	// that is known under another topic id, is left alone; one that was started
	// while Wait was under way is stopped (Lost) and started once more instead,
	// since nobody can tell which came first.
	Seek []Position
	// Pause lists topics whose table halted: they are not read any more. Their
	// partitions stay ours, and Stop is still called for them.
	Pause []string
	// Hold lists partitions that are not read until a Seek of theirs: the Handler has not
	// taken all that it was given. Of one order, holds come before seeks.
	Hold []batch.Source
}

// Handler receives what is read. Start, Accept and Stop never overlap; Wait may
// overlap with Start and Stop, since it is called while partitions may come and
// go.
type Handler interface {
	// Start is called for partitions that are newly ours and for those that must be
	// read anew (after Stop), before anything of them is accepted. It returns for
	// each the offset to read from, which must be durable in the ledger by then.
	// An error ends the consumer; data that Kafka no longer holds is to be told by
	// an error here. LogStart and End are the bounds of the log as it was seen before
	// the call: where the ledger is ahead of them, ErrOutdated asks for another look
	// and another call.
	Start(ctx context.Context, parts []Partition) ([]int64, error)

	// Accept takes records of one partition, in offset order. Next is the position
	// behind them: at least the last offset + 1, and beyond it where the log holds
	// only aborted, control or compacted records. End is the last stable offset as
	// last seen, −1 where it is not known; next may already be ahead of it. Without
	// records the call brings news of next and end only; it comes at least once a
	// second for every partition that is read, as long as the broker answers and
	// Wait does not block.
	//
	// Accept is called by the goroutine that calls Wait, after the orders that Wait
	// returned were carried out. What the records point to is valid during the call
	// only. Accept does not block on I/O: partitions cannot come or go meanwhile.
	Accept(src batch.Source, next, end int64, records iter.Seq[batch.Record])

	// Stop gives partitions up. For Lost it returns when nothing of them will be
	// decided any more, for Revoked when all was decided or the context is done and
	// nothing more will be, for Drained and Shutdown when everything accepted was
	// decided and published, or the context is done. Only partitions that were
	// started are stopped, each once. Whatever the reason, nothing of them is decided
	// after it returned. An error, but for that of the context, ends the consumer.
	Stop(ctx context.Context, parts []batch.Source, why StopReason) error

	// Wait blocks until there is room for more records and returns what is to be
	// done before the next poll. It must return soon after the context is done. An
	// error ends the consumer.
	Wait(ctx context.Context) (Orders, error)
}

// Offset is a position to commit for a partition.
type Offset struct {
	Topic       string
	Partition   int32
	Offset      int64
	LeaderEpoch int32 // −1: not known
}

// ErrOutdated is returned by Start where what the ledger knows is not to be found in
// the log as it was last seen. Between that look and Start others may have read on.
var ErrOutdated = errors.New("the ledger is ahead of what was seen of the log")

// ErrRefused is wrapped by errors for what brokers refused for longer than
// Config.Patience: a missing topic, missing rights, wrong credentials.
var ErrRefused = errors.New("kafka refuses")

// Consumer reads topics for a Handler. It is used once, by Run or by Drain.
type Consumer struct {
	cfg     Config
	start   start
	opts    []kgo.Opt // how to reach the brokers
	handler Handler
	log     *slog.Logger
	metrics *metrics
	session atomic.Pointer[session] // of the Run or Drain in progress
}

// New checks the configuration and prepares a consumer. It reads the files that
// the TLS settings name, and does not connect.
func New(cfg Config, h Handler, log *slog.Logger, reg prometheus.Registerer) (*Consumer, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	opts, err := cfg.connection(log)
	if err != nil {
		return nil, err
	}
	from, err := parseStart(cfg.Start)
	if err != nil {
		return nil, err
	}
	return &Consumer{cfg: cfg, start: from, opts: opts, handler: h, log: log, metrics: newMetrics(reg)}, nil
}

// Run reads the partitions that the group gives us until the context is done,
// the Handler returns an error or a broker refuses us. It gives everything up
// before it returns, and leaves the group unless membership is static. After
// the context is done it returns nil.
func (c *Consumer) Run(ctx context.Context) error {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	return s.run()
}

// Drain reads every partition of the topics, without joining the group, to the
// last stable offsets seen at its start, and returns nil when the offsets that
// Start answers have reached them all, whoever decided. Topics that the Handler
// paused are not waited for. When the context is done first, it returns its
// error.
func (c *Consumer) Drain(ctx context.Context) error {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	s.drains = true
	return s.drain()
}

// Commit tells Kafka how far partitions are decided, for tools that show lag;
// nothing ever reads it back. Partitions that are not ours are left out. It may
// be called at any time from any goroutine, also while Stop is running; outside
// of Run and Drain it does nothing.
func (c *Consumer) Commit(ctx context.Context, offsets []Offset) error {
	s := c.session.Load()
	if s == nil {
		return nil
	}
	return s.commit(ctx, offsets)
}

// Buffered is the memory, in bytes, that records fetched and not yet handed over
// take, about. It may be called at any time from any goroutine.
func (c *Consumer) Buffered() int64 {
	s := c.session.Load()
	if s == nil {
		return 0
	}
	return s.buffered() + s.inHand.Load()
}

// Assigned is the number of partitions that are ours at this moment. It may be
// called at any time from any goroutine.
func (c *Consumer) Assigned() int {
	if s := c.session.Load(); s != nil {
		return len(*s.owned.Load())
	}
	return 0
}
