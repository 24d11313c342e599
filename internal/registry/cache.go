package registry

import (
	"sync"
	"sync/atomic"
)

// cache keeps values by key, bounded by count and by bytes. What was not looked up since
// the hand of its clock last came by goes first. It is safe for many goroutines; a
// look-up takes a read lock and writes nothing that was written before.
type cache[K comparable, V any] struct {
	most  int
	bytes int64
	size  func(V) int64

	mu struct {
		sync.RWMutex
		entries map[K]*entry[K, V]
		ring    []*entry[K, V] // all entries; the hand goes round
		hand    int
		bytes   int64 // of all entries, at most the cache's
	}
}

type entry[K comparable, V any] struct {
	key   K
	value V
	size  int64
	slot  int // its place in the ring
	used  atomic.Bool
}

func newCache[K comparable, V any](most int, bytes int64, size func(V) int64) *cache[K, V] {
	c := &cache[K, V]{most: most, bytes: bytes, size: size}
	c.mu.entries = map[K]*entry[K, V]{}
	return c
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e := c.mu.entries[key]
	if e == nil {
		var none V
		return none, false
	}
	if !e.used.Load() {
		e.used.Store(true)
	}
	return e.value, true
}

// held is what all entries take in memory, about.
func (c *cache[K, V]) held() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.mu.bytes
}

// put keeps a value, in place of the one that the key had. What is larger than the
// whole cache is not kept.
func (c *cache[K, V]) put(key K, value V) {
	e := &entry[K, V]{key: key, value: value, size: c.size(value)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.mu.entries[key]; old != nil {
		c.removeLocked(old)
	}
	if e.size > c.bytes {
		return
	}
	for len(c.mu.ring) >= c.most || c.mu.bytes+e.size > c.bytes {
		c.evictLocked()
	}
	e.slot = len(c.mu.ring)
	c.mu.ring = append(c.mu.ring, e)
	c.mu.entries[key] = e
	c.mu.bytes += e.size
}

// evictLocked moves the hand to the next entry that was not used since it last came by,
// and removes it. The cache is not empty.
func (c *cache[K, V]) evictLocked() {
	for {
		c.mu.hand %= len(c.mu.ring)
		e := c.mu.ring[c.mu.hand]
		if !e.used.Swap(false) {
			c.removeLocked(e)
			return
		}
		c.mu.hand++
	}
}

// removeLocked fills the entry's slot with the last one.
func (c *cache[K, V]) removeLocked(e *entry[K, V]) {
	last := len(c.mu.ring) - 1
	c.mu.ring[e.slot] = c.mu.ring[last]
	c.mu.ring[e.slot].slot = e.slot
	c.mu.ring[last] = nil
	c.mu.ring = c.mu.ring[:last]
	delete(c.mu.entries, e.key)
	c.mu.bytes -= e.size
}
