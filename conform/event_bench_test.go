package conform_test

import (
	"fmt"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// changeTable is cardTable with change events around its rows.
func changeTable(f schema.Format) *schema.Table {
	t := cardTable()
	t.Format = f
	t.AddChange()
	return t
}

// changeEvent stands around a row, with what Debezium's connector for PostgreSQL says of it.
func changeEvent(row []byte, n int) []byte {
	return fmt.Appendf(nil, `{"before":null,"after":%s,"source":{"version":"2.7.3.Final","connector":"postgresql","name":"core","ts_ms":%d,"snapshot":"false","db":"bank","sequence":"[\"24023119\",\"24023128\"]","schema":"public","table":"transactions","txId":%d,"lsn":%d,"xmin":null},"transaction":null,"op":"c","ts_ms":%d}`,
		row, 1795342530000+n, 555+n, 24023128+n, 1795342530123+n)
}

// rewritten holds the records of raw as other bytes.
func rewritten(raw *batch.Raw, write func(value []byte, row int) []byte) *batch.Raw {
	out := &batch.Raw{}
	source := out.Source(batch.Source{Topic: "t"})
	for row := range raw.Rows() {
		out.Append(source, &batch.Record{Offset: int64(row), Value: write(raw.Value(row), row)})
	}
	return out
}

func BenchmarkDecodeEvent(b *testing.B) {
	benchmarkDecode(b, changeTable(schema.JSONFormat), rewritten(cardRaw(cardStyles[0], cardRows), changeEvent))
}

// benchmarkDecode decodes raw, of cardRows records, over and over.
func benchmarkDecode(b *testing.B, table *schema.Table, raw *batch.Raw) {
	b.Helper()
	plan, err := conform.Compile(table)
	if err != nil {
		b.Fatal(err)
	}
	d := plan.Decoder()
	var rows batch.Batch
	decode := func() {
		rows.Reset(table, raw, 0, raw.Rows())
		d.Decode(&rows)
	}
	decode()
	if len(rows.Rejects) > 0 {
		b.Fatalf("got rejects: %s", rows.Detail(rows.Rejects[:1]))
	}
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		decode()
	}
	perRow := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(raw.Rows())
	b.ReportMetric(perRow, "ns/row")
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/float64(raw.Rows()), "cpu-ns/row")
}
