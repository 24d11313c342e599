package storetest

import (
	"context"
	"slices"

	"tidemark/internal/store"
)

// operation is one call of a store. Its results go through it by value: what happens
// later must not write into the frame of a caller that has long returned.
type operation[T any] struct {
	op  Op
	key string
	do  func(context.Context) (T, error)
	// half is what Cut makes of it, nil: nothing happens.
	half func(context.Context) (T, error)
}

// call carries out an operation, or what the fault that hits it makes of it. A late
// one outlives its caller's context, like a request on the wire.
func call[T any](ctx context.Context, f *Faulty, o operation[T]) (out T, err error) {
	hit := f.hit(o.op, o.key)
	f.landDue()
	defer func() { f.record(o.op, o.key, hit, err) }()
	if hit == nil {
		return o.do(ctx)
	}
	switch hit.Mode {
	case Lose:
		lost, _ := o.do(ctx)
		f.orphan(lost)
	case Late, Land:
		gap := 0
		if hit.Mode == Land {
			gap = hit.Gap
		}
		f.later(gap, func() error {
			lost, err := o.do(context.WithoutCancel(ctx))
			f.orphan(lost)
			return err
		})
	case Delay:
		if err := f.wait(ctx, hit.Wait); err != nil {
			return out, &store.Error{Op: string(o.op), Key: o.key, Err: err}
		}
		return o.do(ctx)
	case Twice:
		// Only what goes over a wire comes twice. A part of a file that did would come to
		// the same place.
		if o.op != OpWrite {
			first, _ := o.do(ctx)
			f.orphan(first)
		}
		return o.do(ctx)
	case Cut:
		if o.half != nil {
			half, err := o.half(ctx)
			if err == nil && o.op == OpOpen {
				return half, nil // it breaks off while it is read
			}
			return half, hit.Err
		}
	}
	return out, hit.Err
}

// orphan takes a file whose caller does not have it: one that is being written stays
// as it is until Deliver.
func (f *Faulty) orphan(x any) {
	switch x := x.(type) {
	case opened:
		if x.Reader != nil {
			_ = x.Close()
		}
	case store.Staged:
		f.mu.Lock()
		defer f.mu.Unlock()
		f.mu.orphans = append(f.mu.orphans, x)
	}
}

// none is the result of what has none.
type none struct{}

func (f *Faulty) act(ctx context.Context, op Op, key string, do func(context.Context) error) error {
	_, err := call(ctx, f, operation[none]{op: op, key: key, do: func(ctx context.Context) (none, error) { return none{}, do(ctx) }})
	return err
}

// Create implements Objects.
func (f *Faulty) Create(ctx context.Context, key string, data []byte) error {
	data = slices.Clone(data) // a late request has its own bytes
	_, err := call(ctx, f, operation[none]{
		op: OpCreate, key: key,
		do: func(ctx context.Context) (none, error) { return none{}, f.Store.Create(ctx, key, data) },
		half: func(context.Context) (none, error) {
			if m, ok := f.Store.(*Memory); ok {
				return none{}, m.Link(key, data)
			}
			return none{}, nil
		},
	})
	return err
}

// Read implements Objects.
func (f *Faulty) Read(ctx context.Context, key string) ([]byte, error) {
	return call(ctx, f, operation[[]byte]{op: OpRead, key: key, do: func(ctx context.Context) ([]byte, error) { return f.Store.Read(ctx, key) }})
}

// List implements Objects.
func (f *Faulty) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	return call(ctx, f, operation[[]store.Entry]{op: OpList, key: prefix, do: func(ctx context.Context) ([]store.Entry, error) { return f.Store.List(ctx, prefix) }})
}

// Sync implements Objects.
func (f *Faulty) Sync(ctx context.Context, dir string) error {
	return f.act(ctx, OpSync, dir, func(ctx context.Context) error { return f.Store.Sync(ctx, dir) })
}

// Publish implements Files.
func (f *Faulty) Publish(ctx context.Context, staged, final string, size int64) error {
	_, err := call(ctx, f, operation[none]{
		op: OpPublish, key: staged + " -> " + final,
		do:   func(ctx context.Context) (none, error) { return none{}, f.Store.Publish(ctx, staged, final, size) },
		half: func(ctx context.Context) (none, error) { return none{}, copyFile(ctx, f.Store, staged, final, size) },
	})
	return err
}

// copyFile is the first half of a Publish: both names have the file.
func copyFile(ctx context.Context, s Store, staged, final string, size int64) error {
	data, err := s.Read(ctx, staged)
	if err != nil || int64(len(data)) != size {
		return err
	}
	return s.Create(ctx, final, data)
}

// Stat implements Names.
func (f *Faulty) Stat(ctx context.Context, key string) (store.Entry, error) {
	return call(ctx, f, operation[store.Entry]{op: OpStat, key: key, do: func(ctx context.Context) (store.Entry, error) { return f.Store.Stat(ctx, key) }})
}

// Remove implements Names.
func (f *Faulty) Remove(ctx context.Context, key string) error {
	return f.act(ctx, OpRemove, key, func(ctx context.Context) error { return f.Store.Remove(ctx, key) })
}

// opened is what Open gives.
type opened struct {
	store.Reader
	size int64
}

// Open implements Files.
func (f *Faulty) Open(ctx context.Context, key string) (store.Reader, int64, error) {
	open := func(ctx context.Context) (opened, error) {
		r, n, err := f.Store.Open(ctx, key)
		return opened{r, n}, err
	}
	o, err := call(ctx, f, operation[opened]{op: OpOpen, key: key, do: open, half: func(ctx context.Context) (opened, error) {
		whole, err := open(ctx)
		if err == nil {
			whole.Reader = &brokenReader{Reader: whole.Reader, left: whole.size / 2}
		}
		return whole, err
	}})
	if err != nil {
		return nil, 0, err
	}
	return o.Reader, o.size, nil
}

// Stage implements Files. The writes of the staged file, its Finish and its Abort
// are operations of their own.
func (f *Faulty) Stage(ctx context.Context, key string) (store.Staged, error) {
	s, err := call(ctx, f, operation[store.Staged]{op: OpStage, key: key, do: func(ctx context.Context) (store.Staged, error) { return f.Store.Stage(ctx, key) }})
	if err != nil {
		return nil, err
	}
	return &faultyStaged{faulty: f, key: key, staged: s}, nil
}

type faultyStaged struct {
	faulty *Faulty
	key    string
	staged store.Staged
}

func (s *faultyStaged) Write(p []byte) (int, error) {
	p = slices.Clone(p) // a late one has its own bytes
	return call(context.Background(), s.faulty, operation[int]{
		op: OpWrite, key: s.key,
		do:   func(context.Context) (int, error) { return s.staged.Write(p) },
		half: func(context.Context) (int, error) { return s.staged.Write(p[:len(p)/2]) },
	})
}

func (s *faultyStaged) Finish(ctx context.Context) error {
	return s.faulty.act(ctx, OpFinish, s.key, func(ctx context.Context) error { return s.staged.Finish(ctx) })
}

func (s *faultyStaged) Abort() error {
	err := s.faulty.act(context.Background(), OpAbort, s.key, func(context.Context) error { return s.staged.Abort() })
	if err != nil {
		s.faulty.orphan(s.staged) // it may still be open
	}
	return err
}
