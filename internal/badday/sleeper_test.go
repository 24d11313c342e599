package badday_test

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// sleeper is the program under a tracer, beside which a test goes on. What it logs is
// in the journal of its job.
type sleeper struct {
	*process
	code int // for after the end, −1 for a signal
}

// trace starts the program under a tracer, which stops it before each call that
// changes the lake, as traced does.
func (j *job) trace(args []string, before func(call) bool, g *gate) *sleeper {
	j.t.Helper()
	s := &sleeper{process: &process{t: j.t, cmd: exec.Command(j.program, args...), done: make(chan struct{})}}
	s.cmd.SysProcAttr = &unix.SysProcAttr{Ptrace: true, Setpgid: true, Pdeathsig: unix.SIGKILL}
	stderr, err := s.cmd.StderrPipe()
	must(j.t, err)
	began, ended := make(chan int, 1), make(chan error, 1)
	go func() { // a thread of its own, which ends with it
		runtime.LockOSThread()
		tr := &tracer{root: string(j.lake) + "/", before: before, gate: g, began: began}
		code, err := tr.run(s.cmd)
		s.code = code
		ended <- err
	}()
	pid := 0
	select {
	case pid = <-began:
	case err := <-ended:
		j.t.Fatalf("trace the program: %v", err)
	}
	go func() {
		defer close(s.done)
		s.stderr = j.log.read(s.process, stderr)
		if err := <-ended; err != nil {
			s.stderr += fmt.Sprintf("trace the program: %v\n", err)
			s.code = -2
		}
	}()
	j.t.Cleanup(func() {
		select {
		case <-s.done:
			if j.t.Failed() {
				j.t.Logf("the traced program ended with %d:\n%s", s.code, s.stderr)
			}
		default:
			_ = unix.Kill(pid, unix.SIGKILL)
			<-s.done
		}
	})
	return s
}

// ends fails unless the program ends with this code.
func (s *sleeper) ends(code int) {
	s.t.Helper()
	if s.end(); s.code != code {
		s.t.Fatalf("exit code %d, want %d:\n%s", s.code, code, s.stderr)
	}
}

// bed is a call before which a process stands still, whole, until it is woken: the
// tracer that stopped it takes its time. It is a SIGSTOP at an exact instruction.
type bed struct {
	when  func(call) bool
	then  func(call) // what befalls the sleeper as soon as it sleeps; nil: nothing
	taken bool       // the tracer's own
	in    chan struct{}
	out   chan struct{}
}

func newBed(when func(call) bool, then func(call)) *bed {
	return &bed{when: when, then: then, in: make(chan struct{}), out: make(chan struct{})}
}

// sleeps makes a tracer put its process into beds, one after the other.
func sleeps(ctx context.Context, beds []*bed) func(call) bool {
	return func(c call) bool {
		for _, b := range beds {
			if b.taken {
				continue
			}
			if b.when(c) {
				b.taken = true
				if b.then != nil {
					b.then(c)
				}
				close(b.in)
				select {
				case <-b.out:
				case <-ctx.Done():
				}
			}
			return true
		}
		return true
	}
}

// gate stands before all calls below the lake. While it is shut the threads that make
// one wait before it, and the rest of the process lives: its store stands still, and
// nothing else.
type gate struct{ shut atomic.Bool }

func (g *gate) isShut() bool { return g != nil && g.shut.Load() }
