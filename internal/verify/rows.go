package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"tidemark/internal/ledger"
)

// columns are those that the rows of every output have for us.
const (
	columnBatch     = "etl_batch_id"
	columnTopic     = "_topic"
	columnPartition = "_partition"
	columnOffset    = "_offset"
	columnFile      = "_file"
	columnLine      = "_line"
	columnKafkaTime = "_timestamp" // of quarantined rows: their days are judged by it
)

// rows reads the rows of a file again (V7).
func (v *verifier) rows(ctx context.Context, t *tally, f *ledger.File, in io.ReaderAt) error {
	p, err := openParquet(in, f.Bytes)
	if err != nil {
		t.damaged = true
		v.found(t.record.Seq, f.Path, "cannot be read as Parquet: %v", err)
		return nil
	}
	if n := p.NumRows(); n != f.Rows {
		v.found(t.record.Seq, f.Path, "has %d rows, its record says %d", n, f.Rows)
	}
	s := &sheet{tally: t, file: p, ctxErr: ctx.Err, days: dayOf(f.Path), min: math.MaxInt64, max: math.MinInt64}
	if err := s.read(v.timeColumn(f)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		t.damaged = true
		v.found(t.record.Seq, f.Path, "%v", err)
		return nil
	}
	for _, o := range []*oddity{&s.strangers, &s.outside, &s.otherDay} {
		if o.rows > 0 {
			v.found(t.record.Seq, f.Path, "%d rows %s, the first is row %d: %s", o.rows, o.what, o.first, o.detail)
		}
	}
	if f.Output != ledger.Quarantine && s.timed {
		v.bounds(t, f, s)
	}
	return nil
}

func (v *verifier) timeColumn(f *ledger.File) string {
	if f.Output == ledger.Quarantine {
		return columnKafkaTime
	}
	return v.options.EventTime
}

// bounds compares the event times of a file with those that its record says.
func (v *verifier) bounds(t *tally, f *ledger.File, s *sheet) {
	show := func(at *ledger.Time) string {
		if at == nil {
			return "none"
		}
		return at.String()
	}
	var low, high *ledger.Time
	if s.min <= s.max {
		low, high = new(ledger.Time(s.min)), new(ledger.Time(s.max))
	}
	if show(low) != show(f.MinEventTime) || show(high) != show(f.MaxEventTime) {
		v.found(t.record.Seq, f.Path, "has event times from %s to %s, its record says %s to %s",
			show(low), show(high), show(f.MinEventTime), show(f.MaxEventTime))
	}
}

// openParquet turns the panics of the reader on bytes that are no Parquet into errors.
func openParquet(in io.ReaderAt, size int64) (p *parquet.File, err error) {
	defer recovered(&err)
	return parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("read parquet: %v", p)
	}
}

// oddity counts rows that are not what they should be.
type oddity struct {
	what   string
	rows   int64
	first  int64
	detail string
}

func (o *oddity) add(row int64, what string, detail func() string) {
	if o.rows == 0 {
		o.what, o.first, o.detail = what, row, detail()
	}
	o.rows++
}

// sheet reads the columns of one file.
type sheet struct {
	tally  *tally
	file   *parquet.File
	ctxErr func() error
	days   span // that the folder stands for

	strangers, outside, otherDay oddity

	timed    bool  // the file has the column of times
	min, max int64 // of it

	values  []parquet.Value
	sources []*source // of the rows of a row group
	names   []string  // of their topics or raw files
}

func (s *sheet) read(timeColumn string) (err error) {
	defer recovered(&err)
	s.values = pooled()
	first := int64(0)
	for _, group := range s.file.RowGroups() {
		if err := s.group(group, first, timeColumn); err != nil {
			return err
		}
		first += group.NumRows()
	}
	return nil
}

// pooled is room for the values that are read at once.
func pooled() []parquet.Value { return make([]parquet.Value, 4096) }

// group reads one row group, whose first row is row first of the file.
func (s *sheet) group(g parquet.RowGroup, first int64, timeColumn string) error {
	err := s.column(g, columnBatch, func(row int64, x parquet.Value) {
		if string(x.ByteArray()) != s.tally.record.Batch {
			s.strangers.add(first+row, "are of another batch", func() string { return strconv.Quote(string(x.ByteArray())) })
		}
	})
	if err != nil {
		return err
	}
	if err := s.origins(g, first); err != nil {
		return err
	}
	if timeColumn == "" {
		return nil
	}
	leaf, ok := s.file.Schema().Lookup(timeColumn)
	if !ok {
		return nil
	}
	s.timed = true
	micros := int64(1)
	if leaf.Node.Type().Kind() == parquet.Int32 { // a date
		micros = int64(24 * time.Hour / time.Microsecond)
	}
	return s.column(g, timeColumn, func(row int64, x parquet.Value) {
		if x.IsNull() {
			return
		}
		at := x.Int64()
		if micros > 1 {
			at = int64(x.Int32()) * micros
		}
		s.min, s.max = min(s.min, at), max(s.max, at)
		if at < s.days.from || at >= s.days.to {
			s.otherDay.add(first+row, "belong to another day", ledger.Time(at).String)
		}
	})
}

// origins gives the places of the rows to the sources that they come from.
func (s *sheet) origins(g parquet.RowGroup, first int64) error {
	s.names, s.sources = s.names[:0], s.sources[:0]
	err := s.column(g, columnTopic, func(_ int64, x parquet.Value) {
		s.names = append(s.names, s.name(len(s.names)-1, x.ByteArray()))
	})
	if err != nil {
		return err
	}
	if s.tally.raw {
		err = s.column(g, columnFile, func(row int64, x parquet.Value) {
			if !x.IsNull() {
				s.names[row] = s.name(int(row)-1, x.ByteArray())
			}
		})
		if err != nil {
			return err
		}
	}
	err = s.column(g, columnPartition, func(row int64, x parquet.Value) {
		var last *source
		if n := len(s.sources); n > 0 && s.names[n-1] == s.names[row] {
			last = s.sources[n-1]
		}
		partition := int32(0)
		if !x.IsNull() {
			partition = x.Int32()
		}
		s.sources = append(s.sources, s.tally.source(last, s.names[row], partition))
	})
	if err != nil {
		return err
	}
	if err := s.places(g, columnOffset, first); err != nil || !s.tally.raw {
		return err
	}
	return s.places(g, columnLine, first)
}

// name is text as a string, which is that of row like if it is the same: names come in
// long runs.
func (s *sheet) name(like int, text []byte) string {
	if like >= 0 && s.names[like] == string(text) {
		return s.names[like]
	}
	return string(text)
}

// places reads the offsets of the rows, or the lines: each row has the one that its
// source has.
func (s *sheet) places(g parquet.RowGroup, column string, first int64) error {
	raw := column == columnLine
	return s.column(g, column, func(row int64, x parquet.Value) {
		src := s.sources[row]
		if src != nil && src.raw != raw || src == nil && raw {
			return // the other column tells
		}
		if src == nil || x.IsNull() || !src.has(x.Int64()) {
			s.outside.add(first+row, "are not from the ranges of the record", func() string {
				return fmt.Sprintf("%s, %s %d", s.names[row], strings.TrimPrefix(column, "_"), x.Int64())
			})
			return
		}
		src.places = append(src.places, x.Int64())
	})
}

// column calls each with every value of a column of a row group.
func (s *sheet) column(g parquet.RowGroup, name string, each func(row int64, x parquet.Value)) error {
	leaf, ok := s.file.Schema().Lookup(name)
	if !ok {
		return fmt.Errorf("has no column %s", name)
	}
	pages := g.ColumnChunks()[leaf.ColumnIndex].Pages()
	defer pages.Close()
	row := int64(0)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("column %s cannot be read: %w", name, err)
		}
		err = s.page(page, &row, each)
		parquet.Release(page)
		if err != nil {
			return fmt.Errorf("column %s cannot be read: %w", name, err)
		}
	}
	if row != g.NumRows() {
		return fmt.Errorf("column %s has %d values for %d rows", name, row, g.NumRows())
	}
	return nil
}

func (s *sheet) page(page parquet.Page, row *int64, each func(row int64, x parquet.Value)) error {
	values := page.Values()
	for {
		if err := s.ctxErr(); err != nil {
			return err
		}
		n, err := values.ReadValues(s.values)
		for _, x := range s.values[:n] {
			each(*row, x)
			*row++
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// span is a half-open range of µs since 1970.
type span struct{ from, to int64 }

// dayOf is the day, or the hour, that the folders of a path stand for; all time
// where they stand for none.
func dayOf(path string) span {
	parts := map[string]int{}
	for _, folder := range strings.Split(path, "/") {
		if name, value, ok := strings.Cut(folder, "="); ok {
			n, err := strconv.Atoi(value)
			if err != nil {
				return span{}
			}
			parts[name] = n
		}
	}
	if len(parts) == 0 {
		return span{math.MinInt64, math.MaxInt64}
	}
	hour, hourly := parts["hh"]
	from := time.Date(parts["yyyy"], time.Month(parts["mm"]), parts["dd"], hour, 0, 0, 0, time.UTC)
	long := 24 * time.Hour
	if hourly {
		long = time.Hour
	}
	return span{from.UnixMicro(), from.Add(long).UnixMicro()}
}
