package teeth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Outcome is what a suite made of a source.
type Outcome uint8

// The outcomes.
const (
	Passed Outcome = iota
	Failed         // a test failed
	Stood          // it ran into its time limit
	Died           // it ended badly, and no test had failed
)

var outcomes = [...]string{"passed", "failed", "stood still", "died"}

func (o Outcome) String() string { return outcomes[o] }

// Result is how a suite ended.
type Result struct {
	Outcome Outcome
	Test    string // that failed, or stood still
	Output  string
}

// Bench builds and runs suites of the module in Root, with what it builds in Dir.
type Bench struct {
	Root string
	Dir  string
	// Limit is how long a suite may run, BlackBoxLimit one that drives the program.
	Limit, BlackBoxLimit time.Duration
}

// Compile builds the tests of a package, with an overlay or (empty) without one, and
// returns the file.
func (b Bench) Compile(ctx context.Context, pkg, overlay string) (string, error) {
	to := filepath.Join(b.Dir, strings.ReplaceAll(pkg, "/", "-")+".test")
	// Stripped, for nobody debugs it; vetted by Vet.
	args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", to}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	return to, b.command(ctx, append(args, "./"+pkg))
}

// Vet runs go vet on packages as an overlay makes them (T2).
func (b Bench) Vet(ctx context.Context, overlay string, pkgs []string) error {
	args := []string{"vet", "-overlay=" + overlay}
	for _, p := range pkgs {
		args = append(args, "./"+p)
	}
	return b.command(ctx, args)
}

func (b Bench) command(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = b.Root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run go %s: %w:\n%s", args[0], err, out)
	}
	return nil
}

// Run runs a suite of compiled tests. Overlay is for a black box alone: the go command
// that builds the program inherits it.
func (b Bench) Run(ctx context.Context, s Suite, tests, overlay string) Result {
	limit := b.Limit
	if s.BlackBox {
		limit = b.BlackBoxLimit
	}
	// Who hangs so badly that his own limit does not end him is ended from here.
	ctx, cancel := context.WithTimeout(ctx, limit+30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, tests, "-test.run="+pattern(s.Test), "-test.failfast", "-test.count=1", "-test.timeout="+limit.String())
	cmd.Dir = filepath.Join(b.Root, filepath.FromSlash(s.Package))
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = os.Environ()
	if overlay != "" {
		cmd.Env = append(cmd.Env, "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -overlay="+overlay))
	}
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return Result{Outcome: Stood, Test: s.Test, Output: string(out)}
	}
	return Judge(string(out), err)
}

// pattern is what makes a test binary run one test and all below it.
func pattern(test string) string {
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

var (
	fails   = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)
	running = regexp.MustCompile(`(?m)^panic: test timed out after .*\n\s*running tests:\n\s*(\S+)`)
	nothing = regexp.MustCompile(`(?m)^testing: warning: no tests to run$`)
)

// Judge says how tests ended that wrote this output and exited with err (T4).
func Judge(output string, err error) Result {
	r := Result{Output: output}
	var exit *exec.ExitError
	switch failed := fails.FindAllStringSubmatch(output, -1); {
	case err == nil && nothing.MatchString(output):
		r.Outcome = Died // a suite that is not there any more
	case err == nil:
		r.Outcome = Passed
	case !errors.As(err, &exit):
		r.Outcome, r.Output = Died, output+err.Error()
	case running.MatchString(output):
		r.Outcome, r.Test = Stood, running.FindStringSubmatch(output)[1]
	case len(failed) > 0:
		r.Outcome, r.Test = Failed, deepest(failed)
	default:
		r.Outcome = Died
	}
	return r
}

// deepest is the first test that failed, or the first one below it, and so on: a test
// is named before those below it.
func deepest(failed [][]string) string {
	name := failed[0][1]
	for _, f := range failed[1:] {
		if strings.HasPrefix(f[1], name+"/") {
			name = f[1]
		}
	}
	return name
}
