package rawfile

import (
	"context"
	"fmt"

	"github.com/zeebo/xxh3"

	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
)

// parquetRows makes chunks of the rows of a file without text: each becomes a datum of Avro,
// straight from the columns. Where chunks end depends on nothing but the rows, as for avroRows.
type parquetRows struct {
	file   *parquetFile
	layout batch.Layout
	resume int64
	sum    *xxh3.Hasher
	cells  []parquetCells
	most   int // values that are decoded together

	ahead   []byte // a row that was read and that no chunk holds yet, nil: none
	over    bool   // the row is over the limit, and no more than the beginning of its text is kept
	scratch []byte
	to      int64 // rows in the chunks so far
	ready   int   // rows that all columns have at hand
	eof     bool
	err     error // for good
}

// What is decoded together.
const (
	cellsAll  = 1 << 20 // values, of all columns
	cellsEach = 1 << 10
)

func newParquetRows(p *parquetFile, s *avroschema.Schema, o Options) *parquetRows {
	r := &parquetRows{file: p, resume: o.Resume, sum: xxh3.New()}
	r.layout = batch.Layout{Format: batch.Avro, Schema: s, Texts: avroTexts{s.Root, p.limits}}
	for _, c := range p.columns {
		k := newParquetCells(c)
		k.ofGroup = -1
		r.cells = append(r.cells, k)
	}
	r.most = max(1, min(cellsEach, cellsAll/len(r.cells)))
	_, _ = r.sum.WriteString("PAR1" + s.Canonical())
	return r
}

// Layout implements Reader.
func (r *parquetRows) Layout() *batch.Layout { return &r.layout }

// Done implements Reader, for whoever knows nothing of the file below.
func (r *parquetRows) Done() int64 { return 0 }

// Close implements Reader.
func (r *parquetRows) Close() error { return nil }

// Next implements Reader.
func (r *parquetRows) Next(ctx context.Context, c *batch.Chunk) error {
	c.Reset()
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(c.Block) != batch.BlockSize {
		c.Block = make([]byte, batch.BlockSize)
	}
	c.Data = c.Block[:0]
	r.chunk(ctx, c)
	if r.err != nil {
		c.Reset()
		return r.err
	}
	_, _ = r.sum.Write(c.Data)
	r.to += int64(len(c.Lines))
	c.To, c.Sum, c.Last = r.to, r.sum.Sum64(), r.eof && r.ahead == nil
	return nil
}

// chunk fills c with rows.
func (r *parquetRows) chunk(ctx context.Context, c *batch.Chunk) {
	defer func() {
		if cause := recover(); cause != nil {
			r.err = r.file.wrong(fmt.Errorf("could not be read: %v", cause))
		}
	}()
	for r.more(ctx) {
		number := r.to + int64(len(c.Lines))
		if len(c.Lines) > 0 && number == r.resume || len(c.Lines) == mostLines {
			return
		}
		pos := len(c.Data)
		row := r.ahead
		if row == nil {
			row = r.row(c.Block, pos)
		}
		if pos+len(row) > window && pos > 0 {
			if r.ahead == nil {
				r.scratch = append(r.scratch[:0], row...) // of which it may be a part
				r.ahead, r.scratch = r.scratch, r.scratch[:cap(r.scratch)]
			}
			return
		}
		if r.over {
			c.Defects = append(c.Defects, batch.Defect{
				Row: int32(len(c.Lines)), Reason: "limit",
				Want: fmt.Sprintf("at most %d bytes, of whose text no more than the first %d are kept", r.file.limits.record, r.file.limits.kept),
			})
		}
		r.ahead, r.over = nil, false
		c.Lines = append(c.Lines, batch.Line{At: int32(pos), Len: int32(len(row)), Number: number + 1})
		if len(row) > window {
			c.Block, c.Data = nil, append([]byte{}, row...)
			return
		}
		c.Data = c.Block[:pos+copy(c.Block[pos:], row)]
	}
}

// more reports whether there is a row, and has all columns have it at hand.
func (r *parquetRows) more(ctx context.Context) bool {
	switch {
	case r.ahead != nil || r.ready > 0:
		return true
	case r.eof || r.err != nil:
		return false
	}
	p := r.file
	for p.left == 0 {
		// Columns that hold no others have as many values as their row group rows: fit looked.
		if p.group == len(p.meta.groups) {
			r.eof = true
			return false
		}
		if r.err = p.nextGroup(); r.err != nil {
			r.err = p.wrong(r.err)
			return false
		}
	}
	p.row++ // which is told where it cannot be read
	r.ready = int(min(p.left, int64(r.most)))
	for i := range r.cells {
		k := &r.cells[i]
		if k.at == k.n {
			if err := k.fill(ctx, r.most); err != nil {
				r.err = p.wrong(fmt.Errorf("column %q: %w", k.c.name, err))
				return false
			}
		}
		r.ready = min(r.ready, k.n-k.at)
	}
	p.row--
	return true
}

// row writes the next row, at pos of a block if there is room for it, and else elsewhere.
func (r *parquetRows) row(b []byte, pos int) []byte {
	r.ready--
	r.file.left--
	r.file.row++
	from := pos
	for i := range r.cells {
		k := &r.cells[i]
		if pos+cellRoom > len(b) {
			b, pos, from = r.longer(b[from:pos], cellRoom)
		}
		next, want := k.put(b, pos)
		if want > 0 {
			if next-from+want > r.file.limits.record {
				r.over = true
				want, k.cut = cellRoom, true
			}
			b, next, from = r.longer(b[from:next], want+cellRoom)
			next, _ = k.put(b, next)
			k.cut = false
		}
		pos = next
	}
	row := b[from:pos]
	if len(row) > r.file.limits.record {
		r.over = true
	}
	if r.over {
		text, _, _ := r.layout.Texts.Text(nil, row, -1, 0)
		row = text[:min(len(text), r.file.limits.kept)]
	}
	return row
}

// longer goes on with a row in memory that has room for n bytes behind it.
func (r *parquetRows) longer(row []byte, n int) (b []byte, pos, from int) {
	if len(r.scratch) < len(row)+n {
		grown := make([]byte, 2*len(row)+n+window)
		copy(grown, row)
		r.scratch = grown
	} else {
		copy(r.scratch, row)
	}
	return r.scratch, len(row), 0
}
