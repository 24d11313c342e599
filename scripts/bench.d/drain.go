package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// drain runs the program until it has drained the topic into a new lake.
func drain(ctx context.Context, o options) (result, error) {
	lake, remove, err := newLake(o.dir)
	if err != nil {
		return result{}, err
	}
	defer remove()
	listen, err := freeAddress()
	if err != nil {
		return result{}, err
	}
	registry, stop, err := serveSchema(ctx)
	if err != nil {
		return result{}, err
	}
	defer stop()
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, o.tidemark, "run", "-c", o.config, "--until-current")
	cmd.Env = append(os.Environ(), "BENCH_LAKE="+lake, "BENCH_BROKER="+o.broker, "BENCH_LISTEN="+listen,
		"BENCH_FORMAT="+cmp.Or(o.format, "json"), "BENCH_TOPIC="+o.topic, "BENCH_REGISTRY="+registry)
	cmd.Stdout, cmd.Stderr = &log, &log

	watch, end := context.WithCancel(ctx)
	mallocs := make(chan float64)
	go func() { mallocs <- watchMallocs(watch, "http://"+listen+"/metrics") }()
	from := time.Now()
	err = cmd.Run()
	took := time.Since(from).Seconds()
	end()
	allocated := <-mallocs
	if err != nil {
		return result{}, fmt.Errorf("%w:\n%s", err, log.Bytes())
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return result{}, errors.New("no resource usage of the program")
	}
	if err := checkLake(ctx, "file://"+lake, o.events); err != nil {
		return result{}, err
	}
	return result{
		Rows: o.events, Seconds: took, CPU: seconds(usage.Utime) + seconds(usage.Stime),
		Mallocs: allocated, Peak: usage.Maxrss << 10,
	}, nil
}

// serveSchema is a registry that has the schema of the events in Avro, under the id 1.
func serveSchema(ctx context.Context) (url string, stop func(), err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "localhost:0")
	if err != nil {
		return "", nil, fmt.Errorf("serve a schema: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /schemas/ids/1", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		_ = json.NewEncoder(w).Encode(map[string]string{"schema": avroEvent})
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = s.Serve(l) }() // until it is closed
	return "http://" + l.Addr().String(), func() { _ = s.Close() }, nil
}

// newLake is a new folder, and the call that removes it.
func newLake(dir string) (lake string, remove func(), err error) {
	if lake, err = os.MkdirTemp(dir, "lake-"); err != nil {
		return "", nil, fmt.Errorf("make a lake: %w", err)
	}
	if lake, err = filepath.Abs(lake); err != nil {
		return "", nil, fmt.Errorf("make a lake: %w", err)
	}
	return lake, func() { _ = os.RemoveAll(lake) }, nil
}

func freeAddress() (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "localhost:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// checkLake wants every event to have been decided and every file to be published.
func checkLake(ctx context.Context, url string, events int64) error {
	lake, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	l := ledger.New(lake, "transactions")
	st, err := l.Load(ctx)
	if err != nil {
		return err
	}
	if st.Totals.Read != events || st.Totals.Balance() != 0 {
		return fmt.Errorf("the ledger says %+v: want %d read", st.Totals, events)
	}
	for _, p := range st.Pending { // since the last checkpoint
		r, err := l.Record(ctx, p.Seq)
		if err != nil {
			return err
		}
		for _, f := range r.Files {
			if e, err := lake.Stat(ctx, f.Path); err != nil || e.Size != f.Bytes {
				return fmt.Errorf("file %s has %d bytes, want %d: %w", f.Path, e.Size, f.Bytes, err)
			}
		}
	}
	return nil
}

// watchMallocs asks the program again and again how many objects it has allocated,
// and returns its last answer: some milliseconds before its end. 0: it never said.
func watchMallocs(ctx context.Context, url string) float64 {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	last := 0.0
	for {
		select {
		case <-ctx.Done():
			return last
		case <-tick.C:
			if n, err := readMallocs(ctx, url); err == nil {
				last = n
			}
		}
	}
}

func readMallocs(ctx context.Context, url string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "go_memstats_mallocs_total "); ok {
			return strconv.ParseFloat(v, 64)
		}
	}
	return 0, fmt.Errorf("%s has no number of allocations", url)
}
