package rawfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// fileURL is the canonical URL of a path that has no links in it.
func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// path takes an argument that is no URL.
func (f *finder) path(ctx context.Context, arg string) error {
	if arg == "" {
		return ErrNoMatch
	}
	if _, err := os.Lstat(arg); err != nil && strings.ContainsAny(arg, signs) {
		return f.glob(ctx, arg)
	}
	return f.plainPath(ctx, arg)
}

// plainPath takes a file or a folder that is named as it is.
func (f *finder) plainPath(ctx context.Context, name string) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	resolved, err := filepath.EvalSymlinks(abs)
	if errors.Is(err, fs.ErrNotExist) {
		if _, dangling := os.Lstat(abs); dangling != nil {
			return ErrNoMatch
		}
		f.bad(&Error{URL: fileURL(abs), Err: errors.New("is a link that leads nowhere")})
		return nil
	}
	if err != nil {
		f.bad(&Error{URL: fileURL(abs), Err: cause(err)})
		return nil
	}
	info, err := os.Stat(resolved)
	if err != nil {
		f.bad(&Error{URL: fileURL(resolved), Err: cause(err)})
		return nil
	}
	switch {
	case info.IsDir() && fileLike(abs) && !strings.HasSuffix(name, "/"):
		f.folderLikeFile(abs)
		return nil
	case info.IsDir():
		return f.walk(ctx, resolved)
	}
	f.file(resolved, info)
	return nil
}

// walk takes all files below root, which has no links in it.
func (f *finder) walk(ctx context.Context, root string) error {
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case err != nil: // of a folder: what it holds is not known
			f.bad(&Error{URL: fileURL(p), Err: cause(err)})
			return fs.SkipDir
		case p == root:
			return nil
		case hidden(d.Name(), ""):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() && fileLike(d.Name()):
			f.folderLikeFile(p)
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		f.below(root, p)
		return nil
	})
}

// glob takes the files that match a pattern.
func (f *finder) glob(ctx context.Context, pattern string) error {
	pattern, err := filepath.Abs(pattern)
	if err != nil {
		return err
	}
	if !doublestar.ValidatePattern(pattern) {
		return doublestar.ErrBadPattern
	}
	base, rest := doublestar.SplitPattern(pattern)
	root, err := filepath.EvalSymlinks(base)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNoMatch
	}
	if err != nil {
		return cause(err)
	}
	return f.search(ctx, search{root, rest}, "")
}

// search is a pattern and the folder that it begins in, which has no links in it.
type search struct {
	root, pattern string
}

// leads reports that something below the folder name may match. Only a pattern of a
// certain depth tells.
func (s search) leads(name string) bool {
	if !s.bounded() {
		return true
	}
	parts, depth := strings.Split(s.pattern, "/"), strings.Count(name, "/")+1
	return depth < len(parts) && doublestar.MatchUnvalidated(strings.Join(parts[:depth], "/"), name)
}

// bounded reports a pattern whose matches all lie equally deep.
func (s search) bounded() bool {
	return !strings.Contains(s.pattern, "**") && !strings.Contains(s.pattern, "{")
}

// search takes what matches in a folder and below. Links to folders are followed where
// that has an end.
func (f *finder) search(ctx context.Context, s search, folder string) error {
	list, err := os.ReadDir(filepath.Join(s.root, folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.bad(&Error{URL: fileURL(filepath.Join(s.root, folder)), Err: cause(err)})
	}
	for _, d := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Join(folder, d.Name())
		if hidden(name, s.pattern) {
			continue
		}
		at := filepath.Join(s.root, name)
		matches := doublestar.MatchUnvalidated(s.pattern, name)
		info, err := os.Stat(at)
		switch {
		case err != nil || !info.IsDir():
			if matches {
				f.below(s.root, at)
			}
			continue
		case !d.IsDir() && (matches || s.leads(name)) && !f.within(s.root, at):
			f.below(s.root, at) // says so
			continue
		case d.IsDir() && matches && fileLike(name):
			f.folderLikeFile(at)
			continue
		}
		if s.leads(name) && (d.IsDir() || s.bounded()) {
			if err := f.search(ctx, s, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// within reports that what lies at p, links followed, is below root.
func (f *finder) within(root, p string) bool {
	resolved, err := filepath.EvalSymlinks(p)
	return err == nil && inside(root, resolved)
}

// below takes what was met below root: a file, a link to one, or something else.
func (f *finder) below(root, p string) {
	resolved, err := filepath.EvalSymlinks(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, gone := os.Lstat(p); gone != nil {
			return // removed meanwhile
		}
		f.bad(&Error{URL: fileURL(p), Err: errors.New("is a link that leads nowhere")})
		return
	case err != nil:
		f.bad(&Error{URL: fileURL(p), Err: fmt.Errorf("cannot be looked at: %w", cause(err))})
		return
	case !inside(root, resolved):
		f.bad(&Error{
			URL: fileURL(p), Err: errors.New("is a link that leads out of " + root),
			Hint: "name what it leads to as an argument of its own",
		})
		return
	}
	info, err := os.Stat(resolved)
	switch {
	case err != nil:
		f.bad(&Error{URL: fileURL(p), Err: cause(err)})
	case info.IsDir():
		// A link to a folder within root: its files are met on their own way.
	default:
		f.file(resolved, info)
	}
}

// file takes what is no folder. path has no links in it.
func (f *finder) file(path string, info fs.FileInfo) {
	if !info.Mode().IsRegular() {
		f.bad(&Error{URL: fileURL(path), Err: errors.New(kind(info.Mode()))})
		return
	}
	f.add(Entry{URL: fileURL(path), Size: info.Size(), Modified: info.ModTime()})
}

func (f *finder) folderLikeFile(path string) {
	f.bad(&Error{
		URL: fileURL(path), Err: errors.New("is a folder"),
		Hint: "to read the files in it, name it as an argument with a slash at its end",
	})
}

// kind says what a thing that is no regular file is.
func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "is a folder"
	case m&fs.ModeNamedPipe != 0:
		return "is a pipe, not a file"
	case m&fs.ModeDevice != 0:
		return "is a device, not a file"
	case m&fs.ModeSocket != 0:
		return "is a socket, not a file"
	}
	return "is not a regular file"
}

// inside reports that path lies below root. Both have no links in them.
func inside(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(rel)
}

// cause is what the system says, without the path.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
