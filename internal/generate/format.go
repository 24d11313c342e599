package generate

import "fmt"

// Format is how an event is written.
type Format uint8

// The formats.
const (
	JSON Format = iota
	CSV
)

var formats = []string{JSON: "json", CSV: "csv"}

func (f Format) String() string { return formats[f] }

// ParseFormat reads json or csv.
func ParseFormat(s string) (Format, error) {
	for f, name := range formats {
		if s == name {
			return Format(f), nil
		}
	}
	if s == "avro" {
		return 0, fmt.Errorf("format avro: not in this version: use json or csv")
	}
	return 0, fmt.Errorf("format %q is not one of json, csv", s)
}

// Header is the first line of a file, without a newline; empty where there is none.
func (f Format) Header() string {
	if f == CSV {
		return "transaction_id,account_id,amount,transaction_type,transaction_date,status,currency,channel,merchant,country"
	}
	return ""
}
