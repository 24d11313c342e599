package conform

import (
	"bytes"
	"math/bits"
	"unicode/utf8"
)

// cell is one field of a line of CSV: buf[from:to], without its quotes.
type cell struct {
	from, to int32
	form     cellForm
}

// cellForm is how a field is written.
type cellForm uint8

const (
	cellBare    cellForm = iota // without quotes
	cellQuoted                  // between quotes
	cellDoubled                 // between quotes, and it holds doubled ones
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// line decodes the value buf[base:end], one line of CSV, into its row.
func (d *Decoder) line(h *header) {
	from, to := d.base, d.end
	if to > from && d.buf[from] == byteOrderMark[0] && bytes.HasPrefix(d.buf[from:to], byteOrderMark) {
		from += len(byteOrderMark)
	}
	if to > from && d.buf[to-1] == '\n' {
		to--
	}
	if to > from && d.buf[to-1] == '\r' {
		to--
	}
	if from == to {
		d.fail(ReasonEmpty, "", -1, 0)
		return
	}
	if len(d.cells) < len(h.fields) {
		d.cells = make([]cell, len(h.fields))
	}
	var (
		n  int
		ok bool
	)
	if q := d.plan.csv.quote; q == 0 || bytes.IndexByte(d.buf[from:to], q) < 0 {
		if h.quick && !d.plain && d.quickLine(h, from, to) {
			return
		}
		n, ok = d.bareCells(from, to)
	} else {
		n, ok = d.quotedCells(from, to)
	}
	switch {
	case !ok:
	case n != len(h.fields):
		d.fail(ReasonColumns, h.wantFields(n), -1, 0)
	case h.doubled:
		d.fail(ReasonDuplicate, "a header that has each name once", -1, 0)
	default:
		d.fields(h)
	}
}

// fields gives the columns what the cells hold.
func (d *Decoder) fields(h *header) {
	d.heard(h)
	for i := range h.fields {
		f, k := &h.fields[i], &d.cells[i]
		if f.column >= 0 {
			d.cell(f, k)
		} else if !h.dropped {
			d.extraneous(f.name, "string", int(k.from), int(k.to-k.from))
		}
	}
	for _, column := range h.missing {
		d.missing(column)
	}
}

// bareCells splits a line without quotes. It returns how many fields it has; those
// for which there is no room are counted alone. Not ok: it rejected the line.
func (d *Decoder) bareCells(from, to int) (n int, ok bool) {
	const rest = ^uint64(highs)
	separators := uint64(d.plan.csv.separator) * lows
	buf, cells := d.buf, d.cells
	high, control := uint64(0), uint64(0)
	start := from
	for at := from; at < to; at += 8 {
		w := word(buf, at)
		if left := to - at; left < 8 { // letters behind the end, which mean nothing
			w = w&lowBytes(left) | ('a'*lows)&^lowBytes(left)
		}
		high |= w
		control |= below(w)
		x := w ^ separators
		// Unlike zeros, this marks no byte above the first one that is not zero.
		for marks := ^((x&rest + rest) | x | rest); marks != 0; marks &= marks - 1 {
			end := at + bits.TrailingZeros64(marks)>>3
			if n < len(cells) {
				cells[n] = cell{from: int32(start), to: int32(end)}
			}
			n++
			start = end + 1
		}
	}
	if n < len(cells) {
		cells[n] = cell{from: int32(start), to: int32(to)}
	}
	if high&highs != 0 && !d.inUTF8(from, to) {
		return 0, false
	}
	return n + 1, control == 0 || d.oneLine(from, to)
}

func (d *Decoder) inUTF8(from, to int) bool {
	text := d.buf[from:to]
	if utf8.Valid(text) {
		return true
	}
	d.fail(ReasonEncoding, "text in UTF-8", from+invalidAt(text), 1)
	return false
}

// oneLine rejects a record that has a line end between from and to.
func (d *Decoder) oneLine(from, to int) bool {
	text := d.buf[from:to]
	i := bytes.IndexByte(text, '\n')
	if j := bytes.IndexByte(text, '\r'); j >= 0 && (i < 0 || j < i) {
		i = j
	}
	if i < 0 {
		return true
	}
	d.fail(ReasonTrailing, "nothing after the line", from+i, to-from-i)
	return false
}

// quotedCells is bareCells for a line that holds quotes.
func (d *Decoder) quotedCells(from, to int) (n int, ok bool) {
	if !d.inUTF8(from, to) {
		return 0, false
	}
	separator, quote := d.plan.csv.separator, d.plan.csv.quote
	broken := bytes.IndexByte(d.buf[from:to], '\n') >= 0 || bytes.IndexByte(d.buf[from:to], '\r') >= 0
	for pos := from; ; n++ {
		next := to
		k := cell{from: int32(pos)}
		if pos < to && d.buf[pos] == quote {
			k.from++
			if k.to, k.form = d.closing(pos+1, to); k.form == cellBare {
				d.fail(ReasonQuote, "a quote that is closed", pos, 1)
				return 0, false
			}
			if next = int(k.to) + 1; next < to && d.buf[next] != separator {
				if c := d.buf[next]; c != '\n' && c != '\r' || d.oneLine(next, to) {
					d.fail(ReasonQuote, "a separator or the end of the line behind a closing quote", next, 1)
				}
				return 0, false
			}
		} else {
			if i := bytes.IndexByte(d.buf[pos:to], separator); i >= 0 {
				next = pos + i
			}
			if i := bytes.IndexByte(d.buf[pos:next], quote); i >= 0 {
				d.fail(ReasonQuote, "no quote within a field that does not begin with one", pos+i, 1)
				return 0, false
			}
			if broken && !d.oneLine(pos, next) {
				return 0, false
			}
			k.to = int32(next)
		}
		if n < len(d.cells) {
			d.cells[n] = k
		}
		if next == to {
			return n + 1, true
		}
		pos = next + 1
	}
}

// closing finds the quote that closes the field at pos. The form is cellBare where
// there is none.
func (d *Decoder) closing(pos, to int) (end int32, form cellForm) {
	quote := d.plan.csv.quote
	form = cellQuoted
	for pos < to {
		i := bytes.IndexByte(d.buf[pos:to], quote)
		if i < 0 {
			break
		}
		pos += i
		if pos+1 == to || d.buf[pos+1] != quote {
			return int32(pos), form
		}
		form = cellDoubled
		pos += 2
	}
	return 0, cellBare
}
