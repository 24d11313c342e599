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
// turn. Its result says how many events there are of each kind, and has no times.
func fill(ctx context.Context, o options) (result, error) {
	codec, err := compression(o.codec)
	if err != nil {
		return result{}, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(o.broker), kgo.ProducerBatchCompression(codec), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		return result{}, err
	}
	defer client.Close()
	forever := "-1" // some events are days old
	if _, err := kadm.NewClient(client).CreateTopic(ctx, int32(o.partitions), 1, map[string]*string{"retention.ms": &forever}, o.topic); err != nil {
		return result{}, fmt.Errorf("make topic %s: %w", o.topic, err)
	}
	var failed atomic.Pointer[error]
	sent := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.CompareAndSwap(nil, &err)
		}
	}
	r, g := result{Rows: o.events, Kinds: map[string]int64{}}, generator(o)
	for i := 0; failed.Load() == nil; i++ {
		e, ok := g.Next()
		if !ok {
			break
		}
		value := bytes.Clone(e.Value)
		if o.format == avroFormat {
			value = inFormat(nil, o.format, e.Value)
		}
		r.Bytes += int64(len(value))
		r.Kinds[e.Kind.String()]++
		client.Produce(ctx, &kgo.Record{
			Topic: o.topic, Partition: int32(i % o.partitions), Timestamp: e.Time,
			Key: bytes.Clone(e.Key), Value: value,
		}, sent)
	}
	if err := client.Flush(ctx); err != nil {
		return result{}, fmt.Errorf("send events: %w", err)
	}
	if err := failed.Load(); err != nil {
		return result{}, fmt.Errorf("send events: %w", *err)
	}
	return r, nil
}

// compression is what a codec's name means to the client.
func compression(name string) (kgo.CompressionCodec, error) {
	switch name {
	case "none":
		return kgo.NoCompression(), nil
	case "gzip":
		return kgo.GzipCompression(), nil
	case "snappy":
		return kgo.SnappyCompression(), nil
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	}
	return kgo.CompressionCodec{}, fmt.Errorf("no codec is called %q: take lz4, zstd, snappy, gzip or none", name)
}
