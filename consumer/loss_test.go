package consumer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/consumer"
)

var errGone = errors.New("gone")

// refuseLoss is a Start that stops at data that Kafka does not hold.
func refuseLoss(p consumer.Partition, next int64) error {
	if next < p.LogStart || next > p.End {
		return fmt.Errorf("partition %d: offset %d is %w, the log is [%d, %d)", p.Partition, next, errGone, p.LogStart, p.End)
	}
	return nil
}

// TestRecordsGoneBeforeStart: Start sees the numbers; nothing moves by itself.
func TestRecordsGoneBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		c.produce("tx", 0, "a", 10)
		if err := c.DeleteRecords("tx", 0, 6); err != nil {
			t.Fatal(err)
		}
		h := newHandler(newLedger())
		h.ledger.next[fmt.Sprintf("%x/0", c.TopicInfo("tx").TopicID)] = 3
		h.refuse = refuseLoss
		m := start(t, c.config("tx"), h)
		err := <-m.done
		if !errors.Is(err, errGone) || !strings.Contains(err.Error(), "offset 3 is gone, the log is [6, 10)") {
			t.Errorf("run: %v, want offset 3 gone and both bounds", err)
		}
		m.cancel()
		m.check(t)
	})
}

// TestRecordsGoneWhileReading: what was accepted is decided, then Start is asked
// with the numbers as they are; whether to stop or to go on is its choice.
func TestRecordsGoneWhileReading(t *testing.T) {
	for _, goOn := range []bool{false, true} {
		t.Run(fmt.Sprintf("go on %t", goOn), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, kfake.SeedTopics(1, "tx"))
				want := c.produce("tx", 0, "a", 10)
				l := newLedger()
				h := newHandler(l)
				m := start(t, c.config("tx"), h)
				m.await(t, "all is read", func() bool { return m.at("tx/0", 10) })
				m.with(func() {
					h.refuse = refuseLoss
					if goOn {
						h.claim = func(p consumer.Partition, next int64) int64 { return max(p.LogStart, next) }
					}
				})
				slow := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Count: -1, Err: kerr.LeaderNotAvailable})
				c.produce("tx", 0, "lost", 10)
				if err := c.DeleteRecords("tx", 0, 20); err != nil {
					t.Fatal(err)
				}
				rest := c.produce("tx", 0, "rest", 5)
				slow.Remove()
				if goOn {
					m.await(t, "the rest is read", func() bool { return m.at("tx/0", 25) })
					m.stop(t)
					want = append(want, rest...)
				} else if err := <-m.done; !errors.Is(err, errGone) || !strings.Contains(err.Error(), "offset 10 is gone, the log is [20, 25)") {
					t.Errorf("run: %v, want offset 10 gone and both bounds", err)
				}
				m.cancel()
				m.check(t)
				l.wantDecided(t, "tx/0", want)
			})
		})
	}
}

// TestTopicMadeAnew: the id of the new topic reaches Start, and all of the new
// topic is read.
func TestTopicMadeAnew(t *testing.T) {
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, kfake.SeedTopics(2, "tx"))
				want := c.produce("tx", 0, "old", 7)
				cfg := c.config("tx")
				cfg.Protocol = protocol
				l := newLedger()
				m := start(t, cfg, newHandler(l))
				m.await(t, "the old topic is read", func() bool { return m.at("tx/0", 7) && m.at("tx/1", 0) })
				old := m.open["tx/0"].src.TopicID
				if err := c.DeleteTopic("tx"); err != nil {
					t.Fatal(err)
				}
				if err := c.CreateTopic("tx", 2, nil); err != nil {
					t.Fatal(err)
				}
				c.client.PurgeTopicsFromClient("tx")
				want = append(want, c.produce("tx", 0, "new", 9)...)
				m.await(t, "the new topic is read", func() bool {
					return m.at("tx/0", 9) && m.open["tx/0"].src.TopicID != old
				})
				// Its commits are for the new topic, too, once the group's client has learned
				// of it.
				commit := func() error {
					return m.Commit(t.Context(), []consumer.Offset{{Topic: "tx", Partition: 0, Offset: 9, LeaderEpoch: -1}})
				}
				err := commit()
				for tries := 0; err != nil && tries < 30; tries++ {
					<-time.After(time.Second)
					err = commit()
				}
				if err != nil {
					t.Errorf("commit: %v", err)
				}
				m.stop(t)
				l.wantDecided(t, "tx/0", want)
			})
		})
	}
}

// TestTopicMadeAnewSmaller: a partition that is there no more ends the consumer,
// after a while and with its number.
func TestTopicMadeAnewSmaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(2, "tx"))
		m := start(t, c.config("tx"), newHandler(newLedger()))
		m.await(t, "all is read", func() bool { return m.at("tx/0", 0) && m.at("tx/1", 0) })
		if err := c.DeleteTopic("tx"); err != nil {
			t.Fatal(err)
		}
		if err := c.CreateTopic("tx", 1, nil); err != nil {
			t.Fatal(err)
		}
		limit := time.NewTimer(3 * time.Minute)
		defer limit.Stop()
		select {
		case err := <-m.done:
			if !errors.Is(err, consumer.ErrRefused) || !strings.Contains(err.Error(), "partition 1") {
				t.Errorf("run: %v, want a refusal of partition 1", err)
			}
			m.cancel()
		case <-limit.C: // or the group took the partition from us
			m.with(func() {
				if m.open["tx/1"] != nil || m.open["tx/0"] == nil {
					t.Errorf("partition 1 is still ours, or 0 is not; events: %q", m.events)
				}
			})
			m.stop(t)
		}
		m.check(t)
	})
}

// TestNewPartitions: they are picked up, and Start is told their log start.
func TestNewPartitions(t *testing.T) {
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, kfake.SeedTopics(1, "tx"))
				cfg := c.config("tx")
				cfg.Protocol, cfg.Start = protocol, "latest"
				l := newLedger()
				c.produce("tx", 0, "before", 3)
				m := start(t, cfg, newHandler(l))
				m.await(t, "the partition is read", func() bool { return m.at("tx/0", 3) })
				if _, err := c.admin.UpdatePartitions(t.Context(), 3, "tx"); err != nil {
					t.Fatal(err)
				}
				m.await(t, "three partitions are read", func() bool { return m.at("tx/1", 0) && m.at("tx/2", 0) })
				c.client.PurgeTopicsFromClient("tx")
				want := c.produce("tx", 2, "a", 4)
				m.await(t, "its records", func() bool { return m.at("tx/2", 4) })
				m.stop(t)
				l.wantDecided(t, "tx/2", want)
			})
		})
	}
}

// TestBatchLargerThanMemory: what cannot be held ends the consumer, and says where.
func TestBatchLargerThanMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		c.produce("tx", 0, "a", 3)
		c.produce("tx", 0, strings.Repeat("x", 20_000), 1)
		cfg := c.config("tx")
		cfg.MaxBatchBytes = 10_000
		err := newConsumer(t, cfg, newHandler(newLedger())).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "tx, partition 0, offset 3: a batch") {
			t.Errorf("run: %v, want the place of the batch", err)
		}
	})
}

func TestMissingTopicEndsAfterPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		for _, run := range []func(*consumer.Consumer) error{
			func(x *consumer.Consumer) error { return x.Run(t.Context()) },
			func(x *consumer.Consumer) error { return x.Drain(t.Context()) },
		} {
			cfg := c.config("tx", "missing")
			began := time.Now()
			err := run(newConsumer(t, cfg, newHandler(newLedger())))
			if !errors.Is(err, consumer.ErrRefused) || !errors.Is(err, kerr.UnknownTopicOrPartition) || !strings.Contains(err.Error(), "missing") {
				t.Errorf("got %v, want the topic's name and the broker's words", err)
			}
			if took := time.Since(began); took < time.Minute || took > 70*time.Second {
				t.Errorf("refused after %s, want after a minute", took)
			}
		}
	})
}

// TestMissingTopicAppears: a topic that comes in time is read.
func TestMissingTopicAppears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		l := newLedger()
		m := start(t, c.config("tx", "later"), newHandler(l))
		m.await(t, "what is there is read", func() bool { return m.at("tx/0", 0) })
		<-time.After(40 * time.Second)
		if err := c.CreateTopic("later", 1, nil); err != nil {
			t.Fatal(err)
		}
		want := c.produce("later", 0, "a", 5)
		m.await(t, "what came is read", func() bool { return m.at("later/0", 5) })
		m.stop(t)
		l.wantDecided(t, "later/0", want)
	})
}

// TestBrokersAway: while no broker answers nothing ends and nothing is told to be
// fully read; then it goes on where it was.
func TestBrokersAway(t *testing.T) {
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, kfake.SeedTopics(1, "tx"))
				want := c.produce("tx", 0, "a", 5)
				cfg := c.config("tx")
				cfg.Protocol = protocol
				l := newLedger()
				m := start(t, cfg, newHandler(l))
				m.await(t, "all is read", func() bool { return m.at("tx/0", 5) })
				c.gate.cut()
				<-time.After(time.Second)
				m.with(func() {
					if r := m.open["tx/0"]; r != nil { // classic: given up as lost already
						r.end = -1
					}
				})
				<-time.After(4 * time.Second)
				m.with(func() {
					if r := m.open["tx/0"]; r != nil && r.end != -1 {
						t.Errorf("news of the end came while no broker answered")
					}
				})
				<-time.After(time.Minute) // the group gives us up
				want = append(want, c.produce("tx", 0, "b", 5)...)
				c.gate.heal()
				m.await(t, "it goes on", func() bool { return m.at("tx/0", 10) })
				m.stop(t)
				l.wantDecided(t, "tx/0", want)
			})
		})
	}
}

// TestEndsWhileBrokersAreAway: SIGTERM does not wait for brokers, and what was
// accepted is decided.
func TestEndsWhileBrokersAreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		want := c.produce("tx", 0, "a", 5)
		l := newLedger()
		cfg := c.config("tx")
		cfg.Protocol = "consumer"
		m := start(t, cfg, newHandler(l))
		m.await(t, "all is read", func() bool { return m.at("tx/0", 5) })
		c.gate.cut()
		<-time.After(time.Second)
		began := time.Now()
		m.stop(t)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("ending took %s", took)
		}
		if slices.Contains(m.events, "stop tx/0 lost at 5") { // the group's client may have been quicker
			want = nil
		}
		l.wantDecided(t, "tx/0", want)
	})
}
