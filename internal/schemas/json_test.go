package schemas_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/registry"
	"tidemark/internal/registry/registrytest"
	"tidemark/internal/registry/wire"
	"tidemark/internal/schemas"
)

const objects = `{"type":"object","properties":{"id":{"type":"integer"},"amount":{"$ref":"money.json"}},"required":["id"]}`

func newJSON() *client {
	c := newClient()
	s := registry.Schema{ID: one(30), Type: registry.JSON, Text: objects, References: []registry.Reference{{Name: "money.json", Text: `{"type":"number"}`}}}
	c.texts[one(30)], c.texts[wire.Number(wire.ApicurioGlobal, 30)], c.texts[wire.NewGUID([16]byte{3})] = s, s, s
	c.texts[one(20)] = registry.Schema{ID: one(20), Type: registry.Protobuf, Text: `syntax = "proto3"; message Only {}`}
	c.texts[one(31)] = registry.Schema{ID: one(31), Type: registry.JSON, Text: `{"$ref":"https://elsewhere/x.json"}`}
	return c
}

// TestJSON says what is found for each way to name a schema.
func TestJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := started(t, newJSON())
		r := all.JSON()
		guid := append([]byte{1, 3}, make([]byte, 15)...)
		for _, c := range []struct {
			name    string
			rec     batch.Record
			reason  string
			want    string
			at      int
			lasting bool
		}{
			{"in front", batch.Record{Value: value(30, "{}")}, "", "", 5, true},
			{"beside a header of another kind", batch.Record{Value: value(30, "{}"), Headers: []batch.Header{{Key: "trace"}}}, "", "", 5, true},
			{"in Confluent's header", batch.Record{Value: []byte("{}"), Headers: []batch.Header{{Key: wire.HeaderConfluent, Value: guid}}}, "", "", 0, false},
			{"in Apicurio's", batch.Record{Value: []byte("{}"), Headers: []batch.Header{{Key: wire.HeaderGlobalID, Value: []byte{0, 0, 0, 0, 0, 0, 0, 30}}}}, "", "", 0, false},
			{"whose fields cannot be told", batch.Record{Value: value(31, "{}")}, "", "", 5, true},
			{"nowhere", batch.Record{Value: []byte("{}")}, conform.ReasonWire, "", 0, false},
			{"of four bytes", batch.Record{Value: []byte{0, 0, 0, 0}}, conform.ReasonWire, "", 0, false},
			{"of Avro", batch.Record{Value: value(7, "{}")}, conform.ReasonSchemaUnknown, "a schema of JSON: 7 is one of AVRO", 0, false},
			{"of Protobuf", batch.Record{Value: value(20, "{}")}, conform.ReasonSchemaUnknown, "a schema of JSON: 20 is one of PROTOBUF", 0, false},
			{"nobody has it", batch.Record{Value: value(99, "{}")}, conform.ReasonSchemaUnknown, "99", 0, false},
			{"too large", batch.Record{Value: value(11, "{}")}, conform.ReasonLimit, "11", 0, false},
		} {
			w := awaitProtobuf(t, r, &c.rec)
			if w.Reason != c.reason || !strings.Contains(w.Want, c.want) || (w.JSON == nil) != (c.reason != "") || w.Schema != nil {
				t.Errorf("%s: got %q %q, schema %t", c.name, w.Reason, w.Want, w.JSON != nil)
			}
			if w.JSON != nil && (w.At != c.at || w.Lasting != c.lasting || w.Origin == nil) {
				t.Errorf("%s: at %d, lasting %t, origin %v", c.name, w.At, w.Lasting, w.Origin)
			}
		}
		w := awaitProtobuf(t, r, &batch.Record{Value: value(30, "{}")})
		if o := w.Origin; o.ID != "30" || o.Of("t") != (batch.Use{Subject: "t-value", Version: 3}) || len(o.Fields) != 2 || o.Fields[0] != (batch.Field{Name: "id", Type: "integer"}) || o.Fields[1].Type != "number?" {
			t.Errorf("origin %+v", o)
		}
		again := awaitProtobuf(t, r, &batch.Record{Value: value(30, `{"a":1}`)})
		if again.JSON != w.JSON || again.Origin != w.Origin {
			t.Error("one id has two schemas (Z2)")
		}
		if w := awaitProtobuf(t, r, &batch.Record{Value: value(31, "{}")}); len(w.Origin.Fields) > 0 || !strings.Contains(w.JSON.Why, "elsewhere") {
			t.Errorf("what cannot be told: %+v, %q", w.Origin, w.JSON.Why)
		}
		for name, of := range map[string]protobuf{"Avro": all, "Protobuf": all.Protobuf()} {
			if w := awaitProtobuf(t, of, &batch.Record{Value: value(30, "{}")}); w.Reason != conform.ReasonSchemaUnknown || w.Want != "a schema of "+name+": 30 is one of JSON" {
				t.Errorf("for %s: %+v", name, w)
			}
		}
		if !r.Ready(&batch.Record{}) {
			t.Error("a tombstone waits for a schema")
		}
	})
}

// TestJSONAway wants no record to be set aside while the registry does not answer (Z1), and what is
// not there to be asked for again after a minute.
func TestJSONAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newJSON()
		c.away = true
		r := started(t, c).JSON()
		known, unknown := batch.Record{Value: value(30, "{}")}, batch.Record{Value: value(99, "{}")}
		for range 10 {
			if r.Ready(&known) || r.Ready(&unknown) {
				t.Fatal("a record is ready whose schema nobody has told")
			}
			if w := r.Schema(known.Value, nil); w.JSON != nil || w.Reason != "" {
				t.Fatalf("got %+v, want nothing yet", w)
			}
		}
		after(5 * time.Second)
		c.mu.Lock()
		c.away = false
		c.mu.Unlock()
		if w := awaitProtobuf(t, r, &known); w.JSON == nil {
			t.Errorf("got %+v", w)
		}
		if w := awaitProtobuf(t, r, &unknown); w.Reason != conform.ReasonSchemaUnknown {
			t.Errorf("got %+v", w)
		}
		c.mu.Lock()
		before := c.asked[one(99)]
		c.texts[one(99)] = registry.Schema{ID: one(99), Type: registry.JSON, Text: objects}
		c.mu.Unlock()
		after(30 * time.Second)
		if awaitProtobuf(t, r, &unknown); c.asked[one(99)] != before {
			t.Error("it was asked for again within a minute")
		}
		after(31 * time.Second)
		if w := awaitProtobuf(t, r, &unknown); w.JSON == nil {
			t.Errorf("after a minute: %+v", w)
		}
	})
}

// TestBrokerJSON finds JSON Schemas where a real registry has them, one that refers to another.
func TestBrokerJSON(t *testing.T) {
	reg := registrytest.Start(t)
	reg.Register(t, "money", registrytest.Schema{Text: `{"$id":"money.json","type":"object","properties":{"cents":{"type":"integer"}}}`, Type: "JSON"})
	n := reg.Register(t, "payments-value", registrytest.Schema{Text: objects, Type: "JSON", References: []registrytest.Reference{{Name: "money.json", Subject: "money", Version: 1}}})
	avro := reg.Register(t, "others-value", registrytest.Schema{Text: record})
	api, err := registry.New(registry.Config{URLs: []string{reg.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var log bytes.Buffer
	all := schemas.New(api, slog.New(slog.NewTextHandler(&log, nil)))
	done := make(chan struct{})
	go func() {
		all.Run(ctx)
		close(done)
	}()
	r := all.JSON()
	for name, rec := range map[string]batch.Record{
		"in front":      {Value: value(n, "{}")},
		"by global id":  {Value: []byte("{}"), Headers: []batch.Header{{Key: wire.HeaderGlobalID, Value: binary.BigEndian.AppendUint64(nil, 2)}}},
		"by content id": {Value: []byte("{}"), Headers: []batch.Header{{Key: wire.HeaderContentID, Value: binary.BigEndian.AppendUint64(nil, n)}}},
	} {
		w := awaitProtobuf(t, r, &rec)
		if w.JSON == nil || w.JSON.Why != "" {
			t.Errorf("%s: got %+v", name, w)
			continue
		}
		if f := w.JSON.Root.Named("amount"); f == nil || f.Of.Named("cents") == nil {
			t.Errorf("%s: what the schema refers to is not there: %+v", name, w.Origin)
		}
		if use := w.Origin.Of("payments"); use != (batch.Use{Subject: "payments-value", Version: 1}) {
			t.Errorf("%s: origin %+v", name, w.Origin)
		}
	}
	if w := awaitProtobuf(t, r, &batch.Record{Value: value(avro, "{}")}); w.Reason != conform.ReasonSchemaUnknown || !strings.Contains(w.Want, "AVRO") {
		t.Errorf("a schema of Avro: %+v", w)
	}
	stop()
	<-done
	if !strings.Contains(log.String(), "schema is at hand") {
		t.Errorf("the log: %s", &log)
	}
}
