package writer_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/parquet-go/parquet-go"
	"github.com/zeebo/xxh3"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/writer"
)

// O2: what the record says of a file is what the file is.
func TestFilesAreAsRecorded(t *testing.T) {
	m := newMaker(30)
	b := m.make(allTypes(), 2000)
	m.fates()
	lake, files := write(t, writer.Options{}, b, build("b1"))
	var outputs []ledger.Output
	for k, f := range files {
		data := lake.Snapshot()[f.Staged]
		if got, want := f.Bytes, int64(len(data)); got != want {
			t.Errorf("%s: got %d bytes, want %d", f.Path, got, want)
		}
		if got, want := f.XXH3, ledger.Sum(xxh3.HashString(data)); got != want {
			t.Errorf("%s: got checksum %x, want %x", f.Path, got, want)
		}
		if got, want := f.Staged, fmt.Sprintf("_tidemark/all/staging/b1/%s-%d", f.Output, k); got != want {
			t.Errorf("got staged name %s, want %s", got, want)
		}
		checkTimes(t, f, read(t, lake, f))
		outputs = append(outputs, f.Output)
	}
	if got, want := slices.Compact(outputs), []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine}; !slices.Equal(got, want) {
		t.Errorf("got outputs %v, want %v", got, want)
	}
}

func checkTimes(t *testing.T, f ledger.File, rows []record) {
	t.Helper()
	if f.Output == ledger.Quarantine {
		if f.MinEventTime != nil || f.MaxEventTime != nil {
			t.Errorf("%s: quarantined rows have no event time", f.Path)
		}
		return
	}
	lower, upper := int64(math.MaxInt64), int64(math.MinInt64)
	for _, r := range rows {
		var v int64
		_, _ = fmt.Sscan(r["at"], &v)
		lower, upper = min(lower, v), max(upper, v)
	}
	if f.MinEventTime == nil || int64(*f.MinEventTime) != lower || int64(*f.MaxEventTime) != upper {
		t.Errorf("%s: got event times %v to %v, want %d to %d", f.Path, f.MinEventTime, f.MaxEventTime, lower, upper)
	}
}

func TestFileIsClosedAtItsSize(t *testing.T) {
	m := newMaker(31)
	m.days = 1
	b := m.make(allTypes(), 20_000)
	o := writer.Options{TargetFile: 100_000}
	lake, files := write(t, o, b, build("b1"))
	check(t, lake, files, b, build("b1"), o)
	if len(files) < 5 {
		t.Fatalf("got %d files, want several", len(files))
	}
	for _, f := range files[:len(files)-1] {
		if f.Bytes < 100_000 || f.Bytes > 250_000 {
			t.Errorf("%s has %d bytes, want somewhat over 100,000", f.Path, f.Bytes)
		}
	}
}

func TestRowsAreSorted(t *testing.T) {
	m := newMaker(32)
	b := m.make(allTypes(), 3000)
	m.fates()
	o := writer.Options{SortBy: []string{"s", "d", "at"}}
	lake, files := write(t, o, b, build("b1"))
	check(t, lake, files, b, build("b1"), o)
	for _, f := range files {
		rows := read(t, lake, f)
		if !isSorted(rows) {
			t.Errorf("%s is not sorted", f.Path)
		}
		var got []string
		for _, c := range open(t, lake, f).Metadata().RowGroups[0].SortingColumns {
			got = append(got, fmt.Sprint(c.ColumnIdx, c.Descending, c.NullsFirst))
		}
		want := []string{"5 false true", "3 false true", "8 false true"}
		if f.Output == ledger.Quarantine {
			want = nil
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got sorting columns %q, want %q", f.Path, got, want)
		}
	}
}

// isSorted judges by s, nulls first, and within it by d, NaN last: independently of
// how the writer compares.
func isSorted(rows []record) bool {
	rank := func(r record) (string, float64) {
		s, d := "", math.Inf(-1)
		if v, ok := r["s"]; ok {
			s = "+" + v
		}
		if v, ok := r["d"]; ok {
			var bits uint64
			_, _ = fmt.Sscanf(v, "%x", &bits)
			if d = math.Float64frombits(bits); d == math.Inf(-1) {
				d = -math.MaxFloat64
			}
			if math.IsNaN(d) {
				d = math.Inf(1)
			}
		}
		return s, d
	}
	return slices.IsSortedFunc(rows, func(x, y record) int {
		sx, dx := rank(x)
		sy, dy := rank(y)
		switch {
		case sx != sy:
			return strings.Compare(sx, sy)
		case dx < dy:
			return -1
		case dx > dy:
			return 1
		}
		return 0
	})
}

func open(t *testing.T, lake *storetest.Memory, f ledger.File) *parquet.File {
	t.Helper()
	r, size, err := lake.Open(t.Context(), f.Staged)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(r, size)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// O5: also from a Writer that has written other things in between.
func TestSameBatchSameBytes(t *testing.T) {
	m := newMaker(33)
	b := m.make(allTypes(), 3000)
	m.fates()
	for _, o := range []writer.Options{{}, {SortBy: []string{"amount"}, TargetFile: 30_000}} {
		w, err := writer.New(b.Table, o)
		if err != nil {
			t.Fatal(err)
		}
		other := newMaker(34).make(allTypes(), 500)
		var first map[string]string
		for range 3 {
			lake := &storetest.Memory{}
			if _, err := w.Write(t.Context(), lake, b, build("b1")); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = lake.Snapshot()
			}
			for key, data := range lake.Snapshot() {
				if data != first[key] {
					t.Errorf("%s differs", key)
				}
			}
			if _, err := w.Write(t.Context(), &storetest.Memory{}, other, build("b2")); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// O4: a value that only rejected rows have, or rows of other days, is in no file.
func TestDictionaryHoldsOnlyWhatItsFileHas(t *testing.T) {
	m := newMaker(35)
	m.nulls = 0
	b := m.make(allTypes(), 1000)
	v := &b.Columns[5]
	bad, good := v.Dict.Add([]byte("SECRET-BAD")), v.Dict.Add([]byte("COMMON"))
	for row := range b.Rows {
		v.Codes[row] = good
		if row%10 == 0 {
			v.Codes[row] = bad
			reject(b, row, "category")
		}
	}
	lake, files := write(t, writer.Options{Codec: "none"}, b, build("b1"))
	for _, f := range files {
		data := lake.Snapshot()[f.Staged]
		if strings.Contains(data, "SECRET-BAD") {
			t.Errorf("%s holds a value that none of its rows has", f.Path)
		}
		if f.Output == ledger.Main && !strings.Contains(data, "COMMON") {
			t.Errorf("%s holds no dictionary: the test proves nothing", f.Path)
		}
	}
}

func TestLateRowsMayBeDropped(t *testing.T) {
	m := newMaker(36)
	b := m.make(allTypes(), 500)
	m.fates()
	in := build("b1")
	in.DropLate = true
	lake, files := write(t, writer.Options{}, b, in)
	check(t, lake, files, b, in, writer.Options{})
}

func TestBatchOfOneFate(t *testing.T) {
	for _, fate := range []batch.Fate{batch.Written, batch.Late, batch.Quarantined, batch.Duplicate, batch.Filtered} {
		m := newMaker(37)
		b := m.make(allTypes(), 100)
		for row := range b.Rows {
			if b.Fates[row] = fate; fate == batch.Quarantined {
				reject(b, row, "syntax")
			}
		}
		lake, files := write(t, writer.Options{}, b, build("b1"))
		check(t, lake, files, b, build("b1"), writer.Options{})
		if (fate == batch.Duplicate || fate == batch.Filtered) && len(files) > 0 {
			t.Errorf("%s: got %d files, want none", fate, len(files))
		}
	}
}

// A batch that begins and ends within runs of Raw.
func TestBatchIsPartOfRaw(t *testing.T) {
	m := newMaker(38)
	m.make(allTypes(), 300)
	raw := m.raw
	b := &batch.Batch{}
	b.Reset(allTypes(), raw, 77, 150)
	m.b = b
	for c := range b.Columns {
		m.column(b.Table, c, b.Rows)
	}
	m.fates()
	lake, files := write(t, writer.Options{}, b, build("b1"))
	check(t, lake, files, b, build("b1"), writer.Options{})
}

func TestRowsFromSeveralTopicsAndFiles(t *testing.T) {
	m := newMaker(39)
	b := m.make(allTypes(), 900)
	b.Raw.Sources = []batch.Source{{Topic: "a", Partition: 3}, {File: "file:///x.json"}, {Topic: "b", Partition: 0}}
	m.fates()
	lake, files := write(t, writer.Options{}, b, build("b1"))
	check(t, lake, files, b, build("b1"), writer.Options{})
	b.Raw.Sources = []batch.Source{{File: "file:///w.json"}, {File: "file:///x.json"}, {File: "file:///y.json"}}
	lake, files = write(t, writer.Options{}, b, build("b1"))
	check(t, lake, files, b, build("b1"), writer.Options{})
}

func TestEventTimeIsADate(t *testing.T) {
	for _, by := range []schema.Partitioning{schema.ByDay, schema.ByHour} {
		table := allTypes()
		table.EventTime, table.Partition = 7, by
		m := newMaker(40)
		b := m.make(table, 300)
		for row := range b.Rows {
			b.Columns[7].Ints[row] = awkward[schema.Date][row%5]
		}
		lake, files := write(t, writer.Options{}, b, build("b1"))
		check(t, lake, files, b, build("b1"), writer.Options{})
	}
}

// TestTooManyDays: a batch needs as many files as it has days, in each output; what is only far
// apart needs no more.
func TestTooManyDays(t *testing.T) {
	m := newMaker(41)
	b := m.make(allTypes(), 2000)
	m.fates()
	_, files := write(t, writer.Options{}, b, build("b1"))
	wantDays(t, b, len(files))
	b = m.make(allTypes(), 5000)
	at := b.Columns[8].Ints
	for row := range b.Rows {
		at[row] = int64(row) * 86_400_000_000
	}
	wantDays(t, b, 5000)
	for row := range b.Rows {
		at[row] = 10*86_400_000_000 + int64(row%2)*86_399_999_999
	}
	wantDays(t, b, 1)
	at[0], at[1], at[2] = math.MinInt64, math.MaxInt64, 11*86_400_000_000
	wantDays(t, b, 4)
	table := allTypes()
	table.EventTime, table.Partition = 7, schema.ByHour
	b = m.make(table, 300)
	for row := range b.Rows {
		b.Columns[7].Ints[row] = int64(row / 2)
	}
	wantDays(t, b, 150)
}

func wantDays(t *testing.T, b *batch.Batch, want int) {
	t.Helper()
	for most, too := range map[int]bool{want - 1: true, want: false, 3 * want: false} {
		if got := writer.TooManyDays(b, most); got != too {
			t.Errorf("%d days are more than %d: got %v, want %v", want, most, got, too)
		}
	}
}

// Quarantined megabytes: while they are written, what is held beside the records
// themselves is a row group and a page, not the values once more.
func TestLargeRecordsNeedLittleMemory(t *testing.T) {
	const records, size = 120, 1 << 20
	b := largeRecords(newMaker(42), records, size)
	w, err := writer.New(b.Table, writer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	shelf := &peak{}
	shelf.base = heap()
	files, err := w.Write(t.Context(), shelf, b, build("b1"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := files[0].Rows, int64(records); got != want || len(files) != 1 {
		t.Errorf("got %d rows in the first of %d files, want %d in one", got, len(files), want)
	}
	if got, limit := shelf.most>>20, int64(32); got > limit {
		t.Errorf("%d MiB were held for a batch of %d MiB, want at most %d", got, records*size>>20, limit)
	}
	if got, limit := w.Bytes()>>20, int64(8); got > limit {
		t.Errorf("%d MiB are kept, want at most %d", got, limit)
	}
}

// largeRecords makes a batch of rejected records that cannot be compressed, the last
// one nine times as large.
func largeRecords(m *maker, records, size int) *batch.Batch {
	src := m.raw.Source(batch.Source{Topic: "big"})
	value := make([]byte, 9*size)
	for i := range records {
		if i == records-1 {
			size *= 9
		}
		for j := 0; j < size; j += 8 {
			binary.LittleEndian.PutUint64(value[j:], m.rng.Uint64())
		}
		m.raw.Append(src, &batch.Record{Offset: int64(i), Time: kafkaTime, Value: value[:size]})
	}
	m.b.Reset(allTypes(), m.raw, 0, records)
	for row := range records {
		reject(m.b, row, "syntax")
	}
	return m.b
}

// peak looks at the heap at each 16th write.
type peak struct {
	nowhere
	writes     int
	base, most int64
}

func (p *peak) Stage(context.Context, string) (store.Staged, error) { return p, nil }

func (p *peak) Write(b []byte) (int, error) {
	if p.writes++; p.writes%16 == 0 {
		p.most = max(p.most, heap()-p.base)
	}
	return len(b), nil
}

// heap is what is in use. The second collection empties the pools of the process.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestBytesCountsWhatIsKept(t *testing.T) {
	rows := cardBatch(200_000, 9, true)
	w, err := writer.New(rows.Table, writer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	if _, err := w.Write(t.Context(), &nowhere{}, rows, build("b1")); err != nil {
		t.Fatal(err)
	}
	kept := heap() - before
	if got := w.Bytes(); got < kept*9/10 || got > kept*13/10 {
		t.Errorf("Bytes says %d, the heap grew by %d", got, kept)
	}
	runtime.KeepAlive(w)
	runtime.KeepAlive(rows)
}

// A Writer waits for its next batch without keeping the last one in memory.
func TestBatchIsLetGo(t *testing.T) {
	w, err := writer.New(allTypes(), writer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	last := func() weak.Pointer[batch.Raw] {
		m := newMaker(44)
		b := m.make(allTypes(), 500)
		m.fates()
		if _, err := w.Write(t.Context(), &nowhere{}, b, build("b1")); err != nil {
			t.Fatal(err)
		}
		return weak.Make(b.Raw)
	}()
	runtime.GC()
	runtime.GC()
	if last.Value() != nil {
		t.Error("the raw records of the last batch are still held")
	}
	runtime.KeepAlive(w)
}

func TestYearsBeyondTheUsual(t *testing.T) {
	table := allTypes()
	m := newMaker(43)
	b := m.make(table, 4)
	for row, at := range []time.Time{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
	} {
		b.Columns[8].Ints[row] = at.UnixMicro()
	}
	lake, files := write(t, writer.Options{}, b, build("b1"))
	check(t, lake, files, b, build("b1"), writer.Options{})
}
