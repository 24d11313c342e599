package pipeline

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/ledger"
	"tidemark/quality"
)

// metrics are what the pipeline counts. Labels are bounded by tables, columns and
// checks.
type metrics struct {
	read, fates, batches, files, checks, nulls, drift, conflicts *prometheus.CounterVec
	balance, watermark, seq, halted, paused                      *prometheus.GaugeVec
	seconds, rows, bytes                                         *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer, p *Pipeline) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &metrics{
		read:      counter("tidemark_records_read_total", "Records of decided batches.", "table"),
		fates:     counter("tidemark_records_total", "Records of decided batches by what became of them.", "table", "fate"),
		balance:   gauge("tidemark_balance_error", "Records read less the sum of their fates: 0, always.", "table"),
		batches:   counter("tidemark_batches_total", "Decided batches by the verdict of their checks.", "table", "verdict"),
		seconds:   histogram("tidemark_batch_seconds", "Where the time of a batch goes.", prometheus.ExponentialBuckets(0.001, 2, 16), "table", "stage"),
		rows:      histogram("tidemark_batch_rows", "Rows of a batch.", prometheus.ExponentialBuckets(1, 4, 12), "table"),
		files:     counter("tidemark_files_total", "Files of decided batches.", "table", "output"),
		bytes:     histogram("tidemark_file_bytes", "Their sizes.", prometheus.ExponentialBuckets(1024, 4, 10), "table"),
		watermark: gauge("tidemark_watermark_timestamp_seconds", "The watermark, in seconds since 1970.", "table"),
		checks:    counter("tidemark_check_failures_total", "Rows that failed a check, whatever its severity.", "table", "check"),
		nulls:     counter("tidemark_null_values_total", "Values that were null or defaulted, by column, in rows that were checked.", "table", "column"),
		drift:     counter("tidemark_drift_total", "Differences between records and schema that were seen for the first time.", "table", "change"),
		halted:    gauge("tidemark_halted", "1: the table stopped.", "table", "reason"),
		seq:       gauge("tidemark_ledger_seq", "The number of the newest ledger record known.", "table"),
		conflicts: counter("tidemark_ledger_conflicts_total", "Records of others that were found in the way of ours.", "table"),
		paused:    gauge("tidemark_paused", "1: Kafka is not read, for this reason.", "reason"),
	}
	reg.MustRegister(m.read, m.fates, m.balance, m.batches, m.seconds, m.rows, m.files, m.bytes, m.watermark,
		m.checks, m.nulls, m.drift, m.halted, m.seq, m.conflicts, m.paused)
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tidemark_memory_bytes", Help: "What the memory budget counts as held.",
	}, func() float64 { return float64(p.Held()) }))
	for _, t := range p.tables {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tidemark_freshness_seconds", Help: "Now less the Kafka time of the oldest record read and not decided, 0 when there is none.",
			ConstLabels: prometheus.Labels{"table": t.name},
		}, t.freshness))
		m.begin(t)
	}
	m.paused.WithLabelValues("memory")
	return m
}

// begin makes the series of a table exist before anything was counted: rates of
// what never happened are then 0 and not absent.
func (m *metrics) begin(t *table) {
	m.read.WithLabelValues(t.name)
	for _, f := range []string{"written", "late", "quarantined", "duplicate", "filtered"} {
		m.fates.WithLabelValues(t.name, f)
	}
	m.balance.WithLabelValues(t.name).Set(0)
	for _, v := range []quality.Verdict{quality.VerdictPass, quality.VerdictWarn, quality.VerdictFail} {
		m.batches.WithLabelValues(t.name, v.String())
	}
	for _, c := range t.Suite.Names() {
		m.checks.WithLabelValues(t.name, c)
	}
	m.halted.WithLabelValues(t.name, "quality").Set(0)
	m.conflicts.WithLabelValues(t.name)
}

// freshness is in seconds.
func (t *table) freshness() float64 {
	if at := t.oldest(); !at.IsZero() {
		return max(t.p.cfg.Now().Sub(at).Seconds(), 0)
	}
	return 0
}

// seen shows the newest state known.
func (m *metrics) seen(table string, st *ledger.State) {
	m.seq.WithLabelValues(table).Set(float64(st.Head))
	if st.Watermark != nil {
		m.watermark.WithLabelValues(table).Set(float64(*st.Watermark) / 1e6)
	}
}

// decided counts a batch that we decided.
func (m *metrics) decided(r *ledger.Record, took time.Duration) {
	c := r.Counts
	m.read.WithLabelValues(r.Table).Add(float64(c.Read))
	for fate, n := range map[string]int64{"written": c.Written, "late": c.Late, "quarantined": c.Quarantined, "duplicate": c.Duplicate, "filtered": c.Filtered} {
		m.fates.WithLabelValues(r.Table, fate).Add(float64(n))
	}
	m.balance.WithLabelValues(r.Table).Add(float64(c.Balance())) // a good batch after it must not hide a bad one
	m.batches.WithLabelValues(r.Table, r.Quality.Verdict).Inc()
	m.rows.WithLabelValues(r.Table).Observe(float64(c.Read))
	for _, check := range r.Quality.Checks {
		m.checks.WithLabelValues(r.Table, check.Name).Add(float64(check.Failed))
	}
	// Of decided batches, not of published ones: a file is published by any of several
	// processes and found published by all of them.
	for _, f := range r.Files {
		m.files.WithLabelValues(r.Table, string(f.Output)).Inc()
		m.bytes.WithLabelValues(r.Table).Observe(float64(f.Bytes))
	}
	for column, n := range r.Nulls {
		m.nulls.WithLabelValues(r.Table, column).Add(float64(n))
	}
	for _, d := range r.Drift {
		m.drift.WithLabelValues(r.Table, d.Change).Inc()
	}
	t := r.TimingsMS
	for stage, ms := range map[string]float64{"read": t.Read, "decode": t.Decode, "check": t.Check, "encode": t.Encode, "stage": t.Stage} {
		m.seconds.WithLabelValues(r.Table, stage).Observe(ms / 1000)
	}
	m.seconds.WithLabelValues(r.Table, "decide").Observe(took.Seconds())
}

// published counts a batch whose files readers see since now.
func (m *metrics) published(r *ledger.Record, took time.Duration) {
	m.seconds.WithLabelValues(r.Table, "publish").Observe(took.Seconds())
}
