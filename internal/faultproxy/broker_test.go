package faultproxy_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/faultproxy"
	"tidemark/internal/kafkatest"
)

// TestBroker wants clients of a real broker that come through the proxy to stay with
// it, also after the broker was killed and came back.
func TestBroker(t *testing.T) {
	broker := kafkatest.Start(t, kafkatest.Behind(0))
	broker.CreateTopic(t, "in", 1)
	p := faultproxy.Kafka(t, broker.BehindAddr, nil)
	if p.Endpoint == broker.BehindAddr {
		t.Fatalf("the broker sends its clients to itself, at %s", p.Endpoint)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Endpoint), kgo.DefaultProduceTopic("in"), kgo.ConsumeTopics("in"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	must(t, err)
	defer client.Close()
	for round := range 2 {
		must(t, client.ProduceSync(t.Context(), kgo.StringRecord(fmt.Sprint(round))).FirstErr())
		for got := ""; got != fmt.Sprint(round); {
			client.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) { got = string(r.Value) })
		}
		if round == 0 {
			broker.Kill()
			broker.Restart()
		}
	}
	var ops []string
	for _, at := range p.Seen() {
		ops = append(ops, at.Op)
	}
	for _, want := range []string{"ApiVersions", "Metadata", "Produce", "Fetch"} {
		if !slices.Contains(ops, want) {
			t.Errorf("no %s passed by: %q", want, ops)
		}
	}
}
