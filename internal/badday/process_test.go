package badday_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidemark/internal/cloudtest"
)

// patience is how long anything may take that a test waits for.
const patience = 90 * time.Second

// job is a topic and the lake that the program brings it into.
type job struct {
	t       *testing.T
	program string
	topic   *topic
	lake    lake
	set     settings
	dir     string
	log     *journal
}

// settings are the parts of a configuration that tests vary.
type settings struct {
	lake      string // its URL, empty: the folder of the job
	brokers   string // empty: the plain listener
	kafka     string // further keys of kafka
	onLoss    string
	maxAge    string
	maxRows   int
	memory    string
	haltAbove string
	group     string
	more      string // further keys of the table
}

// newJob makes a job with a lake in a folder of its own.
func (h *house) newJob(t *testing.T, tp *topic) *job {
	t.Helper()
	dir := t.TempDir()
	return &job{
		t: t, program: h.program, topic: tp, lake: lake(filepath.Join(dir, "lake")), dir: dir, log: newJournal(),
		set: settings{onLoss: "stop", maxAge: "200ms", maxRows: 500_000, memory: "256MiB", haltAbove: "1", group: filepath.Base(dir) + tp.name},
	}
}

// config writes the configuration and returns its name.
func (j *job) config() string {
	j.t.Helper()
	s := j.set
	if s.brokers == "" {
		s.brokers = j.topic.broker.Plain
	}
	if s.lake == "" {
		s.lake = "file://" + string(j.lake)
	}
	name := filepath.Join(j.dir, "tidemark.yaml")
	text := fmt.Sprintf(`lake: "%s"
source_system: badday
kafka: {brokers: ["%s"], group: "%s", session_timeout: 6s, on_loss: %s%s}
batch: {max_age: %s, max_rows: %d}
memory: %s
tables:
  - {name: %s, preset: banking/card-transactions, topics: ["%s"], halt_above: %s, halt_min_rows: 1%s}
`, s.lake, s.brokers, s.group, s.onLoss, s.kafka, s.maxAge, s.maxRows, s.memory, table, j.topic.name, s.haltAbove, s.more)
	must(j.t, os.WriteFile(name+".new", []byte(text), 0o600))
	must(j.t, os.Rename(name+".new", name)) // a process that starts may be reading it
	return name
}

// drain are the arguments of a run that ends by itself, stream of one that does not.
func (j *job) drain() []string  { return append(j.stream(), "--until-current") }
func (j *job) stream() []string { return []string{"--log-format", "json", "run", "-c", j.config()} }

// start starts the program.
func (j *job) start(args []string) *process {
	j.t.Helper()
	p := &process{t: j.t, cmd: exec.Command(j.program, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), cloudtest.Environ()...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stdout = &p.stdout
	stderr, err := p.cmd.StderrPipe()
	must(j.t, err)
	must(j.t, p.cmd.Start())
	go func() {
		defer close(p.done)
		p.stderr = j.log.read(p, stderr)
		_ = p.cmd.Wait() // its answer is in ProcessState
	}()
	j.t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // unless it ended
		<-p.done
	})
	return p
}

// run runs the program to its end, which must be with this exit code, and returns
// what it said on stderr.
func (j *job) run(code int, args []string) string {
	j.t.Helper()
	p := j.start(args)
	p.ends(code)
	return p.stderr
}

// check fails unless the lake holds these records and verify agrees.
func (j *job) check(want []record) {
	j.t.Helper()
	j.lake.holds(j.t, want)
	j.verify()
}

// verify fails unless the program finds that lake and ledger agree.
func (j *job) verify() {
	j.t.Helper()
	p := j.start([]string{"verify", "-c", j.config(), "--deep"})
	if code := p.end(); code != 0 {
		j.t.Errorf("verify exits with %d:\n%s%s", code, p.stdout.String(), p.stderr)
	}
}

// process is the program while it runs.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout strings.Builder // for after the end
	stderr string          // for after the end
	done   chan struct{}
}

// signal sends a signal.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(s))
}

// end waits for the end and returns the exit code, −1 for a signal.
func (p *process) end() int {
	p.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.done:
	case <-late.C:
		p.signal(syscall.SIGQUIT) // it shows what it is waiting for
		<-p.done
		p.t.Fatalf("the program did not end within %s:\n%s", patience, p.stderr)
	}
	return p.cmd.ProcessState.ExitCode()
}

// ends fails unless the program ends with this code.
func (p *process) ends(code int) {
	p.t.Helper()
	if got := p.end(); got != code {
		p.t.Fatalf("exit code %d, want %d:\n%s", got, code, p.stderr)
	}
}

// says fails unless the last words of the program hold these.
func says(t *testing.T, stderr string, words ...string) {
	t.Helper()
	last := ""
	for text := range strings.Lines(stderr) {
		if strings.HasPrefix(text, "tidemark: ") {
			last += text
		}
	}
	for _, w := range words {
		if !strings.Contains(last, w) {
			t.Errorf("the error does not say %q:\n%s", w, last)
		}
	}
}

// line is one line of the program's log.
type line struct {
	of   *process
	text map[string]any
}

func (l line) is(msg string) bool { return l.text["msg"] == msg }

func (l line) number(key string) int64 {
	n, _ := l.text[key].(float64)
	return int64(n)
}

// journal is what all processes of a job have logged.
type journal struct {
	mu      sync.Mutex
	lines   []line
	changed chan struct{} // closed and replaced with each line
}

func newJournal() *journal { return &journal{changed: make(chan struct{})} }

// read takes in what a process logs, to its end, and returns it as text.
func (j *journal) read(p *process, from io.Reader) string {
	var all strings.Builder
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadString('\n')
		all.WriteString(text)
		l := line{of: p}
		if json.Unmarshal([]byte(text), &l.text) == nil {
			j.mu.Lock()
			j.lines = append(j.lines, l)
			close(j.changed)
			j.changed = make(chan struct{})
			j.mu.Unlock()
		}
		if err != nil {
			return all.String()
		}
	}
}

// seen returns the lines up to now, and a channel that is closed when there are more.
func (j *journal) seen() ([]line, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines[:len(j.lines):len(j.lines)], j.changed
}

var errEnded = errors.New("the program ended")

// await waits until ok is satisfied with what the processes of the job logged. It
// fails where all of them end first.
func (j *job) await(what string, ok func([]line) bool, running ...*process) {
	j.t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(j.t.Context()), patience, errors.New("patience ended"))
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	for _, p := range running {
		go func() {
			select {
			case <-p.done:
				end(errEnded)
			case <-ctx.Done():
			}
		}()
	}
	for {
		lines, changed := j.log.seen()
		if ok(lines) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			text := ""
			for _, l := range lines[max(0, len(lines)-40):] {
				text += fmt.Sprintln(l.of.cmd.Process.Pid, l.text)
			}
			j.t.Fatalf("wait until %s: %v:\n%s", what, context.Cause(ctx), text)
		}
	}
}

// awaitDecided waits until this many records are decided, since the job began.
func (j *job) awaitDecided(n int, running ...*process) {
	j.t.Helper()
	j.await(fmt.Sprintf("%d records are decided", n), func(lines []line) bool {
		return total(lines, "batch decided", "read") >= int64(n)
	}, running...)
}

// total adds up a number over lines of one message.
func total(lines []line, msg, key string) (sum int64) {
	for _, l := range lines {
		if l.is(msg) {
			sum += l.number(key)
		}
	}
	return sum
}
