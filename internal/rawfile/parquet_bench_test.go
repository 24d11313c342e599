package rawfile_test

import (
	"strings"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
)

func benchRows(b *testing.B, path string) {
	e := entry(b, path)
	var c batch.Chunk
	rows := int64(0)
	begin := processor(b)
	for b.Loop() {
		r, err := rawfile.Open(b.Context(), e, options())
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

func BenchmarkParquet(b *testing.B) {
	var data strings.Builder
	for range 200_000 {
		data.WriteString(oneTwo[:4])
	}
	benchRows(b, write(b, "x.parquet", craft(page(200_000, 0, data.String()), 200_000).file()))
}
