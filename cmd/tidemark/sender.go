package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/generate"
)

// made counts what was made, and acknowledged where it was sent. It may be read
// while it grows.
type made struct {
	rows, bytes atomic.Int64
}

// sender sends generated events to a topic.
type sender struct {
	client *kgo.Client
	topic  string
}

// createPatience is how long brokers may take to answer before anything is sent.
const createPatience = 20 * time.Second

func newSender(brokers []string, topic, compression string) (*sender, error) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(), "snappy": kgo.SnappyCompression(),
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.ClientID("tidemark-generate"), kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(codecs[compression]),
		kgo.ProducerLinger(5*time.Millisecond), kgo.ProducerBatchMaxBytes(1<<20-1024), kgo.MaxBufferedRecords(200_000),
	)
	if err != nil {
		return nil, usageError{fmt.Sprintf("--brokers: %v", err)}
	}
	return &sender{client: client, topic: topic}, nil
}

func (s *sender) close() { s.client.Close() }

// createTopic creates the topic if it is not there.
func (s *sender) createTopic(ctx context.Context, partitions int32) (created bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, createPatience)
	defer cancel()
	_, err = kadm.NewClient(s.client).CreateTopic(ctx, partitions, -1, nil, s.topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return false, nil
	}
	if refused := (*kerr.Error)(nil); errors.As(err, &refused) {
		return false, fmt.Errorf("create topic %s: %w", s.topic, err)
	}
	if err != nil {
		return false, fmt.Errorf("create topic %s: %w: do brokers answer at the addresses of --brokers?", s.topic, err)
	}
	return true, nil
}

// flushPatience is how long brokers may take for what is under way when sending is
// to end.
const flushPatience = 5 * time.Second

// send sends all events, at most rate a second (0: no limit), until ctx is done, and
// waits for the acknowledgements of those that are sent: what made says is exact.
// Each goes to the partition of its key.
func (s *sender) send(ctx context.Context, next func() (generate.Event, bool), rate int64, made *made) error {
	// Records that are given up with their context may be in the topic all the same.
	sending, fail := context.WithCancelCause(context.WithoutCancel(ctx))
	defer fail(nil)
	defer context.AfterFunc(ctx, func() {
		late := time.AfterFunc(flushPatience, func() { fail(context.Cause(ctx)) })
		context.AfterFunc(sending, func() { late.Stop() })
	})()
	done := func(r *kgo.Record, err error) {
		if err != nil {
			fail(fmt.Errorf("send to topic %s: %w", s.topic, err))
			return
		}
		made.rows.Add(1)
		made.bytes.Add(int64(len(r.Value)))
	}
	pace := pace{rate: rate, start: time.Now()}
	var slab slab
	for n := int64(0); ctx.Err() == nil && sending.Err() == nil; n++ {
		pace.wait(ctx, n)
		e, ok := next()
		if !ok {
			break
		}
		s.client.Produce(sending, slab.record(e), done)
	}
	if err := s.client.Flush(sending); err != nil || sending.Err() != nil {
		return context.Cause(sending)
	}
	return context.Cause(ctx)
}

// slab holds records and their bytes in large pieces: one allocation for many.
type slab struct {
	records []kgo.Record
	bytes   []byte
}

func (s *slab) record(e generate.Event) *kgo.Record {
	if len(s.records) == 0 {
		s.records = make([]kgo.Record, 512)
	}
	r := &s.records[0]
	s.records = s.records[1:]
	r.Key, r.Value = s.copy(e.Key), s.copy(e.Value)
	return r
}

func (s *slab) copy(b []byte) []byte {
	if cap(s.bytes)-len(s.bytes) < len(b) {
		s.bytes = make([]byte, 0, max(128<<10, len(b)))
	}
	at := len(s.bytes)
	s.bytes = append(s.bytes, b...)
	return s.bytes[at:len(s.bytes):len(s.bytes)]
}

// pace spreads events over time.
type pace struct {
	rate  int64
	start time.Time
}

// wait waits until it is time for event n.
func (p *pace) wait(ctx context.Context, n int64) {
	const step = 100 // events between two looks at the clock, at most
	if p.rate <= 0 || n%max(1, min(step, p.rate/20)) != 0 {
		return
	}
	ahead := time.Duration(float64(n)/float64(p.rate)*float64(time.Second)) - time.Since(p.start)
	if ahead <= 0 {
		return
	}
	t := time.NewTimer(ahead)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
