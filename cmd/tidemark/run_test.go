package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"tidemark/internal/status"
)

// running is the program in this process, with what it logs.
type running struct {
	t      *testing.T
	stop   context.CancelFunc
	code   chan int
	stdout bytes.Buffer // for after the end
	seen   []string     // lines that until has passed
	events chan string  // lines of the log
	read   sync.WaitGroup
}

// launch runs the program until the test ends or stops it.
func launch(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{t: t, stop: cancel, code: make(chan int, 1), events: make(chan string, 1000)}
	in, out := io.Pipe()
	r.read.Go(func() {
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			r.events <- lines.Text()
		}
		close(r.events)
	})
	go func() {
		r.code <- run(ctx, args, &r.stdout, out, os.LookupEnv)
		_ = out.Close() // it never fails
	}()
	t.Cleanup(func() {
		cancel()
		for range r.events { // let it write to its end
		}
		r.read.Wait()
	})
	return r
}

// stuck is how long anything may take that a test waits for.
const stuck = 2 * time.Minute

// until waits for a line of the log, and returns what the pattern's group matched.
func (r *running) until(pattern string) string {
	r.t.Helper()
	want := regexp.MustCompile(pattern)
	late := time.NewTimer(stuck)
	defer late.Stop()
	for {
		select {
		case line, ok := <-r.events:
			if !ok {
				r.t.Fatalf("it ended without %s:\n%s", pattern, strings.Join(r.seen, "\n"))
			}
			r.seen = append(r.seen, line)
			if m := want.FindStringSubmatch(line); m != nil {
				return m[len(m)-1]
			}
		case <-late.C:
			r.t.Fatalf("no %s came within %s:\n%s", pattern, stuck, strings.Join(r.seen, "\n"))
		}
	}
}

// end asks it to end, and wants the code.
func (r *running) end(want int) {
	r.t.Helper()
	r.stop()
	for range r.events {
	}
	if got := <-r.code; got != want {
		r.t.Errorf("exit code %d, want %d", got, want)
	}
}

// configure writes a configuration for brokers and gives its name.
func configure(t *testing.T, brokers []string, more string) string {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "tidemark.yaml")
	text := fmt.Sprintf(`lake: file://%s/lake
source_system: test
kafka: {brokers: [%q], group: g}
batch: {max_age: 200ms}
tables:
  - {name: transactions, preset: banking/card-transactions, topics: [transactions]}
%s`, dir, brokers[0], more)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func broker(t *testing.T) []string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "transactions"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()
}

// free is an address that nobody uses at this moment.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func quiet(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs, os.LookupEnv)
	return code, out.String(), errs.String()
}

func get(t *testing.T, url string) (code int, body string, header http.Header) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(data), answer.Header
}

// TestRunShowsItself runs for real, and looks at each page that it serves.
func TestRunShowsItself(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	brokers := broker(t)
	if code, _, errs := quiet(t, "generate", "--rows", "5000", "--bad", "1", "--brokers", brokers[0], "--topic", "transactions"); code != 0 {
		t.Fatal(errs)
	}
	config := configure(t, brokers, fmt.Sprintf("http: {listen: %q}\n", free(t)))
	r := launch(t, "run", "-c", config)
	site := "http://" + r.until(`serving http.*address=(\S+)`)
	r.until("batch published.* rows=5000")

	if code, body, _ := get(t, site+"/healthz"); code != http.StatusOK || body != "alive\n" {
		t.Errorf("/healthz: %d %q", code, body)
	}
	if code, body, _ := get(t, site+"/readyz"); code != http.StatusOK || body != "ready\n" {
		t.Errorf("/readyz: %d %q", code, body)
	}
	var doc status.Document
	code, body, header := get(t, site+"/status")
	if err := json.Unmarshal([]byte(body), &doc); err != nil || code != http.StatusOK || header.Get("Content-Type") != "application/json" {
		t.Fatalf("/status: %d %v %q", code, err, body)
	}
	if got := doc.Tables[0]; got.Totals.Read != 5000 || got.Balance != 0 || len(got.Partitions) != 2 || *got.Lag != 0 || len(got.Batches) == 0 {
		t.Errorf("/status: %s", body)
	}
	code, page, header := get(t, site+"/")
	if code != http.StatusOK || !strings.Contains(page, "<h2>transactions</h2>") || !strings.Contains(page, "adds up") {
		t.Errorf("/: %d %s", code, page)
	}
	if got := header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") {
		t.Errorf("/: policy %q", got)
	}
	checkMetrics(t, site)
	if code, _, _ := get(t, site+"/nothing"); code != http.StatusNotFound {
		t.Errorf("/nothing: %d", code)
	}

	// The lake goes away beneath it: it is alive and not ready.
	away := filepath.Join(filepath.Dir(config), "away")
	lake := filepath.Join(filepath.Dir(config), "lake")
	if err := os.Rename(lake, away); err != nil {
		t.Fatal(err)
	}
	if code, body, _ := get(t, site+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "not ready: reach the lake: ") {
		t.Errorf("/readyz without a lake: %d %q", code, body)
	}
	if err := os.Rename(away, lake); err != nil {
		t.Fatal(err)
	}
	r.end(exitDone)
	if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != exitDone {
		t.Errorf("verify: %d %s %s", code, out, errs)
	}
}

// checkMetrics wants each series that dashboards are built on, with its labels.
func checkMetrics(t *testing.T, site string) {
	t.Helper()
	_, metrics, _ := get(t, site+"/metrics")
	const table = `{table="transactions"} `
	for _, want := range []string{
		`tidemark_records_read_total` + table + `5000`, `tidemark_balance_error` + table + `0`,
		`tidemark_records_total{fate="written",table="transactions"} `, `tidemark_records_total{fate="late",table="transactions"} `,
		`tidemark_records_total{fate="quarantined",table="transactions"} `, `tidemark_records_total{fate="duplicate",table="transactions"} 0`,
		`tidemark_records_total{fate="filtered",table="transactions"} 0`, `tidemark_batches_total{table="transactions",verdict="FAIL"} `,
		`tidemark_batch_seconds_count{stage="decode",table="transactions"} `, `tidemark_batch_rows_sum` + table + `5000`,
		`tidemark_files_total{output="main",table="transactions"} `, `tidemark_file_bytes_count` + table,
		`tidemark_lag_records{partition="0",table="transactions",topic="transactions"} 0`, `tidemark_freshness_seconds` + table + `0`,
		`tidemark_watermark_timestamp_seconds` + table, `tidemark_check_failures_total{check="range:amount",table="transactions"} `,
		`tidemark_ledger_seq` + table, `tidemark_ledger_conflicts_total` + table + `0`,
		`tidemark_store_seconds_count{code="ok",op="publish"}`, "tidemark_memory_bytes ", `tidemark_paused{reason="memory"} 0`,
		`tidemark_halted{reason="quality",table="transactions"} 0`, "tidemark_build_info{", "go_goroutines ", "process_resident_memory_bytes ",
	} {
		if !strings.Contains(metrics, "\n"+want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
}

// TestRunIsNotReadyWithoutPartitions asks a program whose brokers never answer.
func TestRunIsNotReadyWithoutPartitions(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	r := launch(t, "run", "-c", configure(t, []string{"127.0.0.1:1"}, fmt.Sprintf("http: {listen: %q}\n", free(t))))
	site := "http://" + r.until(`serving http.*address=(\S+)`)
	if code, body, _ := get(t, site+"/readyz"); code != http.StatusServiceUnavailable || body != "not ready: no partitions are assigned\n" {
		t.Errorf("got %d %q", code, body)
	}
	if code, _, _ := get(t, site+"/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d", code)
	}
	r.end(exitDone)
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	config := configure(t, broker(t), fmt.Sprintf("http: {listen: %q}\n", l.Addr()))
	code, _, errs := quiet(t, "run", "-c", config)
	if code != exitFailed || !strings.Contains(errs, "address already in use") || !strings.Contains(errs, "http.listen") {
		t.Errorf("got %d %s", code, errs)
	}
}

func TestLogsAsJSON(t *testing.T) {
	brokers := broker(t)
	if code, _, errs := quiet(t, "generate", "--rows", "10", "--brokers", brokers[0], "--topic", "transactions"); code != 0 {
		t.Fatal(errs)
	}
	code, out, errs := quiet(t, "run", "-c", configure(t, brokers, ""), "--until-current", "--log-format", "json", "--log-level", "debug")
	if code != exitDone || !strings.Contains(out, "adds up") {
		t.Fatalf("got %d %s", code, out)
	}
	decided := 0
	for line := range strings.Lines(errs) {
		var entry struct {
			Msg   string `json:"msg"`
			Table string `json:"table"`
			Batch string `json:"batch"`
			Seq   int64  `json:"seq"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("not JSON: %s", line)
		}
		if entry.Msg == "batch decided" && entry.Table == "transactions" && entry.Batch != "" && entry.Seq > 0 {
			decided++
		}
	}
	if decided == 0 {
		t.Errorf("no batch with table, batch and seq in\n%s", errs)
	}
}

func TestProbeIsDoneOnceAndKept(t *testing.T) {
	brokers := broker(t)
	config := configure(t, brokers, "")
	const said = "real put-if-absent"
	if code, _, errs := quiet(t, "run", "-c", config, "--until-current"); code != exitDone || !strings.Contains(errs, said) {
		t.Errorf("the first time: %d %s", code, errs)
	}
	data, err := os.ReadFile(filepath.Join(filepath.Dir(config), "lake", filepath.FromSlash(probeKey)))
	var kept probeResult
	if err != nil || json.Unmarshal(data, &kept) != nil || kept.Keys != 20 || kept.Racers != 16 {
		t.Errorf("kept %s, %v", data, err)
	}
	if code, _, errs := quiet(t, "run", "-c", config, "--until-current"); code != exitDone || strings.Contains(errs, said) {
		t.Errorf("the second time: %d %s", code, errs)
	}
}
