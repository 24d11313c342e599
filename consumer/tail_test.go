package consumer_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/consumer"
)

// TestTail wants the newest committed records of each partition, whatever lies at its end,
// and none of a group's doing.
func TestTail(t *testing.T) {
	c := newCluster(t, kfake.SeedTopics(3, "in"), kfake.SeedTopics(1, "empty"))
	c.produce("in", 0, "a", 100)
	c.produce("in", 1, "b", 3)
	tx := c.transactor()
	for i, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := tx.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := tx.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Partition: 1, Value: fmt.Appendf(nil, "tx%d", i), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := tx.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	tx.Close()
	tail := func(topic string, n int) (out []string) {
		t.Helper()
		got, err := consumer.Tail(t.Context(), c.config(topic), topic, n)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range got {
			out = append(out, fmt.Sprintf("%d@%d %s %d", s.Source.Partition, s.Offset, s.Value, len(s.Headers)))
		}
		slices.Sort(out)
		return out
	}
	// Of partition 1, offsets 4 to 6 are a marker, an aborted record and another marker.
	if got, want := tail("in", 8), []string{"0@96 a96 0", "0@97 a97 0", "0@98 a98 0", "0@99 a99 0", "1@3 tx0 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := tail("in", 10_000); len(got) != 104 {
		t.Errorf("got %d records, want 104", len(got))
	}
	if got := tail("empty", 5); len(got) != 0 {
		t.Errorf("got %q of an empty topic", got)
	}
	if _, err := consumer.Tail(t.Context(), c.config("nothing"), "nothing", 5); err == nil {
		t.Error("no error for a topic that is not there")
	}
}
