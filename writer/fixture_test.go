package writer_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/internal/store/storetest"
	"tidemark/writer"
)

// allTypes has a column of every type; day is its event time.
func allTypes() *schema.Table {
	col := func(name string, k schema.Kind) schema.Column {
		return schema.Column{Name: name, Type: schema.Type{Kind: k}}
	}
	t := &schema.Table{Name: "all", EventTime: 8, Columns: []schema.Column{
		{Name: "zid", Type: schema.Type{Kind: schema.Long}, Required: true},
		col("i", schema.Int), col("f", schema.Float), col("d", schema.Double),
		{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
		col("s", schema.String), col("b", schema.Boolean), col("born", schema.Date), col("at", schema.Timestamp),
		col("raw", schema.Binary), col("unique", schema.String),
	}}
	return t
}

// awkward are values that formats and readers get wrong.
var awkward = map[schema.Kind][]int64{
	schema.Int:       {0, 1, -1, math.MaxInt32, math.MinInt32},
	schema.Long:      {0, 1, -1, math.MaxInt64, math.MinInt64, 1 << 53, 1<<53 + 1},
	schema.Decimal:   {0, 1, -1, -150, 999_999_999_999_999_999, -999_999_999_999_999_999},
	schema.Boolean:   {0, 1},
	schema.Date:      {0, -1, 20_000, -719_162, 2_932_896}, // 0001-01-01, 9999-12-31
	schema.Timestamp: {0, -1, 1, 1_795_000_000_123_456, -62_135_596_800_000_000, -86_400_000_001},
	schema.Double:    bits(0, math.Copysign(0, -1), 1.5, -1.5, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, math.SmallestNonzeroFloat64),
	schema.Float:     bits(0, math.Copysign(0, -1), 0.5, -2.25, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat32),
}

func bits(floats ...float64) []int64 {
	out := make([]int64, len(floats))
	for i, f := range floats {
		out[i] = int64(math.Float64bits(f))
	}
	return out
}

var awkwardText = []string{
	"", " ", "a", "\x00", "a\x00b", "é", "e\u0301", "日本語", "🙂", "\U0010ffff", "\ufeff", "\u202e", "\ue000", "\ud7ff",
	"'\"\\\n\r\t,;", "NULL", "null", "NaN", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("ü", 70),
	strings.Repeat("\U0010ffff", 40), strings.Repeat("\ud7ff", 40),
}

// kafkaTime is when the records of a batch were sent.
var kafkaTime = time.Date(2026, 11, 22, 23, 59, 58, 0, time.UTC)

// maker makes batches.
type maker struct {
	rng   *rand.Rand
	raw   *batch.Raw
	b     *batch.Batch
	days  int // event times are spread over so many days before kafkaTime
	nulls float64
}

func newMaker(seed uint64) *maker {
	return &maker{rng: rand.New(rand.NewPCG(seed, 1)), raw: &batch.Raw{}, b: &batch.Batch{}, days: 3, nulls: 0.2}
}

// make makes a batch of awkward rows from two partitions.
func (m *maker) make(t *schema.Table, rows int) *batch.Batch {
	m.raw.Reset()
	for i := range rows {
		src := m.raw.Source(batch.Source{Topic: "topic", Partition: int32(i * 3 / max(rows, 1))})
		rec := batch.Record{Offset: int64(1000 + i), Time: kafkaTime.Add(time.Duration(i) * time.Second), Value: []byte(fmt.Sprintf(`{"zid":%d}`, i)), Key: []byte{byte(i), 0, 255}}
		switch m.rng.IntN(10) {
		case 0:
			rec.Value = nil
		case 1:
			rec.Key = nil
		case 2:
			rec.Headers = []batch.Header{{Key: "h", Value: []byte("v")}, {Key: "null"}}
		case 3:
			rec.Value, rec.Time = []byte{}, time.Time{}
		}
		m.raw.Append(src, &rec)
	}
	m.b.Reset(t, m.raw, 0, rows)
	for c := range t.Columns {
		m.column(t, c, rows)
	}
	return m.b
}

func (m *maker) column(t *schema.Table, c, rows int) {
	v, col := &m.b.Columns[c], &t.Columns[c]
	repeated := map[int]int32{}
	for row := range rows {
		null := !col.Required && c != t.EventTime && m.rng.Float64() < m.nulls
		switch {
		case null && v.Ints != nil:
			v.Ints[row] = 0
		case c == t.EventTime:
			v.Ints[row] = kafkaTime.UnixMicro() - m.rng.Int64N(int64(m.days)*86_400_000_000)
		case v.Ints != nil:
			values := awkward[col.Type.Kind]
			v.Ints[row] = values[m.rng.IntN(len(values))]
			if m.rng.IntN(2) == 0 && (col.Type.Kind == schema.Long || col.Type.Kind == schema.Decimal) {
				v.Ints[row] = m.rng.Int64N(2_000_000) - 1_000_000
			}
		case null:
			v.Codes[row] = 0
		case col.Name == "unique":
			v.Codes[row] = v.Dict.Add(fmt.Appendf(nil, "%d %s", row, awkwardText[m.rng.IntN(len(awkwardText))]))
		default:
			i := m.rng.IntN(len(awkwardText))
			code, ok := repeated[i]
			if !ok {
				text := []byte(awkwardText[i])
				if col.Type.Kind == schema.Binary {
					text = append(text, 0xff, 0xfe, 0)
				}
				code = v.Dict.Add(text)
				repeated[i] = code
			}
			v.Codes[row] = code
		}
		if null {
			v.SetMark(row, rows, batch.Null)
		}
	}
}

// reject quarantines a row.
func reject(b *batch.Batch, row int, reason string) {
	b.Fates[row] = batch.Quarantined
	from := len(b.Rejects)
	b.Rejects = append(b.Rejects,
		batch.Reject{Row: int32(row), Column: 0, Stage: batch.StageConform, Reason: reason, Want: "a long", At: 2, Len: 3},
		batch.Reject{Row: int32(row), Column: -1, Stage: batch.StageQuality, Reason: "check", At: -1})
	b.MergeRejects(from)
}

// fates gives the rows of a batch all fates.
func (m *maker) fates() {
	for row := range m.b.Rows {
		switch m.rng.IntN(12) {
		case 0:
			reject(m.b, row, []string{"syntax", "overflow"}[m.rng.IntN(2)])
		case 1:
			m.b.Fates[row] = batch.Late
		case 2:
			m.b.Fates[row] = batch.Duplicate
		case 3:
			m.b.Fates[row] = batch.Filtered
		}
	}
}

var processedAt = ledger.Time(time.Date(2026, 11, 25, 1, 2, 3, 456789000, time.UTC).UnixMicro())

func build(id string) writer.Build {
	mark := ledger.Time(kafkaTime.Add(-24 * time.Hour).UnixMicro())
	return writer.Build{Batch: id, ProcessedAt: processedAt, Watermark: &mark}
}

// write writes a batch with a new Writer and gives its files.
func write(t *testing.T, o writer.Options, b *batch.Batch, in writer.Build) (*storetest.Memory, []ledger.File) {
	t.Helper()
	w, err := writer.New(b.Table, o)
	if err != nil {
		t.Fatal(err)
	}
	lake := &storetest.Memory{}
	files, err := w.Write(t.Context(), lake, b, in)
	if err != nil {
		t.Fatal(err)
	}
	return lake, files
}

// record is a row as it is read: values by column, without those that are null.
type record map[string]string

// read reads a staged file with parquet-go.
func read(t *testing.T, lake *storetest.Memory, f ledger.File) []record {
	t.Helper()
	r, size, err := lake.Open(t.Context(), f.Staged)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(r, size)
	if err != nil {
		t.Fatalf("%s: %v", f.Path, err)
	}
	names := file.Schema().Columns()
	var out []record
	for _, group := range file.RowGroups() {
		rows := group.Rows()
		buf := make([]parquet.Row, 64)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				rec := record{}
				for _, v := range row {
					if !v.IsNull() {
						rec[names[v.Column()][0]] = show(v)
					}
				}
				out = append(out, rec)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", f.Path, err)
			}
		}
		_ = rows.Close()
	}
	return out
}

func show(v parquet.Value) string {
	switch v.Kind() {
	case parquet.ByteArray:
		return string(v.ByteArray())
	case parquet.Float:
		return fmt.Sprintf("%08x", math.Float32bits(v.Float()))
	case parquet.Double:
		return fmt.Sprintf("%016x", math.Float64bits(v.Double()))
	case parquet.Boolean:
		return fmt.Sprint(v.Boolean())
	case parquet.Int32:
		return fmt.Sprint(v.Int32())
	}
	return fmt.Sprint(v.Int64())
}

// want is what row of b must be read as, in a build.
func want(b *batch.Batch, row int, in writer.Build, o writer.Options) record {
	rec := record{
		"etl_batch_id": in.Batch, "etl_processed_at": fmt.Sprint(int64(in.ProcessedAt)), "source_system": o.SourceSystem,
	}
	at := b.First + row
	for _, r := range b.Raw.Runs {
		if at < r.First || at >= r.First+r.Rows {
			continue
		}
		if s := b.Raw.Sources[r.Source]; s.File == "" {
			rec["_topic"], rec["_partition"], rec["_offset"] = s.Topic, fmt.Sprint(s.Partition), fmt.Sprint(b.Raw.Offsets[at])
		} else {
			rec["_file"], rec["_line"] = s.File, fmt.Sprint(b.Raw.Offsets[at])
		}
	}
	if b.Fates[row] == batch.Quarantined {
		wantRejected(rec, b, row)
		return rec
	}
	if b.Fates[row] == batch.Late {
		rec["_watermark"] = fmt.Sprint(int64(*in.Watermark))
	}
	for c := range b.Columns {
		v := &b.Columns[c]
		if v.Mark(row) == batch.Null {
			continue
		}
		name := b.Table.Columns[c].Name
		switch k := b.Table.Columns[c].Type.Kind; k {
		case schema.String, schema.Binary:
			rec[name] = string(v.Text(row))
		case schema.Float:
			rec[name] = fmt.Sprintf("%08x", math.Float32bits(float32(math.Float64frombits(uint64(v.Ints[row])))))
		case schema.Double:
			rec[name] = fmt.Sprintf("%016x", uint64(v.Ints[row]))
		case schema.Boolean:
			rec[name] = fmt.Sprint(v.Ints[row] != 0)
		default:
			rec[name] = fmt.Sprint(v.Ints[row])
		}
	}
	return rec
}

func wantRejected(rec record, b *batch.Batch, row int) {
	var own []batch.Reject
	for _, r := range b.Rejects {
		if int(r.Row) == row {
			own = append(own, r)
		}
	}
	at := b.First + row
	rec["_reason"], rec["_detail"], rec["_stage"] = own[0].Reason, b.Detail(own), string(own[0].Stage)
	rec["_headers"] = string(b.Raw.Headers(at))
	if v := b.Raw.Value(at); v != nil {
		rec["_value"] = string(v)
	}
	if k := b.Raw.Key(at); k != nil {
		rec["_key"] = string(k)
	}
	if b.Raw.Time(at) != 0 {
		rec["_timestamp"] = fmt.Sprint(b.Raw.Time(at))
	}
}
