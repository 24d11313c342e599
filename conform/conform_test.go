package conform_test

import (
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// cardTable is the shape of the card transactions' preset.
func cardTable() *schema.Table {
	text := schema.Type{Kind: schema.String}
	unknown := schema.DefaultFor(text)
	return &schema.Table{
		Name: "transactions", EventTime: 4, Evolution: schema.DefaultEvolution(),
		Columns: []schema.Column{
			{Name: "transaction_id", Type: schema.Type{Kind: schema.Long}, Required: true},
			{Name: "account_id", Type: schema.Type{Kind: schema.Long}, Required: true},
			{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
			{Name: "transaction_type", Type: text, Default: unknown},
			{Name: "transaction_date", Type: schema.Type{Kind: schema.Timestamp}, Required: true, Default: schema.Value{Null: true}},
			{Name: "status", Type: text, Default: unknown},
			{Name: "currency", Type: text, Default: unknown},
			{Name: "channel", Type: text, Default: unknown},
			{Name: "merchant", Type: text, Default: unknown},
			{Name: "country", Type: text, Default: unknown},
		},
	}
}

const cardEvent = `{"transaction_id":1000000123,"account_id":50321,"amount":1523.75,"transaction_type":"PURCHASE","transaction_date":"2026-11-22T10:15:30.123456Z","status":"COMPLETED","currency":"USD","channel":"POS","merchant":"Merchant 00123","country":"US"}`

func newDecoder(tb testing.TB, t *schema.Table) *conform.Decoder {
	tb.Helper()
	plan, err := conform.Compile(t)
	if err != nil {
		tb.Fatal(err)
	}
	return plan.Decoder()
}

// rawOf holds values as records of one partition; a nil one is a tombstone.
func rawOf(values ...[]byte) *batch.Raw {
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	for i, v := range values {
		raw.Append(source, &batch.Record{Offset: int64(i), Value: v})
	}
	return raw
}

func TestDecodeCardEvent(t *testing.T) {
	table := cardTable()
	raw := rawOf([]byte(cardEvent), []byte(cardEvent), []byte(cardEvent))
	d := newDecoder(t, table)
	var b batch.Batch
	for range 3 {
		b.Reset(table, raw, 0, raw.Rows())
		if r := d.Decode(&b); r.Halt != "" || len(b.Rejects) > 0 || len(b.Drift) > 0 {
			t.Fatalf("got %+v, rejects %s, drift %v", r, b.Detail(b.Rejects), b.Drift)
		}
		want := []string{"1000000123", "50321", "152375", "PURCHASE", "1795342530123456", "COMPLETED", "USD", "POS", "Merchant 00123", "US"}
		for row := range b.Rows {
			for c := range want {
				if got := describe(&b, c, row); got != want[c] {
					t.Errorf("row %d, column %s: got %s, want %s", row, table.Columns[c].Name, got, want[c])
				}
			}
		}
	}
}
