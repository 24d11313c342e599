package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tidemark/consumer"
	"tidemark/internal/config"
	"tidemark/internal/keyload"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/status"
)

// engine is everything that takes records from Kafka into a lake, put together.
type engine struct {
	cfg      *config.Config
	listen   string // address of the site, empty: none
	lake     *observed
	registry *prometheus.Registry
	meter    *meter
	pipe     *pipeline.Pipeline
	kafka    *consumer.Consumer              // nil: raw files are read
	read     func(ctx context.Context) error // feeds the pipeline, to its end
	watched  func() sample                   // how far that is, nil: it has no end
	doing    string                          // what that is called
	log      *slog.Logger
}

var (
	_ pipeline.Lake    = (*observed)(nil)
	_ pipeline.Edge    = (*consumer.Consumer)(nil)
	_ consumer.Handler = (*meter)(nil)
)

// newEngine opens the lake, probes it if it is new, and puts everything together.
// Kafka is not reached yet.
func newEngine(ctx context.Context, cfg *config.Config, tables []*config.Table, drain bool, log *slog.Logger) (*engine, error) {
	e, err := prepare(ctx, cfg, pipelineConfig(cfg, tables, drain), log)
	if err != nil {
		return nil, err
	}
	e.meter = &meter{Pipeline: e.pipe}
	if e.kafka, err = consumer.New(consumerConfig(cfg, tables), e.meter, log, e.registry); err != nil {
		return nil, err
	}
	e.read = e.kafka.Run
	if drain {
		e.read, e.watched, e.doing = e.kafka.Drain, e.drained, "draining"
	}
	return e, nil
}

// prepare opens the lake, probes it if it is new, and makes the pipeline into it.
func prepare(ctx context.Context, cfg *config.Config, settings pipeline.Config, log *slog.Logger) (*engine, error) {
	lake, err := openLake(ctx, cfg.Lake)
	if err != nil {
		return nil, err
	}
	e := &engine{cfg: cfg, listen: cfg.HTTP.Listen, registry: newRegistry(), log: log}
	e.lake = observe(lake, e.registry)
	if settings.Dry == nil {
		probed, err := probeNew(ctx, e.lake, settings.Tables)
		if err != nil {
			return nil, err
		}
		if probed {
			log.Info("the lake has a real put-if-absent", "lake", cfg.Lake, "keys", probeKeys, "racers", probeRacers)
		}
	}
	if err := endless(&settings); err != nil {
		return nil, err
	}
	if err := addSchemas(ctx, cfg, &settings, log); err != nil {
		return nil, err
	}
	settings.Staging, settings.Library = staging(lake), keyload.NewLibrary(e.lake, openBucket)
	e.pipe, err = pipeline.New(settings, e.lake, log, e.registry)
	return e, err
}

func newRegistry() *prometheus.Registry {
	b := readBuild()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tidemark_build_info", Help: "1, with the version of the program and of Go.",
		ConstLabels: prometheus.Labels{"version": b.version, "go": runtime.Version()},
	})
	info.Set(1)
	reg := prometheus.NewRegistry()
	reg.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// patience is how long a run that is asked to end may take for it: what is decided
// is published by then, or the next start publishes it.
const patience = 9500 * time.Millisecond

var errStuck = errors.New("end in time: the lake or the brokers do not answer: the process ends as it is, and the next start publishes what is decided")

// feed reads until the context is done or, in a drain, until all is read.
func (e *engine) feed(ctx context.Context) error {
	var edge pipeline.Edge // nil, and not a nil consumer
	if e.kafka != nil {
		edge = e.kafka
	}
	defer context.AfterFunc(ctx, func() { e.log.Info("ending: deciding and publishing what can be in time") })()
	err := inTime(ctx, func() error { return e.pipe.Feed(ctx, edge, e.read) })
	if errors.Is(err, errStuck) && settled(e.pipe.Snapshot()) {
		e.log.Warn("kafka does not answer the farewell; all that is decided is published")
		return nil
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// settled reports whether nothing is half done: no record is accepted and undecided,
// no batch decided and unpublished.
func settled(tables []pipeline.Snapshot) bool {
	for _, t := range tables {
		if t.OpenRows > 0 || t.State != nil && len(t.State.Pending) > 0 {
			return false
		}
	}
	return true
}

// inTime runs f, which is to end soon after ctx does. If it does not, for a disk
// that hangs, it is left behind, and main ends the process.
func inTime(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return errStuck
	}
}

// document is the state as this process knows it.
func (e *engine) document() status.Document {
	doc := status.Document{At: ledger.At(time.Now()), Version: readBuild().version, Lake: e.cfg.Lake, Tables: []status.Table{}}
	for _, s := range e.pipe.Snapshot() {
		st := s.State
		if st == nil { // not loaded yet
			st = ledger.NewState(s.Table)
		}
		doc.Tables = append(doc.Tables, status.Of(st, status.Live{Ends: s.Ends, Recent: s.Recent, Pending: len(st.Pending), Halted: s.Halted, OpenRows: s.OpenRows, Oldest: s.Oldest}))
	}
	return doc
}

// ready says why the process does not do its work at this moment, nil: it does.
func (e *engine) ready(ctx context.Context) error {
	if e.kafka != nil && e.kafka.Assigned() == 0 {
		return errors.New("no partitions are assigned")
	}
	for _, s := range e.pipe.Snapshot() {
		if s.State == nil || s.State.Head == 0 {
			continue
		}
		if _, err := e.lake.Read(ctx, ledger.RecordKey(s.Table, s.State.Head)); err != nil {
			return fmt.Errorf("reach the lake: %w", err)
		}
	}
	return nil
}
