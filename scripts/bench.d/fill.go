package main

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fill makes the topic and sends the events to it, dealt out to its partitions in
// turn.
func fill(ctx context.Context, o options) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.broker), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		return err
	}
	defer client.Close()
	forever := "-1" // some events are days old
	if _, err := kadm.NewClient(client).CreateTopic(ctx, int32(o.partitions), 1, map[string]*string{"retention.ms": &forever}, topic); err != nil {
		return fmt.Errorf("make topic %s: %w", topic, err)
	}
	var failed atomic.Pointer[error]
	sent := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.CompareAndSwap(nil, &err)
		}
	}
	g := generator(o)
	for i := 0; failed.Load() == nil; i++ {
		e, ok := g.Next()
		if !ok {
			break
		}
		client.Produce(ctx, &kgo.Record{
			Topic: topic, Partition: int32(i % o.partitions), Timestamp: e.Time,
			Key: bytes.Clone(e.Key), Value: bytes.Clone(e.Value),
		}, sent)
	}
	if err := client.Flush(ctx); err != nil {
		return fmt.Errorf("send events: %w", err)
	}
	if err := failed.Load(); err != nil {
		return fmt.Errorf("send events: %w", *err)
	}
	return nil
}
