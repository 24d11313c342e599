package badday_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/internal/cloudtest"
	"tidemark/internal/faultproxy"
	"tidemark/internal/store/bucket"
)

// storeMatrix kills the program before and after each of its requests to each kind of
// object store.
func (h *house) storeMatrix(t *testing.T, m *matrix) {
	for _, kind := range []struct {
		of    medium
		name  string
		start func(testing.TB) *cloudtest.Server
		short bool
	}{
		{onVersity, "versitygw", cloudtest.Versity, true},
		{onFakeGCS, "fakegcs", cloudtest.FakeGCS, true},
		{onAzurite, "azurite", cloudtest.Azurite, true},
		{onMinIO, "minio", cloudtest.MinIO, false},
	} {
		if !kind.short && !*long {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			tp := h.newTopic(t, "matrix-"+kind.name, 2)
			tp.produce(12)
			s := &storeMatrix{house: h, matrix: m, topic: tp, lake: h.empty, maxRows: 6, of: kind.of, server: kind.start(t)}
			s.proxy = faultproxy.HTTP(t, s.server.Endpoint, nil)
			t.Run("all", func(t *testing.T) { stage{of: kind.of, workers: 1, some: ofAll(14), die: s.die}.play(t) })
			if !*long {
				return
			}
			s.topic, s.lake = h.beforeCheckpoint(t, kind.name)
			s.maxRows = 1
			t.Run("checkpoint", func(t *testing.T) {
				stage{of: kind.of, workers: 1, only: func(op string) bool { return op == "PUT of a checkpoint" }, die: s.die}.play(t)
			})
		})
	}
}

// storeMatrix is a run on a lake in an object store, of a prefix of its own.
type storeMatrix struct {
	*house
	*matrix
	of      medium
	server  *cloudtest.Server
	proxy   *faultproxy.Proxy
	topic   *topic
	lake    string // what a lake begins with
	maxRows int
}

// die is for a stage, with one worker.
func (s *storeMatrix) die(t *testing.T, p *pass) {
	j := s.newJob(t, s.topic)
	prefix := strings.ReplaceAll(fmt.Sprintf("%s %s %d", s.topic.name, p.at, p.at.nth), " ", "-")
	j.set.maxRows = s.maxRows
	j.set.group = prefix
	j.set.lake = s.server.LakeThrough(s.proxy.Endpoint, prefix)
	direct := s.server.Lake(prefix)
	j.fill(direct, s.lake)

	started := make(chan *process, 1)
	s.proxy.Set(inTurn(func(at faultproxy.Point) faultproxy.Action {
		if p.reached() {
			return faultproxy.Lose // of the dead one: what has arrived, happens
		}
		if p.here(at.Op+" of "+subject(strings.TrimPrefix(strings.TrimPrefix(at.Path, prefix), "/")), at.N, at.After) {
			killNow(<-started)
			return faultproxy.Fail // nor is it forwarded, or answered
		}
		return faultproxy.Pass
	}))
	run := j.start(j.drain())
	started <- run
	code := run.end()
	s.proxy.Set(nil)
	s.proxy.Cut()
	if !p.died(t, s.of, code, run.stderr) {
		return
	}
	j.mirror(direct)
	found := j.lake.remains(t, s.topic.sent)
	j.set.lake = direct
	j.run(0, j.drain())
	if *long {
		j.verify()
	}
	j.mirror(direct)
	s.autopsy(j, s.of, p.at, found)
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

// probed is a lake that was probed and holds nothing else.
func (h *house) probed(t *testing.T) string {
	t.Helper()
	j := h.newJob(t, h.newTopic(t, "probe", 1))
	j.run(0, j.drain())
	must(t, os.RemoveAll(filepath.Join(string(j.lake), "_tidemark", table)))
	return string(j.lake)
}

// markProbed puts the result of a probe into a new lake, so that no run begins with one.
func (j *job) markProbed(url, probed string) {
	j.t.Helper()
	j.fill(url, probed)
}

// fill copies a lake from a folder into an object store.
func (j *job) fill(url, folder string) {
	j.t.Helper()
	b, err := bucket.Open(j.t.Context(), url)
	must(j.t, err)
	defer b.Close()
	must(j.t, filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		return b.Create(j.t.Context(), filepath.ToSlash(key), data)
	}))
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
