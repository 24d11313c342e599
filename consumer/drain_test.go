package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/consumer"
	"tidemark/internal/batch"
)

// drain runs Drain to its end.
func drain(t *testing.T, cfg consumer.Config, h *handler) {
	t.Helper()
	if err := newConsumer(t, cfg, h).Drain(t.Context()); err != nil {
		t.Errorf("drain: %v", err)
	}
	h.check(t)
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(2, "tx"), kfake.SeedTopics(1, "empty"))
		want := c.produce("tx", 0, "a", 1000)
		l := newLedger()
		h := newHandler(l)
		drain(t, c.config("tx", "empty"), h)
		h.wantEvents(t,
			"start empty/0 log 0 end 0 begin 0 from 0",
			"start tx/0 log 0 end 1000 begin 0 from 0",
			"start tx/1 log 0 end 0 begin 0 from 0",
			"stop empty/0 drained at 0",
			"stop tx/0 drained at 1000",
			"stop tx/1 drained at 0",
			"start empty/0 log 0 end 0 begin 0 from 0",
			"start tx/0 log 0 end 1000 begin 0 from 1000",
			"start tx/1 log 0 end 0 begin 0 from 0",
			"stop empty/0 drained at 0",
			"stop tx/0 drained at 1000",
			"stop tx/1 drained at 0")
		l.wantDecided(t, "tx/0", want)

		// Without joining, it leaves no member and no offset behind.
		if g := c.GroupInfo("g"); g != nil && len(g.Members) > 0 {
			t.Errorf("the group has members after a drain")
		}
		// Again: nothing to do, one round.
		again := newHandler(l)
		drain(t, c.config("tx", "empty"), again)
		if got := len(again.events); got != 6 {
			t.Errorf("a second drain made %d calls, want one round of 6", got)
		}
	})
}

// TestDrainEndsWhereItBegan: what is produced during a drain is not read by it.
func TestDrainEndsWhereItBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		want := c.produce("tx", 0, "a", 10)
		l := newLedger()
		h := newHandler(l)
		h.full, h.room = true, make(chan struct{})
		done := make(chan error, 1)
		go func() { done <- newConsumer(t, c.config("tx"), h).Drain(t.Context()) }()
		h.await(t, "it has begun", func() bool { return h.open["tx/0"] != nil })
		c.produce("tx", 0, "later", 10)
		close(h.room)
		if err := <-done; err != nil {
			t.Errorf("drain: %v", err)
		}
		h.check(t)
		l.wantDecided(t, "tx/0", want)
	})
}

// TestDrainAbortedTail: a partition whose last records were aborted gives no
// record to show that its end is reached.
func TestDrainAbortedTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(2, "tx"))
		want := c.produce("tx", 0, "a", 5)
		transact(t, c.transactor(), kgo.TryAbort, 0, 1)
		l := newLedger()
		h := newHandler(l)
		drain(t, c.config("tx"), h)
		l.wantDecided(t, "tx/0", want)
		if got, want := l.next[fmt.Sprintf("%x/0", c.TopicInfo("tx").TopicID)], int64(5+3+1); got != want {
			t.Errorf("partition 0 is decided up to %d, want %d: behind the marker", got, want)
		}
	})
}

// TestDrainStopsAtOpenTransaction: the last stable offset is the end.
func TestDrainStopsAtOpenTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		want := c.produce("tx", 0, "a", 5)
		client := c.transactor()
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(t, client, "tx", 0, "open", 3)
		c.produce("tx", 0, "behind", 3)
		l := newLedger()
		drain(t, c.config("tx"), newHandler(l))
		l.wantDecided(t, "tx/0", want)
		if err := client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDrainCompactedTail: where compaction emptied the tail, no record and no
// marker shows that the end is reached.
func TestDrainCompactedTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		compact, none := "compact", "0"
		if _, err := c.admin.CreateTopic(t.Context(), 1, 1, map[string]*string{"cleanup.policy": &compact, "delete.retention.ms": &none, "segment.ms": &none}, "tx"); err != nil {
			t.Fatal(err)
		}
		for _, r := range []kgo.Record{
			{Topic: "tx", Key: []byte("stays"), Value: []byte("1")},
			{Topic: "tx", Key: []byte("goes"), Value: []byte("2")},
			{Topic: "tx", Key: []byte("goes")},
		} {
			if err := c.client.ProduceSync(t.Context(), &r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		// Compaction spares the newest batch: an open transaction, behind the end.
		client := c.transactor()
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produce(t, client, "tx", 0, "open", 1)
		c.Compact()
		l := newLedger()
		h := newHandler(l)
		began := time.Now()
		drain(t, c.config("tx"), h)
		l.wantDecided(t, "tx/0", []string{`"stays"="1"`})
		if at := l.next[fmt.Sprintf("%x/0", c.TopicInfo("tx").TopicID)]; at != 3 {
			t.Errorf("drained to %d, want 3", at)
		}
		if took := time.Since(began); took > 10*time.Second { // the transaction's time-out would end it, too
			t.Errorf("the drain took %s", took)
		}
		if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
	})
}

// transactor is a client with a transactional id.
func (c *cluster) transactor() *kgo.Client {
	c.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.Dialer(c.net.DialContext),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("t"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(client.Close)
	return client
}

// transact writes three records to each partition in one transaction.
func transact(t *testing.T, client *kgo.Client, how kgo.TransactionEndTry, partitions ...int32) (values []string) {
	t.Helper()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		values = produce(t, client, "tx", p, "transaction", 3)
	}
	if err := client.EndTransaction(t.Context(), how); err != nil {
		t.Fatal(err)
	}
	return values
}

// TestDrainWhoeverDecides: a batch that loses against another writer's is dropped
// by the handler; the drain looks again and finds nothing left.
func TestDrainWhoeverDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		want := c.produce("tx", 0, "a", 10)
		l := newLedger()
		h := newHandler(l)
		source := fmt.Sprintf("%x/0", c.TopicInfo("tx").TopicID)
		// When the handler comes to decide, someone else has just decided the first four.
		steal := sync.OnceFunc(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.next[source] = 4
		})
		cfg := c.config("tx")
		x := newConsumer(t, cfg, &thief{handler: h, steal: steal})
		if err := x.Drain(t.Context()); err != nil {
			t.Errorf("drain: %v", err)
		}
		h.check(t)
		h.wantEvents(t,
			"start tx/0 log 0 end 10 begin 0 from 0",
			"stop tx/0 drained at 10",
			"start tx/0 log 0 end 10 begin 0 from 4",
			"stop tx/0 drained at 10",
			"start tx/0 log 0 end 10 begin 0 from 10",
			"stop tx/0 drained at 10")
		l.wantDecided(t, "tx/0", want[4:])
	})
}

// thief is a handler whose partitions someone else decides before it does.
type thief struct {
	*handler
	steal func()
}

func (h *thief) Stop(ctx context.Context, parts []batch.Source, why consumer.StopReason) error {
	h.steal()
	return h.handler.Stop(ctx, parts, why)
}

// TestDrainPaused: a halted table's topic is not waited for.
func TestDrainPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx", "halted"))
		want := c.produce("tx", 0, "a", 10)
		c.produce("halted", 0, "a", 10)
		l := newLedger()
		h := newHandler(l)
		h.orders.Pause = []string{"halted"}
		drain(t, c.config("tx", "halted"), h)
		l.wantDecided(t, "tx/0", want)
		l.wantDecided(t, "halted/0", nil)
	})
}

// TestDrainPausedAtTheEnd: a table that halts on the last records of a round is not
// waited for either.
func TestDrainPausedAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "halted"))
		c.produce("halted", 0, "a", 10)
		l := newLedger()
		h := &halter{handler: newHandler(l)}
		rounds := 0
		h.refuse = func(consumer.Partition, int64) error {
			if rounds++; rounds > 2 {
				return errors.New("the topic is read although it is paused")
			}
			return nil
		}
		if err := newConsumer(t, c.config("halted"), h).Drain(t.Context()); err != nil {
			t.Errorf("drain: %v", err)
		}
		l.wantDecided(t, "halted/0", nil)
	})
}

// halter halts with the first records that it gets, once, and takes none.
type halter struct {
	*handler
	halted bool
}

func (h *halter) Accept(batch.Source, int64, int64, iter.Seq[batch.Record]) {
	h.with(func() {
		if !h.halted {
			h.halted, h.orders.Pause = true, []string{"halted"}
		}
	})
}

func TestDrainCommitsFromOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		c.produce("tx", 0, "a", 10)
		h := newHandler(newLedger())
		x := newConsumer(t, c.config("tx"), h)
		var failed error
		h.stopped = func(consumer.StopReason) {
			failed = errors.Join(failed, x.Commit(t.Context(), []consumer.Offset{
				{Topic: "tx", Partition: 0, Offset: 10, LeaderEpoch: -1},
				{Topic: "tx", Partition: 7, Offset: 1, LeaderEpoch: -1}, // not ours
			}))
		}
		if err := errors.Join(x.Drain(t.Context()), failed); err != nil {
			t.Errorf("drain or commit: %v", err)
		}
		wantCommitted(t, c.admin, kadm.Offset{Topic: "tx", Partition: 0, At: 10})
	})
}

// wantCommitted compares all that the group has committed.
func wantCommitted(t *testing.T, admin *kadm.Client, want kadm.Offset) {
	t.Helper()
	got, err := admin.FetchOffsets(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	got.Each(func(o kadm.OffsetResponse) {
		n++
		if o.Topic != want.Topic || o.Partition != want.Partition || o.At != want.At {
			t.Errorf("committed %s/%d at %d, want %s/%d at %d", o.Topic, o.Partition, o.At, want.Topic, want.Partition, want.At)
		}
	})
	if n != 1 {
		t.Errorf("committed %d partitions, want 1", n)
	}
}
