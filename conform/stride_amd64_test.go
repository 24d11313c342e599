package conform

import (
	"fmt"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// White box: what comes out is the same without strides, only later. Rows that look alike must be
// taken by them, all but the first, and a row that does not must be handed over behind what is
// read of it.
func TestStrideTakesWholeRows(t *testing.T) {
	if !hasStrides {
		t.Fatal("this processor has no AVX2 or BMI2: strides cannot be tried on it")
	}
	table := &schema.Table{
		Name: "t", EventTime: 3, Evolution: schema.DefaultEvolution(), CSV: schema.DefaultCSV(),
		Columns: []schema.Column{
			{Name: "id", Type: schema.Type{Kind: schema.Long}, Required: true},
			{Name: "sum", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
			{Name: "word", Type: schema.Type{Kind: schema.String}},
			{Name: "at", Type: schema.Type{Kind: schema.Timestamp}},
		},
	}
	plan, err := Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	const rows, odd = 40, 30
	header := &batch.Layout{Format: batch.CSV, Header: []string{"id", "sum", "at", "word"}}
	for _, c := range []struct {
		name   string
		layout *batch.Layout
		usual  string
		odd    string
		ends   []string
	}{
		{"JSON", nil, `{"id":%d,"sum":1.5,"word":"a","at":"2026-11-22T10:15:30Z"}`, `{"id":%d,"sum":1.5,"word":null,"at":"2026-11-22T10:15:30Z"}`, []string{""}},
		{"CSV", header, "%d,1.5,2026-11-22T10:15:30Z,a", "%d,1.5,,a", []string{"", "\n", "\r\n"}},
	} {
		raw := &batch.Raw{}
		source := raw.Source(batch.Source{File: map[bool]string{true: "file:///f"}[c.layout != nil], Layout: c.layout})
		for i := range rows {
			form := c.usual
			if i == odd {
				form = c.odd
			}
			raw.Append(source, &batch.Record{Offset: int64(i), Value: fmt.Appendf(nil, form+c.ends[i%len(c.ends)], 1000+i)})
		}
		d := plan.Decoder()
		var b batch.Batch
		b.Reset(table, raw, 0, rows)
		if d.Decode(&b); len(b.Rejects) > 0 {
			t.Fatalf("%s: %s", c.name, b.Detail(b.Rejects))
		}

		b.Reset(table, raw, 0, rows)
		d.begin(&b)
		d.turn()
		d.buf, d.inBlock = raw.Blocks[0], 0
		d.columns[2].index.add([]byte("a"), true, 0) // as the first row would have
		if d.csv != nil {
			d.heard(d.csv)
		}
		if got := d.stride(1, rows); got != odd || d.begun.next != 2 {
			t.Errorf("%s: the stride from row 1 ended in row %d, column %d, want row %d, column 2", c.name, got, d.begun.next, odd)
		}
		if got := d.stride(odd+1, rows); got != rows {
			t.Errorf("%s: the stride from row %d ended in row %d, want %d", c.name, odd+1, got, rows)
		}
	}
}
