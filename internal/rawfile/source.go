package rawfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"tidemark/internal/batch"
	"tidemark/internal/store"
)

// errChanged says that a file is not what it was.
var errChanged = errors.New("the file has changed")

// source is a file as it lies there, open.
type source struct {
	store.Reader
	size int64
	done atomic.Int64 // bytes that were read; of a reader that jumps, at most size
	// failed is an error of the disk or the store. What a decompressor makes of it is no
	// longer that error.
	failed atomic.Pointer[error]
	local  bool
	// check looks whether the file is still the one that was found. A store is asked at
	// the end alone.
	check func(ctx context.Context, last bool) error
}

// Read implements io.Reader and counts.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.done.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed.Store(&err)
	}
	return n, err
}

// ReadAt implements io.ReaderAt and counts.
func (s *source) ReadAt(p []byte, at int64) (int, error) {
	n, err := s.Reader.ReadAt(p, at)
	s.done.Add(int64(n))
	return n, err
}

// failure is failed as a Reader gives it: what a disk cannot read is the file's own
// trouble, what a store does not answer is not.
func (s *source) failure(url string) error {
	if s.local {
		return &Error{URL: url, Err: cause(*s.failed.Load())}
	}
	return *s.failed.Load()
}

// hasFailed reports whether there is a failure.
func (s *source) hasFailed() bool { return s.failed.Load() != nil }

func openSource(ctx context.Context, e *Entry) (*source, error) {
	if e.objects != nil {
		return openObject(ctx, e)
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "file" {
		return nil, &Error{URL: e.URL, Err: errors.New("was not found by a search in its store")}
	}
	return openFile(e, u.Path)
}

func openFile(e *Entry, path string) (*source, error) {
	// A pipe that took the place of the file must not hold us up.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &Error{URL: e.URL, Err: cause(err)}
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New(kind(info.Mode()))
	}
	if err != nil {
		f.Close()
		return nil, &Error{URL: e.URL, Err: cause(err)}
	}
	if e.Modified.IsZero() {
		e.Size, e.Modified = info.Size(), info.ModTime()
	}
	s := &source{Reader: f, size: e.Size, local: true}
	s.check = func(_ context.Context, last bool) error {
		now, err := f.Stat()
		if err != nil {
			return cause(err)
		}
		if err := same(e, now.Size(), now.ModTime().Equal(e.Modified)); err != nil || !last {
			return err
		}
		there, err := os.Stat(path)
		if err != nil || !os.SameFile(there, now) {
			return fmt.Errorf("%w: another one has taken its place, or nothing", errChanged)
		}
		return nil
	}
	return s, nil
}

// same compares what is there with what was found.
func same(e *Entry, size int64, modified bool) error {
	switch {
	case size != e.Size:
		return fmt.Errorf("%w: it has %d bytes, and had %d when it was found", errChanged, size, e.Size)
	case !modified:
		return fmt.Errorf("%w: it was written to after it was found", errChanged)
	}
	return nil
}

func openObject(ctx context.Context, e *Entry) (*source, error) {
	r, size, err := e.objects.Open(ctx, e.key)
	if errors.Is(err, store.ErrNotExist) {
		return nil, &Error{URL: e.URL, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, err
	}
	s := &source{Reader: r, size: size}
	s.check = func(ctx context.Context, last bool) error {
		if !last {
			return same(e, size, true)
		}
		now, err := e.objects.Stat(ctx, e.key)
		if errors.Is(err, store.ErrNotExist) {
			return fmt.Errorf("%w: it is gone", errChanged)
		}
		if err != nil {
			s.failed.Store(&err)
			return err
		}
		if e.ETag != "" && now.ETag != "" {
			return same(e, now.Size, now.ETag == e.ETag)
		}
		return same(e, now.Size, wholeSecond(now.Modified).Equal(e.Modified))
	}
	return s, nil
}

// file is a Reader that watches over the file below another.
type file struct {
	Reader
	source *source
	url    string
}

// Next implements Reader: what was read from a changed file is not given.
func (f *file) Next(ctx context.Context, c *batch.Chunk) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := f.Reader.Next(ctx, c)
	if (err != nil || c.Last) && f.source.hasFailed() { // else it is further on
		return f.source.failure(f.url)
	}
	var ended *Error
	if err != nil && !errors.As(err, &ended) {
		return err
	}
	if changed := f.source.check(ctx, err != nil || c.Last); changed != nil {
		c.Reset()
		return f.fail(changed)
	}
	return err
}

func (f *file) fail(err error) error {
	if f.source.hasFailed() {
		return f.source.failure(f.url)
	}
	return &Error{URL: f.url, Err: err, Hint: "run the command again when nobody writes to it"}
}

// Done implements Reader.
func (f *file) Done() int64 { return min(f.source.done.Load(), f.source.size) }

// Close implements Reader.
func (f *file) Close() error { return errors.Join(f.Reader.Close(), f.source.Close()) }

// endingOf is what the name of a file ends with, in lower case, apart from the
// ending of a compression.
func endingOf(url string) string {
	name := strings.ToLower(url[strings.LastIndexByte(url, '/')+1:])
	for _, end := range []string{".gz", ".zst", ".bz2"} {
		name = strings.TrimSuffix(name, end)
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[i:]
	}
	return ""
}
