package consumer

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the consumer counts. Labels are bounded by the partitions that
// are ours; those of a partition go when it goes.
type metrics struct {
	lag      *prometheus.GaugeVec
	troubles *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidemark_lag_records",
			Help: "Offsets between the position of reading and the last stable offset of a partition that is ours.",
		}, []string{"table", "topic", "partition"}),
		troubles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_kafka_troubles_total",
			Help: "Times that Kafka did not answer, refused, or that a partition had to be read anew, by kind.",
		}, []string{"kind"}),
	}
	reg.MustRegister(m.lag, m.troubles)
	return m
}

func (m *metrics) setLag(table string, p *part) {
	m.lag.WithLabelValues(table, p.src.Topic, strconv.Itoa(int(p.src.Partition))).Set(float64(max(p.end-p.pos, 0)))
}

func (m *metrics) dropLag(table string, p *part) {
	m.lag.DeleteLabelValues(table, p.src.Topic, strconv.Itoa(int(p.src.Partition)))
}
