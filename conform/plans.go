package conform

import (
	"sync"
	"sync/atomic"
)

// plans keeps the plans of the schemas that were met of late, in two generations: when
// the young one is full the old one goes. Safe for several goroutines.
type plans[S comparable, P interface{ bytes() int64 }] struct {
	mu         sync.Mutex
	young, old map[S]P
	held       int64        // by the young one
	all        atomic.Int64 // bytes of both
}

// keptPlans is how many bytes of plans a generation holds.
const keptPlans = 12 << 20

// find returns the plan of a schema, and makes it if need be.
func (a *plans[S, P]) find(s S, compile func(S) P) P {
	a.mu.Lock()
	defer a.mu.Unlock()
	if one, ok := a.young[s]; ok {
		return one
	}
	one, ok := a.old[s]
	if !ok {
		one = compile(s)
	}
	if a.young == nil || a.held > keptPlans {
		a.all.Store(a.held) // those of the young one, which is the old one now
		a.old, a.young, a.held = a.young, map[S]P{}, 0
	}
	a.young[s] = one
	a.held += one.bytes()
	a.all.Add(one.bytes())
	return one
}
