package rawfile

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"tidemark/internal/store"
)

// place is a bucket that is searched.
type place struct {
	scheme, host string
	objects      Objects
}

// url is the canonical URL of an object.
func (p place) url(key string) string {
	return (&url.URL{Scheme: p.scheme, Host: p.host, Path: "/" + key}).String()
}

// bucket takes an argument that names objects; rest is what follows the scheme.
func (f *finder) bucket(ctx context.Context, scheme, rest string) error {
	if f.open == nil {
		return errors.New("no object store can be reached from here")
	}
	rest, params, _ := strings.Cut(rest, "?")
	host, raw, _ := strings.Cut(rest, "/")
	root := scheme + "://" + host
	if params != "" {
		root += "?" + params
	}
	objects, known := f.found.buckets[root]
	if !known {
		var err error
		if objects, err = f.open(ctx, root); err != nil {
			return err
		}
		f.found.buckets[root] = objects
	}
	p := place{scheme, host, objects}
	key, meta, err := unescape(raw)
	switch {
	case err != nil:
		return err
	case meta:
		return f.objectGlob(ctx, p, key)
	case key == "" || strings.HasSuffix(key, "/"):
		return f.objectsBelow(ctx, p, key)
	}
	return f.object(ctx, p, key)
}

// object takes the object of a key, or else those below it.
func (f *finder) object(ctx context.Context, p place, key string) error {
	if !fs.ValidPath(key) {
		f.takeObject(p, store.Entry{Key: key})
		return nil
	}
	e, err := p.objects.Stat(ctx, key)
	if errors.Is(err, store.ErrNotExist) {
		return f.objectsBelow(ctx, p, key+"/")
	}
	if err != nil {
		return err
	}
	f.takeObject(p, e)
	return nil
}

// objectsBelow takes all objects whose keys begin with prefix.
func (f *finder) objectsBelow(ctx context.Context, p place, prefix string) error {
	all, err := p.objects.List(ctx, prefix)
	if err != nil {
		return err
	}
	for _, e := range all {
		if !hidden(strings.TrimPrefix(e.Key, prefix), "") {
			f.takeObject(p, e)
		}
	}
	return nil
}

// objectGlob takes the objects whose keys match a pattern.
func (f *finder) objectGlob(ctx context.Context, p place, pattern string) error {
	if !doublestar.ValidatePattern(pattern) {
		return path.ErrBadPattern
	}
	prefix, rest := doublestar.SplitPattern(pattern)
	if prefix == "." {
		prefix = ""
	} else {
		prefix += "/"
	}
	all, err := p.objects.List(ctx, prefix)
	if err != nil {
		return err
	}
	for _, e := range all {
		name := strings.TrimPrefix(e.Key, prefix)
		if doublestar.MatchUnvalidated(rest, name) && !hidden(name, rest) {
			f.takeObject(p, e)
		}
	}
	return nil
}

func (f *finder) takeObject(p place, e store.Entry) {
	if !fs.ValidPath(e.Key) {
		f.bad(&Error{
			URL: p.url(e.Key), Err: errors.New("is a key that cannot be read"),
			Hint: "copy it to a key without empty parts, . and ..",
		})
		return
	}
	f.add(Entry{URL: p.url(e.Key), Size: e.Size, Modified: wholeSecond(e.Modified), ETag: e.ETag, objects: p.objects, key: e.Key})
}

// wholeSecond is a time of an object, as a listing and a look agree on it: some stores give one
// of them in milliseconds and the other in seconds.
func wholeSecond(t time.Time) time.Time { return t.Truncate(time.Second) }
