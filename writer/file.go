package writer

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/zeebo/xxh3"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// shelving is the files of one Write.
type shelving struct {
	shelf Shelf
	table string
	batch string
	files []ledger.File
}

// write writes the rows of a folder, as one file or as several where it grows too
// large.
func (s *sheet) write(ctx context.Context, to *shelving, f *folder) error {
	s.shape(f)
	for at, end := f.start, f.start+f.rows; at < end; {
		next, err := s.file(ctx, to, f, at)
		if err != nil {
			return err
		}
		at = next
	}
	return nil
}

// shape decides which columns get a dictionary in the files of a folder.
func (s *sheet) shape(f *folder) {
	changed := s.encoder == nil
	for i := range s.fields {
		l, kind := s.at[i], s.fields[i].typ.Kind
		switch {
		case kind.Fixed():
		case kind.Nested():
			changed = s.shapeNested(i) || changed
		default:
			if indexed := s.cells[i].index(s.scratch, f.start, f.start+f.rows); indexed != s.indexed[l] {
				s.indexed[l], changed = indexed, true
			}
		}
	}
	if changed {
		s.encoder = nil
	}
}

// file writes one file of a folder's rows from at on. It returns the position of
// the first row that is not in it.
func (s *sheet) file(ctx context.Context, to *shelving, f *folder, at int) (next int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	k := len(to.files)
	out := ledger.File{
		Output: f.output,
		Path:   fmt.Sprintf("%s/%s-%d.parquet", f.dir(to.table), to.batch, k),
		Staged: fmt.Sprintf("%s/%s-%d", ledger.StagingDir(to.table, to.batch), f.output, k),
	}
	staged, err := to.shelf.Stage(ctx, out.Staged)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			s.encoder = nil // what it holds of this file is of no use to the next
			err = errors.Join(err, staged.Abort())
		}
	}()
	sum := &summing{to: staged, hash: xxh3.New()}
	buffer := s.scratch.buffer(sum)
	s.begin(buffer)
	times := timeRange{lower: math.MaxInt64, upper: math.MinInt64}
	for next = at; next < f.start+f.rows && (next == at || s.encoder.Size() < s.settings.targetFile); {
		n := s.weigh(next, f.start+f.rows)
		if err := s.group(ctx, next, n); err != nil {
			return 0, fmt.Errorf("encode %s: %w", out.Staged, err)
		}
		if s.event != nil && f.output != ledger.Quarantine {
			times.add(s.event, s.date, next, n)
		}
		next = n
	}
	if err = s.encoder.Close(); err == nil {
		err = buffer.Flush()
	}
	if err != nil {
		return 0, fmt.Errorf("encode %s: %w", out.Staged, err)
	}
	if err := staged.Finish(ctx); err != nil {
		return 0, err
	}
	out.Rows, out.Bytes, out.XXH3 = int64(next-at), sum.bytes, ledger.Sum(sum.hash.Sum64())
	out.MinEventTime, out.MaxEventTime = times.bounds()
	to.files = append(to.files, out)
	return next, nil
}

// weigh gives the end of the row group that begins at from, in a folder that ends
// at end.
func (s *sheet) weigh(from, end int) int {
	limit := int(min(groupBytes, s.settings.targetFile))
	row := cellBytes * len(s.fields)
	var plain, nested []*cells
	for i := range s.fields {
		if s.cells[i].tree != nil {
			nested = append(nested, &s.cells[i])
		} else if s.cells[i].codes != nil && !s.indexed[s.at[i]] {
			plain = append(plain, &s.cells[i])
		}
	}
	if len(plain) == 0 && len(nested) == 0 && s.output != ledger.Quarantine {
		return min(end, from+max(limit/row, 1))
	}
	at := from
	for weight := 0; at < end; at++ {
		weight += row
		for _, c := range plain {
			if c.marks == nil || c.marks[at-c.first] != batch.Null {
				weight += len(c.dict.Value(int(c.codes[at-c.first])))
			}
		}
		for _, c := range nested {
			weight += weigh(c.tree, c.row(at))
		}
		if s.output == ledger.Quarantine {
			weight += s.rejected.size(at)
		}
		if weight > limit && at > from {
			break
		}
	}
	return at
}

// summing counts and hashes what goes into a file.
type summing struct {
	to    store.Staged
	hash  *xxh3.Hasher
	bytes int64
}

// Write implements io.Writer.
func (w *summing) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.bytes += int64(n)
	if n > 0 {
		_, _ = w.hash.Write(p[:n]) // never fails
	}
	return n, err
}

// timeRange is the range of event times seen.
type timeRange struct{ lower, upper int64 }

// add takes the event times of the rows [from, to).
func (r *timeRange) add(c *cells, date bool, from, to int) {
	for i, v := range c.ints[from-c.first : to-c.first] {
		if c.marks != nil && c.marks[from-c.first+i] == batch.Null {
			continue
		}
		if date {
			v = dayMicros(v)
		}
		r.lower, r.upper = min(r.lower, v), max(r.upper, v)
	}
}

// bounds are the range as a ledger record has it: null where there was no time.
func (r *timeRange) bounds() (lower, upper *ledger.Time) {
	if r.lower > r.upper {
		return nil, nil
	}
	low, up := ledger.Time(r.lower), ledger.Time(r.upper)
	return &low, &up
}

// dayMicros is the first µs of a day since 1970. Days that µs cannot reach, 290,000
// years away, count as the last that they can.
func dayMicros(day int64) int64 {
	const last = math.MaxInt64 / microsPerDay
	return min(max(day, -last), last) * microsPerDay
}
