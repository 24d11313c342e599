package quality

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Dedupe says which rows are repetitions of others: a row is a duplicate if its key is
// that of a row taken before, in this batch or an earlier one, and both lie within
// Within of the newest event time taken so far, the row's own included. A row that is
// older than that is not looked at, and what is older is forgotten.
type Dedupe struct {
	Keys   []string
	Within time.Duration
}

// Option adds to a suite what is no check.
type Option func(*Suite) error

// WithDedupe gives duplicates their fate. The table needs an event time.
func WithDedupe(d Dedupe) Option {
	return func(s *Suite) error {
		columns, err := findAll(s.table, d.Keys, find)
		switch {
		case err != nil:
			return fmt.Errorf("dedupe: keys: %w", err)
		case d.Within < time.Microsecond:
			return fmt.Errorf("dedupe: within %s: write a time such as 24h", d.Within)
		case s.table.EventTime < 0:
			return errors.New("dedupe: within is a time between events, and the table has no event_time: name its column")
		}
		s.dedupe = &dedupe{key: newKey(s.table, columns), within: d.Within.Microseconds(), column: s.table.EventTime, micros: 1}
		if s.table.Columns[s.table.EventTime].Type.Kind == schema.Date {
			s.dedupe.micros = int64(24 * time.Hour / time.Microsecond)
		}
		return nil
	}
}

// Within is how long dedupe remembers a key, in event time; 0: there is no dedupe.
func (s *Suite) Within() time.Duration {
	if s.dedupe == nil {
		return 0
	}
	return time.Duration(s.dedupe.within) * time.Microsecond
}

// KeyColumns are the columns, by index, that Keys.Learn looks at.
func (s *Suite) KeyColumns() (out []int) {
	if s.dedupe != nil {
		out = append(append(out, s.dedupe.key.columns...), s.dedupe.column)
	}
	for _, n := range s.unique {
		out = append(out, s.checks[n].columns...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// dedupe is a compiled Dedupe.
type dedupe struct {
	key    *key
	within int64 // µs
	column int   // of the event time
	micros int64 // of one of its units
}

// seen is when keys were last taken, as far as it matters.
type seen struct {
	key     *key
	numbers timedNumbers
	texts   texts
	newest  int64 // event time taken, µs; none: the least there is
}

// newSeen has room for so many rows.
func newSeen(k *key, rows int) *seen {
	s := &seen{key: k, newest: math.MinInt64}
	if k.number() {
		s.numbers.reset(rows)
	} else {
		s.texts.reset(true, rows)
	}
	return s
}

func (s *seen) bytes() int64 { return s.numbers.bytes() + s.texts.bytes() }

// put says that the key of a row was taken at a time.
func (s *seen) put(of rowKey, at, within int64) {
	s.newest = max(s.newest, at)
	if horizon := before(s.newest, within); s.key.number() {
		s.numbers.put(of.number, at, horizon)
	} else {
		s.texts.put(of.text, at, horizon)
	}
}

func (s *seen) get(of rowKey) (at int64, ok bool) {
	if s.key.number() {
		return s.numbers.get(of.number)
	}
	return s.texts.get(of.text)
}

// merge takes over all of another.
func (s *seen) merge(o *seen, within int64) {
	s.newest = max(s.newest, o.newest)
	horizon := before(s.newest, within)
	if s.key.number() {
		for v, at := range o.numbers.timed() {
			s.numbers.put(v, at, horizon)
		}
		return
	}
	for key, at := range o.texts.timed() {
		s.texts.put(key, at, horizon)
	}
}

// before is at − within, without passing the least number.
func before(at, within int64) int64 {
	if at < math.MinInt64+within {
		return math.MinInt64
	}
	return at - within
}

// window judges the rows of one batch as duplicates, in their order. Nil: none is.
type window struct {
	*dedupe
	r      *run
	own    *seen
	layers []*seen // the batch's own, those in flight, what is decided
	newest int64
	of     rowKey // of the row looked at
}

func (s *Suite) newWindow(r *run) *window {
	if s.dedupe == nil {
		return nil
	}
	w := &window{dedupe: s.dedupe, r: r, own: newSeen(s.dedupe.key, r.b.Rows)}
	w.layers = append([]*seen{w.own}, r.shared.seen()...)
	w.newest = math.MinInt64
	for _, l := range w.layers {
		w.newest = max(w.newest, l.newest)
	}
	return w
}

// time is the event time of a row in µs, if it has one.
func (d *dedupe) time(b *batch.Batch, row int) (at int64, ok bool) {
	v := &b.Columns[d.column]
	return v.Ints[row] * d.micros, v.Mark(row) == batch.Present
}

// take lets s take the row: its time, and its key if it has one.
func (d *dedupe) take(s *seen, b *batch.Batch, row int, of *rowKey) {
	at, ok := d.time(b, row)
	if !ok {
		return
	}
	s.newest = max(s.newest, at)
	if d.key.has(b, row) {
		d.key.read(b, row, of)
		s.put(*of, at, d.within)
	}
}

// duplicate reports whether a row is one.
func (w *window) duplicate(row int) bool {
	if w == nil {
		return false
	}
	at, ok := w.time(w.r.b, row)
	horizon := before(max(w.newest, at), w.within)
	if !ok || at < horizon || !w.key.has(w.r.b, row) {
		return false
	}
	w.key.read(w.r.b, row, &w.of)
	for _, l := range w.layers {
		if at, ok := l.get(w.of); ok && at >= horizon {
			return true
		}
	}
	return false
}

// take takes the key of a row.
func (w *window) take(row int) {
	if w != nil && !w.r.shared.skips(w.r.b.Fates[row]) {
		w.dedupe.take(w.own, w.r.b, row, &w.of)
		w.newest = max(w.newest, w.own.newest)
	}
}
