package writer_test

import (
	"context"
	"fmt"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/internal/store/storetest"
	"tidemark/writer"
)

// Two payments of different days become two staged files. They are published once
// the ledger has decided the batch.
func Example() {
	table := &schema.Table{Name: "payments", EventTime: 1, Columns: []schema.Column{
		{Name: "id", Type: schema.Type{Kind: schema.Long}, Required: true},
		{Name: "paid", Type: schema.Type{Kind: schema.Timestamp}},
	}}
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "payments"})
	for offset, value := range []string{`{"id":1,…}`, `{"id":2,…}`} {
		raw.Append(source, &batch.Record{Offset: int64(offset), Value: []byte(value)})
	}
	// What conform does:
	b := &batch.Batch{}
	b.Reset(table, raw, 0, raw.Rows())
	copy(b.Columns[0].Ints, []int64{1, 2})
	at := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	copy(b.Columns[1].Ints, []int64{at.UnixMicro(), at.Add(12 * time.Hour).UnixMicro()})

	w, err := writer.New(table, writer.Options{SourceSystem: "core"})
	if err != nil {
		fmt.Println(err)
		return
	}
	shelf := &storetest.Memory{} // the lake's store, elsewhere
	files, err := w.Write(context.Background(), shelf, b, writer.Build{Batch: "20261123T000000-a", ProcessedAt: ledger.Time(at.UnixMicro())})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range files {
		fmt.Println(f.Path, f.Rows, f.MinEventTime)
	}
	// Output:
	// payments/yyyy=2026/mm=11/dd=22/20261123T000000-a-0.parquet 1 2026-11-22T18:00:00.000000Z
	// payments/yyyy=2026/mm=11/dd=23/20261123T000000-a-1.parquet 1 2026-11-23T06:00:00.000000Z
}
