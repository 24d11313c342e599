package writer

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
)

// folder is the rows of one output and one day (or hour): they stand at the
// positions [start, start+rows).
type folder struct {
	output ledger.Output
	unit   int64 // days or hours since 1970, 0 where there are no folders
	by     schema.Partitioning
	start  int
	rows   int
}

// dir is the folder's path below the lake.
func (f *folder) dir(table string) string {
	root := f.output.Dir(table)
	if f.by == schema.Unpartitioned {
		return root
	}
	day, hour := f.unit, int64(0)
	if f.by == schema.ByHour {
		day, hour = floorDiv(f.unit, 24), f.unit-24*floorDiv(f.unit, 24)
	}
	year, month, dom := civil(day)
	dir := fmt.Sprintf("%s/yyyy=%04d/mm=%02d/dd=%02d", root, year, month, dom)
	if f.by == schema.ByHour {
		dir += fmt.Sprintf("/hh=%02d", hour)
	}
	return dir
}

// plan says where each row of a batch goes. Positions are numbered through all
// files: main rows by day, late ones by day, quarantined ones by day.
type plan struct {
	folders []folder
	target  []int32 // per row: its position; total for a row that goes to no file
	order   []int32 // per position: its row. Only where needed: sorted or quarantined rows, nested columns
	kept    int     // positions below it are rows of main and late
	total   int
	// straight: each row's position is its number, nothing has to be moved.
	straight bool

	find  finder
	place []int32 // per row: index of its folder as found, −1: none
	next  []int32
}

const microsPerDay, microsPerHour = 86_400_000_000, 3_600_000_000

// make plans a batch.
func (p *plan) make(b *batch.Batch, in Build, sortBy []int) error {
	if err := p.assign(b, in); err != nil {
		return err
	}
	p.lay()
	p.straight = len(p.folders) == 1 && p.total == b.Rows && p.kept == p.total && len(sortBy) == 0
	p.order = p.order[:0]
	if p.straight {
		return nil
	}
	p.target = resize(p.target, b.Rows)
	for row, f := range p.place {
		if f < 0 {
			p.target[row] = int32(p.total)
			continue
		}
		p.target[row] = p.next[f]
		p.next[f]++
	}
	if p.kept == p.total && len(sortBy) == 0 && !hasNested(b.Table) {
		return nil
	}
	p.order = resize(p.order, p.total+1)
	for row, at := range p.target {
		p.order[at] = int32(row)
	}
	p.order = p.order[:p.total]
	if len(sortBy) > 0 {
		p.sort(b, sortBy)
	}
	return nil
}

// assign finds the folder of each row.
func (p *plan) assign(b *batch.Batch, in Build) error {
	p.find.reset()
	p.place = resize(p.place, b.Rows)
	times := newClock(b, int64(in.ProcessedAt))
	for row, fate := range b.Fates[:b.Rows] {
		output := fateOutput(fate, in.DropLate)
		if output == 0 {
			p.place[row] = -1
			continue
		}
		unit, ok := times.unit(row, output)
		if !ok {
			return fmt.Errorf("row %d has no event time: the table is laid out by it, so such a row must be quarantined", b.First+row)
		}
		f := p.find.folder(output, unit)
		p.place[row] = f
		p.find.rows[f]++
	}
	p.folders = p.folders[:0]
	for i, k := range p.find.keys {
		f := folder{output: outputs[k.output], unit: k.unit, by: b.Table.Partition, rows: int(p.find.rows[i]), start: i}
		if f.output == ledger.Quarantine {
			f.by = schema.ByDay
		}
		p.folders = append(p.folders, f)
	}
	return nil
}

// lay puts the folders in order and gives them their positions. It leaves in next
// the first position of each folder, by the index that assign gave it.
func (p *plan) lay() {
	slices.SortFunc(p.folders, func(x, y folder) int {
		return cmp.Or(cmp.Compare(outputIndex(x.output), outputIndex(y.output)), cmp.Compare(x.unit, y.unit))
	})
	p.next = resize(p.next, len(p.folders))
	p.total, p.kept = 0, 0
	for i := range p.folders {
		f := &p.folders[i]
		p.next[f.start] = int32(p.total) // start still holds the index of assign
		f.start = p.total
		p.total += f.rows
		if f.output != ledger.Quarantine {
			p.kept = p.total
		}
	}
}

// bytes is the memory held.
func (p *plan) bytes() int64 {
	return 4 * int64(cap(p.target)+cap(p.order)+cap(p.place)+cap(p.next))
}

// outputs are numbered from 1; 0 stands for none.
var outputs = [...]ledger.Output{1: ledger.Main, 2: ledger.LateRows, 3: ledger.Quarantine}

func outputIndex(o ledger.Output) int { return slices.Index(outputs[:], o) }

func fateOutput(f batch.Fate, dropLate bool) uint8 {
	switch f {
	case batch.Written:
		return 1
	case batch.Late:
		if !dropLate {
			return 2
		}
	case batch.Quarantined:
		return 3
	}
	return 0
}

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

// Days is the number of folders that the rows of b need, over all outputs: a
// batch that is spread over too many makes a file for each of them.
func Days(b *batch.Batch) int {
	var find finder
	find.reset()
	times := newClock(b, math.MaxInt64)
	for row, fate := range b.Fates[:b.Rows] {
		if output := fateOutput(fate, false); output != 0 {
			if unit, ok := times.unit(row, output); ok {
				find.folder(output, unit)
			}
		}
	}
	return len(find.keys)
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

// finder numbers folders in the order in which they are met.
type finder struct {
	keys  []key
	rows  []int32
	index map[key]int32
	// recent holds the folder found last for each of some hashes of keys, + 1: rows
	// of nine mixed days would otherwise cost a map access each.
	recent [256]int32
}

type key struct {
	unit   int64
	output uint8
}

func (f *finder) reset() {
	f.keys, f.rows = f.keys[:0], f.rows[:0]
	clear(f.index)
	clear(f.recent[:])
	if f.index == nil {
		f.index = map[key]int32{}
	}
}

func (f *finder) folder(output uint8, unit int64) int32 {
	k := key{unit, output}
	at := &f.recent[(uint64(unit)<<2|uint64(output))&255]
	if i := *at - 1; i >= 0 && f.keys[i] == k {
		return i
	}
	i, ok := f.index[k]
	if !ok {
		i = int32(len(f.keys))
		f.index[k] = i
		f.keys, f.rows = append(f.keys, k), append(f.rows, 0)
	}
	*at = i + 1
	return i
}

// floorDiv divides, rounding down also what lies before 1970.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// civil is the date of a day since 1970, in the Gregorian calendar carried on in
// both directions: package time would overflow where a column may hold any int32.
func civil(day int64) (year, month, dom int64) {
	day += 719_468 // since 0000-03-01: the leap day is then the last of a year
	era := floorDiv(day, 146_097)
	doe := day - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	year, month, dom = yoe+era*400, mp+3, doy-(153*mp+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, dom
}

// resize returns s with length n, its content unspecified.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/16) // the next batch has a few rows more
	}
	return s[:n]
}
