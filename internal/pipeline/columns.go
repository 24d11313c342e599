package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tidemark/internal/keyload"
	"tidemark/internal/ledger"
	"tidemark/internal/schema"
	"tidemark/internal/store"
	"tidemark/writer"
)

// ColumnsError says that a table's columns have other types than its files. No two types of
// a column were found that all of DuckDB, Spark, Polars and pyarrow take in one glob, but for
// string and json, which lie in files alike.
type ColumnsError struct {
	Table   string
	Changed []ChangedType
}

// ChangedType is a column whose type is another one than files of the table have.
type ChangedType struct {
	Column, Was, Is string
}

func (e *ColumnsError) Error() string {
	lines := make([]string, len(e.Changed))
	for i, c := range e.Changed {
		lines[i] = fmt.Sprintf("table %s: column %s is %s, and files of the table have it as %s, so that no glob could read them together: "+
			"give the new one another name, as in {name: %s_new, type: %q, from: %s}, and leave %s out (its files keep it), or write into another table",
			e.Table, c.Column, c.Is, c.Was, c.Column, c.Is, c.Column, c.Column)
	}
	return strings.Join(lines, "\n")
}

// CheckColumns finds columns of a table whose files have other types: by its ledger, or, if a
// program wrote it that recorded no columns, by the newest file of the table. The error is a
// *ColumnsError, or why that could not be read.
func CheckColumns(ctx context.Context, lake keyload.Lake, st *ledger.State, t *schema.Table) error {
	known := [][]ledger.Column{st.Columns, st.Past}
	if len(st.Columns) == 0 {
		columns, err := newestColumns(ctx, lake, st)
		if err != nil {
			return fmt.Errorf("table %s: look at the columns of its newest file: %w", t.Name, err)
		}
		known = [][]ledger.Column{columns}
	}
	var changed []ChangedType
	for _, columns := range known {
		for _, old := range columns {
			i := t.Column(old.Name)
			if i < 0 {
				continue // its files keep it
			}
			if is := t.Columns[i].Type.String(); inFiles(is) != inFiles(old.Type) {
				changed = append(changed, ChangedType{old.Name, old.Type, is})
			}
		}
	}
	if len(changed) > 0 {
		return &ColumnsError{Table: t.Name, Changed: changed}
	}
	return nil
}

// inFiles is a type as files have it.
func inFiles(typ string) string {
	return strings.ReplaceAll(typ, "json", "string")
}

// newestLook is how many records are looked at to find the newest file: most have one.
const newestLook = 1000

// newestColumns are those of the newest file of the table itself, nil: it has none, or none
// of late.
func newestColumns(ctx context.Context, lake keyload.Lake, st *ledger.State) ([]ledger.Column, error) {
	l := ledger.New(lake, st.Table)
	for seq := st.Head; seq > max(0, st.Head-newestLook); seq-- {
		r, err := l.Record(ctx, seq)
		if err != nil {
			return nil, err
		}
		for i := len(r.Files) - 1; i >= 0; i-- {
			if f := &r.Files[i]; f.Output == ledger.Main {
				return fileColumns(ctx, lake, f)
			}
		}
	}
	return nil, nil
}

// fileColumns reads a footer, of a file that may not be published yet.
func fileColumns(ctx context.Context, lake keyload.Lake, f *ledger.File) ([]ledger.Column, error) {
	in, size, err := lake.Open(ctx, f.Path)
	if errors.Is(err, store.ErrNotExist) {
		in, size, err = lake.Open(ctx, f.Staged)
	}
	if errors.Is(err, store.ErrNotExist) {
		return nil, nil // verify tells; nobody can read it, whatever its types
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	return writer.Columns(in, size)
}
