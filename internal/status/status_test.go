package status_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"go.uber.org/goleak"

	"tidemark/internal/ledger"
	"tidemark/internal/status"
	"tidemark/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) *ledger.Time { return new(ledger.At(noon.Add(d))) }

func key(partition int32) ledger.Key {
	return ledger.Key{Topic: "card-events", TopicID: ledger.TopicID{1}, Partition: partition}
}

// state is a table in the middle of its life: one partition is behind, one idle,
// one belongs to a topic that was made anew, one is halted.
func state() *ledger.State {
	st := ledger.NewState("transactions")
	st.Head, st.Mark, st.DecidedAt, st.Watermark = 1207, 1207, *at(-time.Minute), at(-24*time.Hour)
	st.Pending = []ledger.Pending{{Seq: 1207, Batch: "b1207"}}
	st.Totals = ledger.Counts{Read: 1_000_000, Written: 998_899, Late: 1_000, Quarantined: 101}
	st.Sources[key(0)] = ledger.Progress{Next: 600_000, MaxEventTime: at(-time.Second)}
	st.Sources[key(1)] = ledger.Progress{Next: 400_000, AtEnd: true}
	old := ledger.Key{Topic: "card-events", TopicID: ledger.TopicID{0xff}, Partition: 0}
	st.Sources[old] = ledger.Progress{Next: 5, Retired: true}
	st.Halts = []ledger.Halt{{Seq: 1206, Why: "7.1 % of 12,000 records are quarantined", Ranges: []ledger.Range{{Source: key(0), From: 600_000, To: 612_000}}}}
	return st
}

func recent() []*ledger.Record {
	file := func(o ledger.Output, day string, rows int64) ledger.File {
		return ledger.File{Output: o, Path: o.Dir("transactions") + "/" + day + "/b-0.parquet", Rows: rows, Bytes: rows * 30}
	}
	by := ledger.Decider{Host: "pod-1", PID: 7}
	return []*ledger.Record{
		{Seq: 1205, Kind: ledger.KindBatch, DecidedAt: *at(-3 * time.Minute), DecidedBy: by, Batch: "b1205",
			Counts:  ledger.Counts{Read: 500, Written: 499, Late: 1},
			Files:   []ledger.File{file(ledger.Main, "yyyy=2026/mm=11/dd=22", 400), file(ledger.Main, "yyyy=2026/mm=11/dd=21", 99), file(ledger.LateRows, "yyyy=2026/mm=11/dd=19", 1)},
			Quality: &ledger.Quality{Verdict: "PASS", Checks: []ledger.Check{{Name: "unique:transaction_id", Verdict: "PASS", Checked: 500}}}},
		{Seq: 1206, Kind: ledger.KindHalt, DecidedAt: *at(-2 * time.Minute), DecidedBy: by, Batch: "b1206", Counts: ledger.Counts{Read: 12_000, Written: 11_100, Quarantined: 900},
			Why: "7.1 % of 12,000 records are quarantined", Quality: &ledger.Quality{Verdict: "FAIL"}},
		{Seq: 1207, Kind: ledger.KindBatch, DecidedAt: *at(-time.Minute), DecidedBy: by, Batch: "b1207",
			Counts: ledger.Counts{Read: 1_500, Written: 1_500}, Files: []ledger.File{file(ledger.Main, "yyyy=2026/mm=11/dd=22", 1_500)},
			Quality: &ledger.Quality{Verdict: "WARN", Checks: []ledger.Check{{Name: "pattern:currency", Verdict: "WARN", Failed: 12, Checked: 1_500}}}},
		{Seq: 1204, Kind: ledger.KindClaim},
	}
}

func document(live status.Live) status.Document {
	return status.Document{At: *at(0), Version: "test", Lake: "file:///lake", Tables: []status.Table{status.Of(state(), live)}}
}

func whole() status.Live {
	return status.Live{Ends: map[ledger.Key]int64{key(0): 612_345, key(1): 400_000, key(2): 17}, Recent: recent(), Pending: 1, OpenRows: 1_234, Oldest: noon.Add(-time.Second)}
}

func away() status.Document {
	d := document(status.Live{})
	d.Kafka = "dial tcp 127.0.0.1:9092: connect: connection refused"
	return d
}

// TestForms compares each form of the document with a file.
func TestForms(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			doc := document(whole())
			if d.HasArg("away") {
				doc = away()
			}
			var out bytes.Buffer
			var err error
			switch d.Cmd {
			case "text":
				err = doc.Text(&out, d.HasArg("color"))
			case "json":
				e := json.NewEncoder(&out)
				e.SetIndent("", "  ")
				err = e.Encode(doc)
			case "page":
				err = status.Page(&out, doc)
			}
			if err != nil {
				t.Fatal(err)
			}
			return strings.ReplaceAll(out.String(), "\x1b", "ESC")
		})
	})
}

// TestPageEscapes has markup and terminal commands wherever text comes from outside.
func TestPageEscapes(t *testing.T) {
	evil := "<script>alert(1)</script>\x1b[2J"
	st := state()
	st.Table = evil
	st.Sources = map[ledger.Key]ledger.Progress{{Topic: evil}: {Next: 1}}
	st.Halts[0].Why = evil
	r := recent()
	r[0].Quality.Verdict, r[1].Why, r[2].Quality.Checks[0].Name = evil, evil, evil
	d := status.Document{Version: evil, Lake: evil, Kafka: evil, Tables: []status.Table{status.Of(st, status.Live{Recent: r, Halted: evil})}}
	var page, text bytes.Buffer
	if err := status.Page(&page, d); err != nil {
		t.Fatal(err)
	}
	if err := d.Text(&text, false); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(page.String(), "<script"); n > 0 {
		t.Errorf("the page holds %d scripts", n)
	}
	if strings.Contains(text.String(), "\x1b") {
		t.Errorf("the text moves the cursor:\n%q", text.String())
	}
}

func TestReadLooksOnly(t *testing.T) {
	lake := &storetest.Memory{}
	l := ledger.New(lake, "tx")
	decide := func(kind ledger.Kind, batch string, src ledger.Source, files ...ledger.File) {
		t.Helper()
		seal := func(*ledger.State, int64) (*ledger.Record, error) { return &ledger.Record{Files: files}, nil }
		if _, err := l.Decide(t.Context(), ledger.Proposal{Kind: kind, Batch: batch, Sources: []ledger.Source{src}, Seal: seal}); err != nil {
			t.Fatal(err)
		}
	}
	decide(ledger.KindClaim, "c", ledger.Source{Topic: "t", First: true})
	for i := range int64(25) {
		b := fmt.Sprint("b", i)
		f := ledger.File{Output: ledger.Main, Path: "tx/" + b + "-0.parquet", Staged: ledger.StagingDir("tx", b) + "/0"}
		decide(ledger.KindBatch, b, ledger.Source{Topic: "t", From: i, To: i + 1, Skipped: 1}, f)
		if i < 22 { // the last three are not published
			if err := lake.Create(t.Context(), f.Path, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := len(lake.Snapshot())
	st, live, err := status.Read(t.Context(), lake, "tx")
	if err != nil {
		t.Fatal(err)
	}
	if st.Head != 26 || len(live.Recent) != status.Shown || live.Recent[0].Seq != 26 || live.Pending != 3 {
		t.Errorf("head %d, %d records, first %d, %d pending", st.Head, len(live.Recent), live.Recent[0].Seq, live.Pending)
	}
	if got := len(lake.Snapshot()); got != before {
		t.Errorf("%d objects became %d", before, got)
	}
	if st, live, err := status.Read(t.Context(), lake, "nothing"); err != nil || st.Head != 0 || len(live.Recent) != 0 {
		t.Errorf("of an empty ledger: head %d, %d records, %v", st.Head, len(live.Recent), err)
	}
}

func TestNumbersForPeople(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{status.Number(0), "0"}, {status.Number(999), "999"}, {status.Number(1000), "1,000"}, {status.Number(-1234567), "-1,234,567"},
		{status.Count(0, "file"), "0 files"}, {status.Count(1, "batch"), "1 batch"}, {status.Count(1200, "batch"), "1,200 batches"},
		{status.Size(1023), "1023 B"}, {status.Size(1024), "1.0 KiB"}, {status.Size(256 << 20), "256.0 MiB"}, {status.Size(1<<20 - 1), "1.0 MiB"},
		{status.Share(0, 10), "0 %"}, {status.Share(10, 10), "100 %"}, {status.Share(1, 1_000_000), "< 0.01 %"},
		{status.Share(999_999, 1_000_000), "> 99.99 %"}, {status.Share(1, 3), "33.3 %"}, {status.Share(0, 0), "–"},
		{status.Plain("a\x1b[2Jb\u202ec\nd"), "a·[2Jb·c·d"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
