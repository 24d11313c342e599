package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/internal/ledger"
	"tidemark/internal/pipeline"
	"tidemark/internal/schema"
	"tidemark/internal/store/storetest"
	"tidemark/quality"
	"tidemark/watermark"
)

// TestEveryRecordHasOneFate puts one record of each kind through and wants to find
// it where it belongs, with the counts of the ledger (P1).
func TestEveryRecordHasOneFate(t *testing.T) {
	tp := newTopic(1)
	tp.add(0, 4, noon.Add(-time.Hour)) // the first batch: the watermark gets to 9:54
	tp.parts[0].events = append(tp.parts[0].events,
		event{value: `{"id":10,"amount":1,"at":"2026-11-24T11:30:00Z","kind":"a"}`, at: noon},
		event{value: `{"id":11,"amount":"1.50","at":"2026-11-24T09:00:00Z","kind":"a"}`, at: noon}, // late
		event{value: `{"id":12,"amount":1,"at":"2099-01-01T00:00:00Z","kind":"a"}`, at: noon},      // future
		event{value: `{"id":13,"amount":1,"at":null,"kind":"a"}`, at: noon},                        // required
		event{value: `{"id":14,"amount":-0.01,"at":"2026-11-24T11:30:00Z","kind":"a"}`, at: noon},  // range
		event{value: `{"id":10,"amount":1,"at":"2026-11-24T11:30:00Z","kind":"a"}`, at: noon},      // unique
		event{value: `{"id":15,`, at: noon},                                                        // syntax
		event{tomb: true, at: noon},
		event{value: ``, at: noon},
		event{gone: true},
		event{value: `{"id":16,"amount":1.005,"at":"2026-11-24T11:30:00Z"}`, at: noon}, // scale
		event{gone: true}, // the end of a transaction, say
	)
	cfg := testConfig(t)
	cfg.MaxRows = 4
	lake := &storetest.Memory{}
	feed := func(n int) {
		t.Helper()
		all := tp.parts[0].events
		tp.parts[0].events = all[:n]
		if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		tp.parts[0].events = all
	}
	feed(4)
	cfg.MaxRows = 100
	cfg.Random = rand.NewChaCha8([32]byte{7})
	feed(len(tp.parts[0].events))

	want := []string{
		`0@000 main 0`, `0@001 main 1`, `0@002 main 2`, `0@003 main 3`,
		`0@004 main 10`,
		`0@005 late 11`,
		`0@006 quarantine future {"id":12,"amount":1,"at":"2099-01-01T00:00:00Z","kind":"a"}`,
		`0@007 quarantine required {"id":13,"amount":1,"at":null,"kind":"a"}`,
		`0@008 quarantine range:amount {"id":14,"amount":-0.01,"at":"2026-11-24T11:30:00Z","kind":"a"}`,
		`0@009 quarantine unique:id {"id":10,"amount":1,"at":"2026-11-24T11:30:00Z","kind":"a"}`,
		`0@010 quarantine syntax {"id":15,`,
		`0@011 quarantine tombstone `,
		`0@012 quarantine empty `,
		`0@014 quarantine scale {"id":16,"amount":1.005,"at":"2026-11-24T11:30:00Z"}`,
	}
	if got := fates(t, lake, "t"); !slices.Equal(got, want) {
		t.Errorf("fates:\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	all := records(t, lake, "t")
	last := all[len(all)-1]
	if got, want := last.Counts, (ledger.Counts{Read: 10, Written: 1, Late: 1, Quarantined: 8}); got != want {
		t.Errorf("counts: got %+v, want %+v", got, want)
	}
	src := last.Sources[0]
	if src.From != 4 || src.To != 16 || src.Records != 10 || src.Skipped != 2 {
		t.Errorf("source: got %+v, want [4, 16) with 10 records and 2 skipped", src)
	}
	if got, want := last.Watermark.String(), "2026-11-24T10:30:00.000000Z"; got != want {
		t.Errorf("watermark: got %s, want %s", got, want)
	}
	if late := rows(t, lake, ledger.LateRows, "t"); late[0]["_watermark"] == "" {
		t.Errorf("late row has no _watermark: %v", late[0])
	}
	checkBalance(t, lake, "t")
}

// TestWatermarkSurvivesRestart wants a row that came too late for what an earlier
// process decided to be late, also when the clock has jumped back since (P4).
func TestWatermarkSurvivesRestart(t *testing.T) {
	tp := newTopic(1)
	tp.add(0, 4, noon.Add(-time.Hour))
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	tp.parts[0].events = append(tp.parts[0].events,
		event{value: `{"id":10,"amount":1,"at":"2026-11-24T09:00:00Z"}`, at: noon},
		event{value: `{"id":11,"amount":1,"at":"2026-11-24T11:30:00Z"}`, at: noon}, // "the future" for the clock now
	)
	cfg.Random = rand.NewChaCha8([32]byte{7})
	cfg.Now = func() time.Time { return noon.Add(-365 * 24 * time.Hour) }
	if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := fates(t, lake, "t")[4:]
	if want := []string{"0@004 late 10", "0@005 main 11"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	all := records(t, lake, "t")
	for i := 1; i < len(all); i++ {
		if all[i].DecidedAt < all[i-1].DecidedAt {
			t.Errorf("record %d was decided before record %d", all[i].Seq, all[i-1].Seq)
		}
	}
}

// TestLatePolicies wants accepted late rows in the table, and dropped ones counted
// and in no file.
func TestLatePolicies(t *testing.T) {
	for policy, want := range map[watermark.Policy]string{watermark.Accept: "0@004 main 10", watermark.Drop: ""} {
		t.Run(policy.String(), func(t *testing.T) {
			tp := newTopic(1)
			tp.add(0, 4, noon.Add(-time.Hour))
			tp.parts[0].events = append(tp.parts[0].events, event{value: `{"id":10,"amount":1,"at":"2026-11-24T09:00:00Z"}`, at: noon})
			lake := &storetest.Memory{}
			cfg := testConfig(t)
			cfg.Tables[0].Late = policy
			if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(fates(t, lake, "t")[4:], " "); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			all := records(t, lake, "t")
			if c := all[len(all)-1].Counts; c.Balance() != 0 || policy == watermark.Drop && c.Late != 1 {
				t.Errorf("counts: %+v", c)
			}
		})
	}
}

// TestAllBad wants a batch of nothing but bad records to be kept whole.
func TestAllBad(t *testing.T) {
	tp := newTopic(1)
	for i := range 10 {
		tp.parts[0].events = append(tp.parts[0].events, event{value: fmt.Sprintf("garbage %d", i), at: noon})
	}
	lake := &storetest.Memory{}
	if err := newProcess(t, testConfig(t), lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkExact(t, lake, "t", tp)
	if got := rows(t, lake, ledger.Main, "t"); len(got) != 0 {
		t.Errorf("main rows: %v", got)
	}
}

// TestHalt wants a batch that its quality stops to leave evidence and nothing else,
// what came before it to stand, and the way out to work (P5).
func TestHalt(t *testing.T) {
	tp := newTopic(1)
	tp.add(0, 8, noon.Add(-time.Hour))
	for i := 4; i < 8; i++ {
		tp.parts[0].events[i].value = "garbage"
	}
	tp.add(0, 8, noon.Add(-time.Hour))
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	cfg.Tables[0].Policy = quality.Policy{HaltAbove: 0.5}
	for i := range 2 { // the second start finds the same, and does not write it again
		cfg.Random = rand.NewChaCha8([32]byte{byte(i + 2)})
		err := newProcess(t, cfg, lake, tp).drain(t.Context())
		var halt *pipeline.HaltError
		if !errors.As(err, &halt) || len(halt.Samples) != 4 || halt.Samples[0].Offset != 4 {
			t.Fatalf("got %v, want a halt with samples from offset 4", err)
		}
	}
	kinds := map[ledger.Kind]int{}
	for _, r := range records(t, lake, "t") {
		kinds[r.Kind]++
		if r.Kind == ledger.KindHalt && (r.Counts.Quarantined != 4 || r.Why == "" || len(r.Samples) != 4 || len(r.Files) != 0) {
			t.Errorf("halt record: %s", dump(r))
		}
	}
	if kinds[ledger.KindBatch] != 1 || kinds[ledger.KindHalt] != 1 {
		t.Errorf("records: got %v, want one batch and one halt", kinds)
	}
	if got := fates(t, lake, "t"); len(got) != 4 {
		t.Errorf("visible: got %v, want the four rows decided before", got)
	}
	cfg.Tables[0].Policy.HaltAbove = 1
	cfg.Random = rand.NewChaCha8([32]byte{9})
	if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkExact(t, lake, "t", tp)
}

// TestQuarantineBatch wants a failed check to take the whole batch with it, where
// that is asked for.
func TestQuarantineBatch(t *testing.T) {
	tp := newTopic(1)
	tp.add(0, 4, noon.Add(-time.Hour))
	tp.parts[0].events[1].value = `{"id":1,"amount":-5,"at":"2026-11-24T11:30:00Z"}`
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	cfg.Tables[0].Policy = quality.Policy{OnFail: quality.QuarantineBatch, HaltAbove: 1}
	if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, lake, ledger.Quarantine, "t"); len(got) != 4 {
		t.Errorf("quarantined: got %d rows, want 4", len(got))
	}
	checkExact(t, lake, "t", tp)
}

// TestDrift wants a difference to the schema in the ledger once, with the first
// record that showed it, and a table whose policy is to halt to halt.
func TestDrift(t *testing.T) {
	tp := newTopic(1)
	tp.add(0, 8, noon.Add(-time.Hour))
	for _, i := range []int{2, 3, 6} {
		tp.parts[0].events[i].value = strings.Replace(tp.parts[0].events[i].value, `"kind"`, `"more":1,"kind"`, 1)
	}
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	var drift []ledger.Drift
	for _, r := range records(t, lake, "t") {
		drift = append(drift, r.Drift...)
	}
	if len(drift) != 1 || drift[0].Change != "extra" || drift[0].Column != "more" || drift[0].FirstAt.Offset != 2 ||
		drift[0].Count != 2 || drift[0].Done != "drop" { // of the first batch, which has four records
		t.Errorf("drift: got %+v, want extra column more, first at offset 2, of two records, dropped", drift)
	}
	cfg.Tables[0].Schema.Evolution.Extra = schema.Halt
	halted := &storetest.Memory{}
	err := newProcess(t, cfg, halted, tp).drain(t.Context())
	var halt *pipeline.HaltError
	if !errors.As(err, &halt) || len(halt.Samples) == 0 || halt.Samples[0].Offset != 2 {
		t.Errorf("got %v, want a halt at offset 2", err)
	}
}

// TestManyDays wants a batch of more days than a record may have files to be cut.
func TestManyDays(t *testing.T) {
	tp := newTopic(2)
	for i := range 2500 {
		at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i)
		tp.parts[i%2].events = append(tp.parts[i%2].events, event{
			value: fmt.Sprintf(`{"id":%d,"amount":1,"at":%q}`, i, at.Format(time.RFC3339)), at: noon,
		})
	}
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	cfg.MaxRows = 10_000
	d := newProcess(t, cfg, lake, tp)
	d.chunk = 10_000
	if err := d.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := batches(records(t, lake, "t"))
	if len(got) != 2 || len(got[0].Files) > 2000 {
		t.Errorf("got %d batches, want 2 of at most 2000 files", len(got))
	}
	checkExact(t, lake, "t", tp)
	checkBalance(t, lake, "t")
}

// TestIdle wants a partition that was read to its end to be recorded as idle, once.
func TestIdle(t *testing.T) {
	tp := newTopic(2)
	tp.add(0, 3, noon.Add(-time.Hour)) // and nothing in partition 1
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	for i := range 2 {
		cfg.Random = rand.NewChaCha8([32]byte{byte(i + 2)})
		if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := batches(records(t, lake, "t"))
	idle := 0
	for _, r := range got {
		for _, s := range r.Sources {
			if s.AtEnd {
				idle++
			}
		}
	}
	if idle != 2 {
		t.Errorf("idle partitions recorded: got %d, want 2, each once: %s", idle, dump(got))
	}
	last := got[len(got)-1]
	if last.Watermark == nil {
		t.Errorf("an empty partition that is read to its end holds the watermark back: %s", dump(last))
	}
}

// TestTopicTakenOut wants a topic that no longer feeds the table not to hold its
// watermark back.
func TestTopicTakenOut(t *testing.T) {
	old, tp := newTopic(1), newTopic(1)
	old.name, old.id = "old", 2
	old.add(0, 1, noon.Add(-48*time.Hour))
	lake := &storetest.Memory{}
	cfg := testConfig(t)
	cfg.Drain, cfg.MaxRows = false, 1
	cfg.Tables[0].Topics = []string{"in", "old"}
	before := newProcess(t, cfg, lake, old)
	if err := before.stream(t, func(context.Context) { before.hand(0) }); err != nil {
		t.Fatal(err)
	}
	tp.add(0, 1, noon.Add(-time.Hour))
	cfg = testConfig(t)
	cfg.Random = rand.NewChaCha8([32]byte{9})
	if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := records(t, lake, "t")
	if got, want := all[len(all)-1].Watermark.String(), "2026-11-24T10:00:00.000000Z"; got != want {
		t.Errorf("watermark: got %s, want %s", got, want)
	}
}
