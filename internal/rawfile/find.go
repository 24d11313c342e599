package rawfile

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"tidemark/internal/store"
)

// ErrNoMatch says that an argument names no file.
var ErrNoMatch = errors.New("no file matches")

// Objects is a bucket, from its root on. What it lists is durable and may change at
// any time; what comes out belongs to the caller; all methods may be called from many
// goroutines, and any may be repeated. store.ErrNotExist: there is no such key.
type Objects interface {
	List(ctx context.Context, prefix string) ([]store.Entry, error)
	Stat(ctx context.Context, key string) (store.Entry, error)
	Open(ctx context.Context, key string) (store.Reader, int64, error)
	Close() error
}

// OpenObjects opens a bucket: s3://bucket, gs://bucket or azblob://container, with the
// parameters of a lake's URL.
type OpenObjects func(ctx context.Context, bucket string) (Objects, error)

// Found is what Find found.
type Found struct {
	Entries []Entry  // by URL, each once
	Bad     []*Error // what matches and is no file that can be read, by URL, each once

	buckets map[string]Objects // by URL
}

// Close ends the connections to buckets. Entries cannot be opened afterwards.
func (f *Found) Close() error {
	var failed error
	for _, b := range f.buckets {
		failed = errors.Join(failed, b.Close())
	}
	return failed
}

// Find looks for the files that args name. Each is a path, a folder, a pattern, or a
// URL (file, s3, gs, azblob) of one of these.
//
//   - A folder stands for all files below it.
//   - A pattern has *, ?, [ab], {a,b} and ** (any number of folders). In a URL a ?
//     begins the parameters of a bucket, and what is percent-encoded means itself. A
//     path that exists is never a pattern.
//   - Names that begin with . or _ are left out, unless named by the argument itself.
//   - Symbolic links are followed where they lead to below the folder that was named,
//     or are named by the argument themselves.
//
// What matches and is no regular file (a pipe, a device, a link that leaves the folder,
// a folder that is named like a file) is in Bad; the rest is found all the same. An
// argument that names nothing at all is an error with ErrNoMatch. Other errors come
// from ctx or from a store. open may be nil: URLs of buckets are refused then.
func Find(ctx context.Context, args []string, open OpenObjects) (*Found, error) {
	f := &finder{
		open: open, seen: map[string]bool{},
		found: &Found{buckets: map[string]Objects{}},
	}
	var missing error
	for _, arg := range args {
		f.hits = 0
		err := f.argument(ctx, arg)
		if err == nil && f.hits == 0 {
			err = ErrNoMatch
		}
		switch {
		case errors.Is(err, ErrNoMatch):
			missing = errors.Join(missing, fmt.Errorf("find files: %w %s", ErrNoMatch, shown(arg)))
		case err != nil:
			return nil, errors.Join(fmt.Errorf("find files %s: %w", shown(arg), err), f.found.Close())
		}
	}
	if missing != nil {
		return nil, errors.Join(missing, f.found.Close())
	}
	slices.SortFunc(f.found.Entries, func(a, b Entry) int { return strings.Compare(a.URL, b.URL) })
	slices.SortFunc(f.found.Bad, func(a, b *Error) int { return strings.Compare(a.URL, b.URL) })
	return f.found, nil
}

// finder gathers files.
type finder struct {
	open  OpenObjects
	found *Found
	seen  map[string]bool // URLs
	hits  int             // of one argument, seen ones too
}

func (f *finder) argument(ctx context.Context, arg string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	scheme, rest, isURL := strings.Cut(arg, "://")
	switch {
	case !isURL || !isScheme(scheme):
		return f.path(ctx, arg)
	case scheme == "file":
		rest = strings.TrimPrefix(rest, "localhost")
		if !strings.HasPrefix(rest, "/") {
			return errors.New("write file:///path, with three slashes")
		}
		pattern, meta, err := unescape(rest)
		if err != nil {
			return err
		}
		if !meta {
			return f.plainPath(ctx, pattern)
		}
		return f.glob(ctx, pattern)
	case scheme == "s3" || scheme == "gs" || scheme == "azblob":
		return f.bucket(ctx, scheme, rest)
	}
	return errors.New("unknown scheme: write a path, or file://, s3://, gs:// or azblob://")
}

// isScheme tells a URL from a path that happens to have :// in it.
func isScheme(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

// add takes a file that was found, once.
func (f *finder) add(e Entry) {
	f.hits++
	if !f.seen[e.URL] {
		f.seen[e.URL] = true
		f.found.Entries = append(f.found.Entries, e)
	}
}

// bad takes what matches and cannot be read, once.
func (f *finder) bad(e *Error) {
	f.hits++
	if !f.seen[e.URL] {
		f.seen[e.URL] = true
		f.found.Bad = append(f.found.Bad, e)
	}
}

// unescape makes a pattern of the path of a URL: what is percent-encoded there means
// itself in the pattern. Without any sign of a pattern it is a plain name.
func unescape(raw string) (pattern string, meta bool, err error) {
	meta = strings.ContainsAny(raw, signs)
	if !meta {
		name, err := url.PathUnescape(raw)
		if err != nil {
			return "", false, errors.New("percent-encoding cannot be read: write %25 for a percent sign")
		}
		return name, false, nil
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '%' {
			b.WriteByte(raw[i])
			continue
		}
		if i+3 > len(raw) {
			return "", true, errors.New("percent-encoding cannot be read: write %25 for a percent sign")
		}
		one, err := url.PathUnescape(raw[i : i+3])
		if err != nil {
			return "", true, errors.New("percent-encoding cannot be read: write %25 for a percent sign")
		}
		if strings.ContainsAny(one, signs+`\}]!^-,`) {
			b.WriteByte('\\')
		}
		b.WriteString(one)
		i += 2
	}
	return b.String(), true, nil
}

// signs are what makes a pattern of a name.
const signs = `*?[{`

// hidden reports a name below a folder that is left out: one of its parts begins with
// . or _, and pattern, the argument's, has no part that begins so.
func hidden(name, pattern string) bool {
	for _, sign := range []string{".", "_"} {
		if strings.Contains("/"+name, "/"+sign) && !strings.Contains("/"+pattern, "/"+sign) {
			return true
		}
	}
	return false
}

// fileLike reports the name of a folder that anyone would take for a file.
func fileLike(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".avro", ".parquet", ".gz", ".zst", ".bz2":
		return true
	}
	return false
}

// shown is an argument as errors may show it: without the parameters of a URL.
func shown(arg string) string {
	if scheme, _, ok := strings.Cut(arg, "://"); ok && isScheme(scheme) && scheme != "file" {
		arg, _, _ = strings.Cut(arg, "?")
		if i := strings.LastIndexByte(arg, '@'); i >= 0 {
			arg = scheme + "://" + arg[i+1:]
		}
	}
	return fmt.Sprintf("%q", arg)
}
