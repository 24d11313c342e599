package conform_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"tidemark/internal/batch"
	"tidemark/internal/protoschema"
	"tidemark/internal/schema"
)

// cardMessage is the card event in Protobuf; %s is the type of its status and the like.
const cardMessage = `syntax = "proto3";` + protoHead + `message Card { int64 transaction_id = 1; int64 account_id = 2; confluent.type.Decimal amount = 3; %[1]s transaction_type = 4;
	google.protobuf.Timestamp transaction_date = 5; %[1]s status = 6; %[1]s currency = 7; %[1]s channel = 8; string merchant = 9; %[1]s country = 10; }
	enum E { NONE = 0; A = 1; B = 2; C = 3; D = 4; }`

// cardMessages holds card events in Protobuf, each with one byte in front.
func cardMessages(rows int, enums bool) *batch.Raw {
	rng := rand.New(rand.NewPCG(1, 2))
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	for row := range rows {
		cents := rng.IntN(500_000)
		word := func(number protowire.Number, words ...string) string {
			if enums {
				return uvarField(number, uint64(1+rng.IntN(4)))
			}
			return bytesOf(number, words[rng.IntN(len(words))])
		}
		value := "\x00" + uvarField(1, uint64(1_000_000_000+row)) + uvarField(2, uint64(rng.IntN(100_000))) +
			bytesOf(3, bytesOf(1, string([]byte{byte(cents >> 16), byte(cents >> 8), byte(cents)}))+uvarField(2, 18)+uvarField(3, 2)) +
			word(4, "PURCHASE", "REFUND", "WITHDRAWAL", "TRANSFER") +
			bytesOf(5, uvarField(1, uint64(1795342530+rng.Int64N(7*86400)))+uvarField(2, uint64(1000*rng.IntN(1_000_000)))) +
			word(6, "COMPLETED", "PENDING", "DECLINED") + word(7, "USD", "EUR", "CHF", "GBP") + word(8, "POS", "ONLINE", "ATM") +
			bytesOf(9, fmt.Sprintf("Merchant %05d", rng.IntN(1000))) + word(10, "US", "DE", "CH", "GB", "FR")
		raw.Append(source, &batch.Record{Offset: int64(row), Value: []byte(value)})
	}
	return raw
}

// BenchmarkProtobuf decodes card events, into columns and, beside that, as what the runtime of
// Protobuf has for schemas that are not known when a program is built: a message, whose
// fields are then asked for.
func BenchmarkProtobuf(b *testing.B) {
	for _, kind := range []string{"string", "E"} {
		f := mustProto(b, fmt.Sprintf(cardMessage, kind))
		raw := cardMessages(cardRows, kind == "E")
		measure := func(name string, decode func()) {
			b.Run(kind+"/"+name, func(b *testing.B) {
				decode()
				b.ReportAllocs()
				before := processorTime(b)
				for b.Loop() {
					decode()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/cardRows, "ns/row")
				b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/cardRows, "cpu-ns/row")
			})
		}
		table := cardTable()
		table.Format = schema.ProtobufRegistryFormat
		d := newDecoder(b, table)
		d.Schemas = byIndex{f.Message(0)}
		var rows batch.Batch
		measure("columns", func() {
			rows.Reset(table, raw, 0, cardRows)
			if d.Decode(&rows); len(rows.Rejects) > 0 {
				b.Fatalf("got rejects: %s", rows.Detail(rows.Rejects[:1]))
			}
		})
		other := f.other.Messages().Get(0)
		var fields []protoreflect.FieldDescriptor
		for i := range other.Fields().Len() {
			fields = append(fields, other.Fields().Get(i))
		}
		measure("dynamicpb", func() {
			for row := range cardRows {
				m := dynamicpb.NewMessage(other)
				if err := proto.Unmarshal(raw.Value(row)[1:], m); err != nil {
					b.Fatal(err)
				}
				for _, f := range fields {
					if v := m.Get(f); !v.IsValid() {
						b.Fatal("no value")
					}
				}
			}
		})
	}
}

// TestProtoAllocates wants the decoding of records to cost no memory, once a batch is warm.
func TestProtoAllocates(t *testing.T) {
	for _, kind := range []string{"string", "E"} {
		f := mustProto(t, fmt.Sprintf(cardMessage, kind))
		raw, table := cardMessages(1000, kind == "E"), cardTable()
		table.Format = schema.ProtobufRegistryFormat
		d := newDecoder(t, table)
		d.Schemas = byIndex([]*protoschema.Message{f.Message(0)})
		var rows batch.Batch
		decode := func() {
			rows.Reset(table, raw, 0, 1000)
			d.Decode(&rows)
		}
		decode()
		if len(rows.Rejects) > 0 {
			t.Fatalf("got rejects: %s", rows.Detail(rows.Rejects[:1]))
		}
		if got := testing.AllocsPerRun(20, decode); got > 8 { // the batch's drift and schemas
			t.Errorf("%s: %v allocations for 1000 records", kind, got)
		}
	}
}
