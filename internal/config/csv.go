package config

import "tidemark/internal/schema"

// readCSV reads how lines of CSV are written.
func (t *tableReader) readCSV(v value) {
	s, ok := v.section(csvSection)
	if !ok {
		return
	}
	before := len(v.r.faults)
	c := &t.schema.CSV
	s.with("header", func(v value) { v.truth(&c.Header) })
	s.with("separator", func(v value) { v.oneByte(&c.Separator, `one character of ASCII, such as ";" or "\t"`) })
	s.with("quote", func(v value) {
		var word string
		if v.literal(&word); word == "none" {
			c.Quote = 0
			return
		}
		v.oneByte(&c.Quote, `one character of ASCII, such as "'", or none`)
	})
	s.with("encoding", func(v value) {
		v.choice(&c.Encoding, "utf-8", "latin-1", "windows-1252", "utf-16", "utf-16le", "utf-16be")
		if t.schema.Format == schema.CSVFormat && len(t.Topics) > 0 && c.Encoding != "utf-8" {
			v.fault("is %s, and that is for files: the values of topics are read as utf-8: leave it out", c.Encoding)
		}
	})
	s.with("null_values", func(v value) { v.literals(&c.NullValues, `["", "NULL"]`) })
	s.with("decimal_comma", func(v value) { v.truth(&c.DecimalComma) })
	s.with("thousands", func(v value) { v.literal(&c.Thousands) })
	if err := c.Validate(); err != nil && len(v.r.faults) == before {
		v.fault("cannot be used: %v", err)
	}
}

// oneByte reads a text that is one byte.
func (v value) oneByte(to *byte, want string) {
	s, ok := v.scalar(want)
	switch {
	case !ok:
	case len(s.text) != 1:
		v.wrong(s, want)
	default:
		*to = s.text[0]
	}
}
