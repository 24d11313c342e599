// Package ledger owns the commit protocol of a table: which batches are decided,
// in which order, and which of their files are published.
//
// A table's ledger is a row of numbered records in the lake, created once and
// never changed. One record is the commit of a batch in all outputs, of its
// offsets, of its watermark and of its evidence, at once. What goes in is a
// Proposal; what comes out is a Decision and, from the Publisher, the records
// whose files readers now see.
//
// Rules, each with the test of its name:
//
//	R1 what is loaded is the newest checkpoint and the records to the first absent number, made durable before it is acted on
//	R3 a batch has a fresh id, a manifest and durable files before it is proposed
//	R4 a record is created only where every source stands exactly at the start of the batch
//	R5 any answer but success is settled by reading that number; nobody deletes staged files
//	R6 who finds another's record reads to the head and compares all again
//	R7 only decided records are published, by anyone, under the names in the record
//	R8 a checkpoint carries the published mark: below it all finals are verified
//	R12 vacuum removes the staging of a batch only where one loaded state shows that it can never be decided
//	R13 records and published files are never deleted: no method here can
//	R14 a record states the SHA-256 of the record before it and, at its end, of itself: no edit of any field goes unseen
//
// The rules live in pure code, events in and actions out (State.Apply, State.Judge,
// Attempt, Handover); Ledger, Publisher and Vacuum carry the actions out on a store. One Ledger per
// table and process is shared by all its goroutines. Errors that are ErrUnsafe mean
// stop, for going on could lose or double rows; all others may be retried, after
// Load. Closing days and exports belong to later versions: their kinds of records
// are refused, and their state would be folded beside the rest.
package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"tidemark/internal/store"
)

// Store is what the ledger needs of a lake.
//
// Create is durable when it returns nil and lets exactly one of all callers, in
// all processes, succeed; the rest get store.ErrExists. store.ErrAgain asks for the
// same call again. After any other error the object may be there, now or later.
// Sync makes what is visible in a folder durable, whoever wrote it, and does
// nothing where being visible means being durable. Read and List see what was
// created before they were called; store.ErrNotExist is Read's settled "absent".
// A store keeps no reference to data and gives the caller its own. All methods may
// be called concurrently.
type Store interface {
	Create(ctx context.Context, key string, data []byte) error
	Read(ctx context.Context, key string) ([]byte, error)
	List(ctx context.Context, prefix string) ([]store.Entry, error)
	Sync(ctx context.Context, dir string) error
}

// Option changes how a Ledger works.
type Option func(*Ledger)

// WithCheckpointEvery sets how many records lie between two checkpoints: 100, if
// not set.
func WithCheckpointEvery(records int64) Option { return func(l *Ledger) { l.every = records } }

// WithRandom sets where nonces come from: crypto/rand, if not set. Decide reads it,
// from one goroutine at a time; who reads it elsewhere too takes care of that.
func WithRandom(r io.Reader) Option { return func(l *Ledger) { l.random = r } }

// WithPatience sets how many doubtful answers in a row are borne before Decide
// gives up, and how to wait after the nth of them (n = 1, 2, …). Wait returns the
// context's error when that ends. If not set: 8 answers and up to 2 s each.
func WithPatience(answers int, wait func(ctx context.Context, n int) error) Option {
	return func(l *Ledger) { l.answers, l.wait = answers, wait }
}

// Ledger is a table's ledger as one process knows it. All methods may be called
// concurrently; Load and Decide take turns.
type Ledger struct {
	store   Store
	table   string
	every   int64
	random  io.Reader
	answers int
	wait    func(ctx context.Context, n int) error

	turn chan struct{} // holds one token while Load or Decide is at work

	mu struct {
		sync.Mutex
		state *State            // nil until loaded
		mark  int64             // the highest mark known here
		cache map[int64]*Record // records at or above the mark, for the publisher
		due   *State            // the state that is to be checkpointed, or nil
	}
}

// New makes the ledger of a table in a lake. Nothing is read before Load.
func New(s Store, table string, opts ...Option) *Ledger {
	l := &Ledger{
		store: s, table: table, every: 100, random: rand.Reader,
		answers: 8, wait: backoff, turn: make(chan struct{}, 1),
	}
	l.mu.cache = map[int64]*Record{}
	for _, o := range opts {
		o(l)
	}
	return l
}

// Table is the table's name.
func (l *Ledger) Table() string { return l.table }

// State is the newest state known here, or nil before the first Load. It is
// immutable.
func (l *Ledger) State() *State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.state
}

// Proposal asks for a record.
type Proposal struct {
	Batch   string // from NewBatchID
	Kind    Kind
	Sources []Source // the ranges; they are compared, and become the record's
	// Seal makes the rest of the record for the state before it, whose number will
	// be seq: counts, files, watermark, decided_at. Version, table, number, kind,
	// batch, nonce, previous and sources are set by the ledger. It is called again when the
	// ledger has moved on, and once at most for the same seq.
	Seal func(st *State, seq int64) (*Record, error)
}

// Decision is the fate of a proposal.
type Decision struct {
	Record    *Record // the record that was decided, nil if dropped
	State     *State  // the newest state known
	Dropped   bool    // a source has moved: read again from State
	Why       string  // of a drop, one sentence
	Conflicts int     // how often another's record was found in the way
}

// Decide creates the proposal's record if every source stands at its start (R4),
// settling each doubtful answer (R5) and comparing again after each record of
// others (R6). An error leaves open whether the batch was decided: the caller
// loads and builds again from there under a new id. Its staged files stay.
func (l *Ledger) Decide(ctx context.Context, p Proposal) (Decision, error) {
	if err := l.lock(ctx); err != nil {
		return Decision{}, err
	}
	defer l.unlock()
	if err := p.validate(); err != nil {
		return Decision{}, err
	}
	if l.State() == nil {
		if err := l.load(ctx); err != nil {
			return Decision{}, err
		}
	}
	d := decider{ledger: l, proposal: p, nonce: newNonce(l.random)}
	return d.run(ctx)
}

func (p *Proposal) validate() error {
	if p.Seal == nil || !validID(p.Batch) {
		return fmt.Errorf("decide batch %q: not a proposal: it needs a batch id and Seal", p.Batch)
	}
	switch p.Kind {
	case KindBatch, KindClaim, KindHalt, KindRun:
	default:
		return fmt.Errorf("decide batch %s: kind %q is not in this version", p.Batch, p.Kind)
	}
	// A proposal that can never be decided must not look like one that came too late:
	// its caller would build it again for ever.
	if err := checkRanges(p.Kind, p.Sources); err != nil {
		return fmt.Errorf("decide batch %s: %w", p.Batch, err)
	}
	return nil
}

// Record returns one record. store.ErrNotExist: it is not decided.
func (l *Ledger) Record(ctx context.Context, seq int64) (*Record, error) {
	l.mu.Lock()
	r := l.mu.cache[seq]
	l.mu.Unlock()
	if r != nil {
		return r, nil
	}
	return l.read(ctx, seq)
}

func (l *Ledger) read(ctx context.Context, seq int64) (*Record, error) {
	key := RecordKey(l.table, seq)
	data, err := l.store.Read(ctx, key)
	if err != nil {
		return nil, err
	}
	r, err := DecodeRecord(data)
	if err == nil && r.Version == Version {
		err = CheckRecord(data)
	}
	switch {
	case err != nil:
		return nil, &BadRecordError{Key: key, Err: err}
	case r.Seq != seq || r.Table != l.table:
		return nil, &BadRecordError{Key: key, Err: fmt.Errorf("it says that it is record %d of %q", r.Seq, r.Table)}
	}
	return r, nil
}

func (l *Ledger) lock(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Ledger) unlock() { <-l.turn }

func backoff(ctx context.Context, n int) error {
	t := time.NewTimer(min(50*time.Millisecond<<min(n-1, 10), 2*time.Second))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func absent(err error) bool { return errors.Is(err, store.ErrNotExist) }

func validID(id string) bool {
	return id != "" && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
