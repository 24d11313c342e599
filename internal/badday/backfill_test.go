package badday_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidemark/internal/cloudtest"
	"tidemark/internal/generate"
	"tidemark/internal/store/bucket"
)

// testBackfill kills the program while it reads raw files.
func testBackfill(t *testing.T, h *house) {
	t.Run("before each call", h.backfillKilled)
	t.Run("at random", h.backfillKilledAtRandom)
	t.Run("beside a stream", h.backfillBeside)
	t.Run("from a bucket", h.backfillFromBucket)
}

// raw are raw files with what they hold.
type raw struct {
	dir  string
	held []record
}

// rawFiles makes files of so many events each, one of them compressed.
func rawFiles(t *testing.T, seed uint64, files, events int) *raw {
	t.Helper()
	r := &raw{dir: t.TempDir()}
	cfg := mixed()
	cfg.Seed, cfg.Days, cfg.End, cfg.Step = seed, 3, time.Now(), 15*time.Minute
	g := generate.New(cfg)
	for f := range files {
		var text bytes.Buffer
		name := fmt.Sprintf("%d-%d.json", seed, f)
		if f%2 == 1 {
			name += ".gz"
		}
		for i := range events {
			e, _ := g.Next()
			value := slices.DeleteFunc(slices.Clone(e.Value), func(b byte) bool { return b == '\n' })
			text.Write(append(value, '\n'))
			r.held = append(r.held, record{file: name, line: int64(i + 1), value: string(value)})
		}
		data := text.Bytes()
		if f%2 == 1 {
			var packed bytes.Buffer
			w := gzip.NewWriter(&packed)
			_, err := w.Write(data)
			must(t, err)
			must(t, w.Close())
			data = packed.Bytes()
		}
		must(t, os.WriteFile(filepath.Join(r.dir, name), data, 0o644))
	}
	return r
}

// backfill are the arguments that read them.
func (j *job) backfill(r *raw) []string {
	return []string{"--log-format", "json", "backfill", "-c", j.config(), "--table", table, r.dir}
}

// backfillKilled kills a backfill before calls that change the lake, and wants the next
// one to bring it to its end.
func (h *house) backfillKilled(t *testing.T) {
	tp := h.newTopic(t, "backfill", 1)
	files := rawFiles(t, 1, 3, 30)
	kills := 0
	var last int
	step := 1
	if !*long {
		step = 9
	}
	for n := 1 + int(*chaosSeed)%step; ; n += step {
		j := h.newJob(t, tp)
		must(t, os.CopyFS(string(j.lake), os.DirFS(h.empty)))
		j.set.maxRows = 40
		var at call
		code, stderr := j.traced(j.backfill(files), func(c call) bool { at = c; return c.number != n })
		if code > 0 {
			t.Fatalf("exit code %d:\n%s", code, stderr)
		}
		j.run(0, j.backfill(files))
		j.check(files.held)
		if t.Failed() {
			t.Fatalf("it was killed before %s", at)
		}
		last = at.number
		if code == 0 {
			break
		}
		kills++
	}
	t.Logf("figures: backfill: %d calls that change the lake, killed before %d of them, %d records checked, 0 lost, 0 doubled", last, kills, (kills+1)*len(files.held))
	if kills < 5 {
		t.Errorf("only %d kills", kills)
	}
}

// backfillKilledAtRandom kills a backfill again and again, some batches after it began.
func (h *house) backfillKilledAtRandom(t *testing.T) {
	tp := h.newTopic(t, "backfill-random", 1)
	files, events, want := 2, 10_000, 4
	if *long {
		files, events, want = 4, 500_000, 50
	}
	r := rawFiles(t, *chaosSeed, files, events)
	j := h.newJob(t, tp)
	j.set.maxRows = files * events / (2 * want)
	rng := rand.New(rand.NewPCG(*chaosSeed, 1))
	kills := 0
	for ended := false; !ended; {
		p := j.start(j.backfill(r))
		batches := rng.IntN(3) // 0: at the first word
		ended = !j.killedAfter(p, batches)
		if !ended {
			kills++
		}
	}
	j.run(0, j.backfill(r))
	j.check(r.held)
	t.Logf("figures: backfill of %d rows: %d kills at random, 0 lost, 0 doubled", len(r.held), kills)
	if kills < want {
		t.Errorf("only %d kills, want %d", kills, want)
	}
}

// killedAfter kills p once it has decided so many batches. It reports false where it
// ended before.
func (j *job) killedAfter(p *process, batches int) bool {
	j.t.Helper()
	for waiting := true; waiting; {
		lines, changed := j.log.seen()
		decided := 0
		for _, l := range lines {
			if l.of == p && l.is("batch decided") {
				decided++
			}
		}
		if decided >= batches {
			break
		}
		select {
		case <-changed:
		case <-p.done:
			waiting = false
		}
	}
	_ = p.cmd.Process.Kill() // unless it ended
	if code := p.end(); code > 0 {
		j.t.Fatalf("exit code %d:\n%s", code, p.stderr)
	} else if code == 0 {
		return false
	}
	return true
}

// backfillFromBucket reads raw files of a bucket into a lake in the same bucket, and
// skips them afterwards.
func (h *house) backfillFromBucket(t *testing.T) {
	s := cloudtest.Versity(t)
	r := rawFiles(t, 4, 3, 200)
	b, err := bucket.Open(t.Context(), s.Lake("incoming"))
	must(t, err)
	defer b.Close()
	entries, err := os.ReadDir(r.dir)
	must(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(r.dir, e.Name()))
		must(t, err)
		must(t, b.Create(t.Context(), "2026/"+e.Name(), data))
	}
	j := h.newJob(t, h.newTopic(t, "backfill-bucket", 1))
	j.set.lake = s.Lake("lake")
	raw := *r
	raw.dir = s.Lake("incoming/**/*.json*")
	j.run(0, j.backfill(&raw))
	p := j.start(append(j.backfill(&raw), "--json"))
	p.ends(0)
	if out := p.stdout.String(); !strings.Contains(out, `"found":3,"read":0,"empty":0,"skipped":3,`) {
		t.Errorf("the second run says %s", out)
	}
	j.verify()
	j.mirror(s.Lake("lake"))
	j.lake.holds(t, r.held)
}

// backfillBeside reads raw files into a table that a stream feeds at the same time, and
// both are killed: the table ends with every row of both, once.
func (h *house) backfillBeside(t *testing.T) {
	tp := h.newTopic(t, "backfill-beside", 2)
	tp.produce(3000)
	r := rawFiles(t, 3, 3, 3000)
	j := h.newJob(t, tp)
	j.set.maxRows = 500
	stream := j.start(j.stream())
	for _, kill := range []int{1, 2} {
		j.killedAfter(j.start(j.backfill(r)), kill)
	}
	_ = stream.cmd.Process.Kill()
	stream.end()
	stream = j.start(j.stream())
	tp.produce(1000)
	j.run(0, j.backfill(r))
	j.awaitPublished(len(tp.sent)+len(r.held), stream)
	stream.signal(syscall.SIGTERM)
	stream.ends(0)
	j.check(append(slices.Clone(tp.sent), r.held...))
	t.Log("figures: backfill beside a stream: " + strconv.Itoa(len(tp.sent)+len(r.held)) + " rows of both, 3 kills, 0 lost, 0 doubled")
}
