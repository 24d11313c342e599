package storetest

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"tidemark/internal/store"
)

// ErrInjected is the answer of an operation that a Fault hit.
var ErrInjected = errors.New("injected fault")

// What is answered in some modes, where a Fault names nothing else.
var (
	errThrottled = fmt.Errorf("%w: slow down (503)", ErrInjected)
	errGivenUp   = fmt.Errorf("%w: %w", ErrInjected, context.DeadlineExceeded)
	errCut       = fmt.Errorf("%w: the connection broke off", ErrInjected)
)

// Op names an operation of a store.
type Op string

// The operations, as they stand in a transcript.
const (
	OpCreate  Op = "create"
	OpRead    Op = "read"
	OpList    Op = "list"
	OpSync    Op = "sync"
	OpStage   Op = "stage"
	OpWrite   Op = "write"
	OpFinish  Op = "finish"
	OpAbort   Op = "abort"
	OpPublish Op = "publish"
	OpStat    Op = "stat"
	OpOpen    Op = "open"
	OpRemove  Op = "remove"
)

// Mode is what a fault does.
type Mode uint8

// The modes.
const (
	Fail     Mode = iota // nothing happens, and an error is answered
	Lose                 // it happens, and an error is answered
	Late                 // an error is answered; it happens when Deliver is called
	Land                 // the same, as if the caller's time were up; it happens after Gap more operations
	Throttle             // nothing happens; the store has too much to do
	Delay                // it happens after Wait, or, with 0, when Release is called
	Twice                // it happens twice, one after the other, but for a Write; the second answer is given
	// Cut breaks off in the middle, with an error: half of a Write went, a Publish has
	// copied the file and not given up the staged name, an opened file can be read to
	// its middle. A Create has not happened, but with Memory, as on a disk, it may be cut
	// between being visible and being durable. All else has not happened.
	Cut
	modes // how many there are
)

var modeNames = [...]string{"fail", "lose", "late", "land", "throttle", "delay", "twice", "cut"}

func (m Mode) String() string { return modeNames[m] }

// Modes is all of them.
func Modes() []Mode {
	out := make([]Mode, modes)
	for i := range out {
		out[i] = Mode(i)
	}
	return out
}

// Fault hits operations. The zero value of a field matches all.
type Fault struct {
	Op    Op
	Key   string // a pattern of path.Match for the key
	Index int    // the nth operation that matches the other two, from 1
	Times int    // how many in a row from Index on, 0: one, −1: all
	Mode  Mode
	Err   error         // what is answered where the mode answers an error, nil: ErrInjected
	Gap   int           // of Land
	Wait  time.Duration // of Delay
}

// answer is the error that a fault answers, for the modes that do.
func (x *Fault) answer() error {
	switch {
	case x.Err != nil:
		return x.Err
	case x.Mode == Throttle:
		return errThrottled
	case x.Mode == Land:
		return errGivenUp
	case x.Mode == Cut:
		return errCut
	}
	return ErrInjected
}

// Faulty wraps a store. It injects the faults that it is told, and writes down
// every operation with its answer, in the order in which they returned.
type Faulty struct {
	Store Store

	mu struct {
		sync.Mutex
		faults  []*armed
		storm   *storm
		hits    []Hit
		log     []string
		count   int
		delayed []pending
		orphans []store.Staged
		gate    chan struct{} // closed by Release; nil: nobody waits
	}
}

type armed struct {
	Fault
	seen int
}

// pending is an operation that is to happen later.
type pending struct {
	due int // before which operation, by number; 0: when Deliver is called
	do  func() error
}

// Inject adds faults.
func (f *Faulty) Inject(faults ...Fault) *Faulty {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range faults {
		f.mu.faults = append(f.mu.faults, &armed{Fault: x})
	}
	return f
}

// Heal removes all faults, and ends a storm. What is late stays late.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.faults, f.mu.storm = nil, nil
}

// Deliver lets what is late happen, now that the callers have long been told
// otherwise, and returns the answers. Files that were opened for a caller who was
// told that they were not are given up.
func (f *Faulty) Deliver() []error {
	f.mu.Lock()
	late := f.mu.delayed
	f.mu.delayed = nil
	f.mu.Unlock()
	var out []error
	for _, p := range late {
		out = append(out, p.do())
	}
	f.mu.Lock()
	orphans := f.mu.orphans // some of them are of this moment
	f.mu.orphans = nil
	f.mu.Unlock()
	for _, s := range orphans {
		_ = s.Abort()
	}
	return out
}

// Release lets the operations go on that wait in mode Delay without an end.
func (f *Faulty) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.gate != nil {
		close(f.mu.gate)
		f.mu.gate = nil
	}
}

// Count is the number of operations so far.
func (f *Faulty) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.count
}

// Transcript is one line per operation: "op key [-> key]", and its answer if that
// is not success.
func (f *Faulty) Transcript() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.mu.log)
}

// Forget empties the transcript.
func (f *Faulty) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.log = nil
}

// hit counts an operation and finds the fault that hits it, if one does.
func (f *Faulty) hit(op Op, key string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.count++
	x := f.armedLocked(op, key)
	if x == nil && f.mu.storm != nil {
		x = f.mu.storm.fault(f.mu.count)
	}
	if x == nil {
		return nil
	}
	f.mu.hits = append(f.mu.hits, Hit{N: f.mu.count, Op: op, Key: key, Fault: *x})
	x.Err = &store.Error{Op: string(op), Key: key, Err: x.answer()}
	return x
}

func (f *Faulty) armedLocked(op Op, key string) *Fault {
	for _, a := range f.mu.faults {
		if a.Op != "" && a.Op != op {
			continue
		}
		if ok, _ := path.Match(a.Key, key); a.Key != "" && !ok {
			continue
		}
		a.seen++
		first := max(a.Index, 1)
		if a.seen < first || a.Times >= 0 && a.seen >= first+max(a.Times, 1) {
			continue
		}
		x := a.Fault
		return &x
	}
	return nil
}

// landDue lets those happen whose time has come.
func (f *Faulty) landDue() {
	f.mu.Lock()
	var due []pending
	f.mu.delayed = slices.DeleteFunc(f.mu.delayed, func(p pending) bool {
		if p.due == 0 || p.due > f.mu.count {
			return false
		}
		due = append(due, p)
		return true
	})
	f.mu.Unlock()
	for _, p := range due {
		_ = p.do()
	}
}

// later keeps an operation for Deliver, or until gap more have begun.
func (f *Faulty) later(gap int, do func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := pending{do: do}
	if gap > 0 {
		p.due = f.mu.count + gap
	}
	f.mu.delayed = append(f.mu.delayed, p)
}

// wait waits for so long, or until Release.
func (f *Faulty) wait(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	if f.mu.gate == nil {
		f.mu.gate = make(chan struct{})
	}
	gate := f.mu.gate
	f.mu.Unlock()
	var over <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over, gate = t.C, nil
	}
	select {
	case <-over:
		return nil
	case <-gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// notes is what a transcript says of an operation that was hit.
var notes = map[Mode]string{
	Lose: ": answer lost", Late: ": delayed", Land: ": lands later", Throttle: ": throttled", Delay: ": waited", Twice: ": twice", Cut: ": cut",
}

func (f *Faulty) record(op Op, key string, hit *Fault, err error) {
	line := fmt.Sprintf("%s %s", op, key)
	if hit != nil {
		line += notes[hit.Mode]
	}
	if err != nil && (hit == nil || hit.Mode == Fail || hit.Mode == Delay || hit.Mode == Twice) {
		line += ": " + answer(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.log = append(f.mu.log, line)
}

func answer(err error) string {
	for _, known := range []error{store.ErrExists, store.ErrNotExist, store.ErrAgain, store.ErrSize, ErrInjected} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

// Lines joins a transcript, leaving out the operations named.
func Lines(transcript []string, without ...Op) string {
	var b strings.Builder
	for _, l := range transcript {
		op, _, _ := strings.Cut(l, " ")
		if !slices.Contains(without, Op(op)) {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}
