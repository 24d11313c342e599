package pipeline_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"tidemark/internal/cloudtest"
	"tidemark/internal/faultproxy"
	"tidemark/internal/store/bucket"
	"tidemark/internal/store/storetest"
)

// stores are the object stores that the error loops run on, some of them with -long
// only. The steps are how many operations, and how many requests, of a run lie between
// two that are failed without it. Where the dialect is slow, or spoken by others here,
// each request gets one kind of trouble and not all of them.
var stores = []struct {
	start              func(testing.TB) *cloudtest.Server
	long               bool
	operation, request int
	slow               bool
}{
	{cloudtest.GoFakeS3, false, 1, 3, false},
	{cloudtest.FakeGCS, false, 2, 4, false},
	{cloudtest.Azurite, false, 4, 8, true},
	{cloudtest.Versity, true, 1, 1, false},
	{cloudtest.MinIO, true, 1, 1, true},
}

// openLake opens a lake in an object store for a test.
func openLake(t *testing.T, url string) storetest.Store {
	t.Helper()
	b, err := bucket.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// TestErrorLoopOnStores is TestCrashAtEveryOperation on object stores: what becomes of a
// lake in memory when an operation fails, becomes of it there.
func TestErrorLoopOnStores(t *testing.T) {
	for _, at := range stores {
		if at.long && !*long {
			continue
		}
		s := at.start(t)
		t.Run(s.Name, func(t *testing.T) {
			n := 0
			g := ground{name: s.Name, lake: func(t *testing.T) storetest.Store {
				n++
				return openLake(t, s.Lake(fmt.Sprintf("operation%d", n)))
			}}
			if *long {
				g.inEveryWay(t)
			} else {
				g.inTurn(t, at.operation)
			}
		})
	}
}

// trouble is what the network does to one request of a run.
type trouble struct {
	act faultproxy.Action
	gap int // of Land: how many requests later it arrives; 0: after the recovery
}

func (x trouble) String() string {
	if x.gap > 0 {
		return fmt.Sprintf("%s after %d", x.act, x.gap)
	}
	return x.act.String()
}

// troubles are all of them. A request that lands one later is there just before what
// the client does next, which is mostly to repeat it.
var troubles = []trouble{
	{act: faultproxy.Fail}, {act: faultproxy.Throttle}, {act: faultproxy.Lose}, {act: faultproxy.Twice}, {act: faultproxy.CutRequest},
	{act: faultproxy.CutAnswer}, {act: faultproxy.Land, gap: 1}, {act: faultproxy.Land, gap: 4}, {act: faultproxy.Land},
}

// TestErrorLoopOnTheWire does to request 1, 2, … n of a run what a network does, below
// all that repeats requests, and wants every record to be in one place once: what a
// repetition does twice, or what arrives when nobody waits for it, must not be seen.
func TestErrorLoopOnTheWire(t *testing.T) {
	for _, at := range stores {
		if at.long && !*long {
			continue
		}
		s := at.start(t)
		t.Run(s.Name, func(t *testing.T) {
			w := &wire{server: s, proxy: faultproxy.HTTP(t, s.Endpoint, nil)}
			began := time.Now()
			step := at.request
			if *long {
				step = 1
			}
			if *long && !at.slow {
				for _, x := range troubles {
					t.Run(x.String(), func(t *testing.T) {
						for i := 1; w.once(t, i, x); i++ {
						}
					})
				}
			} else {
				for n := 0; w.once(t, 1+n*step, troubles[n%len(troubles)]); n++ {
				}
			}
			t.Logf("figures: %s, error loop on the wire: %d runs of up to %d requests, %d ended with an error; faults: %v; %.1f s",
				s.Name, w.runs, w.longest, w.failed, w.faults, time.Since(began).Seconds())
		})
	}
}

// wire is the way to a store, and the sum of what was done on it.
type wire struct {
	server                *cloudtest.Server
	proxy                 *faultproxy.Proxy
	runs, longest, failed int
	faults                map[string]int
}

// once runs one process in trouble, and what comes after it. It reports whether there
// was a request of that number.
func (w *wire) once(t *testing.T, index int, x trouble) (reached bool) {
	tp := crashTopic()
	w.runs++
	lake := openLake(t, w.server.LakeThrough(w.proxy.Endpoint, fmt.Sprintf("request%d", w.runs)))
	var requests atomic.Int64
	w.proxy.Set(func(at faultproxy.Point) faultproxy.Action {
		if at.After {
			return faultproxy.Pass
		}
		switch n := int(requests.Add(1)); {
		case n == index:
			return x.act
		case x.gap > 0 && n == index+x.gap:
			w.proxy.Deliver()
		}
		return faultproxy.Pass
	})
	err := newProcess(t, testConfig(t), lake, tp).drain(t.Context())
	w.proxy.Set(nil)
	n := int(requests.Load())
	reached = n >= index
	if w.longest = max(w.longest, n); err != nil {
		w.failed++
	}
	if reached {
		if w.faults == nil {
			w.faults = map[string]int{}
		}
		w.faults[x.String()]++
	} else if err != nil {
		t.Errorf("without a fault: %v", err)
	}
	recovers(t, lake, tp, w.proxy.Deliver)
	if t.Failed() {
		t.Fatalf("request %d: %s: the run ended with %v", index, x, err)
	}
	return reached
}
