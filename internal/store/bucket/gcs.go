package bucket

import (
	"context"
	"net/http"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"

	"tidemark/internal/store"
)

// chunkSize is what one request of a larger upload carries.
const chunkSize = 4 << 20

func openGCS(ctx context.Context, at *store.Address, w waits) (*cloud, error) {
	web := newHTTP()
	idle := web.CloseIdleConnections
	if !at.Anonymous {
		found, err := google.FindDefaultCredentials(ctx, storage.ScopeReadWrite)
		if err != nil {
			return nil, &store.Error{Op: "open lake", Key: "gs://" + at.Bucket, Err: noCredentials(err), Hint: hintCredentials["gs"]}
		}
		web.Transport = &oauth2.Transport{Source: found.TokenSource, Base: web.Transport}
	}
	once, err := clientGCS(ctx, at, web)
	if err != nil {
		return nil, err
	}
	once.SetRetry(storage.WithPolicy(storage.RetryNever))
	again, err := clientGCS(ctx, at, web)
	if err != nil {
		return nil, err
	}
	// Preconditions and immutable names make each request one that may be repeated.
	again.SetRetry(storage.WithPolicy(storage.RetryAlways), storage.WithMaxAttempts(tries),
		storage.WithBackoff(gax.Backoff{Initial: w.first, Max: w.longest, Multiplier: 2}))
	c := &cloud{forbids: true, held: 3 * chunkSize}
	c.close = func() {
		once.Close()
		again.Close()
		idle()
	}
	if c.once, err = gcsblob.OpenBucket(ctx, nil, at.Bucket, &gcsblob.Options{Client: once}); err != nil {
		return nil, err
	}
	if c.again, err = gcsblob.OpenBucket(ctx, nil, at.Bucket, &gcsblob.Options{Client: again}); err != nil {
		return nil, err
	}
	c.single = func(o *blob.WriterOptions, _ int) { o.BufferSize = -1 } // no chunks
	c.parts = func(o *blob.WriterOptions) {
		o.BufferSize = chunkSize
		o.BeforeWrite = func(as func(any) bool) error {
			var w *storage.Writer
			if as(&w) {
				w.ChunkRetryDeadline = 2 * quiet
			}
			return nil
		}
	}
	c.copy = func(ctx context.Context, from, to string) error { return c.again.Copy(ctx, to, from, nil) }
	return c, nil
}

func clientGCS(ctx context.Context, at *store.Address, web *http.Client) (*storage.Client, error) {
	options := []option.ClientOption{option.WithHTTPClient(web), storage.WithJSONReads()}
	if at.Endpoint != "" {
		options = append(options, option.WithEndpoint(at.Endpoint+"/storage/v1/"))
	}
	return storage.NewClient(ctx, options...)
}
