package storetest

import (
	"io"

	"tidemark/internal/store"
)

// brokenReader is a file that can be read up to a place, and not beyond it.
type brokenReader struct {
	store.Reader
	left int64 // where it breaks off
	at   int64
}

// Read implements io.Reader.
func (b *brokenReader) Read(p []byte) (int, error) {
	if b.at >= b.left {
		return 0, errCut
	}
	n, err := b.Reader.Read(p[:min(int64(len(p)), b.left-b.at)])
	b.at += int64(n)
	return n, err
}

// Seek implements io.Seeker.
func (b *brokenReader) Seek(offset int64, whence int) (int64, error) {
	at, err := b.Reader.Seek(offset, whence)
	if err == nil {
		b.at = at
	}
	return at, err
}

// ReadAt implements io.ReaderAt.
func (b *brokenReader) ReadAt(p []byte, off int64) (int, error) {
	if off >= b.left {
		return 0, errCut
	}
	n, err := b.Reader.ReadAt(p[:min(int64(len(p)), b.left-off)], off)
	if err == nil && n < len(p) {
		err = errCut
	}
	return n, err
}

var _ io.ReaderAt = (*brokenReader)(nil)
