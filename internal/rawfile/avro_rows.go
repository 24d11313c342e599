package rawfile

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"

	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
)

// avroRows makes chunks of the rows of a container as they lie there. Where a row ends is
// found by reading over it, and nothing of it is decoded but where something is odd: then it is
// written as JSON, which tells what.
//
// A chunk ends where one more row would pass the window, or would be one row too many, and at
// the place to resume from, so that where it ends depends on nothing but the rows of the file.
type avroRows struct {
	file    *avroFile
	layout  batch.Layout
	resume  int64
	sum     *xxh3.Hasher
	skip    avroSkip
	scratch []byte

	eof bool
	err error // for good
}

// mostLines is how many rows a chunk has at most: rows may have no bytes.
const mostLines = 1 << 14

func newAvroRows(a *avroFile, o Options) *avroRows {
	r := &avroRows{file: a, resume: o.Resume, sum: xxh3.New(), skip: compileAvroSkip(a.plan)}
	r.layout = batch.Layout{Format: batch.Avro, Schema: a.schema, Texts: avroTexts{a.plan, a.datum.limits}}
	// The same bytes say something else under another schema.
	_, _ = r.sum.WriteString("Obj\x01")
	_, _ = r.sum.Write(a.text)
	return r
}

// Layout implements Reader.
func (r *avroRows) Layout() *batch.Layout { return &r.layout }

// Done implements Reader, for whoever knows nothing of the file below.
func (r *avroRows) Done() int64 { return 0 }

// Close implements Reader.
func (r *avroRows) Close() error { return nil }

// Next implements Reader.
func (r *avroRows) Next(ctx context.Context, c *batch.Chunk) error {
	c.Reset()
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(c.Block) != batch.BlockSize {
		c.Block = make([]byte, batch.BlockSize)
	}
	c.Data = c.Block[:0]
	for full := false; !full; {
		if r.err == nil && !r.eof {
			r.more(ctx)
		}
		switch {
		case r.err != nil:
			c.Reset()
			return r.err
		case r.eof || len(c.Lines) > 0 && r.file.row == r.resume || len(c.Lines) == mostLines:
			full = true
		default:
			if full, r.err = r.take(c); r.err != nil {
				c.Reset()
				return r.err
			}
		}
	}
	c.To, c.Sum, c.Last = r.file.row, r.sum.Sum64(), r.eof
	return nil
}

// more goes on to the next block if need be.
func (r *avroRows) more(ctx context.Context) {
	if err := r.file.more(ctx); errors.Is(err, io.EOF) {
		r.eof = true
	} else {
		r.err = err
	}
}

// take adds rows of the block to c. It reports that the next one does not fit.
func (r *avroRows) take(c *batch.Chunk) (full bool, err error) {
	a := r.file
	d := &a.datum
	begin, at, last := d.pos, d.pos, d.pos+window-len(c.Data)
	most := min(a.left, int64(mostLines-len(c.Lines)))
	if r.resume > a.row {
		most = min(most, r.resume-a.row)
	}
	base, number := len(c.Data)-begin, a.row
	for range most {
		next := r.skip.row(d, at)
		if next < 0 {
			if next, err = r.odd(at); err != nil {
				return false, err
			}
		}
		if next > last {
			full = true
			break
		}
		number++
		c.Lines = append(c.Lines, batch.Line{At: int32(base + at), Len: int32(next - at), Number: number})
		at = next
	}
	a.left -= number - a.row
	a.row, d.pos = number, at
	c.Data = append(c.Data, d.data[begin:at]...)
	_, _ = r.sum.Write(d.data[begin:at])
	if full && len(c.Lines) == 0 {
		return true, r.alone(c)
	}
	return full, nil
}

// odd finds where a row ends that skip does not, or what is wrong with it.
func (r *avroRows) odd(at int) (next int, err error) {
	d := &r.file.datum
	d.pos = at
	if r.scratch, _, err = d.row(r.file.plan, r.scratch[:0]); err != nil {
		r.file.row++
		return 0, r.file.rowError(err)
	}
	if cap(r.scratch) > 2*window {
		r.scratch = nil // it grew for one row
	}
	next, d.pos = d.pos, at
	return next, nil
}

// alone takes the next row, which is longer than a chunk.
func (r *avroRows) alone(c *batch.Chunk) error {
	a := r.file
	d := &a.datum
	at := d.pos
	next := r.skip.row(d, at)
	if next < 0 {
		var err error
		if next, err = r.odd(at); err != nil {
			return err
		}
	}
	a.left--
	a.row++
	row := d.data[at:next]
	d.pos = next
	_, _ = r.sum.Write(row)
	c.Block, c.Data = nil, nil
	if len(row) > d.limits.record {
		row, _, _ = r.layout.Texts.Text(nil, row, -1, 0)
		row = row[:min(len(row), d.limits.kept)]
		c.Defects = append(c.Defects, batch.Defect{Reason: "limit", Want: fmt.Sprintf("at most %d bytes, of whose text no more than the first %d are kept", d.limits.record, d.limits.kept)})
	}
	c.Data = append(c.Data, row...)
	c.Lines = append(c.Lines, batch.Line{Len: int32(len(row)), Number: a.row})
	return nil
}

// avroTexts writes the rows of a file as JSON.
type avroTexts struct {
	plan   *avroschema.Type
	limits limits
}

// Text implements batch.Texts.
func (t avroTexts) Text(dst, record []byte, at, n int) (text []byte, from, length int) {
	var d avroDatum
	d.limits, d.spot = t.limits, avroSpot{at: at, end: at + n, from: -1}
	d.block(record)
	text, _, err := d.row(t.plan, dst)
	if err != nil { // it was read over before, so that there is nothing wrong with it
		return d.buf, -1, 0
	}
	return text, d.spot.from, d.spot.to - d.spot.from
}
