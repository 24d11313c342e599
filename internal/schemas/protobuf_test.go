package schemas_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/registry"
	"tidemark/internal/registry/wire"
)

const payments = `syntax = "proto3"; package bank; import "common/money.proto"; message Payment { int64 id = 1; Money amount = 2; message Part { string a = 1; } } message Refund { optional string why = 1; }`

func newProtobuf() *client {
	c := newClient()
	one := registry.Schema{ID: one(20), Type: registry.Protobuf, Text: payments,
		References: []registry.Reference{{Name: "common/money.proto", Text: `syntax = "proto3"; package bank; message Money { int64 cents = 1; }`}}}
	c.texts[one.ID] = one
	c.texts[wire.Number(wire.ApicurioGlobal, 20)] = one
	c.texts[wire.NewGUID([16]byte{1})] = one
	c.texts[wire.Number(wire.ApicurioContent, 1)] = registry.Schema{Type: registry.Protobuf, Text: `syntax = "proto3"; message Only {}`}
	c.texts[wire.Number(wire.Confluent, 21)] = registry.Schema{ID: wire.Number(wire.Confluent, 21), Type: registry.Protobuf, Text: payments}
	c.texts[wire.Number(wire.Confluent, 23)] = registry.Schema{ID: wire.Number(wire.Confluent, 23), Type: registry.Protobuf, Text: `syntax = "proto3"; message M { map<string, int32> a = 1; message X {} message Y {} }`}
	c.texts[wire.Number(wire.Confluent, 22)] = registry.Schema{ID: wire.Number(wire.Confluent, 22), Type: registry.Protobuf, Text: strings.Repeat("{", 100)}
	return c
}

// TestProtobuf says which message is found for each way to name one, and where it begins.
func TestProtobuf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, newProtobuf()).Protobuf()
		front := func(n uint64, rest string) []byte { return append(wire.AppendPrefix(nil, one(n)), rest...) }
		guid := append([]byte{1}, append([]byte{1}, make([]byte, 15)...)...)[:17:17]
		global := batch.Header{Key: wire.HeaderGlobalID, Value: []byte{0, 0, 0, 0, 0, 0, 0, 20}}
		only := batch.Header{Key: wire.HeaderContentID, Value: []byte{0, 0, 0, 0, 0, 0, 0, 1}}
		named := func(name string) batch.Header {
			return batch.Header{Key: "apicurio.protobuf.type", Value: []byte(name)}
		}
		for _, c := range []struct {
			name    string
			value   []byte
			headers []batch.Header
			message string // or a reason
			at      int
			lasting bool
		}{
			{"the first, in short", front(20, "\x00x"), nil, "bank.Payment", 6, true},
			{"the first, in full", front(20, "\x02\x00x"), nil, "bank.Payment", 7, true},
			{"the second", front(20, "\x02\x02"), nil, "bank.Refund", 7, true},
			{"one within", front(20, "\x04\x00\x00"), nil, "bank.Payment.Part", 8, true},
			{"beside a header of another kind", front(20, "\x00x"), []batch.Header{{Key: "x"}}, "bank.Payment", 6, true},
			{"no indexes", front(20, ""), nil, "wire", 0, false},
			{"indexes cut", front(20, "\x04\x00"), nil, "wire", 0, false},
			{"17 indexes", front(20, "\x22"+strings.Repeat("\x00", 17)), nil, "wire", 0, false},
			{"indexes that mean two", front(23, "\x04\x00\x02"), nil, "schema_unknown", 0, false},
			{"indexes that count entries of maps", front(23, "\x04\x00\x04"), nil, "M.Y", 8, true},
			{"no such message", front(20, "\x02\x04"), nil, "schema_unknown", 0, false},
			{"none within it", front(20, "\x04\x02\x00"), nil, "schema_unknown", 0, false},
			{"no magic", []byte("{}"), nil, "wire", 0, false},
			{"nothing", []byte{}, nil, "wire", 0, false},
			{"a schema of Avro", front(7, "\x00"), nil, "schema_unknown", 0, false},
			{"a schema of JSON", front(8, "\x00"), nil, "schema_unknown", 0, false},
			{"an import that is not there", front(21, "\x00"), nil, "schema_unknown", 0, false},
			{"beyond the limits", front(22, "\x00"), nil, "limit", 0, false},
			{"nobody has it", front(99, "\x00"), nil, "schema_unknown", 0, false},
			{"Confluent's header", []byte("x"), []batch.Header{{Key: wire.HeaderConfluent, Value: append(guid, 2, 2)}}, "bank.Refund", 0, false},
			{"Confluent's header, in short", nil, []batch.Header{{Key: wire.HeaderConfluent, Value: append(guid, 0)}}, "bank.Payment", 0, false},
			{"Confluent's header without indexes", []byte("x"), []batch.Header{{Key: wire.HeaderConfluent, Value: guid}}, "wire", 0, false},
			{"Apicurio's", []byte("x"), []batch.Header{global, named("Refund")}, "bank.Refund", 0, false},
			{"Apicurio's, with a Ref", []byte("\x08\x0a\x06Refundx"), []batch.Header{global, named("Refund")}, "bank.Refund", 9, false},
			{"Apicurio's, with a Ref alone", []byte("\x08\x0a\x06Refundx"), []batch.Header{global}, "bank.Refund", 9, false},
			{"Apicurio's, what is no Ref", []byte("\x09\x0a\x06Refundx"), []batch.Header{global, named("Payment")}, "bank.Payment", 0, false},
			{"Apicurio's, of another name", []byte("x"), []batch.Header{global, named("Part")}, "schema_unknown", 0, false},
			{"Apicurio's, without a name", []byte("x"), []batch.Header{global}, "wire", 0, false},
			{"Apicurio's, of a file with one message", []byte("x"), []batch.Header{only}, "Only", 0, false},
		} {
			if c.value == nil {
				c.value = []byte{}
			}
			w := awaitProtobuf(t, r, &batch.Record{Value: c.value, Headers: c.headers})
			got := w.Reason
			if w.Message != nil {
				got = w.Message.Name
			}
			if got != c.message || w.At != c.at && w.Message != nil || w.Lasting != c.lasting {
				t.Errorf("%s: got %s at %d, lasting %t: %s", c.name, got, w.At, w.Lasting, w.Want)
			}
			if (w.Message == nil) == (w.Want == "") || w.Schema != nil {
				t.Errorf("%s: got %+v", c.name, w)
			}
		}
		a, b := awaitProtobuf(t, r, &batch.Record{Value: front(20, "\x02\x02")}), awaitProtobuf(t, r, &batch.Record{Value: front(20, "\x02\x02y")})
		if a.Message != b.Message || a.Origin != b.Origin {
			t.Error("one id has two messages (Z2)")
		}
		if o := a.Origin; o.ID != "20 bank.Refund" || o.Of("t") != (batch.Use{Subject: "t-value", Version: 3}) || len(o.Fields) != 1 || o.Fields[0] != (batch.Field{Name: "why", Type: "string?"}) {
			t.Errorf("origin %+v", o)
		}
		if o := awaitProtobuf(t, r, &batch.Record{Value: front(20, "\x00")}).Origin; o.ID != "20" || len(o.Fields) != 2 || o.Fields[1].Type != "bank.Money{cents int64}" {
			t.Errorf("origin %+v", o)
		}
		if w := await(t, r.Registry, &batch.Record{Value: front(20, "\x00")}); w.Reason != conform.ReasonSchemaUnknown || !strings.Contains(w.Want, "PROTOBUF") {
			t.Errorf("for Avro: %+v", w)
		}
		if !r.Ready(&batch.Record{}) {
			t.Error("a tombstone waits for a schema")
		}
	})
}

// TestProtobufAway wants no record to be set aside while the registry does not answer (Z1).
func TestProtobufAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newProtobuf()
		c.away = true
		r := started(t, c).Protobuf()
		rec := batch.Record{Value: append(wire.AppendPrefix(nil, one(20)), 0)}
		for range 10 {
			if r.Ready(&rec) {
				t.Fatal("a record is ready whose schema nobody has told")
			}
			if w := r.Schema(rec.Value, nil); w.Message != nil || w.Reason != "" {
				t.Fatalf("got %+v, want nothing yet", w)
			}
		}
		after(5 * time.Second)
		c.mu.Lock()
		c.away = false
		c.mu.Unlock()
		if w := awaitProtobuf(t, r, &rec); w.Message == nil {
			t.Errorf("got %+v", w)
		}
	})
}

// protobuf is a Registry for records in Protobuf.
type protobuf interface {
	Ready(rec *batch.Record) bool
	Changed() <-chan struct{}
	Schema(value, headers []byte) conform.Written
}

// awaitProtobuf waits until a record can be decoded.
func awaitProtobuf(t *testing.T, r protobuf, rec *batch.Record) conform.Written {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		changed := r.Changed()
		if r.Ready(rec) {
			var headers []byte
			if len(rec.Headers) > 0 {
				headers = batch.EncodeHeaders(nil, rec.Headers)
			}
			return r.Schema(rec.Value, headers)
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatal("no answer")
		}
	}
}
