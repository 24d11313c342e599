package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tidemark/internal/generate"
)

// rowsPerFile is how many events a generated file holds at most.
const rowsPerFile = 1_000_000

// writeFiles writes events into files of a folder. Files that are there already are not
// replaced.
func writeFiles(ctx context.Context, dir string, as encoding, cfg generate.Config, made *made) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	events := generate.New(cfg)
	for k, left := 0, cfg.Rows; left > 0; k++ {
		name := filepath.Join(dir, fmt.Sprintf("events-%05d.%s", k, as.extension()))
		n := min(left, rowsPerFile)
		write := writeLines(cfg.Format.Header())
		if cfg.Format == generate.Avro {
			write = writeContainer
		}
		if err := writeFile(ctx, name, write, func() ([]byte, bool) {
			if n == 0 {
				return nil, false
			}
			n--
			e, ok := events.Next()
			made.rows.Add(1)
			made.bytes.Add(int64(len(e.Value)))
			return e.Value, ok
		}); err != nil {
			return err
		}
		left -= rowsPerFile
	}
	return nil
}

// content writes what next gives, until ctx is done.
type content func(ctx context.Context, w *bufio.Writer, next func() ([]byte, bool)) error

// writeFile makes a file of what next gives.
func writeFile(ctx context.Context, name string, write content, next func() ([]byte, bool)) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fmt.Errorf("write events: %w", e)
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(ctx, w, next); err != nil {
		return err
	}
	if err := w.Flush(); err != nil { // an earlier error of w is this one's too
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}

// writeLines writes a header, if there is one, and an event a line.
func writeLines(header string) content {
	return func(ctx context.Context, w *bufio.Writer, next func() ([]byte, bool)) error {
		if header != "" {
			w.WriteString(header + "\n")
		}
		for line, ok := next(); ok; line, ok = next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			w.Write(line)
			w.WriteByte('\n')
		}
		return nil
	}
}

// writeContainer writes a container of Avro.
func writeContainer(ctx context.Context, w *bufio.Writer, next func() ([]byte, bool)) error {
	c, err := newContainer(w)
	if err != nil {
		return err
	}
	for datum, ok := next(); ok; datum, ok = next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.add(datum); err != nil {
			return err
		}
	}
	return c.flush()
}
