// Package scripttest runs the repository's scripts for tests: those that start a
// broker or an object store, on free ports.
//
// In go the script's name and its arguments; out comes what it printed. A script that
// fails fails the test, with what it said. Only test helpers and tests import this
// package.
package scripttest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Path is where a script of the repository lies.
func Path(t testing.TB, script string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "scripts", script)
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = up
	}
}

// Run runs a script to its end and returns what it wrote to stdout.
func Run(t testing.TB, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command(Path(t, script), args...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("scripts/%s %s: %v\n%s", script, strings.Join(args, " "), err, problems.String())
	}
	return string(out)
}

// FreePorts returns the first of n ports in a row that nobody listens on, below those
// that systems give to outgoing connections: what was killed finds them again.
func FreePorts(t testing.TB, n int) int {
	t.Helper()
	for range 100 {
		first := 10_000 + rand.IntN(22_000)
		if allFree(first, n) {
			return first
		}
	}
	t.Fatalf("found no %d free ports in a row", n)
	return 0
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// RefusesTakenPort fails unless the script, given a port on which this process
// listens and a folder with --dir, says whose the port is, does not take the other
// one's answer for its own and leaves nothing in the folder.
func RefusesTakenPort(t *testing.T, port int, script string, args ...string) {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command(Path(t, script), append(args, "--dir", dir)...).CombinedOutput()
	want := fmt.Sprintf("port %d is taken by process %d ", port, os.Getpid())
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("%s: %v, %q, want a failure with %q", script, err, out, want)
	}
	if made, _ := os.ReadDir(dir); len(made) > 0 {
		t.Errorf("it left %v", made)
	}
}
