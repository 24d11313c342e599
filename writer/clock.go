package writer

import (
	"math"
	"strings"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
)

// clock tells the days and hours of rows.
type clock struct {
	by    schema.Partitioning
	date  bool
	event []int64
	marks []batch.Mark
	kafka func(row int) int64
	now   int64 // the day of processing, for what has no Kafka timestamp
}

func newClock(b *batch.Batch, processedAt int64) clock {
	c := clock{by: b.Table.Partition, kafka: func(row int) int64 { return b.Raw.Time(b.First + row) }, now: floorDiv(processedAt, microsPerDay)}
	if e := b.Table.EventTime; e >= 0 && c.by != schema.Unpartitioned {
		c.date = b.Table.Columns[e].Type.Kind == schema.Date
		c.event, c.marks = b.Columns[e].Ints, b.Columns[e].Marks
	}
	return c
}

// unit is the day or hour of a row of an output. It reports false for a row that
// has no event time and would need one.
func (c *clock) unit(row int, output uint8) (int64, bool) {
	switch {
	case output == 3 && c.kafka(row) == 0:
		return c.now, true
	case output == 3:
		return floorDiv(c.kafka(row), microsPerDay), true
	case c.by == schema.Unpartitioned:
		return 0, true
	case c.marks != nil && c.marks[row] == batch.Null:
		return 0, false
	case c.date && c.by == schema.ByHour:
		return 24 * c.event[row], true
	case c.date:
		return c.event[row], true
	case c.by == schema.ByHour:
		return floorDiv(c.event[row], microsPerHour), true
	}
	return floorDiv(c.event[row], microsPerDay), true
}

// TooManyDays reports whether the rows of b need more than so many folders, over all outputs: each
// is a file.
func TooManyDays(b *batch.Batch, most int) bool {
	times := newClock(b, math.MaxInt64)
	if times.within(b) <= uint64(most) {
		return false
	}
	var find finder
	find.reset()
	for row, fate := range b.Fates[:b.Rows] {
		if output := fateOutput(fate, false); output != 0 {
			if unit, ok := times.unit(row, output); ok {
				find.folder(output, unit)
			}
		}
	}
	return len(find.keys) > most
}

// within is how many folders the rows of b need at most, by the first and the last of their times.
func (c *clock) within(b *batch.Batch) uint64 {
	kept, rejected := nowhere, nowhere
	for row, fate := range b.Fates[:b.Rows] {
		switch {
		case fate == batch.Quarantined:
			rejected.take(c.kafka(row))
		case fate <= batch.Late && c.event != nil && (c.marks == nil || c.marks[row] == batch.Present):
			kept.take(c.event[row])
		}
	}
	unit := uint64(microsPerDay)
	switch {
	case c.date:
		unit = 1
	case c.by == schema.ByHour:
		unit = microsPerHour
	}
	// Late rows have folders of their own, and so have rows without a Kafka timestamp.
	return 2*kept.units(unit) + rejected.units(microsPerDay) + 2
}

// extent is from the least to the greatest of some times.
type extent struct{ first, last int64 }

// nowhere is the extent of no time.
var nowhere = extent{math.MaxInt64, math.MinInt64}

func (e *extent) take(at int64) { e.first, e.last = min(e.first, at), max(e.last, at) }

// units is how many units, which begin at their multiples, the times may lie in.
func (e *extent) units(unit uint64) uint64 {
	if *e == nowhere {
		return 0
	}
	return (uint64(e.last)-uint64(e.first))/unit + 2
}

// Folders is how many rows of b the table itself would get in each folder: those that
// are written. The name of the only folder of a table that is not partitioned is empty.
func Folders(b *batch.Batch) map[string]int64 {
	times := newClock(b, math.MaxInt64)
	units := map[int64]int64{}
	for row, fate := range b.Fates[:b.Rows] {
		if fate != batch.Written {
			continue
		}
		if unit, ok := times.unit(row, 1); ok {
			units[unit]++
		}
	}
	out := make(map[string]int64, len(units))
	for unit, rows := range units {
		f := folder{output: ledger.Main, unit: unit, by: b.Table.Partition}
		out[strings.TrimPrefix(f.dir(""), "/")] = rows
	}
	return out
}
