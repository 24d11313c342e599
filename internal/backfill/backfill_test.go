package backfill_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/internal/backfill"
	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
)

// done fails unless a run ended well, having read and skipped so many files, and
// reported those that failed.
func done(t *testing.T, run *ledger.Run, err error, read, skipped int64, failed ...string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if run.Read != read || run.Skipped != skipped || len(run.Failed) != len(failed) {
		t.Fatalf("read %d, skipped %d, failed %v; want %d, %d, %d", run.Read, run.Skipped, run.Failed, read, skipped, len(failed))
	}
	for i, words := range failed {
		if !strings.Contains(run.Failed[i].Why, words) {
			t.Errorf("it failed for %q, want %q", run.Failed[i].Why, words)
		}
	}
}

// TestFilesAreReadOnce: new, done, grown, touched; each row is in the table once.
func TestFilesAreReadOnce(t *testing.T) {
	w := newWorld(t)
	w.put("a.json", lines(0, 1000), 1)
	w.put("sub/b.json", lines(1000, 1010), 1)
	w.put("empty.json", "", 1)
	run, err := w.run(options{rows: 300})
	done(t, run, err, 2, 0)
	if run.Empty != 1 {
		t.Errorf("%d files were empty, want 1", run.Empty)
	}
	all := want(want(nil, "a.json", 1, 0, 1000), "b.json", 1, 1000, 1010)
	w.holds(all)

	run, err = w.run(options{})
	done(t, run, err, 0, 3)
	w.holds(all)

	w.put("a.json", lines(0, 1500), 2) // it grew
	w.put("sub/b.json", lines(1000, 1010), 2)
	run, err = w.run(options{})
	done(t, run, err, 1, 2)
	all = want(all, "a.json", 1001, 1000, 1500)
	w.holds(all)

	run, err = w.run(options{})
	done(t, run, err, 0, 3)
	w.holds(all)
}

// TestChangedIsRefused: what is decided of a file must be what it begins with.
func TestChangedIsRefused(t *testing.T) {
	for _, c := range []struct {
		name, was, is, why string
	}{
		{"a byte", lines(0, 100), strings.Replace(lines(0, 100), `"id":3,`, `"id":8,`, 1), "are not what is decided"},
		{"shorter", lines(0, 100), lines(0, 50), "it ends at"},
		{"grown and changed", lines(0, 100), strings.Replace(lines(0, 200), `"id":3,`, `"id":8,`, 1), "are not what is decided"},
		{"its last line was continued", strings.TrimSuffix(lines(0, 100), "}\n"), lines(0, 101), "where no record ends any more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.put("a.json", c.was, 1)
			w.put("b.json", lines(500, 510), 1)
			if _, err := w.run(options{}); err != nil {
				t.Fatal(err)
			}
			before := w.rows(ledger.Main)
			w.put("a.json", c.is, 2)
			w.put("c.json", lines(600, 610), 2)
			run, err := w.run(options{})
			done(t, run, err, 1, 1, c.why)
			if !strings.Contains(run.Failed[0].Why, "--again") {
				t.Errorf("no way out is named: %s", run.Failed[0].Why)
			}
			w.holds(want(before, "c.json", 1, 600, 610))

			again := func(cfg *backfill.Config) { cfg.Again = true }
			run, err = w.run(options{config: again})
			done(t, run, err, 1, 2)
			n := strings.Count(c.is, "\n")
			total := 0
			for _, k := range w.rows(ledger.Main) {
				total += k
			}
			if got, want := total, len(before)+n; got != want {
				t.Errorf("%d rows, want %d", got, want)
			}
			run, err = w.run(options{config: again}) // it is known as it is now
			done(t, run, err, 0, 3)
		})
	}
}

var errEnd = errors.New("the process ends here")

// dying ends the run at a chunk.
type dying struct {
	backfill.Feeder
	left int
}

func (d *dying) AcceptFile(table string, src batch.Source, c *batch.Chunk) error {
	if d.left--; d.left < 0 {
		return errEnd
	}
	return d.Feeder.AcceptFile(table, src, c)
}

// TestInterrupted ends runs at every chunk, until one comes to its end.
func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	w.put("a.json", lines(0, 20_000), 1) // several chunks
	w.put("b.csv", "at,id\n"+strings.Repeat("2026-03-01T00:00:00Z,7\n", 20_000), 1)
	all := want(nil, "a.json", 1, 0, 20_000)
	for i := range 20_000 {
		all[row{7, "b.csv", int64(2 + i)}]++
	}
	for n := 0; ; n++ {
		_, err := w.run(options{rows: 3000, feeder: func(f backfill.Feeder) backfill.Feeder { return &dying{f, n} }})
		if err == nil {
			break
		}
		if !errors.Is(err, errEnd) || n > 100 {
			t.Fatalf("after %d chunks: %v", n, err)
		}
	}
	w.holds(all)
}

// TestTogether: several read the same files at once. Whoever comes second drops what
// he has, and goes on from where the ledger stands.
func TestTogether(t *testing.T) {
	w := newWorld(t)
	w.put("a.json", lines(0, 30_000), 1)
	w.put("b.json", lines(30_000, 60_000), 1)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if _, err := w.run(options{rows: 5000}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.holds(want(want(nil, "a.json", 1, 0, 30_000), "b.json", 1, 30_000, 60_000))
}

// TestShards: each file is the business of one of them.
func TestShards(t *testing.T) {
	w := newWorld(t)
	all := map[row]int{}
	for i := range 20 {
		name := string(rune('a'+i)) + ".json"
		w.put(name, lines(i*10, i*10+10), 1)
		want(all, name, 1, i*10, i*10+10)
	}
	read := int64(0)
	for shard := range 3 {
		run, err := w.run(options{config: func(c *backfill.Config) { c.Shard, c.Shards = shard, 3 }})
		if err != nil {
			t.Fatal(err)
		}
		if run.Read == 0 || run.Read+run.Others != 20 {
			t.Errorf("shard %d read %d and left %d to others", shard, run.Read, run.Others)
		}
		read += run.Read
	}
	if read != 20 {
		t.Errorf("the shards read %d files, want 20", read)
	}
	w.holds(all)
}

// TestSince: what was not modified since then is left alone; what is too old by its
// event time, in the first run, is filtered.
func TestSince(t *testing.T) {
	w := newWorld(t)
	w.put("old.json", lines(0, 10), 1)
	w.put("new.json", lines(10, 20), 60)
	since := func(c *backfill.Config) { c.Since = noon.Add(-24*time.Hour + 30*time.Minute) }
	run, err := w.run(options{config: since})
	done(t, run, err, 1, 0)
	if run.Older != 1 {
		t.Errorf("%d are older, want 1", run.Older)
	}
	w.holds(want(nil, "new.json", 1, 10, 20))

	w = newWorld(t)
	w.put("a.json", lines(0, 90), 1)
	run, err = w.run(options{oldest: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)})
	done(t, run, err, 1, 0)
	all := map[row]int{}
	for id := range 90 {
		if 1+id%9 >= 5 {
			all[row{int64(id), "a.json", int64(id + 1)}]++
		}
	}
	w.holds(all)
}

// TestBrokenFile: a file that cannot be read on is reported, and the others are read.
func TestBrokenFile(t *testing.T) {
	w := newWorld(t)
	w.put("a.json", lines(0, 10), 1)
	w.put("b.json.gz", "this is no gzip", 1)
	w.put("c.json", lines(10, 20), 1)
	run, err := w.run(options{})
	done(t, run, err, 2, 0, "b.json.gz")
	w.holds(want(want(nil, "a.json", 1, 0, 10), "c.json", 1, 10, 20))
}

// TestRehearsal writes nothing, and says what would be written.
func TestRehearsal(t *testing.T) {
	w := newWorld(t)
	w.put("a.json", lines(0, 50)+"{broken\n"+`{"id":1,"at":"2031-01-01T00:00:00Z","x":1}`+"\n", 1)
	var seen []*pipeline.Dry
	run, err := w.run(options{dry: func(d *pipeline.Dry) { seen = append(seen, d) }})
	done(t, run, err, 1, 0)
	if len(seen) != 1 {
		t.Fatalf("%d batches, want 1", len(seen))
	}
	d := seen[0]
	if d.Counts.Read != 52 || d.Counts.Written != 50 || d.Counts.Quarantined != 2 || len(d.Rejects) != 2 || len(d.Drift) != 1 {
		t.Errorf("got %+v", d)
	}
	if at := d.Rejects[0].At; at.Line != 51 || !strings.HasSuffix(at.File, "/a.json") {
		t.Errorf("the first reject is at %s", at)
	}
	total := int64(0)
	for _, n := range d.Days {
		total += n
	}
	if total != 50 || d.Days["yyyy=2026/mm=01/dd=01"] == 0 {
		t.Errorf("days: %v", d.Days)
	}
	entries, err := w.lake.List(t.Context(), "")
	if err != nil || len(entries) > 0 {
		t.Errorf("the lake holds %v, %v", entries, err)
	}
}

// TestCancelled ends with the context, and goes on later.
func TestCancelled(t *testing.T) {
	w := newWorld(t)
	w.put("a.json", lines(0, 20_000), 1)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.run(options{ctx: ctx, rows: 2000, feeder: func(f backfill.Feeder) backfill.Feeder { return &cancelling{f, cancel, 2} }})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("it ended with %v", err)
	}
	if _, err := w.run(options{}); err != nil {
		t.Fatal(err)
	}
	w.holds(want(nil, "a.json", 1, 0, 20_000))
}

type cancelling struct {
	backfill.Feeder
	cancel context.CancelFunc
	left   int
}

func (c *cancelling) AcceptFile(table string, src batch.Source, chunk *batch.Chunk) error {
	if c.left--; c.left == 0 {
		c.cancel()
	}
	return c.Feeder.AcceptFile(table, src, chunk)
}
