package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tidemark/internal/schema"
	"tidemark/internal/store/storetest"
)

// TestMemoryIsBounded reads records of three sizes through a small budget: batches
// are cut early, reading waits, and what is counted as held stays within it (L5).
func TestMemoryIsBounded(t *testing.T) {
	const memory = 64 << 20
	for _, size := range []int{100, 10_000, 1_000_000} {
		t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
			tp := newTopic(2)
			n := min(128<<20/size, 60_000) / 2 * 2
			for p := range 2 {
				for i := range n / 2 {
					tp.parts[p].events = append(tp.parts[p].events, event{at: noon, value: fmt.Sprintf(
						`{"id":%d,"amount":1,"at":"2026-11-24T11:00:00Z","kind":"a","more":%q}`, p*1_000_000+i, strings.Repeat("x", size-80))})
				}
			}
			cfg := testConfig(t)
			cfg.Memory, cfg.MaxRows, cfg.MaxAge = memory, 1<<30, time.Hour
			lake := &storetest.Memory{}
			d := newProcess(t, cfg, lake, tp)
			d.chunk = max(2<<20/size, 1)
			most := int64(0)
			d.onWait = func(int) { most = max(most, d.p.Held()) }
			if err := d.drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if most > memory {
				t.Errorf("held %d bytes at most, want %d or less", most, memory)
			}
			if most == 0 {
				t.Error("nothing was counted as held")
			}
			got := batches(records(t, lake, "t"))
			var read int64
			for _, r := range got {
				read += r.Counts.Read
			}
			if read != int64(n) || int64(n*size) > memory && len(got) < 3 {
				t.Errorf("read %d records in %d batches, want %d in several", read, len(got), n)
			}
			t.Logf("%d records in %d batches, %d MiB held at most", read, len(got), most>>20)
		})
	}
}

// TestMemoryOfOthers: what others hold is counted as held, and leaves less for batches.
func TestMemoryOfOthers(t *testing.T) {
	held := map[int64]int{}
	for _, beside := range []int64{0, 20 << 20} {
		tp := newTopic(1)
		for i := range 4000 {
			tp.parts[0].events = append(tp.parts[0].events, event{at: noon, value: fmt.Sprintf(
				`{"id":%d,"amount":1,"at":"2026-11-24T11:00:00Z","kind":"a","more":%q}`, i, strings.Repeat("x", 10_000))})
		}
		cfg := testConfig(t)
		cfg.Memory, cfg.MaxRows, cfg.MaxAge = 64<<20, 1<<30, time.Hour
		cfg.Beside = func() int64 { return beside }
		lake := &storetest.Memory{}
		d := newProcess(t, cfg, lake, tp)
		d.chunk = 50
		least := int64(1 << 62)
		d.onWait = func(int) { least = min(least, d.p.Held()) }
		if err := d.drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if least < beside || beside == 0 && least >= 20<<20 {
			t.Errorf("held %d bytes at least where others hold %d", least, beside)
		}
		for _, r := range batches(records(t, lake, "t")) {
			held[beside] += int(r.Counts.Read)
		}
	}
	if held[0] != 4000 || held[20<<20] != 4000 {
		t.Errorf("read %v records, want 4000 each time", held)
	}
}

// TestBatchIsCutByBytes wants max_bytes to hold where neither rows, age nor memory
// cut a batch.
func TestBatchIsCutByBytes(t *testing.T) {
	tp := newTopic(1)
	for i := range 4000 {
		tp.parts[0].events = append(tp.parts[0].events, event{at: noon, value: fmt.Sprintf(
			`{"id":%d,"amount":1,"at":"2026-11-24T11:00:00Z","more":%q}`, i, strings.Repeat("x", 1000))})
	}
	cfg := testConfig(t)
	cfg.MaxRows, cfg.MaxBytes = 1<<30, 1<<20
	lake := &storetest.Memory{}
	if err := newProcess(t, cfg, lake, tp).drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := batches(records(t, lake, "t"))
	for _, r := range got {
		if r.Counts.Read*1000 > 1<<20 {
			t.Errorf("batch %d has %d records of a kilobyte, more than max_bytes", r.Seq, r.Counts.Read)
		}
	}
	if len(got) < 4 {
		t.Errorf("got %d batches, want at least 4", len(got))
	}
}

// TestMemoryOfNestedColumns: three bytes that become 64 values are not what a batch is filled by,
// and it is cut in pieces where it is decoded. Every record has one fate all the same.
func TestMemoryOfNestedColumns(t *testing.T) {
	const memory = 64 << 20
	tp := newTopic(2)
	for i := range 600 {
		tp.parts[i%2].events = append(tp.parts[i%2].events, event{at: noon, value: fmt.Sprintf(
			`{"id":%d,"amount":1,"at":"2026-11-24T11:00:00Z","wide":[{}%s]}`, i, strings.Repeat(",{}", 299))})
	}
	cfg := testConfig(t)
	cfg.Memory, cfg.MaxRows = memory, 1<<30
	var fields []string
	for i := range schema.MaxLeaves {
		fields = append(fields, fmt.Sprintf("f%d:long", i))
	}
	wide, err := schema.ParseType("list<struct<" + strings.Join(fields, ",") + ">>")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tables[0].Schema.Columns = append(cfg.Tables[0].Schema.Columns, schema.Column{Name: "wide", Type: wide, Default: schema.Value{Null: true}})
	lake := &storetest.Memory{}
	d := newProcess(t, cfg, lake, tp)
	d.chunk = 100
	if err := d.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if held := d.p.Held(); held > 16<<20 {
		t.Errorf("%d bytes are held at the end, want what a few pieces need", held)
	}
	if got := batches(records(t, lake, "t")); len(got) < 20 {
		t.Errorf("got %d batches, want each of a few records", len(got))
	}
	checkExact(t, lake, "t", tp)
	checkBalance(t, lake, "t")
}
