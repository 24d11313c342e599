package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"runtime/debug"
	"slices"
	"strings"

	"tidemark/consumer"
	"tidemark/internal/config"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/writer"
)

// selectTables are the tables of those names, all if none is given.
func selectTables(cfg *config.Config, names ...string) ([]*config.Table, error) {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
	var out []*config.Table
	var known []string
	for i := range cfg.Tables {
		t := &cfg.Tables[i]
		known = append(known, t.Schema.Name)
		if len(names) == 0 || slices.Contains(names, t.Schema.Name) {
			out = append(out, t)
		}
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, usageError{fmt.Sprintf("--table %s: the configuration has no table of this name: it has %s", n, strings.Join(known, ", "))}
		}
	}
	return out, nil
}

// bufferShare is the part of the memory that records fetched ahead may take: the
// pipeline needs the most for batches in the making.
const (
	bufferShare = 8
	bufferMost  = 64 << 20
)

// consumerConfig is what the consumer needs to read these tables.
func consumerConfig(cfg *config.Config, tables []*config.Table) consumer.Config {
	k := cfg.Kafka
	out := consumer.Config{
		Brokers: k.Brokers, Tables: map[string]string{}, Start: k.Start,
		Group: k.Group, InstanceID: k.InstanceID, Rack: k.Rack, Protocol: k.Protocol, SessionTimeout: k.SessionTimeout,
		BufferBytes: min(cfg.Memory/bufferShare, bufferMost), MaxBatchBytes: cfg.Memory / bufferShare,
	}
	for _, t := range tables {
		for _, topic := range t.Topics {
			out.Tables[topic] = t.Schema.Name
		}
	}
	if k.TLS != nil {
		out.TLS = &consumer.TLS{CAFile: k.TLS.CAFile, CertFile: k.TLS.CertFile, KeyFile: k.TLS.KeyFile}
	}
	if k.SASL != nil {
		out.SASL = &consumer.SASL{Mechanism: k.SASL.Mechanism, Username: k.SASL.Username, Password: k.SASL.Password}
	}
	return out
}

// pipelineConfig is what the pipeline needs for these tables.
func pipelineConfig(cfg *config.Config, tables []*config.Table, drain bool) pipeline.Config {
	out := pipeline.Config{
		SourceSystem: cfg.SourceSystem,
		MaxAge:       cfg.Batch.MaxAge, MaxRows: cfg.Batch.MaxRows, MaxBytes: cfg.Batch.MaxBytes,
		Memory: cfg.Memory, Drain: drain, Decider: decider(cfg.Hash),
	}
	if cfg.Kafka != nil && cfg.Kafka.OnLoss == "continue" {
		out.OnLoss = pipeline.Continue
	}
	for _, t := range tables {
		out.Tables = append(out.Tables, pipeline.Table{
			Schema: t.Schema, Topics: t.Topics, Suite: t.Suite, Policy: t.Policy,
			Delay: t.Delay, MaxFuture: t.MaxFuture, IdleAfter: t.IdleAfter, Late: t.Late,
			Writer: writer.Options{Codec: t.Writer.Codec, Level: t.Writer.Level, TargetFile: t.Writer.TargetFile, SortBy: t.Writer.SortBy},
		})
	}
	return out
}

// decider says who we are, in the ledger.
func decider(configHash string) ledger.Decider {
	d := ledger.Decider{PID: os.Getpid(), Version: readBuild().version, ConfigHash: configHash}
	d.Host, _ = os.Hostname()
	if u, err := user.Current(); err == nil {
		d.User = u.Username
	}
	return d
}

// code is about what the program itself takes of the resident size: its text and data,
// which Go's limit does not count (58 MiB were measured in a backfill).
const code = 60 << 20

// limitMemory tells Go's collector of the budget: it works harder rather than let
// the process pass it.
func limitMemory(budget int64) (restore func()) {
	const headroom = 16 // a sixteenth, for what else is not on the heap
	was := debug.SetMemoryLimit(max(budget-max(budget/headroom, code), budget/2))
	percent := debug.SetGCPercent(50)
	return func() {
		debug.SetMemoryLimit(was)
		debug.SetGCPercent(percent)
	}
}

// kafkaInfo describes the cluster, once.
func kafkaInfo(ctx context.Context, cfg *config.Config, tables []*config.Table) (consumer.Info, error) {
	return consumer.Describe(ctx, consumerConfig(cfg, tables))
}
