package badday_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/generate"
	"tidemark/internal/ledger"
)

// gust is how often a member comes or goes in a storm.
const gust = 2 * time.Second

// testStorm: every two seconds a member joins the group or leaves it, in good order
// or killed, while records come; then the rest is drained. With both protocols.
func testStorm(t *testing.T, h *house) {
	events, lasts := 100_000, 15*time.Second
	if *long {
		events, lasts = 5_000_000, 3*time.Minute
	}
	for _, protocol := range []string{"classic", "consumer"} {
		t.Run(protocol, func(t *testing.T) {
			if !*long {
				t.Parallel()
			}
			h.storm(t, protocol, events, lasts)
		})
	}
}

// storm is the group in it.
type storm struct {
	*job
	chance  *rand.Rand
	members []*process // that are in the group
	gone    []*process // that were asked to go

	joins, leaves, kills int
}

func (h *house) storm(t *testing.T, protocol string, events int, lasts time.Duration) {
	seed := *chaosSeed
	from := time.Now()
	tp := h.newTopic(t, "storm-"+protocol, 12)
	s := &storm{job: h.newJob(t, tp), chance: rand.New(rand.NewPCG(seed, 0))}
	s.set.kafka = ", protocol: " + protocol
	s.set.maxAge = "1s"
	c := newCensus(tp.partitions)
	produced := make(chan error, 1)
	go func() { produced <- tp.pour(c, seed, events, lasts) }()

	s.join()
	s.join()
	changes := time.NewTicker(gust)
	defer changes.Stop()
	for over := false; !over || time.Since(from) < lasts; {
		select {
		case err := <-produced:
			must(t, err)
			over = true
		case <-changes.C:
			s.change()
		}
	}
	for len(s.members) > 0 {
		s.leave(0)
	}
	for _, p := range s.gone {
		p.ends(0)
	}
	s.run(0, s.drain())

	found := c.compare(t, s.lake, tp.id)
	s.lake.named(t)
	s.verify()
	if !found.exact() || found.rows != c.count || c.count != int64(events) {
		t.Errorf("seed %d: %d records were produced; %s", seed, c.count, found)
	}
	s.figures(protocol, seed, found, time.Since(from))
	if !*long {
		s.bites(c)
	}
}

// bites takes one file out of the lake and doubles another: the census must tell.
func (s *storm) bites(c *census) {
	s.t.Helper()
	files := s.lake.files(s.t, ledger.Main)
	rows := func(name string) (n int64) {
		scan(s.t, filepath.Join(string(s.lake), name), ledger.Main, func(*stranger) { n++ })
		return n
	}
	lost, doubled := rows(files[0]), rows(files[1])
	must(s.t, os.Remove(filepath.Join(string(s.lake), files[0])))
	data, err := os.ReadFile(filepath.Join(string(s.lake), files[1]))
	must(s.t, err)
	must(s.t, os.WriteFile(filepath.Join(string(s.lake), files[1]+".parquet"), data, 0o600))
	if got := c.compare(s.t, s.lake, s.topic.id); got.lost != lost || got.doubled != doubled || got.exact() {
		s.t.Errorf("%d rows were taken out and %d doubled, and the census finds: %s", lost, doubled, got)
	}
}

// change is one gust: a member comes or goes.
func (s *storm) change() {
	s.t.Helper()
	for _, p := range s.members {
		select {
		case <-p.done:
			s.t.Fatalf("a member ended by itself with %d:\n%s", p.end(), p.stderr)
		default:
		}
	}
	switch n := len(s.members); {
	case n < 2 || n < 5 && s.chance.IntN(2) == 0:
		s.join()
	case s.chance.IntN(2) == 0:
		s.kill(s.chance.IntN(n))
	default:
		s.leave(s.chance.IntN(n))
	}
}

func (s *storm) join() {
	s.t.Helper()
	s.joins++
	s.members = append(s.members, s.start(s.stream()))
}

func (s *storm) leave(i int) {
	s.t.Helper()
	s.leaves++
	s.members[i].signal(syscall.SIGTERM)
	s.gone = append(s.gone, s.members[i])
	s.members = slices.Delete(s.members, i, i+1)
}

func (s *storm) kill(i int) {
	s.t.Helper()
	s.kills++
	s.members[i].signal(syscall.SIGKILL)
	s.members = slices.Delete(s.members, i, i+1)
}

// figures says what the storm was.
func (s *storm) figures(protocol string, seed uint64, found findings, took time.Duration) {
	s.t.Helper()
	lines, _ := s.log.seen()
	n := map[string]int{}
	deciders := map[*process]bool{}
	for _, l := range lines {
		switch {
		case l.is("batch decided"):
			n["decided"]++
			deciders[l.of] = true
		case l.is("batch dropped; reading again from the ledger's offsets"):
			n["dropped"]++
		case l.is("giving partitions up"):
			n[fmt.Sprint(l.text["why"])]++
		}
	}
	s.t.Logf("figures: storm %s, seed %d: %d joins, %d leaves, %d kills, %d revocations, %d lost sessions, %d batches decided by %d processes, %d refused, %s, %.0f seconds",
		protocol, seed, s.joins, s.leaves, s.kills, n["revoked"], n["lost"], n["decided"], len(deciders), n["dropped"], found, took.Seconds())
	if s.kills == 0 || s.leaves == 0 || n["revoked"] == 0 || len(deciders) < 3 {
		s.t.Error("that was no storm")
	}
}

// pour produces n events within about so long, and returns when Kafka has them all.
func (tp *topic) pour(c *census, seed uint64, n int, lasts time.Duration) error {
	ctx, cancel := context.WithCancelCause(tp.t.Context())
	defer cancel(nil)
	cfg := mixed()
	cfg.Rows, cfg.Seed, cfg.Days, cfg.End = int64(n), seed, 3, time.Now()
	events := generate.New(cfg)
	const beat = 50 * time.Millisecond
	pace := time.NewTicker(beat)
	defer pace.Stop()
	share := n/int(lasts/beat) + 1
	for i := 0; i < n; {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for end := min(n, i+share); i < end; i++ {
			e, _ := events.Next()
			r := &kgo.Record{Topic: tp.name, Partition: int32(i) % tp.partitions, Key: slices.Clone(e.Key), Value: slices.Clone(e.Value), Timestamp: e.Time}
			tp.client.Produce(ctx, r, func(r *kgo.Record, err error) {
				if err != nil {
					cancel(err)
					return
				}
				c.add(r.Partition, r.Offset, r.Value)
			})
		}
	}
	if err := tp.client.Flush(ctx); err != nil {
		return context.Cause(ctx)
	}
	return nil
}
