package badday_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is a call of the program that changes something below the lake.
type call struct {
	pid    int
	number int    // from 1 on
	name   string // open, write, fsync, link, unlink, mkdir
	path   string // below the lake
}

func (c call) String() string { return fmt.Sprintf("call %d: %s %s", c.number, c.name, c.path) }

// traced runs the program and stops it before each call that changes the lake. The
// call is made when before returns true; where it returns false the process is
// killed, and nothing of the call happens. Other threads run until they make a call
// of any kind: while before takes its time, the program stands still.
//
// It returns the exit code, −1 where the process was killed, and what was said on
// stderr.
func (j *job) traced(args []string, before func(call) bool) (code int, stderr string) {
	j.t.Helper()
	return j.follow(args, &tracer{before: before})
}

// follow is traced with a tracer that may ask more.
func (j *job) follow(args []string, tr *tracer) (code int, stderr string) {
	j.t.Helper()
	out, err := os.CreateTemp(j.dir, "stderr")
	must(j.t, err)
	defer out.Close()
	cmd := exec.Command(j.program, args...)
	cmd.Stderr = out
	cmd.SysProcAttr = &unix.SysProcAttr{Ptrace: true, Setpgid: true, Pdeathsig: unix.SIGKILL}
	done, pid := make(chan error), make(chan int, 1)
	go func() { // a thread of its own, which ends with it
		runtime.LockOSThread()
		tr.root, tr.began = string(j.lake)+"/", pid
		code, err = tr.run(cmd)
		done <- err
	}()
	late := time.AfterFunc(patience, func() {
		j.t.Errorf("the traced program did not end within %s", patience)
		_ = unix.Kill(<-pid, unix.SIGQUIT) // it shows what it is waiting for
	})
	defer late.Stop()
	if err := <-done; err != nil {
		j.t.Fatalf("trace the program: %v", err)
	}
	text, err := os.ReadFile(out.Name())
	must(j.t, err)
	return code, string(text)
}

// tracer follows all threads of one process with ptrace(2), which only the thread
// that started it may do.
type tracer struct {
	root   string
	before func(call) bool
	after  func(call) bool // asked when the call was made, whatever came of it; nil: nobody is
	reads  bool            // calls that open something to read are stopped at and counted, too
	gate   *gate           // nil: open
	pid    int
	began  chan<- int // told the pid
	memory *os.File
	known  map[int]bool // threads whose first stop was seen
	making map[int]call // the call that a thread is making
	held   []int        // threads that stand before the gate
	calls  int
}

const (
	getSyscallInfo = 0x420e     // PTRACE_GET_SYSCALL_INFO, the same on all machines
	exitKill       = 0x00100000 // PTRACE_O_EXITKILL
)

func (tr *tracer) run(cmd *exec.Cmd) (code int, err error) {
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	tr.pid = cmd.Process.Pid
	tr.known, tr.making = map[int]bool{}, map[int]call{}
	tr.began <- tr.pid
	defer func() { _ = cmd.Process.Release() }() // it is waited for here
	var status unix.WaitStatus
	if _, err := unix.Wait4(tr.pid, &status, unix.WALL, nil); err != nil { // it stands before its first instruction
		return 0, err
	}
	if tr.memory, err = os.Open(fmt.Sprintf("/proc/%d/mem", tr.pid)); err != nil {
		return 0, err
	}
	defer tr.memory.Close()
	tr.known[tr.pid] = true
	if err := unix.PtraceSetOptions(tr.pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|exitKill); err != nil {
		return 0, err
	}
	if err := unix.PtraceSyscall(tr.pid, 0); err != nil {
		return 0, err
	}
	for {
		tid, err := unix.Wait4(-tr.pid, &status, unix.WALL|unix.WNOTHREAD, nil) // its process group: other children are not ours
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case tid == tr.pid && status.Exited():
			return status.ExitStatus(), nil
		case tid == tr.pid && status.Signaled():
			return -1, nil
		case status.Stopped():
			if err := tr.stopped(tid, status); err != nil && !errors.Is(err, unix.ESRCH) { // it was killed
				return 0, err
			}
		}
		// A program that lives makes calls all the time, and each of them gets us here.
		if len(tr.held) > 0 && !tr.gate.isShut() {
			for _, tid := range tr.held {
				if err := unix.PtraceSyscall(tid, 0); err != nil && !errors.Is(err, unix.ESRCH) {
					return 0, err
				}
			}
			tr.held = nil
		}
	}
}

// stopped lets a thread that has stopped go on.
func (tr *tracer) stopped(tid int, status unix.WaitStatus) error {
	signal := status.StopSignal()
	switch {
	case signal == unix.SIGTRAP|0x80: // before or after a call
		signal = 0
		if c, ok := tr.making[tid]; ok {
			delete(tr.making, tid)
			if !tr.after(c) {
				return unix.Kill(tr.pid, unix.SIGKILL)
			}
			break
		}
		c, ok := tr.look(tid)
		if ok && (tr.reads || c.name != "read") {
			tr.calls++
			c.number, c.pid = tr.calls, tr.pid
			if !tr.before(c) {
				return unix.Kill(tr.pid, unix.SIGKILL)
			}
			if tr.after != nil {
				tr.making[tid] = c
			}
		}
		if ok && tr.gate.isShut() {
			tr.held = append(tr.held, tid)
			return nil
		}
	case signal == unix.SIGTRAP: // a thread began
		signal = 0
	case !tr.known[tid]: // it is the one that began
		tr.known[tid], signal = true, 0
	}
	return unix.PtraceSyscall(tid, int(signal))
}

// syscallInfo is struct ptrace_syscall_info before a call.
type syscallInfo struct {
	op   uint8 // 1: before a call
	_    [3]uint8
	_    uint32
	_, _ uint64
	nr   uint64
	args [6]uint64
	_    [4]uint64
}

// look says what call a thread is about to make, if it changes the lake or opens
// something of it to read.
func (tr *tracer) look(tid int) (call, bool) {
	var info syscallInfo
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || info.op != 1 {
		return call{}, false
	}
	var c call
	switch info.nr {
	case unix.SYS_OPENAT:
		c = call{name: "open", path: tr.text(info.args[1])}
		if info.args[2]&unix.O_CREAT == 0 {
			c.name = "read"
		}
	case unix.SYS_LINKAT:
		c = call{name: "link", path: tr.text(info.args[3])}
	case unix.SYS_UNLINKAT:
		c = call{name: "unlink", path: tr.text(info.args[1])}
	case unix.SYS_MKDIRAT:
		c = call{name: "mkdir", path: tr.text(info.args[1])}
	case unix.SYS_FSYNC:
		c = call{name: "fsync", path: tr.file(info.args[0])}
	case unix.SYS_WRITE:
		c = call{name: "write", path: tr.file(info.args[0])}
	}
	path, ok := strings.CutPrefix(c.path, tr.root)
	c.path = path
	return c, ok
}

// text reads a name from the memory of the process.
func (tr *tracer) text(at uint64) string {
	buf := make([]byte, 4096)
	n, _ := tr.memory.ReadAt(buf, int64(at)) // less where the memory ends
	text, _, _ := strings.Cut(string(buf[:n]), "\x00")
	return text
}

// file is the name of an open file.
func (tr *tracer) file(fd uint64) string {
	name, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tr.pid, fd))
	return name
}
