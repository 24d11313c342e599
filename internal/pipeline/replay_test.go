package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/replay"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/internal/verify"
	"tidemark/quality"
	"tidemark/watermark"
)

// again is one replay of the table of the tests.
type again struct {
	cfg    pipeline.Config
	result replay.Result
	config replay.Config
	feeder func(replay.Feeder) replay.Feeder
	counts ledger.Counts
}

// newReplay is a replay under rules that refuse nothing but repeated ids.
func newReplay(t *testing.T, seed byte) *again {
	t.Helper()
	cfg := testConfig(t)
	cfg.Raw, cfg.Replay, cfg.MaxRows, cfg.Random = true, "replay of a test", 100, rand.NewChaCha8([32]byte{seed})
	suite, err := quality.Compile(cfg.Tables[0].Schema, []quality.Check{{Unique: []string{"id"}, Scope: quality.ScopeBatch}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tables[0].Suite, cfg.Tables[0].Topics = suite, nil
	return &again{cfg: cfg}
}

func (a *again) run(t *testing.T, lake storetest.Store) error {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	p, err := pipeline.New(a.cfg, lake, log, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	c := a.config
	c.Table, c.Lake, c.Ledger, c.Log = "t", lake, ledger.New(lake, "t"), log
	var feed replay.Feeder = p
	if a.feeder != nil {
		feed = a.feeder(p)
	}
	return p.Feed(t.Context(), nil, func(ctx context.Context) (err error) {
		a.result, err = replay.Run(ctx, feed, c, new(replay.Progress))
		a.counts = p.Snapshot()[0].Counts
		return err
	})
}

// counted is fates without the files of the quarantine that are history.
func counted(t *testing.T, lake storetest.Store) []string {
	t.Helper()
	st := loaded(t, lake)
	var out []string
	for _, o := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
		entries, err := lake.List(t.Context(), o.Dir("t")+"/")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if st.Gone(e.Key) {
				continue
			}
			data, err := lake.Read(t.Context(), e.Key)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range parquetRows(t, e.Key, data) {
				value := r["id"]
				if o == ledger.Quarantine {
					value = r["_reason"] + " " + r["_value"]
				}
				out = append(out, fmt.Sprintf("%s@%03s %s %s", r["_partition"], r["_offset"], o, value))
			}
		}
	}
	slices.Sort(out)
	return out
}

func loaded(t *testing.T, lake storetest.Store) *ledger.State {
	t.Helper()
	st, err := ledger.New(lake, "t").Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// sound wants a deep verification to find nothing, and the totals of the ledger to be
// what counts.
func sound(t *testing.T, lake storetest.Store) {
	t.Helper()
	_, err := verify.Table(t.Context(), lake, "t", verify.Options{Deep: true, EventTime: "at", Found: func(f verify.Finding) { t.Errorf("verify: %s", f) }})
	if err != nil {
		t.Error(err)
	}
	st := loaded(t, lake)
	got, n := counted(t, lake), map[ledger.Output]int64{}
	for _, line := range got {
		n[ledger.Output(strings.Fields(line)[1])]++
	}
	want := ledger.Counts{Read: int64(len(got)), Written: n[ledger.Main], Late: n[ledger.LateRows], Quarantined: n[ledger.Quarantine]}
	if st.Totals.Duplicate == 0 && st.Totals.Filtered == 0 && st.Totals != want {
		t.Errorf("totals: got %+v, want %+v", st.Totals, want)
	}
}

// rejecting is a topic of whose records some are refused, each in another way.
func rejecting() *topic {
	tp := newTopic(2)
	tp.add(0, 4, noon.Add(-time.Hour))
	tp.parts[0].events = append(tp.parts[0].events,
		event{value: `{"id":14,"amount":-1,"at":"2026-11-24T11:30:00Z","kind":"b"}`, at: noon}, // range
		event{value: `{"id":15,"amount":-2,"at":"2026-11-24T09:00:00Z"}`, at: noon},            // range, and late
		event{value: `{"id":2,"amount":1,"at":"2026-11-24T11:30:00Z"}`, at: noon},              // its id is taken, by another batch
		event{value: `{"id":16,`, at: noon.Add(-24 * time.Hour)},                               // syntax, of another day
		event{tomb: true, at: noon}, // tombstone
		event{value: `{"id":17,"amount":1,"at":"2099-01-01T00:00:00Z"}`, at: noon},             // future
		event{value: `{"id":18,"amount":-3,"at":"2026-11-24T11:31:00Z"}`, at: noon.Add(-25e9)}, // range
		event{value: `{"id":18,"amount":-3,"at":"2026-11-24T11:31:00Z"}`, at: noon.Add(-24e9)}, // range, and its id twice
		event{value: `{"id":19,"amount":5.50,"at":"2026-11-24T11:32:00Z"}`, at: noon},          // good
	)
	tp.parts[1].events = append(tp.parts[1].events, event{value: `{"id":20,"amount":-4,"at":"2026-11-23T11:30:00Z"}`, at: noon.Add(-24 * time.Hour)})
	return tp
}

// drained is a lake that holds what the topic had. Its batches are of up to n rows.
func drained(t *testing.T, tp *topic, n int) storetest.Store {
	t.Helper()
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	cfg.MaxRows = n
	if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	return lake
}

// replayed is where the records of rejecting are after a replay.
var replayed = []string{
	`0@000 main 0`, `0@001 main 1`, `0@002 main 2`, `0@003 main 3`,
	`0@004 main 14`,
	`0@005 late 15`,
	`0@006 main 2`,
	`0@007 quarantine syntax {"id":16,`,
	`0@008 quarantine tombstone `,
	`0@009 quarantine future {"id":17,"amount":1,"at":"2099-01-01T00:00:00Z"}`,
	`0@010 main 18`,
	`0@011 quarantine unique:id {"id":18,"amount":-3,"at":"2026-11-24T11:31:00Z"}`,
	`0@012 main 19`,
	`1@000 late 20`,
}

// TestReplay wants each row of the quarantine to end where today's rules say: in the
// table, late by the watermark, or still there with today's reason; once, with its origin
// and its bytes, and the evidence of it whole.
func TestReplay(t *testing.T) {
	for _, n := range []int{3, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			lake := drained(t, rejecting(), n)
			before := loaded(t, lake)
			a := newReplay(t, 7)
			if err := a.run(t, lake); err != nil {
				t.Fatal(err)
			}
			if n == 3 { // id 2 was taken in a batch before its second: the stream let it in
				check(t, counted(t, lake), replayed)
			} else if want := slices.Clone(replayed); true {
				want[6] = `0@006 quarantine unique:id {"id":2,"amount":1,"at":"2026-11-24T11:30:00Z"}`
				check(t, counted(t, lake), want)
			}
			sound(t, lake)
			st := loaded(t, lake)
			if st.Watermark.String() != before.Watermark.String() {
				t.Errorf("the watermark moved from %s to %s", before.Watermark, st.Watermark)
			}
			if st.Replayed != before.Totals.Quarantined || st.Totals.Read != before.Totals.Read {
				t.Errorf("replayed %d of %d; read %d, was %d", st.Replayed, before.Totals.Quarantined, st.Totals.Read, before.Totals.Read)
			}
			for _, r := range batches(records(t, lake, "t"))[before.Head-1:] {
				if r.Why != "replay of a test" {
					t.Errorf("record %d does not say why: %q", r.Seq, r.Why)
				}
			}

			// Once more: no row can move, so nothing is decided.
			b := newReplay(t, 8)
			if err := b.run(t, lake); err != nil {
				t.Fatal(err)
			}
			if after := loaded(t, lake); after.Head != st.Head || b.counts.Quarantined != st.Totals.Quarantined {
				t.Errorf("the head went from %d to %d; %+v", st.Head, after.Head, b.counts)
			}
		})
	}
}

func check(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// TestReplayOfOneReason wants rows of other reasons to stay as they are: reason, detail,
// stage, and everything but the batch that has them.
func TestReplayOfOneReason(t *testing.T) {
	lake := drained(t, rejecting(), 100)
	kept := func() map[string]row {
		out := map[string]row{}
		st := loaded(t, lake)
		for _, r := range rows(t, lake, ledger.Quarantine, "t") {
			if st.Gone("") || r["_reason"] == "range:amount" {
				continue
			}
			delete(r, "etl_batch_id")
			delete(r, "etl_processed_at")
			out[r.origin()] = r
		}
		return out
	}
	before := kept()
	a := newReplay(t, 7)
	a.config.Reason = "range:amount"
	if err := a.run(t, lake); err != nil {
		t.Fatal(err)
	}
	if a.result.Rows != 5 || a.result.Aside != 4 {
		t.Errorf("judged %d rows and left %d, want 5 and 4", a.result.Rows, a.result.Aside)
	}
	for at, r := range kept() {
		if was, ok := before[at]; ok && fmt.Sprint(was) != fmt.Sprint(r) {
			t.Errorf("%s\n was %v\n now %v", at, was, r)
		}
	}
	want := slices.Clone(replayed)
	want[6] = `0@006 quarantine unique:id {"id":2,"amount":1,"at":"2026-11-24T11:30:00Z"}`
	check(t, counted(t, lake), want)
	sound(t, lake)

	b := newReplay(t, 8)
	b.config.Reason = "no such reason"
	if err := b.run(t, lake); err != nil || b.result.Files != 0 {
		t.Errorf("of a reason that no row has: %+v, %v", b.result, err)
	}
}

// TestReplayOfDays wants only folders between two days to be looked into.
func TestReplayOfDays(t *testing.T) {
	for bounds, want := range map[[2]string]int64{{"", "2026-11-23"}: 2, {"2026-11-24", ""}: 7, {"2026-11-25", ""}: 0, {"2026-11-23", "2026-11-24"}: 9} {
		a := newReplay(t, 7)
		a.config.From, a.config.To = bounds[0], bounds[1]
		if err := a.run(t, drained(t, rejecting(), 100)); err != nil || a.result.Rows != want {
			t.Errorf("%v: %d rows, want %d (%v)", bounds, a.result.Rows, want, err)
		}
	}
}

// TestReplayTogether lets replays and a stream work on one table at once.
func TestReplayTogether(t *testing.T) {
	for seed := range byte(20) {
		synctest.Test(t, func(t *testing.T) {
			tp := rejecting()
			lake := drained(t, tp, 3)
			tp.add(1, 9, noon.Add(-30*time.Minute)) // their ids are nobody else's
			errs := make(chan error, 3)
			for i := range byte(2) {
				a := newReplay(t, 10+3*seed+i)
				a.cfg.MaxRows = 3
				go func() { errs <- a.run(t, lake) }()
			}
			cfg := testConfig(t)
			cfg.Random = rand.NewChaCha8([32]byte{10 + 3*seed + 2})
			go func() { errs <- newProcess(t, cfg, lake, tp).drain(t.Context()) }()
			for range 3 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
			got := counted(t, lake)
			got = slices.DeleteFunc(got, func(s string) bool { return s > "1@001" })
			for i, line := range got { // its file stays as it is if the replay has no other row of it to move
				if strings.Contains(line, `"id":18,`) {
					got[i] = strings.Replace(line, "range:amount", "unique:id", 1)
				}
			}
			want := slices.Clone(replayed)
			if i := slices.Index(got, `0@011 main 18`); i >= 0 { // the other of the two with one id came first
				want[10] = `0@010 quarantine unique:id {"id":18,"amount":-3,"at":"2026-11-24T11:31:00Z"}`
				want[11] = got[i]
			}
			check(t, got, want)
			sound(t, lake)
		})
	}
}

// TestReplayCrashes fails every operation of the store, in every way, and wants the next
// replay to bring each row to its one place.
func TestReplayCrashes(t *testing.T) {
	runs, modes := 0, storetest.Modes()
	every := func(mode storetest.Mode, dead bool) {
		for i, reached := 1, true; reached && !t.Failed(); i++ {
			runs++
			synctest.Test(t, func(t *testing.T) { reached = crashedReplay(t, i, mode, dead) })
		}
	}
	if *long {
		for _, mode := range modes {
			every(mode, false)
			every(mode, true)
		}
	}
	for i, reached := 1, true; reached && !t.Failed(); i++ { // each in another way
		runs++
		synctest.Test(t, func(t *testing.T) { reached = crashedReplay(t, i, modes[i%len(modes)], i/len(modes)%2 == 1) })
	}
	t.Logf("figures: error loop of a replay: %d runs", runs)
}

func crashedReplay(t *testing.T, index int, mode storetest.Mode, dead bool) (reached bool) {
	lake := drained(t, rejecting(), 3).(*storetest.Memory)
	times := 1
	if dead {
		times = -1
	}
	faulty := (&storetest.Faulty{Store: lake}).Inject(storetest.Fault{Index: index, Mode: mode, Times: times, Gap: 4, Wait: time.Minute})
	a := newReplay(t, 7)
	a.cfg.MaxRows = 4
	err := a.run(t, faulty)
	reached = faulty.Count() >= index
	if !reached && err != nil {
		t.Errorf("without a fault: %v", err)
	}
	faulty.Heal()
	lake.PowerCut()
	for life := range byte(2) {
		if life == 1 {
			faulty.Deliver()
		}
		b := newReplay(t, 8+life)
		if err := b.run(t, lake); err != nil {
			t.Errorf("replay %d after the crash: %v", life+1, err)
		}
		check(t, counted(t, lake), replayed)
		sound(t, lake)
	}
	if t.Failed() {
		t.Errorf("operation %d, mode %s, dead %t", index, mode, dead)
	}
	return reached
}

// TestReplayHalts wants a rule that halts to halt a replay too, with nothing moved.
func TestReplayHalts(t *testing.T) {
	lake := drained(t, rejecting(), 3)
	before := counted(t, lake)
	a := newReplay(t, 7)
	a.cfg.Tables[0].Policy.OnFail = quality.HaltBatch
	var halt *pipeline.HaltError
	if err := a.run(t, lake); !errors.As(err, &halt) {
		t.Errorf("got %v, want a halt", err)
	}
	check(t, counted(t, lake), before)
	sound(t, lake)
}

// TestReplayDrops wants late rows to be counted and in no file where they are to be
// dropped, and rows with a key that was taken since to be duplicates.
func TestReplayDrops(t *testing.T) {
	lake := drained(t, rejecting(), 3)
	a := newReplay(t, 7)
	a.cfg.Tables[0].Late = watermark.Drop
	if err := a.run(t, lake); err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(slices.Clone(replayed), func(s string) bool { return strings.Contains(s, " late ") })
	check(t, counted(t, lake), want)
	if st := loaded(t, lake); st.Totals.Late != 2 || st.Totals.Balance() != 0 {
		t.Errorf("totals: %+v", st.Totals)
	}
}

// TestReplayRehearsal wants a dry run to say what would be, and to write nothing.
func TestReplayRehearsal(t *testing.T) {
	lake := drained(t, rejecting(), 3)
	before := dump(records(t, lake, "t"))
	var sum ledger.Counts
	a := newReplay(t, 7)
	a.cfg.Dry = func(d *pipeline.Dry) { sum.Add(d.Counts) }
	if err := a.run(t, lake); err != nil {
		t.Fatal(err)
	}
	if want := (ledger.Counts{Read: 8, Written: 2, Late: 2, Quarantined: 4}); sum != want {
		t.Errorf("got %+v, want %+v", sum, want)
	}
	if dump(records(t, lake, "t")) != before {
		t.Error("the ledger has changed")
	}
}

// TestReplayOfDamage wants nothing to be judged of a file that is not what its record says.
func TestReplayOfDamage(t *testing.T) {
	for name, damage := range map[string]func(data []byte) []byte{
		"a bit": func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, "cut off": func(b []byte) []byte { return b[:len(b)/2] },
	} {
		lake := drained(t, rejecting(), 100)
		entries, err := lake.List(t.Context(), "t_quarantine/")
		if err != nil || len(entries) == 0 {
			t.Fatal(entries, err)
		}
		bad := &damagedLake{Store: lake, key: entries[0].Key, damage: damage}
		err = newReplay(t, 7).run(t, bad)
		if !errors.Is(err, ledger.ErrUnsafe) || !strings.Contains(err.Error(), entries[0].Key) {
			t.Errorf("%s: got %v, want it refused by its name", name, err)
		}
	}
}

// damagedLake opens one file with other bytes than it has.
type damagedLake struct {
	storetest.Store
	key    string
	damage func([]byte) []byte
}

type bytesReader struct{ *bytes.Reader }

func (bytesReader) Close() error { return nil }

// Open implements storetest.Store.
func (d *damagedLake) Open(ctx context.Context, key string) (store.Reader, int64, error) {
	if key != d.key {
		return d.Store.Open(ctx, key)
	}
	data, err := d.Read(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	data = d.damage(data)
	return bytesReader{bytes.NewReader(data)}, int64(len(data)), nil
}
