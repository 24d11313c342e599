package parity_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// files is what any reader finds in the Parquet files below a table's folder.
type files struct {
	partitions map[string]int64             // rows by the folder of their file: "" where there are none
	types      map[string]string            // of the table's columns
	values     map[string]map[string]string // by key and column
}

// readFiles reads what a glob finds.
func readFiles(t *testing.T, folder, table string) files {
	t.Helper()
	out := files{partitions: map[string]int64{}, types: map[string]string{}, values: map[string]map[string]string{}}
	err := filepath.WalkDir(folder, func(name string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == folder {
			return nil
		}
		if err != nil || !strings.HasSuffix(name, ".parquet") {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		p, err := parquet.OpenFile(f, info.Size())
		if err != nil {
			return err
		}
		day, err := filepath.Rel(folder, filepath.Dir(name))
		if err != nil {
			return err
		}
		if p.NumRows() > 0 {
			out.partitions[strings.TrimPrefix(filepath.ToSlash(day), ".")] += p.NumRows()
		}
		return out.keep(p, columns(table))
	})
	if err != nil {
		t.Fatalf("read %s: %v", folder, err)
	}
	return out
}

// columns are those of a table, the key first.
func columns(table string) []string {
	for _, b := range bankOf().Tables() {
		if b.Name == table {
			return b.Columns
		}
	}
	return nil
}

// keep adds the values of a file's rows: numbers and times as the file has them, the
// latter in microseconds.
func (f *files) keep(p *parquet.File, names []string) error {
	plain := strings.NewReplacer("INT(64,true)", "INT64", "INT(32,true)", "INT32") // two ways to write it
	place := make([]int, len(names))
	for i, name := range names {
		if place[i] = slices.IndexFunc(p.Root().Columns(), func(c *parquet.Column) bool { return c.Name() == name }); place[i] < 0 {
			return errors.New("the file has no column " + name)
		}
		f.types[name] = plain.Replace(p.Root().Columns()[place[i]].Type().String())
	}
	rows := parquet.NewReader(p)
	defer func() { _ = rows.Close() }() // it was only read
	buffer := make([]parquet.Row, 64)
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			values := map[string]string{}
			for i, at := range place {
				values[names[i]] = row[at].String()
			}
			f.values[values[names[0]]] = values
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// others is how many rows both have, by their keys, and with other values: in columns
// that have the same type on both sides.
func (f *files) others(than files) (n int64) {
	for key, mine := range f.values {
		theirs, both := than.values[key]
		for column, value := range mine {
			if both && f.types[column] == than.types[column] && theirs[column] != value {
				n++
				break
			}
		}
	}
	return n
}
