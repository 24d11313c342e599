package watermark

import (
	"math"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// The reasons with which Judge quarantines a row.
const (
	ReasonEventTime = "event_time" // it has none, and the table is laid out by it
	ReasonFuture    = "future"     // it lies further ahead than max_future
)

// Bounds are what the event times of a batch are judged by.
type Bounds struct {
	// Watermark is that of the state before the batch: the ledger's and that of the
	// batches in flight before it. While it is not known nothing is late.
	Watermark Mark
	// Future is the latest event time that is believed: now + max_future in µs since
	// 1970. The caller guards now: never earlier than the newest decided_at.
	Future int64
	// Late says what becomes of late rows.
	Late Policy
}

// Report is what Judge found.
type Report struct {
	// MaxEventTime is the newest event time of each source of the batch's Raw, by
	// its index in Raw.Sources. Every row that conform accepted counts, unless it is
	// from the future: also one that fails a check later.
	MaxEventTime []Mark
	Late         int64 // rows before the watermark, whatever the policy
	Future       int64 // rows quarantined as ReasonFuture
	Missing      int64 // rows quarantined as ReasonEventTime
}

// Judge gives each row that is written or late its fate by its event time, and
// quarantines those that have none (unless the table is not partitioned) or lie
// beyond in.Future. Rows of another fate keep it (W4); a duplicate still counts as
// seen, one that was filtered before does not: it has no time. A defaulted event time is judged as it stands and moves no maximum.
func Judge(b *batch.Batch, in Bounds) Report {
	r := Report{MaxEventTime: make([]Mark, len(b.Raw.Sources))}
	if b.Table.EventTime < 0 {
		return r
	}
	j := newJudge(b, in)
	from := len(b.Rejects)
	for _, run := range b.Raw.Runs {
		lo, hi := max(run.First-b.First, 0), min(run.First+run.Rows-b.First, b.Rows)
		if lo >= hi {
			continue
		}
		var newest int64
		if j.marks == nil {
			newest = j.plain(lo, hi, &r)
		} else {
			newest = j.marked(lo, hi, &r)
		}
		if newest != math.MinInt64 {
			r.MaxEventTime[run.Source] = r.MaxEventTime[run.Source].Max(At(j.micros(newest)))
		}
	}
	b.MergeRejects(from)
	return r
}

// Rejudge gives the rows that are written or late their fate again, by another
// watermark: one of the batches in flight before this one was dropped. Rows that
// any stage has quarantined since stay so. It returns how many are late.
func Rejudge(b *batch.Batch, in Bounds) (late int64) {
	if b.Table.EventTime < 0 {
		return 0
	}
	j := newJudge(b, in)
	for i, f := range b.Fates[:b.Rows] {
		if f > batch.Late {
			continue
		}
		b.Fates[i] = batch.Written
		if j.times[i] < j.watermark && (j.marks == nil || j.marks[i] != batch.Null) {
			b.Fates[i] = j.fate
			late++
		}
	}
	return late
}

// judge is the bounds in the unit of the column, so that the loops compare values
// as they stand.
type judge struct {
	b     *batch.Batch
	times []int64
	marks []batch.Mark

	unit      int64 // µs
	watermark int64 // earlier is late
	future    int64 // later is not believed
	fate      batch.Fate
}

const dayMicros = 24 * 60 * 60 * 1e6

func newJudge(b *batch.Batch, in Bounds) judge {
	v := &b.Columns[b.Table.EventTime]
	j := judge{b: b, times: v.Ints[:b.Rows], unit: 1, watermark: math.MinInt64, future: in.Future, fate: batch.Late}
	if v.Marks != nil {
		j.marks = v.Marks[:b.Rows]
	}
	if b.Table.Columns[b.Table.EventTime].Type.Kind == schema.Date {
		j.unit = dayMicros
	}
	if in.Watermark.Known {
		j.watermark = -floorDiv(-in.Watermark.Micros, j.unit) // the first value that is not before it
	}
	j.future = floorDiv(in.Future, j.unit)
	switch in.Late {
	case Accept:
		j.fate = batch.Written
	case Filter:
		j.fate = batch.Filtered
	}
	return j
}

// micros is the instant of a value of the column.
func (j *judge) micros(v int64) int64 {
	return min(max(v, math.MinInt64/j.unit), math.MaxInt64/j.unit) * j.unit
}

// plain judges rows [lo, hi) of a column without a null.
func (j *judge) plain(lo, hi int, r *Report) (newest int64) {
	newest = math.MinInt64
	times, fates := j.times[lo:hi], j.b.Fates[lo:hi]
	watermark, future := j.watermark, j.future
	for i, at := range times {
		if fates[i] == batch.Written && at >= watermark && at <= future {
			newest = max(newest, at)
			continue
		}
		newest = max(newest, j.odd(lo+i, r))
	}
	return newest
}

// marked judges rows [lo, hi) of a column in which some are null or defaulted.
func (j *judge) marked(lo, hi int, r *Report) (newest int64) {
	newest = math.MinInt64
	for i := lo; i < hi; i++ {
		switch j.marks[i] {
		case batch.Present:
			newest = max(newest, j.odd(i, r))
		case batch.Defaulted:
			j.odd(i, r) // judged, but nobody said that this time was reached
		case batch.Null:
			if j.b.Fates[i] <= batch.Late {
				j.b.Fates[i] = batch.Written
				if j.b.Table.Partition != schema.Unpartitioned {
					j.reject(i, ReasonEventTime, "a time, to know its day")
					r.Missing++
				}
			}
		}
	}
	return newest
}

// odd judges one row that has a value and returns it, or the least value where it
// is not to be counted.
func (j *judge) odd(i int, r *Report) int64 {
	at, fate := j.times[i], j.b.Fates[i]
	if fate == batch.Quarantined || fate == batch.Filtered { // neither has a value
		return math.MinInt64
	}
	if at > j.future {
		if fate <= batch.Late {
			j.reject(i, ReasonFuture, "a time not beyond now + max_future")
			r.Future++
		}
		return math.MinInt64
	}
	if fate > batch.Late {
		return at
	}
	j.b.Fates[i] = batch.Written
	if at < j.watermark {
		j.b.Fates[i] = j.fate
		r.Late++
	}
	return at
}

func (j *judge) reject(i int, reason, want string) {
	j.b.Fates[i] = batch.Quarantined
	j.b.Rejects = append(j.b.Rejects, batch.Reject{
		Row: int32(i), Column: int16(j.b.Table.EventTime), Stage: batch.StageWatermark,
		Reason: reason, Want: want, At: -1,
	})
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
