package rawfile

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// parquetFile reads the rows of a Parquet file: of each row group, all columns side by
// side, and of each column, a page at a time. It writes them as JSON; parquetRows does without.
//
// The footer, the pages and the encodings are read by code of our own, which takes no
// memory for what a file claims, but for bytes that are there: a page of a few bytes
// can claim two billion values, which a library decodes into memory first. What files
// may hold is compared with outside readers in tests.
type parquetFile struct {
	url      string
	f        io.ReaderAt
	meta     *parquetMeta
	top      *parquetNode
	columns  []*parquetColumn
	unpacker parquetUnpacker
	held     int64 // bytes of pages in memory

	rowText
	group    int   // that is read, counted from 1 on
	left     int64 // rows of it
	row      int64 // that was given last, or is written
	elements int   // that were written since the last look at the context
}

// openParquet reads the footer of a Parquet file.
func openParquet(_ context.Context, f io.ReaderAt, size int64, e Entry, o Options) (r Reader, err error) {
	p := &parquetFile{url: e.URL, f: f}
	defer func() {
		if cause := recover(); cause != nil {
			r, err = nil, p.wrong(fmt.Errorf("could not be read: %v", cause))
		}
	}()
	p.limits = usual()
	if p.meta, err = readFooter(f, size); err != nil {
		return nil, p.wrong(err)
	}
	var leaves []*parquetNode
	if p.top, leaves, err = compileParquet(p.meta.elements, o.Exact, o.Inexact); err != nil {
		return nil, p.wrong(err)
	}
	if err := p.fit(leaves); err != nil {
		return nil, p.wrong(err)
	}
	for _, n := range leaves {
		p.columns = append(p.columns, &parquetColumn{parquetNode: n, file: p})
	}
	if s := p.typed(o); s != nil {
		return newParquetRows(p, s, o), nil
	}
	return newRows(p, o), nil
}

// wrong is an error of the file, at the row that is read if there is one.
func (p *parquetFile) wrong(err error) error {
	var failed *readError
	var inexact *inexactError
	switch {
	case errors.As(err, &failed):
		return fmt.Errorf("%s: %w", p.url, failed.error)
	case errors.As(err, &inexact):
		return inexact.at(p.url)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	e := &Error{URL: p.url, Err: err}
	if p.row > 0 {
		e.At, e.Unit = p.row, "row"
	}
	return e
}

// cut is an error of reading what the file must have.
func (p *parquetFile) cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file was cut off")
	}
	return &readError{err}
}

// fit compares the row groups with the schema.
func (p *parquetFile) fit(leaves []*parquetNode) error {
	for i, g := range p.meta.groups {
		if len(g.chunks) != len(leaves) && (g.rows > 0 || len(g.chunks) > 0) {
			return fmt.Errorf("row group %d has %d columns, and the schema %d", i, len(g.chunks), len(leaves))
		}
		for k, c := range g.chunks {
			n := leaves[k]
			switch {
			case c.path != "" && c.path != n.path:
				return fmt.Errorf("row group %d has the column %q where the schema has %q", i, c.path, n.path)
			case c.typ != n.physical:
				return fmt.Errorf("row group %d has the column %q with type %d, and the schema with type %d", i, n.path, c.typ, n.physical)
			case !knownCodec(c.codec):
				return fmt.Errorf("column %q has the codec %d: snappy, gzip, brotli, lz4 and zstd are read", n.path, c.codec)
			case n.maxRep == 0 && c.values != g.rows:
				return fmt.Errorf("row group %d promises %d rows, and its column %q has %d values", i, g.rows, n.path, c.values)
			}
		}
	}
	return nil
}

// hold counts n more bytes in memory.
func (p *parquetFile) hold(n int64) error {
	if n <= 0 {
		return nil
	}
	if p.held += n; p.held > maxHeld {
		return fmt.Errorf("the pages that are needed for one row have more than %d bytes", maxHeld)
	}
	return nil
}

// next implements rowSource.
func (p *parquetFile) next(ctx context.Context, dst []byte) (text []byte, f flaw, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("could not be read: %v", cause)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			err = p.wrong(err)
		}
	}()
	for p.left == 0 {
		if err := p.nextGroup(); err != nil {
			return nil, flaw{}, err
		}
	}
	p.left--
	p.row++
	p.begin(dst)
	p.buf = append(p.buf, '{')
	for i, n := range p.top.children {
		if i > 0 {
			p.buf = append(p.buf, ',')
		}
		p.buf = append(p.buf, n.key...)
		p.column = n.name
		if err := p.write(ctx, n, 0); err != nil {
			return nil, flaw{}, fmt.Errorf("column %q: %w", n.name, err)
		}
		p.trim()
	}
	p.buf = append(p.buf, '}')
	text, f = p.end()
	return text, f, nil
}

// nextGroup goes on to the next row group, or ends with io.EOF.
func (p *parquetFile) nextGroup() error {
	for _, c := range p.columns {
		if p.group > 0 && !c.ended() {
			return fmt.Errorf("column %q: it has more values than its row group promises rows", c.path)
		}
	}
	if p.group == len(p.meta.groups) {
		return io.EOF
	}
	g := &p.meta.groups[p.group]
	p.group++
	p.left = g.rows
	for i, c := range p.columns {
		if i < len(g.chunks) {
			if err := c.open(&g.chunks[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
