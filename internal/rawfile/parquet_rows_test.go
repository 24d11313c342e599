package rawfile_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
)

// flat is a row without others within, of each kind and encoding.
type flat struct {
	ID      int64     `parquet:"id"`
	Delta   int64     `parquet:"delta,delta"`
	Small   int32     `parquet:"small"`
	Word    uint32    `parquet:"word"`
	Huge    uint64    `parquet:"huge"`
	Amount  int64     `parquet:"amount,decimal(2:18)"`
	Cheap   int32     `parquet:"cheap,decimal(2:9)"`
	Cheap2  int32     `parquet:"cheap2,decimal(2:9),dict"`
	Wide    [16]byte  `parquet:"wide,decimal(2:38)"`
	At      time.Time `parquet:"at,timestamp(microsecond)"`
	Milli   time.Time `parquet:"milli,timestamp(millisecond)"`
	Nano    time.Time `parquet:"nano,timestamp(nanosecond)"`
	Day     int32     `parquet:"day,date"`
	Clock   int64     `parquet:"clock,time(microsecond)"`
	Single  float32   `parquet:"single"`
	Double  float64   `parquet:"double,split"`
	Yes     bool      `parquet:"yes"`
	Word2   string    `parquet:"word2,dict"`
	Plain   string    `parquet:"plain,plain"`
	Lengths string    `parquet:"lengths,delta"`
	Bytes   []byte    `parquet:"bytes"`
	UUID    [16]byte  `parquet:"uuid,uuid"`
	Maybe   *int64    `parquet:"maybe,optional,dict"`
	Text    *string   `parquet:"text,optional,dict"`
	Some    *float64  `parquet:"some,optional"`
}

// flatRow makes up a row.
func flatRow(r *rand.Rand) flat {
	text := func(n int) string { return strings.Repeat(string(rune('a'+r.IntN(26))), r.IntN(n)) }
	f := flat{
		ID: int64(r.Uint64() >> r.IntN(64)), Delta: int64(r.Uint64()) >> r.IntN(64), Small: int32(r.Uint32()), Word: r.Uint32(), Huge: r.Uint64(),
		Amount: r.Int64N(2e17) - 1e17, Cheap: r.Int32N(1e9) - 5e8, Cheap2: r.Int32N(100) - 50, At: time.UnixMicro(r.Int64N(4e15) - 1e15), Milli: time.UnixMilli(r.Int64N(4e12) - 1e12),
		Nano: time.Unix(0, r.Int64()), Day: r.Int32N(50_000) - 20_000, Clock: r.Int64N(86400e6), Single: r.Float32(), Double: r.NormFloat64(), Yes: r.IntN(2) == 1,
		Word2: text(30), Plain: text(300), Lengths: text(9), Bytes: []byte(text(5) + "\xff\x00"),
	}
	for i := range f.Wide {
		f.Wide[i], f.UUID[i] = 0, byte(r.Uint32())
	}
	f.Wide[9], f.Wide[15] = byte(r.Uint32()), byte(r.Uint32())
	if r.IntN(3) > 0 {
		n, s, x := r.Int64N(100), text(20), r.Float64()
		f.Maybe, f.Text, f.Some = &n, &s, &x
	}
	if r.IntN(10) == 0 {
		f.Single, f.Double = float32(math.NaN()), math.Inf(1)
	}
	return f
}

// flatFile is a Parquet file of rows, in row groups of so many.
func flatFile(t testing.TB, rows []flat, group int64, codec compress.Codec, version int) string {
	t.Helper()
	var file bytes.Buffer
	w := parquet.NewGenericWriter[flat](&file, parquet.MaxRowsPerRowGroup(group), parquet.Compression(codec), parquet.DataPageVersion(version), parquet.PageBufferSize(16<<10), parquet.DataPageStatistics(false))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// TestParquetChunks reads the same rows from files that were written in several ways. The chunks
// must not differ, nor what lies before each, and rows are the same as by way of text.
func TestParquetChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var rows []flat
	for range 12_000 {
		rows = append(rows, flatRow(r))
	}
	rows[7000].Plain = strings.Repeat("y", 300_000) // longer than a chunk
	var first reading
	for _, c := range []struct {
		group   int64
		codec   compress.Codec
		version int
	}{{100_000, &parquet.Uncompressed, 1}, {777, &parquet.Snappy, 2}, {5000, &parquet.Zstd, 1}} {
		path := write(t, "x.parquet", flatFile(t, rows, c.group, c.codec, c.version))
		got := read(t, path, options())
		if got.err != nil || len(got.records) != len(rows) {
			t.Fatalf("%d rows, %v", len(got.records), got.err)
		}
		got = readOnce(t, path, asItLies())
		if got.layout.Schema == nil {
			t.Fatal("it was read as text")
		}
		if first.cuts == nil {
			first = got
			resumeAnywhere(t, path, got, 17, 6999, 7001)
		}
		if !slices.Equal(got.cuts, first.cuts) {
			t.Errorf("row groups of %d: other chunks than in one", c.group)
		}
	}
	if len(first.cuts) < 5 {
		t.Errorf("got %d chunks, want more", len(first.cuts))
	}
}

// TestParquetFlatBroken changes each byte of a file: what is told of it does not depend on whether
// its rows are read as text.
func TestParquetFlatBroken(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var rows []flat
	for range 12 {
		rows = append(rows, flatRow(r))
	}
	whole := []byte(flatFile(t, rows, 7, &parquet.Uncompressed, 1))
	failed, tried := 0, 0
	for i := range whole {
		if i%5 != 0 && i > 1000 {
			continue
		}
		tried++
		b := bytes.Clone(whole)
		b[i] ^= []byte{0x01, 0x80, 0xff}[i%3]
		got := read(t, write(t, "x.parquet", string(b)), rawfile.Options{Format: rawfile.Parquet, Text: true})
		if got.err != nil {
			failed++
		}
	}
	if failed < tried/4 {
		t.Errorf("%d of %d failed, want more", failed, tried)
	}
}

// TestParquetAsText lists what goes by way of text: what a column takes otherwise from its text
// than from what it is, and what holds others.
func TestParquetAsText(t *testing.T) {
	path := write(t, "x.parquet", flatFile(t, []flat{flatRow(rand.New(rand.NewPCG(1, 1)))}, 7, &parquet.Snappy, 1))
	for _, c := range []struct {
		column string
		kind   schema.Kind
		json   bool
		text   bool
	}{
		{"id", schema.Decimal, false, false}, {"bytes", schema.String, false, true}, {"bytes", schema.String, true, false}, {"bytes", schema.Binary, false, false},
		{"plain", schema.Binary, false, true}, {"plain", schema.String, false, false}, {"single", schema.Double, false, true}, {"single", schema.Float, false, false},
		{"uuid", schema.Binary, false, true}, {"uuid", schema.String, false, false}, {"other", schema.String, false, false},
	} {
		o := asItLies()
		o.Kinds = map[string]rawfile.ColumnKind{c.column: {Kind: c.kind, JSON: c.json}}
		got := readOnce(t, path, o)
		if got.err != nil || (got.layout.Schema == nil) != c.text {
			t.Errorf("%+v: as text is %v, %v", c, got.layout.Schema == nil, got.err)
		}
	}
	if got := readOnce(t, write(t, "x.parquet", string(sample(t))), asItLies()); got.layout.Schema != nil {
		t.Error("a file with lists is not read as text")
	}
}

// TestParquetTypes names what columns are in terms of Avro.
func TestParquetTypes(t *testing.T) {
	path := write(t, "x.parquet", flatFile(t, []flat{flatRow(rand.New(rand.NewPCG(1, 1)))}, 7, &parquet.Snappy, 1))
	got := readOnce(t, path, asItLies())
	var types []string
	for _, f := range got.layout.Schema.Root.Fields {
		types = append(types, f.Name+" "+f.Of.Describe())
	}
	want := []string{
		"id long", "delta long", "small int", "word long", "huge decimal(20,0)", "amount decimal(18,2)", "cheap decimal(9,2)", "cheap2 decimal(9,2)", "wide decimal(38,2)",
		"at timestamp-micros", "milli timestamp-millis", "nano timestamp-nanos", "day date", "clock time-micros", "single float", "double double", "yes boolean",
		"word2 string", "plain string", "lengths string", "bytes bytes", "uuid uuid", "maybe long?", "text string?", "some double?",
	}
	if !slices.Equal(types, want) {
		t.Errorf("got  %q\nwant %q", types, want)
	}
	if name := got.layout.Schema.Name(); !strings.HasPrefix(name, "parquet ") || len(name) != len("parquet ")+16 {
		t.Errorf("it is called %q", name)
	}
	least := 0
	for _, f := range got.layout.Schema.Root.Fields {
		least += f.Of.Least
	}
	if least != got.layout.Schema.Root.Least || got.layout.Schema.Root.Fields[14].Of.Least != 4 || got.layout.Schema.Root.Fields[21].Of.Least != 16 {
		t.Errorf("a row has %d bytes at least", got.layout.Schema.Root.Least)
	}
}

// TestParquetSum: other rows have another sum, and so have the same bytes of another type.
func TestParquetSum(t *testing.T) {
	sum := func(typ int, data string) uint64 {
		f := craft(page(1, 0, data), 1)
		f.schema, f.typ = []structure{{{4, "root"}, {5, 1}}, {{1, typ}, {3, 0}, {4, "x"}}}, typ
		got := readOnce(t, write(t, "x.parquet", f.file()), asItLies())
		if got.err != nil || got.layout.Schema == nil {
			t.Fatal(got.err)
		}
		return got.cuts[0].Sum
	}
	one, two := "\x01\x00\x00\x00", "\x02\x00\x00\x00"
	if sum(1, one) == sum(1, two) {
		t.Error("1 and 2 have the same sum")
	}
	if sum(1, one) == sum(2, one+"\x00\x00\x00\x00") {
		t.Error("an int32 and an int64 have the same sum")
	}
}

// TestParquetLimit: a row that is too long is told, and the rows beside it are not touched.
func TestParquetLimit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	rows := []flat{flatRow(r), flatRow(r), flatRow(r), flatRow(r)}
	rows[1].Plain, rows[2].Plain = strings.Repeat("y", 17<<20), strings.Repeat("z", 15<<20)
	rows[2].Single, rows[2].Double = 1, 1
	got := readOnce(t, write(t, "x.parquet", flatFile(t, rows, 7, &parquet.Snappy, 1)), asItLies())
	if got.err != nil || len(got.records) != 4 {
		t.Fatalf("%d rows, %v", len(got.records), got.err)
	}
	var defects []string
	for _, r := range got.records {
		defects = append(defects, r.defect)
	}
	if want := []string{"", "limit", "", ""}; !slices.Equal(defects, want) {
		t.Errorf("got %q, want %q", defects, want)
	}
	if text := got.records[1].text; !strings.HasPrefix(text, fmt.Sprintf(`{"id":%d,`, rows[1].ID)) || len(text) > 1<<20 {
		t.Errorf("of the row that is too long %d bytes are kept: %.40s", len(text), text)
	}
	if n := len(got.records[2].text); n < 15<<20 {
		t.Errorf("a row of 15 MiB has %d bytes", n)
	}
}
