package verify

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"tidemark/internal/ledger"
)

// replay verifies what a record says that it took from the quarantine (V8), and, deep,
// which rows that were: those and no others may lie in its own files.
func (v *verifier) replay(ctx context.Context, t *tally) error {
	t.sources, t.replay = nil, true
	for i := range t.record.Sources {
		s := &t.record.Sources[i]
		path, ok := s.Key().Quarantined()
		if !ok {
			v.found(t.record.Seq, "", "replays files of the quarantine and reads %s besides", s.Key().Place())
			continue
		}
		f := v.rejected[path]
		switch {
		case f == nil:
			t.damaged = true
			v.found(t.record.Seq, path, "is replayed, and no record before this one has written it")
			continue
		case f.Rows != s.Records || f.XXH3 != s.Hash:
			v.found(t.record.Seq, path, "is replayed as %d rows with checksum %016x, and was written as %d with %016x", s.Records, uint64(s.Hash), f.Rows, uint64(f.XXH3))
		}
		delete(v.rejected, path)
		if !v.options.Deep {
			continue
		}
		if err := v.taken(ctx, t, f); err != nil {
			return err
		}
	}
	for _, s := range t.sources {
		if len(s.places) == 0 {
			continue // the file is damaged: it has a row without a place
		}
		slices.Sort(s.places)
		s.want, s.places, s.records = s.places, nil, int64(len(s.places))
		s.from, s.to = s.want[0], s.want[len(s.want)-1]+1
	}
	t.replay, t.raw = false, slices.ContainsFunc(t.sources, func(s *source) bool { return s.raw })
	return nil
}

// taken learns the places of the rows of a file that a record replays. That it is whole
// was seen when its own record was verified.
func (v *verifier) taken(ctx context.Context, t *tally, f *ledger.File) error {
	in, size, _, err := v.open(ctx, f)
	if absent(err) {
		t.damaged = true
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	p, err := openParquet(io.NewSectionReader(in, 0, size), size)
	if err == nil {
		_, t.raw = p.Schema().Lookup(columnFile)
		s := &sheet{tally: t, file: p, ctxErr: ctx.Err}
		err = s.origin()
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		t.damaged = true // reported with its own record
	}
	return nil
}

// origin reads the places of the rows of a file, and nothing else of it.
func (s *sheet) origin() (err error) {
	defer recovered(&err)
	s.values = pooled()
	first := int64(0)
	for _, g := range s.file.RowGroups() {
		if err := s.origins(g, first); err != nil {
			return err
		}
		first += g.NumRows()
	}
	if s.outside.rows > 0 {
		return fmt.Errorf("%d rows have no place", s.outside.rows)
	}
	return nil
}

// first is the source of a place that a replay takes, made when it is met.
func (t *tally) first(name string, partition int32) *source {
	s := &source{name: name, partition: partition, raw: strings.Contains(name, "://"), from: math.MinInt64, to: math.MaxInt64}
	t.sources = append(t.sources, s)
	return s
}

// has reports whether a row may come from a place.
func (s *source) has(place int64) bool {
	if place < s.from || place >= s.to {
		return false
	}
	if s.want == nil {
		return true
	}
	_, ok := slices.BinarySearch(s.want, place)
	return ok
}
