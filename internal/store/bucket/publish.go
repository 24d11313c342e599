package bucket

import (
	"context"
	"errors"
	"time"

	"gocloud.dev/blob"

	"tidemark/internal/store"
)

// Publish gives the file staged, of size bytes, its final name, and then takes the
// staged name away, with the answers of store.File's Publish: store.ErrNotExist,
// store.ErrSize and store.ErrExists are settled, and nothing has changed.
//
// The final name is copied to within the store. Doing it again is harmless, and so
// is another process doing the same at the same time: both copy the same bytes, and
// the staged file goes only when the final one was seen to be this very file.
func (b *Bucket) Publish(ctx context.Context, staged, final string, size int64) error {
	from, err := b.name(ctx, staged)
	if err != nil {
		return b.fail(ctx, "publish", staged, err)
	}
	to, err := b.name(ctx, final)
	if err != nil {
		return b.fail(ctx, "publish", final, err)
	}
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	p := publication{bucket: b, from: from, to: to}
	op := staged + " as " + final
	is, err := b.cloud.again.Attributes(call, from)
	switch {
	case err != nil:
		return b.failLook(ctx, "publish", op, err)
	case is.Size != size:
		return b.fail(ctx, "publish", op, store.ErrSize)
	}
	switch err := p.bring(call, is); {
	case errors.Is(err, store.ErrExists):
		return b.fail(ctx, "publish", op, store.ErrExists)
	case errors.Is(err, store.ErrNotExist):
		return &store.Error{Op: "publish", Key: op, Err: store.ErrNotExist}
	case err != nil:
		return b.failUnsettled(ctx, "publish", op, err)
	}
	if err := b.cloud.again.Delete(call, from); err != nil && !isAbsent(err) {
		return b.failUnsettled(ctx, "publish", op, err)
	}
	return nil
}

type publication struct {
	bucket   *Bucket
	from, to string
}

// bring makes the final object be the staged one. store.ErrExists: another has the
// name.
func (p publication) bring(ctx context.Context, is *blob.Attributes) error {
	there, err := p.look(ctx, is)
	if err != nil || there {
		return err
	}
	copied := p.bucket.cloud.copy(ctx, p.from, p.to)
	for attempt := range tries {
		// Whatever the copy said: the file is there when it is seen.
		there, err = p.look(ctx, is)
		switch {
		case there:
			return nil
		case copied != nil && !isAbsent(copied):
			return errors.Join(copied, unsettled(err))
		}
		// Several publishers copy at once, and one of them has taken the staged one away.
		// A gateway on a file system shows no object, or one without its metadata, while
		// another's copy takes its place.
		if err := p.bucket.cloud.waits.wait(ctx, attempt); err != nil {
			return err
		}
	}
	switch {
	case isAbsent(copied) && errors.Is(err, store.ErrExists):
		// Nothing is left to publish, and an object has the final name: whoever asked for
		// this looks there next. The gateway may have lost the metadata in a race of copies.
		return store.ErrNotExist
	case err == nil:
		err = errors.New("the final object is not there after the copy")
	}
	return errors.Join(copied, unsettled(err))
}

// wait pauses between two looks.
func (w waits) wait(ctx context.Context, attempt int) error {
	d, _ := w.pause(attempt, nil)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look reports whether the final object is the staged one.
func (p publication) look(ctx context.Context, is *blob.Attributes) (there bool, err error) {
	now, err := p.bucket.cloud.again.Attributes(ctx, p.to)
	switch {
	case isAbsent(err):
		return false, nil
	case err != nil:
		return false, err
	case now.Size != is.Size || is.Metadata[nonceKey] == "" || now.Metadata[nonceKey] != is.Metadata[nonceKey]:
		return false, store.ErrExists
	}
	return true, nil
}

// unsettled keeps what was seen after a copy from being read as a settled answer.
func unsettled(err error) error {
	if errors.Is(err, store.ErrExists) {
		return errors.New("the final object is not the staged one after the copy")
	}
	return err
}
