package quality_test

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
	"tidemark/quality"
)

var keyTable = &schema.Table{
	Name: "t", EventTime: 3, Partition: schema.ByDay,
	Columns: []schema.Column{
		{Name: "id", Type: schema.Type{Kind: schema.Long}},
		{Name: "amount", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}},
		{Name: "kind", Type: schema.Type{Kind: schema.String}},
		{Name: "at", Type: schema.Type{Kind: schema.Timestamp}},
	},
}

// keyBatch makes rows whose ids and kinds repeat, at about a time.
func keyBatch(rng *rand.Rand, now int64) *batch.Batch {
	rows := 1 + rng.IntN(60)
	b := &batch.Batch{}
	b.Reset(keyTable, &batch.Raw{}, 0, rows)
	for row := range rows {
		b.Columns[0].Ints[row] = rng.Int64N(400) * (1 + now%3*1_000_003)
		b.Columns[1].Ints[row] = rng.Int64N(200) - 20
		b.Columns[2].Codes[row] = b.Columns[2].Dict.Add(fmt.Appendf(nil, "k%d", rng.IntN(300)))
		b.Columns[3].Ints[row] = now + rng.Int64N(60) - 50
		for c := range 3 {
			if rng.IntN(20) == 0 {
				b.Columns[c].SetMark(row, rows, batch.Mark(1+rng.IntN(2)))
			}
		}
		if rng.IntN(15) == 0 {
			b.Fates[row] = batch.Late
		}
	}
	return b
}

// naiveRow is a row that took its keys.
type naiveRow struct {
	id, kind string // "": none
	at       int64
}

// naiveKeys is the rules again, over lists of rows.
type naiveKeys struct {
	within   int64
	skipLate bool
	deduped  bool
	uniques  []func(naiveRow) string
	decided  []naiveRow
	held     [][]naiveRow
}

func (n *naiveKeys) row(b *batch.Batch, row int) naiveRow {
	out := naiveRow{at: b.Columns[3].Ints[row]}
	if b.Columns[0].Mark(row) == batch.Present {
		out.id = fmt.Sprint(b.Columns[0].Ints[row])
	}
	if b.Columns[2].Mark(row) == batch.Present {
		out.kind = string(b.Columns[2].Text(row))
	}
	return out
}

// judge gives the fates of a batch, and the rows that take their keys.
func (n *naiveKeys) judge(b *batch.Batch) (fates []batch.Fate, took []naiveRow) {
	for row := range b.Rows {
		r, fate := n.row(b, row), b.Fates[row]
		before := slices.Concat(append([][]naiveRow{n.decided, took}, n.held...)...)
		newest := r.at
		for _, o := range before {
			newest = max(newest, o.at)
		}
		if m := b.Columns[1].Mark(row); m == batch.Present && b.Columns[1].Ints[row] < 0 {
			fates = append(fates, batch.Quarantined)
			continue
		}
		duplicate, unique := false, true
		for _, o := range before {
			duplicate = duplicate || n.deduped && r.id != "" && o.id == r.id && min(o.at, r.at) >= newest-n.within
			for _, key := range n.uniques {
				unique = unique && (key(r) == "" || key(r) != key(o))
			}
		}
		switch {
		case duplicate:
			fate = batch.Duplicate
		case !unique:
			fate = batch.Quarantined
		case fate == batch.Written || fate == batch.Late && !n.skipLate:
			took = append(took, r)
		}
		fates = append(fates, fate)
	}
	return fates, took
}

// memorySpill is a spill without a disk.
type memorySpill struct {
	entries map[uint64][]uint64
	adds    int
	numbers bool
	broken  bool
}

func (m *memorySpill) Add(entries iter.Seq[quality.SpillEntry]) error {
	m.adds++
	last := quality.SpillEntry{}
	for e := range entries {
		if m.numbers && e.Key <= last.Key && last.Bits != 0 || !m.numbers && e.Key < last.Key {
			return errors.New("entries do not ascend")
		}
		last = e
		m.entries[e.Key] = append(m.entries[e.Key], e.Bits)
	}
	return nil
}

func (m *memorySpill) Find(entries []quality.SpillEntry, found func(int)) error {
	if m.broken {
		return errors.New("broken")
	}
	for i, e := range entries {
		if slices.ContainsFunc(m.entries[e.Key], func(have uint64) bool { return m.numbers && have&e.Bits != 0 || have == e.Bits }) {
			found(i)
		}
	}
	return nil
}

func (m *memorySpill) Bytes() int64 { return 0 }

// TestKeysAgreeWithLists lets batches be in flight, be decided, be dropped and be
// quarantined whole, with a process that starts again in between, and holds every fate
// against the rules as said plainly.
func TestKeysAgreeWithLists(t *testing.T) {
	var duplicates, refused, spilled, rolled int
	id := func(r naiveRow) string { return r.id }
	kind := func(r naiveRow) string { return r.kind }
	both := func(r naiveRow) string {
		if r.id == "" || r.kind == "" {
			return ""
		}
		return r.id + "/" + r.kind
	}
	for seed := range 25 {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		naive := &naiveKeys{within: 1 + rng.Int64N(300), skipLate: rng.IntN(2) == 0, deduped: rng.IntN(3) > 0}
		checks := []quality.Check{{Range: "amount", Min: "0"}}
		for _, u := range []struct {
			columns []string
			key     func(naiveRow) string
		}{{[]string{"id"}, id}, {[]string{"kind"}, kind}, {[]string{"id", "kind"}, both}} {
			if rng.IntN(2) == 0 {
				checks = append(checks, quality.Check{Unique: u.columns, Scope: quality.ScopeRun})
				naive.uniques = append(naive.uniques, u.key)
			}
		}
		var opts []quality.Option
		if naive.deduped {
			opts = append(opts, quality.WithDedupe(quality.Dedupe{Keys: []string{"id"}, Within: time.Duration(naive.within) * time.Microsecond}))
		}
		suite, err := quality.Compile(keyTable, checks, opts...)
		if err != nil {
			t.Fatal(err)
		}
		keys := suite.NewKeys(quality.KeyOptions{SkipLate: naive.skipLate, Limit: 1 << 16, Spill: func(numbers bool) (quality.Spill, error) {
			spilled++
			return &memorySpill{entries: map[uint64][]uint64{}, numbers: numbers}, nil
		}})
		var held []*quality.Held
		for step := range 50 {
			switch {
			case len(held) > 0 && rng.IntN(3) == 0:
				if err := keys.Commit(held[0]); err != nil {
					t.Fatal(err)
				}
				held = held[1:]
				naive.decided = append(naive.decided, naive.held[0]...)
				naive.held = naive.held[1:]
			case rng.IntN(10) == 0:
				keys.Rollback()
				rolled += len(held)
				held, naive.held = nil, nil
			}
			b := keyBatch(rng, int64(step*20))
			want, took := naive.judge(b)
			report, err := suite.Begin(b, nil).Finish(keys)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(b.Fates[:b.Rows], want) {
				t.Fatalf("seed %d, batch %d: got %v\nwant %v", seed, step, b.Fates[:b.Rows], want)
			}
			duplicates += int(report.Duplicates)
			refused += int(report.Rejected)
			if rng.IntN(8) == 0 { // on_fail: quarantine_batch
				for row := range b.Rows {
					b.Fates[row] = batch.Quarantined
				}
				took = nil
			}
			held = append(held, keys.Hold(b))
			naive.held = append(naive.held, took)
		}
	}
	if duplicates < 300 || refused < 1000 || rolled < 100 {
		t.Errorf("%d duplicates, %d refused, %d rolled back: too few to show anything", duplicates, refused, rolled)
	}
	t.Logf("%d duplicates, %d refused, %d spills, %d batches rolled back", duplicates, refused, spilled, rolled)
}

// What is learned from files counts as what was decided before.
func TestKeysLearn(t *testing.T) {
	suite, err := quality.Compile(keyTable, []quality.Check{{Unique: []string{"kind"}}}, quality.WithDedupe(quality.Dedupe{Keys: []string{"id"}, Within: time.Hour}))
	if err != nil {
		t.Fatal(err)
	}
	keys := suite.NewKeys(quality.KeyOptions{Run: true})
	if _, known := keys.Newest(); known {
		t.Error("a newest time before anything was learned")
	}
	one := func(id int64, kind string) *batch.Batch {
		b := &batch.Batch{}
		b.Reset(keyTable, &batch.Raw{}, 0, 1)
		b.Columns[0].Ints[0], b.Columns[1].Ints[0], b.Columns[3].Ints[0] = id, 1, 7
		b.Columns[2].Codes[0] = b.Columns[2].Dict.Add([]byte(kind))
		return b
	}
	for _, c := range []struct {
		learned, came *batch.Batch
		recent, run   bool
		want          batch.Fate
	}{
		{one(1, "a"), one(1, "b"), true, false, batch.Duplicate},
		{one(2, "c"), one(2, "d"), false, true, batch.Written},
		{one(3, "e"), one(4, "e"), true, false, batch.Written},
		{one(5, "f"), one(6, "f"), false, true, batch.Quarantined},
	} {
		if err := keys.Learn(c.learned, c.recent, c.run); err != nil {
			t.Fatal(err)
		}
		if _, err := suite.Begin(c.came, nil).Finish(keys); err != nil {
			t.Fatal(err)
		}
		if got := c.came.Fates[0]; got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if at, known := keys.Newest(); !known || at != 7 {
		t.Errorf("got newest %d %t, want 7", at, known)
	}
	if keys.Bytes() < 1000 {
		t.Errorf("%d bytes are counted", keys.Bytes())
	}
}

// TestKeysOvertaken: a batch that is held is overtaken once another with a key of it is learned, and
// stays so; one that shares no key, or whose rows take none, is not.
func TestKeysOvertaken(t *testing.T) {
	suite, err := quality.Compile(keyTable, []quality.Check{{Unique: []string{"kind"}}}, quality.WithDedupe(quality.Dedupe{Keys: []string{"id"}, Within: time.Hour}))
	if err != nil {
		t.Fatal(err)
	}
	one := func(id int64, kind string, fate batch.Fate) *batch.Batch {
		b := &batch.Batch{}
		b.Reset(keyTable, &batch.Raw{}, 0, 1)
		b.Columns[0].Ints[0], b.Columns[1].Ints[0], b.Columns[3].Ints[0], b.Fates[0] = id, 1, 7, fate
		b.Columns[2].Codes[0] = b.Columns[2].Dict.Add([]byte(kind))
		return b
	}
	for _, c := range []struct {
		learned []*batch.Batch
		want    bool
	}{
		{nil, false},
		{[]*batch.Batch{one(2, "b", batch.Written)}, false},
		{[]*batch.Batch{one(1, "b", batch.Written)}, true},
		{[]*batch.Batch{one(2, "a", batch.Late)}, true},
		{[]*batch.Batch{one(1, "a", batch.Quarantined), one(1, "a", batch.Duplicate)}, false},
		{[]*batch.Batch{one(1, "b", batch.Written), one(3, "c", batch.Written)}, true},
	} {
		keys := suite.NewKeys(quality.KeyOptions{Run: true})
		held := keys.Hold(one(1, "a", batch.Written))
		for _, b := range c.learned {
			if err := keys.Learn(b, true, true); err != nil {
				t.Fatal(err)
			}
		}
		if got := keys.Overtaken(held); got != c.want {
			t.Errorf("%d batches learned: got overtaken %t, want %t", len(c.learned), got, c.want)
		}
	}
}

// TestCompletenessOfRequired: a row that was rejected for having no value in a required column fails
// its completeness, once, and stays what it is.
func TestCompletenessOfRequired(t *testing.T) {
	suite, err := quality.Compile(keyTable, []quality.Check{{Completeness: []string{"id", "kind"}, Name: "both"}, {Completeness: []string{"amount"}}})
	if err != nil {
		t.Fatal(err)
	}
	b := &batch.Batch{}
	b.Reset(keyTable, &batch.Raw{}, 0, 4)
	for row := range 4 {
		b.Columns[2].Codes[row] = b.Columns[2].Dict.Add([]byte("k"))
	}
	refuse := func(row int32, column int16, reason string) {
		b.Fates[row] = batch.Quarantined
		b.Rejects = append(b.Rejects, batch.Reject{Row: row, Column: column, Stage: batch.StageConform, Reason: reason})
	}
	refuse(0, 0, batch.ReasonRequired)
	refuse(0, 2, batch.ReasonRequired)
	refuse(1, 0, "overflow")
	refuse(2, 1, batch.ReasonRequired)
	got := suite.Run(b).Results
	for i, want := range []struct{ failed, checked int64 }{{1, 2}, {1, 2}} {
		if r := got[i]; r.Failed != want.failed || r.Checked != want.checked || r.Verdict != quality.VerdictFail {
			t.Errorf("%s: got %d of %d, %s, want %d of %d", r.Name, r.Failed, r.Checked, r.Verdict, want.failed, want.checked)
		}
	}
	if len(b.Rejects) != 4 {
		t.Errorf("got %d rejects, want the 4 that were there", len(b.Rejects))
	}
}

// Numbers and text that outgrow their share go to the spill, all of them, and are found
// there; an error of it is told, and the batch stays as it was.
func TestKeysSpill(t *testing.T) {
	suite, err := quality.Compile(keyTable, []quality.Check{{Unique: []string{"id"}, Scope: quality.ScopeRun}, {Unique: []string{"kind"}, Scope: quality.ScopeRun}})
	if err != nil {
		t.Fatal(err)
	}
	spills := map[bool]*memorySpill{}
	const limit = 100_000
	keys := suite.NewKeys(quality.KeyOptions{Limit: limit, Spill: func(numbers bool) (quality.Spill, error) {
		spills[numbers] = &memorySpill{entries: map[uint64][]uint64{}, numbers: numbers}
		return spills[numbers], nil
	}})
	rng := rand.New(rand.NewPCG(7, 7))
	batchOf := func(first, rows int, apart int64) *batch.Batch {
		b := &batch.Batch{}
		b.Reset(keyTable, &batch.Raw{}, 0, rows)
		for i, n := range rng.Perm(rows) {
			b.Columns[0].Ints[i] = int64(first+n) * apart
			b.Columns[1].Ints[i], b.Columns[3].Ints[i] = 1, 1
			b.Columns[2].Codes[i] = b.Columns[2].Dict.Add(fmt.Appendf(nil, "kind %d", first+n))
		}
		return b
	}
	for _, apart := range []int64{1, 1_000_003} {
		for step := range 20 {
			b := batchOf(int(apart)*100_000+step*2000, 2100, apart) // the last 100 come again with the next
			report, err := suite.Begin(b, nil).Finish(keys)
			want := int64(100)
			if step == 0 {
				want = 0
			}
			if err != nil || report.Rejected != want {
				t.Fatalf("step %d: %v, %d rejected, want %d", step, err, report.Rejected, want)
			}
			if err := keys.Commit(keys.Hold(b)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if spills[true] == nil || spills[false] == nil || spills[true].adds < 2 || spills[false].adds < 2 {
		t.Fatalf("got spills %v, want numbers and text spilled more than once", spills)
	}
	spills[false].broken = true
	b := batchOf(1, 10, 1)
	if _, err := suite.Begin(b, nil).Finish(keys); err == nil || slices.Max(b.Fates) != batch.Written {
		t.Errorf("got %v and fates %v of a spill that is broken", err, b.Fates)
	}
}

// TestKeysOfEachKind: a number that an earlier batch has is found wherever that is: among
// neighbours, among numbers that are far apart, in a batch that is held, in a spill.
func TestKeysOfEachKind(t *testing.T) {
	suite, err := quality.Compile(keyTable, []quality.Check{{Unique: []string{"id"}, Scope: quality.ScopeRun}})
	if err != nil {
		t.Fatal(err)
	}
	for i, apart := range []int64{1, 64, 1_000_003, 1, 64, 1_000_003} {
		opts := quality.KeyOptions{}
		spill := &memorySpill{entries: map[uint64][]uint64{}, numbers: true}
		if i >= 3 {
			opts.Limit, opts.Spill = 1, func(bool) (quality.Spill, error) { return spill, nil }
		}
		keys := suite.NewKeys(opts)
		for step := range 6 {
			const rows, again = 5000, 70
			b := &batch.Batch{}
			b.Reset(keyTable, &batch.Raw{}, 0, rows)
			for i := range rows {
				b.Columns[0].Ints[i] = int64(step*(rows-again)+i) * apart
				b.Columns[1].Ints[i], b.Columns[3].Ints[i] = 1, 1
				b.Columns[2].Codes[i] = b.Columns[2].Dict.Add([]byte("k"))
			}
			report, err := suite.Begin(b, nil).Finish(keys)
			if want := int64(again) * min(int64(step), 1); err != nil || report.Rejected != want {
				t.Fatalf("%d apart, step %d: %v, %d rejected, want %d", apart, step, err, report.Rejected, want)
			}
			if held := keys.Hold(b); step != 2 {
				if err := keys.Commit(held); err != nil {
					t.Fatal(err)
				}
			}
		}
		if spilled := spill.adds > 0; spilled != (i >= 3) {
			t.Errorf("%d apart: numbers were spilled: %v", apart, spilled)
		}
	}
}

func TestDedupeIsRefused(t *testing.T) {
	for _, d := range []quality.Dedupe{{Within: time.Hour}, {Keys: []string{"id"}}, {Keys: []string{"idd"}, Within: time.Hour}} {
		if _, err := quality.Compile(keyTable, nil, quality.WithDedupe(d)); err == nil {
			t.Errorf("%+v compiles", d)
		}
	}
	if _, err := quality.Compile(naiveTable, nil, quality.WithDedupe(quality.Dedupe{Keys: []string{"id"}, Within: time.Hour})); err == nil {
		t.Error("dedupe compiles for a table without an event time")
	}
}
