package generate

import (
	"fmt"
	"strings"
)

// Format is how an event is written.
type Format uint8

// The formats. A datum of Avro and a message of Protobuf have nothing in front of them but
// what Config.Prefix says.
const (
	JSON     Format = iota
	CSV             // a line
	Avro            // a datum of AvroSchema
	Protobuf        // a message of ProtobufSchema
	Connect         // Kafka Connect's schema and payload
	Debezium        // an event that says that the row was inserted
)

var formats = []string{JSON: "json", CSV: "csv", Avro: "avro", Protobuf: "protobuf", Connect: "connect-json", Debezium: "debezium"}

func (f Format) String() string { return formats[f] }

// ParseFormat reads a name of a format.
func ParseFormat(s string) (Format, error) {
	for f, name := range formats {
		if s == name {
			return Format(f), nil
		}
	}
	return 0, fmt.Errorf("format %q is not one of %s", s, strings.Join(formats, ", "))
}

// Header is the first line of a file, without a newline; empty where there is none.
func (f Format) Header() string {
	if f == CSV {
		return "transaction_id,account_id,amount,transaction_type,transaction_date,status,currency,channel,merchant,country"
	}
	return ""
}

// AvroSchema is what events in Avro are written with.
const AvroSchema = `{
  "type": "record",
  "name": "transaction",
  "fields": [
    {"name": "transaction_id", "type": "long"},
    {"name": "account_id", "type": "long"},
    {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}},
    {"name": "transaction_type", "type": "string"},
    {"name": "transaction_date", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "status", "type": "string"},
    {"name": "currency", "type": "string"},
    {"name": "channel", "type": "string"},
    {"name": "merchant", "type": "string"},
    {"name": "country", "type": "string"}
  ]
}
`

// ProtobufSchema is the same for Protobuf. An amount is text, which is exact.
const ProtobufSchema = `syntax = "proto3";
import "google/protobuf/timestamp.proto";
message Transaction {
  int64 transaction_id = 1;
  int64 account_id = 2;
  string amount = 3;
  string transaction_type = 4;
  google.protobuf.Timestamp transaction_date = 5;
  string status = 6;
  string currency = 7;
  string channel = 8;
  string merchant = 9;
  string country = 10;
}
`

// JSONSchema is the same for JSON.
const JSONSchema = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "transaction",
  "type": "object",
  "properties": {
    "transaction_id": {"type": "integer"},
    "account_id": {"type": "integer"},
    "amount": {"type": "number"},
    "transaction_type": {"type": "string"},
    "transaction_date": {"type": "string", "format": "date-time"},
    "status": {"type": "string"},
    "currency": {"type": "string"},
    "channel": {"type": "string"},
    "merchant": {"type": "string"},
    "country": {"type": "string"}
  },
  "required": ["transaction_id", "account_id", "transaction_date"]
}
`
