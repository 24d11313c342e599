package conform_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// csvOf writes records of JSON, whose keys stand in the order of the table's columns,
// as lines of CSV. Quote: every text stands between quotes.
func csvOf(tb testing.TB, table *schema.Table, raw *batch.Raw, quote bool) *batch.Raw {
	tb.Helper()
	layout := &batch.Layout{Format: batch.CSV}
	for i := range table.Columns {
		layout.Header = append(layout.Header, table.Columns[i].Name)
	}
	out := &batch.Raw{}
	source := out.Source(batch.Source{File: "file:///cards.csv", Layout: layout})
	for row := range raw.Rows() {
		d := json.NewDecoder(strings.NewReader(string(raw.Value(row))))
		d.UseNumber()
		var event map[string]any
		if err := d.Decode(&event); err != nil {
			tb.Fatal(err)
		}
		fields := make([]string, len(layout.Header))
		for i, name := range layout.Header {
			switch v := event[name].(type) {
			case json.Number:
				fields[i] = v.String()
			case string:
				if fields[i] = v; quote {
					fields[i] = `"` + v + `"`
				}
			}
		}
		out.Append(source, &batch.Record{Offset: int64(row), Value: []byte(strings.Join(fields, ","))})
	}
	return out
}

func BenchmarkDecodeCSV(b *testing.B) {
	table := cardTable()
	json := cardRaw(cardStyles[0], cardRows)
	for _, c := range []struct {
		name string
		raw  *batch.Raw
	}{{"json", json}, {"bare", csvOf(b, table, json, false)}, {"quoted", csvOf(b, table, json, true)}} {
		b.Run(c.name, func(b *testing.B) {
			d := newDecoder(b, table)
			var rows batch.Batch
			decode := func() {
				rows.Reset(table, c.raw, 0, cardRows)
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
			perRow := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / cardRows
			b.ReportMetric(1e9/perRow, "rows/s")
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/cardRows, "cpu-ns/row")
		})
	}
}
