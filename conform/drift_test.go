package conform_test

import (
	"fmt"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// TestDriftIsCounted wants each difference with as many records as show it, whether they are
// decoded by short cuts, under a header, or one by one.
func TestDriftIsCounted(t *testing.T) {
	table := textTable()
	table.Columns = append(table.Columns,
		schema.Column{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
		schema.Column{Name: "city", Type: schema.Type{Kind: schema.String}, Aliases: []string{"town"}, Default: schema.Value{Null: true}})
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t", Layout: &batch.Layout{Format: batch.JSON}})
	for i := range 1000 {
		amount, more := "1.50", ""
		if i%4 == 0 {
			amount = "7"
		}
		if i%10 == 0 {
			more = `,"device":"x"`
		}
		raw.Append(source, &batch.Record{Offset: int64(i), Value: fmt.Appendf(nil, `{"id":%d,"text":"a","amount":%s,"town":"Bern"%s}`, i, amount, more)})
	}
	lines := make([]string, 30)
	for i := range lines {
		lines[i] = fmt.Sprintf("%d,a,1.50,Bern,y", i)
	}
	appendLines(raw, &batch.Layout{Format: batch.CSV, Header: []string{"id", "TEXT", "amount", "town", "origin"}}, lines...)
	appendLines(raw, &batch.Layout{Format: batch.CSV, Header: []string{"id", "TEXT", "amount"}}, "1,a,1.50", "2,b,1.50")

	d := plan.Decoder()
	want := map[string]int64{
		"widen amount": 250, "extra device": 100, "alias city": 1030, "case text": 32, "extra origin": 30, "missing city": 2,
	}
	for round := range 2 { // what is known from the first round must not be added to
		var b batch.Batch
		decodeAll(d, &b, table, raw)
		got := map[string]int64{}
		for _, one := range b.Drift {
			got[one.Change+" "+one.Column] += one.Count
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("round %d: got %v, want %v", round, got, want)
		}
	}
}
