package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/store"
)

// observed is a lake whose operations are timed by their answers.
type observed struct {
	lake    store.Lake
	seconds *prometheus.HistogramVec
}

func observe(lake store.Lake, reg prometheus.Registerer) *observed {
	o := &observed{lake: lake, seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "tidemark_store_seconds",
		Help:    "Operations of the store, by what was answered.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10),
	}, []string{"op", "code"})}
	reg.MustRegister(o.seconds)
	return o
}

// done notes one operation that began at start.
func (o *observed) done(op string, start time.Time, err error) {
	o.seconds.WithLabelValues(op, answer(err)).Observe(time.Since(start).Seconds())
}

// answer is a short word for what a store said.
func answer(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrExists):
		return "exists"
	case errors.Is(err, store.ErrNotExist):
		return "not_exist"
	case errors.Is(err, store.ErrAgain):
		return "again"
	case errors.Is(err, store.ErrSize):
		return "size"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "no_space"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "canceled"
	}
	return "error"
}

// Create implements pipeline.Lake.
func (o *observed) Create(ctx context.Context, key string, data []byte) error {
	start := time.Now()
	err := o.lake.Create(ctx, key, data)
	o.done("create", start, err)
	return err
}

// Read implements pipeline.Lake.
func (o *observed) Read(ctx context.Context, key string) ([]byte, error) {
	start := time.Now()
	data, err := o.lake.Read(ctx, key)
	o.done("read", start, err)
	return data, err
}

// List implements pipeline.Lake.
func (o *observed) List(ctx context.Context, prefix string) ([]store.Entry, error) {
	start := time.Now()
	entries, err := o.lake.List(ctx, prefix)
	o.done("list", start, err)
	return entries, err
}

// Open implements pipeline.Lake.
func (o *observed) Open(ctx context.Context, key string) (store.Reader, int64, error) {
	start := time.Now()
	r, size, err := o.lake.Open(ctx, key)
	o.done("open", start, err)
	return r, size, err
}

// Sync implements pipeline.Lake.
func (o *observed) Sync(ctx context.Context, dir string) error {
	start := time.Now()
	err := o.lake.Sync(ctx, dir)
	o.done("sync", start, err)
	return err
}

// Publish implements pipeline.Lake.
func (o *observed) Publish(ctx context.Context, staged, final string, size int64) error {
	start := time.Now()
	err := o.lake.Publish(ctx, staged, final, size)
	o.done("publish", start, err)
	return err
}

// Stat implements pipeline.Lake.
func (o *observed) Stat(ctx context.Context, key string) (store.Entry, error) {
	start := time.Now()
	e, err := o.lake.Stat(ctx, key)
	o.done("stat", start, err)
	return e, err
}

// Remove implements prober.
func (o *observed) Remove(ctx context.Context, key string) error {
	start := time.Now()
	err := o.lake.Remove(ctx, key)
	o.done("remove", start, err)
	return err
}

// Stage implements pipeline.Lake.
func (o *observed) Stage(ctx context.Context, key string) (store.Staged, error) {
	start := time.Now()
	s, err := o.lake.Stage(ctx, key)
	o.done("stage", start, err)
	if err != nil {
		return nil, err
	}
	return &observedStaged{Staged: s, observed: o}, nil
}

// observedStaged is a file being written. Single writes are not timed: there are
// many, into memory.
type observedStaged struct {
	store.Staged
	observed *observed
}

// Finish implements store.Staged.
func (s *observedStaged) Finish(ctx context.Context) error {
	start := time.Now()
	err := s.Staged.Finish(ctx)
	s.observed.done("finish", start, err)
	return err
}
