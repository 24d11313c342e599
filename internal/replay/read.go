package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/zeebo/xxh3"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/store"
)

// DamagedError says that a file of the quarantine is not what its record says.
type DamagedError struct {
	Path, Why string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("replay %s: %s: put it back from a copy of the lake (tidemark verify tells what else is damaged)", e.Path, e.Why)
}

// Is makes the error a ledger.ErrUnsafe.
func (e *DamagedError) Is(target error) bool { return target == ledger.ErrUnsafe }

// read reads a file whole, and says which of its rows stay as they are.
func (r *runner) read(ctx context.Context, c *candidate) (*pipeline.Rejects, error) {
	data, err := r.bytes(ctx, &c.file)
	if err != nil {
		return nil, err
	}
	s := sheet{
		reason: r.Reason, layouts: r.layouts,
		out: &pipeline.Rejects{Path: c.file.Path, Size: c.file.Bytes, Version: c.batch, Sum: uint64(c.file.XXH3)},
	}
	if err := s.read(data); err != nil {
		return nil, &DamagedError{c.file.Path, err.Error()}
	}
	if n := int64(len(s.out.Rows)); n != c.file.Rows {
		return nil, &DamagedError{c.file.Path, fmt.Sprintf("it has %d rows, and its record says %d", n, c.file.Rows)}
	}
	return s.out, nil
}

// bytes are those of a file, if they are what its record says.
func (r *runner) bytes(ctx context.Context, f *ledger.File) ([]byte, error) {
	in, size, err := r.open(ctx, f)
	if errors.Is(err, store.ErrNotExist) {
		return nil, &DamagedError{f.Path, "it is missing"}
	}
	if err != nil {
		return nil, fmt.Errorf("replay %s: %w", f.Path, err)
	}
	defer in.Close()
	if size != f.Bytes {
		return nil, &DamagedError{f.Path, fmt.Sprintf("it has %d bytes, and its record says %d", size, f.Bytes)}
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(in, 0, size), data); err != nil {
		return nil, fmt.Errorf("replay %s: %w", f.Path, err)
	}
	if sum := xxh3.Hash(data); sum != uint64(f.XXH3) {
		return nil, &DamagedError{f.Path, fmt.Sprintf("its checksum is %016x, and its record says %016x", sum, uint64(f.XXH3))}
	}
	return data, nil
}

// open opens a file that another process may be publishing at this moment.
func (r *runner) open(ctx context.Context, f *ledger.File) (in store.Reader, size int64, err error) {
	for _, key := range []string{f.Path, f.Staged, f.Path} {
		if in, size, err = r.Lake.Open(ctx, key); !errors.Is(err, store.ErrNotExist) {
			break
		}
	}
	return in, size, err
}

// sheet makes records of the rows of one file.
type sheet struct {
	reason  string
	layouts map[string]*batch.Layout // by the header of their CSV
	out     *pipeline.Rejects
	at      map[string]int // columns
}

var wanted = []string{"_reason", "_detail", "_stage", "_value", "_key", "_headers", "_timestamp", "_topic", "_partition", "_offset", "_file", "_line"}

func (s *sheet) read(data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil { // the reader panics on bytes that are no Parquet
			err = fmt.Errorf("not Parquet: %v", p)
		}
	}()
	p, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("not Parquet: %w", err)
	}
	s.at = map[string]int{}
	for _, name := range wanted {
		leaf, ok := p.Schema().Lookup(name)
		if !ok {
			return fmt.Errorf("it has no column %s", name)
		}
		s.at[name] = leaf.ColumnIndex
	}
	buffer := make([]parquet.Row, 256)
	for _, g := range p.RowGroups() {
		if err := s.group(g, buffer); err != nil {
			return err
		}
	}
	return nil
}

func (s *sheet) group(g parquet.RowGroup, buffer []parquet.Row) (err error) {
	rows := g.Rows()
	defer func() { err = errors.Join(err, rows.Close()) }()
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			if err := s.row(row); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
	}
}

// row adds a row: its columns stand in their order, one value each.
func (s *sheet) row(row parquet.Row) error {
	text := func(name string) []byte { // nil: null
		v := row[s.at[name]]
		if v.IsNull() {
			return nil
		}
		return append([]byte{}, v.ByteArray()...)
	}
	number := func(name string) int64 {
		v := row[s.at[name]]
		switch {
		case v.IsNull():
			return 0
		case v.Kind() == parquet.Int32:
			return int64(v.Int32())
		}
		return v.Int64()
	}
	rec := batch.Record{Value: text("_value"), Key: text("_key")}
	if !row[s.at["_timestamp"]].IsNull() {
		rec.Time = time.UnixMicro(number("_timestamp")).UTC()
	}
	headers := batch.DecodeHeaders(text("_headers"))
	src := batch.Source{Topic: string(text("_topic")), Partition: int32(number("_partition")), File: string(text("_file"))}
	if src.File == "" {
		rec.Offset, rec.Headers = number("_offset"), headers
	} else {
		rec.Offset = number("_line")
		var err error
		if src.Layout, err = s.layout(headers); err != nil {
			return err
		}
	}
	stage, reason := batch.Stage(text("_stage")), string(text("_reason"))
	if s.reason != "" && reason != s.reason || stage == batch.StageFile {
		s.out.Stays = append(s.out.Stays, batch.Defect{
			Row: int32(len(s.out.Rows)), Reason: reason, Want: string(text("_detail")), Stage: stage, Told: true,
		})
	}
	s.out.Rows, s.out.Sources = append(s.out.Rows, rec), append(s.out.Sources, src)
	return nil
}

// layout is how the records of a file are written: lines of CSV have the header of their
// file beside them, all others are JSON.
func (s *sheet) layout(headers []batch.Header) (*batch.Layout, error) {
	header := ""
	for _, h := range headers {
		if h.Key == batch.HeaderOfCSV {
			header = string(h.Value)
		}
	}
	if l := s.layouts[header]; l != nil {
		return l, nil
	}
	l := &batch.Layout{Format: batch.JSON}
	if header != "" {
		l.Format = batch.CSV
		if err := json.Unmarshal([]byte(header), &l.Header); err != nil {
			return nil, fmt.Errorf("the header of its CSV: %w", err)
		}
	}
	s.layouts[header] = l
	return l, nil
}
