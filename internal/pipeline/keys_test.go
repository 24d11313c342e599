package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/store/storetest"
	"tidemark/quality"
)

// withChecks is testConfig with another suite.
func withChecks(t testing.TB, checks []quality.Check, opts ...quality.Option) pipeline.Config {
	t.Helper()
	cfg := testConfig(t)
	suite, err := quality.Compile(cfg.Tables[0].Schema, checks, opts...)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tables[0].Suite = suite
	return cfg
}

func dedupeConfig(t testing.TB, seed byte) pipeline.Config {
	cfg := withChecks(t, []quality.Check{{Range: "amount", Min: "0"}},
		quality.WithDedupe(quality.Dedupe{Keys: []string{"id"}, Within: 48 * time.Hour}))
	cfg.Random = rand.NewChaCha8([32]byte{seed})
	return cfg
}

// repeated is a topic in which each id comes several times: in one batch, in later ones,
// in another partition, late, and as a row that is refused before its correction.
func repeated() *topic {
	tp := newTopic(2)
	event := func(p, id, amount, hour int) {
		tp.parts[p].events = append(tp.parts[p].events, event{at: noon, value: fmt.Sprintf(
			`{"id":%d,"amount":%d,"at":%q,"kind":"a"}`, id, amount, noon.Add(time.Duration(hour-30)*time.Hour).Format(time.RFC3339))})
	}
	for i := range 9 {
		event(0, i%5, 1, i)
		event(1, 3+i%4, 1, 9-i)
	}
	event(0, 77, -1, 20)
	event(0, 77, 1, 20)
	event(0, 77, 1, 20)
	event(1, 77, -1, 20)
	return tp
}

// checkOnce wants each id of a topic to be taken once, each refused row to be kept, and
// the rest to be counted as duplicates.
func checkOnce(t testing.TB, s storetest.Store, tp *topic) {
	t.Helper()
	checkBalance(t, s, "t")
	taken, total := map[string]int{}, int64(0)
	for _, o := range []ledger.Output{ledger.Main, ledger.LateRows} {
		for _, r := range rows(t, s, o, "t") {
			taken[r["id"]]++
		}
	}
	ids, refused := map[string]bool{}, int64(0)
	for p := range tp.parts {
		for _, e := range tp.parts[p].events {
			ids[e.id()] = true
			total++
			if strings.Contains(e.value, `"amount":-`) {
				refused++
			}
		}
	}
	var counts ledger.Counts
	for _, r := range records(t, s, "t") {
		if r.Kind == ledger.KindBatch {
			counts.Read += r.Counts.Read
			counts.Duplicate += r.Counts.Duplicate
			counts.Quarantined += r.Counts.Quarantined
		}
	}
	for id := range ids {
		if taken[id] != 1 {
			t.Errorf("id %s is in the table %d times, want once", id, taken[id])
		}
	}
	if want := total - int64(len(ids)) - refused; len(taken) != len(ids) || counts.Read != total || counts.Duplicate != want || counts.Quarantined != refused {
		t.Errorf("of %d records with %d ids: got %d ids and counts %+v, want %d duplicates and %d refused", total, len(ids), len(taken), counts, want, refused)
	}
}

// TestDedupeAtEveryCrash fails operation 1, 2, … n of the store, each in another way,
// once or for good, and wants a fresh process, which learns the keys from the table, to
// take each id once. With -long it does everything to each operation.
func TestDedupeAtEveryCrash(t *testing.T) {
	runs, all := 0, storetest.Modes()
	for index, more := 1, true; more && !t.Failed(); index++ {
		for i, mode := range all {
			for _, dead := range []bool{false, true} {
				if !*long && (index%len(all) != i || dead == (index/len(all)%2 == 0)) {
					continue
				}
				fault := storetest.Fault{Index: index, Mode: mode, Times: 1, Gap: 4, Wait: time.Minute}
				if dead {
					fault.Times = -1
				}
				synctest.Test(t, func(t *testing.T) { more = dedupeCrash(t, fault) && more })
				runs++
			}
		}
	}
	t.Logf("figures: dedupe: %d crashes", runs)
}

// dedupeCrash reports whether there was an operation to fail.
func dedupeCrash(t *testing.T, fault storetest.Fault) bool {
	lake, tp := &storetest.Memory{}, repeated()
	faulty := (&storetest.Faulty{Store: lake}).Inject(fault)
	_ = newProcess(t, dedupeConfig(t, 1), faulty, tp).drain(t.Context())
	reached := faulty.Count() >= fault.Index
	faulty.Heal()
	if reached {
		lake.PowerCut()
	}
	for life := range byte(2) {
		if err := newProcess(t, dedupeConfig(t, 2+life), faulty.Store, tp).drain(t.Context()); err != nil {
			t.Errorf("%s at operation %d: process %d after the crash: %v", fault.Mode, fault.Index, life+1, err)
		}
		faulty.Deliver()
		checkOnce(t, lake, tp)
	}
	return reached
}

// What another process decided of a partition before it came to us is known here.
func TestDedupeAcrossProcesses(t *testing.T) {
	lake, tp := &storetest.Memory{}, newTopic(1)
	tp.add(0, 6, noon.Add(-2*time.Hour))
	second := newProcess(t, dedupeConfig(t, 2), lake, tp)
	err := second.p.Feed(t.Context(), second, func(ctx context.Context) error {
		// It has loaded the keys of an empty table by now.
		if err := newProcess(t, dedupeConfig(t, 1), lake, tp).drain(ctx); err != nil {
			return err
		}
		tp.parts[0].events = append(tp.parts[0].events, tp.parts[0].events...)
		_, err := second.round(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	checkOnce(t, lake, tp)
}

// before does something before a key is created for the first time.
type before struct {
	storetest.Store
	key  string
	then func()
}

func (b *before) Create(ctx context.Context, key string, data []byte) error {
	if key == b.key && b.then != nil {
		then := b.then
		b.then = nil
		then()
	}
	return b.Store.Create(ctx, key, data)
}

// What another process decides of other partitions, after a batch was judged and before it is
// decided, is known to it all the same: a key that both have is taken once.
func TestDedupeMeanwhile(t *testing.T) {
	met := 0
	for seq := int64(1); ; seq++ {
		lake, tp := &storetest.Memory{}, repeated()
		other := newProcess(t, dedupeConfig(t, 2), lake, tp)
		other.mine = []int{1}
		late := &before{Store: lake, key: ledger.RecordKey("t", seq), then: func() {
			if err := other.drain(t.Context()); err != nil {
				t.Error(err)
			}
		}}
		first := newProcess(t, dedupeConfig(t, 1), late, tp)
		first.mine = []int{0}
		if err := first.drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if late.then != nil {
			break
		}
		met++
		checkOnce(t, lake, tp)
	}
	if met < 3 {
		t.Errorf("the other process met %d records, want some", met)
	}
}

// Keys that need more than their part of the memory end the process, and say so.
func TestDedupeBeyondMemory(t *testing.T) {
	cfg := withChecks(t, nil, quality.WithDedupe(quality.Dedupe{Keys: []string{"kind"}, Within: time.Hour}))
	cfg.Memory, cfg.MaxRows = 4<<20, 100
	tp := newTopic(1)
	for i := range 400 {
		tp.parts[0].events = append(tp.parts[0].events, event{at: noon, value: fmt.Sprintf(
			`{"id":1,"amount":1,"at":"2026-11-24T10:00:00Z","kind":"%02000d"}`, i)})
	}
	p := newProcess(t, cfg, &storetest.Memory{}, tp)
	p.chunk = 50
	if err := p.drain(t.Context()); err == nil || !strings.Contains(err.Error(), "raise memory, or lower dedupe.within") {
		t.Errorf("got %v, want an error that says what to do", err)
	}
}

// A unique check of scope run reaches through the batches of a drain, and dropped
// batches take their keys back.
func TestUniqueThroughADrain(t *testing.T) {
	cfg := withChecks(t, []quality.Check{{Range: "amount", Min: "0"}, {Unique: []string{"id"}, Scope: quality.ScopeRun}})
	lake, tp := &storetest.Memory{}, repeated()
	faulty := &storetest.Faulty{Store: lake}
	faulty.Inject(storetest.Fault{Op: storetest.OpCreate, Key: ledger.RecordKey("t", 3), Mode: storetest.Lose, Times: 1})
	if err := newProcess(t, cfg, faulty, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	taken := map[string]int{}
	for _, o := range []ledger.Output{ledger.Main, ledger.LateRows} {
		for _, r := range rows(t, lake, o, "t") {
			if taken[r["id"]]++; taken[r["id"]] > 1 {
				t.Errorf("id %s is taken twice", r["id"])
			}
		}
	}
	if len(taken) != 8 {
		t.Errorf("got ids %v, want 0 to 6 and 77", taken)
	}
	checkBalance(t, lake, "t")
}

// backfill reads chunks of lines as one file, and leaves the record of the run if it is
// to come to its end.
func backfill(t *testing.T, cfg pipeline.Config, lake pipeline.Lake, file string, chunks [][]string, finish bool) error {
	t.Helper()
	cfg.Raw, cfg.MaxRows = true, 3
	cfg.Tables[0].Topics = nil
	d := newProcess(t, cfg, lake, newTopic(0))
	src := batch.Source{File: file, Layout: &batch.Layout{}}
	return d.p.Feed(t.Context(), d, func(ctx context.Context) error {
		at, err := d.p.StartFile("t", pipeline.RawFile{Source: src, Size: 100, Version: "v"})
		if err != nil {
			return err
		}
		line, to := int64(0), int64(0)
		for i, lines := range chunks {
			c := batch.Chunk{Last: finish && i == len(chunks)-1}
			for _, l := range lines {
				line++
				c.Lines = append(c.Lines, batch.Line{At: int32(len(c.Data)), Len: int32(len(l)), Number: line})
				c.Data = append(c.Data, l...)
				to += int64(len(l))
			}
			if c.To = to; to <= at.Next {
				continue
			}
			if err := d.p.AcceptFile("t", src, &c); err != nil {
				return err
			}
		}
		err = d.p.FinishFiles(ctx, "t")
		if err == nil && finish {
			err = d.p.FinishRun(ctx, "t", &ledger.Run{})
		}
		return err
	})
}

// A backfill finds a key again in all of its files, also in those that it had decided
// before it was interrupted, and not in those of a backfill that came to its end.
func TestUniqueThroughABackfill(t *testing.T) {
	line := func(id int) string {
		return fmt.Sprintf(`{"id":%d,"amount":1,"at":"2026-11-20T10:00:00Z"}`, id)
	}
	chunk := func(ids ...int) (out []string) {
		for _, id := range ids {
			out = append(out, line(id))
		}
		return out
	}
	lake := &storetest.Memory{}
	cfg := func(seed byte) pipeline.Config {
		c := withChecks(t, []quality.Check{{Unique: []string{"id"}}})
		c.Random = rand.NewChaCha8([32]byte{seed})
		return c
	}
	first := [][]string{chunk(1, 2, 3), chunk(4, 1, 5), chunk(6, 2, 7)}
	for i, step := range []struct {
		file   string
		chunks [][]string
		finish bool
	}{
		{"file:///a", first[:2], false}, // interrupted
		{"file:///a", first, true},
		{"file:///b", [][]string{chunk(1, 8, 8)}, true},
		{"file:///c", [][]string{chunk(1, 8, 9)}, true}, // of a command that names b and c
	} {
		c := cfg(byte(i))
		if i == 3 {
			c.RunFiles = func(url string) bool { return url != "file:///a" }
		}
		if err := backfill(t, c, lake, step.file, step.chunks, step.finish); err != nil {
			t.Fatal(err)
		}
	}
	var written, refused []string
	for _, r := range rows(t, lake, ledger.Main, "t") {
		written = append(written, r["_file"]+" "+r["id"])
	}
	for _, r := range rows(t, lake, ledger.Quarantine, "t") {
		refused = append(refused, fmt.Sprintf("%s line %s %s", r["_file"], r["_line"], r["_reason"]))
	}
	slices.Sort(written)
	slices.Sort(refused)
	if got, want := strings.Join(written, ", "), "file:///a 1, file:///a 2, file:///a 3, file:///a 4, file:///a 5, file:///a 6, file:///a 7, file:///b 1, file:///b 8, file:///c 9"; got != want {
		t.Errorf("written: got %s\nwant %s", got, want)
	}
	if got, want := strings.Join(refused, ", "), "file:///a line 5 unique:id, file:///a line 8 unique:id, file:///b line 3 unique:id, file:///c line 1 unique:id, file:///c line 2 unique:id"; got != want {
		t.Errorf("refused: got %s\nwant %s", got, want)
	}
}

// TestReferenceIsRefreshed feeds rows whose parents come while the process runs: those
// that are there are found, and the record says which version of them was used.
func TestReferenceIsRefreshed(t *testing.T) {
	lake := &storetest.Memory{}
	load := func(ctx context.Context, seed byte, ids ...int) error {
		cfg := testConfig(t)
		s := *cfg.Tables[0].Schema
		s.Name = "accounts"
		suite, err := quality.Compile(&s, nil)
		if err != nil {
			return err
		}
		cfg.Tables[0].Schema, cfg.Tables[0].Suite, cfg.Random = &s, suite, rand.NewChaCha8([32]byte{seed})
		tp := newTopic(1)
		tp.id = seed + 10
		cfg.OnLoss = pipeline.Continue // each time another topic of the name
		for _, id := range ids {
			tp.parts[0].events = append(tp.parts[0].events, event{at: noon, value: fmt.Sprintf(`{"id":%d,"amount":1,"at":"2026-11-24T10:00:00Z"}`, id)})
		}
		return newProcess(t, cfg, lake, tp).drain(ctx)
	}
	if err := load(t.Context(), 1, 0, 1, 2); err != nil {
		t.Fatal(err)
	}
	cfg := withChecks(t, []quality.Check{{Reference: "id", In: "accounts.id"}})
	var ticks atomic.Int64
	cfg.Now = func() time.Time { return noon.Add(time.Duration(ticks.Add(1)) * time.Second) }
	cfg.MaxRows, cfg.ReferenceAge = 3, time.Hour
	tp := newTopic(1)
	tp.add(0, 6, noon.Add(-time.Hour))
	d := newProcess(t, cfg, lake, tp)
	d.onHand = func(n int) {
		if n == 2 { // the second batch refers to rows that come just now
			if err := load(t.Context(), 2, 3, 4); err != nil {
				t.Error(err)
			}
		}
	}
	if err := d.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, r := range records(t, lake, "t") {
		if r.Kind == ledger.KindBatch && r.Quality != nil && r.Counts.Read > 0 {
			c := r.Quality.Checks[0]
			fmt.Fprintf(&got, "%s failed=%d of %d, looked into %s\n", c.Verdict, c.Failed, c.Checked, c.Version)
		}
	}
	want := "PASS failed=0 of 3, looked into accounts@2\nFAIL failed=1 of 3, looked into accounts@4\n"
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}
