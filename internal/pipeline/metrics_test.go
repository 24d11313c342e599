package pipeline_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/pipeline"
	"tidemark/internal/store/storetest"
)

// TestFilesAreCountedOnce: a process that starts finds what others published, and
// counts the files that it decides itself.
func TestFilesAreCountedOnce(t *testing.T) {
	tp := newTopic(1)
	tp.add(0, 8, noon.Add(-time.Hour))
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	for i, more := range []int{0, 4, 0} {
		tp.add(0, more, noon.Add(-time.Hour))
		files := float64(0)
		for _, r := range records(t, lake, "t") {
			files -= float64(len(r.Files))
		}
		cfg.Random = rand.NewChaCha8([32]byte{byte(i)})
		p := newProcess(t, cfg, lake, tp)
		if err := p.drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, r := range records(t, lake, "t") {
			files += float64(len(r.Files))
		}
		if got := total(t, p.reg, "tidemark_files_total"); got != files {
			t.Errorf("process %d counted %v files, want %v", i, got, files)
		}
	}
}

// TestFewDifferencesAreTold: a record with hundreds of keys that no column takes does
// not fill the log; the ledger has them all, and the metric counts them.
func TestFewDifferencesAreTold(t *testing.T) {
	tp := newTopic(1)
	tp.add(0, 1, noon.Add(-time.Hour))
	var extra strings.Builder
	for i := range 50 {
		fmt.Fprintf(&extra, `"k%d":1,`, i)
	}
	e := &tp.parts[0].events[0]
	e.value = strings.Replace(e.value, "{", "{"+extra.String(), 1)
	lake, cfg := &storetest.Memory{}, testConfig(t)
	d := newProcess(t, cfg, lake, tp)
	var log bytes.Buffer
	var err error
	d.reg = prometheus.NewRegistry()
	if d.p, err = pipeline.New(cfg, lake, slog.New(slog.NewTextHandler(&log, nil)), d.reg); err != nil {
		t.Fatal(err)
	}
	if err := d.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(log.String(), `msg="schema drift"`); got != 10 || !strings.Contains(log.String(), "differences=40") {
		t.Errorf("%d differences in the log, want 10 and the number of the others:\n%s", got, log.String())
	}
	if got := total(t, d.reg, "tidemark_drift_total"); got != 50 {
		t.Errorf("the metric counts %v differences, want 50", got)
	}
	if all := records(t, lake, "t"); len(all[len(all)-1].Drift) != 50 {
		t.Errorf("the ledger has %d differences, want 50", len(all[len(all)-1].Drift))
	}
}

// total adds up the series of a counter.
func total(t testing.TB, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := float64(0)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
