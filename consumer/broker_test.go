package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/kafkatest"
)

// TestBroker is what a fake cannot prove: it runs against Apache Kafka.
func TestBroker(t *testing.T) {
	b := kafkatest.Start(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *kafkatest.Broker)
	}{
		{"connections", testConnections},
		{"refusals", testRefusals},
		{"transactions", testTransactions},
		{"records gone", testRecordsGone},
		{"topic made anew", testTopicMadeAnew},
		{"start", testStart},
		{"describe", testDescribe},
		{"memory", testMemory},
		{"group", testGroup},
		{"instance id taken", testInstanceTaken},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, b) })
	}
	// The last one: it kills the broker.
	t.Run("killed and restarted", func(t *testing.T) { testKilled(t, b) })
}

func brokerConfig(b *kafkatest.Broker, topics ...string) consumer.Config {
	tables := map[string]string{}
	for _, topic := range topics {
		tables[topic] = "t"
	}
	return consumer.Config{
		Brokers: []string{b.Plain}, Group: topics[0], Tables: tables,
		Refresh: time.Second, SessionTimeout: 6 * time.Second, Patience: 2 * time.Second,
	}
}

// producer writes to the partitions that records name.
func producer(t *testing.T, b *kafkatest.Broker, opts ...kgo.Opt) *kgo.Client {
	return b.Client(t, append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
}

func testConnections(t *testing.T, b *kafkatest.Broker) {
	b.CreateTopic(t, "connections", 1)
	want := produce(t, producer(t, b), "connections", 0, "a", 100)
	password := func() (string, error) { return b.Password, nil }
	for _, tc := range []struct {
		name, addr string
		tls        *consumer.TLS
		mechanism  string
	}{
		{"plain", b.Plain, nil, ""},
		{"tls", b.TLS, &consumer.TLS{CAFile: b.CA}, ""},
		{"tls with a certificate", b.TLS, &consumer.TLS{CAFile: b.CA, CertFile: b.ClientCert, KeyFile: b.ClientKey}, ""},
		{"sasl plain", b.SASL, nil, "PLAIN"},
		{"sasl scram 256", b.SASL, nil, "SCRAM-SHA-256"},
		{"sasl scram 512", b.SASL, nil, "SCRAM-SHA-512"},
		{"tls and sasl plain", b.TLSSASL, &consumer.TLS{CAFile: b.CA}, "PLAIN"},
		{"tls and sasl scram 256", b.TLSSASL, &consumer.TLS{CAFile: b.CA}, "SCRAM-SHA-256"},
		{"tls and sasl scram 512", b.TLSSASL, &consumer.TLS{CAFile: b.CA}, "SCRAM-SHA-512"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := brokerConfig(b, "connections")
			cfg.Brokers, cfg.TLS = []string{tc.addr}, tc.tls
			if tc.mechanism != "" {
				cfg.SASL = &consumer.SASL{Mechanism: tc.mechanism, Username: b.User, Password: password}
			}
			l := newLedger()
			drain(t, cfg, newHandler(l))
			l.wantDecided(t, "connections/0", want)
		})
	}
}

func testRefusals(t *testing.T, b *kafkatest.Broker) {
	b.CreateTopic(t, "refusals", 1)
	for _, tc := range []struct {
		name string
		set  func(*consumer.Config)
		want string
		is   error
	}{
		{"wrong password", func(c *consumer.Config) {
			c.Brokers = []string{b.SASL}
			c.SASL = &consumer.SASL{Mechanism: "PLAIN", Username: b.User, Password: func() (string, error) { return "wrong", nil }}
		}, "SASL_AUTHENTICATION_FAILED", kerr.SaslAuthenticationFailed},
		{"wrong scram password", func(c *consumer.Config) {
			c.Brokers = []string{b.SASL}
			c.SASL = &consumer.SASL{Mechanism: "SCRAM-SHA-512", Username: b.User, Password: func() (string, error) { return "wrong", nil }}
		}, "SASL_AUTHENTICATION_FAILED", kerr.SaslAuthenticationFailed},
		{"unknown authority", func(c *consumer.Config) {
			c.Brokers, c.TLS = []string{b.TLS}, &consumer.TLS{}
		}, "certificate signed by unknown authority", nil},
		{"missing topic", func(c *consumer.Config) {
			c.Tables = map[string]string{"missing": "t"}
		}, "missing", kerr.UnknownTopicOrPartition},
	} {
		for name, run := range map[string]func(*consumer.Consumer, context.Context) error{
			"run": (*consumer.Consumer).Run, "drain": (*consumer.Consumer).Drain,
		} {
			t.Run(tc.name+" "+name, func(t *testing.T) {
				t.Parallel()
				cfg := brokerConfig(b, "refusals")
				cfg.Patience = time.Second
				tc.set(&cfg)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				err := run(newConsumer(t, cfg, newHandler(newLedger())), ctx)
				if !errors.Is(err, consumer.ErrRefused) || !strings.Contains(err.Error(), tc.want) || tc.is != nil && !errors.Is(err, tc.is) {
					t.Errorf("got %v, want a refusal in the words %q", err, tc.want)
				}
			})
		}
	}
}

// testTransactions: aborted records are never seen, committed ones are, and a
// drain ends behind the last marker whichever it is.
func testTransactions(t *testing.T, b *kafkatest.Broker) {
	b.CreateTopic(t, "tx", 2)
	client := producer(t, b, kgo.TransactionalID("consumer-test"))
	transact(t, client, kgo.TryAbort, 0, 1)
	want := transact(t, client, kgo.TryCommit, 0)
	transact(t, client, kgo.TryAbort, 0)
	transact(t, client, kgo.TryAbort, 0, 1)
	l := newLedger()
	h := newHandler(l)
	drain(t, brokerConfig(b, "tx"), h)
	l.wantDecided(t, "tx/0", want)
	l.wantDecided(t, "tx/1", nil)

	// An open transaction holds back what is behind it, and is held to be the end.
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	open := produce(t, client, "tx", 0, "open", 3)
	behind := produce(t, producer(t, b), "tx", 0, "behind", 3)
	drain(t, brokerConfig(b, "tx"), newHandler(l))
	l.wantDecided(t, "tx/0", want)

	m := start(t, brokerConfig(b, "tx"), newHandler(l))
	m.await(t, "the last stable offset is the end", func() bool {
		r := m.open["tx/0"]
		return r != nil && r.next == r.end
	})
	if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	m.await(t, "what was held back comes", func() bool { return m.accepted("tx/0") == 6 })
	m.stop(t)
	l.wantDecided(t, "tx/0", append(append(want, open...), behind...))
}

func testRecordsGone(t *testing.T, b *kafkatest.Broker) {
	b.CreateTopic(t, "gone", 1)
	client := producer(t, b)
	produce(t, client, "gone", 0, "a", 100)
	h := newHandler(newLedger())
	h.refuse = refuseLoss
	m := start(t, brokerConfig(b, "gone"), h)
	m.await(t, "all is read", func() bool { return m.at("gone/0", 100) })
	m.flush()
	m.stop(t)

	produce(t, client, "gone", 0, "b", 100)
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: "gone", Partition: 0, At: 150})
	if _, err := kadm.NewClient(client).DeleteRecords(t.Context(), offsets); err != nil {
		t.Fatal(err)
	}
	m = start(t, brokerConfig(b, "gone"), h)
	err := <-m.done
	m.cancel()
	if !errors.Is(err, errGone) || !strings.Contains(err.Error(), "offset 100 is gone, the log is [150, 200)") {
		t.Errorf("run: %v, want offset 100 gone and both bounds", err)
	}
}

func testTopicMadeAnew(t *testing.T, b *kafkatest.Broker) {
	b.CreateTopic(t, "anew", 2)
	want := produce(t, producer(t, b), "anew", 0, "old", 100)
	l := newLedger()
	m := start(t, brokerConfig(b, "anew"), newHandler(l))
	m.await(t, "the old topic is read", func() bool { return m.at("anew/0", 100) && m.at("anew/1", 0) })
	old := m.open["anew/0"].src.TopicID
	if _, err := kadm.NewClient(producer(t, b)).DeleteTopic(t.Context(), "anew"); err != nil {
		t.Fatal(err)
	}
	b.CreateTopic(t, "anew", 2)
	want = append(want, produce(t, producer(t, b), "anew", 0, "new", 50)...)
	m.await(t, "the new topic is read", func() bool { return m.at("anew/0", 50) && m.open["anew/0"].src.TopicID != old })
	m.stop(t)
	l.wantDecided(t, "anew/0", want)
}

// testStart: where a source begins that the ledger does not know.
func testStart(t *testing.T, b *kafkatest.Broker) {
	b.CreateTopic(t, "start", 1)
	client := producer(t, b)
	at := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	for i := range 10 {
		r := &kgo.Record{Topic: "start", Value: []byte("x"), Timestamp: at.Add(time.Duration(i) * time.Hour)}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for from, want := range map[string]int{
		"earliest": 10, "latest": 0, "7d": 10, "20h30m": 6, "1h": 0,
		at.Add(3 * time.Hour).Format(time.RFC3339): 7,
	} {
		cfg := brokerConfig(b, "start")
		cfg.Start = from
		l := newLedger()
		drain(t, cfg, newHandler(l))
		if got := len(l.decided["start/0"]); got != want {
			t.Errorf("start %s: %d records, want %d", from, got, want)
		}
	}
}

func testDescribe(t *testing.T, b *kafkatest.Broker) {
	b.CreateTopic(t, "describe", 2)
	produce(t, producer(t, b), "describe", 1, "a", 7)
	cfg := brokerConfig(b, "describe", "absent")
	info, err := consumer.Describe(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Brokers) != 1 || info.Brokers[0] != b.Plain {
		t.Errorf("brokers %v, want %s", info.Brokers, b.Plain)
	}
	if len(info.Topics) != 2 || !errors.Is(info.Topics[0].Err, kerr.UnknownTopicOrPartition) || info.Topics[1].Err != nil {
		t.Fatalf("topics %+v, want absent with an error and describe", info.Topics)
	}
	p := info.Topics[1].Partitions
	if len(p) != 2 || p[1] != (consumer.PartitionInfo{Partition: 1, End: 7, Committed: -1}) {
		t.Errorf("partitions %+v, want the second to end at 7", p)
	}
	cfg.Brokers = []string{"localhost:1"}
	if _, err := consumer.Describe(t.Context(), cfg); err == nil {
		t.Error("describing a broker that is not there succeeds")
	}
}

// testMemory: what is fetched ahead stays within the budget, for events that are
// large, and for those that are small and compress so well that an answer of a
// broker takes many times its size.
func testMemory(t *testing.T, b *kafkatest.Broker) {
	const budget = 16 << 20
	for _, tc := range []struct {
		name         string
		events, size int
	}{
		{"large", 200, 1 << 20},
		{"small", 400_000, 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			topic := "memory-" + tc.name
			b.CreateTopic(t, topic, 4)
			client := producer(t, b, kgo.ProducerBatchMaxBytes(4<<20))
			value := []byte(strings.Repeat("tidemark ", tc.size/9+1)[:tc.size])
			for i := range tc.events {
				client.Produce(t.Context(), &kgo.Record{Topic: topic, Partition: int32(i % 4), Value: value}, nil)
			}
			if err := client.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			cfg := brokerConfig(b, topic)
			cfg.BufferBytes = budget
			h := &sampler{counter: counter{next: map[batch.Source]int64{}}}
			h.consumer = newConsumer(t, cfg, h)
			if err := h.consumer.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Logf("at most %d KiB buffered", h.most>>10)
			if h.records != int64(tc.events) || h.most > budget {
				t.Errorf("read %d of %d records with at most %d bytes buffered, want all within %d", h.records, tc.events, h.most, budget)
			}
		})
	}
}

// sampler notes the most that was buffered whenever records are handed over.
type sampler struct {
	counter
	consumer *consumer.Consumer
	most     int64
}

func (s *sampler) Accept(src batch.Source, next, end int64, records iter.Seq[batch.Record]) {
	s.most = max(s.most, s.consumer.Buffered())
	s.counter.Accept(src, next, end, records)
}

// testGroup: two members, both protocols, static membership and commits.
func testGroup(t *testing.T, b *kafkatest.Broker) {
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			topic := "group-" + protocol
			b.CreateTopic(t, topic, 4)
			client := producer(t, b)
			want := map[int32][]string{}
			for p := range int32(4) {
				want[p] = produce(t, client, topic, p, "first", 50)
			}
			cfg := brokerConfig(b, topic)
			cfg.Protocol, cfg.InstanceID = protocol, "one"
			other := cfg
			other.InstanceID = "two"
			l := newLedger()
			one := start(t, cfg, newHandler(l))
			one.await(t, "all are its own", func() bool { return len(one.open) == 4 })
			two := start(t, other, newHandler(l))
			two.await(t, "two come over", func() bool { return len(two.open) == 2 })
			one.await(t, "two stay", func() bool { return len(one.open) == 2 })
			for p := range int32(4) {
				want[p] = append(want[p], produce(t, client, topic, p, "second", 50)...)
			}
			for _, m := range []*member{one, two} {
				m.await(t, "its share is read", func() bool {
					for _, r := range m.open {
						if r.next != 100 {
							return false
						}
					}
					return len(m.open) == 2
				})
				var offsets []consumer.Offset
				for p := range int32(4) { // of which two are not its own
					offsets = append(offsets, consumer.Offset{Topic: topic, Partition: p, Offset: 100, LeaderEpoch: 0})
				}
				if err := m.Commit(t.Context(), offsets); err != nil {
					t.Errorf("commit: %v", err)
				}
			}
			one.stop(t)
			two.stop(t)
			if protocol == "consumer" {
				wantReleased(t, client, topic, "one")
			}
			committed, err := kadm.NewClient(client).FetchOffsets(t.Context(), topic)
			if err != nil {
				t.Fatal(err)
			}
			for p := range int32(4) {
				l.wantDecided(t, fmt.Sprintf("%s/%d", topic, p), want[p])
				if o, ok := committed.Lookup(topic, p); !ok || o.At != 100 {
					t.Errorf("partition %d: committed %v, want 100", p, o.At)
				}
			}
		})
	}
}

// testInstanceTaken: with KIP-848 the second process of an instance id is refused, for
// as long as the first lives. It says so and ends.
func testInstanceTaken(t *testing.T, b *kafkatest.Broker) {
	b.CreateTopic(t, "taken", 1)
	want := produce(t, producer(t, b), "taken", 0, "a", 50)
	cfg := brokerConfig(b, "taken")
	cfg.Protocol, cfg.InstanceID = "consumer", "one"
	l := newLedger()
	one := start(t, cfg, newHandler(l))
	one.await(t, "it reads", func() bool { return one.at("taken/0", 50) })
	two := start(t, cfg, newHandler(l))
	err := <-two.done
	two.cancel()
	if !errors.Is(err, consumer.ErrRefused) || !errors.Is(err, kerr.UnreleasedInstanceID) || !strings.Contains(err.Error(), "instance_id one") {
		t.Errorf("run: %v, want the instance id refused", err)
	}
	one.stop(t)
	l.wantDecided(t, "taken/0", want)
}

// wantReleased wants the broker to take a new member under the instance id of one
// that ended. The group has its topic's name.
func wantReleased(t *testing.T, client *kgo.Client, group, instance string) {
	t.Helper()
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.InstanceID = group, "the-next-process", &instance
	req.RebalanceTimeoutMillis = 10_000
	req.SubscribedTopicNames, req.Topics = []string{group}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	resp, err := req.RequestWith(t.Context(), client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		t.Errorf("instance id %s is not free again: %v", instance, err)
	}
}

// testKilled: the broker dies while records are read and comes back.
func testKilled(t *testing.T, b *kafkatest.Broker) {
	b.CreateTopic(t, "killed", 2)
	client := producer(t, b)
	want := map[int32][]string{}
	for p := range int32(2) {
		want[p] = produce(t, client, "killed", p, "first", 50_000)
	}
	cfg := brokerConfig(b, "killed")
	cfg.Patience, cfg.BufferBytes, cfg.InstanceID = time.Minute, 1<<20, "one"
	l := newLedger()
	m := start(t, cfg, newHandler(l))
	m.await(t, "some are read", func() bool { return m.accepted("killed/0")+m.accepted("killed/1") > 0 })
	b.Kill()
	m.with(func() { t.Logf("killed with %d and %d read", m.accepted("killed/0"), m.accepted("killed/1")) })
	b.Restart()
	for p := range int32(2) {
		want[p] = append(want[p], produce(t, client, "killed", p, "second", 1000)...)
	}
	m.await(t, "all are read", func() bool { return m.at("killed/0", 51_000) && m.at("killed/1", 51_000) })
	m.stop(t)
	for p := range int32(2) {
		l.wantDecided(t, fmt.Sprintf("killed/%d", p), want[p])
	}
}
