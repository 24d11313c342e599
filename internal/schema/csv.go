package schema

import (
	"errors"
	"fmt"
)

// Format is how the values in a table's topics are written. Files say for themselves.
type Format uint8

// The formats of values.
const (
	JSONFormat             Format = iota // one JSON object
	CSVFormat                            // one line of CSV, whose fields are the table's columns in order
	AvroFormat                           // a datum of Avro in single-object encoding, or a bare one
	AvroRegistryFormat                   // a datum of Avro whose schema a registry has
	ProtobufRegistryFormat               // a message of Protobuf whose schema a registry has
	ConnectJSONFormat                    // an object with the schema of Kafka Connect and a payload
	JSONRegistryFormat                   // an object of JSON whose schema a registry has
)

// InRegistry reports whether a registry has the schemas of the values.
func (f Format) InRegistry() bool {
	return f == AvroRegistryFormat || f == ProtobufRegistryFormat || f == JSONRegistryFormat
}

// CSV says how the lines of a CSV source are written.
type CSV struct {
	Header       bool     // the first line names the fields; else they are the table's columns, in order
	Separator    byte     // ',' mostly; a byte of ASCII that is neither the quote nor a line end
	Quote        byte     // '"' mostly; two of it within a quoted field stand for one. 0: no quotes
	Encoding     string   // utf-8, latin-1, windows-1252, utf-16, utf-16le or utf-16be; utf-16 needs a byte order mark
	NullValues   []string // what an unquoted field is when it is null
	DecimalComma bool     // 12,50 is twelve and a half
	Thousands    string   // what groups digits, such as "." or "'"; empty: nothing does
}

// DefaultCSV is what RFC 4180 says, with a header, in UTF-8, where an empty field that
// is not quoted is null.
func DefaultCSV() CSV {
	return CSV{Header: true, Separator: ',', Quote: '"', Encoding: "utf-8", NullValues: []string{""}}
}

// OrDefault is c, or DefaultCSV where c says nothing.
func (c CSV) OrDefault() CSV {
	if c.Separator == 0 {
		return DefaultCSV()
	}
	return c
}

// Validate reports bytes that cannot be told from each other.
func (c CSV) Validate() error {
	point := "."
	if c.DecimalComma {
		point = ","
	}
	switch s := c.Separator; {
	case s >= 0x80 || s == '\n' || s == '\r' || s == 0 || s == '-' || s == '.' || s >= '0' && s <= '9' || s|0x20 >= 'a' && s|0x20 <= 'z':
		return fmt.Errorf("separator %q cannot stand between fields: use a byte of ASCII such as , ; | or a tab", s)
	case s == c.Quote:
		return fmt.Errorf("separator and quote are both %q: use two bytes that differ", s)
	}
	if q := c.Quote; q >= 0x80 || q == '\n' || q == '\r' {
		return fmt.Errorf("quote %q cannot quote: use a byte of ASCII such as \" or '", q)
	}
	if c.Thousands == point {
		return fmt.Errorf("thousands is %q, which stands before the fraction too: set another, or decimal_comma", c.Thousands)
	}
	for _, r := range c.Thousands {
		if r == '-' || r == '+' || r >= '0' && r <= '9' || r|0x20 == 'e' {
			return errors.New("thousands has a character that numbers are written with: set another")
		}
	}
	return nil
}
