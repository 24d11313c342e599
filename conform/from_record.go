package conform

import (
	"encoding/binary"
	"unicode/utf8"

	"tidemark/internal/schema"
)

// partName is how messages call a part of a record.
func partName(f schema.From) string {
	switch f.Part {
	case schema.FromKey:
		return "the record's key"
	case schema.FromHeader:
		return "the record's header " + f.Header
	}
	return "the record's timestamp"
}

// fromRecord gives the columns their values that come from the record's key, headers
// or timestamp, however its value is written. What a record of a topic does not have
// is null; a file has none of them, and there they are missing.
func (d *Decoder) fromRecord() {
	if d.bad {
		if last := &d.b.Rejects[len(d.b.Rejects)-1]; last.Column < 0 && last.Reason != ReasonExtra {
			return // rejected for that alone (F2)
		}
	}
	raw, row := d.b.Raw, d.b.First+d.row
	inFile := d.run < len(raw.Runs) && raw.Sources[raw.Runs[d.run].Source].File != ""
	for _, i := range d.plan.record {
		c := &d.columns[i]
		var text []byte
		switch c.from.Part {
		case schema.FromTimestamp:
			if at := raw.Time(row); at > 0 { // Kafka says −1 ms where it has none
				d.kafkaTime(i, at)
				continue
			}
		case schema.FromKey:
			text = raw.Key(row)
		case schema.FromHeader:
			text = lastHeader(raw.Headers(row), c.from.Header)
		}
		switch {
		case text != nil:
			d.recordText(i, text)
		case inFile:
			d.absent(i)
		case c.required:
			d.reject(i, ReasonRequired, c.none, place{-1, 0})
		default:
			d.setNull(c)
		}
	}
}

// kafkaTime gives a column a time in µs since 1970.
func (d *Decoder) kafkaTime(column int, at int64) {
	if at > lastNumber {
		d.reject(column, ReasonTime, "a timestamp up to the year 2200", place{-1, 0})
		return
	}
	d.columns[column].ints[d.row] = at
}

// recordText gives a column the bytes of a key or a header: bytes as they are, text in
// UTF-8, of any other type what the text says.
func (d *Decoder) recordText(column int, text []byte) {
	c := &d.columns[column]
	switch {
	case len(text) >= maxText:
		d.reject(column, ReasonLimit, wantText, place{-1, 0})
	case c.kind == schema.Binary:
		c.codes[d.row] = c.index.add(text, plain(text), d.row)
	case c.kind == schema.String && !utf8.Valid(text): // also of JSON
		d.reject(column, ReasonEncoding, c.want, place{-1, 0})
	default:
		d.bareText(column, text, place{-1, 0})
	}
}

// lastHeader is the value of the last header of a name among headers as
// batch.EncodeHeaders writes them, nil if there is none or it is null.
func lastHeader(headers []byte, name string) []byte {
	var value []byte
	for len(headers) > 0 {
		n, w := binary.Varint(headers)
		key := headers[w : w+int(n)]
		headers = headers[w+int(n):]
		n, w = binary.Varint(headers)
		headers = headers[w:]
		found := string(key) == name
		if found {
			value = nil
		}
		if n >= 0 {
			if found {
				value = headers[:n:n]
			}
			headers = headers[n:]
		}
	}
	return value
}
