package consumer_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"

	"tidemark/consumer"
)

// TestLag: it is measured to the last stable offset, for partitions that are ours
// only.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, kfake.SeedTopics(2, "tx"))
		c.produce("tx", 0, "a", 5)
		h, reg := newHandler(newLedger()), prometheus.NewRegistry()
		h.full, h.room = true, make(chan struct{})
		x, err := consumer.New(c.config("tx"), h, slog.New(slog.DiscardHandler), reg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- x.Run(ctx) }()
		h.await(t, "it is assigned", func() bool { return len(h.open) == 2 })
		synctest.Wait()
		want := []string{"tx_table tx 0: 5", "tx_table tx 1: 0"}
		if got := lags(t, reg); !slices.Equal(got, want) {
			t.Errorf("before reading: %v, want %v", got, want)
		}
		h.with(func() { h.full = false; close(h.room) })
		h.await(t, "all is read", func() bool { return h.at("tx/0", 5) })
		want[0] = "tx_table tx 0: 0"
		synctest.Wait()
		if got := lags(t, reg); !slices.Equal(got, want) {
			t.Errorf("after reading: %v, want %v", got, want)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := lags(t, reg); len(got) > 0 {
			t.Errorf("after the end: %v, want none", got)
		}
	})
}

// lags lists the lag gauge: table, topic, partition and value.
func lags(t *testing.T, reg *prometheus.Registry) []string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != "tidemark_lag_records" {
				continue
			}
			at := map[string]string{}
			for _, l := range m.GetLabel() {
				at[l.GetName()] = l.GetValue()
			}
			all = append(all, fmt.Sprintf("%s: %v", strings.Join([]string{at["table"], at["topic"], at["partition"]}, " "), m.GetGauge().GetValue()))
		}
	}
	return all
}
