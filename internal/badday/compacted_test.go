package badday_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// compacted: Kafka takes records away from the middle of the log, and leaves offsets
// without any. Whoever has read them keeps them; whoever reads later finds the rest.
func (h *house) compacted(t *testing.T) {
	t.Parallel()
	tp := h.newTopic(t, "compacted", 1, "cleanup.policy", "compact", "segment.ms", "50",
		"min.cleanable.dirty.ratio", "0.01", "min.compaction.lag.ms", "0", "max.compaction.lag.ms", "100", "delete.retention.ms", "0")
	j := h.newJob(t, tp)
	gone := int64(0)
	for round := range 3 {
		left, end := tp.compact(60)
		for _, r := range left {
			if n := len(tp.sent); n == 0 || r.offset > tp.sent[n-1].offset {
				tp.sent = append(tp.sent, r)
			}
		}
		gone = end - int64(len(tp.sent))
		if round < 2 {
			j.run(0, j.drain())
		} else {
			p := j.start(j.stream())
			j.awaitPublished(len(tp.sent), p)
			p.signal(syscall.SIGTERM)
			p.ends(0)
		}
		j.check(tp.sent)
	}
	skipped := int64(0)
	for _, r := range j.lake.ledger(t) {
		for i := range r.Sources {
			skipped += r.Sources[i].Skipped
		}
	}
	t.Logf("figures: compacted: %d records gone of %d, %d records checked", gone, gone+int64(len(tp.sent)), len(tp.sent))
	if skipped != gone || gone < 3*50 {
		t.Errorf("the ledger passes over %d offsets, want %d, which is most", skipped, gone)
	}
}

// compact produces n records of few keys, waits until Kafka has compacted all but the
// newest of each away, and returns what is left and where the log ends.
//
// Only closed segments are compacted, and one is closed by a record that comes later
// than segment.ms by the clock of records. No more of them may come while we look: the
// cleaner would be a step behind for ever.
func (tp *topic) compact(n int) (left []record, end int64) {
	tp.t.Helper()
	records := tp.next(n)
	for i, r := range records {
		r.Key, r.Timestamp = []byte{byte(i % 7)}, time.Now()
	}
	tp.put(tp.client, records...)
	last := tp.next(1)[0]
	last.Key, last.Timestamp = []byte("last"), time.Now().Add(time.Second)
	end = tp.put(tp.client, last)[0].offset + 1
	turn, late := time.NewTicker(250*time.Millisecond), time.NewTimer(patience)
	defer turn.Stop()
	defer late.Stop()
	for left = tp.serve(end); len(left) > 7+2; left = tp.serve(end) { // a "last" of before may be there
		select {
		case <-turn.C:
		case <-late.C:
			tp.t.Fatalf("Kafka does not compact: %d records are left", len(left))
		}
	}
	return left, end
}

// serve reads what Kafka has before an offset.
func (tp *topic) serve(end int64) (out []record) {
	tp.t.Helper()
	ctx, cancel := context.WithTimeout(tp.t.Context(), patience)
	defer cancel()
	client := tp.broker.Client(tp.t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{tp.name: {0: kgo.NewOffset().At(0)}}))
	defer client.Close()
	for next := int64(0); next < end; {
		fetches := client.PollFetches(ctx)
		must(tp.t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			out = append(out, record{topicID: tp.id, partition: r.Partition, offset: r.Offset, value: string(r.Value)})
			next = r.Offset + 1
		})
	}
	return out
}
