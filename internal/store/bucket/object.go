package bucket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"gocloud.dev/blob"

	"tidemark/internal/store"
)

// readTries is how often an answer may be cut before a read gives up.
const readTries = 3

// Create puts data under key if nothing is there, with one request that is sent
// once. Of many callers exactly one gets nil, the others store.ErrExists;
// store.ErrAgain where the store was busy with this key and did nothing. Any other
// error may come after the object became visible.
//
// Google Cloud Storage asks for the right to replace an object before it looks at the
// precondition: who may only create gets a 403 where he has lost. The object tells.
func (b *Bucket) Create(ctx context.Context, key string, data []byte) error {
	name, err := b.name(ctx, key)
	if err != nil {
		return b.fail(ctx, "create", key, err)
	}
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	o := &blob.WriterOptions{ContentType: contentType(key), IfNotExist: true, DisableContentTypeDetection: true}
	b.cloud.single(o, len(data))
	err = b.cloud.once.Upload(call, name, bytes.NewReader(data), o)
	if a, ok := answerOf(err); ok && a.status == http.StatusForbidden && b.cloud.forbids {
		if there, e := b.cloud.again.Exists(call, name); e == nil && there {
			err = store.ErrExists
		}
	}
	return b.fail(ctx, "create", key, err)
}

func contentType(key string) string {
	if strings.HasSuffix(key, ".json") {
		return "application/json"
	}
	return "application/octet-stream"
}

// Read returns the whole object.
func (b *Bucket) Read(ctx context.Context, key string) ([]byte, error) {
	name, err := b.name(ctx, key)
	if err != nil {
		return nil, b.fail(ctx, "read", key, err)
	}
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	data, err := b.readRange(call, name, 0, -1)
	return data, b.failLook(ctx, "read", key, err)
}

// readRange reads length bytes, or to the end. The SDKs repeat a request that gets
// no answer; an answer that is cut is asked for again here.
func (b *Bucket) readRange(ctx context.Context, name string, from, length int64) (data []byte, err error) {
	for range readTries {
		r, e := b.cloud.again.NewRangeReader(ctx, name, from, length, nil)
		if e != nil {
			return nil, e
		}
		data, err = io.ReadAll(r)
		// What a short answer leaves out is seen by its length alone.
		if want := min(r.Size()-from, length); err == nil && length < 0 {
			if int64(len(data)) != r.Size()-from {
				err = io.ErrUnexpectedEOF
			}
		} else if err == nil && int64(len(data)) != want {
			err = io.ErrUnexpectedEOF
		}
		err = errors.Join(err, r.Close())
		if err == nil || ctx.Err() != nil {
			return data, err
		}
	}
	return nil, err
}

// Stat describes an object.
func (b *Bucket) Stat(ctx context.Context, key string) (store.Entry, error) {
	name, err := b.name(ctx, key)
	if err != nil {
		return store.Entry{}, b.fail(ctx, "look at", key, err)
	}
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	o, err := b.cloud.again.Attributes(call, name)
	if err != nil {
		return store.Entry{}, b.failLook(ctx, "look at", key, err)
	}
	return store.Entry{Key: key, Size: o.Size, Modified: o.ModTime.UTC(), ETag: bareETag(o.ETag)}, nil
}

// List returns what begins with prefix, in the order of the keys.
func (b *Bucket) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, b.fail(ctx, "list", prefix, err)
	}
	var out []store.Entry
	objects := b.cloud.again.List(&blob.ListOptions{Prefix: b.prefix() + prefix})
	for {
		o, err := b.next(ctx, objects)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, b.fail(ctx, "list", prefix, err)
		}
		// A name that ends with a slash is what consoles make to show a folder.
		key := strings.TrimPrefix(o.Key, b.prefix())
		if key != "" && !strings.HasSuffix(key, "/") {
			out = append(out, store.Entry{Key: key, Size: o.Size, Modified: o.ModTime.UTC(), ETag: listedETag(o)})
		}
	}
	slices.SortFunc(out, func(x, y store.Entry) int { return strings.Compare(x.Key, y.Key) })
	return out, nil
}

func (b *Bucket) next(ctx context.Context, objects *blob.ListIterator) (*blob.ListObject, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return objects.Next(ctx)
}

// Remove deletes an object. store.ErrNotExist: there is none.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	name, err := b.name(ctx, key)
	if err != nil {
		return b.fail(ctx, "remove", key, err)
	}
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return b.failLook(ctx, "remove", key, b.cloud.again.Delete(call, name))
}

// Sync does nothing: what is visible is durable.
func (b *Bucket) Sync(ctx context.Context, dir string) error {
	return b.fail(ctx, "sync", dir, ctx.Err())
}
