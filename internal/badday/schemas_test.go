package badday_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/ledger"
	"tidemark/internal/registry/registrytest"
	"tidemark/internal/registry/wire"
)

// Two versions of one event in Avro: the second has a field more, in the middle.
const (
	fieldID     = `{"name":"id","type":"long"}`
	fieldNote   = `{"name":"note","type":["null","string"],"default":null}`
	fieldsRest  = `{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}}`
	firstAvro   = `{"type":"record","name":"payment","fields":[` + fieldID + `,` + fieldsRest + `]}`
	secondAvro  = `{"type":"record","name":"payment","fields":[` + fieldID + `,` + fieldNote + `,` + fieldsRest + `]}`
	avroColumns = `[{name: id, type: long, required: true}, {name: at, type: timestamp, required: true}, {name: amount, type: "decimal(18,2)"}, {name: note, type: string, default: UNKNOWN}]`
)

// testSchemas are the days on which schemas change, and the registry is away.
func testSchemas(t *testing.T, h *house) {
	t.Run("registry killed", func(t *testing.T) { testRegistryKilled(t, h) })
	t.Run("alternating versions", func(t *testing.T) { testAlternating(t, h) })
	t.Run("bad records", func(t *testing.T) { testBadAvro(t, h) })
	t.Run("bad change events", func(t *testing.T) { testBadChanges(t, h) })
	t.Run("bad records of JSON", func(t *testing.T) { testBadJSONRegistry(t, h) })
	t.Run("ten thousand ids", func(t *testing.T) { testManyIDs(t, h) })
}

// avroJob is a job whose topic is in Avro, with a registry.
type avroJob struct {
	*job
	registry, maxAge string
	maxRows          int
}

func (h *house) newAvroJob(t *testing.T, tp *topic, registry string) *avroJob {
	t.Helper()
	return &avroJob{job: h.newJob(t, tp), registry: registry, maxAge: "300ms", maxRows: 500_000}
}

// command are the arguments of a command with the job's configuration.
func (j *avroJob) command(args ...string) []string {
	j.t.Helper()
	name := filepath.Join(j.dir, "avro.yaml")
	must(j.t, os.WriteFile(name, fmt.Appendf(nil, `lake: "file://%s"
source_system: badday
kafka: {brokers: ["%s"], group: "%s", session_timeout: 6s}
registry: {url: "%s"}
batch: {max_age: %s, max_rows: %d}
memory: %s
tables:
  - {name: %s, topics: ["%s"], format: avro-registry, event_time: at, watermark: {delay: 2400h}, halt_above: 1, halt_min_rows: 1, columns: %s, checks: []}
`, j.lake, j.topic.broker.Plain, j.set.group, j.registry, j.maxAge, j.maxRows, j.set.memory, table, j.topic.name, avroColumns), 0o600))
	return append([]string{"--log-format", "json"}, append(args[:1:1], append([]string{"-c", name}, args[1:]...)...)...)
}

// payment is an event as one of the versions: what comes first, a minute after each other.
func payment(id wire.ID, second bool, n int) []byte {
	out := binary.AppendVarint(wire.AppendPrefix(nil, id), int64(n))
	if second {
		out = append(out, 2, 6, 'w', 'e', 'b')
	}
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).Add(time.Duration(n%4000) * time.Minute)
	out = binary.AppendVarint(out, at.UnixMicro())
	return append(out, 4, byte(n>>8)&0x7f, byte(n))
}

// paid fails unless the lake has each payment once, and nothing else.
func (j *avroJob) paid(n int) {
	j.t.Helper()
	got := map[int64]int{}
	for _, row := range j.lake.rows(j.t, ledger.Main) {
		id := number(j.t, row, "id")
		if got[id]++; number(j.t, row, "amount") != id&0x7fff {
			j.t.Errorf("payment %d has the amount %s", id, row["amount"])
		}
	}
	for id := range n {
		if got[int64(id)] != 1 {
			j.t.Fatalf("payment %d is there %d times, %d payments of %d are", id, got[int64(id)], len(got), n)
		}
	}
	if len(got) != n {
		j.t.Errorf("%d payments are there, want %d", len(got), n)
	}
	for _, o := range []ledger.Output{ledger.Quarantine, ledger.LateRows} {
		if rows := j.lake.rows(j.t, o); len(rows) > 0 {
			j.t.Errorf("%d rows are in %s: %s", len(rows), o, rows[0]["_reason"])
		}
	}
	j.run(0, j.command("verify", "--deep"))
}

// testRegistryKilled: the registry is killed in mid-batch. What is known goes on, what is
// not waits, nothing is set aside for it, and when it is back all comes. Then one that is
// slow and broken stands in front of it.
func testRegistryKilled(t *testing.T, h *house) {
	reg := registrytest.Start(t)
	one := wire.Number(wire.Confluent, reg.Register(t, "payments-value", registrytest.Schema{Text: firstAvro}))
	two := wire.Number(wire.Confluent, reg.Register(t, "payments-value", registrytest.Schema{Text: secondAvro}))
	tp := h.newTopic(t, "registry-away", 2)
	sent := 0
	send := func(partition int32, n int, second bool) {
		var out []*kgo.Record
		for range n {
			id := one
			if second {
				id = two
			}
			out = append(out, &kgo.Record{Topic: tp.name, Partition: partition, Value: payment(id, second, sent)})
			sent++
		}
		tp.send(out...)
	}
	j := h.newAvroJob(t, tp, reg.URL)
	p := j.start(j.command("run"))
	send(0, 100, false)
	j.awaitDecided(100, p)

	reg.Kill()
	outage := 5 * time.Second
	if *long {
		outage = 20 * time.Second
	}
	away := time.NewTimer(outage) // what is tested is that time passes
	send(1, 30, false)
	send(1, 30, true)
	send(1, 30, false)
	send(0, 100, false)
	// All of partition 0, and of the other one what stands before the unknown schema.
	j.awaitDecided(100+100+30, p)
	j.await("a partition rests", func(lines []line) bool {
		for _, l := range lines {
			if l.is("partition waits for a schema") && l.number("partition") == 1 {
				return true
			}
		}
		return false
	}, p)
	<-away.C
	send(0, 50, false)
	j.awaitDecided(100+150+30, p)
	lines, _ := j.log.seen()
	if read := total(lines, "batch decided", "read"); read != 280 {
		t.Errorf("while the registry is away %d records are decided, want the 280 that need nothing of it", read)
	}
	reg.Restart()
	back := time.Now()
	j.awaitDecided(sent, p)
	t.Logf("after an outage of %s all is decided %s after the registry's first answer", outage, time.Since(back).Round(time.Millisecond))
	p.signal(syscall.SIGTERM)
	p.ends(0)
	j.paid(sent)

	moods := newMoody(t, reg.URL)
	other := h.newAvroJob(t, tp, moods.url)
	other.run(0, other.command("run", "--until-current"))
	other.paid(sent)
	moods.mu.Lock()
	defer moods.mu.Unlock()
	if moods.broken < 4 || moods.slow < 2 {
		t.Errorf("it was asked in vain %d times, and slow %d times: too few", moods.broken, moods.slow)
	}
}

// moody stands in front of a registry: of each address the first two requests fail, the
// third one waits until its asker gives up, and the next ones are let through.
type moody struct {
	url          string
	mu           sync.Mutex
	tries        map[string]int
	broken, slow int
}

func newMoody(t *testing.T, registry string) *moody {
	to, err := url.Parse(registry)
	must(t, err)
	m := &moody{tries: map[string]int{}}
	through := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: to.Scheme, Host: to.Host})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.tries[r.URL.Path]++
		try := m.tries[r.URL.Path]
		if try <= 2 {
			m.broken++
		} else if try == 3 {
			m.slow++
		}
		m.mu.Unlock()
		switch {
		case try <= 2:
			w.WriteHeader(http.StatusInternalServerError)
		case try == 3:
			<-r.Context().Done()
		default:
			through.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	m.url = s.URL + to.Path
	return m
}

// counting is a registry that has any schema, and counts how often each is asked for.
type counting struct {
	url   string
	mu    sync.Mutex
	asked map[string]int
}

func newCounting(t *testing.T, text func(id int) string) *counting {
	c := &counting{asked: map[string]int{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/schemas/ids/"), "/")
		n, err := strconv.Atoi(id)
		if err != nil || rest != "" {
			http.Error(w, `{"error_code":40403}`, http.StatusNotFound)
			return
		}
		c.mu.Lock()
		c.asked[id]++
		c.mu.Unlock()
		fmt.Fprintf(w, `{"schema":%q}`, text(n))
	}))
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

// testAlternating: two versions alternate from record to record. There are as many batches
// and files as with one version.
func testAlternating(t *testing.T, h *house) {
	n := 200_000
	if *long {
		n = 2_000_000
	}
	reg := newCounting(t, func(id int) string { return []string{firstAvro, secondAvro}[id-1] })
	var took [2]time.Duration
	var files [2]map[string]int
	for i, name := range []string{"one-version", "two-versions"} {
		tp := h.newTopic(t, name, 2)
		var out []*kgo.Record
		for k := range n {
			second := i == 1 && k/2%2 == 1 // of each partition every other one
			id := wire.Number(wire.Confluent, map[bool]uint64{false: 1, true: 2}[second])
			out = append(out, &kgo.Record{Topic: tp.name, Partition: int32(k % 2), Value: payment(id, second, k)})
			if len(out) == 10_000 {
				tp.put(tp.client, out...)
				out = out[:0]
			}
		}
		tp.put(tp.client, out...)
		j := h.newAvroJob(t, tp, reg.url)
		j.maxAge, j.set.memory = "30s", "1GiB"
		from := time.Now()
		j.run(0, j.command("run", "--until-current"))
		took[i] = time.Since(from)
		files[i] = map[string]int{}
		for _, f := range j.lake.files(t, ledger.Main) {
			files[i][filepath.Dir(f)]++
		}
		if i == 1 {
			j.paid(n)
		}
		batches := len(j.lake.ledger(t))
		for day, count := range files[i] {
			if strings.HasSuffix(day, table) || count > batches {
				t.Errorf("%s: %s has %d files of %d batches", name, day, count, batches)
			}
		}
	}
	if fmt.Sprint(files[0]) != fmt.Sprint(files[1]) {
		t.Errorf("files by day: %v with one version, %v with two", files[0], files[1])
	}
	t.Logf("%d records: %s with one version, %s with two, that is %.0f %%", n, took[0].Round(time.Millisecond), took[1].Round(time.Millisecond), 100*took[1].Seconds()/took[0].Seconds())
}

// testManyIDs: each of ten thousand ids names a schema of its own. The registry is asked
// once for each, and what the program keeps stays within memory.
func testManyIDs(t *testing.T, h *house) {
	const ids, rounds = 10_000, 4
	reg := newCounting(t, func(id int) string {
		return strings.Replace(firstAvro, fieldsRest, fieldsRest+fmt.Sprintf(`,{"name":"extra_%d","type":["null","string"],"doc":%q}`, id, strings.Repeat("a field more. ", 20)), 1)
	})
	tp := h.newTopic(t, "many-ids", 2)
	var out []*kgo.Record
	for k := range ids * rounds {
		out = append(out, &kgo.Record{Topic: tp.name, Partition: int32(k % 2), Value: append(payment(wire.Number(wire.Confluent, uint64(k%ids)+1), false, k), 0)})
	}
	tp.put(tp.client, out...)
	j := h.newAvroJob(t, tp, reg.url)
	from := time.Now()
	p := j.start(j.command("run", "--until-current"))
	watched := p.watch()
	p.ends(0)
	peak := watched()
	j.paid(ids * rounds)
	reg.mu.Lock()
	defer reg.mu.Unlock()
	twice := 0
	for _, n := range reg.asked {
		if n > 1 {
			twice++
		}
	}
	if twice > 0 || len(reg.asked) != ids {
		t.Errorf("%d ids are asked for, %d of them more than once, want %d and none", len(reg.asked), twice, ids)
	}
	if peak > 256<<20 {
		t.Errorf("the program had %d MiB at most, and memory is 256 MiB", peak>>20)
	}
	t.Logf("%d ids, %d records: %s, %d MiB at most", ids, ids*rounds, time.Since(from).Round(time.Millisecond), peak>>20)
}
