package badday_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/ledger"
	"tidemark/internal/scripttest"
)

// testTraversal: nothing that comes from outside, be it a name in the configuration, a
// record of Kafka or a record of the ledger that somebody wrote into the lake, makes the
// program read or change a file that is not its own.
func testTraversal(t *testing.T, h *house) {
	t.Run("configuration", h.namesRefused)
	t.Run("events", h.hostileEvents)
	t.Run("ledger", h.hostileLedger)
}

// namesRefused: names that are no names end with exit code 2, each fault with its place.
func (h *house) namesRefused(t *testing.T) {
	const config = "../config/testdata/bad/traversal.yaml"
	want, err := os.ReadFile(strings.TrimSuffix(config, ".yaml") + ".txt")
	must(t, err)
	j := h.newJob(t, h.newTopic(t, "traversal-names", 1))
	for _, args := range [][]string{{"check", "-c", config, "--offline"}, {"run", "-c", config}, {"vacuum", "-c", config, "--yes"}} {
		stderr := j.run(2, args)
		for line := range strings.Lines(string(want)) {
			if !strings.Contains(stderr, strings.TrimSpace(line)) {
				t.Errorf("%s does not say:\n%s", args[0], line)
			}
		}
	}
	j.set.lake = "file://" + string(j.lake)
	for _, name := range []string{"../transactions", "..", "transactions/../../x", "%2e%2e"} {
		says(t, j.run(2, []string{"verify", "-c", j.config(), "--table", name}), "the configuration has no table of this name")
	}
}

// fileName is what every file of a table is called.
var fileName = regexp.MustCompile(`^transactions(_late|_quarantine)?/yyyy=\d{4}/mm=\d\d/dd=\d\d/[0-9a-z-]+\.parquet$`)

// hostileEvents: names of columns, of fields and of headers, and event times at the ends
// of what can be written, make no path, and nothing in them reaches a terminal raw.
func (h *house) hostileEvents(t *testing.T) {
	const escape = "\x1b[2J"
	tp := h.newTopic(t, "traversal-events", 1)
	fields := []string{"../../../escaped", "/etc/escaped", "..", `a\\b`, "%2e%2e%2fescaped", "ünï", strings.Repeat("n", 255)}
	columns, values := "", ""
	for i, f := range fields {
		columns += "      - {name: \"" + f + "\", type: string}\n"
		values += `, "` + f + `": "` + fmt.Sprint(i) + `"`
	}
	for _, at := range []string{"0", "-62135596800", "-9223372036", "253402300799", "-8334601228800", "9223372036854", `"../../x"`, `"2026-01-01/../../x"`, "1e18"} {
		tp.put(tp.client, &kgo.Record{
			Topic: tp.name, Key: []byte("../../key"), Headers: []kgo.RecordHeader{{Key: "../../header" + escape, Value: []byte("../../value")}},
			Value: fmt.Appendf(nil, `{"at": %s%s, "../../extra\u001b[2J\u0000\n": 1}`, at, values),
		})
	}
	j := h.newJob(t, tp)
	port := scripttest.FreePorts(t, 1)
	config := filepath.Join(j.dir, "traversal.yaml")
	must(t, os.WriteFile(config, fmt.Appendf(nil, `lake: "file://%s"
source_system: "../../system"
kafka: {brokers: ["%s"], group: "../../group", session_timeout: 6s}
batch: {max_age: 200ms}
http: {listen: "127.0.0.1:%d"}
tables:
  - name: transactions
    topics: ["%s"]
    event_time: at
    halt_above: 1
    watermark: {late: accept}
    columns:
      - {name: at, type: timestamp, unit: s}
%s`, j.lake, tp.broker.Plain, port, tp.name, columns), 0o600))
	before := tree(t, j.dir)
	p := j.start([]string{"--log-format", "json", "--log-level", "debug", "run", "-c", config})
	j.awaitDecided(9, p)
	said := ""
	for _, path := range []string{"/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/status/../../etc/passwd", "//etc/passwd", "/metrics/..%2f..%2fetc%2fpasswd"} {
		if answer := ask(t, port, path); strings.HasPrefix(answer, "HTTP/1.1 200") || strings.Contains(answer, "root:") {
			t.Errorf("GET %s: %s", path, answer)
		}
	}
	for _, path := range []string{"/status", "/", "/metrics"} {
		said += ask(t, port, path)
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)
	for _, args := range [][]string{{"status", "-c", config}, {"verify", "-c", config, "--deep"}, {"check", "-c", config}, {"run", "-c", config, "--until-current", "--log-level", "debug"}} {
		again := j.start(args)
		again.ends(0)
		said += again.stdout.String() + again.stderr
	}
	if i := strings.Index(said+p.stderr, escape); i >= 0 {
		t.Errorf("a sequence of an event reaches the terminal: %q", (said + p.stderr)[max(0, i-100):i+10])
	}
	read := int64(0)
	for _, r := range j.lake.ledger(t) {
		read += r.Counts.Read
		for _, f := range r.Files {
			if !fileName.MatchString(f.Path) {
				t.Errorf("a file is called %q", f.Path)
			}
		}
	}
	if read != 9 {
		t.Errorf("%d events are decided, want 9", read)
	}
	j.lake.named(t)
	after := tree(t, j.dir)
	for name := range after {
		if before[name] == "" && !strings.HasPrefix(name, "lake/") {
			t.Errorf("%s appeared beside the lake", name)
		}
	}
}

// ask sends a request for a path as it is, which a client of HTTP would clean.
func ask(t *testing.T, port int, path string) string {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	must(t, err)
	defer c.Close()
	_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path)
	must(t, err)
	answer, err := io.ReadAll(c)
	must(t, err)
	return string(answer)
}

// hostileLedger: a record that somebody put into the ledger, whole and rightly chained,
// and that names files that are not its batch's, makes no command touch them.
func (h *house) hostileLedger(t *testing.T) {
	tp := h.newTopic(t, "traversal-ledger", 1)
	tp.produce(20)
	j := h.newJob(t, tp)
	j.run(0, j.drain())
	records := j.lake.ledger(t)
	last := records[len(records)-1]
	const victim = "rows of another table"
	for _, name := range []string{"victim", "lake/accounts/victim", "lake/accounts/victim.parquet", "lake/_tidemark/accounts/ledger/00000000000000000001.json"} {
		name = filepath.Join(j.dir, name)
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		must(t, os.WriteFile(name, []byte(victim), 0o644))
	}
	const batch = "20260101t000000000000-aaaaaaaaaaaaaaaa"
	ours, staged := "transactions/yyyy=2026/mm=01/dd=01/"+batch+"-0.parquet", ledger.StagingDir(table, batch)+"/main-0"
	previous, err := os.ReadFile(filepath.Join(string(j.lake), ledger.RecordKey(table, last.Seq)))
	must(t, err)
	for _, tc := range []struct{ name, batch, path, staged string }{
		{"stolen from another table", batch, ours, "accounts/victim.parquet"},
		{"stolen, without its ending", batch, ours, "accounts/victim"},
		{"stolen from another ledger", batch, ours, "_tidemark/accounts/ledger/00000000000000000001.json"},
		{"stolen from our ledger", batch, ours, ledger.RecordKey(table, 1)},
		{"stolen by way of our staging", batch, ours, staged + "/../../../../../accounts/victim"},
		{"stolen from beside the lake", batch, ours, "../victim"},
		{"stolen from the root", batch, ours, filepath.Join(j.dir, "victim")},
		{"from another batch's staging", batch, ours, ledger.StagingDir(table, "another") + "/main-0"},
		{"put into another table", batch, "accounts/" + batch + "-0.parquet", staged},
		{"put there by way of ours", batch, "transactions/../accounts/" + batch + "-0.parquet", staged},
		{"put beside the lake", batch, "transactions/../../" + batch + "-0.parquet", staged},
		{"put into a ledger", batch, "_tidemark/transactions/ledger/00000000000000000099.json", staged},
		{"another output's folder", batch, "transactions_late/" + batch + "-0.parquet", staged},
		{"without a batch", "", "transactions/.parquet", "_tidemark/transactions/staging//main-0"},
		{"a batch that is a path", "../../../accounts", "transactions/../../../accounts.parquet", "_tidemark/transactions/staging/../../../accounts/victim"},
		{"an empty name", batch, "transactions//" + batch + "-0.parquet", staged},
		{"NUL", batch, "transactions/\x00/" + batch + "-0.parquet", staged},
		{"a newline", batch, "transactions/\n/" + batch + "-0.parquet", staged},
		{"a sequence for a terminal", batch, "transactions/\x1b[2J/" + batch + "-0.parquet", staged},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := *j
			j.t = t
			sum := sha256.Sum256(previous)
			data, err := ledger.EncodeRecord(&ledger.Record{
				Version: ledger.Version, Seq: last.Seq + 1, Table: table, Kind: ledger.KindBatch, Batch: tc.batch, Nonce: "x",
				Previous: hex.EncodeToString(sum[:]), DecidedAt: last.DecidedAt, Watermark: last.Watermark,
				Files: []ledger.File{{Output: ledger.Main, Path: tc.path, Staged: tc.staged, Bytes: int64(len(victim))}},
			})
			must(t, err)
			hostile := filepath.Join(string(j.lake), ledger.RecordKey(table, last.Seq+1))
			must(t, os.WriteFile(hostile, data, 0o644))
			defer func() { must(t, os.Remove(hostile)) }()
			before := tree(t, j.dir)
			c := j.config()
			for _, do := range []struct {
				code int
				args []string
			}{{4, j.drain()}, {5, []string{"verify", "-c", c}}, {4, []string{"vacuum", "-c", c, "--yes"}}, {4, []string{"status", "-c", c}}} {
				p := j.start(do.args)
				if code := p.end(); code != do.code || strings.Contains(p.stderr+p.stdout.String(), "\x1b") {
					t.Errorf("%v: exit code %d, want %d: %q", do.args, code, do.code, p.stdout.String()+p.stderr)
				}
			}
			after := tree(t, j.dir)
			delete(before, "tidemark.yaml")
			for name, was := range before {
				if after[name] != was {
					t.Errorf("%s is not what it was", name)
				}
			}
			if len(after) != len(before)+1 {
				t.Errorf("%d files, and there were %d", len(after)-1, len(before))
			}
		})
	}
}

// tree are all files below a folder, with what is in them.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		sum := sha256.Sum256(data)
		out[name] = hex.EncodeToString(sum[:])
		return err
	}))
	return out
}
