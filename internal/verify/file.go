package verify

import (
	"bytes"
	"cmp"
	"context"
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
	if size != f.Bytes {
		v.damaged(t, key, f, fmt.Sprintf("has %d bytes", size))
		return nil
	}
	rows, sum, err := v.readAll(ctx, in, size)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if sum != uint64(f.XXH3) {
		v.damaged(t, key, f, fmt.Sprintf("has checksum %016x", sum))
		return nil
	}
	if !v.options.Deep {
		return nil
	}
	return v.rows(ctx, t, f, rows)
}

// damaged reports a file that is not the record's.
func (v *verifier) damaged(t *tally, key string, f *ledger.File, what string) {
	t.damaged = true
	v.found(t.record.Seq, key, "%s: put it back from a copy of the lake (%s)", what, identity(f))
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

const (
	keepUpTo = 64 << 20
	piece    = 1 << 20
)

// readAll reads a file from its beginning to its end. It returns its checksum, and
// where its rows are to be read from.
func (v *verifier) readAll(ctx context.Context, in store.Reader, size int64) (io.ReaderAt, uint64, error) {
	keep := v.options.Deep && size <= cmp.Or(v.options.Keep, keepUpTo)
	need := int64(piece)
	if keep {
		need = max(need, size)
	}
	if int64(len(v.buffer)) < need {
		v.buffer = make([]byte, need)
	}
	h := xxh3.New()
	for at := int64(0); at < size; at += piece {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		into := v.buffer[:min(piece, size-at)]
		if keep {
			into = v.buffer[at:min(at+piece, size)]
		}
		if _, err := io.ReadFull(in, into); err != nil {
			return nil, 0, err
		}
		h.Write(into)
	}
	if keep {
		return bytes.NewReader(v.buffer[:size]), h.Sum64(), nil
	}
	return in, h.Sum64(), nil
}
