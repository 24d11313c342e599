package badday_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tidemark/internal/cloudtest"
	"tidemark/internal/faultproxy"
	"tidemark/internal/store/bucket"
)

// testObjectStores kills the program before and after its requests to each kind of
// object store, starts it again, and wants every lake to come to its end.
func testObjectStores(t *testing.T, h *house) {
	for _, kind := range []struct {
		start func(testing.TB) *cloudtest.Server
		short bool
	}{{cloudtest.Versity, true}, {cloudtest.FakeGCS, true}, {cloudtest.Azurite, true}, {cloudtest.MinIO, false}} {
		if !kind.short && !*long {
			continue
		}
		s := kind.start(t)
		t.Run(s.Name, func(t *testing.T) { h.deathsAt(t, s) })
	}
	t.Run("weak", h.weakStore)
}

// weakStore: where several win the creation of one object, nothing is written.
func (h *house) weakStore(t *testing.T) {
	tp := h.newTopic(t, "weak-store", 1)
	tp.produce(5)
	j := h.newJob(t, tp)
	j.set.lake = cloudtest.S3Mock(t).Lake("weak")
	for _, args := range [][]string{{"check", "-c", j.config()}, j.drain()} {
		says(t, j.run(4, args), "exactly one may: this store cannot hold a ledger")
	}
}

// deathsAt is one kind of store: a run that nobody disturbs, which shows the points, and
// then a death at each, or at a dozen of them, spread over the run.
func (h *house) deathsAt(t *testing.T, s *cloudtest.Server) {
	tp := h.newTopic(t, "objects-"+s.Name, 2)
	tp.produce(12)
	proxy := faultproxy.HTTP(t, s.Endpoint, nil)
	whole, _ := h.diesAt(t, tp, deathAt{s, proxy, 0})
	step := int64(1)
	if !*long {
		step = max(1, whole/12)
	}
	kills, kinds, total := 0, map[string]int{}, int64(0)
	for n := int64(1); ; n += step {
		seen, at := h.diesAt(t, tp, deathAt{s, proxy, n})
		total = max(total, seen)
		if seen < n {
			break
		}
		kills++
		kinds[name(at)]++
		if t.Failed() {
			t.Fatalf("it was killed at point %d: %s", n, name(at))
		}
	}
	var table []string
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		table = append(table, fmt.Sprintf("%s × %d", k, kinds[k]))
	}
	t.Logf("figures: %s: %d points in a run, %d kills, %d records checked, 0 lost, 0 doubled: %s",
		s.Name, whole, kills, (kills+1)*len(tp.sent), strings.Join(table, ", "))
	if kills < 5 {
		t.Errorf("only %d kills", kills)
	}
}

// deathAt says where a run ends: at the nth point that the proxy sees, 0: not at all.
type deathAt struct {
	server *cloudtest.Server
	proxy  *faultproxy.Proxy
	n      int64
}

// diesAt is one run with its death, and what follows. It returns how many points were
// seen, and the last.
func (h *house) diesAt(t *testing.T, tp *topic, d deathAt) (seen int64, at faultproxy.Point) {
	t.Helper()
	j := h.newJob(t, tp)
	prefix := fmt.Sprintf("death-%d", d.n)
	j.set.maxRows = 6
	j.set.lake = d.server.LakeThrough(d.proxy.Endpoint, prefix)
	direct := d.server.Lake(prefix)
	j.markProbed(direct, h.empty)

	var points atomic.Int64
	started := make(chan *process, 1)
	d.proxy.Set(func(p faultproxy.Point) faultproxy.Action {
		if points.Add(1) != d.n {
			return faultproxy.Pass
		}
		at = p
		victim := <-started
		_ = victim.cmd.Process.Kill() // unless it ended
		<-victim.done
		if p.After {
			return faultproxy.Lose
		}
		return faultproxy.Fail // and it is not forwarded
	})
	p := j.start(j.drain())
	started <- p
	if code := p.end(); code > 0 || code == 0 && points.Load() >= d.n && d.n > 0 || code < 0 && points.Load() < d.n {
		t.Fatalf("exit code %d at point %d of %d:\n%s", code, points.Load(), d.n, p.stderr)
	}
	d.proxy.Set(nil)
	j.run(0, j.drain())
	j.mirror(direct)
	j.lake.holds(t, tp.sent)
	if d.n == 0 {
		j.verify()
	}
	return points.Load(), at
}

// markProbed puts the result of a probe into a new lake, so that no run begins with one.
func (j *job) markProbed(url, probed string) {
	j.t.Helper()
	const key = "_tidemark/probe/result.json"
	data, err := os.ReadFile(filepath.Join(probed, key))
	must(j.t, err)
	b, err := bucket.Open(j.t.Context(), url)
	must(j.t, err)
	defer b.Close()
	must(j.t, b.Create(j.t.Context(), key, data))
}

// mirror copies a lake from an object store into the folder of the job.
func (j *job) mirror(url string) {
	j.t.Helper()
	b, err := bucket.Open(j.t.Context(), url)
	must(j.t, err)
	defer b.Close()
	must(j.t, os.RemoveAll(string(j.lake)))
	entries, err := b.List(j.t.Context(), "")
	must(j.t, err)
	for _, e := range entries {
		data, err := b.Read(j.t.Context(), e.Key)
		must(j.t, err)
		to := filepath.Join(string(j.lake), e.Key)
		must(j.t, os.MkdirAll(filepath.Dir(to), 0o755))
		must(j.t, os.WriteFile(to, data, 0o644))
	}
}

// name says what a request is about.
func name(p faultproxy.Point) string {
	when := "before"
	if p.After {
		when = "after"
	}
	what := "a published file"
	for _, w := range []struct{ part, what string }{
		{"/ledger/", "a record"}, {"/ledger", "the ledger"}, {"manifest.json", "a manifest"}, {"/staging", "a staged file"}, {"/checkpoint", "a checkpoint"}, {"/probe", "the probe"},
	} {
		if strings.Contains(p.Path, w.part) {
			what = w.what
			break
		}
	}
	return when + " " + p.Op + " of " + what
}
