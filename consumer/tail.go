package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/batch"
)

// Sample is a record that was looked at, with where it lies. Its bytes are nobody else's.
type Sample struct {
	Source batch.Source
	batch.Record
}

// Tail returns about the newest n records of a topic that are committed, in the order of
// their times: the newest n/p of each of p partitions that hold some. Fewer come where
// offsets hold no record, as of compacted topics and aborted transactions. Nothing is
// committed, and no group is joined. An error is what keeps the topic from being read.
func Tail(ctx context.Context, cfg Config, topic string, n int) ([]Sample, error) {
	cfg = cfg.withDefaults()
	opts, err := cfg.connection(slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts, kgo.RequestRetries(2), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		return nil, fmt.Errorf("open kafka client: %w", err)
	}
	defer client.Close()
	seen, err := look(ctx, kadm.NewClient(client), []string{topic}, start{})
	if err == nil {
		err = seen.topics[topic]
	}
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	t := tail{parts: map[int32]*tailed{}}
	var errs []error
	for k, err := range seen.missing {
		errs = append(errs, fmt.Errorf("topic %s: partition %d: %w", topic, k.partition, err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for k, p := range seen.parts {
		if p.End > p.LogStart {
			t.parts[k.partition] = &tailed{source: p.Source, at: p.LogStart, end: p.End}
		}
	}
	if len(t.parts) == 0 {
		return nil, nil
	}
	share := int64((n + len(t.parts) - 1) / len(t.parts))
	from := map[int32]kgo.Offset{}
	for partition, p := range t.parts {
		p.at = max(p.at, p.end-share)
		from[partition] = kgo.NewOffset().At(p.at)
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	if err := t.read(ctx, client); err != nil {
		return nil, fmt.Errorf("topic %s: %w", topic, err)
	}
	slices.SortStableFunc(t.out, func(a, b Sample) int { return a.Time.Compare(b.Time) })
	return t.out, nil
}

// tailed is a partition whose end is read.
type tailed struct {
	source  batch.Source
	at, end int64
}

type tail struct {
	parts map[int32]*tailed // that are not read to their ends
	out   []Sample
}

// silent is how long nothing may come before the ends are taken to hold no more records.
const silent = 3 * time.Second

// read reads to the ends as they were.
func (t *tail) read(ctx context.Context, client *kgo.Client) error {
	for len(t.parts) > 0 {
		polled, cancel := context.WithTimeout(ctx, silent)
		fetches := client.PollFetches(polled)
		cancel()
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return fmt.Errorf("partition %d: %w", e.Partition, e.Err)
			}
		}
		if fetches.NumRecords() == 0 && len(t.out) > 0 {
			return nil
		}
		fetches.EachRecord(t.take)
	}
	return nil
}

func (t *tail) take(r *kgo.Record) {
	p := t.parts[r.Partition]
	if p == nil || r.Offset >= p.end {
		delete(t.parts, r.Partition)
		return
	}
	if !r.Attrs.IsControl() {
		s := Sample{p.source, batch.Record{Offset: r.Offset, Time: r.Timestamp, LeaderEpoch: r.LeaderEpoch, Key: r.Key, Value: r.Value}}
		for _, h := range r.Headers {
			s.Headers = append(s.Headers, batch.Header{Key: h.Key, Value: h.Value})
		}
		t.out = append(t.out, s)
	}
	if r.Offset+1 >= p.end {
		delete(t.parts, r.Partition)
	}
}
