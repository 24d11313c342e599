package rawfile

import (
	"bytes"

	"tidemark/internal/batch"
)

// lines is JSON with one record a line. Blanks at both ends of a line, a CR among them,
// are no part of the record; a line of nothing but blanks is none. What a line holds is
// not looked at, so that a broken record costs its line and no other.
type lines struct{}

func (lines) scan(p piece, c *batch.Chunk) (n int, behind spot, t tail) {
	b, at := p.data, p.at
	i := p.from
	for i < len(b) {
		end, next := len(b), len(b)
		if k := bytes.IndexByte(b[i:], '\n'); k >= 0 {
			end, next = i+k, i+k+1
		} else if !p.eof {
			return i, at, closed
		} else {
			t = atEnd
		}
		for end > i && isBlank(b[end-1]) {
			end--
		}
		for end > i && isBlank(b[i]) {
			i++
		}
		if end > i {
			c.Lines = append(c.Lines, batch.Line{At: int32(i), Len: int32(end - i), Number: at.line})
		}
		if t == closed {
			at.line++
		}
		i = next
		if p.one && len(c.Lines) > 0 {
			break
		}
	}
	return i, at, t
}

func (lines) skip(data []byte, eof bool, at *spot) skipped {
	k := bytes.IndexByte(data, '\n')
	switch {
	case k >= 0:
		at.line++
		content := k
		if k > 0 && data[k-1] == '\r' {
			content--
		}
		return skipped{n: k + 1, content: content, done: true}
	case eof:
		n := len(data)
		if n > 0 && data[n-1] == '\r' {
			return skipped{n: n, content: n - 1, done: true}
		}
		return skipped{n: n, content: n, done: true}
	case len(data) > 0 && data[len(data)-1] == '\r': // it may belong to the end
		return skipped{n: len(data) - 1, content: len(data) - 1}
	}
	return skipped{n: len(data), content: len(data)}
}

func (lines) begin(data []byte) (int, spot) { return behindLineEnd(data), spot{} }

// behindLineEnd is the place behind the first LF, −1: there is none.
func behindLineEnd(data []byte) int {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1
	}
	return -1
}

// isBlank reports white space of JSON.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
