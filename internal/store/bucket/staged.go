package bucket

import (
	"context"
	"io"
	"io/fs"

	"gocloud.dev/blob"

	"tidemark/internal/store"
)

// nonceKey is the metadata that tells a file from any other under the same name.
const nonceKey = "tidemarknonce"

// Stage begins a file that must not exist yet. It is visible, whole and durable
// after Finish, and not before; Finish is where store.ErrExists comes from.
func (b *Bucket) Stage(ctx context.Context, key string) (store.Staged, error) {
	name, err := b.name(ctx, key)
	if err != nil {
		return nil, b.fail(ctx, "stage", key, err)
	}
	from, to := io.Pipe()
	upload, cancel := context.WithCancel(ctx)
	s := &staged{bucket: b, key: key, name: name, nonce: randomHex(), pipe: to, cancel: cancel, done: make(chan struct{})}
	o := &blob.WriterOptions{
		ContentType: "application/octet-stream", IfNotExist: true, DisableContentTypeDetection: true,
		Metadata: map[string]string{nonceKey: s.nonce},
	}
	b.cloud.parts(o)
	go func() { // Finish and Abort wait for its end
		defer close(s.done)
		s.err = b.cloud.again.Upload(upload, name, from, o)
		from.CloseWithError(fs.ErrClosed) // a Write must not wait for a reader that is gone
	}()
	return s, nil
}

type staged struct {
	bucket           *Bucket
	key, name, nonce string

	pipe   *io.PipeWriter
	cancel context.CancelFunc
	done   chan struct{} // closed when the upload has ended
	err    error         // of the upload, after done

	size   int64
	ended  bool  // all bytes were given: the object may be visible
	broken error // the first failure
	closed bool  // finished, or aborted
}

func (s *staged) Write(p []byte) (int, error) {
	if s.closed {
		return 0, &store.Error{Op: "stage", Key: s.key, Err: fs.ErrClosed}
	}
	if s.broken != nil {
		return 0, s.broken
	}
	n, err := s.pipe.Write(p)
	s.size += int64(n)
	if err != nil {
		<-s.done
		s.broken = s.bucket.fail(context.Background(), "stage", s.key, s.err)
		return n, s.broken
	}
	return n, nil
}

func (s *staged) Finish(ctx context.Context) error {
	if s.closed {
		return &store.Error{Op: "stage", Key: s.key, Err: fs.ErrClosed}
	}
	if s.broken != nil {
		return s.broken
	}
	if err := ctx.Err(); err != nil {
		return s.bucket.fail(ctx, "stage", s.key, err)
	}
	s.ended = true
	s.pipe.Close()
	select {
	case <-s.done:
	case <-ctx.Done():
		s.cancel()
		<-s.done
	}
	if s.err != nil && !s.landed(ctx) {
		s.broken = s.bucket.fail(ctx, "stage", s.key, s.err)
		return s.broken
	}
	s.closed = true
	s.cancel()
	return nil
}

// landed reports whether the file is there although its upload ended in an error: a
// request whose answer was lost is refused when it is repeated.
func (s *staged) landed(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	o, err := s.bucket.cloud.again.Attributes(ctx, s.name)
	return err == nil && o.Metadata[nonceKey] == s.nonce && o.Size == s.size
}

// Abort waits for the end of the upload, and takes away what it may have left.
func (s *staged) Abort() error {
	if s.closed {
		return nil
	}
	s.closed = true
	// In this order: one driver takes the end of its input, whatever it was, for the
	// end of the object, unless its context has ended before.
	s.cancel()
	s.pipe.CloseWithError(fs.ErrClosed)
	<-s.done
	if !s.ended {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	o, err := s.bucket.cloud.again.Attributes(ctx, s.name)
	if err == nil && o.Metadata[nonceKey] == s.nonce {
		err = s.bucket.cloud.again.Delete(ctx, s.name)
	}
	if isAbsent(err) {
		return nil
	}
	return s.bucket.fail(ctx, "abort", s.key, err)
}
