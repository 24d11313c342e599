package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/consumer"
)

// cluster is a fake Kafka on a virtual network, within a synctest bubble.
type cluster struct {
	*kfake.Cluster
	t      *testing.T
	net    *kfake.VirtualNetwork
	client *kgo.Client // produces
	admin  *kadm.Client
	gate   *gate // between consumers and the cluster
}

func newCluster(t *testing.T, opts ...kfake.Opt) *cluster {
	t.Helper()
	c := &cluster{t: t, net: new(kfake.VirtualNetwork)}
	c.gate = &gate{dial: c.net.DialContext}
	fake, err := kfake.NewCluster(append(opts, kfake.ListenFn(c.net.Listen), kfake.Ports(9092, 9093, 9094), kfake.NumBrokers(3))...)
	if err != nil {
		t.Fatal(err)
	}
	c.Cluster = fake
	c.client, err = kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.Dialer(c.net.DialContext),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	c.admin = kadm.NewClient(c.client)
	t.Cleanup(func() {
		c.client.Close()
		fake.Close()
	})
	return c
}

// produce writes n records to a partition and returns them as text gives them.
func (c *cluster) produce(topic string, partition int32, prefix string, n int) []string {
	c.t.Helper()
	return produce(c.t, c.client, topic, partition, prefix, n)
}

func produce(t *testing.T, client *kgo.Client, topic string, partition int32, prefix string, n int) []string {
	t.Helper()
	var want []string
	var records []*kgo.Record
	for i := range n {
		v := fmt.Sprintf("%s%d", prefix, i)
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)})
		want = append(want, fmt.Sprintf("null=%q", v))
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return want
}

func (c *cluster) config(topics ...string) consumer.Config {
	tables := map[string]string{}
	for _, topic := range topics {
		tables[topic] = topic + "_table"
	}
	return consumer.Config{
		Brokers: c.ListenAddrs(), Dial: c.gate.open, Group: "g", Tables: tables,
		Refresh: time.Second, SessionTimeout: 6 * time.Second,
	}
}

func newConsumer(t *testing.T, cfg consumer.Config, h consumer.Handler) *consumer.Consumer {
	t.Helper()
	c, err := consumer.New(cfg, h, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// member is a consumer in a group and its handler.
type member struct {
	*handler
	*consumer.Consumer
	cancel context.CancelFunc
	done   chan error
}

func start(t *testing.T, cfg consumer.Config, h *handler) *member {
	t.Helper()
	c := newConsumer(t, cfg, h)
	ctx, cancel := context.WithCancel(t.Context())
	m := &member{handler: h, Consumer: c, cancel: cancel, done: make(chan error, 1)}
	go func() { m.done <- c.Run(ctx) }()
	return m
}

// stop ends a member as SIGTERM would.
func (m *member) stop(t *testing.T) {
	t.Helper()
	m.cancel()
	if err := <-m.done; err != nil {
		t.Errorf("run: %v", err)
	}
	m.check(t)
}

func TestRunBeginsWhereTheHandlerSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(2, "tx"))
		c.produce("tx", 0, "a", 10)
		want := c.produce("tx", 1, "b", 10)[7:]

		// Kafka's committed offset says 2; the ledger says 7. The ledger wins (C1).
		var committed kadm.Offsets
		committed.Add(kadm.Offset{Topic: "tx", Partition: 1, At: 2})
		if err := c.admin.CommitAllOffsets(t.Context(), "g", committed); err != nil {
			t.Fatal(err)
		}
		l := newLedger()
		l.next[fmt.Sprintf("%x/1", c.TopicInfo("tx").TopicID)] = 7
		m := start(t, c.config("tx"), newHandler(l))
		m.await(t, "all is read", func() bool { return m.at("tx/0", 10) && m.at("tx/1", 10) })
		m.stop(t)
		m.wantEvents(t,
			"start tx/0 log 0 end 10 begin 0 from 0",
			"start tx/1 log 0 end 10 begin 0 from 7",
			"stop tx/0 shutdown at 10",
			"stop tx/1 shutdown at 10")
		l.wantDecided(t, "tx/1", want)
	})
}

func TestRecordsAreWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		records := []*kgo.Record{
			{Topic: "tx", Key: []byte("k"), Value: []byte("v")},
			{Topic: "tx", Key: []byte{}, Value: []byte{}},
			{Topic: "tx", Key: []byte("gone"), Value: nil},
			{Topic: "tx", Value: []byte("h"), Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b"}}},
			{Topic: "tx", Value: []byte("last")},
		}
		if err := c.client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		l := newLedger()
		m := start(t, c.config("tx"), newHandler(l))
		m.await(t, "all is read", func() bool { return m.at("tx/0", 5) })
		m.stop(t)
		l.wantDecided(t, "tx/0", []string{`"k"="v"`, `""=""`, `"gone"=null`, `null="h" a:"1" b:null`, `null="last"`})
	})
}

func TestNewsOfIdlePartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		m := start(t, c.config("tx"), newHandler(newLedger()))
		m.await(t, "the end is known", func() bool { return m.at("tx/0", 0) })
		calls := 0
		began := time.Now()
		for calls < 5 {
			m.await(t, "news", func() bool { return true })
			m.with(func() { m.open["tx/0"].end = -1 })
			m.await(t, "news", func() bool { return m.at("tx/0", 0) })
			calls++
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("five news of an idle partition took %s, want one a second", took)
		}
		m.stop(t)
	})
}

// TestRebalance: a second member takes over half; what the first accepted is
// decided before the second starts, and nothing is read twice or left out.
func TestRebalance(t *testing.T) {
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, kfake.SeedTopics(4, "tx"))
				want := map[int32][]string{}
				for p := range int32(4) {
					want[p] = c.produce("tx", p, "first", 5)
				}
				cfg := c.config("tx")
				cfg.Protocol = protocol
				l := newLedger()
				a := start(t, cfg, newHandler(l))
				var commits []error // while partitions are given up, they are still ours
				a.with(func() {
					a.stopped = func(consumer.StopReason) {
						commits = append(commits, a.Commit(t.Context(), []consumer.Offset{{Topic: "tx", Partition: 3, Offset: 5, LeaderEpoch: -1}}))
					}
				})
				a.await(t, "all is read", func() bool {
					return a.at("tx/0", 5) && a.at("tx/1", 5) && a.at("tx/2", 5) && a.at("tx/3", 5)
				})
				b := start(t, cfg, newHandler(l))
				b.await(t, "two partitions come over", func() bool { return len(b.open) == 2 })
				a.await(t, "two partitions stay", func() bool { return len(a.open) == 2 })
				for p := range int32(4) {
					want[p] = append(want[p], c.produce("tx", p, "second", 5)...)
				}
				both := func(m *member) func() bool {
					return func() bool {
						for _, r := range m.open {
							if r.next != 10 {
								return false
							}
						}
						return true
					}
				}
				a.await(t, "its share is read", both(a))
				b.await(t, "its share is read", both(b))
				a.stop(t)
				b.await(t, "the rest comes over", func() bool { return len(b.open) == 4 && both(b)() })
				b.stop(t)
				if err := errors.Join(commits...); err != nil || len(commits) < 2 {
					t.Errorf("%d commits while stopping: %v", len(commits), err)
				}
				for p := range int32(4) {
					l.wantDecided(t, fmt.Sprintf("tx/%d", p), want[p])
				}
			})
		})
	}
}

// TestLost: a member that the group threw out drops what it had not decided.
func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		want := c.produce("tx", 0, "a", 5)
		l := newLedger()
		m := start(t, c.config("tx"), newHandler(l))
		m.await(t, "all is read", func() bool { return m.at("tx/0", 5) })
		c.expel()
		m.await(t, "it is lost and found", func() bool { return len(m.events) == 3 && m.at("tx/0", 5) })
		m.stop(t)
		m.wantEvents(t,
			"start tx/0 log 0 end 5 begin 0 from 0",
			"stop tx/0 lost at 5",
			"start tx/0 log 0 end 5 begin 0 from 0",
			"stop tx/0 shutdown at 5")
		l.wantDecided(t, "tx/0", want)
	})
}

// TestLostInAJoin: a member slept past its session while the group was about to
// rebalance. It hears of that first, joins, is not known and joins as a new member, and
// its client says nothing: what is left with it by the new assignment counts as never
// gone, and what is not as revoked. Both are lost.
func TestLostInAJoin(t *testing.T) {
	for members := range 2 {
		t.Run(fmt.Sprintf("%d others", members), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, kfake.SeedTopics(2, "tx"))
				want := [][]string{c.produce("tx", 0, "a", 5), c.produce("tx", 1, "b", 5)}
				l := newLedger()
				m := start(t, c.config("tx"), newHandler(l))
				m.await(t, "all is read", func() bool { return m.at("tx/0", 5) && m.at("tx/1", 5) })
				c.forget()
				var other *member
				if members > 0 {
					other = start(t, c.config("tx"), newHandler(l))
				}
				m.await(t, "its session is lost", func() bool { return slices.ContainsFunc(m.events, isStop) })
				m.await(t, "it reads again", func() bool {
					for _, r := range m.open {
						if r.next != 5 {
							return false
						}
					}
					return len(m.open) == 2-members
				})
				m.with(func() {
					for _, e := range m.events {
						if isStop(e) && !strings.Contains(e, " lost ") {
							t.Errorf("%s, want it to be lost", e)
						}
					}
				})
				m.stop(t)
				if other != nil {
					other.await(t, "all is read", func() bool { return m.at("tx/0", 5) || other.at("tx/0", 5) && other.at("tx/1", 5) })
					other.stop(t)
				}
				for p := range int32(2) {
					l.wantDecided(t, fmt.Sprintf("tx/%d", p), want[p])
				}
			})
		})
	}
}

func isStop(event string) bool { return strings.HasPrefix(event, "stop ") }

// TestChurn: members come, go and are thrown out while records keep coming; all
// are decided, once and in order.
func TestChurn(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { churn(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func churn(t *testing.T, rnd *rand.Rand) {
	const partitions = 6
	c := newCluster(t, kfake.SeedTopics(partitions, "tx"))
	cfg := c.config("tx")
	if rnd.IntN(2) == 0 {
		cfg.Protocol = "consumer"
	}
	l := newLedger()
	want := map[int32][]string{}
	var members []*member
	for round := range 40 {
		for p := range int32(partitions) {
			if rnd.IntN(2) == 0 {
				want[p] = append(want[p], c.produce("tx", p, fmt.Sprintf("%d.", round), 1+rnd.IntN(30))...)
			}
		}
		switch what := rnd.IntN(5); {
		case what < 2 && len(members) < 4:
			members = append(members, start(t, cfg, newHandler(l)))
		case what == 2 && len(members) > 0:
			i := rnd.IntN(len(members))
			members[i].stop(t)
			members = append(members[:i], members[i+1:]...)
		case what == 3:
			c.expel()
		case what == 4 && len(members) > 0:
			members[rnd.IntN(len(members))].flush()
		}
		<-time.After(time.Duration(rnd.IntN(3000)) * time.Millisecond)
	}
	for _, m := range members {
		m.stop(t)
	}
	drain(t, cfg, newHandler(l))
	for p := range int32(partitions) {
		l.wantDecided(t, fmt.Sprintf("tx/%d", p), want[p])
	}
}

func TestHandlerErrorsEndTheConsumer(t *testing.T) {
	boom := errors.New("boom")
	for _, tc := range []struct {
		call string
		set  func(*handler)
	}{
		{"wait", func(h *handler) { h.fail = boom }},
		{"start", func(h *handler) { h.refuse = func(consumer.Partition, int64) error { return boom } }},
	} {
		t.Run(tc.call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, kfake.SeedTopics(1, "tx"))
				h := newHandler(newLedger())
				tc.set(h)
				m := start(t, c.config("tx"), h)
				if err := <-m.done; !errors.Is(err, boom) {
					t.Errorf("run: %v, want boom", err)
				}
				m.cancel()
				m.check(t)
			})
		})
	}
}
