package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"
)

// TestMain makes this binary the program where a script runs it.
func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"tidemark": main})
}

// leakless fails where tests leave goroutines behind.
type leakless struct{ m *testing.M }

// Run implements testscript.TestingM.
func (l leakless) Run() int {
	code := l.m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestScripts runs the program as people do. Scripts find a broker of their own at
// $BROKER, with the topic transactions of two partitions.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "transactions"))
			if err != nil {
				return err
			}
			env.Defer(cluster.Close)
			env.Setenv("BROKER", cluster.ListenAddrs()[0])
			env.Setenv("LISTEN", free(t))
			return nil
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"damage": damage,
			"fresh":  fresh,
			"strand": strand,
			"await":  await,
			"signal": signals,
		},
	})
}

// exits CODE PROGRAM ARG… runs a program that must end with that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if want, err := strconv.Atoi(args[0]); err != nil || code != want {
		ts.Fatalf("%s exited with %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// await URL asks until the answer is 200.
func await(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	defer http.DefaultClient.CloseIdleConnections()
	for range 1500 { // half a minute
		if answer, err := http.Get(args[0]); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		<-tick.C
	}
	ts.Fatalf("%s does not answer", args[0])
}

// signals TERM|INT … sends signals to the newest program in the background.
func signals(ts *testscript.TestScript, _ bool, args []string) {
	all := ts.BackgroundCmds()
	for _, name := range args {
		sig := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt}[name]
		ts.Check(all[len(all)-1].Process.Signal(sig))
	}
}
