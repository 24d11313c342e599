package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/config"
	"tidemark/internal/pipeline"
	"tidemark/internal/store"
	"tidemark/writer"
)

// chunk is how many records are handed over at once: about what a fetch brings for
// one partition.
const chunk = 4000

// alone feeds the pipeline from memory, into files on disk.
func alone(ctx context.Context, o options) (result, error) {
	lake, remove, err := newLake(o.dir)
	if err != nil {
		return result{}, err
	}
	defer remove()
	parts, err := newPartitions(o)
	if err != nil {
		return result{}, err
	}
	var rows, size, held int64
	for _, p := range parts {
		rows += int64(len(p.ends))
		held += int64(cap(p.ends))*8 + int64(len(p.data))
		size += p.values()
	}
	p, err := newPipeline(ctx, o, "file://"+lake)
	if err != nil {
		return result{}, err
	}
	stop, err := profiled(o)
	if err != nil {
		return result{}, err
	}
	defer stop()
	m, err := start()
	if err != nil {
		return result{}, err
	}
	if err := p.Feed(ctx, noEdge{}, func(ctx context.Context) error { return feed(ctx, p, parts) }); err != nil {
		return result{}, err
	}
	r, err := m.stop(rows, size, held)
	if err != nil {
		return result{}, err
	}
	return r, checkLake(ctx, "file://"+lake, o.events)
}

// profiled begins a profile of the processor if one was asked for, and returns what ends it.
func profiled(o options) (stop func(), err error) {
	if o.profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(o.profile)
	if err != nil {
		return nil, fmt.Errorf("write a profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("write a profile: %w", errors.Join(err, f.Close()))
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}

// newPipeline is what the program makes of the configuration.
func newPipeline(ctx context.Context, o options, lake string) (*pipeline.Pipeline, error) {
	if err := os.Setenv("BENCH_FORMAT", cmp.Or(o.format, "json")); err != nil {
		return nil, err
	}
	if err := os.Setenv("BENCH_LAKE", lake[len("file://"):]); err != nil {
		return nil, err
	}
	c, err := config.Load(o.config)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, lake)
	if err != nil {
		return nil, err
	}
	cfg := pipeline.Config{
		SourceSystem: c.SourceSystem, Drain: true, Raw: o.raw,
		MaxAge: c.Batch.MaxAge, MaxRows: c.Batch.MaxRows, MaxBytes: c.Batch.MaxBytes, Memory: c.Memory,
	}
	for _, t := range c.Tables {
		cfg.Tables = append(cfg.Tables, pipeline.Table{
			Schema: t.Schema, Topics: t.Topics, Suite: t.Suite, Policy: t.Policy,
			Delay: t.Delay, MaxFuture: t.MaxFuture, IdleAfter: t.IdleAfter, Late: t.Late,
			Writer: writer.Options{Codec: t.Writer.Codec, Level: t.Writer.Level, TargetFile: t.Writer.TargetFile, SortBy: t.Writer.SortBy},
		})
		if t.Schema.Format.InRegistry() {
			one, err := newOneSchema(t.Format)
			if err != nil {
				return nil, err
			}
			last := &cfg.Tables[len(cfg.Tables)-1]
			last.Schemas, last.Written = one, one
		}
	}
	if o.raw {
		cfg.Tables[0].Topics = nil
	}
	// As the program tells the collector.
	debug.SetMemoryLimit(c.Memory - c.Memory/16)
	debug.SetGCPercent(50)
	return pipeline.New(cfg, s, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}

// noEdge is a consumer that holds nothing.
type noEdge struct{}

func (noEdge) Commit(context.Context, []consumer.Offset) error              { return nil }
func (noEdge) EpochEnds(context.Context, []consumer.Epoch) ([]int64, error) { return nil, nil }
func (noEdge) Buffered() int64                                              { return 0 }
func (noEdge) Assigned() int                                                { return 0 }

// feed does what a consumer does in a drain, with partitions that lie in memory.
func feed(ctx context.Context, h consumer.Handler, parts []*partition) error {
	sources := make([]batch.Source, len(parts))
	start := make([]consumer.Partition, len(parts))
	for i, p := range parts {
		sources[i] = batch.Source{Topic: topic, TopicID: [16]byte{1}, Partition: int32(i)}
		start[i] = consumer.Partition{Source: sources[i], End: int64(len(p.ends))}
	}
	next, err := h.Start(ctx, start)
	if err != nil {
		return err
	}
	now := time.Now()
	for left := true; left; {
		left = false
		for i, p := range parts {
			end := int64(len(p.ends))
			if next[i] == end {
				continue
			}
			orders, err := h.Wait(ctx)
			if err != nil {
				return err
			}
			if len(orders.Seek)+len(orders.Pause) > 0 {
				return fmt.Errorf("feed the pipeline: it wants %+v, and nothing should go wrong here", orders)
			}
			from := next[i]
			next[i] = min(from+chunk, end)
			h.Accept(sources[i], next[i], end, p.records(from, next[i], now))
			left = true
		}
	}
	return h.Stop(ctx, sources, consumer.Drained)
}
