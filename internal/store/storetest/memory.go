// Package storetest holds what tests of stores and of their callers need: a store
// in memory that can lose power (Memory), a wrapper that fails or loses the answer
// of chosen operations and writes down all of them (Faulty), and the suite that
// every store must pass (Run).
//
// Memory and Faulty may be shared by goroutines, as any store. A test gives Memory
// to the code that it tests, through a Faulty where an operation is to fail or the
// order of operations is what it looks at. Only tests import this package: it keeps
// all bytes in memory and its errors name what was injected.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tidemark/internal/store"
)

// Store is a whole store.
type Store = store.Lake

var (
	_ Store = (*Memory)(nil)
	_ Store = (*Faulty)(nil)
)

// Memory is a store in memory. It keeps to the contracts of store.File, durability
// included: PowerCut takes away what nobody made durable. The zero value is empty.
type Memory struct {
	mu struct {
		sync.Mutex
		objects map[string]object
		clock   int64
	}
}

type object struct {
	data     []byte
	modified time.Time
	durable  bool
}

// Create implements Objects.
func (m *Memory) Create(ctx context.Context, key string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return failed("create", key, err)
	}
	return failed("create", key, m.put(key, data, true))
}

// Link makes an object visible but not durable: what is left by a writer that was
// cut off between linking it and syncing the folder.
func (m *Memory) Link(key string, data []byte) error { return m.put(key, data, false) }

func (m *Memory) put(key string, data []byte, durable bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.mu.objects[key]; ok {
		return store.ErrExists
	}
	m.setLocked(key, bytes.Clone(data), durable)
	return nil
}

func (m *Memory) setLocked(key string, data []byte, durable bool) {
	if m.mu.objects == nil {
		m.mu.objects = map[string]object{}
	}
	m.mu.clock++
	m.mu.objects[key] = object{data: data, durable: durable, modified: time.UnixMicro(m.mu.clock).UTC()}
}

// Read implements Objects.
func (m *Memory) Read(ctx context.Context, key string) ([]byte, error) {
	o, err := m.get(ctx, key)
	return bytes.Clone(o.data), failed("read", key, err)
}

func (m *Memory) get(ctx context.Context, key string) (object, error) {
	if err := ctx.Err(); err != nil {
		return object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.mu.objects[key]
	if !ok {
		return object{}, store.ErrNotExist
	}
	return o, nil
}

// List implements Objects.
func (m *Memory) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed("list", prefix, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []store.Entry
	for _, key := range slices.Sorted(maps.Keys(m.mu.objects)) {
		if o := m.mu.objects[key]; strings.HasPrefix(key, prefix) {
			out = append(out, store.Entry{Key: key, Size: int64(len(o.data)), Modified: o.modified})
		}
	}
	return out, nil
}

// Sync implements Objects.
func (m *Memory) Sync(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return failed("sync", dir, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	found := false
	for key, o := range m.mu.objects {
		if rest, ok := strings.CutPrefix(key, dir+"/"); ok {
			found = true
			if !strings.Contains(rest, "/") {
				o.durable = true
				m.mu.objects[key] = o
			}
		}
	}
	if !found {
		return failed("sync", dir, store.ErrNotExist)
	}
	return nil
}

// Stat implements Names.
func (m *Memory) Stat(ctx context.Context, key string) (store.Entry, error) {
	o, err := m.get(ctx, key)
	if err != nil {
		return store.Entry{}, failed("look at", key, err)
	}
	return store.Entry{Key: key, Size: int64(len(o.data)), Modified: o.modified}, nil
}

// Open implements Files.
func (m *Memory) Open(ctx context.Context, key string) (store.Reader, int64, error) {
	o, err := m.get(ctx, key)
	if err != nil {
		return nil, 0, failed("open", key, err)
	}
	return memoryReader{bytes.NewReader(o.data)}, int64(len(o.data)), nil
}

type memoryReader struct{ *bytes.Reader }

func (memoryReader) Close() error { return nil }

// Remove implements Names.
func (m *Memory) Remove(ctx context.Context, key string) error {
	if _, err := m.get(ctx, key); err != nil {
		return failed("remove", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.mu.objects, key)
	return nil
}

// Publish implements Files, as one atomic rename.
func (m *Memory) Publish(ctx context.Context, staged, final string, size int64) error {
	if err := ctx.Err(); err != nil {
		return failed("publish", staged, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	from, ok := m.mu.objects[staged]
	switch _, taken := m.mu.objects[final]; {
	case !ok:
		return failed("publish", staged, store.ErrNotExist)
	case int64(len(from.data)) != size:
		return failed("publish", staged, store.ErrSize)
	case taken:
		return failed("publish", final, store.ErrExists)
	}
	delete(m.mu.objects, staged)
	// A file that was never finished is not made durable by another name.
	m.setLocked(final, from.data, from.durable)
	return nil
}

// Stage implements Files. What is written is visible at once, and durable after
// Finish.
func (m *Memory) Stage(ctx context.Context, key string) (store.Staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed("stage", key, err)
	}
	if err := m.put(key, nil, false); err != nil {
		return nil, failed("stage", key, err)
	}
	return &memoryStaged{memory: m, key: key}, nil
}

// memoryStaged is under the lock of its memory: what Faulty lets happen late is done by
// another goroutine.
type memoryStaged struct {
	memory *Memory
	key    string
	data   []byte
	done   bool
}

func (s *memoryStaged) Write(p []byte) (int, error) {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	if s.done {
		return 0, failed("stage", s.key, errors.New("file already closed"))
	}
	s.data = append(s.data, p...)
	s.memory.setLocked(s.key, bytes.Clone(s.data), false)
	return len(p), nil
}

func (s *memoryStaged) Finish(ctx context.Context) error {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	if s.done {
		return failed("stage", s.key, errors.New("file already closed"))
	}
	if err := ctx.Err(); err != nil {
		return failed("stage", s.key, err)
	}
	s.done = true
	s.memory.setLocked(s.key, bytes.Clone(s.data), true)
	return nil
}

func (s *memoryStaged) Abort() error {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	if s.done {
		return nil
	}
	s.done = true
	delete(s.memory.mu.objects, s.key)
	return nil
}

// PowerCut takes away everything that is not durable.
func (m *Memory) PowerCut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.mu.objects, func(_ string, o object) bool { return !o.durable })
}

// Snapshot is the content of the store by key.
func (m *Memory) Snapshot() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[string]string, len(m.mu.objects))
	for k, o := range m.mu.objects {
		out[k] = string(o.data)
	}
	return out
}

func failed(op, key string, err error) error {
	if err == nil {
		return nil
	}
	return &store.Error{Op: op, Key: key, Err: err}
}
