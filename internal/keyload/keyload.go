// Package keyload reads keys from where they lie: from the files of a table's decided
// batches, and from raw files elsewhere.
//
// References are the sets that quality's reference checks look into: loaded before the
// first batch, looked at again every so often, with the version that was used. Rebuild
// teaches a table's own keys (dedupe, unique through a run) what the ledger says is
// decided already. Both read the columns that they need and nothing else of a file.
//
// What is read is what a record of a ledger names, under its staged or its final name:
// rows that are decided and not published yet count, rows of undecided batches never
// do. Methods may be called from any goroutine. Errors come from the store or the file,
// and name it; nothing is changed then, and the same call may be made again.
package keyload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/internal/store"
)

// Lake is what reading needs of a store. Open gives the bytes of an object at any place;
// store.ErrNotExist: it is not there.
type Lake interface {
	ledger.Store
	Open(ctx context.Context, key string) (store.Reader, int64, error)
}

// batchRows is how many rows are handed on at once.
const batchRows = 16 << 10

// columns reads columns of Parquet files into batches of a table.
type columns struct {
	lake  Lake
	table *schema.Table
	want  []int // of table's columns; the others are left unset
}

// file calls use with the rows of one file of a decided batch. What use is given is
// valid during the call.
func (c *columns) file(ctx context.Context, f *ledger.File, use func(*batch.Batch) error) error {
	r, size, err := c.open(ctx, f)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	defer r.Close()
	if err := c.parquet(ctx, io.NewSectionReader(r, 0, size), use); err != nil {
		return fmt.Errorf("read keys from %s: %w", f.Path, err)
	}
	return nil
}

// open finds a file that another process may be publishing at this moment.
func (c *columns) open(ctx context.Context, f *ledger.File) (r store.Reader, size int64, err error) {
	for _, key := range []string{f.Path, f.Staged, f.Path} {
		if r, size, err = c.lake.Open(ctx, key); !errors.Is(err, store.ErrNotExist) {
			return r, size, err
		}
	}
	return nil, 0, err
}

func (c *columns) parquet(ctx context.Context, in *io.SectionReader, use func(*batch.Batch) error) (err error) {
	defer func() {
		if p := recover(); p != nil { // the reader panics on bytes that are no Parquet
			err = fmt.Errorf("not Parquet: %v", p)
		}
	}()
	p, err := parquet.OpenFile(in, in.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	b := &batch.Batch{}
	for _, group := range p.RowGroups() {
		if err := c.group(ctx, p, group, func(fill func(*batch.Batch) error, rows int) error {
			b.Reset(c.table, nil, 0, rows)
			if err := fill(b); err != nil {
				return err
			}
			return use(b)
		}); err != nil {
			return err
		}
	}
	return nil
}

// group reads the rows of a row group, a batch at a time.
func (c *columns) group(ctx context.Context, p *parquet.File, g parquet.RowGroup, use func(func(*batch.Batch) error, int) error) error {
	var readers []*column
	defer func() {
		for _, r := range readers {
			r.close()
		}
	}()
	for _, i := range c.want {
		name := c.table.Columns[i].Name
		leaf, ok := p.Schema().Lookup(name)
		if !ok {
			return fmt.Errorf("it has no column %s: was the table made with another name for it?", name)
		}
		readers = append(readers, &column{
			index: i, typ: c.table.Columns[i].Type, name: name, pages: g.ColumnChunks()[leaf.ColumnIndex].Pages(),
			values: make([]parquet.Value, 1024),
		})
	}
	for left := g.NumRows(); left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := int(min(left, batchRows))
		left -= int64(n)
		err := use(func(b *batch.Batch) error {
			for _, r := range readers {
				if err := r.read(b, n); err != nil {
					return fmt.Errorf("column %s: %w", r.name, err)
				}
			}
			return nil
		}, n)
		if err != nil {
			return err
		}
	}
	return nil
}

// column reads one column of a row group.
type column struct {
	index  int
	typ    schema.Type
	name   string
	pages  parquet.Pages
	page   parquet.Page
	reader parquet.ValueReader
	values []parquet.Value
	last   []byte // the text of the row before, and its code: equal ones come in runs
	code   int32
}

func (c *column) close() {
	parquet.Release(c.page)
	c.pages.Close()
}

// read fills the first n rows of the column.
func (c *column) read(b *batch.Batch, n int) error {
	v := &b.Columns[c.index]
	c.last, c.code = nil, -1
	for row := 0; row < n; {
		if c.reader == nil {
			var err error
			if c.page, err = c.pages.ReadPage(); err != nil {
				return fmt.Errorf("after %d of %d rows: %w", row, n, err)
			}
			c.reader = c.page.Values()
		}
		got, err := c.reader.ReadValues(c.values[:min(n-row, len(c.values))])
		for i := range c.values[:got] {
			if err := c.put(v, &c.values[i], row, n); err != nil {
				return err
			}
			row++
		}
		if errors.Is(err, io.EOF) {
			parquet.Release(c.page)
			c.page, c.reader = nil, nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// put sets the value of a row.
func (c *column) put(v *batch.Vector, x *parquet.Value, row, rows int) error {
	if x.IsNull() {
		v.SetMark(row, rows, batch.Null)
		if v.Codes == nil {
			v.Ints[row] = 0
			return nil
		}
		if v.Dict.Len() == 0 {
			v.Dict.Add(nil)
		}
		v.Codes[row] = 0
		return nil
	}
	text := !c.typ.Kind.Fixed()
	switch kind := x.Kind(); {
	case text && kind == parquet.ByteArray:
		if value := x.ByteArray(); c.code < 0 || !bytes.Equal(value, c.last) {
			c.code = v.Dict.Add(value)
			c.last = append(c.last[:0], value...)
		}
		v.Codes[row] = c.code
	case text:
		return fmt.Errorf("it holds %s, not %s", kind, c.typ)
	case kind == parquet.Int64:
		v.Ints[row] = x.Int64()
	case kind == parquet.Int32:
		v.Ints[row] = int64(x.Int32())
	case kind == parquet.Boolean:
		v.Ints[row] = 0
		if x.Boolean() {
			v.Ints[row] = 1
		}
	case kind == parquet.Double:
		v.Ints[row] = int64(math.Float64bits(x.Double()))
	case kind == parquet.Float:
		v.Ints[row] = int64(math.Float64bits(float64(x.Float())))
	default:
		return fmt.Errorf("it holds %s, not %s", kind, c.typ)
	}
	return nil
}
