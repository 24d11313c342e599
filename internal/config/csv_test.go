package config_test

import (
	"fmt"
	"testing"

	"tidemark/internal/schema"
)

func TestCSV(t *testing.T) {
	const text = `
lake: file:///lake
source_system: core
tables:
  - {name: a, preset: banking/accounts}
  - {name: b, preset: banking/accounts, topics: [b], format: csv, csv: {separator: "\t", quote: none, null_values: ["", "NULL", 0]}}
  - {name: c, preset: banking/accounts, csv: {header: false, separator: ";", quote: "'", encoding: latin-1, null_values: [], decimal_comma: true, thousands: "."}}
`
	c := parse(t, text)
	want := []schema.CSV{
		schema.DefaultCSV(),
		{Header: true, Separator: '\t', Encoding: "utf-8", NullValues: []string{"", "NULL", "0"}},
		{Separator: ';', Quote: '\'', Encoding: "latin-1", NullValues: []string{}, DecimalComma: true, Thousands: "."},
	}
	for i, w := range want {
		if got := c.Tables[i].Schema.CSV; fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", w) {
			t.Errorf("table %s: got %#v, want %#v", c.Tables[i].Schema.Name, got, w)
		}
	}
	for i, w := range []schema.Format{schema.JSONFormat, schema.CSVFormat, schema.JSONFormat} {
		if got := c.Tables[i].Schema.Format; got != w {
			t.Errorf("table %s: got format %d, want %d", c.Tables[i].Schema.Name, got, w)
		}
	}
}

// What CSV looks like is part of what a configuration means.
func TestCSVIsInTheHash(t *testing.T) {
	const text = "lake: file:///l\nsource_system: s\ntables: [{name: t, preset: banking/accounts, csv: {thousands: %q}}]"
	if parse(t, fmt.Sprintf(text, "'")).Hash == parse(t, fmt.Sprintf(text, "_")).Hash {
		t.Error("two ways to write CSV have one hash")
	}
}
