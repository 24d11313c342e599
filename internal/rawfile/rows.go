package rawfile

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"

	"tidemark/internal/batch"
)

// flaw is why a row is not decoded: a reason for the quarantine, and what was expected.
// It never holds what the row does.
type flaw struct{ reason, want string }

// rowSource gives the rows of a file in order.
type rowSource interface {
	// next appends the JSON text of the row that follows to dst. Of a row over the limit,
	// it appends the beginning, as long as limits.kept, and says so by a flaw. After the
	// last row it returns io.EOF.
	next(ctx context.Context, dst []byte) ([]byte, flaw, error)
}

// rows makes chunks of a rowSource. A chunk ends where one more row would pass the
// window, and at the place to resume from, so that where it ends depends on nothing but
// the file.
type rows struct {
	source rowSource
	layout batch.Layout
	resume int64
	sum    *xxh3.Hasher

	to    int64 // rows in the chunks so far
	ahead bool  // a row was read that no chunk holds yet: this one
	text  []byte
	flaw  flaw
	eof   bool
	err   error // for good
}

func newRows(s rowSource, o Options) *rows {
	return &rows{source: s, layout: batch.Layout{Format: batch.JSON}, resume: o.Resume, sum: xxh3.New()}
}

// Layout implements Reader.
func (r *rows) Layout() *batch.Layout { return &r.layout }

// Done implements Reader, for whoever knows nothing of the file below.
func (r *rows) Done() int64 { return 0 }

// Close implements Reader.
func (r *rows) Close() error { return nil }

// Next implements Reader.
func (r *rows) Next(ctx context.Context, c *batch.Chunk) error {
	c.Reset()
	if err := ctx.Err(); err != nil {
		return err
	}
	for full := false; !full; {
		if !r.ahead && !r.eof && r.err == nil {
			r.read(ctx)
		}
		switch {
		case r.err != nil:
			c.Reset()
			return r.err
		case r.eof:
			full = true
		case len(c.Lines) > 0 && (len(c.Data)+len(r.text) > window || r.to == r.resume):
			full = true
		default:
			r.take(c)
		}
	}
	c.To, c.Sum, c.Last = r.to, r.sum.Sum64(), r.eof
	return nil
}

// read has the next row lie ahead.
func (r *rows) read(ctx context.Context) {
	if cap(r.text) > 2*window {
		r.text = nil // it grew for one row
	}
	var err error
	r.text, r.flaw, err = r.source.next(ctx, r.text[:0])
	switch {
	case err == nil:
		r.ahead = true
	case errors.Is(err, io.EOF):
		r.eof = true
	default:
		r.err = err
	}
}

// take adds the row that lies ahead to c.
func (r *rows) take(c *batch.Chunk) {
	r.to++
	if r.flaw.reason != "" {
		c.Defects = append(c.Defects, batch.Defect{Row: int32(len(c.Lines)), Reason: r.flaw.reason, Want: r.flaw.want})
	}
	c.Lines = append(c.Lines, batch.Line{At: int32(len(c.Data)), Len: int32(len(r.text)), Number: r.to})
	c.Data = append(c.Data, r.text...)
	r.text = append(r.text, '\n')
	_, _ = r.sum.Write(r.text)
	r.ahead = false
}

// rowText is the text of one row while it is written.
type rowText struct {
	buf    []byte
	start  int // of the row in buf
	column string
	flaw   flaw // the first one
	over   bool // the row is over the limit, and no more than its beginning is kept
	limits limits
}

// begin starts a row behind what dst holds.
func (t *rowText) begin(dst []byte) {
	t.buf, t.start, t.flaw, t.over = dst, len(dst), flaw{}, false
}

// spoil gives the row a flaw, if it has none yet.
func (t *rowText) spoil(reason, want string) {
	if t.flaw.reason == "" {
		t.flaw = flaw{reason, fmt.Sprintf("column %q: %s", t.column, want)}
	}
}

// trim is called now and then, so that a row takes no more memory than the limit and
// what is written between two calls.
func (t *rowText) trim() {
	if len(t.buf)-t.start > t.limits.record {
		t.over = true
	}
	if t.over && len(t.buf)-t.start > t.limits.kept {
		t.buf = t.buf[:t.start+t.limits.kept]
	}
}

// fits reports whether n more bytes may be written.
func (t *rowText) fits(n int) bool {
	if len(t.buf)-t.start+n > t.limits.record {
		t.over = true
	}
	return !t.over
}

// end returns the text and the flaw of the row.
func (t *rowText) end() ([]byte, flaw) {
	t.trim()
	if t.over {
		return t.buf, flaw{"limit", fmt.Sprintf("at most %d bytes of JSON, of which no more than the first %d are kept", t.limits.record, t.limits.kept)}
	}
	return t.buf, t.flaw
}
