package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Stage begins a file that must not exist yet. It is durable after Finish; what
// others see of it before is not specified.
func (f *File) Stage(ctx context.Context, key string) (Staged, error) {
	name, err := f.name(ctx, key)
	if err != nil {
		return nil, f.fail("stage", key, err)
	}
	file, err := f.openNew(name)
	if err != nil {
		return nil, f.fail("stage", key, err)
	}
	return &stagedFile{store: f, key: key, file: file}, nil
}

type stagedFile struct {
	store  *File
	key    string
	file   *os.File
	broken error // the first failure: after it the file cannot become durable
	done   bool  // finished, or aborted
}

func (s *stagedFile) Write(p []byte) (int, error) {
	if s.done {
		return 0, s.store.fail("stage", s.key, fs.ErrClosed)
	}
	n, err := s.file.Write(p)
	return n, s.note(err)
}

// note keeps the first failure. A disk may forget that it lost a page once it has
// said so, so that a later fsync would report success.
func (s *stagedFile) note(err error) error {
	if s.broken == nil {
		s.broken = s.store.fail("stage", s.key, err)
	}
	if err == nil {
		return nil
	}
	return s.broken
}

func (s *stagedFile) Finish(ctx context.Context) error {
	if s.done {
		return s.store.fail("stage", s.key, fs.ErrClosed)
	}
	if s.broken != nil {
		return s.broken
	}
	if err := ctx.Err(); err != nil {
		return s.store.fail("stage", s.key, err)
	}
	if err := s.store.disk.sync(s.file); err != nil {
		return s.note(err)
	}
	if err := s.store.syncDir(filepath.Dir(s.file.Name())); err != nil {
		return s.note(err)
	}
	s.done = true
	return s.store.fail("stage", s.key, s.file.Close())
}

func (s *stagedFile) Abort() error {
	if s.done {
		return nil
	}
	s.done = true
	name := s.file.Name()
	s.file.Close() // its bytes are not wanted
	err := s.store.disk.remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return s.store.fail("abort", s.key, err)
}

// Publish gives the file staged, of size bytes, its final name, durably, and then
// takes the staged name away. It never replaces a file: where another one has the
// final name, it answers ErrExists. ErrNotExist: there is no staged file; ErrSize:
// it is not as long as it should be. With these three nothing has changed.
//
// Doing it again is harmless, and so is another process doing the same: the final
// name is a link to the same file, and a staged name that outlived a power cut is
// only taken away.
func (f *File) Publish(ctx context.Context, staged, final string, size int64) error {
	from, err := f.name(ctx, staged)
	if err != nil {
		return f.fail("publish", staged, err)
	}
	to, err := f.name(ctx, final)
	if err != nil {
		return f.fail("publish", final, err)
	}
	return f.fail("publish", staged+" as "+final, f.publish(from, to, size))
}

func (f *File) publish(from, to string, size int64) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() != size {
		return ErrSize
	}
	if err := f.linkFinal(from, to); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// The staged name goes only when the final one is seen to be this very file.
	now, err := os.Lstat(to)
	if err != nil {
		return unsettled(err)
	}
	if !os.SameFile(info, now) {
		return ErrExists
	}
	if err := f.syncDir(filepath.Dir(to)); err != nil {
		return unsettled(err)
	}
	if err := f.disk.remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := f.syncDir(filepath.Dir(from)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unsettled(err)
	}
	return nil
}

// linkFinal links from to to, in a folder that it makes where it is missing. Its
// ErrNotExist is about from alone: a day's folder that somebody took away meanwhile
// is made again, for a publisher would take the answer for a lost file.
func (f *File) linkFinal(from, to string) error {
	for again := false; ; again = true {
		if err := f.makeDir(filepath.Dir(to)); err != nil {
			return unsettled(err)
		}
		err := f.disk.link(from, to)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if _, e := os.Lstat(from); e != nil {
			return err
		}
		if again {
			return unsettled(err)
		}
		f.forgetDirs()
	}
}

// unsettled keeps an error from being read as a settled answer: a folder that is
// missing after the link is no proof that there was nothing to publish.
func unsettled(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return syscall.EIO
	}
	return err
}
