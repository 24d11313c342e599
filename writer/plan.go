package writer

import (
	"cmp"
	"fmt"
	"slices"

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
	// stretches are the rows that stay beside each other, where these are many.
	stretches []stretch

	find  finder
	place []int32 // per row: index of its folder as found, −1: none
	next  []int32
}

// stretch is rows [row, row+n), which stand at the positions [at, at+n).
type stretch struct{ row, at, n int32 }

// leastStretch is how many rows a stretch must have, on average, for moving them together to be
// faster than one by one.
const leastStretch = 8

const microsPerDay, microsPerHour = 86_400_000_000, 3_600_000_000

// make plans a batch.
func (p *plan) make(b *batch.Batch, in Build, sortBy []int) error {
	if err := p.assign(b, in); err != nil {
		return err
	}
	p.lay()
	p.straight = len(p.folders) == 1 && p.total == b.Rows && p.kept == p.total && len(sortBy) == 0
	p.order, p.stretches = p.order[:0], p.stretches[:0]
	if p.straight {
		return nil
	}
	p.aim(len(sortBy) == 0)
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

// aim gives each row its position, in the order of rows within a folder; in stretches, if these
// may stay.
func (p *plan) aim(stay bool) {
	p.target = resize(p.target, len(p.place))
	most := len(p.place) / leastStretch
	for row := 0; row < len(p.place); {
		f := p.place[row]
		end := row + 1
		for end < len(p.place) && p.place[end] == f {
			end++
		}
		if f < 0 {
			for ; row < end; row++ {
				p.target[row] = int32(p.total)
			}
			continue
		}
		if stay = stay && len(p.stretches) < most; stay {
			p.stretches = append(p.stretches, stretch{int32(row), p.next[f], int32(end - row)})
		}
		for ; row < end; row++ {
			p.target[row] = p.next[f]
			p.next[f]++
		}
	}
	if !stay {
		p.stretches = p.stretches[:0]
	}
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
	return 4*int64(cap(p.target)+cap(p.order)+cap(p.place)+cap(p.next)) + 12*int64(cap(p.stretches))
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
