package writer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/gzip"
	"github.com/parquet-go/parquet-go/compress/lz4"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"tidemark/internal/schema"
)

// settings are Options that were found good.
type settings struct {
	codec        compress.Codec
	targetFile   int64
	sortBy       []int // columns of the table
	sourceSystem string
	sorting      []parquet.SortingColumn
}

// levels are the names of levels, each codec's own number for them in this order.
var levels = []string{"fastest", "default", "better", "best"}

func newSettings(t *schema.Table, o Options) (settings, error) {
	s := settings{targetFile: o.TargetFile, sourceSystem: o.SourceSystem}
	var errs []error
	level := 0
	if o.Level != "" {
		if level = slices.Index(levels, o.Level); level < 0 {
			errs = append(errs, fmt.Errorf("level %q is not one of %s", o.Level, strings.Join(levels, ", ")))
			level = 0
		}
	}
	var err error
	if s.codec, err = newCodec(o.Codec, level); err != nil {
		errs = append(errs, err)
	}
	if s.targetFile == 0 {
		s.targetFile = DefaultTargetFile
	}
	if s.targetFile < 0 {
		errs = append(errs, fmt.Errorf("target_file is %d bytes: write a size like 256MiB", o.TargetFile))
	}
	for _, name := range o.SortBy {
		c := t.Column(name)
		if c < 0 {
			errs = append(errs, fmt.Errorf("sort_by: %q is not a column of the table: name one of %s", name, strings.Join(columnNames(t), ", ")))
			continue
		}
		if t.Columns[c].Type.Kind.Nested() {
			errs = append(errs, fmt.Errorf("sort_by: %s is %s: rows are sorted by columns without lists, maps and structs", name, t.Columns[c].Type))
			continue
		}
		if slices.Contains(s.sortBy, c) {
			errs = append(errs, fmt.Errorf("sort_by names %s twice: name each column once", name))
		}
		s.sortBy = append(s.sortBy, c)
		s.sorting = append(s.sorting, parquet.NullsFirst(parquet.Ascending(name)))
	}
	return s, errors.Join(errs...)
}

func columnNames(t *schema.Table) []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

// newCodec makes a codec of its own for each Writer: they hold encoders.
func newCodec(name string, level int) (compress.Codec, error) {
	switch name {
	case "", "zstd":
		return newZstd([]zstd.Level{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression, zstd.SpeedBestCompression}[level])
	case "gzip":
		return &gzip.Codec{Level: []int{gzip.BestSpeed, gzip.DefaultCompression, 8, gzip.BestCompression}[level]}, nil
	case "lz4":
		return &lz4.Codec{Level: []lz4.Level{lz4.Fastest, lz4.Fast, lz4.Level5, lz4.Level9}[level]}, nil
	case "snappy":
		return &parquet.Snappy, nil
	case "none":
		return &parquet.Uncompressed, nil
	}
	return nil, fmt.Errorf("codec %q is not one of zstd, snappy, gzip, lz4, none", name)
}
