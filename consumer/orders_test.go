package consumer_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"

	"tidemark/consumer"
	"tidemark/internal/batch"
)

// TestSeek: after a dropped batch the handler sends a partition back.
func TestSeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(2, "tx"))
		want := c.produce("tx", 0, "a", 10)
		other := c.produce("tx", 1, "b", 10)
		l := newLedger()
		m := start(t, c.config("tx"), newHandler(l))
		m.await(t, "all is read", func() bool { return m.at("tx/0", 10) && m.at("tx/1", 10) })
		m.with(func() {
			stranger := m.open["tx/0"].src
			stranger.TopicID[0]++
			m.orders.Seek = []consumer.Position{
				{Source: m.open["tx/0"].src, Offset: 0},
				{Source: stranger, Offset: 5},
				{Source: batch.Source{Topic: "nobody's"}, Offset: 5},
			}
		})
		m.await(t, "the partition was sent back", func() bool { return m.orders.Seek == nil })
		m.await(t, "it is read again", func() bool { return m.at("tx/0", 10) && m.accepted("tx/0") == 10 })
		m.stop(t)
		l.wantDecided(t, "tx/0", want)
		l.wantDecided(t, "tx/1", other)
	})
}

// TestSeekCrossesStart: an order given for a partition that was lost and started
// again while Wait was under way is not carried out on the new start: nobody can
// tell which came first, so the partition is started once more.
func TestSeekCrossesStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		want := c.produce("tx", 0, "a", 10)
		l := newLedger()
		h := newHandler(l)
		m := start(t, c.config("tx"), h)
		m.await(t, "all is read", func() bool { return m.at("tx/0", 10) })
		h.with(func() { h.full, h.room = true, make(chan struct{}) })
		c.expel()
		m.await(t, "it is lost and started again", func() bool { return len(m.events) == 3 })
		h.with(func() {
			h.full = false
			h.orders.Seek = []consumer.Position{{Source: m.open["tx/0"].src, Offset: 5}}
			close(h.room)
		})
		m.await(t, "it is read again", func() bool { return len(m.events) == 5 && m.at("tx/0", 10) })
		m.stop(t)
		m.wantEvents(t,
			"start tx/0 log 0 end 10 begin 0 from 0",
			"stop tx/0 lost at 10",
			"start tx/0 log 0 end 10 begin 0 from 0",
			"stop tx/0 lost at 5",
			"start tx/0 log 0 end 10 begin 0 from 0",
			"stop tx/0 shutdown at 10")
		l.wantDecided(t, "tx/0", want)
	})
}

// TestPause: a halted table's topic is not read any more; the others are.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx", "halted"))
		c.produce("halted", 0, "a", 3)
		l := newLedger()
		m := start(t, c.config("tx", "halted"), newHandler(l))
		m.await(t, "all is read", func() bool { return m.at("halted/0", 3) && m.at("tx/0", 0) })
		m.with(func() { m.orders.Pause = []string{"halted"} })
		m.await(t, "the order is taken", func() bool { return m.orders.Pause == nil })
		synctest.Wait()
		c.produce("halted", 0, "b", 3)
		want := c.produce("tx", 0, "a", 3)
		m.await(t, "the other is read", func() bool { return m.at("tx/0", 3) })
		<-time.After(10 * time.Second)
		m.with(func() {
			if got := m.open["halted/0"].next; got != 3 {
				t.Errorf("the halted topic was read to %d", got)
			}
		})
		m.stop(t)
		l.wantDecided(t, "tx/0", want)
	})
}

// TestNoRoom: while the handler has no room, nothing is handed over, but
// partitions come and go.
func TestNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(2, "tx"))
		want := [][]string{c.produce("tx", 0, "a", 5), c.produce("tx", 1, "a", 5)}
		l := newLedger()
		h := newHandler(l)
		m := start(t, c.config("tx"), h)
		m.await(t, "all is read", func() bool { return m.at("tx/0", 5) && m.at("tx/1", 5) })
		h.with(func() { h.full, h.room = true, make(chan struct{}) })
		m.await(t, "the loop waits", func() bool { return h.full })
		want[0] = append(want[0], c.produce("tx", 0, "b", 5)...)
		want[1] = append(want[1], c.produce("tx", 1, "b", 5)...)

		other := start(t, c.config("tx"), newHandler(l))
		other.await(t, "one comes over", func() bool { return len(other.open) == 1 })
		m.await(t, "one stays", func() bool { return len(m.open) == 1 })
		other.await(t, "it is read", func() bool { return other.at("tx/0", 10) || other.at("tx/1", 10) })
		h.with(func() { h.full = false; close(h.room) })
		m.await(t, "the rest is read", func() bool { return m.at("tx/0", 10) || m.at("tx/1", 10) })
		other.stop(t)
		m.stop(t)
		l.wantDecided(t, "tx/0", want[0])
		l.wantDecided(t, "tx/1", want[1])
	})
}

// TestCommit: only what is ours is committed, also while it is being given up.
func TestCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		c.produce("tx", 0, "a", 10)
		h := newHandler(newLedger())
		m := start(t, c.config("tx"), h)
		m.await(t, "all is read", func() bool { return m.at("tx/0", 10) })
		commit := func(at int64) error {
			return m.Commit(t.Context(), []consumer.Offset{
				{Topic: "tx", Partition: 0, Offset: at, LeaderEpoch: 0},
				{Topic: "tx", Partition: 3, Offset: at, LeaderEpoch: 0},
			})
		}
		if err := commit(4); err != nil {
			t.Errorf("commit: %v", err)
		}
		wantCommitted(t, c.admin, kadm.Offset{Topic: "tx", Partition: 0, At: 4})
		var last error
		h.stopped = func(consumer.StopReason) { last = commit(10) }
		m.stop(t)
		if err := errors.Join(last, commit(2)); err != nil { // after the end: nothing
			t.Errorf("commit: %v", err)
		}
		wantCommitted(t, c.admin, kadm.Offset{Topic: "tx", Partition: 0, At: 10})
	})
}

// TestHold: a partition of which a record is not taken rests until it is sought, and the
// others go on.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(2, "tx"))
		want := c.produce("tx", 0, "a", 10)
		l := newLedger()
		h := newHandler(l)
		h.hold = func(r batch.Record) bool { return string(r.Value) == "a7" }
		m := start(t, c.config("tx"), h)
		m.await(t, "it is held", func() bool { return m.open["tx/0"] != nil && m.open["tx/0"].held && m.orders.Hold == nil })
		for i := range 5 {
			c.produce("tx", 0, "later", 3)
			c.produce("tx", 1, "b", 3)
			m.await(t, "the other is read on", func() bool { return m.at("tx/1", int64(3*i+3)) })
		}
		m.with(func() {
			if m.late > 0 {
				t.Errorf("%d times something was handed over of what is held", m.late)
			}
			m.hold, m.orders.Seek = nil, []consumer.Position{{Source: m.open["tx/0"].src, Offset: 7}}
		})
		m.await(t, "it is read again", func() bool { return m.at("tx/0", 25) })
		m.stop(t)
		if got := l.decided["tx/0"]; len(got) != 25 || !slices.Equal(got[:10], want) {
			t.Errorf("decided %d records: %v", len(got), got)
		}
	})
}

// TestHoldInADrain: a round does not end while a partition is held, not even at its end.
func TestHoldInADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(2, "tx"))
		want := c.produce("tx", 0, "a", 10)
		c.produce("tx", 1, "b", 10)
		l := newLedger()
		h := newHandler(l)
		h.hold = func(r batch.Record) bool { return string(r.Value) == "a9" } // the last
		done := make(chan error, 1)
		go func() { done <- newConsumer(t, c.config("tx"), h).Drain(t.Context()) }()
		h.await(t, "it is held", func() bool {
			return h.open["tx/0"] != nil && h.open["tx/0"].held && h.at("tx/1", 10) && h.orders.Hold == nil
		})
		select { // in virtual time
		case err := <-done:
			t.Fatalf("the drain ended with a partition held: %v", err)
		case <-time.After(time.Minute):
		}
		h.with(func() {
			if len(h.events) != 2 {
				t.Errorf("the round ended with a partition held: %d events", len(h.events))
			}
			h.hold, h.orders.Seek = nil, []consumer.Position{{Source: h.open["tx/0"].src, Offset: 9}}
		})
		if err := <-done; err != nil {
			t.Error(err)
		}
		h.check(t)
		l.wantDecided(t, "tx/0", want)
		if h.late > 0 {
			t.Errorf("%d times something was handed over of what is held", h.late)
		}
	})
}
