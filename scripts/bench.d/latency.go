package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/generate"
)

const (
	// lookEvery is how often the lake is looked at: a row counts as visible that much too
	// late at most.
	lookEvery = 2 * time.Millisecond
	// startUp is how long events come before they count: the group has been joined, and the
	// first batches are decided.
	startUp = 10 * time.Second
	// overdue is how long the last rows may take.
	overdue = 30 * time.Second
)

// latency sends events at an even pace while the program runs, and measures for each row how
// long after it was handed to the producer a reader of the folder could see it.
func latency(ctx context.Context, o options, out io.Writer) error {
	lake, remove, err := newLake(o.dir)
	if err != nil {
		return err
	}
	defer remove()
	if err := makeTopic(ctx, o); err != nil {
		return err
	}
	stop, err := startProgram(ctx, o, lake)
	if err != nil {
		return err
	}
	sent, err := send(ctx, o)
	if err == nil {
		var seen []row
		seen, err = watch(ctx, lake, sent)
		err = errors.Join(err, stop())
		if err == nil {
			err = tell(out, o, sent, seen)
		}
		return err
	}
	return errors.Join(err, stop())
}

// makeTopic makes the topic that events go to.
func makeTopic(ctx context.Context, o options) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.broker))
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(ctx, int32(o.partitions), 1, nil, topic); err != nil {
		return fmt.Errorf("make topic %s: %w", topic, err)
	}
	return nil
}

// startProgram runs the program as a member of a group, until stop.
func startProgram(ctx context.Context, o options, lake string) (stop func() error, err error) {
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, o.tidemark, "run", "-c", o.config)
	cmd.Env = append(os.Environ(), "BENCH_LAKE="+lake, "BENCH_BROKER="+o.broker, "BENCH_LISTEN="+listen, "BENCH_MAX_AGE="+o.maxAge.String())
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the program: %w", err)
	}
	return func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("the program: %w:\n%s", err, log.Bytes())
		}
		return nil
	}, nil
}

// sending is what was sent: when each record was handed to the producer, by partition and offset.
type sending struct {
	mu    sync.Mutex
	at    []map[int64]time.Time
	begun time.Time
	count int64
	err   error
	done  chan struct{}
}

// send sends events in the background, some each millisecond.
func send(ctx context.Context, o options) (*sending, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.broker), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	s := &sending{begun: time.Now(), done: make(chan struct{})}
	for range o.partitions {
		s.at = append(s.at, map[int64]time.Time{})
	}
	c := generate.Bench(int64(float64(o.rate) * (startUp + o.length).Seconds()))
	c.Seed = o.seed
	c.End, c.Step = s.begun.Add(startUp+o.length), time.Second/time.Duration(o.rate)
	g := generate.New(c)
	go func() {
		defer close(s.done)
		defer client.Close()
		s.err = s.feed(ctx, client, g, o)
	}()
	return s, nil
}

func (s *sending) feed(ctx context.Context, client *kgo.Client, g *generate.Generator, o options) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := int64(0); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		for due := int64(time.Since(s.begun).Seconds() * float64(o.rate)); n < due; n++ {
			e, ok := g.Next()
			if !ok {
				return client.Flush(ctx)
			}
			at := time.Now()
			client.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(n % int64(o.partitions)), Key: bytes.Clone(e.Key), Value: bytes.Clone(e.Value)}, func(r *kgo.Record, err error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				if s.err == nil {
					s.err = err
				}
				s.at[r.Partition][r.Offset] = at
				s.count++
			})
		}
	}
}

// row is one that could be seen.
type row struct {
	partition int32
	offset    int64
	at        time.Time
}

// watch looks at the lake until all that was sent is there.
func watch(ctx context.Context, lake string, s *sending) ([]row, error) {
	known := map[string]bool{}
	var seen []row
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var late <-chan time.Time
	done := s.done
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-late:
			return nil, fmt.Errorf("of %d rows that were sent, %d are to be seen after %s", s.count, len(seen), overdue)
		case <-done:
			done, late = nil, time.After(overdue)
			if s.err != nil {
				return nil, fmt.Errorf("send events: %w", s.err)
			}
		case <-tick.C:
		}
		at := time.Now()
		paths, err := fresh(lake, known)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			if seen, err = readRows(path, at, seen); err != nil {
				return nil, err
			}
		}
		if done == nil && int64(len(seen)) == s.count {
			return seen, nil
		}
	}
}

// fresh are the files of tables that were not known yet.
func fresh(lake string, known map[string]bool) (paths []string, err error) {
	err = filepath.WalkDir(lake, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "_tidemark":
			return fs.SkipDir
		case strings.HasSuffix(path, ".parquet") && !known[path]:
			known[path] = true
			paths = append(paths, path)
		}
		return nil
	})
	return paths, err
}

func readRows(path string, at time.Time, seen []row) ([]row, error) {
	rows, err := parquet.ReadFile[struct {
		Partition int32 `parquet:"_partition"`
		Offset    int64 `parquet:"_offset"`
	}](path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	for _, r := range rows {
		seen = append(seen, row{r.Partition, r.Offset, at})
	}
	return seen, nil
}

// tell prints how long rows took, those left out that were sent while the program started.
func tell(out io.Writer, o options, s *sending, seen []row) error {
	from := s.begun.Add(startUp)
	var took []time.Duration
	for _, r := range seen {
		at, ok := s.at[r.partition][r.offset]
		if !ok {
			return fmt.Errorf("partition %d, offset %d is there twice, or was never sent", r.partition, r.offset)
		}
		delete(s.at[r.partition], r.offset)
		if !at.Before(from) {
			took = append(took, r.at.Sub(at))
		}
	}
	if len(took) == 0 {
		return errors.New("no row was sent after the start")
	}
	slices.Sort(took)
	share := func(p float64) string { return fmt.Sprintf("%.3f", took[int(p*float64(len(took)-1))].Seconds()) }
	fmt.Fprintf(out, "| events/s | max_age | rows | p50 s | p99 s | p99.9 s | max s |\n|--:|--:|--:|--:|--:|--:|--:|\n")
	fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %s |\n", thousands(float64(o.rate)), o.maxAge, thousands(float64(len(took))), share(.5), share(.99), share(.999), share(1))
	fmt.Fprintf(out, "\nFrom the hand-over to the producer until the file is in the folder, each row once; %d partitions; the first %s left out.\n%s\n", o.partitions, startUp, machine())
	return nil
}
