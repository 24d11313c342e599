package avroschema

import (
	"hash/crc64"
	"strconv"
	"strings"
)

// emptyFingerprint is that of no bytes, and the polynomial.
const emptyFingerprint = 0xc15d213aa4d7a795

// fingerprint is the CRC-64-AVRO of a text.
func fingerprint(text []byte) uint64 {
	// The library inverts what goes in and what comes out, Avro does not.
	return ^crc64.Update(^uint64(emptyFingerprint), crc64.MakeTable(emptyFingerprint), text)
}

// canonical appends the parsing canonical form of a type within a namespace, of a tree that
// was parsed.
func (p *parser) canonical(dst []byte, tree any, space string) []byte {
	switch x := tree.(type) {
	case string:
		full, _ := p.resolve(x, space)
		return quote(dst, full)
	case []any:
		return p.list(append(dst, '['), x, space)
	case map[string]any:
		name, isName := x["type"].(string)
		if !isName {
			return p.canonical(dst, x["type"], space)
		}
		switch name {
		case "array":
			return append(p.canonical(append(dst, `{"type":"array","items":`...), x["items"], space), '}')
		case "map":
			return append(p.canonical(append(dst, `{"type":"map","values":`...), x["values"], space), '}')
		case "record", "error", "enum", "fixed":
			return p.definition(dst, name, x, space)
		}
		return p.canonical(dst, name, space)
	}
	return dst
}

// list appends types, behind a bracket that is open, and closes it.
func (p *parser) list(dst []byte, types []any, space string) []byte {
	for i, t := range types {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = p.canonical(dst, t, space)
	}
	return append(dst, ']')
}

// definition appends a type that has a name.
func (p *parser) definition(dst []byte, kind string, o map[string]any, space string) []byte {
	full, space := fullName(o, space)
	if kind == "error" {
		kind = "record"
	}
	dst = quote(append(dst, `{"name":`...), full)
	dst = quote(append(dst, `,"type":`...), kind)
	switch kind {
	case "record":
		dst = append(dst, `,"fields":[`...)
		fields, _ := o["fields"].([]any)
		for i, f := range fields {
			field, _ := f.(map[string]any)
			name, _ := field["name"].(string)
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = quote(append(dst, `{"name":`...), name)
			dst = append(p.canonical(append(dst, `,"type":`...), field["type"], space), '}')
		}
		dst = append(dst, ']')
	case "enum":
		dst = append(dst, `,"symbols":[`...)
		symbols, _ := o["symbols"].([]any)
		for i, s := range symbols {
			text, _ := s.(string)
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = quote(dst, text)
		}
		dst = append(dst, ']')
	default:
		size, _ := whole(o["size"])
		dst = strconv.AppendInt(append(dst, `,"size":`...), int64(size), 10)
	}
	return append(dst, '}')
}

// quote appends a text between quotes, as it is: the canonical form has no escapes.
func quote(dst []byte, text string) []byte { return append(append(append(dst, '"'), text...), '"') }

// fullName is the full name of a definition within a namespace, and the namespace that
// holds within it.
func fullName(o map[string]any, space string) (full, inner string) {
	full, _ = o["name"].(string)
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		return full, full[:i]
	}
	if own, ok := o["namespace"].(string); ok {
		space = own
	}
	if space != "" {
		full = space + "." + full
	}
	return full, space
}

// resolve finds what a name within a namespace stands for. The type is nil while it is
// not known, or not defined to its end.
func (p *parser) resolve(name, space string) (full string, known bool) {
	if primitive(name) != nil {
		return name, true
	}
	if !strings.Contains(name, ".") && space != "" {
		if _, ok := p.named[space+"."+name]; ok {
			return space + "." + name, true
		}
	}
	_, known = p.named[name]
	return name, known
}
