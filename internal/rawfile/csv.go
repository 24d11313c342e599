package rawfile

import (
	"bytes"

	"tidemark/internal/batch"
)

// csvLines is CSV. A line ends with LF, CR LF or CR, but not inside quotes: these open
// at the start of a field, and of two that follow each other both are text. An empty
// line is no record. Fields are not looked at otherwise.
type csvLines struct {
	separator, quote byte   // quote 0: there is none
	quoted           int    // bytes that a quote may be away from the one that closes it
	header           []byte // its line, to know it again; nil: there is none
}

func (s *csvLines) scan(p piece, c *batch.Chunk) (n int, behind spot, t tail) {
	b, at, i := p.data, p.at, p.from
	if at.cr && i < len(b) {
		at.cr = false
		if b[i] == '\n' {
			i++
		}
	}
	cur := cursor{csvLines: s, b: b, eof: p.eof, lf: -1, crs: -1, quotes: -1}
	for i < len(b) {
		if !p.one {
			if i = s.plain(&cur, i, &at, c); i == len(b) {
				break
			}
		}
		r, ok := cur.record(i)
		if !ok {
			return i, at, closed
		}
		if r.torn {
			t = torn
		}
		if r.end > i {
			c.Lines = append(c.Lines, batch.Line{At: int32(i), Len: int32(r.end - i), Number: at.line})
			s.judge(&r, b[i:r.end], c)
		}
		at.line += r.lines
		if r.next == r.end && t == closed {
			t = atEnd
		}
		i = r.next
		if p.one && len(c.Lines) > 0 {
			break
		}
	}
	if p.eof && i == len(b) && i > p.from && b[i-1] == '\r' {
		at.cr = true
	}
	return i, at, t
}

// plain takes whole lines for as long as they hold no quote and end with LF or CR LF.
func (s *csvLines) plain(cur *cursor, i int, at *spot, c *batch.Chunk) int {
	b, stop := cur.b, cur.quoteAt(i)
	crs := cur.next(&cur.crs, i, '\r') < stop
	for i < len(b) {
		next := cur.next(&cur.lf, i, '\n')
		if next >= stop {
			return i
		}
		end := next
		if crs {
			if end > i && b[end-1] == '\r' {
				end--
			}
			if bytes.IndexByte(b[i:end], '\r') >= 0 {
				return i
			}
		}
		if end > i {
			c.Lines = append(c.Lines, batch.Line{At: int32(i), Len: int32(end - i), Number: at.line})
			if end-i >= len(s.header) && s.isHeader(b[i:end]) {
				c.Defects = append(c.Defects, batch.Defect{Row: int32(len(c.Lines) - 1), Filtered: true})
			}
		}
		at.line++
		i = next + 1
	}
	return i
}

// judge gives the last line of c its defect, if it has one.
func (s *csvLines) judge(r *line, text []byte, c *batch.Chunk) {
	row := int32(len(c.Lines) - 1)
	switch {
	case r.unclosed:
		c.Defects = append(c.Defects, batch.Defect{Row: row, Reason: "quote", Want: "a quote that is closed within 1 MiB"})
	case s.isHeader(text):
		c.Defects = append(c.Defects, batch.Defect{Row: row, Filtered: true})
	}
}

func (s *csvLines) isHeader(text []byte) bool {
	if s.header == nil || len(text) < len(s.header) {
		return false
	}
	return bytes.Equal(bytes.TrimPrefix(text, bom), s.header)
}

// skip follows a line that is too long. It reads it as scan does; where a quote is open
// at the end of data, it stops in front of it.
func (s *csvLines) skip(data []byte, eof bool, at *spot) skipped {
	cur := cursor{csvLines: s, b: data, eof: eof, lf: -1, crs: -1, quotes: -1, inField: at.long.inField, plain: at.long.plain}
	r, ok := cur.record(0)
	if ok {
		at.line += r.lines
		at.long, at.cr = long{}, r.next == len(data) && bytes.HasSuffix(data, []byte{'\r'})
		return skipped{n: r.next, content: r.end, done: true}
	}
	at.line += countLines(data[:cur.reached])
	at.long.inField, at.long.plain = !cur.atField, cur.plain
	return skipped{n: cur.reached, content: cur.reached}
}

// begin takes the first line end for one outside of quotes.
func (s *csvLines) begin(data []byte) (int, spot) { return behindLineEnd(data), spot{} }

// line is a record of CSV.
type line struct {
	end, next int   // of its text, and of its line end
	lines     int64 // that it takes
	unclosed  bool  // it has a quote that nothing closes
	torn      bool  // because the file ends
}

// cursor walks over bytes of CSV. Each kind of byte that counts is searched for once.
type cursor struct {
	*csvLines
	b               []byte
	eof             bool
	lf, crs, quotes int  // the next ones, len(b): none, −1: not yet looked for
	inField         bool // the first byte continues a field
	plain           bool // no quote counts until the line ends: one was not closed
	reached         int  // where record gave up, so that it may go on there
	atField         bool // a field begins there
}

// next is the place of the first c at or after i, given the one that was found before.
func (k *cursor) next(found *int, i int, c byte) int {
	if *found < i {
		*found = len(k.b)
		if j := bytes.IndexByte(k.b[i:], c); j >= 0 {
			*found = i + j
		}
	}
	return *found
}

// lineEnd is the place of the first LF or CR at or after i.
func (k *cursor) lineEnd(i int) int {
	return min(k.next(&k.lf, i, '\n'), k.next(&k.crs, i, '\r'))
}

// quoteAt is the place of the first quote that counts at or after i.
func (k *cursor) quoteAt(i int) int {
	if k.quote == 0 || k.plain {
		return len(k.b)
	}
	return k.next(&k.quotes, i, k.quote)
}

// record finds the end of the record that begins at from; not ok: it needs more bytes.
func (k *cursor) record(from int) (r line, ok bool) {
	for i := from; ; {
		end := k.lineEnd(i)
		q := k.quoteAt(i)
		if q >= end {
			return k.finish(r, end)
		}
		if opens := q == from && !k.inField || q > from && k.b[q-1] == k.separator; !opens {
			i = q + 1
			continue
		}
		behind, s := k.close(q)
		switch s {
		case quoteClosed:
			if behind > end {
				r.lines += countLines(k.b[q:behind])
			}
			i = behind
		case quoteUnknown:
			k.reached, k.atField = q, true
			return r, false
		default:
			r.unclosed, r.torn = true, s == quoteTorn
			k.plain = true
			r, ok = k.finish(r, k.lineEnd(q+1))
			k.plain = !ok
			return r, ok
		}
	}
}

// finish ends a record at a line end, or where the bytes end.
func (k *cursor) finish(r line, end int) (line, bool) {
	r.end, r.next = end, end
	r.lines++
	switch {
	case end == len(k.b):
		if !k.eof {
			k.reached = end
			k.atField = end > 0 && k.b[end-1] == k.separator
			return r, false
		}
		r.lines--
	case k.b[end] == '\n':
		r.next = end + 1
	case end+1 == len(k.b) && !k.eof: // a LF may follow
		k.reached = end
		k.atField = end > 0 && k.b[end-1] == k.separator
		return r, false
	case end+1 < len(k.b) && k.b[end+1] == '\n':
		r.next = end + 2
	default:
		r.next = end + 1
	}
	return r, true
}

// quoteState is what is known of a quote that opened.
type quoteState uint8

const (
	quoteClosed  quoteState = iota
	quoteUnknown            // more bytes are needed
	quoteNever              // it is not closed within quoted bytes
	quoteTorn               // it is not closed before the file ends
)

// close finds the place behind the quote that closes the one at q.
func (k *cursor) close(q int) (behind int, s quoteState) {
	limit := min(len(k.b), q+1+k.quoted)
	for j := q + 1; j < limit; {
		n := bytes.IndexByte(k.b[j:limit], k.quote)
		if n < 0 {
			break
		}
		switch j += n + 1; {
		case j == len(k.b) && !k.eof:
			return 0, quoteUnknown
		case j == len(k.b) || k.b[j] != k.quote:
			return j, quoteClosed
		}
		j++
	}
	switch {
	case limit == q+1+k.quoted:
		return 0, quoteNever
	case k.eof:
		return 0, quoteTorn
	}
	return 0, quoteUnknown
}

// countLines counts line ends.
func countLines(b []byte) int64 {
	n := bytes.Count(b, []byte{'\n'})
	for i := 0; ; i++ {
		j := bytes.IndexByte(b[i:], '\r')
		if j < 0 {
			return int64(n)
		}
		i += j
		if i+1 == len(b) || b[i+1] != '\n' {
			n++
		}
	}
}

// bom is the byte order mark of UTF-8.
var bom = []byte("\xef\xbb\xbf")
