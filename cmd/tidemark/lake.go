package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/rawfile"
	"tidemark/internal/store"
	"tidemark/internal/store/bucket"
)

// openLake gives the lake at a URL: a folder, or a bucket in an object store. It lives
// as long as the process. Nothing in it waits to be written, and to close a bucket is
// to wait for requests that a dead store may not answer.
func openLake(ctx context.Context, lake string) (store.Lake, error) {
	switch scheme, _, _ := strings.Cut(lake, "://"); scheme {
	case "s3", "gs", "azblob":
		return bucket.Open(ctx, lake)
	}
	return store.Open(ctx, lake)
}

// openBucket gives the bucket at a URL, from its root on: where raw files lie.
func openBucket(ctx context.Context, url string) (rawfile.Objects, error) {
	return bucket.Open(ctx, url)
}

// selection is the lake of a configuration, with the tables that a command works on.
type selection struct {
	lake   store.Lake
	tables []*config.Table
}

// openTables reads a configuration and opens its lake, for the table of this name or,
// without one, for all.
func openTables(ctx context.Context, file, table string) (*selection, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	tables, err := selectTables(cfg, table)
	if err != nil {
		return nil, err
	}
	lake, err := openLake(ctx, cfg.Lake)
	return &selection{lake, tables}, err
}

// staging is what a lake holds in memory of one file that is being written, in bytes.
func staging(lake store.Lake) int64 {
	if b, ok := lake.(*bucket.Bucket); ok {
		return b.Held()
	}
	return 0
}

// The size of the probe for a real put-if-absent: enough to find most weak stores.
const (
	probeKeys   = 20
	probeRacers = 16
	probeKey    = "_tidemark/probe/result.json"
)

// probeResult is kept in the lake, so that the probe is done once.
type probeResult struct {
	Version int         `json:"version"`
	At      ledger.Time `json:"at"`
	Host    string      `json:"host"`
	Keys    int         `json:"keys"`
	Racers  int         `json:"racers"`
	Result  string      `json:"result"`
}

// prober is what probing needs of a lake, with the meaning that store.File gives it.
type prober interface {
	Create(ctx context.Context, key string, data []byte) error
	Read(ctx context.Context, key string) ([]byte, error)
	Remove(ctx context.Context, key string) error
}

// probeNew probes a lake that holds no ledger and no result of a probe yet. The
// error is store.ErrWeak where it may hold none.
func probeNew(ctx context.Context, lake prober, tables []pipeline.Table) (probed bool, err error) {
	keys := []string{probeKey}
	for _, t := range tables {
		keys = append(keys, ledger.RecordKey(t.Schema.Name, 1))
	}
	for _, key := range keys {
		if _, err := lake.Read(ctx, key); !errors.Is(err, store.ErrNotExist) {
			return false, err
		}
	}
	return true, probe(ctx, lake)
}

// probe probes a lake and keeps the result.
func probe(ctx context.Context, lake prober) error {
	if err := store.Probe(ctx, lake, probeKeys, probeRacers); err != nil {
		return err
	}
	host, _ := os.Hostname()
	data, err := json.Marshal(probeResult{Version: 1, At: ledger.At(time.Now()), Host: host, Keys: probeKeys, Racers: probeRacers, Result: "one winner each"})
	if err != nil {
		return err
	}
	if err := lake.Create(ctx, probeKey, append(data, '\n')); err != nil && !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("keep the result of the probe: %w", err)
	}
	return nil
}
