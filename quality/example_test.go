package quality_test

import (
	"fmt"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/quality"
)

// A row without an id and one with a negative amount are refused; the third stays.
func Example() {
	table := &schema.Table{
		Name: "transactions", EventTime: -1, Partition: schema.Unpartitioned,
		Columns: []schema.Column{
			{Name: "id", Type: schema.Type{Kind: schema.Long}},
			{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
		},
	}
	suite, err := quality.Compile(table, []quality.Check{
		{Completeness: []string{"id"}},
		{Range: "amount", Min: "0"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	var b batch.Batch
	b.Reset(table, &batch.Raw{}, 0, 3)
	copy(b.Columns[0].Ints, []int64{0, 2, 3})
	b.Columns[0].SetMark(0, b.Rows, batch.Null)
	copy(b.Columns[1].Ints, []int64{100, -1, 250})

	report := suite.Run(&b)
	fmt.Println(report.Verdict, report.Rejected)
	for _, r := range b.Rejects {
		fmt.Println(r.Row, r.Reason)
	}
	for _, r := range report.Results {
		fmt.Println(r.Name, r.Verdict, r.Detail)
	}
	// Output:
	// FAIL 2
	// 0 completeness:id
	// 1 range:amount
	// completeness:id FAIL neither null nor blank; 1 of 3 rows fail
	// range:amount FAIL at least 0; 1 of 3 rows fail
}
