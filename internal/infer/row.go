package infer

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// field is one of a line of CSV.
type field struct {
	text   string
	quoted bool
}

// line looks at a line of CSV. One that has not as many fields as the header tells
// nothing.
func (f *finder) line(text []byte, header []string) {
	f.fields = split(f.fields[:0], string(text), f.csv.Separator, f.csv.Quote)
	if len(f.fields) != len(header) {
		return
	}
	f.rows++
	for i, x := range f.fields {
		c := f.column(header[i], true)
		switch {
		case !x.quoted && slices.Contains(f.csv.NullValues, x.text):
		case f.csv.DecimalComma || f.csv.Thousands != "":
			if k := f.grouped(x.text); k.kind != word {
				c.see(k)
			} else if x.text != "" && isDigits(x.text[:1]) {
				c.see(ofText(x.text, false))
			} else {
				c.see(ofText(x.text, true))
			}
		default:
			c.see(ofText(x.text, true))
		}
	}
}

// grouped says what a number looks like in the way of the table's CSV. A point in it
// that is not what groups or what divides makes it a word.
func (f *finder) grouped(s string) kindOf {
	point := "."
	if f.csv.DecimalComma {
		point = ","
	}
	integer, fraction, broken := strings.Cut(s, point)
	if sep := f.csv.Thousands; sep != "" && strings.Contains(integer, sep) {
		groups := strings.Split(integer, sep)
		for i, g := range groups {
			if i > 0 && len(g) != 3 {
				return kindOf{}
			}
		}
		integer = strings.Join(groups, "")
	}
	if !isDigits(strings.TrimPrefix(integer, "-")) {
		return kindOf{}
	}
	if broken {
		integer += "." + fraction
	}
	return ofNumber(integer)
}

// split cuts a line into fields. Quotes open at the start of a field, and of two that
// follow each other one is text.
func split(out []field, line string, separator, quote byte) []field {
	for {
		var x field
		if quote != 0 && line != "" && line[0] == quote {
			var text strings.Builder
			i := 1
			for ; i < len(line); i++ {
				if line[i] == quote {
					if i+1 == len(line) || line[i+1] != quote {
						break
					}
					i++
				}
				text.WriteByte(line[i])
			}
			x = field{text.String(), true}
			line = line[min(i+1, len(line)):]
		}
		i := strings.IndexByte(line, separator)
		if !x.quoted {
			x.text = line
			if i >= 0 {
				x.text = line[:i]
			}
		}
		if out = append(out, x); i < 0 {
			return out
		}
		line = line[i+1:]
	}
}

// object looks at a JSON object. Anything else tells nothing.
func (f *finder) object(text []byte) {
	text = bytes.TrimLeft(text, " \t\r\n\ufeff")
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		return
	}
	f.rows++
	members(text, func(name string, value json.RawMessage) { f.column(name, false).value(value, 0) })
}

// members calls with those of an object that is valid.
func members(text []byte, do func(name string, value json.RawMessage)) {
	in := json.NewDecoder(bytes.NewReader(text))
	_, _ = in.Token() // it opens
	for in.More() {
		key, _ := in.Token()
		name, _ := key.(string)
		var value json.RawMessage
		if in.Decode(&value) != nil {
			return
		}
		do(name, value)
	}
}

// value looks at a value of JSON, which stands in depth arrays and objects of its column.
func (c *column) value(text json.RawMessage, depth int) {
	switch v := string(text); text[0] {
	case 'n':
		c.nulls++ // it counts as a row without a value
	case 't', 'f':
		c.seeBare(kindOf{kind: truth})
	case '"':
		var s string
		_ = json.Unmarshal(text, &s)
		c.see(ofText(s, false))
	case '{', '[':
		c.see(kindOf{kind: nested})
		if c.within == nil {
			c.within = &shape{}
		}
		c.within.see(text, depth)
	default:
		c.seeBare(ofNumber(v))
	}
}
