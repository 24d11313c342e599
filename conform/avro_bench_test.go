package conform_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/avro"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// cardSchema is the card event in Avro; %s is the type of its status and the like.
const cardSchema = `{"type":"record","name":"card","fields":[
	{"name":"transaction_id","type":"long"},
	{"name":"account_id","type":"long"},
	{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},
	{"name":"transaction_type","type":%s},
	{"name":"transaction_date","type":{"type":"long","logicalType":"timestamp-micros"}},
	{"name":"status","type":%s},
	{"name":"currency","type":%s},
	{"name":"channel","type":%s},
	{"name":"merchant","type":%s},
	{"name":"country","type":%s}%s]}`

// cardVersions are schemas of producers of the card event.
func cardVersions(n int, text string) []string {
	var out []string
	for i := range n {
		more := ""
		for k := range i {
			more += fmt.Sprintf(`,{"name":"more%d","type":["null","string"],"default":null}`, k)
		}
		out = append(out, fmt.Sprintf(cardSchema, text, text, text, text, text, text, more))
	}
	return out
}

// byID has schemas by the number behind a zero in front of a datum, as registries have.
type byID []*avroschema.Schema

// Schema implements conform.Schemas.
func (s byID) Schema(value, _ []byte) conform.Written {
	if len(value) < 5 || value[0] != 0 {
		return conform.Written{Reason: conform.ReasonWire}
	}
	id := int(value[3])<<8 | int(value[4])
	if id >= len(s) {
		return conform.Written{}
	}
	return conform.Written{Schema: s[id], At: 5, Lasting: true}
}

// newByID parses schemas.
func newByID(tb testing.TB, texts []string) byID {
	tb.Helper()
	var out byID
	for _, text := range texts {
		s, err := avroschema.Parse([]byte(text))
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// cardDatums holds card events, written with each schema in turn.
func cardDatums(tb testing.TB, texts []string, rows int) *batch.Raw {
	tb.Helper()
	var codecs []*avro.Schema
	for _, text := range texts {
		codecs = append(codecs, avro.MustParse(text))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	type card struct {
		ID       int64  `avro:"transaction_id"`
		Account  int64  `avro:"account_id"`
		Amount   []byte `avro:"amount"`
		Type     string `avro:"transaction_type"`
		Date     int64  `avro:"transaction_date"`
		Status   string `avro:"status"`
		Currency string `avro:"currency"`
		Channel  string `avro:"channel"`
		Merchant string `avro:"merchant"`
		Country  string `avro:"country"`

		More0 *string `avro:"more0"`
		More1 *string `avro:"more1"`
		More2 *string `avro:"more2"`
	}
	for row := range rows {
		cents := rng.IntN(500_000)
		one := card{
			ID: int64(1_000_000_000 + row), Account: int64(rng.IntN(100_000)), Amount: []byte{byte(cents >> 16), byte(cents >> 8), byte(cents)},
			Type: pick("PURCHASE", "REFUND", "WITHDRAWAL", "TRANSFER"), Date: 1795342530_000_000 + rng.Int64N(7*86400e6),
			Status: pick("COMPLETED", "PENDING", "DECLINED"), Currency: pick("USD", "EUR", "CHF", "GBP"), Channel: pick("POS", "ONLINE", "ATM"),
			Merchant: fmt.Sprintf("Merchant %05d", rng.IntN(1000)), Country: pick("US", "DE", "CH", "GB", "FR"),
		}
		id := row % len(texts)
		value, err := codecs[id].AppendEncode([]byte{0, 0, 0, byte(id >> 8), byte(id)}, &one)
		if err != nil {
			tb.Fatal(err)
		}
		raw.Append(source, &batch.Record{Offset: int64(row), Value: value})
	}
	return raw
}

func BenchmarkAvro(b *testing.B) {
	for _, c := range []struct {
		name string
		text string
		n    int
	}{
		{"strings", `"string"`, 1},
		{"optional", `["null","string"]`, 1},
		{"two_versions", `"string"`, 2},
		{"three_versions", `"string"`, 3},
	} {
		b.Run(c.name, func(b *testing.B) {
			texts := cardVersions(c.n, c.text)
			raw, table := cardDatums(b, texts, cardRows), cardTable()
			d := newDecoder(b, table)
			d.Schemas = newByID(b, texts)
			table.Format = schema.AvroRegistryFormat
			var rows batch.Batch
			decode := func() {
				rows.Reset(table, raw, 0, cardRows)
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
			b.ReportMetric(perRow, "ns/row")
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/cardRows, "cpu-ns/row")
		})
	}
}
