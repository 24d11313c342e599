package badday_test

import (
	"context"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/generate"
	"tidemark/internal/kafkatest"
)

// record is one record of Kafka, or of a raw file, as produced and as found in a lake.
type record struct {
	topicID   string
	partition int32
	offset    int64
	file      string // base of its name, empty: of Kafka
	line      int64
	value     string
}

// topic is one topic with what was produced into it.
type topic struct {
	t          *testing.T
	broker     *kafkatest.Broker
	name, id   string
	partitions int32
	client     *kgo.Client
	events     *generate.Generator
	sent       []record // and committed
}

// mixed are events of all kinds, a day apart in the hundred.
func mixed() generate.Config {
	return generate.Config{Bad: 0.05, Broken: 0.05, Late: 0.05, Duplicate: 0.05, Future: 0.02}
}

// newTopic creates a topic; config holds pairs of a name and a value.
func (h *house) newTopic(t *testing.T, name string, partitions int32, config ...string) *topic {
	t.Helper()
	tp := &topic{t: t, broker: h.broker, name: name, partitions: partitions}
	tp.client = h.broker.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	tp.generate(mixed())
	tp.create(config...)
	return tp
}

func (tp *topic) create(config ...string) {
	tp.t.Helper()
	id := tp.broker.CreateTopic(tp.t, tp.name, tp.partitions, config...)
	tp.id = hex.EncodeToString(id[:])
}

func (tp *topic) admin() *kadm.Client { return kadm.NewClient(tp.client) }

// generate chooses the events that come next. They end now, a quarter of an hour
// after each other: a hundred are a day.
func (tp *topic) generate(cfg generate.Config) {
	cfg.Seed, cfg.Days, cfg.End, cfg.Step = 1, 3, time.Now(), 15*time.Minute
	tp.events = generate.New(cfg)
}

// next makes n records, one partition after the other.
func (tp *topic) next(n int) []*kgo.Record {
	var out []*kgo.Record
	for i := range n {
		e, _ := tp.events.Next()
		out = append(out, &kgo.Record{
			Topic: tp.name, Partition: int32(i) % tp.partitions,
			Key: slices.Clone(e.Key), Value: slices.Clone(e.Value), Timestamp: e.Time,
		})
	}
	return out
}

// produce sends n events.
func (tp *topic) produce(n int) {
	tp.t.Helper()
	tp.send(tp.next(n)...)
}

// send sends records and remembers where they are.
func (tp *topic) send(records ...*kgo.Record) {
	tp.t.Helper()
	tp.sent = append(tp.sent, tp.put(tp.client, records...)...)
}

// put sends records with a client and says where they are.
func (tp *topic) put(client *kgo.Client, records ...*kgo.Record) []record {
	tp.t.Helper()
	ctx, cancel := context.WithTimeout(tp.t.Context(), time.Minute)
	defer cancel()
	var out []record
	for _, r := range client.ProduceSync(ctx, records...) {
		must(tp.t, r.Err)
		out = append(out, record{topicID: tp.id, partition: r.Record.Partition, offset: r.Record.Offset, value: string(r.Record.Value)})
	}
	return out
}

// forget deletes the records of all partitions before an offset.
func (tp *topic) forget(before int64) {
	tp.t.Helper()
	var to kadm.Offsets
	for p := range tp.partitions {
		to.Add(kadm.Offset{Topic: tp.name, Partition: p, At: before})
	}
	answers, err := tp.admin().DeleteRecords(tp.t.Context(), to)
	must(tp.t, err)
	must(tp.t, answers.Error())
}

// remake deletes the topic and creates it again, empty.
func (tp *topic) remake() {
	tp.t.Helper()
	answers, err := tp.admin().DeleteTopics(tp.t.Context(), tp.name)
	must(tp.t, err)
	must(tp.t, answers.Error())
	tp.create()
	// The client keeps the id that it knew: a new one knows the new one.
	tp.client = tp.broker.Client(tp.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
}

// grow adds partitions.
func (tp *topic) grow(by int32) {
	tp.t.Helper()
	answers, err := tp.admin().CreatePartitions(tp.t.Context(), int(by), tp.name)
	must(tp.t, err)
	must(tp.t, answers.Error())
	tp.partitions += by
	tp.client = tp.broker.Client(tp.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
}
