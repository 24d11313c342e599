package consumer_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestRackIsTold: a fetch names the rack, so that the nearest replica may answer.
func TestRackIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(1, "tx"))
		want := c.produce("tx", 0, "a", 3)
		var racks sync.Map
		c.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
			c.KeepControl()
			racks.Store(req.(*kmsg.FetchRequest).Rack, true)
			return nil, nil, false
		})
		cfg := c.config("tx")
		cfg.Rack = "zone-1"
		l := newLedger()
		drain(t, cfg, newHandler(l))
		l.wantDecided(t, "tx/0", want)
		racks.Range(func(rack, _ any) bool {
			if rack != "zone-1" {
				t.Errorf("a fetch names the rack %q, want zone-1", rack)
			}
			return true
		})
		if _, asked := racks.Load("zone-1"); !asked {
			t.Error("no fetch names the rack")
		}
	})
}
