package conform_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
)

// parquetMade is a column of a made up file, and how to make values of it.
type parquetMade struct {
	node  parquet.Node
	value func(r *rand.Rand) parquet.Value
}

// parquetTypes are the columns that are made up.
func parquetTypes() []parquetMade {
	int32s := func(of func(*rand.Rand) int64) func(*rand.Rand) parquet.Value {
		return func(r *rand.Rand) parquet.Value { return parquet.Int32Value(int32(of(r))) }
	}
	int64s := func(of func(*rand.Rand) int64) func(*rand.Rand) parquet.Value {
		return func(r *rand.Rand) parquet.Value { return parquet.Int64Value(of(r)) }
	}
	within := func(low, high int64) func(*rand.Rand) int64 {
		return func(r *rand.Rand) int64 { return low + r.Int64N(high-low) }
	}
	moment := func(unit int64) func(*rand.Rand) int64 {
		return func(r *rand.Rand) int64 {
			if r.IntN(10) == 0 {
				return r.Int64() >> r.IntN(16)
			}
			at := (r.Int64N(8e9) - 2e9) * unit
			return at - at%(86400*unit)*int64(r.IntN(2))
		}
	}
	texts := func(r *rand.Rand) parquet.Value { return parquet.ByteArrayValue([]byte(avroText(r))) }
	fixed := func(n int) func(*rand.Rand) parquet.Value {
		return func(r *rand.Rand) parquet.Value {
			b := make([]byte, n)
			for i := n - 1 - r.IntN(n); i < n; i++ {
				b[i] = byte(r.Uint32())
			}
			return parquet.FixedLenByteArrayValue(b)
		}
	}
	return []parquetMade{
		{parquet.Int(32), int32s(wholeOf(32))}, {parquet.Int(64), int64s(wholeOf(64))}, {parquet.Int(64), int64s(within(0, 2e12))}, {parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked), int64s(wholeOf(64))},
		{parquet.Uint(32), int32s(wholeOf(32))}, {parquet.Uint(64), int64s(wholeOf(64))},
		{parquet.Leaf(parquet.FloatType), func(r *rand.Rand) parquet.Value { return parquet.FloatValue(r.Float32() * float32(pow(10, r.IntN(9)))) }},
		{parquet.Leaf(parquet.DoubleType), func(r *rand.Rand) parquet.Value {
			return parquet.DoubleValue(float64(r.Int64N(1e12)) / float64(pow(10, r.IntN(6))))
		}},
		{parquet.Leaf(parquet.DoubleType), func(r *rand.Rand) parquet.Value {
			return parquet.DoubleValue([]float64{math.NaN(), math.Inf(-1), 0, math.Copysign(0, -1), 1e300}[r.IntN(5)])
		}},
		{parquet.Leaf(parquet.BooleanType), func(r *rand.Rand) parquet.Value { return parquet.BooleanValue(r.IntN(2) == 1) }},
		{parquet.String(), texts}, {parquet.Encoded(parquet.String(), &parquet.DeltaLengthByteArray), texts}, {parquet.Encoded(parquet.String(), &parquet.DeltaByteArray), texts},
		{parquet.String(), func(r *rand.Rand) parquet.Value {
			return parquet.ByteArrayValue([]byte{'a', byte(r.Uint32()), 'b'})
		}},
		{parquet.Leaf(parquet.ByteArrayType), texts}, {parquet.Leaf(parquet.FixedLenByteArrayType(3)), fixed(3)}, {parquet.Enum(), texts}, {parquet.UUID(), fixed(16)},
		{parquet.Decimal(2, 9, parquet.Int32Type), int32s(within(-999_999_999, 1_000_000_000))}, {parquet.Decimal(2, 4, parquet.Int32Type), int32s(within(-20_000, 20_000))},
		{parquet.Decimal(4, 18, parquet.Int64Type), int64s(within(-1e18, 1e18))}, {parquet.Decimal(2, 30, parquet.FixedLenByteArrayType(13)), fixed(13)},
		{parquet.Date(), int32s(within(-40_000, 80_000))}, {parquet.Date(), int32s(within(-4e6, 4e6))},
		{parquet.Timestamp(parquet.Millisecond), int64s(moment(1e3))}, {parquet.Timestamp(parquet.Microsecond), int64s(moment(1e6))}, {parquet.Timestamp(parquet.Nanosecond), int64s(moment(1e9))},
		{parquet.Time(parquet.Millisecond), int32s(within(-5, 86_400_005))}, {parquet.Time(parquet.Microsecond), int64s(within(0, 86_400e6))}, {parquet.Time(parquet.Nanosecond), int64s(within(0, 86_400e9))},
		{parquet.Leaf(parquet.Int96Type), func(r *rand.Rand) parquet.Value {
			inDay := r.Uint64N(86400e9)
			switch r.IntN(4) {
			case 0:
				inDay = 0
			case 1:
				inDay -= inDay % uint64(pow(10, r.IntN(5)))
			case 2:
				inDay *= uint64(r.IntN(3))
			}
			return parquet.Int96Value(deprecated.Int96{uint32(inDay), uint32(inDay >> 32), uint32(1_000_000 + r.IntN(4_500_000))})
		}},
	}
}

// madeParquet is a file of made up rows, and a table for it.
func madeParquet(t *testing.T, seed uint64, rows int) (path string, table *schema.Table) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 11))
	table = &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution()}
	group, all := parquet.Group{}, parquetTypes()
	var made []parquetMade
	for i := range 1 + r.IntN(8) {
		one := all[r.IntN(len(all))]
		name := fmt.Sprintf("f%d", i)
		if r.IntN(3) == 0 && one.node.Type() != parquet.BooleanType {
			one.node = parquet.Encoded(one.node, &parquet.RLEDictionary)
		}
		if value := one.value; r.IntN(2) == 0 {
			one.node = parquet.Optional(one.node)
			one.value = func(r *rand.Rand) parquet.Value {
				if r.IntN(4) == 0 {
					return parquet.NullValue().Level(0, 0, i)
				}
				return value(r).Level(0, 1, i)
			}
		}
		group[name], made = one.node, append(made, one)
		if r.IntN(8) > 0 {
			like := strings.Replace(strings.ToLower(one.node.Type().String()), "int96", "timestamp", 1)
			table.Columns = append(table.Columns, columnFor(r, name, avroMade{text: like}))
		}
	}
	table.Columns = append(table.Columns, schema.Column{Name: "gone", Type: schema.Type{Kind: schema.Int}, Default: schema.Value{Int: 7}})
	var file bytes.Buffer
	w := parquet.NewGenericWriter[any](&file, parquet.NewSchema("r", group), parquet.MaxRowsPerRowGroup(int64(1+r.IntN(2*rows))), parquet.DataPageVersion(1+r.IntN(2)), parquet.PageBufferSize(64<<r.IntN(8)))
	for range rows {
		row := parquet.Row{}
		for i, one := range made {
			row = append(row, one.value(r).Level(0, 0, i))
			if one.node.Optional() && !row[i].IsNull() {
				row[i] = row[i].Level(0, 1, i)
			}
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, table
}

// TestParquetMeansWhatItsJSONDoes decodes made up files twice, from what their columns are and by
// way of JSON. Both must give the same rows, and reject the same records for the same columns.
func TestParquetMeansWhatItsJSONDoes(t *testing.T) {
	files, rows := 150, 60
	if *long {
		files, rows = 1500, 200
	}
	written, typed := 0, 0
	for seed := range uint64(files) {
		path, table := madeParquet(t, seed, rows)
		o := rawfile.Options{Kinds: map[string]rawfile.ColumnKind{}}
		for _, c := range table.Columns {
			for _, name := range c.Names() {
				o.Kinds[name] = rawfile.ColumnKind{Kind: c.Type.Kind, JSON: c.Type.JSON}
			}
		}
		plan, err := conform.Compile(table)
		if err != nil {
			t.Fatal(err)
		}
		var got, want batch.Batch
		for b, text := range map[*batch.Batch]bool{&got: false, &want: true} {
			o.Text = text
			raw := parquetRaw(t, path, o)
			if raw.Rows() != rows {
				t.Fatalf("seed %d: %d rows, want %d", seed, raw.Rows(), rows)
			}
			b.Reset(table, raw, 0, rows)
			plan.Decoder().Decode(b)
		}
		if got.Raw.LayoutOf(0).Format == batch.Avro {
			typed++
		}
		flawed := flawsOf(&want)
		for row := range rows {
			if used, ok := flawed[row]; ok {
				// Where files are read, the first flaw of a row is all that is told of it.
				if used && got.Fates[row] != batch.Quarantined {
					t.Fatalf("seed %d, row %d was written: %s", seed, row, want.Raw.Value(row))
				}
				continue
			}
			g, x := avroOutcome(&got, row), avroOutcome(&want, row)
			if g != x {
				t.Fatalf("seed %d, row %d: %s\ncolumns %+v\ntyped %s\nJSON  %s\n%s", seed, row, want.Raw.Value(row), table.Columns, g, x, got.Detail(got.Rejects))
			}
			written += btoi(got.Fates[row] == batch.Written)
		}
	}
	if least := files * rows / 10; written < least || typed < files/4 {
		t.Errorf("%d rows were written, want %d at least; %d files of %d were not read as text", written, least, typed, files)
	}
}

// flawsOf are the rows of a file that was read as text that have a flaw, and whether that is in a
// column of the table: read otherwise, nobody looks at others.
func flawsOf(b *batch.Batch) map[int]bool {
	out := map[int]bool{}
	for _, d := range b.Raw.Defects {
		used := false
		for _, c := range b.Table.Columns {
			for _, name := range c.Names() {
				used = used || strings.HasPrefix(d.Want, fmt.Sprintf("column %q:", name))
			}
		}
		out[int(d.Row)] = used
	}
	return out
}

// parquetRaw are the rows of a file.
func parquetRaw(t *testing.T, path string, o rawfile.Options) *batch.Raw {
	t.Helper()
	found, err := rawfile.Find(t.Context(), []string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rawfile.Open(t.Context(), found.Entries[0], o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{File: "x", Layout: r.Layout()})
	var c batch.Chunk
	for !c.Last {
		if err := r.Next(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
		raw.AppendChunk(source, &c)
	}
	return raw
}
