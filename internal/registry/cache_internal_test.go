// White-box: the cache is reached from outside through a registry alone, too slowly to
// try many orders.
package registry

import (
	"math/rand/v2"
	"sync"
	"testing"
)

// K2: whatever is put and looked up, count and bytes stay within bounds, and what is
// found is what was put.
func TestCacheStaysWithinBounds(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		most, bytes := 1+chance.IntN(20), int64(1+chance.IntN(500))
		c := newCache[int](most, bytes, func(v int) int64 { return int64(v % 100) })
		put := map[int]int{}
		for range 2000 {
			key := chance.IntN(40)
			if chance.IntN(2) == 0 {
				put[key] = chance.IntN(10_000)
				c.put(key, put[key])
			} else if v, ok := c.get(key); ok && v != put[key] {
				t.Fatalf("key %d holds %d, want %d", key, v, put[key])
			}
			var sum int64
			for i, e := range c.mu.ring {
				if sum += e.size; e.slot != i || c.mu.entries[e.key] != e {
					t.Fatalf("entry %v is in the wrong place", e.key)
				}
			}
			if len(c.mu.ring) != len(c.mu.entries) || len(c.mu.ring) > most || sum != c.mu.bytes || sum > bytes {
				t.Fatalf("%d entries of %d, %d bytes of %d, counted as %d", len(c.mu.ring), most, sum, bytes, c.mu.bytes)
			}
		}
	}
}

// What is in use stays, however many others come by once.
func TestCacheKeepsWhatIsUsed(t *testing.T) {
	c := newCache[int](100, 1<<20, func(int) int64 { return 1 })
	for i := range 10 {
		c.put(i, i)
	}
	for i := range 10_000 {
		for used := range 10 {
			if _, ok := c.get(used); !ok {
				t.Fatalf("key %d, which is looked up all the time, went when key %d came", used, i)
			}
		}
		c.put(1000+i, i)
	}
	if got, want := len(c.mu.ring), 100; got != want {
		t.Errorf("%d entries, want %d", got, want)
	}
}

// What is larger than the whole is not kept, and takes the old value with it.
func TestCacheRefusesWhatIsTooLarge(t *testing.T) {
	c := newCache[int](10, 100, func(v int) int64 { return int64(v) })
	c.put(1, 10)
	c.put(1, 101)
	if v, ok := c.get(1); ok {
		t.Errorf("it holds %d", v)
	}
}

func TestCacheByMany(t *testing.T) {
	c := newCache[int](16, 1<<10, func(int) int64 { return 16 })
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 2000 {
				if v, ok := c.get(i % 40); ok && v != i%40 {
					t.Errorf("key %d holds %d", i%40, v)
				}
				c.put((i*7+g)%40, (i*7+g)%40)
			}
		})
	}
	all.Wait()
}

func BenchmarkLookup(b *testing.B) {
	c := newCache[int](100, 1<<20, func(int) int64 { return 1 })
	for i := range 8 {
		c.put(i, i)
	}
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			c.get(i & 7)
		}
	})
}
