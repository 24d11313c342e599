package jsonschema

import (
	"hash/crc32"
	"strconv"
	"strings"
)

var kinds = [...]string{"any", "null", "boolean", "integer", "number", "string", "object", "array"}

// String names the type: integer, string date-time.
func (t *Type) String() string {
	if t.Name != "" {
		return t.Name[strings.LastIndexByte(t.Name, '.')+1:]
	}
	if t.Format != "" {
		return kinds[t.Kind] + " " + t.Format
	}
	return kinds[t.Kind]
}

// What Describe writes at most, and how many types it looks at.
const (
	described      = 120
	describedSteps = 10_000
)

// Describe is the type of a field with all that is in it, such as integer?, array<string> or
// object{city string, zip string?}; ? stands for what may be null or absent. What is long is cut,
// and ends with a checksum, so that types that differ have different texts.
func (f *Field) Describe() string {
	d := describer{}
	d.write(f.Of, f.Required)
	text := d.out.String()
	if len(text) <= described && d.steps <= describedSteps {
		return text
	}
	return strings.ToValidUTF8(text[:min(len(text), described)], "") + "… " + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(text))), 16)
}

type describer struct {
	out   strings.Builder
	steps int
}

func (d *describer) write(t *Type, required bool) {
	if d.steps++; d.steps > describedSteps {
		return
	}
	d.out.WriteString(t.String())
	switch {
	case t.Items != nil:
		d.out.WriteByte('<')
		d.write(t.Items, true)
		d.out.WriteByte('>')
	case len(t.Fields) > 0:
		d.out.WriteByte('{')
		for i := range t.Fields {
			if i > 0 {
				d.out.WriteString(", ")
			}
			d.out.WriteString(t.Fields[i].Name + " ")
			d.write(t.Fields[i].Of, t.Fields[i].Required)
		}
		d.out.WriteByte('}')
	case t.Values != nil:
		d.out.WriteByte('<')
		d.write(t.Values, true)
		d.out.WriteByte('>')
	}
	if t.Nullable || !required {
		d.out.WriteByte('?')
	}
}
