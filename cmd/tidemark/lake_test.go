package main

import (
	"context"
	"errors"
	"sync"
	"testing"

	"tidemark/internal/pipeline"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

// crowded is a store that keeps its word until many are at one key: the tenth wins, too.
type crowded struct {
	storetest.Memory
	mu    sync.Mutex
	calls map[string]int
}

func (c *crowded) Create(ctx context.Context, key string, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[key]++
	err := c.Memory.Create(ctx, key, data)
	if c.calls[key] == 10 {
		return nil
	}
	return err
}

// TestManyRaceInTheProbe: stores that are weak show it where many are at one key.
func TestManyRaceInTheProbe(t *testing.T) {
	_, err := probeNew(t.Context(), &crowded{calls: map[string]int{}}, []pipeline.Table{})
	if !errors.Is(err, store.ErrWeak) {
		t.Errorf("got %v, want %v", err, store.ErrWeak)
	}
}
