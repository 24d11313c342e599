package schemas_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/registry"
	"tidemark/internal/registry/registrytest"
	"tidemark/internal/registry/wire"
	"tidemark/internal/schemas"
)

// TestBrokerProtobuf finds messages where a real registry has the file that they are in, which
// imports another.
func TestBrokerProtobuf(t *testing.T) {
	reg := registrytest.Start(t)
	const money = `syntax = "proto3"; package bank; import "google/type/date.proto"; message Money { int64 cents = 1; google.type.Date due = 2; }`
	reg.Register(t, "money", registrytest.Schema{Text: money, Type: "PROTOBUF"})
	n := reg.Register(t, "payments-value", registrytest.Schema{Text: payments, Type: "PROTOBUF",
		References: []registrytest.Reference{{Name: "common/money.proto", Subject: "money", Version: 1}}})
	api, err := registry.New(registry.Config{URLs: []string{reg.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	all := schemas.New(api, slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() {
		all.Run(ctx)
		close(done)
	}()
	defer func() {
		stop()
		<-done
	}()
	r := all.Protobuf()
	global := batch.Header{Key: wire.HeaderGlobalID, Value: binary.BigEndian.AppendUint64(nil, 2)}
	for name, c := range map[string]struct {
		rec     batch.Record
		message string
	}{
		"in front":      {batch.Record{Value: append(wire.AppendPrefix(nil, one(n)), 0)}, "bank.Payment"},
		"one within":    {batch.Record{Value: append(wire.AppendPrefix(nil, one(n)), 4, 0, 0)}, "bank.Payment.Part"},
		"by global id":  {batch.Record{Value: []byte{}, Headers: []batch.Header{global, {Key: "apicurio.protobuf.type", Value: []byte("Refund")}}}, "bank.Refund"},
		"by content id": {batch.Record{Value: []byte{}, Headers: []batch.Header{{Key: wire.HeaderContentID, Value: binary.BigEndian.AppendUint64(nil, n)}, {Key: "apicurio.protobuf.type", Value: []byte("Payment")}}}, "bank.Payment"},
	} {
		w := awaitProtobuf(t, r, &c.rec)
		if w.Message == nil || w.Message.Name != c.message {
			t.Errorf("%s: got %+v, want %s", name, w, c.message)
			continue
		}
		if amount := w.Message.Named("amount"); c.message == "bank.Payment" && (amount == nil || amount.Of.Named("due") == nil) {
			t.Errorf("%s: the imported message is not there", name)
		}
		if use := w.Origin.Of("payments"); use != (batch.Use{Subject: "payments-value", Version: 1}) {
			t.Errorf("%s: origin %+v", name, w.Origin)
		}
	}
}
