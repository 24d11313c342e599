package conform

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// span is a text of the record: buf[from:to], between its quotes.
type span struct {
	from, to int
	escaped  bool // it holds a backslash
	high     bool // it holds a byte that is not ASCII
}

// str finds the end of the text that opens at pos. It rejects a record whose text
// has a control character or an escape that JSON does not know.
func (d *Decoder) str(pos int) (s span, ok bool) {
	pos++
	s.from = pos
	high := uint64(0)
	for {
		// Padding may be read: the words of a value end at most eight bytes behind it.
		w := word(d.buf, pos)
		stop := escapes(w)
		if stop == 0 {
			high |= w
			if pos += 8; pos >= d.end {
				d.unexpected("a double quote", d.end)
				return s, false
			}
			continue
		}
		n := first(stop)
		high |= w & lowBytes(n)
		if pos += n; pos >= d.end {
			d.unexpected("a double quote", d.end)
			return s, false
		}
		switch d.buf[pos] {
		case '"':
			s.to, s.high = pos, high&highs != 0
			return s, true
		case '\\':
			s.escaped = true
			if pos, ok = d.escape(pos); !ok {
				return s, false
			}
		default:
			d.fail(ReasonSyntax, "no control character in text: it is written as \\u00XX", pos, 1)
			return s, false
		}
	}
}

// escape reads over the escape at pos.
func (d *Decoder) escape(pos int) (int, bool) {
	switch d.peek(pos + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return pos + 2, true
	case 'u':
		for i := pos + 2; i < pos+6; i++ {
			if hex(d.peek(i)) < 0 {
				d.unexpected("four hexadecimal digits", i)
				return 0, false
			}
		}
		return pos + 6, true
	}
	d.unexpected("an escape that JSON knows", pos+1)
	return 0, false
}

func hex(c byte) rune {
	switch {
	case c-'0' <= 9:
		return rune(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// unescape returns what a text with escapes says, valid until the next call, and
// the place of a surrogate that is alone, −1: there is none.
func (d *Decoder) unescape(s span) (text []byte, lone int) {
	// Eight bytes are written at a time, of which some may not count.
	if most := s.to - s.from + 16; cap(d.text) < most {
		d.text = make([]byte, most)
	}
	out, n := d.text[:cap(d.text)], 0
	for pos := s.from; pos < s.to; {
		w := word(d.buf, pos)
		binary.LittleEndian.PutUint64(out[n:], w)
		run := min(first(zeros(w^'\\'*lows)), s.to-pos)
		if pos, n = pos+run, n+run; run == 8 || pos == s.to {
			continue
		}
		c := d.buf[pos+1]
		if c != 'u' {
			out[n] = unescaped(c)
			pos, n = pos+2, n+1
			continue
		}
		r := d.unit(pos)
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if d.buf[pos+6] == '\\' && d.buf[pos+7] == 'u' {
				low = d.unit(pos + 6)
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return nil, pos
			}
			pos += 6
		}
		n += utf8.EncodeRune(out[n:], r)
		pos += 6
	}
	return out[:n], -1
}

// unit is the UTF-16 unit of the escape \u and its four digits at pos.
func (d *Decoder) unit(pos int) rune {
	b := d.buf[pos+2 : pos+6]
	return hex(b[0])<<12 | hex(b[1])<<8 | hex(b[2])<<4 | hex(b[3])
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// invalidAt is where the first byte stands that is not UTF-8.
func invalidAt(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}
