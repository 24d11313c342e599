package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// longest is the most that a storm holds an operation up, furthest the most
// operations that one lands behind.
const (
	longest  = 20 * time.Second
	furthest = 30
)

// Hit is a fault that hit an operation.
type Hit struct {
	N   int // the operation's number, 1, 2, …
	Op  Op
	Key string
	Fault
}

func (h Hit) String() string {
	s := fmt.Sprintf("%d %s %s %s", h.N, h.Mode, h.Op, h.Key)
	switch h.Mode {
	case Land:
		s += fmt.Sprintf(" after %d", h.Gap)
	case Delay:
		s += " " + h.Wait.String()
	}
	return s
}

// storm is a fault for some operations, by their number.
type storm struct {
	seed  uint64
	share float64
	only  map[int]Fault // of Replay: these and no others
}

// fault is a function of the seed and the number alone.
func (s *storm) fault(n int) *Fault {
	if s.only != nil {
		if x, ok := s.only[n]; ok {
			return &x
		}
		return nil
	}
	r := rand.New(rand.NewPCG(s.seed, uint64(n)))
	if r.Float64() >= s.share {
		return nil
	}
	return &Fault{
		Mode: Mode(r.IntN(int(modes))),
		Gap:  1 + r.IntN(furthest),
		Wait: 1 + time.Duration(r.Int64N(int64(longest))),
	}
}

// Storm gives each operation, with this probability, a random fault of a random
// mode: the nth always the same for the same seed. The longest waits need virtual time.
func (f *Faulty) Storm(seed uint64, share float64) *Faulty {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.storm = &storm{seed: seed, share: share}
	return f
}

// Replay gives the operations of these numbers these faults again, and no others any.
func (f *Faulty) Replay(hits []Hit) *Faulty {
	only := map[int]Fault{}
	for _, h := range hits {
		only[h.N] = h.Fault
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.storm = &storm{only: only}
	return f
}

// Hits is every fault that hit an operation so far, in order.
func (f *Faulty) Hits() []Hit {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.mu.hits)
}

// Injected is how often each mode hit so far.
func (f *Faulty) Injected() map[Mode]int {
	out := map[Mode]int{}
	for _, h := range f.Hits() {
		out[h.Mode]++
	}
	return out
}
