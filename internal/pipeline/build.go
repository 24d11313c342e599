package pipeline

import (
	"context"
	"sort"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
)

// build is one batch on its way from its first record to its decision.
type build struct {
	t      *table
	raw    *batch.Raw
	spans  []*span
	began  time.Time // when its first record or news came
	cut    time.Time
	oldest time.Time // the earliest Kafka time in it, zero: it has no records
	// streamed is set in a replay where the rows came from topics: they are late by the
	// watermark, which they do not move.
	streamed bool

	// prev is the batch before it that was in flight when this one was cut.
	prev *build
	// judged is closed when the watermark behind this batch is known, done when it is
	// decided or dropped. Both are closed in the end, whatever happened.
	judged, done chan struct{}
	// keyed opens when the keys behind this batch are known, at the latest with done.
	keyed *gate

	// Guarded by Pipeline.mu.
	dropped bool
	cancel  context.CancelFunc // of the worker that has it
	known   bool               // judged is closed
}

// span is a range of one partition in a batch: [from, to), with so many records; or
// where a raw file stands before the batch: its cuts say the rest.
type span struct {
	part     *part
	source   int // in raw.Sources
	from, to int64
	line     int64 // of a raw file: the number that its next record has at least
	records  int64
	epoch    int32
	atEnd    bool
}

func newBuild(t *table, raw *batch.Raw, now time.Time) *build {
	return &build{t: t, raw: raw, began: now, judged: make(chan struct{}), done: make(chan struct{}), keyed: newGate()}
}

// spanOf is the span of a partition in the open batch b, which begins where the
// partition stands.
func (b *build) spanOf(pt *part) *span {
	if pt.span == nil {
		pt.span = &span{part: pt, source: b.raw.Source(pt.src), from: pt.next, to: pt.next}
		b.spans = append(b.spans, pt.span)
	}
	return pt.span
}

// dropLocked makes a worker that has the batch give it up before it decides.
func (b *build) dropLocked() {
	b.dropped = true
	if b.cancel != nil {
		b.cancel()
	}
}

// judgedLocked says that the watermark behind the batch is known.
func (b *build) judgedLocked() {
	if !b.known {
		b.known = true
		close(b.judged)
	}
}

func (b *build) endLocked() {
	b.judgedLocked()
	b.keyed.open()
	close(b.done)
	b.prev = nil
}

// segment is rows [first, first+rows) of a build, which become one ledger record:
// mostly all of them. A build whose rows lie in too many days, or hold too much, is cut in pieces.
type segment struct {
	b           *build
	first, rows int
	cuts        []batch.Cut // of raw files: the ends of its ranges
	last        bool        // ends where the build ends
}

// whole is all of a build.
func (b *build) whole() segment {
	return segment{b: b, rows: b.raw.Rows(), cuts: b.raw.Cuts, last: true}
}

// place is where the segment before one has left a source.
type place struct{ at, line int64 }

// places are where the spans of a build begin.
func (b *build) places() []place {
	out := make([]place, len(b.spans))
	for i, sp := range b.spans {
		out[i] = place{sp.from, sp.line}
	}
	return out
}

// sources are the ranges of a segment. From is where the segment before it ended,
// by span; it is moved on to where this one ends.
func (s *segment) sources(from []place) []ledger.Source {
	records, ends := s.count()
	var out []ledger.Source
	for i, sp := range s.b.spans {
		if sp.part.raw != nil {
			if src, ok := s.rawSource(sp, &from[i], ends[sp.source]); ok {
				src.Records = records[sp.source]
				replayed(&src)
				out = append(out, src)
			}
			continue
		}
		to := from[i].at
		if n := ends[sp.source]; n >= 0 {
			to = n + 1
		}
		if s.last {
			to = sp.to
		}
		if to == from[i].at && !(s.last && sp.atEnd) {
			continue // nothing of this partition is in it
		}
		n := records[sp.source]
		out = append(out, ledger.Source{
			Topic: sp.part.key.Topic, TopicID: sp.part.key.TopicID, Partition: sp.part.key.Partition,
			From: from[i].at, To: to, Records: n, Skipped: to - from[i].at - n,
			LeaderEpoch: sp.epoch, AtEnd: s.last && sp.atEnd,
		})
		from[i].at = to
	}
	return out
}

// count is, by source of the raw, how many rows of it the segment has and the
// offset of the last, −1 for none.
func (s *segment) count() (records, last []int64) {
	raw := s.b.raw
	records, last = make([]int64, len(raw.Sources)), make([]int64, len(raw.Sources))
	for i := range last {
		last[i] = -1
	}
	for _, run := range raw.Runs {
		lo, hi := max(run.First, s.first), min(run.First+run.Rows, s.first+s.rows)
		if lo < hi {
			records[run.Source] += int64(hi - lo)
			last[run.Source] = raw.Offsets[hi-1]
		}
	}
	return records, last
}

// split cuts a segment in two, if it can be, behind n rows or as many fewer as it takes: rows of
// raw files only where a chunk ends, and at least behind one chunk.
func (s *segment) split(n int) (a, b segment, ok bool) {
	k := 0
	if len(s.cuts) > 0 {
		k = max(1, sort.Search(len(s.cuts), func(i int) bool { return s.cuts[i].Rows-s.first > n }))
		n = s.cuts[k-1].Rows - s.first
	}
	a = segment{b: s.b, first: s.first, rows: n, cuts: s.cuts[:k]}
	b = segment{b: s.b, first: s.first + n, rows: s.rows - n, cuts: s.cuts[k:], last: s.last}
	return a, b, n > 0 && n < s.rows
}
