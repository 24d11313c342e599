package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/protoschema"
)

// avroFormat is Avro behind the id of a registry.
const avroFormat = "avro-registry"

// The events in Avro and in Protobuf, as a registry would have them.
const (
	avroEvent = `{"type":"record","name":"card","fields":[{"name":"transaction_id","type":"long"},{"name":"account_id","type":"long"},
		{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},{"name":"transaction_type","type":"string"},
		{"name":"transaction_date","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"status","type":"string"},{"name":"currency","type":"string"},
		{"name":"channel","type":"string"},{"name":"merchant","type":"string"},{"name":"country","type":"string"}]}`
	protoEvent = `syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "confluent/type/decimal.proto";
		message Card { int64 transaction_id = 1; int64 account_id = 2; confluent.type.Decimal amount = 3; string transaction_type = 4;
		google.protobuf.Timestamp transaction_date = 5; string status = 6; string currency = 7; string channel = 8; string merchant = 9; string country = 10; }`
)

// card is an event.
type card struct {
	ID       int64       `json:"transaction_id"`
	Account  int64       `json:"account_id"`
	Amount   json.Number `json:"amount"`
	Type     string      `json:"transaction_type"`
	Date     time.Time   `json:"transaction_date"`
	Status   string      `json:"status"`
	Currency string      `json:"currency"`
	Channel  string      `json:"channel"`
	Merchant string      `json:"merchant"`
	Country  string      `json:"country"`
}

// inFormat appends an event as a format writes it. One that is no event stays as it is.
func inFormat(to []byte, format string, event []byte) []byte {
	var c card
	amount, ok := new(big.Rat), json.Unmarshal(event, &c) == nil
	if ok {
		_, ok = amount.SetString(c.Amount.String())
	}
	if amount.Mul(amount, big.NewRat(100, 1)); !ok || !amount.IsInt() || !amount.Num().IsInt64() {
		return append(to, event...)
	}
	cents := binary.BigEndian.AppendUint64(nil, uint64(amount.Num().Int64()))
	for len(cents) > 1 && (cents[0] == 0 && cents[1] < 0x80 || cents[0] == 0xff && cents[1] >= 0x80) {
		cents = cents[1:]
	}
	to = append(to, 0, 0, 0, 0, 1)
	if format == avroFormat {
		text := func(s string) { to = append(binary.AppendVarint(to, int64(len(s))), s...) }
		to = binary.AppendVarint(binary.AppendVarint(to, c.ID), c.Account)
		text(string(cents))
		text(c.Type)
		to = binary.AppendVarint(to, c.Date.UnixMicro())
		for _, s := range []string{c.Status, c.Currency, c.Channel, c.Merchant, c.Country} {
			text(s)
		}
		return to
	}
	number := func(to []byte, n protowire.Number, x int64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(to, n, protowire.VarintType), uint64(x))
	}
	text := func(n protowire.Number, s []byte) {
		to = protowire.AppendBytes(protowire.AppendTag(to, n, protowire.BytesType), s)
	}
	to = number(number(append(to, 0), 1, c.ID), 2, c.Account)
	money := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), cents)
	text(3, number(number(money, 2, 18), 3, 2))
	text(4, []byte(c.Type))
	text(5, number(number(nil, 1, c.Date.Unix()), 2, int64(c.Date.Nanosecond())))
	for i, s := range []string{c.Status, c.Currency, c.Channel, c.Merchant, c.Country} {
		text(protowire.Number(6+i), []byte(s))
	}
	return to
}

// oneSchema is a registry that has one schema, and has it at hand.
type oneSchema struct{ conform.Written }

func newOneSchema(format string) (oneSchema, error) {
	if format == avroFormat {
		s, err := avroschema.Parse([]byte(avroEvent))
		return oneSchema{conform.Written{Schema: s, At: 5, Lasting: true}}, err
	}
	f, err := protoschema.Parse(protoEvent)
	if err != nil {
		return oneSchema{}, fmt.Errorf("read the schema of events: %w", err)
	}
	return oneSchema{conform.Written{Message: f.Message(0), At: 6, Lasting: true}}, nil
}

// Schema implements conform.Schemas.
func (s oneSchema) Schema(value, _ []byte) conform.Written {
	if len(value) < s.At || value[0] != 0 {
		return conform.Written{Reason: conform.ReasonWire, Want: "an event"}
	}
	return s.Written
}

// Ready implements pipeline.Schemas.
func (oneSchema) Ready(*batch.Record) bool { return true }

// Changed implements pipeline.Schemas.
func (oneSchema) Changed() <-chan struct{} { return nil }
