package keyload

import (
	"context"
	"errors"
	"fmt"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
	"tidemark/quality"
)

// fileSource is a column of a raw file: CSV, JSON, Avro or Parquet, compressed or not.
type fileSource struct {
	shared
	of    quality.Reference
	open  rawfile.OpenObjects
	table *schema.Table
	plan  *conform.Plan
}

func newFileSource(open rawfile.OpenObjects, ref quality.Reference) (*fileSource, error) {
	one := &schema.Table{
		Name: "reference", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution(), CSV: schema.DefaultCSV(),
		Columns: []schema.Column{{Name: ref.FileColumn, Type: ref.Type, Required: true}},
	}
	plan, err := conform.Compile(one)
	if err != nil {
		return nil, fmt.Errorf("reference %s: %w", ref.Check, err)
	}
	return &fileSource{of: ref, open: open, table: one, plan: plan, shared: shared{set: quality.NewSet(ref.Type)}}, nil
}

// refresh reads the file anew if it has changed.
func (s *fileSource) refresh(ctx context.Context) (bool, error) {
	changed, err := s.load(ctx)
	if err != nil {
		return false, fmt.Errorf("reference %s: %w", s.of.Check, err)
	}
	return changed, nil
}

func (s *fileSource) load(ctx context.Context) (bool, error) {
	found, err := rawfile.Find(ctx, []string{s.of.File}, s.open)
	if err != nil {
		return false, err
	}
	defer found.Close()
	if len(found.Bad) > 0 {
		return false, found.Bad[0]
	}
	if len(found.Entries) != 1 {
		return false, fmt.Errorf("%s names %d files: name one", s.of.File, len(found.Entries))
	}
	e := found.Entries[0]
	version := fmt.Sprintf("%s, %d bytes, %s", e.URL, e.Size, e.Version())
	if version == s.seen {
		return false, nil
	}
	set, refused, err := s.read(ctx, e)
	if err != nil {
		return false, err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.set, s.seen, s.version = set, version, version
	if refused > 0 {
		s.version += fmt.Sprintf(", %d rows of it unreadable", refused)
	}
	return true, nil
}

// read makes the set of a file. Rows that cannot be read are left out and counted.
func (s *fileSource) read(ctx context.Context, e rawfile.Entry) (set *quality.Set, refused int64, err error) {
	name := s.of.FileColumn
	r, err := rawfile.Open(ctx, e, rawfile.Options{CSV: s.table.CSV, Columns: []string{name}, Required: [][]string{{name}}, Kinds: map[string]rawfile.ColumnKind{name: {Kind: s.of.Type.Kind}}})
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var (
		chunk   batch.Chunk
		raw     batch.Raw
		b       batch.Batch
		rows    int64
		decoder = s.plan.Decoder()
	)
	set = quality.NewSet(s.of.Type)
	for !chunk.Last {
		if err := r.Next(ctx, &chunk); err != nil {
			return nil, 0, err
		}
		raw.Reset()
		raw.AppendChunk(raw.Source(batch.Source{File: e.URL, Layout: r.Layout()}), &chunk)
		b.Reset(s.table, &raw, 0, raw.Rows())
		decoder.Decode(&b)
		set.Add(&b, 0)
		rows += int64(b.Rows)
		for _, f := range b.Fates[:b.Rows] {
			if f == batch.Quarantined {
				refused++
			}
		}
	}
	if rows > 0 && set.Len() == 0 {
		return nil, 0, fmt.Errorf("%s: of %d rows none has a %s in column %s: name another column, or mend the file", e.URL, rows, s.of.Type, name)
	}
	return set, refused, nil
}
