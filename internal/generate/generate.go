// Package generate makes events of card payments as the preset
// banking/card-transactions has them: for the demo, for benchmarks and for trials.
//
// In goes a Config; out comes one event at a time, in order, with what it is good
// for: most are good, some are late, from the future, repeated, refused by a check,
// or no event at all.
//
// Invariants:
//
//	E1 the same Config gives the same bytes, on every machine
//	E2 events as JSON are 236 bytes long in the mean
//	E3 event times rise with the rows but for some minutes, so that a late one is
//	   days behind everything around it
//	E4 nothing is allocated for an event: what Next gives is valid until it is
//	   called again
//
// A Generator belongs to one goroutine. Nothing here can fail; sending, pacing and
// writing to files is left to the caller.
package generate

import (
	"math"
	"math/rand/v2"
	"time"
)

// Config says what to make. The zero value of a field that has a default means the
// default; a share of 0 means none.
type Config struct {
	Rows   int64  // 0: without end
	Seed   uint64 // the same seed, the same events
	Format Format
	// Prefix stands in front of each event. Whole events are not cut off where they are broken.
	Prefix []byte
	Whole  bool

	// Shares of the rows, from 0 to 1; together at most 1.
	Bad       float64 // an amount below zero: a check refuses it
	Broken    float64 // cut off, or not UTF-8: no event
	Late      float64 // three days behind
	Duplicate float64 // the event before, once more
	Future    float64 // a year ahead

	Keys int       // accounts; 100,000
	Days int       // that the event times cover; 7
	End  time.Time // of the last event; 2026-11-23T00:00:00Z

	// Step is the time from one event to the next. 0: Days spread over Rows, or over
	// a million where there is no end. No event but one from the future is after End.
	Step time.Duration
}

// Bench is the stream that speed is measured with: of a thousand events one is late
// and one fails a check, of a hundred thousand one is broken.
func Bench(rows int64) Config {
	return Config{Rows: rows, Seed: 1, Bad: 0.001, Late: 0.001, Broken: 0.00001}
}

// Kind says what an event is good for.
type Kind uint8

// The kinds of events.
const (
	Good Kind = iota
	Late
	Failing
	Broken
	Duplicate
	Future
)

var kinds = []string{Good: "good", Late: "late", Failing: "failing", Broken: "broken", Duplicate: "duplicate", Future: "future"}

func (k Kind) String() string { return kinds[k] }

// Event is one event. Value and Key are valid until the next call of Next.
type Event struct {
	Value []byte    // without a newline at its end
	Key   []byte    // the account, as text
	Time  time.Time // when it is sent, which for most is some minutes after it happened
	Kind  Kind
}

const (
	jitter  = uint64(5 * time.Minute / time.Microsecond)
	behind  = int64(72 * time.Hour / time.Microsecond)
	ahead   = int64(365 * 24 * time.Hour / time.Microsecond)
	firstID = 1_000_000_000
)

// Generator makes the events of a Config.
type Generator struct {
	cfg    Config
	random *rand.PCG
	limits [5]uint64 // of the shares, added up, out of 1<<32
	row    int64

	// now is the time of the next row in µs: it advances by step and, every divisor
	// rows, by rest more.
	now, end            int64
	step, rest, divisor int64
	gathered            int64

	line line
	last Kind // of what line holds
	key  []byte
}

// New makes a Generator. Shares that a Config asks for beyond 1 are cut off.
func New(cfg Config) *Generator {
	if cfg.Keys <= 0 {
		cfg.Keys = 100_000
	}
	cfg.Keys = min(cfg.Keys, math.MaxInt32)
	if cfg.Days <= 0 {
		cfg.Days = 7
	}
	if cfg.End.IsZero() {
		cfg.End = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	}
	g := &Generator{cfg: cfg, random: rand.NewPCG(cfg.Seed, 0x7469646d61726b), last: Broken}
	sum := 0.0
	for i, share := range []float64{cfg.Late, cfg.Bad, cfg.Broken, cfg.Duplicate, cfg.Future} { // in the order of Kind, after Good
		sum = min(sum+max(share, 0), 1)
		g.limits[i] = uint64(sum * (1 << 32))
	}
	span := int64(cfg.Days) * int64(24*time.Hour/time.Microsecond)
	g.end = cfg.End.UnixMicro()
	g.now = g.end - span
	g.divisor = cfg.Rows
	if g.divisor <= 0 {
		g.divisor = 1_000_000
	}
	g.step, g.rest = span/g.divisor, span%g.divisor
	if cfg.Step > 0 {
		g.step, g.rest = cfg.Step.Microseconds(), 0
	}
	return g
}

// Next gives the next event, or false after the last.
func (g *Generator) Next() (Event, bool) {
	if g.cfg.Rows > 0 && g.row == g.cfg.Rows {
		return Event{}, false
	}
	g.row++
	g.advance()
	e := Event{Time: time.UnixMicro(g.now).UTC(), Kind: g.kind()}
	if e.Kind != Duplicate {
		g.compose(e.Kind)
		g.last = e.Kind
	}
	e.Value, e.Key = g.line.bytes, g.key
	return e, true
}

// advance moves the time of the row on, to End at most.
func (g *Generator) advance() {
	g.now += g.step
	if g.gathered += g.rest; g.gathered >= g.divisor {
		g.gathered -= g.divisor
		g.now++
	}
	g.now = min(g.now, g.end)
}

// kind throws the dice. Only a good event is worth repeating.
func (g *Generator) kind() Kind {
	r := g.random.Uint64() >> 32
	if r >= g.limits[len(g.limits)-1] {
		return Good
	}
	kind := Late
	for r >= g.limits[kind-1] {
		kind++
	}
	if kind == Duplicate && g.last != Good {
		return Good
	}
	return kind
}

// compose puts an event of a kind into the line.
func (g *Generator) compose(kind Kind) {
	r, s := g.random.Uint64(), g.random.Uint64()
	least := pick(magnitude[:], s, 0)
	t := transaction{
		id:       firstID + g.row,
		account:  1 + int64(below(r, uint64(g.cfg.Keys))),
		cents:    least + int64(below(r<<32, uint64(9*least))),
		kind:     pick(types[:], s, 8),
		at:       g.now - int64(below(s, jitter)),
		status:   pick(statuses[:], s, 16),
		place:    pick(places[:], s, 24),
		channel:  pick(channels[:], r, 0),
		merchant: below(r*s, merchants),
	}
	switch kind {
	case Failing:
		t.cents = -t.cents
	case Late:
		t.at -= behind
	case Future:
		t.at += ahead
	}
	g.line.write(&t, &g.cfg)
	g.key = g.line.account
	if kind == Broken {
		g.line.spoil(r, &g.cfg)
	}
}

// below turns the upper half of a random number into one below n.
func below(r, n uint64) uint64 { return r >> 32 * n >> 32 }
