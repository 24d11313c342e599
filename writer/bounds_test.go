package writer_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/writer"
)

// O4: the bounds in the page index hold for every value of the page, those in the
// statistics are values of the row group, and it has neither where NaN would make
// them a lie.
func TestBoundsHold(t *testing.T) {
	table := allTypes()
	for _, k := range []schema.Kind{schema.Float, schema.Double} {
		table.Columns = append(table.Columns, schema.Column{Name: "numbers_" + k.String(), Type: schema.Type{Kind: k}})
	}
	table.Columns = append(table.Columns,
		schema.Column{Name: "short", Type: schema.Type{Kind: schema.String}}, schema.Column{Name: "plain", Type: schema.Type{Kind: schema.String}},
		schema.Column{Name: "long", Type: schema.Type{Kind: schema.String}})
	m := newMaker(70)
	m.days = 1
	b := m.make(table, 45_000)
	exactColumns(m, b)
	m.fates()
	lake, files := write(t, writer.Options{}, b, build("b1"))
	for _, f := range files {
		file := open(t, lake, f)
		for _, group := range file.RowGroups() {
			for c, chunk := range group.ColumnChunks() {
				name := file.Schema().Columns()[c][0]
				checkChunk(t, f.Path+" "+name, chunk.(*parquet.FileColumnChunk))
			}
		}
		for _, group := range file.Metadata().RowGroups {
			for c := range group.Columns {
				name := file.Schema().Columns()[c][0]
				has := group.Columns[c].MetaData.Statistics.MinValue != nil
				switch name {
				case "f", "d", "long":
					if has && f.Rows > 1000 {
						t.Errorf("%s: %s has statistics, which cannot be exact", f.Path, name)
					}
				case "numbers_float", "numbers_double", "short", "plain", "amount", "zid", "_offset", "etl_batch_id":
					if !has {
						t.Errorf("%s: %s has no statistics", f.Path, name)
					}
				}
			}
		}
	}
}

// exactColumns fills the last columns: zeros, few short words and many, few long
// ones, all with pages of nulls at the beginning.
func exactColumns(m *maker, b *batch.Batch) {
	n := len(b.Columns) - 5
	for c := range 5 {
		b.Columns[n+c].Dict.Reset()
	}
	for row := range b.Rows {
		b.Columns[n].Ints[row] = int64(math.Float64bits(math.Copysign(0, -1)))
		b.Columns[n+1].Ints[row] = 0
		b.Columns[n+2].Codes[row] = b.Columns[n+2].Dict.Add(fmt.Appendf(nil, "w%d", m.rng.IntN(9)))
		b.Columns[n+3].Codes[row] = b.Columns[n+3].Dict.Add(fmt.Appendf(nil, "w%d", row))
		b.Columns[n+4].Codes[row] = int32(row % 5)
		b.Columns[n+4].Dict.Add(fmt.Appendf(nil, "%d%s", row, strings.Repeat("x", 70)))
		for c := range 5 {
			if b.Columns[n+c].SetMark(row, b.Rows, batch.Present); row < 40_000 {
				b.Columns[n+c].SetMark(row, b.Rows, batch.Null)
			}
		}
	}
}

// checkChunk compares the bounds of a column chunk with its values.
func checkChunk(t *testing.T, at string, chunk *parquet.FileColumnChunk) {
	t.Helper()
	index, err := chunk.ColumnIndex()
	if err != nil {
		t.Fatal(err)
	}
	pages := chunk.Pages()
	defer pages.Close()
	var all []parquet.Value
	typ := chunk.Type()
	for i := 0; ; i++ {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		values, nulls := valuesOf(t, page)
		if got, want := index.NullPage(i), len(values) == 0; got != want {
			t.Errorf("%s: page %d: null page is %t", at, i, got)
		}
		if got, want := index.NullCount(i), nulls; got != want {
			t.Errorf("%s: page %d: got %d nulls, want %d", at, i, got, want)
		}
		if isNaN(index.MinValue(i)) || isNaN(index.MaxValue(i)) {
			t.Errorf("%s: page %d: a bound is NaN", at, i)
		}
		for _, v := range values {
			if !isNaN(v) && (typ.Compare(v, index.MinValue(i)) < 0 || typ.Compare(v, index.MaxValue(i)) > 0) {
				t.Fatalf("%s: page %d: %v is not within %v and %v", at, i, v, index.MinValue(i), index.MaxValue(i))
			}
			all = append(all, v)
		}
		// The longest awkward text, of U+10FFFF alone, has nothing short above it.
		if len(index.MinValue(i).Bytes()) > 64 || len(index.MaxValue(i).Bytes()) > 160 {
			t.Errorf("%s: page %d: a bound has %d bytes", at, i, len(index.MaxValue(i).Bytes()))
		}
	}
	lower, upper, ok := chunk.Bounds()
	if !ok {
		return
	}
	if slices.ContainsFunc(all, isNaN) {
		t.Errorf("%s has NaN, and statistics", at)
	}
	wantLower, wantUpper := slices.MinFunc(all, typ.Compare), slices.MaxFunc(all, typ.Compare)
	if typ.Compare(lower, wantLower) != 0 || typ.Compare(upper, wantUpper) != 0 {
		t.Errorf("%s: got bounds %v and %v, want %v and %v", at, lower, upper, wantLower, wantUpper)
	}
	if isZero(lower, false) || isZero(upper, true) {
		t.Errorf("%s: a bound that is zero must be −0 below and +0 above", at)
	}
}

func valuesOf(t *testing.T, page parquet.Page) (values []parquet.Value, nulls int64) {
	t.Helper()
	buf := make([]parquet.Value, page.NumValues())
	n, err := page.Values().ReadValues(buf)
	if err != nil && !errors.Is(err, io.EOF) || n != len(buf) {
		t.Fatalf("read page: %d of %d values, %v", n, len(buf), err)
	}
	for _, v := range buf {
		if v.IsNull() {
			nulls++
			continue
		}
		values = append(values, v.Clone())
	}
	return values, nulls
}

func isNaN(v parquet.Value) bool {
	switch v.Kind() {
	case parquet.Float:
		return math.IsNaN(float64(v.Float()))
	case parquet.Double:
		return math.IsNaN(v.Double())
	}
	return false
}

// isZero reports whether v is the float zero of that sign.
func isZero(v parquet.Value, negative bool) bool {
	var f float64
	switch v.Kind() {
	case parquet.Float:
		f = float64(v.Float())
	case parquet.Double:
		f = v.Double()
	default:
		return false
	}
	return f == 0 && math.Signbit(f) == negative
}

// Which text gets a dictionary is judged by the rows of the folder, whatever the
// batch's own dictionary holds.
func TestTextHasADictionaryWhereItRepeats(t *testing.T) {
	m := newMaker(71)
	m.nulls, m.days = 0, 1
	b := m.make(allTypes(), 2000)
	s := &b.Columns[5]
	for row := range b.Rows {
		s.Dict.Add(fmt.Appendf(nil, "only rejected rows have %d", row))
		s.Codes[row] %= 3
	}
	lake, files := write(t, writer.Options{}, b, build("b1"))
	for _, f := range files {
		if f.Rows < 100 {
			continue
		}
		for c, want := range map[int]bool{5: true, 9: true, 10: false, 11: true, 14: true} {
			meta := &open(t, lake, f).Metadata().RowGroups[0].Columns[c].MetaData
			if got := meta.DictionaryPageOffset != 0; got != want {
				t.Errorf("%s: column %s: dictionary is %t", f.Path, meta.PathInSchema, got)
			}
		}
	}
}

// A page of long text ends before it grows over its size, so that what is copied
// for it stays small.
func TestLongTextHasPagesOfItsOwn(t *testing.T) {
	m := newMaker(72)
	m.nulls, m.days = 0, 1
	b := m.make(allTypes(), 3)
	for row := range b.Rows {
		b.Columns[10].Codes[row] = b.Columns[10].Dict.Add([]byte(strings.Repeat(fmt.Sprint(row), 600_000)))
	}
	lake, files := write(t, writer.Options{}, b, build("b1"))
	check(t, lake, files, b, build("b1"), writer.Options{})
	index, err := open(t, lake, files[0]).RowGroups()[0].ColumnChunks()[10].OffsetIndex()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := index.NumPages(), 3; got != want {
		t.Errorf("got %d pages, want %d", got, want)
	}
}
