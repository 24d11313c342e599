package pipeline_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
