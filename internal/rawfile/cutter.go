package rawfile

import (
	"context"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"

	"tidemark/internal/batch"
)

// limits are the sizes that cutting goes by. Where a chunk ends depends on them and on
// what the file holds, never on how it was read.
type limits struct {
	window int // bytes of a chunk, at most, but for a single larger record
	room   int // of these, what the part of a record that began before may have
	record int // bytes of one record
	kept   int // of a larger one
	quoted int // bytes from a quote to the one that closes it
}

// window is how much of a file is looked at together.
const window = batch.BlockSize - batch.Padding

// usual are the limits of all but tests.
func usual() limits {
	return limits{window: window, room: 16 << 10, record: 16 << 20, kept: 1 << 20, quoted: 1 << 20}
}

// span is how many bytes from a place on a chunk is looked for in: up to a place that does
// not depend on where chunks end, so that strips can be looked through before.
func (l limits) span(off int64) int {
	grid, room := int64(l.window-l.room), int64(l.room)
	return int((off+room+grid-1)/grid*grid - off)
}

// reach is how far a record is followed with all its bytes in memory: beyond the limit by
// what the last quote in it may need.
func (l limits) reach() int { return l.record + 2*l.quoted }

// splitter knows where the records of a format end. It keeps nothing: what it must know
// of the bytes before is in a spot, which goes in and comes out.
type splitter interface {
	// scan finds the records that lie whole in a piece and adds them to c.Lines and
	// c.Defects. It returns how many bytes of the piece these and what is between them
	// take, the spot behind, and how the last record ended. At the end of the file, all
	// bytes are taken, and what is left of a record is one.
	scan(p piece, c *batch.Chunk) (n int, behind spot, t tail)
	// skip follows a record that is too large to hold, of which data are the next bytes.
	skip(data []byte, eof bool, at *spot) skipped
	// begin guesses where the first record begins that does so in data, behind a line end, and
	// at which spot, but for its line. −1: it cannot tell.
	begin(data []byte) (int, spot)
}

// piece is what a splitter looks at: data[from:] at a spot. Bytes before from belong to
// the chunk and to no record.
type piece struct {
	data []byte
	from int
	at   spot
	eof  bool // the file ends with it, or is to be read as if it did
	one  bool // one record is enough
}

// spot is what a splitter must know of what lies before.
type spot struct {
	line  int64 // that the next byte is in, from 1 on
	taken int64 // the number of the last record: see take
	cr    bool  // a line ended with a CR and nothing: a LF may follow that belongs to it
	phase phase // of a JSON array
	long  long  // inside a record that is skipped
}

// plain is a spot without its numbers.
func (s spot) plain() spot {
	s.line, s.taken = 0, 0
	return s
}

// take gives the record that begins here its number: that of its line. Of values of JSON
// that begin in one line, each has the number behind that of the one before, since the
// number is what tells the records of a file from each other.
func (s *spot) take() int64 {
	s.taken = max(s.line, s.taken+1)
	return s.taken
}

// long is what is known of a record that is skipped, at the place where its next bytes
// begin. Zero, it is at its start.
type long struct {
	inField bool // CSV: a field goes on
	plain   bool // CSV: no quote counts any more
	nest    nest // JSON
}

// tail is how the last record of a piece ended.
type tail uint8

const (
	closed tail = iota // whatever follows, it would have ended so
	atEnd              // with the piece, as a line does that has no end
	torn               // with the piece, while something was open: a quote, a brace
	cutOff             // an array without an end: the file was cut off
)

// skipped is what skip did.
type skipped struct {
	n       int  // bytes of data that are done with
	content int  // of these, the record's own: less than n by a line end
	done    bool // the record has ended
}

// cutter makes chunks of a stream.
type cutter struct {
	url    string
	layout batch.Layout
	stream *stream
	split  splitter
	limits limits

	off    int64 // of the stream's next byte in the file
	at     spot
	lead   lead
	resume int64
	sum    *xxh3.Hasher
	last   bool // the last chunk was made
}

// lead is what stands before the first record: a byte order mark, the header.
type lead struct {
	size int // with the line end
	ends int // without: where it ended when the file had nothing more
}

// Layout implements Reader.
func (k *cutter) Layout() *batch.Layout { return &k.layout }

// Done implements Reader, for whoever knows nothing of the file below.
func (k *cutter) Done() int64 { return 0 }

// Close implements Reader.
func (k *cutter) Close() error {
	if k.stream.ahead != nil {
		k.stream.ahead.close()
	}
	return nil
}

// Next implements Reader.
func (k *cutter) Next(ctx context.Context, c *batch.Chunk) error {
	c.Reset()
	if k.last {
		k.seal(c)
		return nil
	}
	k.stream.shrink()
	k.readAhead(c)
	for size, one := k.limits.span(k.off), false; ; size, one = min(2*size, k.limits.reach()), true {
		if err := ctx.Err(); err != nil {
			return err
		}
		eof, err := k.stream.ends(size)
		if err != nil {
			return k.fail(int64(len(k.stream.bytes())), err)
		}
		if x := k.resume - k.off; x > 0 && x <= int64(size) {
			if cut, err := k.atOldEnd(size, one, c); cut || err != nil {
				return err
			}
		} else if !one {
			if n, behind := k.joined(eof, c); n > 0 {
				k.emit(c, n, behind)
				return nil
			}
		}
		b := k.stream.bytes()
		p := piece{data: b[:min(len(b), size)], from: k.lead.size, at: k.at, eof: eof, one: one}
		n, behind, t := k.split.scan(p, c)
		switch {
		case t == cutOff:
			return k.fail(int64(n), errors.New("the array does not end: the file was cut off"))
		case k.large(c):
			return k.tooLarge(ctx, c)
		case n > 0 || p.eof:
			k.emit(c, n, behind)
			return nil
		case size == k.limits.reach():
			return k.tooLarge(ctx, c)
		}
	}
}

// readAhead begins to read the file ahead, once there is more of it than is there, and takes
// the memory back that the chunk before has left.
func (k *cutter) readAhead(c *batch.Chunk) {
	s := k.stream
	if s.ahead == nil && !s.eof && s.broken == nil {
		s.ahead = &strips{in: s.r, file: s.file, size: s.size, split: k.split, room: k.limits.room, grid: int64(k.limits.window - k.limits.room)}
		s.ahead.begin(k.off + int64(len(s.bytes())))
	}
	if s.ahead != nil && c.Block != nil {
		s.ahead.recycle(c.Block)
		c.Block = nil
	}
}

// joined is what scan would find, put together of what was found in the strip that the buffer
// ends with, if the records before lead to the place where that was looked for. n is 0 if they
// do not, or there is none.
func (k *cutter) joined(eof bool, c *batch.Chunk) (n int, behind spot) {
	st := k.stream.joint
	if st == nil || st.from < 0 || st.eof != eof || st.tail == cutOff || k.lead.size > 0 {
		return 0, spot{}
	}
	b := k.stream.bytes()
	begins := len(b) - st.n
	seam := begins + st.from
	n, at, t := k.split.scan(piece{data: b[:seam], at: k.at}, c)
	if n != seam || t != closed || at.taken >= at.line || at.plain() != st.at.plain() {
		c.Reset()
		return 0, spot{}
	}
	first := int32(len(c.Lines))
	for _, l := range st.chunk.Lines {
		c.Lines = append(c.Lines, batch.Line{At: l.At + int32(begins), Len: l.Len, Number: l.Number + at.line - 1})
	}
	for _, d := range st.chunk.Defects {
		d.Row += first
		c.Defects = append(c.Defects, d)
	}
	behind = st.behind
	behind.line += at.line - 1
	if behind.taken > 0 {
		behind.taken += at.line - 1
	} else {
		behind.taken = at.taken
	}
	return begins + st.end, behind
}

// atOldEnd cuts the chunk at the place that was asked for, which is among the next size bytes,
// if a record ends there, or did when the file ended there.
func (k *cutter) atOldEnd(size int, one bool, c *batch.Chunk) (bool, error) {
	if err := k.fill(size + 2); err != nil {
		return false, err
	}
	b := k.stream.bytes()
	x := int(k.resume - k.off)
	if x > len(b) || x == len(b) && k.stream.eof {
		return false, nil // the end of the file is found anyway
	}
	if x < k.lead.size {
		if x < k.lead.ends {
			return false, nil
		}
		k.emit(c, x, k.at)
		return true, nil
	}
	p := piece{data: b[:x], from: k.lead.size, at: k.at, eof: true, one: one}
	n, behind, t := k.split.scan(p, c)
	if n == x && !k.large(c) && (t == closed || t == atEnd && k.lineEnds(b[x:])) {
		k.emit(c, n, behind)
		return true, nil
	}
	c.Reset()
	return false, nil
}

// lineEnds reports that b begins with a line end. JSON takes a lone CR for a blank.
func (k *cutter) lineEnds(b []byte) bool {
	return b[0] == '\n' || b[0] == '\r' && (k.layout.Format == batch.CSV || len(b) == 1 || b[1] == '\n')
}

// large reports that c holds a record over the limit. It is then the only one.
func (k *cutter) large(c *batch.Chunk) bool {
	return len(c.Lines) == 1 && int(c.Lines[0].Len) > k.limits.record
}

// emit makes the chunk of the next n bytes.
func (k *cutter) emit(c *batch.Chunk, n int, behind spot) {
	_, _ = k.sum.Write(k.stream.bytes()[:n])
	k.off += int64(n)
	k.stream.give(n, c)
	k.lead = lead{size: max(0, k.lead.size-n), ends: max(0, k.lead.ends-n)}
	k.at = behind
	k.seal(c)
}

// pass goes on over n bytes.
func (k *cutter) pass(n int) {
	_, _ = k.sum.Write(k.stream.bytes()[:n])
	k.off += int64(n)
	k.stream.drop(n)
}

func (k *cutter) seal(c *batch.Chunk) {
	c.To, c.Sum = k.off, k.sum.Sum64()
	k.last = k.stream.eof && k.stream.start == k.stream.end
	c.Last = k.last
}

// tooLarge makes the chunk of one record of which no more than the beginning is kept.
func (k *cutter) tooLarge(ctx context.Context, c *batch.Chunk) error {
	c.Reset()
	number, content, hash := k.at.take(), int64(0), xxh3.New()
	for at, begun := k.at, false; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := k.fill(2 * k.limits.quoted); err != nil {
			return err
		}
		b := k.stream.bytes()
		if !begun {
			begun = true
			c.Data = append(c.Data, b[:k.limits.kept]...)
		}
		was := at
		s := k.split.skip(b, k.stream.eof, &at)
		if x := k.resume - k.off; s.done && int64(s.content) <= x && x < int64(s.n) {
			at = was // the file ended here once, within the line end
			s = k.split.skip(b[:x], true, &at)
		}
		_, _ = hash.Write(b[:s.content])
		content += int64(s.content)
		k.pass(s.n)
		if s.done {
			k.at = at
			break
		}
	}
	c.Lines = append(c.Lines, batch.Line{Len: int32(len(c.Data)), Number: number})
	c.Defects = append(c.Defects, batch.Defect{
		Reason: "limit",
		Want:   fmt.Sprintf("at most %d bytes; it has %d with xxh3 %016x, of which the first %d are kept", k.limits.record, content, hash.Sum64(), len(c.Data)),
	})
	if err := k.fill(1); err != nil {
		return err
	}
	k.seal(c)
	return nil
}

// fill has the stream read on.
func (k *cutter) fill(n int) error {
	err := k.stream.fill(n)
	if err == nil {
		return nil
	}
	return k.fail(int64(len(k.stream.bytes())), err)
}

func (k *cutter) fail(at int64, err error) error {
	return &Error{URL: k.url, At: k.off + at, Unit: "byte", Err: err}
}
