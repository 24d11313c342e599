package rawfile_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
)

// benchRows reads a file as its rows lie there, and by way of text.
func benchRows(b *testing.B, path string) {
	b.Run("rows", func(b *testing.B) { benchReading(b, path, asItLies()) })
	b.Run("text", func(b *testing.B) { benchReading(b, path, options()) })
}

func benchReading(b *testing.B, path string, o rawfile.Options) {
	e := entry(b, path)
	var c batch.Chunk
	rows := int64(0)
	begin := processor(b)
	for b.Loop() {
		r, err := rawfile.Open(b.Context(), e, o)
		if err != nil {
			b.Fatal(err)
		}
		for c.Last = false; !c.Last; {
			if err := r.Next(b.Context(), &c); err != nil {
				b.Fatal(err)
			}
		}
		rows += c.To
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)/(processor(b)-begin), "rows/cpu-s")
}

func BenchmarkAvro(b *testing.B) {
	schema := `{"type":"record","name":"r","fields":[{"name":"id","type":"long"},{"name":"name","type":["null","string"]},
		{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}}]}`
	row := zigzag(48213377) + zigzag(1) + avroText("Coop 2211") + avroText("\x01\xe8\x93") + zigzag(1795342530123456)
	block := avroBlock(5000, strings.Repeat(row, 5000))
	benchRows(b, write(b, "x.avro", avroHead("null", schema)+strings.Repeat(block, 40)))
}

// BenchmarkParquet reads texts and numbers, in dictionaries, plain and by their differences.
func BenchmarkParquet(b *testing.B) {
	type card struct {
		ID       int64     `parquet:"id,delta"`
		Account  int64     `parquet:"account,optional"`
		Amount   int64     `parquet:"amount,decimal(2:18)"`
		At       time.Time `parquet:"at,timestamp(microsecond)"`
		Status   string    `parquet:"status,dict,optional"`
		Currency string    `parquet:"currency,dict"`
		Merchant string    `parquet:"merchant"`
	}
	r := rand.New(rand.NewPCG(1, 2))
	var rows []card
	for i := range 200_000 {
		rows = append(rows, card{int64(i), r.Int64N(1e9), r.Int64N(1e6), time.UnixMicro(1795342530123456 + int64(i)), []string{"NEW", "APPROVED"}[i%2], "CHF", fmt.Sprint("Coop ", r.IntN(5000))})
	}
	var file bytes.Buffer
	w := parquet.NewGenericWriter[card](&file, parquet.Compression(&parquet.Snappy))
	if _, err := w.Write(rows); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	benchRows(b, write(b, "x.parquet", file.String()))
}
