package consumer_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/consumer"
)

// TestNoSilentReset wants to be asked where to go on when the log has lost the place
// that is read, also by a Handler that will go on: a client that moves by itself would
// hide that records are missing (C1).
func TestNoSilentReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		want := c.produce("tx", 0, "a", 10)
		l := newLedger()
		h := newHandler(l)
		m := start(t, c.config("tx"), h)
		m.await(t, "all is read", func() bool { return m.at("tx/0", 10) })
		m.with(func() {
			h.claim = func(p consumer.Partition, next int64) int64 { return max(p.LogStart, next) }
		})
		slow := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Count: -1, Err: kerr.LeaderNotAvailable})
		c.produce("tx", 0, "lost", 10)
		if err := c.DeleteRecords("tx", 0, 20); err != nil {
			t.Fatal(err)
		}
		want = append(want, c.produce("tx", 0, "rest", 5)...)
		slow.Remove()
		m.await(t, "start is asked, with the log as it is", func() bool {
			return slices.ContainsFunc(m.events, func(e string) bool {
				return strings.HasPrefix(e, "start tx/0 log 20 ") && strings.HasSuffix(e, " from 10")
			})
		})
		m.await(t, "the rest is read", func() bool { return m.at("tx/0", 25) })
		m.stop(t)
		l.wantDecided(t, "tx/0", want)
	})
}
