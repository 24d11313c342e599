package quality_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/quality"
)

// cardTable and cardChecks are the shape of the card transactions' preset.
var cardTable = &schema.Table{
	Name: "transactions", EventTime: 4,
	Columns: []schema.Column{
		{Name: "transaction_id", Type: schema.Type{Kind: schema.Long}},
		{Name: "account_id", Type: schema.Type{Kind: schema.Long}},
		{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
		{Name: "transaction_type", Type: schema.Type{Kind: schema.String}},
		{Name: "transaction_date", Type: schema.Type{Kind: schema.Timestamp}},
		{Name: "status", Type: schema.Type{Kind: schema.String}},
		{Name: "currency", Type: schema.Type{Kind: schema.String}},
	},
}

var cardChecks = []quality.Check{
	{Completeness: []string{"transaction_id", "account_id", "transaction_date"}},
	{Unique: []string{"transaction_id"}},
	{Range: "amount", Min: "0", Nulls: quality.NullsFail},
	{Category: "transaction_type", Values: []string{"deposit", "withdrawal", "transfer", "payment", "fee", "refund", "purchase"}, Severity: quality.Warn},
	{Pattern: "currency", Regex: "^[A-Z]{3}$", Severity: quality.Warn},
}

const cardRows = 500_000

// cardBatch makes a batch with rising or random ids, a negative amount in each
// thousand rows, and some rows quarantined before.
func cardBatch(randomIDs bool) *batch.Batch {
	rng := rand.New(rand.NewPCG(1, 2))
	b := &batch.Batch{}
	b.Reset(cardTable, &batch.Raw{}, 0, cardRows)
	dictionaries := map[int][]string{
		3: {"PURCHASE", "REFUND", "TRANSFER"}, 5: {"COMPLETED", "PENDING"}, 6: {"USD", "EUR", "CHF", "GBP"},
	}
	for c, words := range dictionaries {
		for _, w := range words {
			b.Columns[c].Dict.Add([]byte(w))
		}
	}
	for row := range cardRows {
		b.Columns[0].Ints[row] = 1_000_000_000 + int64(row)
		if randomIDs {
			b.Columns[0].Ints[row] = rng.Int64()
		}
		b.Columns[1].Ints[row] = rng.Int64N(100_000)
		b.Columns[2].Ints[row] = rng.Int64N(500_000)
		if row%1000 == 17 {
			b.Columns[2].Ints[row] = -1
		}
		b.Columns[4].Ints[row] = 1_795_000_000_000_000 + int64(row)
		for c, words := range dictionaries {
			b.Columns[c].Codes[row] = int32(rng.IntN(len(words)))
		}
	}
	return b
}

// again undoes what a run did to the batch.
func again(b *batch.Batch) {
	clear(b.Fates)
	b.Rejects = b.Rejects[:0]
}

func compileFor(tb testing.TB, table *schema.Table, checks []quality.Check) *quality.Suite {
	tb.Helper()
	suite, err := quality.Compile(table, checks)
	if err != nil {
		tb.Fatal(err)
	}
	return suite
}

func BenchmarkRun(b *testing.B) {
	rules := func(text string) []quality.Check {
		return []quality.Check{{Rule: text, Name: "r", Severity: quality.Warn}}
	}
	for _, c := range []struct {
		name   string
		checks []quality.Check
		random bool
	}{
		{"card", cardChecks, false},
		{"card_random_ids", cardChecks, true},
		{"rule_by_columns", rules("amount < 4000.0 || status == 'COMPLETED'"), false},
		{"rule_by_rows", rules("amount * 2 < 8000.0 || status == 'COMPLETED'"), false},
	} {
		b.Run(c.name, func(b *testing.B) {
			rows, suite := cardBatch(c.random), compileFor(b, cardTable, c.checks)
			suite.Run(rows)
			b.ReportAllocs()
			for b.Loop() {
				again(rows)
				suite.Run(rows)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/cardRows, "ns/row")
		})
	}
}

// A report is all that a run may allocate once the suite has its memory: nothing
// per row.
func TestRunTakesNoMemoryPerRow(t *testing.T) {
	rows, suite := cardBatch(false), compileFor(t, cardTable, cardChecks)
	held := int64(0)
	if allocs := testing.AllocsPerRun(3, func() {
		again(rows)
		suite.Run(rows)
		if held != 0 && suite.Bytes() != held {
			t.Errorf("the suite holds %d bytes, %d before", suite.Bytes(), held)
		}
		held = suite.Bytes()
	}); allocs > 40 {
		t.Errorf("got %v allocations for %d rows, want those of a report", allocs, cardRows)
	}
}

func TestSuiteIsShared(t *testing.T) {
	suite := compileFor(t, cardTable, cardChecks)
	want := fmt.Sprint(suite.Run(cardBatch(false)))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if got := fmt.Sprint(suite.Run(cardBatch(false))); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	all.Wait()
}

// BenchmarkKeys measures what keys of other batches cost: references into 100,000
// accounts, and a unique key and dedupe against two million rows that are decided, with
// what Hold and Commit take.
func BenchmarkKeys(b *testing.B) {
	accounts := quality.NewSet(cardTable.Columns[1].Type)
	rows := cardBatch(false)
	accounts.Add(rows, 1)
	for _, c := range []struct {
		name   string
		checks []quality.Check
		opts   []quality.Option
		random bool
	}{
		{name: "none"},
		{name: "reference", checks: []quality.Check{{Reference: "account_id", In: "accounts.account_id"}}},
		{name: "unique_batch", checks: []quality.Check{{Unique: []string{"transaction_id"}}}},
		{name: "unique_run", checks: []quality.Check{{Unique: []string{"transaction_id"}, Scope: quality.ScopeRun}}},
		{name: "unique_run_random_ids", checks: []quality.Check{{Unique: []string{"transaction_id"}, Scope: quality.ScopeRun}}, random: true},
		{name: "dedupe", opts: []quality.Option{quality.WithDedupe(quality.Dedupe{Keys: []string{"transaction_id"}, Within: 24 * time.Hour})}},
		{name: "dedupe_random_ids", opts: []quality.Option{quality.WithDedupe(quality.Dedupe{Keys: []string{"transaction_id"}, Within: 24 * time.Hour})}, random: true},
	} {
		b.Run(c.name, func(b *testing.B) {
			rows := cardBatch(c.random)
			suite, err := quality.Compile(cardTable, c.checks, c.opts...)
			if err != nil {
				b.Fatal(err)
			}
			known := []quality.Known{{Set: accounts}}
			keys := suite.NewKeys(quality.KeyOptions{})
			n := int64(0)
			for b.Loop() {
				b.StopTimer()
				again(rows)
				if n++; n%4 == 1 { // two million rows are decided at most
					keys = suite.NewKeys(quality.KeyOptions{})
				}
				for i := range rows.Columns[0].Ints {
					rows.Columns[0].Ints[i] += cardRows
				}
				b.StartTimer()
				if report, err := suite.Begin(rows, known).Finish(keys); err != nil || report.Rejected+report.Duplicates > 0 {
					b.Fatalf("%v, %+v", err, report)
				}
				if err := keys.Commit(keys.Hold(rows)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/cardRows, "ns/row")
		})
	}
}
