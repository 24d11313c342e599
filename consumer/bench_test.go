package consumer_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/kafkatest"
)

// counter is a Handler that copies nothing and counts.
type counter struct {
	records, bytes int64
	next           map[batch.Source]int64
}

func (c *counter) Start(_ context.Context, parts []consumer.Partition) ([]int64, error) {
	var offsets []int64
	for _, p := range parts {
		offsets = append(offsets, max(p.LogStart, c.next[p.Source]))
	}
	return offsets, nil
}

func (c *counter) Accept(src batch.Source, next, _ int64, records iter.Seq[batch.Record]) {
	for r := range records {
		c.records++
		c.bytes += int64(len(r.Value))
	}
	c.next[src] = next
}

func (c *counter) Stop(context.Context, []batch.Source, consumer.StopReason) error { return nil }

func (c *counter) Wait(context.Context) (consumer.Orders, error) { return consumer.Orders{}, nil }

// BenchmarkRead compares what a bare client consumes with what passes the
// consumer, from a real broker, in records a second.
func BenchmarkRead(b *testing.B) {
	const events, partitions = 2_000_000, 4
	broker := kafkatest.Start(b)
	broker.CreateTopic(b, "bench", partitions)
	client := broker.Client(b, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(100_000))
	for i := range events {
		v := fmt.Appendf(nil, `{"transaction_id":%d,"account_id":50321,"amount":1523.75,"transaction_type":"PURCHASE","transaction_date":"2026-11-22T10:15:30.123456Z","status":"COMPLETED","currency":"USD","channel":"POS","merchant":"Merchant 00123","country":"US"}`, 1_000_000_000+i)
		client.Produce(b.Context(), &kgo.Record{Topic: "bench", Partition: int32(i % partitions), Value: v}, nil)
	}
	if err := client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("bare client", func(b *testing.B) {
		used := cpu(b)
		for b.Loop() {
			bare := broker.Client(b, kgo.ConsumeTopics("bench"))
			n := 0
			for n < events {
				fetches := bare.PollFetches(b.Context())
				n += fetches.NumRecords()
			}
			bare.Close()
		}
		report(b, events, cpu(b)-used)
	})
	b.Run("consumer", func(b *testing.B) {
		used := cpu(b)
		for b.Loop() {
			h := &counter{next: map[batch.Source]int64{}}
			cfg := consumer.Config{Brokers: []string{broker.Plain}, Group: "bench", Tables: map[string]string{"bench": "t"}, Patience: time.Second}
			c, err := consumer.New(cfg, h, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			if err != nil {
				b.Fatal(err)
			}
			if err := c.Drain(b.Context()); err != nil {
				b.Fatal(err)
			}
			if h.records != events {
				b.Fatalf("read %d records, want %d", h.records, events)
			}
		}
		report(b, events, cpu(b)-used)
	})
}

// report adds rates to what a benchmark prints.
func report(b *testing.B, events int, used time.Duration) {
	n := float64(events) * float64(b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(used.Nanoseconds())/n, "cpu-ns/record")
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
