package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// tempPrefix begins the name of a file that has no key yet. A power cut may leave
// some behind; they are never listed and never read.
const tempPrefix = ".tidemark-tmp-"

// maxKnownDirs bounds the memory for folders known to be durable.
const maxKnownDirs = 4096

// File is a lake on a local disk. The file system must have hard links: link(2)
// is the one local operation that fails when its target exists, also between
// processes, and leaves either nothing or the whole file.
type File struct {
	root string
	disk disk

	mu struct {
		sync.Mutex
		durable map[string]bool // folders whose names, up to the root, are on disk
	}
}

// disk holds the calls whose order and failure decide what survives, so that a
// test can record them and make one fail.
type disk struct {
	open   func(name string, flag int, perm fs.FileMode) (*os.File, error)
	sync   func(f *os.File) error
	link   func(from, to string) error
	remove func(name string) error
}

func newFile(ctx context.Context, root string) (*File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, &Error{Op: "open lake", Key: root, Err: cause(err)}
	case !info.IsDir():
		return nil, &Error{Op: "open lake", Key: root, Err: syscall.ENOTDIR}
	}
	f := &File{root: root, disk: disk{open: os.OpenFile, sync: (*os.File).Sync, link: os.Link, remove: os.Remove}}
	f.mu.durable = map[string]bool{}
	return f, nil
}

// Root is the folder of the lake.
func (f *File) Root() string { return f.root }

// Create puts data under key if nothing is there. Once it returned nil, the
// object survives a loss of power; of many callers exactly one gets nil, the
// others ErrExists. Any other error may come after the object became visible.
func (f *File) Create(ctx context.Context, key string, data []byte) error {
	name, err := f.name(ctx, key)
	if err != nil {
		return f.fail("create", key, err)
	}
	if _, err := os.Lstat(name); err == nil {
		return f.fail("create", key, ErrExists) // link would say the same, three calls later
	}
	return f.fail("create", key, f.create(name, data))
}

func (f *File) create(name string, data []byte) (err error) {
	dir := filepath.Dir(name)
	temp := filepath.Join(dir, tempPrefix+randomHex())
	file, err := f.openNew(temp)
	if err != nil {
		return err
	}
	// Whatever happens the temporary name goes, and with it the space on a full disk.
	defer func() { _ = f.disk.remove(temp) }()
	_, err = file.Write(data)
	if err == nil {
		err = f.disk.sync(file)
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := f.disk.link(temp, name); err != nil {
		return err
	}
	return f.syncDir(dir)
}

// Read returns the whole object.
func (f *File) Read(ctx context.Context, key string) ([]byte, error) {
	name, err := f.name(ctx, key)
	if err != nil {
		return nil, f.fail("read", key, err)
	}
	data, err := os.ReadFile(name)
	return data, f.fail("read", key, err)
}

// Stat describes an object.
func (f *File) Stat(ctx context.Context, key string) (Entry, error) {
	name, err := f.name(ctx, key)
	if err != nil {
		return Entry{}, f.fail("look at", key, err)
	}
	info, err := os.Lstat(name)
	if err != nil {
		return Entry{}, f.fail("look at", key, err)
	}
	return Entry{Key: key, Size: info.Size(), Modified: info.ModTime().UTC()}, nil
}

// Open opens an object for reading and tells its size. The caller closes it.
func (f *File) Open(ctx context.Context, key string) (Reader, int64, error) {
	name, err := f.name(ctx, key)
	if err != nil {
		return nil, 0, f.fail("open", key, err)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, f.fail("open", key, err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, f.fail("open", key, err)
	}
	return file, info.Size(), nil
}

// Remove deletes an object, durably. Its folder stays, even where it is empty now: who
// is about to put a file there must not find it gone. ErrNotExist: there is none.
func (f *File) Remove(ctx context.Context, key string) error {
	name, err := f.name(ctx, key)
	if err == nil {
		err = f.disk.remove(name)
	}
	if err == nil {
		err = f.syncDir(filepath.Dir(name))
	}
	return f.fail("remove", key, err)
}

// Sync makes what is visible in a folder durable, whoever put it there.
func (f *File) Sync(ctx context.Context, dir string) error {
	name, err := f.name(ctx, dir)
	if err == nil {
		err = f.syncDir(name)
	}
	return f.fail("sync", dir, err)
}

// List returns the objects whose keys begin with prefix, ordered by key. An
// object that comes or goes meanwhile may be in it or not; a lake that is not
// there yet is empty.
func (f *File) List(ctx context.Context, prefix string) ([]Entry, error) {
	dir := prefix[:strings.LastIndexByte(prefix, '/')+1]
	if prefix != "" && strings.Contains("/"+prefix+"/", "/../") {
		return nil, f.fail("list", prefix, syscall.EINVAL)
	}
	var out []Entry
	err := filepath.WalkDir(filepath.Join(f.root, filepath.FromSlash(dir)), func(name string, d fs.DirEntry, err error) error {
		if e := ctx.Err(); e != nil {
			return e
		}
		if err != nil {
			return unlessGone(err)
		}
		rel, err := filepath.Rel(f.root, name)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if d.IsDir() {
			if key != "." && !strings.HasPrefix(key+"/", prefix) && !strings.HasPrefix(prefix, key+"/") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasPrefix(key, prefix) || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), tempPrefix) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return unlessGone(err)
		}
		out = append(out, Entry{Key: key, Size: info.Size(), Modified: info.ModTime().UTC()})
		return nil
	})
	// The walk orders by folder, where "a/b" comes before "a-b".
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Key, b.Key) })
	return out, f.fail("list", prefix, err)
}

func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// name maps a key to a name on the disk, and refuses keys that leave the lake.
func (f *File) name(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if !fs.ValidPath(key) || key == "." || strings.ContainsRune(key, 0) || strings.HasPrefix(path.Base(key), tempPrefix) {
		return "", errors.New("not a key: want a relative path with forward slashes")
	}
	return filepath.Join(f.root, filepath.FromSlash(key)), nil
}

// fail wraps err, turning what the system says into the sentinels.
func (f *File) fail(op, key string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: op, Key: key, Err: cause(err)}
	switch {
	case errors.Is(err, fs.ErrExist):
		e.Err = ErrExists
	case errors.Is(err, fs.ErrNotExist):
		e.Err = ErrNotExist
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Hint = "free some space for " + f.root + " and start again: nothing is lost"
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission) && op != "create":
		e.Hint = "make " + f.root + " writable for this user"
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "make " + f.root + " writable for this user, on a file system that has hard links"
	}
	return e
}

// cause drops the names that the os package puts before an error: the key says it.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}

func randomHex() string {
	var b [8]byte
	rand.Read(b[:]) // never fails: it would end the program
	return hex.EncodeToString(b[:])
}
