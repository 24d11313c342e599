package jsontext

import (
	"bytes"
	"strconv"
)

// Extended JSON of MongoDB writes what JSON has no values for as objects of one member, whose
// name begins with a dollar sign: canonically all numbers, relaxed only some.

// AppendPlain writes a text in extended JSON as JSON that says the same: numbers as numbers
// with all their digits, dates in RFC 3339, identifiers and symbols as texts, bytes as base64.
// What is no value of extended JSON stays as it is, also where the text is no JSON.
func AppendPlain(dst, text []byte) []byte {
	for pos := 0; pos < len(text); {
		switch text[pos] {
		case '"':
			next := quoted(text, pos)
			dst = append(dst, text[pos:next]...)
			pos = next
			continue
		case '{':
			if out, next := appendExtended(dst, text, pos); next > 0 {
				dst, pos = out, next
				continue
			}
		}
		dst = append(dst, text[pos])
		pos++
	}
	return dst
}

// quoted is the place behind the text in quotes that begins at pos, at most the end.
func quoted(text []byte, pos int) int {
	for pos++; pos < len(text); pos++ {
		switch text[pos] {
		case '\\':
			pos++
		case '"':
			return pos + 1
		}
	}
	return len(text)
}

// appendExtended writes the value of extended JSON that is the object at pos; next is the place
// behind it, 0: it is none.
func appendExtended(dst, text []byte, pos int) (out []byte, next int) {
	name, at := member(text, pos+1)
	if len(name) < 2 || name[0] != '$' || at >= len(text) {
		return dst, 0
	}
	end := scalarEnd(text, at)
	value := text[at:end]
	switch string(name) {
	case "$numberInt", "$numberLong", "$numberDecimal", "$numberDouble":
		if inner := unquoted(value); isNumeral(inner) {
			value = inner
		}
	case "$oid", "$uuid", "$symbol":
	case "$date":
		return appendDate(dst, text, at)
	case "$binary":
		return appendBinary(dst, text, at)
	default:
		return dst, 0
	}
	if next = closing(text, end); next == 0 || len(value) == 0 || value[0] != '"' && !isNumeral(value) {
		return dst, 0
	}
	return append(dst, value...), next
}

// appendDate writes a date: a text, or milliseconds since 1970.
func appendDate(dst, text []byte, at int) (out []byte, next int) {
	end := scalarEnd(text, at)
	value := text[at:end]
	if text[at] == '{' {
		name, inner := member(text, at+1)
		if string(name) != "$numberLong" {
			return dst, 0
		}
		end = scalarEnd(text, inner)
		value = unquoted(text[inner:end])
		if end = closing(text, end); end == 0 {
			return dst, 0
		}
	}
	if next = closing(text, end); next == 0 || len(value) == 0 {
		return dst, 0
	}
	if value[0] == '"' {
		return append(dst, value...), next
	}
	const first, last = -62_135_596_800_000, 253_402_300_799_999 // the years 1 to 9999
	ms, err := strconv.ParseInt(string(value), 10, 64)
	if !isNumeral(value) {
		return dst, 0
	}
	if err != nil || ms < first || ms > last {
		return append(dst, value...), next
	}
	dst = append(dst, '"')
	dst = AppendMoment(dst, ms, Millis, true)
	return append(dst, '"'), next
}

// appendBinary writes bytes: an object with base64 and subType, or base64 with $type behind it.
func appendBinary(dst, text []byte, at int) (out []byte, next int) {
	if text[at] != '{' {
		end := scalarEnd(text, at)
		next = closing(text, afterMember(text, end, "$type"))
		if next == 0 || text[at] != '"' {
			return dst, 0
		}
		return append(dst, text[at:end]...), next
	}
	name, inner := member(text, at+1)
	end := afterMember(text, scalarEnd(text, inner), "subType")
	next = closing(text, end)
	if next > 0 {
		next = closing(text, next)
	}
	if string(name) != "base64" || next == 0 || text[inner] != '"' {
		return dst, 0
	}
	return append(dst, text[inner:scalarEnd(text, inner)]...), next
}

// member is the name of the member that stands next, without escapes, and the place of its
// value; an empty name: there is none.
func member(text []byte, pos int) (name []byte, value int) {
	if pos = blanks(text, pos); pos >= len(text) || text[pos] != '"' {
		return nil, len(text)
	}
	end := quoted(text, pos)
	colon := blanks(text, end)
	if end-pos < 2 || colon >= len(text) || text[colon] != ':' {
		return nil, len(text)
	}
	return text[pos+1 : end-1], blanks(text, colon+1)
}

// afterMember is the place behind another member that follows at pos, pos: there is none of
// that name.
func afterMember(text []byte, pos int, want string) int {
	comma := blanks(text, pos)
	if comma >= len(text) || text[comma] != ',' {
		return pos
	}
	name, value := member(text, comma+1)
	if string(name) != want {
		return pos
	}
	return scalarEnd(text, value)
}

// scalarEnd is the place behind the text or the number at pos.
func scalarEnd(text []byte, pos int) int {
	if pos < len(text) && text[pos] == '"' {
		return quoted(text, pos)
	}
	for pos < len(text) {
		switch c := text[pos]; {
		case c-'0' <= 9, c == '-', c == '+', c == '.', c|0x20 == 'e':
			pos++
		default:
			return pos
		}
	}
	return pos
}

// closing is the place behind the brace that stands next, 0: none does.
func closing(text []byte, pos int) int {
	if pos = blanks(text, pos); pos < len(text) && text[pos] == '}' {
		return pos + 1
	}
	return 0
}

func blanks(text []byte, pos int) int {
	for pos < len(text) && (text[pos] == ' ' || text[pos] == '\t' || text[pos] == '\n' || text[pos] == '\r') {
		pos++
	}
	return pos
}

// unquoted is what stands between quotes, or the value itself.
func unquoted(value []byte) []byte {
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		return value[1 : n-1]
	}
	return value
}

// isNumeral reports whether a text is a number as JSON writes them.
func isNumeral(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("-"))
	digits := func() bool {
		n := 0
		for n < len(text) && text[n]-'0' <= 9 {
			n++
		}
		ok := n > 0
		text = text[n:]
		return ok
	}
	zero := len(text) > 1 && text[0] == '0' && text[1]-'0' <= 9
	if zero || !digits() {
		return false
	}
	if len(text) > 0 && text[0] == '.' {
		if text = text[1:]; !digits() {
			return false
		}
	}
	if len(text) > 0 && text[0]|0x20 == 'e' {
		if text = text[1:]; len(text) > 0 && (text[0] == '+' || text[0] == '-') {
			text = text[1:]
		}
		return digits() && len(text) == 0
	}
	return len(text) == 0
}
