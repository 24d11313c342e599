package bucket

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	"tidemark/internal/store"
)

// Readers ask for blocks and keep a few: footers and pages are read in small pieces
// that lie close together.
const (
	blockSize  = 2 << 20
	keptBlocks = 4
)

// Open opens an object for reading and tells its size. The caller closes it. The
// reader asks the store under ctx; it holds 8 MiB at most.
func (b *Bucket) Open(ctx context.Context, key string) (store.Reader, int64, error) {
	e, err := b.Stat(ctx, key)
	if err != nil {
		var failed *store.Error
		if errors.As(err, &failed) {
			failed.Op = "open"
		}
		return nil, 0, err
	}
	r := &reader{bucket: b, key: key, size: e.Size}
	// An io.ReaderAt has no context of its own.
	r.fetch = func(from, length int64) ([]byte, error) {
		name, err := b.name(ctx, key)
		if err != nil {
			return nil, err
		}
		call, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		data, err := b.readRange(call, name, from, length)
		return data, b.failLook(ctx, "read", key, err)
	}
	return r, e.Size, nil
}

type reader struct {
	bucket *Bucket
	key    string
	size   int64
	fetch  func(from, length int64) ([]byte, error)
	offset int64 // of Read and Seek, which one goroutine uses

	mu struct {
		sync.Mutex
		blocks []block // the one used last comes last
		closed bool
	}
}

type block struct {
	at   int64
	data []byte
}

// ReadAt may be called from many goroutines.
func (r *reader) ReadAt(p []byte, from int64) (n int, err error) {
	if from < 0 {
		return 0, &store.Error{Op: "read", Key: r.key, Err: errors.New("negative offset")}
	}
	for n < len(p) {
		if from >= r.size {
			return n, io.EOF
		}
		data, err := r.block(from / blockSize * blockSize)
		if err != nil {
			return n, err
		}
		k := copy(p[n:], data[from%blockSize:])
		n, from = n+k, from+int64(k)
	}
	return n, nil
}

func (r *reader) block(at int64) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.closed {
		return nil, &store.Error{Op: "read", Key: r.key, Err: fs.ErrClosed}
	}
	for i, b := range r.mu.blocks {
		if b.at == at {
			r.mu.blocks = append(append(r.mu.blocks[:i:i], r.mu.blocks[i+1:]...), b)
			return b.data, nil
		}
	}
	data, err := r.fetch(at, min(blockSize, r.size-at))
	if err != nil {
		return nil, err
	}
	if len(r.mu.blocks) == keptBlocks {
		r.mu.blocks = r.mu.blocks[1:]
	}
	r.mu.blocks = append(r.mu.blocks, block{at, data})
	return data, nil
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.offset >= r.size {
		return 0, io.EOF
	}
	n, err := r.ReadAt(p[:min(int64(len(p)), r.size-r.offset)], r.offset)
	r.offset += int64(n)
	return n, err
}

func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, &store.Error{Op: "read", Key: r.key, Err: errors.New("negative offset")}
	}
	r.offset = offset
	return offset, nil
}

func (r *reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.blocks, r.mu.closed = nil, true
	return nil
}
