package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/store/storetest"
)

// TestSlowIsNotIdle wants a partition of which nothing comes for a long time not to
// count as idle while there is more to read: it is paused, or we are slow. Idle, it
// would let the watermark pass its rows (W3).
func TestSlowIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(2)
		tp.add(0, 6, noon.Add(-time.Hour))
		tp.add(1, 6, noon.Add(-30*time.Hour))
		lake := &storetest.Memory{}
		cfg := testConfig(t)
		began := time.Now()
		cfg.Now = func() time.Time { return noon.Add(time.Since(began)) }
		cfg.Drain, cfg.MaxRows, cfg.MaxAge = false, 1000, 10*time.Second
		d := newProcess(t, cfg, lake, tp)
		err := d.stream(t, func(context.Context) {
			d.hand(1) // three of six
			d.hand(0)
			d.hand(0) // all of them
			for range 300 {
				after(time.Second)
				for p := range tp.parts { // news, and no records
					d.p.Accept(tp.source(p), d.pos[p], 6, recordsOf(tp.parts[p], 0, 0))
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		idle := map[int32]bool{}
		for _, r := range records(t, lake, "t") {
			for _, s := range r.Sources {
				idle[s.Partition] = s.AtEnd
			}
		}
		if got, want := fmt.Sprint(idle), "map[0:true 1:false]"; got != want {
			t.Errorf("idle: got %s, want %s", got, want)
		}
	})
}
