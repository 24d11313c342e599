package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/consumer"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/store/storetest"
)

// TestZombie lets two processes believe that the same partitions are theirs: what
// one decides, the other drops, and goes on behind it (R4, L1, L3).
func TestZombie(t *testing.T) {
	tp := newTopic(2)
	tp.add(0, 40, noon.Add(-3*time.Hour))
	tp.add(1, 25, noon.Add(-3*time.Hour))
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	other := testConfig(t)
	other.Random = rand.NewChaCha8([32]byte{9})
	other.MaxRows = 7

	a := newProcess(t, cfg, lake, tp)
	a.onWait = func(n int) {
		if n != 3 {
			return
		}
		if err := newProcess(t, other, lake, tp).drain(t.Context()); err != nil {
			t.Errorf("the other process: %v", err)
		}
	}
	if err := a.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkExact(t, lake, "t", tp)
	checkBalance(t, lake, "t")
}

// TestRevoked wants what was accepted to be decided when a partition goes to another
// member, and the rest to go on; and nothing of it to be decided when it was lost.
// What is handed over between a drop and the order to go back is passed over (L3).
func TestRevoked(t *testing.T) {
	for _, why := range []consumer.StopReason{consumer.Revoked, consumer.Lost} {
		t.Run(why.String(), func(t *testing.T) {
			tp := newTopic(2)
			tp.add(0, 20, noon.Add(-3*time.Hour))
			tp.add(1, 20, noon.Add(-3*time.Hour))
			lake := &storetest.Memory{}
			cfg := testConfig(t)
			cfg.MaxRows = 1000
			a := newProcess(t, cfg, lake, tp)
			a.onHand = func(n int) {
				if n != 3 {
					return
				}
				if err := a.stop(t.Context(), []int{1}, why); err != nil {
					t.Errorf("stop: %v", err)
				}
				decided := len(batches(records(t, lake, "t")))
				if want := map[consumer.StopReason]int{consumer.Revoked: 1}[why]; decided != want {
					t.Errorf("batches decided in Stop: got %d, want %d", decided, want)
				}
				a.mine = []int{0}
				a.pos[1] = int64(len(tp.parts[1].events)) // not ours any more
			}
			if err := a.drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if a.starts != 2 {
				t.Errorf("got %d rounds, want 2: what stayed ours is sent back within the first", a.starts)
			}
			for _, r := range records(t, lake, "t") {
				for _, s := range r.Sources {
					if s.Skipped != 0 {
						t.Errorf("record %d passes over %d records of partition %d", r.Seq, s.Skipped, s.Partition)
					}
				}
			}
			b := testConfig(t)
			b.Random = rand.NewChaCha8([32]byte{9})
			if err := newProcess(t, b, lake, tp).drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkExact(t, lake, "t", tp)
		})
	}
}

// doubtful gives no answers about one record: what is asked of it fails so many
// times, while it happens or not.
type doubtful struct {
	storetest.Store
	key   string
	lands bool
	mu    sync.Mutex
	asked bool
	left  int
}

func (d *doubtful) doubt(key string, creates bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = d.asked || creates && key == d.key
	if key != d.key || !d.asked || d.left == 0 {
		return false
	}
	d.left--
	return true
}

func (d *doubtful) Create(ctx context.Context, key string, data []byte) error {
	if d.doubt(key, true) {
		if d.lands {
			_ = d.Store.Create(ctx, key, data)
		}
		return storetest.ErrInjected
	}
	return d.Store.Create(ctx, key, data)
}

func (d *doubtful) Read(ctx context.Context, key string) ([]byte, error) {
	if d.doubt(key, false) {
		return nil, storetest.ErrInjected
	}
	return d.Store.Read(ctx, key)
}

// TestDoubtfulDecision wants a batch of which no answer could be had to be looked
// up, not guessed at (R5).
func TestDoubtfulDecision(t *testing.T) {
	for _, lands := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			tp := newTopic(1)
			tp.add(0, 20, noon.Add(-3*time.Hour))
			lake := &storetest.Memory{}
			d := &doubtful{Store: lake, key: ledger.RecordKey("t", 3), lands: lands, left: 8}
			if err := newProcess(t, testConfig(t), d, tp).drain(t.Context()); err != nil {
				t.Fatalf("lands %t: %v", lands, err)
			}
			if d.left != 0 {
				t.Errorf("lands %t: %d doubtful answers were not asked for", lands, d.left)
			}
			checkExact(t, lake, "t", tp)
		})
	}
}

// TestEndlessDoubtEnds wants a process to end whose store answers everything and lets no
// record in, with what it said. It used to stage the same records for ever, a few
// seconds apart, and to leave all of that in the lake.
func TestEndlessDoubtEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(1)
		tp.add(0, 3, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		denied := errors.New("AccessDenied")
		faulty := (&storetest.Faulty{Store: lake}).Inject(storetest.Fault{Op: storetest.OpCreate, Key: ledger.RecordKey("t", 2), Times: -1, Err: denied})
		err := newProcess(t, testConfig(t), faulty, tp).drain(t.Context())
		var doubt *ledger.DoubtError
		if !errors.As(err, &doubt) || !errors.Is(err, denied) {
			t.Fatalf("got %v, want a doubt and its cause", err)
		}
		staged := 0
		for key := range lake.Snapshot() {
			if strings.HasSuffix(key, "manifest.json") {
				staged++
			}
		}
		if want := 5; staged != want {
			t.Errorf("%d batches were staged, want %d", staged, want)
		}
		faulty.Heal()
		next := testConfig(t)
		next.Random = rand.NewChaCha8([32]byte{9})
		if err := newProcess(t, next, faulty, tp).drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkExact(t, lake, "t", tp)
	})
}

// TestDoubtsThatPass wants doubts not to add up over a ledger that moves.
func TestDoubtsThatPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(1)
		tp.add(0, 40, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		faulty := &storetest.Faulty{Store: lake}
		for seq := range int64(8) { // 8 answers are one doubt
			faulty.Inject(storetest.Fault{Op: storetest.OpCreate, Key: ledger.RecordKey("t", 2+seq), Times: 8})
		}
		if err := newProcess(t, testConfig(t), faulty, tp).drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := faulty.Injected()[storetest.Fail]; got != 64 {
			t.Errorf("%d answers were doubtful, want 64", got)
		}
		checkExact(t, lake, "t", tp)
	})
}

// TestDoubtSendsBack wants a stream to go back to where the ledger stands after a
// doubt, at once and not only when the next batch is refused.
func TestDoubtSendsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(1)
		tp.add(0, 3, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		doubt := &doubtful{Store: lake, key: ledger.RecordKey("t", 2), left: 8}
		cfg := testConfig(t)
		cfg.Drain, cfg.MaxRows = false, 3
		d := newProcess(t, cfg, doubt, tp)
		err := d.stream(t, func(ctx context.Context) {
			d.hand(0)
			after(time.Minute)
			orders, err := d.p.Wait(ctx)
			if err != nil || len(orders.Seek) != 1 || orders.Seek[0].Offset != 0 {
				t.Fatalf("got orders %+v, %v, want to be sent back to offset 0", orders, err)
			}
			d.pos[0] = 0
			d.hand(0)
			after(time.Minute)
		})
		if err != nil {
			t.Fatal(err)
		}
		checkExact(t, lake, "t", tp)
	})
}

// TestTwoTables wants one table to halt alone.
func TestTwoTables(t *testing.T) {
	good, bad := newTopic(1), newTopic(1)
	good.add(0, 12, noon.Add(-3*time.Hour))
	bad.name, bad.id = "other", 2
	bad.parts[0].events = []event{{value: "garbage", at: noon}, {value: "garbage", at: noon}}
	cfg := testConfig(t)
	second := testTable(t)
	second.Schema.Name, second.Topics, second.Policy.HaltAbove = "u", []string{"other"}, 0
	cfg.Tables = append(cfg.Tables, second)
	lake := &storetest.Memory{}
	d := newProcess(t, cfg, lake, good)
	e := &process{t: t, p: d.p, topic: bad, chunk: 3, pos: map[int]int64{}}
	err := d.p.Feed(t.Context(), d, func(ctx context.Context) error {
		if _, err := e.round(ctx); err != nil {
			return err
		}
		_, err := d.round(ctx)
		return err
	})
	var halt *pipeline.HaltError
	if !errors.As(err, &halt) || halt.Table != "u" {
		t.Errorf("got %v, want a halt of u", err)
	}
	checkExact(t, lake, "t", good)
	if got := fates(t, lake, "u"); len(got) != 0 {
		t.Errorf("the halted table shows %v", got)
	}
}

// TestKafkaCommitAfterDecide wants Kafka to be told of what is published, and of all
// of it before the consumer ends, also when Kafka is slow to answer (R10).
func TestKafkaCommitAfterDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tp := newTopic(2)
		tp.add(0, 5, noon.Add(-3*time.Hour))
		tp.add(1, 3, noon.Add(-3*time.Hour))
		lake := &storetest.Memory{}
		d := newProcess(t, testConfig(t), lake, tp)
		decided := map[string]int64{}
		d.slow = func() {
			<-time.After(time.Second) // virtual
			for _, r := range records(t, lake, "t") {
				for _, s := range r.Sources {
					decided[fmt.Sprintf("in/%d", s.Partition)] = s.To
				}
			}
		}
		if err := d.drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		last := map[string]int64{}
		for _, o := range d.commits {
			at := fmt.Sprintf("%s/%d", o.Topic, o.Partition)
			last[at] = o.Offset
			if o.Offset > decided[at] {
				t.Errorf("%s: %d was committed, %d is decided", at, o.Offset, decided[at])
			}
		}
		if want := map[string]int64{"in/0": 5, "in/1": 3}; !maps.Equal(last, want) {
			t.Errorf("committed: got %v, want %v", last, want)
		}
	})
}
