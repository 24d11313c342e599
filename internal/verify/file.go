package verify

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

func hash(name string) uint64 { return xxh3.HashString(name) }

// file verifies one file of a record (V3), and its rows where that is asked for.
func (v *verifier) file(ctx context.Context, t *tally, f *ledger.File) error {
	in, size, key, err := v.open(ctx, f)
	if absent(err) {
		t.damaged = true
		v.found(t.record.Seq, f.Path, "is missing, and is not in staging either: put it back from a copy of the lake (%s)", identity(f))
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	if key == f.Staged {
		v.sum.Pending++
		if t.record.Seq < v.mark {
			v.found(t.record.Seq, f.Path, "is not published, though a checkpoint has it as published: move %s there", f.Staged)
		}
	}
	same, err := v.same(ctx, in, size, f)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if same != "" {
		t.damaged = true
		v.found(t.record.Seq, key, "%s: put it back from a copy of the lake (%s)", same, identity(f))
		return nil
	}
	if !v.options.Deep {
		return nil
	}
	return v.rows(ctx, t, f, in)
}

func identity(f *ledger.File) string {
	return fmt.Sprintf("%d bytes, %d rows, xxh3 %016x", f.Bytes, f.Rows, uint64(f.XXH3))
}

// open opens a file where it is, and tells its name. Between the first two looks a
// publisher may have moved it: hence the third.
func (v *verifier) open(ctx context.Context, f *ledger.File) (store.Reader, int64, string, error) {
	for _, key := range []string{f.Path, f.Staged, f.Path} {
		in, size, err := v.lake.Open(ctx, key)
		if err == nil || !absent(err) {
			return in, size, key, err
		}
	}
	return nil, 0, "", store.ErrNotExist
}

// same says what is different, empty: nothing.
func (v *verifier) same(ctx context.Context, in io.Reader, size int64, f *ledger.File) (string, error) {
	if size != f.Bytes {
		return fmt.Sprintf("has %d bytes", size), nil
	}
	if v.buffer == nil {
		v.buffer = make([]byte, 1<<20)
	}
	h := xxh3.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := in.Read(v.buffer)
		h.Write(v.buffer[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
	}
	if sum := h.Sum64(); sum != uint64(f.XXH3) {
		return fmt.Sprintf("has checksum %016x", sum), nil
	}
	return "", nil
}
