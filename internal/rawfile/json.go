package rawfile

import (
	"bytes"

	"tidemark/internal/batch"
)

// phase is where in a JSON array a place is.
type phase uint8

const (
	beforeArray phase = iota
	inArray
	afterArray
)

// values is JSON with one value after another, over as many lines as each takes:
// objects that stand by themselves, or the elements of one array. An object or array
// is followed by its braces and strings; anything else ends with its line, or in an
// array with a comma or the bracket.
//
// A broken value must not take the rest of the file with it. So a string ends with its
// line, a brace at the start of a line begins a new value where none could stand inside
// the one before, and the bracket that ends the array ends an object that is open.
type values struct {
	array bool
}

func (v values) scan(p piece, c *batch.Chunk) (n int, behind spot, t tail) {
	b, at, i := p.data, p.at, p.from
	for {
		i = v.between(b, i, &at)
		if i == len(b) {
			break
		}
		var l long
		s := v.follow(b[i:], p.eof, at.phase, &l.nest)
		if !s.done {
			return i, at, closed
		}
		if l.nest.torn {
			t = torn
			if l.nest.kind == bareLine {
				t = atEnd
			}
		}
		v.take(c, batch.Line{At: int32(i), Len: int32(s.content), Number: at.take()}, at.phase)
		at.line += int64(bytes.Count(b[i:i+s.n], []byte{'\n'}))
		i += s.n
		if p.one {
			return i, at, t
		}
	}
	if v.array && p.eof && at.phase != afterArray && t == closed {
		t = cutOff
	}
	return i, at, t
}

// take adds a record. What follows an array is no element of it.
func (v values) take(c *batch.Chunk, l batch.Line, at phase) {
	c.Lines = append(c.Lines, l)
	if at == afterArray {
		c.Defects = append(c.Defects, batch.Defect{Row: int32(len(c.Lines) - 1), Reason: "trailing", Want: "nothing after the array"})
	}
}

// between passes over what stands between values.
func (v values) between(b []byte, i int, at *spot) int {
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\n':
			at.line++
		case c == ' ' || c == '\t' || c == '\r':
		case v.array && c == '[' && at.phase == beforeArray:
			at.phase = inArray
		case c == ']' && at.phase == inArray:
			at.phase = afterArray
		case c == ',' && at.phase == inArray:
		default:
			return i
		}
	}
	return i
}

func (v values) skip(data []byte, eof bool, at *spot) skipped {
	s := v.follow(data, eof, at.phase, &at.long.nest)
	at.line += int64(bytes.Count(data[:s.n], []byte{'\n'}))
	if s.done {
		at.long = long{}
	}
	return s
}

// begin takes, of the first lines that begin with a brace, one that is indented least for a
// record: what it holds is indented more where people are to read it.
func (v values) begin(data []byte) (int, spot) {
	const enough = 32 << 10
	at, least := -1, enough
	for i := behindLineEnd(data); i >= 0 && i < min(len(data), enough); {
		text := i
		for text < len(data) && isBlank(data[text]) && data[text] != '\n' {
			text++
		}
		if text < len(data) && data[text] == '{' && text-i < least {
			at, least = i, text-i
		}
		next := behindLineEnd(data[text:])
		if next < 0 {
			break
		}
		i = text + next
	}
	if v.array {
		return at, spot{phase: inArray}
	}
	return at, spot{}
}

// follow reads on in a value and finds its end.
func (v values) follow(b []byte, eof bool, at phase, x *nest) skipped {
	if x.kind == unknown && len(b) > 0 {
		switch c := b[0]; {
		case at == afterArray:
			x.kind = bareLine
		case c == '{' || c == '[':
			x.kind = nested
		case at != inArray:
			x.kind = bareLine
		case c == '"':
			x.kind = text
		default:
			x.kind = bareElement
		}
	}
	var n int
	var done bool
	switch x.kind {
	case nested:
		x.inArray = at == inArray
		n, done = x.follow(b)
	case text:
		n, done = x.followText(b)
	case bareLine:
		n = bytes.IndexByte(b, '\n')
		done = n >= 0
	default:
		n = bytes.IndexAny(b, ",]\n")
		done = n >= 0
	}
	if !done {
		n, x.torn = len(b), eof
	}
	content := n
	if done || eof {
		content = len(bytes.TrimRight(b[:n], blanks))
	}
	return skipped{n: n, content: content, done: done || eof}
}

// shape is what kind of value is followed.
type shape uint8

const (
	unknown     shape = iota // it has not begun
	nested                   // an object or array
	text                     // a string
	bareLine                 // to the end of the line
	bareElement              // to the next comma, bracket or line end
)

// nest is where in a value a place is.
type nest struct {
	kind    shape
	depth   int
	arrays  uint64 // by depth, of the first 64: whether it is an array's
	str     bool   // in a string
	escaped bool   // behind a backslash in it
	newLine bool   // at the start of a line
	last    byte   // the last byte that is no blank, outside of strings
	inArray bool   // it is an element of the file's array
	torn    bool   // the file ended before the value did
}

// follow finds the end of an object or array, or the place where another one begins.
func (x *nest) follow(b []byte) (n int, done bool) {
	for i, c := range b {
		if x.str {
			x.inText(c)
			continue
		}
		switch c {
		case ' ', '\t', '\r':
			x.newLine = false
			continue
		case '\n':
			x.newLine = true
			continue
		case '"':
			x.str = true
		case '{', '[':
			if c == '{' && x.newLine && x.misplaced() {
				return i, true
			}
			x.depth++
			if bit := uint64(1) << (x.depth & 63); c == '[' {
				x.arrays |= bit
			} else {
				x.arrays &^= bit
			}
		case '}', ']':
			if x.inArray && x.depth == 1 && c == ']' && x.arrays&2 == 0 {
				return i, true // the array of the file ends, and an object in it does not
			}
			if x.depth--; x.depth == 0 {
				return i + 1, true
			}
		}
		x.newLine, x.last = false, c
	}
	return len(b), false
}

// inText goes on in a string by one byte.
func (x *nest) inText(c byte) {
	switch {
	case c == '\n': // none may stand in a string: it was not closed
		x.str, x.escaped, x.newLine = false, false, true
	case x.escaped:
		x.escaped = false
	case c == '\\':
		x.escaped = true
	case c == '"':
		x.str, x.last = false, c
	}
}

// misplaced reports that an object cannot begin here: in an object only a colon comes
// before one, in an array only a comma or the bracket.
func (x *nest) misplaced() bool {
	switch {
	case x.depth == 0 || x.depth > 63:
		return false
	case x.arrays&(1<<(x.depth&63)) != 0:
		return x.last != ',' && x.last != '['
	}
	return x.last != ':'
}

// followText finds the end of a string.
func (x *nest) followText(b []byte) (n int, done bool) {
	for i, c := range b {
		if !x.str {
			x.str = true // the first byte is the quote
			continue
		}
		if c == '\n' {
			return i, true
		}
		if x.inText(c); !x.str {
			return i + 1, true
		}
	}
	return len(b), false
}
