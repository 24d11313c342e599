package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// topic is what the benchmark's events stand in, where nothing else is said.
const topic = "bench"

// raw consumes the topic with the client alone, and looks at no byte of it.
func raw(ctx context.Context, o options) (result, error) {
	m, err := start()
	if err != nil {
		return result{}, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(o.broker), kgo.ConsumeTopics(o.topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return result{}, err
	}
	defer client.Close()
	var rows, size int64
	for rows < o.events {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return result{}, err
		}
		fetches.EachRecord(func(r *kgo.Record) { rows++; size += int64(len(r.Value)) })
	}
	if rows != o.events {
		return result{}, fmt.Errorf("read %d events, want %d", rows, o.events)
	}
	return m.stop(rows, size, 0)
}
