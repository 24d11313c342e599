package pipeline_test

import (
	"context"
	"testing"
	"time"

	"tidemark/consumer"
	"tidemark/internal/ledger"
	"tidemark/internal/store/storetest"
)

// strictEdge looks into the ledger at the very moment at which Kafka is told.
type strictEdge struct {
	t    *testing.T
	lake *storetest.Memory
	told int
}

func (e *strictEdge) Commit(_ context.Context, offsets []consumer.Offset) error {
	next := map[int32]int64{}
	for _, r := range records(e.t, e.lake, "t") {
		for i := range r.Sources {
			next[r.Sources[i].Partition] = r.Sources[i].To
		}
		for _, f := range r.Files {
			if _, err := e.lake.Stat(e.t.Context(), f.Path); err != nil && e.covers(r, offsets) {
				e.t.Errorf("kafka is told of %s, which is not published: %v", f.Path, err)
			}
		}
	}
	for _, o := range offsets {
		e.told++
		if o.Offset > next[o.Partition] {
			e.t.Errorf("kafka is told %d of partition %d, and %d is decided", o.Offset, o.Partition, next[o.Partition])
		}
	}
	return nil
}

// covers reports whether all of a record lies below the offsets.
func (e *strictEdge) covers(r *ledger.Record, offsets []consumer.Offset) bool {
	for i := range r.Sources {
		for _, o := range offsets {
			if o.Partition == r.Sources[i].Partition && r.Sources[i].To <= o.Offset {
				return true
			}
		}
	}
	return false
}

func (e *strictEdge) EpochEnds(_ context.Context, asks []consumer.Epoch) ([]int64, error) {
	ends := make([]int64, len(asks))
	for i := range ends {
		ends[i] = -1
	}
	return ends, nil
}

func (e *strictEdge) Buffered() int64 { return 0 }

// TestKafkaIsNeverAhead wants no offset to be committed that is not decided, and
// published, by then: not a moment later (R10).
func TestKafkaIsNeverAhead(t *testing.T) {
	tp := newTopic(2)
	tp.add(0, 30, noon.Add(-3*time.Hour))
	tp.add(1, 11, noon.Add(-3*time.Hour))
	lake := &storetest.Memory{}
	d := newProcess(t, testConfig(t), lake, tp)
	edge := &strictEdge{t: t, lake: lake}
	err := d.p.Feed(t.Context(), edge, func(ctx context.Context) error {
		for {
			if done, err := d.round(ctx); done || err != nil {
				return err
			}
		}
	})
	if err != nil || edge.told == 0 {
		t.Fatalf("got %v, and %d offsets told", err, edge.told)
	}
	checkExact(t, lake, "t", tp)
}
