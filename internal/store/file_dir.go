package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// openNew creates a file that must not exist, and its folder where that is
// missing. A folder that went away since we made it is made again, once.
func (f *File) openNew(name string) (*os.File, error) {
	dir := filepath.Dir(name)
	for again := false; ; again = true {
		if err := f.makeDir(dir); err != nil {
			return nil, err
		}
		file, err := f.disk.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil || again || !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
		f.forgetDirs()
	}
}

func (f *File) forgetDirs() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.mu.durable)
}

// makeDir makes a folder and sees to it that its name is durable, and those of the
// folders above it. Folders that others made count too: they may not have come to
// their fsync, and a file in a folder that a power cut takes away is lost with it.
func (f *File) makeDir(dir string) error {
	f.mu.Lock()
	known := f.mu.durable[dir]
	f.mu.Unlock()
	if known {
		return nil
	}
	parent := filepath.Dir(dir)
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrNotExist) && dir != parent {
		if err := f.makeDir(parent); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o755)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// Above the lake's root only what we made is ours to make durable.
	inside := strings.HasPrefix(dir, f.root+string(filepath.Separator))
	if inside {
		if err := f.makeDir(parent); err != nil {
			return err
		}
	}
	if inside || err == nil {
		if err := f.syncDir(parent); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.mu.durable) >= maxKnownDirs {
		clear(f.mu.durable)
	}
	f.mu.durable[dir] = true
	return nil
}

func (f *File) syncDir(name string) error {
	dir, err := f.disk.open(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	err = f.disk.sync(dir)
	if e := dir.Close(); err == nil {
		err = e
	}
	return err
}
