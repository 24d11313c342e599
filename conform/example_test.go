package conform_test

import (
	"fmt"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Three records become a batch of two rows and a reject that says what was wrong.
func Example() {
	table := &schema.Table{
		Name: "payments", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(),
		Columns: []schema.Column{
			{Name: "id", Type: schema.Type{Kind: schema.Long}, Required: true},
			{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
			{Name: "status", Type: schema.Type{Kind: schema.String}, Default: schema.Value{Bytes: []byte("UNKNOWN")}},
		},
	}
	plan, err := conform.Compile(table)
	if err != nil {
		fmt.Println(err)
		return
	}

	raw := &batch.Raw{}
	payments := raw.Source(batch.Source{Topic: "payments"})
	for offset, value := range []string{
		`{"id": 1, "amount": 12.50, "status": "OPEN"}`,
		`{"id": 2, "amount": "0.10"}`,
		`{"id": 3, "amount": 12.345, "status": "OPEN"}`,
	} {
		raw.Append(payments, &batch.Record{Offset: int64(offset), Value: []byte(value)})
	}

	var b batch.Batch
	b.Reset(table, raw, 0, raw.Rows())
	plan.Decoder().Decode(&b)
	for row, fate := range b.Fates {
		if fate == batch.Written {
			fmt.Println(b.Columns[0].Ints[row], b.Columns[1].Ints[row], string(b.Columns[2].Text(row)))
		}
	}
	fmt.Println(b.Detail(b.Rejects))
	for _, d := range b.Drift {
		fmt.Println(d.Change, d.Column, "in row", d.Row)
	}
	// Output:
	// 1 1250 OPEN
	// 2 10 UNKNOWN
	// scale: column amount at byte 20: a number that fits decimal(18,2), got "12.345"
	// missing status in row 1
}
