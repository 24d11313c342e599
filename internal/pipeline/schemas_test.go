package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/consumer"
	"tidemark/internal/batch"
	"tidemark/internal/pipeline"
	"tidemark/internal/store/storetest"
)

// slowSchemas has the schema of a record once somebody has brought it: what it is called
// stands in the record's field "kind".
type slowSchemas struct {
	mu      sync.Mutex
	here    map[string]bool
	asked   map[string]int
	changed chan struct{}
}

func newSchemas(here ...string) *slowSchemas {
	s := &slowSchemas{here: map[string]bool{}, asked: map[string]int{}, changed: make(chan struct{})}
	for _, name := range here {
		s.here[name] = true
	}
	return s
}

// Ready implements pipeline.Schemas.
func (s *slowSchemas) Ready(rec *batch.Record) bool {
	_, name, _ := strings.Cut(string(rec.Value), `"kind":"`)
	name, _, _ = strings.Cut(name, `"`)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.here[name] {
		s.asked[name]++
	}
	return s.here[name]
}

// Changed implements pipeline.Schemas.
func (s *slowSchemas) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *slowSchemas) bring(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.here[name] = true
	close(s.changed)
	s.changed = make(chan struct{})
}

// versions is a topic of which some records of partition 0 have another schema.
func versions() *topic {
	tp := newTopic(2)
	tp.add(0, 20, noon.Add(-3*time.Hour))
	tp.add(1, 20, noon.Add(-3*time.Hour))
	for _, i := range []int{7, 8, 15} {
		tp.parts[0].events[i].value = strings.Replace(tp.parts[0].events[i].value, `"kind":"a"`, `"kind":"b"`, 1)
	}
	tp.parts[0].events[17].value = strings.Replace(tp.parts[0].events[17].value, `"kind":"a"`, `"kind":"c"`, 1)
	return tp
}

// TestSchemaIsAwaited wants a partition to rest where a record needs a schema that is not
// at hand, the other one to go on, and nothing to be lost or rejected.
func TestSchemaIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := versions()
		lake := &storetest.Memory{}
		s := newSchemas("a")
		cfg := testConfig(t)
		cfg.Tables[0].Schemas = s
		d := newProcess(t, cfg, lake, tp)
		d.idle = func() { after(time.Second) }
		done := make(chan error, 1)
		go func() { done <- d.drain(t.Context()) }()
		after(time.Minute)
		if got := d.positions(); got[0] > 10 || got[1] != 20 { // the chunk of three with record 7 was handed over whole
			t.Errorf("read up to %v, want at most 10, and 20", got)
		}
		s.bring("b")
		after(time.Minute)
		s.bring("d") // nobody has asked for it
		after(time.Minute)
		s.mu.Lock()
		// Twice each time that the chunk of records 6 to 8 is handed over, once for that of 17.
		if s.asked["b"] == 0 || s.asked["b"] > 4 || s.asked["c"] == 0 || s.asked["c"] > 3 {
			t.Errorf("asked %v", s.asked)
		}
		s.mu.Unlock()
		select {
		case err := <-done:
			t.Fatalf("the drain ended without a schema: %v", err)
		default:
		}
		s.bring("c")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		checkExact(t, lake, "t", tp)
		checkBalance(t, lake, "t")
		for _, r := range records(t, lake, "t") {
			for _, src := range r.Sources {
				if src.Skipped != 0 {
					t.Errorf("record %d passes over %d records", r.Seq, src.Skipped)
				}
			}
		}
	})
}

// TestSchemasAreAskedForAhead wants the schemas of all records that were handed over with one
// that waits to be asked for, and not one after the other.
func TestSchemasAreAskedForAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(1)
		tp.add(0, 2000, noon.Add(-3*time.Hour))
		for i := range tp.parts[0].events {
			tp.parts[0].events[i].value = strings.Replace(tp.parts[0].events[i].value, `"kind":"a"`, fmt.Sprintf(`"kind":"k%d"`, i), 1)
		}
		lake := &storetest.Memory{}
		s := newSchemas()
		cfg := testConfig(t)
		cfg.Tables[0].Schemas = s
		d := newProcess(t, cfg, lake, tp)
		d.idle, d.chunk = func() { after(time.Second) }, 2000
		done := make(chan error, 1)
		go func() { done <- d.drain(t.Context()) }()
		after(time.Minute)
		s.mu.Lock()
		asked := len(s.asked)
		s.mu.Unlock()
		if asked != 1000 {
			t.Errorf("%d schemas are asked for while the first one is awaited, want those of 1000 records", asked)
		}
		for i := range 2000 {
			s.bring(fmt.Sprintf("k%d", i))
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		checkExact(t, lake, "t", tp)
	})
}

// TestEndsWhileASchemaIsAwaited wants what came before to be decided, and the next process
// to go on from there.
func TestEndsWhileASchemaIsAwaited(t *testing.T) {
	for _, why := range []consumer.StopReason{consumer.Shutdown, consumer.Revoked, consumer.Lost} {
		synctest.Test(t, func(t *testing.T) {
			tp := versions()
			lake := &storetest.Memory{}
			s := newSchemas("a")
			cfg := testConfig(t)
			cfg.Tables[0].Schemas, cfg.Drain = s, false
			d := newProcess(t, cfg, lake, tp)
			d.idle = func() { after(time.Second) }
			err := d.p.Feed(t.Context(), d, func(ctx context.Context) error {
				if err := d.start(ctx, []int{0, 1}); err != nil {
					return err
				}
				for range 10 {
					if err := d.step(ctx, []int{0, 1}); err != nil {
						return err
					}
				}
				if err := d.stop(ctx, []int{0}, why); err != nil {
					return err
				}
				s.bring("b")
				for range 3 { // no order for what is given up
					if err := d.step(ctx, []int{1}); err != nil {
						return err
					}
				}
				return d.shutdown(ctx, []int{1})
			})
			if err != nil {
				t.Fatal(err)
			}
			if why != consumer.Lost {
				if got := loaded(t, lake).Totals.Read; got != 27 {
					t.Errorf("%s: decided %d, want 27", why, got)
				}
			}
			s.bring("c")
			next := testConfig(t)
			next.Tables[0].Schemas, next.Random = s, rand.NewChaCha8([32]byte{9})
			if err := newProcess(t, next, lake, tp).drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkExact(t, lake, "t", tp)
		})
	}
}

// TestDroppedWhileASchemaIsAwaited lets another process decide what this one has read, and
// rests on.
func TestDroppedWhileASchemaIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := versions()
		lake := &storetest.Memory{}
		s := newSchemas("a")
		cfg, other := testConfig(t), testConfig(t)
		cfg.Tables[0].Schemas, cfg.MaxRows = s, 100
		other.Random = rand.NewChaCha8([32]byte{9})
		d := newProcess(t, cfg, lake, tp)
		d.idle = func() { after(time.Second) }
		done := make(chan error, 1)
		go func() { done <- d.drain(t.Context()) }()
		after(time.Minute)
		if err := newProcess(t, other, lake, tp).drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.bring("b")
		s.bring("c")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		checkExact(t, lake, "t", tp)
	})
}

// TestAcceptAllocates wants a record to cost no allocation of its own when it is accepted,
// also where its schema is looked for.
func TestAcceptAllocates(t *testing.T) {
	for _, s := range []pipeline.Schemas{nil, newReady()} {
		tp := newTopic(1)
		tp.add(0, 1000, noon.Add(-3*time.Hour))
		cfg := testConfig(t)
		cfg.MaxRows, cfg.Tables[0].Schemas = 1_000_000, s
		lake := &storetest.Memory{}
		d := newProcess(t, cfg, lake, tp)
		err := d.p.Feed(t.Context(), d, func(ctx context.Context) error {
			if err := d.start(ctx, []int{0}); err != nil {
				return err
			}
			values := recordsOf(tp.parts[0], 0, 1000)
			var list []batch.Record
			for r := range values {
				list = append(list, r)
			}
			next := int64(0)
			n := testing.AllocsPerRun(1, func() {
				d.p.Accept(tp.source(0), next+500, 1000, slices.Values(list[next:next+500]))
				next += 500
			})
			if n > 50 {
				t.Errorf("500 records: %v allocations", n)
			}
			return d.stop(ctx, []int{0}, consumer.Shutdown)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ready has all schemas.
type ready struct{ never chan struct{} }

func newReady() ready { return ready{make(chan struct{})} }

// Ready implements pipeline.Schemas.
func (ready) Ready(*batch.Record) bool { return true }

// Changed implements pipeline.Schemas.
func (r ready) Changed() <-chan struct{} { return r.never }
