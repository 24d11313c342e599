package storetest

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"tidemark/internal/store"
)

// ErrInjected is the answer of an operation that a Fault hit.
var ErrInjected = errors.New("injected fault")

// Op names an operation of a store.
type Op string

// The operations, as they stand in a transcript.
const (
	OpCreate  Op = "create"
	OpRead    Op = "read"
	OpList    Op = "list"
	OpSync    Op = "sync"
	OpStage   Op = "stage"
	OpWrite   Op = "write"
	OpFinish  Op = "finish"
	OpAbort   Op = "abort"
	OpPublish Op = "publish"
	OpStat    Op = "stat"
	OpOpen    Op = "open"
	OpRemove  Op = "remove"
)

// Mode is what a fault does.
type Mode uint8

// The modes.
const (
	Fail Mode = iota // nothing happens, and an error is answered
	Lose             // it happens, and an error is answered
	Late             // an error is answered; it happens when Deliver is called
)

// Fault hits operations. The zero value of a field matches all.
type Fault struct {
	Op    Op
	Key   string // a pattern of path.Match for the key
	Index int    // the nth operation that matches the other two, from 1
	Times int    // how many in a row from Index on, 0: one, −1: all
	Mode  Mode
	Err   error // what is answered, nil: ErrInjected
}

// Faulty wraps a store. It injects the faults that it is told, and writes down
// every operation with its answer, in the order in which they returned.
type Faulty struct {
	Store Store

	mu struct {
		sync.Mutex
		faults  []*armed
		log     []string
		count   int
		delayed []func() error
	}
}

type armed struct {
	Fault
	seen int
}

// Inject adds faults.
func (f *Faulty) Inject(faults ...Fault) *Faulty {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range faults {
		f.mu.faults = append(f.mu.faults, &armed{Fault: x})
	}
	return f
}

// Heal removes all faults. What is late stays late.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.faults = nil
}

// Deliver lets the operations of mode Late happen, now that their callers have
// long been told otherwise, and returns their answers.
func (f *Faulty) Deliver() []error {
	f.mu.Lock()
	late := f.mu.delayed
	f.mu.delayed = nil
	f.mu.Unlock()
	var out []error
	for _, do := range late {
		out = append(out, do())
	}
	return out
}

// Count is the number of operations so far.
func (f *Faulty) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.count
}

// Transcript is one line per operation: "op key [-> key]", and its answer if that
// is not success.
func (f *Faulty) Transcript() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.mu.log)
}

// Forget empties the transcript.
func (f *Faulty) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.log = nil
}

// do carries out an operation, or what the fault that hits it makes of it. A late
// one outlives its caller's context, like a request on the wire.
func (f *Faulty) do(ctx context.Context, op Op, key string, do func(context.Context) error) error {
	hit := f.hit(op, key)
	var err error
	switch {
	case hit == nil:
		err = do(ctx)
	case hit.Mode == Lose:
		_ = do(ctx)
		err = hit.Err
	case hit.Mode == Late:
		f.mu.Lock()
		f.mu.delayed = append(f.mu.delayed, func() error { return do(context.WithoutCancel(ctx)) })
		f.mu.Unlock()
		err = hit.Err
	default:
		err = hit.Err
	}
	f.record(op, key, hit, err)
	return err
}

func (f *Faulty) hit(op Op, key string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.count++
	for _, a := range f.mu.faults {
		if a.Op != "" && a.Op != op {
			continue
		}
		if ok, _ := path.Match(a.Key, key); a.Key != "" && !ok {
			continue
		}
		a.seen++
		first := max(a.Index, 1)
		if a.seen < first || a.Times >= 0 && a.seen >= first+max(a.Times, 1) {
			continue
		}
		x := a.Fault
		if x.Err == nil {
			x.Err = ErrInjected
		}
		x.Err = &store.Error{Op: string(op), Key: key, Err: x.Err}
		return &x
	}
	return nil
}

func (f *Faulty) record(op Op, key string, hit *Fault, err error) {
	line := fmt.Sprintf("%s %s", op, key)
	switch {
	case hit != nil && hit.Mode == Lose:
		line += ": answer lost"
	case hit != nil && hit.Mode == Late:
		line += ": delayed"
	case err != nil:
		line += ": " + answer(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.log = append(f.mu.log, line)
}

func answer(err error) string {
	for _, known := range []error{store.ErrExists, store.ErrNotExist, store.ErrAgain, store.ErrSize, ErrInjected} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

// Create implements Objects.
func (f *Faulty) Create(ctx context.Context, key string, data []byte) error {
	data = slices.Clone(data) // a late request has its own bytes
	return f.do(ctx, OpCreate, key, func(ctx context.Context) error { return f.Store.Create(ctx, key, data) })
}

// Read implements Objects.
func (f *Faulty) Read(ctx context.Context, key string) (data []byte, err error) {
	err = f.do(ctx, OpRead, key, func(ctx context.Context) error { data, err = f.Store.Read(ctx, key); return err })
	if err != nil {
		data = nil
	}
	return data, err
}

// List implements Objects.
func (f *Faulty) List(ctx context.Context, prefix string) (out []store.Entry, err error) {
	err = f.do(ctx, OpList, prefix, func(ctx context.Context) error { out, err = f.Store.List(ctx, prefix); return err })
	if err != nil {
		out = nil
	}
	return out, err
}

// Sync implements Objects.
func (f *Faulty) Sync(ctx context.Context, dir string) error {
	return f.do(ctx, OpSync, dir, func(ctx context.Context) error { return f.Store.Sync(ctx, dir) })
}

// Publish implements Files.
func (f *Faulty) Publish(ctx context.Context, staged, final string, size int64) error {
	return f.do(ctx, OpPublish, staged+" -> "+final, func(ctx context.Context) error {
		return f.Store.Publish(ctx, staged, final, size)
	})
}

// Stat implements Names.
func (f *Faulty) Stat(ctx context.Context, key string) (e store.Entry, err error) {
	err = f.do(ctx, OpStat, key, func(ctx context.Context) error { e, err = f.Store.Stat(ctx, key); return err })
	return e, err
}

// Open implements Files.
func (f *Faulty) Open(ctx context.Context, key string) (r store.Reader, n int64, err error) {
	err = f.do(ctx, OpOpen, key, func(ctx context.Context) error { r, n, err = f.Store.Open(ctx, key); return err })
	if err != nil {
		r = nil
	}
	return r, n, err
}

// Remove implements Names.
func (f *Faulty) Remove(ctx context.Context, key string) error {
	return f.do(ctx, OpRemove, key, func(ctx context.Context) error { return f.Store.Remove(ctx, key) })
}

// Stage implements Files. The writes of the staged file, its Finish and its Abort
// are operations of their own.
func (f *Faulty) Stage(ctx context.Context, key string) (s store.Staged, err error) {
	err = f.do(ctx, OpStage, key, func(ctx context.Context) error { s, err = f.Store.Stage(ctx, key); return err })
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

func (s *faultyStaged) Write(p []byte) (n int, err error) {
	err = s.faulty.do(context.Background(), OpWrite, s.key, func(context.Context) error { n, err = s.staged.Write(p); return err })
	return n, err
}

func (s *faultyStaged) Finish(ctx context.Context) error {
	return s.faulty.do(ctx, OpFinish, s.key, func(ctx context.Context) error { return s.staged.Finish(ctx) })
}

func (s *faultyStaged) Abort() error {
	return s.faulty.do(context.Background(), OpAbort, s.key, func(context.Context) error { return s.staged.Abort() })
}

// Lines joins a transcript, leaving out the operations named.
func Lines(transcript []string, without ...Op) string {
	var b strings.Builder
	for _, l := range transcript {
		op, _, _ := strings.Cut(l, " ")
		if !slices.Contains(without, Op(op)) {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}
