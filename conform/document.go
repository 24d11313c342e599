package conform

import (
	"tidemark/internal/batch"
	"tidemark/internal/jsontext"
)

// document decodes the text at pos, which holds the row as an object: so the connector of
// MongoDB sends documents, in extended JSON. It reports false where no such text is there; at
// 0, the member is absent. What is wrong with the row has the place of the text.
func (d *Decoder) document(pos int) bool {
	if pos == 0 || d.buf[pos] != '"' {
		return false
	}
	s, _ := d.str(pos) // it was read over before
	text := d.buf[s.from:s.to]
	if s.escaped {
		var lone int
		if text, lone = d.unescape(s); lone >= 0 {
			d.fail(ReasonEncoding, "surrogates in pairs", lone, 6)
			return true
		}
	}
	return d.documentOf(text, pos)
}

// documentOf is document for a text that is read, whose place is pos.
func (d *Decoder) documentOf(text []byte, pos int) bool {
	a := &d.around
	a.text = jsontext.AppendPlain(a.text[:0], text)
	length := len(a.text)
	a.text = append(a.text, make([]byte, batch.Padding)...)
	buf, base, end := d.buf, d.base, d.end
	d.buf, d.base, d.end = a.text, 0, length
	at := d.space(0)
	if d.peek(at) != '{' {
		d.buf, d.base, d.end = buf, base, end
		return false
	}
	if next, ok := d.inRow(at, 0); ok {
		d.ended(next)
	}
	d.buf, d.base, d.end = buf, base, end
	for i := d.rejects; i < len(d.b.Rejects); i++ {
		if r := &d.b.Rejects[i]; r.At >= 0 {
			r.At, r.Len = int32(pos-base), 0
		}
	}
	return true
}
