package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"go.uber.org/goleak"

	"tidemark/internal/ledger"
	"tidemark/internal/report"
	"tidemark/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) ledger.Time { return ledger.At(noon.Add(d)) }

// writer creates records as the ledger does: numbered, sealed, each with the hash of
// the one before it.
type writer struct {
	t        *testing.T
	lake     *storetest.Memory
	table    string
	seq      int64
	previous string
}

func (w *writer) put(r ledger.Record) {
	w.t.Helper()
	w.seq++
	r.Version, r.Seq, r.Table, r.Nonce, r.Previous = ledger.Version, w.seq, w.table, "n", w.previous
	if r.Batch == "" {
		r.Batch = fmt.Sprint("b", r.Seq)
	}
	for i := range r.Files {
		f := &r.Files[i]
		f.Path = f.Output.Dir(w.table) + "/" + f.Path + r.Batch + "-" + strconv.Itoa(i) + ".parquet"
		f.Staged = ledger.StagingDir(w.table, r.Batch) + "/" + strconv.Itoa(i)
	}
	data, err := ledger.EncodeRecord(&r)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.lake.Create(w.t.Context(), ledger.RecordKey(w.table, r.Seq), data); err != nil {
		w.t.Fatal(err)
	}
	back, err := ledger.DecodeRecord(data)
	if err != nil {
		w.t.Fatal(err)
	}
	w.previous = back.Hash()
}

// life is a ledger with a record of each kind: an auditor sees a good day, a halt, what
// came through after it, a loss and a backfill.
func life(t *testing.T) *storetest.Memory {
	w := &writer{t: t, lake: &storetest.Memory{}, table: "transactions"}
	id := ledger.TopicID{1}
	by := ledger.Decider{Host: "pod-1", PID: 7, User: "tidemark", Version: "1.0.0", ConfigHash: "57449a120959a135"}
	src := func(from, to, skipped int64) ledger.Source {
		return ledger.Source{Topic: "card-events", TopicID: id, From: from, To: to, Records: to - from - skipped, Skipped: skipped, LeaderEpoch: 3, MaxEventTime: new(at(-time.Hour))}
	}
	file := func(o ledger.Output, day string, rows int64) ledger.File {
		return ledger.File{Output: o, Path: day, Rows: rows, Bytes: rows * 30, XXH3: ledger.Sum(rows), MinEventTime: new(at(-24 * time.Hour)), MaxEventTime: new(at(-time.Hour))}
	}
	w.put(ledger.Record{Kind: ledger.KindClaim, DecidedAt: at(0), DecidedBy: by, Why: "topic card-events is new to the table",
		Sources: []ledger.Source{{Topic: "card-events", TopicID: id, First: true}}})
	w.put(ledger.Record{Kind: ledger.KindBatch, DecidedAt: at(time.Minute), DecidedBy: by, Sources: []ledger.Source{src(0, 1005, 5)}, Watermark: new(at(-25 * time.Hour)),
		Counts: ledger.Counts{Read: 1000, Written: 990, Late: 4, Quarantined: 3, Duplicate: 2, Filtered: 1},
		Files: []ledger.File{file(ledger.Main, "yyyy=2026/mm=11/dd=22/", 700), file(ledger.Main, "yyyy=2026/mm=11/dd=20/hh=07/", 290),
			file(ledger.LateRows, "yyyy=2026/mm=11/dd=18/", 4), file(ledger.Quarantine, "yyyy=2026/mm=11/dd=22/", 3)},
		Quality: &ledger.Quality{Verdict: "WARN", Checks: []ledger.Check{
			{Name: "unique:transaction_id", Verdict: "PASS", Severity: "fail", Checked: 1000, Detail: "the first row of its transaction_id"},
			{Name: "pattern:currency", Verdict: "WARN", Severity: "warn", Failed: 12, Checked: 1000, Detail: "matches ^[A-Z]{3}$; 12 of 1000 rows fail"},
			{Name: "reference:account_id", Verdict: "PASS", Severity: "fail", Checked: 1000, Detail: "in accounts.account_id", Version: "accounts up to record 9"}}},
		Nulls:     map[string]int64{"branch": 250, "status": 1},
		Drift:     []ledger.Drift{{Change: "extra", Column: "device", To: "string", FirstAt: ledger.Origin{Topic: "card-events", Offset: 17}}},
		TimingsMS: &ledger.Timings{Read: 1.5, Decode: 0.25, Check: 0.1, Encode: 40, Stage: 100}})
	w.put(ledger.Record{Kind: ledger.KindHalt, DecidedAt: at(2 * time.Minute), DecidedBy: by, Sources: []ledger.Source{src(1005, 1105, 0)},
		Counts: ledger.Counts{Read: 100, Written: 50, Quarantined: 50}, Why: "50 % of 100 records are quarantined",
		Quality: &ledger.Quality{Verdict: "FAIL", Checks: []ledger.Check{{Name: "unique:transaction_id", Verdict: "FAIL", Severity: "fail", Failed: 50, Checked: 100}}},
		Samples: []ledger.Origin{{Topic: "card-events", Offset: 1006}}})
	by.Version, by.PID = "1.0.1", 8
	w.put(ledger.Record{Kind: ledger.KindBatch, DecidedAt: at(24 * time.Hour), DecidedBy: by, Sources: []ledger.Source{src(1005, 1105, 0)}, Watermark: new(at(-24 * time.Hour)),
		Counts: ledger.Counts{Read: 100, Written: 50, Quarantined: 50},
		Files:  []ledger.File{file(ledger.Main, "yyyy=2026/mm=11/dd=22/", 50), file(ledger.Quarantine, "yyyy=2026/mm=11/dd=23/", 50)},
		Quality: &ledger.Quality{Verdict: "FAIL", Checks: []ledger.Check{
			{Name: "unique:transaction_id", Verdict: "FAIL", Severity: "fail", Failed: 50, Checked: 100, Detail: "the first row of its transaction_id; 50 of 100 rows fail"}}},
		Nulls: map[string]int64{"branch": 100}, TimingsMS: &ledger.Timings{Read: 1, Decide: 7.125, Publish: 80}})
	w.put(ledger.Record{Kind: ledger.KindClaim, DecidedAt: at(25 * time.Hour), DecidedBy: by, Why: "offsets 1,105 to 2,000 are gone from Kafka",
		Sources: []ledger.Source{{Topic: "card-events", TopicID: id, From: 1105, To: 2000, Skipped: 895}}})
	w.put(ledger.Record{Kind: ledger.KindBatch, DecidedAt: at(26 * time.Hour), DecidedBy: by, Counts: ledger.Counts{Read: 10, Written: 10},
		Sources: []ledger.Source{{File: "file:///raw/a.csv", To: 420, Size: 420, Version: "2026-11-01T00:00:00Z", Records: 10, FromLine: 1, ToLine: 12, AtEnd: true, Hash: 5}},
		Files:   []ledger.File{file(ledger.Main, "", 10)}})
	w.put(ledger.Record{Kind: ledger.KindRun, DecidedAt: at(27 * time.Hour), DecidedBy: by, Run: &ledger.Run{Command: "backfill --table transactions raw", Found: 3, Read: 1, Skipped: 1,
		Failed: []ledger.Broken{{File: "file:///raw/b.csv", Why: "it has changed since it was read"}}, Batches: 1, Counts: ledger.Counts{Read: 10, Written: 10}, Duration: 1.25}})
	return w.lake
}

func document(tables ...report.Table) report.Document {
	return report.Document{Form: report.Form, At: at(30 * time.Hour), Version: "test", Lake: "file:///lake", Tables: tables}
}

// TestForms compares each form of the document with a file.
func TestForms(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			lake := life(t)
			var o report.Options
			for _, a := range d.CmdArgs {
				n, _ := strconv.ParseInt(strings.Join(a.Vals, ""), 10, 64)
				switch a.Key {
				case "batch":
					o.Batch = n
				case "last":
					o.Last = n
				case "day":
					o.Day = a.Vals[0]
				case "remove":
					if err := lake.Remove(t.Context(), ledger.RecordKey("transactions", n)); err != nil {
						t.Fatal(err)
					}
				default:
					t.Fatalf("no argument %s", a.Key)
				}
			}
			var out bytes.Buffer
			table, err := report.Read(t.Context(), lake, "transactions", o)
			if err != nil {
				fmt.Fprintf(&out, "error: %v (unsafe: %v)\n", err, errors.Is(err, ledger.ErrUnsafe))
			}
			doc := document(table)
			switch d.Cmd {
			case "text":
				err = doc.Text(&out)
			case "json":
				err = doc.JSON(&out)
			case "page":
				err = doc.Page(&out)
			default:
				t.Fatalf("no command %s", d.Cmd)
			}
			if err != nil {
				t.Fatal(err)
			}
			return out.String()
		})
	})
}

// TestAddsUp: each number of a summary is the sum of its parts, in days and in steps.
func TestAddsUp(t *testing.T) {
	table, err := report.Read(t.Context(), life(t), "transactions", report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := table.Summary
	var rows, read, steps, failed, nulls int64
	for i := range s.Days {
		rows += s.Days[i].Main.Rows + s.Days[i].Late.Rows + s.Days[i].Quarantine.Rows
	}
	for _, d := range s.Decided {
		read += d.Counts.Read
	}
	for _, v := range s.Steps {
		steps += v.Read
	}
	for _, c := range s.Checks {
		failed += c.Failed
		for _, v := range c.Steps {
			failed -= v.Failed
		}
	}
	for _, n := range s.Nulls {
		nulls += n.Nulls
		for _, v := range n.Steps {
			nulls -= v
		}
	}
	if want := s.Counts.Written + s.Counts.Late + s.Counts.Quarantined; rows != want {
		t.Errorf("days have %d rows, want %d", rows, want)
	}
	if read != s.Counts.Read || steps != s.Counts.Read || s.Counts.Read != 1110 {
		t.Errorf("read %d by day, %d by step, %d in all, want 1110", read, steps, s.Counts.Read)
	}
	if failed != 0 || nulls != 0 {
		t.Errorf("steps differ from their sums: failed by %d, nulls by %d", failed, nulls)
	}
}

// TestHostileNames has markup and terminal commands wherever text comes from outside.
func TestHostileNames(t *testing.T) {
	evil := "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\u202e{{.}}"
	w := &writer{t: t, lake: &storetest.Memory{}, table: "t"}
	by := ledger.Decider{Host: evil, User: evil, Version: evil, ConfigHash: evil}
	first := ledger.Origin{Topic: evil, Offset: 1}
	check := ledger.Check{Name: evil, Verdict: evil, Severity: evil, Failed: 1, Checked: 2, Detail: evil, Version: evil}
	w.put(ledger.Record{Kind: ledger.KindClaim, DecidedBy: by, Why: evil, Sources: []ledger.Source{{Topic: evil, First: true}}})
	w.put(ledger.Record{Kind: ledger.KindBatch, DecidedBy: by, Counts: ledger.Counts{Read: 2, Written: 2}, Sources: []ledger.Source{{Topic: evil, To: 2, Records: 2}},
		Files:   []ledger.File{{Output: ledger.Main, Path: "yyyy=<script>/mm=<b>/dd=\"/", Rows: 2}, {Output: ledger.Main, Path: "yyyy=2026/mm=11/dd=22/<script>/", Rows: 2}},
		Quality: &ledger.Quality{Verdict: evil, Checks: []ledger.Check{check}}, Nulls: map[string]int64{evil: 1},
		Drift: []ledger.Drift{{Change: evil, Column: evil, From: evil, To: evil, FirstAt: first}}})
	w.put(ledger.Record{Kind: ledger.KindHalt, DecidedBy: by, Why: evil, Samples: []ledger.Origin{first}, Sources: []ledger.Source{{Topic: evil, From: 2, To: 3, Records: 1}},
		Quality: &ledger.Quality{Verdict: "FAIL", Checks: []ledger.Check{check}}})
	w.put(ledger.Record{Kind: ledger.KindRun, DecidedBy: by, Run: &ledger.Run{Command: evil, Failed: []ledger.Broken{{File: evil, Why: evil}}}})
	var docs []report.Document
	for _, o := range []report.Options{{}, {Batch: 1}, {Batch: 2}, {Batch: 3}, {Batch: 4}, {Day: "2026-11-22"}, {Last: 2}} {
		table, err := report.Read(t.Context(), w.lake, "t", o)
		if err != nil {
			t.Fatal(err)
		}
		table.Table = evil
		table.Damage, table.DamageTotal = []report.Damage{{Why: evil}}, 1
		doc := document(table)
		doc.Lake, doc.Version = evil, evil
		docs = append(docs, doc)
	}
	for i, doc := range docs {
		var page, text, object bytes.Buffer
		if err := errors.Join(doc.Page(&page), doc.Text(&text), doc.JSON(&object)); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"<script", "<img", "<b>", "\x1b", "\u202e", "ZgotmplZ"} {
			if strings.Contains(page.String(), bad) {
				t.Errorf("page %d holds %q", i, bad)
			}
		}
		for _, bad := range []string{"\x1b", "\u202e"} {
			if strings.Contains(text.String(), bad) {
				t.Errorf("text %d moves the cursor: %q", i, bad)
			}
		}
		if !json.Valid(object.Bytes()) {
			t.Errorf("json %d is none", i)
		}
	}
}

// TestPageStandsAlone: nothing is loaded from elsewhere, and each picture is well-formed.
func TestPageStandsAlone(t *testing.T) {
	table, err := report.Read(t.Context(), life(t), "transactions", report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := document(table).Page(&page); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"http://", "https://", " src=", " href=", "url(", "@import", "<script", "<link"} {
		if strings.Contains(page.String(), bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if want := `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`; !strings.Contains(page.String(), want) {
		t.Errorf("the page has no policy %s", want)
	}
	plots, bars := 0, 0
	for rest := page.String(); ; plots++ {
		_, after, found := strings.Cut(rest, "<svg")
		if !found {
			break
		}
		picture, more, _ := strings.Cut(after, "</svg>")
		rest = more
		d := xml.NewDecoder(strings.NewReader("<svg" + picture + "</svg>"))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in <svg%s</svg>", err, picture)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
				bars++
			}
		}
	}
	if want := 3 + 13 + 3 + 2; plots != want { // plots, their legends, checks, columns
		t.Errorf("%d pictures, want %d", plots, want)
	}
	if bars == 0 {
		t.Error("no bars")
	}
}

// TestLargeLedger folds many records: what is kept does not grow with them.
func TestLargeLedger(t *testing.T) {
	const records = 10_000
	w := &writer{t: t, lake: &storetest.Memory{}, table: "t"}
	for i := range int64(records) {
		src := ledger.Source{Topic: "t", From: i, To: i + 1, Records: 1}
		switch {
		case i == 0:
			w.put(ledger.Record{Kind: ledger.KindClaim, Sources: []ledger.Source{{Topic: "t", First: true}}})
		case i%4 == 1: // halts: more than are listed
			src.From, src.To = i-1-(i-1)/4, i-(i-1)/4
			w.put(ledger.Record{Kind: ledger.KindHalt, DecidedAt: at(time.Duration(i) * time.Hour), Sources: []ledger.Source{src}})
		default:
			n := i - 1 - (i+2)/4
			src.From, src.To = n, n+1
			w.put(ledger.Record{Kind: ledger.KindBatch, DecidedAt: at(time.Duration(i) * time.Hour), Sources: []ledger.Source{src}, Counts: ledger.Counts{Read: 1, Written: 1},
				Files:   []ledger.File{{Output: ledger.Main, Path: noon.AddDate(0, 0, int(i/24)).Format("yyyy=2006/mm=01/dd=02/"), Rows: 1}},
				Quality: &ledger.Quality{Verdict: "PASS", Checks: []ledger.Check{{Name: "c", Verdict: "PASS", Checked: 1}}},
				Nulls:   map[string]int64{fmt.Sprint("column", i): 1}, Drift: []ledger.Drift{{Change: "extra", Column: fmt.Sprint("column", i)}}})
		}
	}
	told := int64(0)
	table, err := report.Read(t.Context(), w.lake, "t", report.Options{Progress: func(done, total int64) {
		if done != told+1 || total != records {
			t.Fatalf("told %d of %d after %d", done, total, told)
		}
		told = done
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := table.Summary
	if s.Records.Batch != 7499 || s.Counts.Read != 7499 || s.Records.Halt != 2500 || told != records {
		t.Errorf("got %+v, read %d, told %d", s.Records, s.Counts.Read, told)
	}
	if len(s.Steps) > report.Steps || len(s.Nulls) != report.Listed || len(s.Drift) != report.Listed || len(s.Halts) != report.Listed {
		t.Errorf("%d steps, %d nulls, %d drifts, %d halts", len(s.Steps), len(s.Nulls), len(s.Drift), len(s.Halts))
	}
	if got, want := s.Omitted, (report.Omitted{Nulls: 6499, Drift: 6499, Halts: 1500}); got != want {
		t.Errorf("omitted %+v, want %+v", got, want)
	}
	if newest := s.Halts[report.Listed-1].Seq; newest != 9998 {
		t.Errorf("the newest halt is %d, want 9998", newest)
	}
	var page bytes.Buffer
	if err := document(table).Page(&page); err != nil {
		t.Fatal(err)
	}
	if n := page.Len(); n > 20<<20 {
		t.Errorf("the page has %d bytes", n)
	}
}

// TestDamage reads on past each kind of damage, and says what it is.
func TestDamage(t *testing.T) {
	edit := func(from, to string) func(*testing.T, *storetest.Memory) {
		return func(t *testing.T, lake *storetest.Memory) {
			change(t, lake, 4, func(b []byte) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) })
		}
	}
	for _, c := range []struct {
		name   string
		damage func(*testing.T, *storetest.Memory)
		want   []string
		batch  int64 // batches that are left
	}{
		{"none", func(*testing.T, *storetest.Memory) {}, nil, 3},
		{"missing", func(t *testing.T, lake *storetest.Memory) { remove(t, lake, 2) }, []string{"ledger record 2 is missing, but record 3 is there"}, 2},
		{"two missing", func(t *testing.T, lake *storetest.Memory) { remove(t, lake, 2); remove(t, lake, 3) }, []string{"record 2 is missing", "record 3 is missing"}, 2},
		{"the first missing", func(t *testing.T, lake *storetest.Memory) { remove(t, lake, 1) }, []string{"record 1 is missing"}, 3},
		{"edited", edit("pod-1", "pod-2"), []string{"changed after it was written"}, 2},
		{"no JSON", edit("{", ""), []string{"decode json"}, 2},
		{"another version", edit(`"version":1,`, `"version":2,`), []string{"has version 2, which this version does not know"}, 2},
		{"made anew", func(t *testing.T, lake *storetest.Memory) {
			change(t, lake, 4, func(b []byte) []byte {
				r, err := ledger.DecodeRecord(b)
				if err != nil {
					t.Fatal(err)
				}
				r.DecidedBy.Host = "elsewhere"
				b, err = ledger.EncodeRecord(r)
				if err != nil {
					t.Fatal(err)
				}
				return b
			})
		}, []string{"ledger record 5 does not follow"}, 3},
		{"a number far away", func(t *testing.T, lake *storetest.Memory) {
			if err := lake.Create(t.Context(), ledger.RecordKey("transactions", 1<<63-1), []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}, []string{"record 8 is missing", "record 9 is missing"}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			lake := life(t)
			c.damage(t, lake)
			before := lake.Snapshot()
			table, err := report.Read(t.Context(), lake, "transactions", report.Options{})
			if c.want == nil && err != nil || c.want != nil && !errors.Is(err, ledger.ErrUnsafe) {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				if !slices.ContainsFunc(table.Damage, func(d report.Damage) bool { return strings.Contains(d.Why, want) }) {
					t.Errorf("no %q in %+v", want, table.Damage)
				}
			}
			if table.Summary.Records.Batch != c.batch || int64(len(table.Damage)) > table.DamageTotal || len(table.Damage) > 12 {
				t.Errorf("%d batches, want %d; damage %d: %+v", table.Summary.Records.Batch, c.batch, table.DamageTotal, table.Damage)
			}
			for _, d := range table.Damage {
				if d.Seq == 0 { // it was found on the way, and not only when the ledger was loaded
					t.Errorf("no place of %q", d.Why)
				}
			}
			if got := lake.Snapshot(); len(got) != len(before) {
				t.Errorf("%d objects became %d", len(before), len(got))
			}
		})
	}
}

func remove(t *testing.T, lake *storetest.Memory, seq int64) {
	t.Helper()
	if err := lake.Remove(t.Context(), ledger.RecordKey("transactions", seq)); err != nil {
		t.Fatal(err)
	}
}

func change(t *testing.T, lake *storetest.Memory, seq int64, how func([]byte) []byte) {
	t.Helper()
	data, err := lake.Read(t.Context(), ledger.RecordKey("transactions", seq))
	if err != nil {
		t.Fatal(err)
	}
	remove(t, lake, seq)
	if err := lake.Create(t.Context(), ledger.RecordKey("transactions", seq), how(data)); err != nil {
		t.Fatal(err)
	}
}

// TestStoreFails: what is no damage of the ledger is not taken for it, however it is read.
func TestStoreFails(t *testing.T) {
	for _, hole := range []bool{false, true} {
		memory := life(t)
		if hole {
			remove(t, memory, 2)
		}
		lake := (&storetest.Faulty{Store: memory}).Inject(storetest.Fault{Op: storetest.OpRead, Key: "*/*/*/*4.json", Times: -1})
		_, err := report.Read(t.Context(), lake, "transactions", report.Options{})
		if !errors.Is(err, storetest.ErrInjected) || errors.Is(err, ledger.ErrUnsafe) {
			t.Errorf("hole %v: got %v", hole, err)
		}
	}
}

// TestNothingThere: an empty ledger, and a record that is not there yet, are no errors.
func TestNothingThere(t *testing.T) {
	for _, o := range []report.Options{{}, {Batch: 1}, {Day: "2026-11-22"}, {Last: 5}} {
		table, err := report.Read(t.Context(), &storetest.Memory{}, "t", o)
		if err != nil || table.Head != 0 || table.Record != nil {
			t.Errorf("%+v: got %+v, %v", o, table, err)
		}
		var out bytes.Buffer
		if err := errors.Join(document(table).Text(&out), document(table).Page(&out), document(table).JSON(&out)); err != nil {
			t.Error(err)
		}
	}
	table, err := report.Read(t.Context(), life(t), "transactions", report.Options{Batch: 8})
	if err != nil || table.Record != nil || table.Head != 7 {
		t.Errorf("record 8: got %+v, %v", table, err)
	}
}

// TestPlotOfManyDays: days become months and years where there are too many to be seen.
func TestPlotOfManyDays(t *testing.T) {
	for _, c := range []struct {
		from, to string
		tick     string // the first
		bars     int    // that can be seen: two days, and what no plot has room for is missing
	}{
		{"2026-11-01", "2026-11-22", "2026-11-01", 2},
		{"2025-11-30", "2026-11-22", "2025-11", 2},
		{"1950-01-01", "2026-11-22", "1950", 2},
		{"0001-01-01", "9999-12-31", "9820", 1},
		{"no day", "2026-13-77", "", 0},
	} {
		s := &report.Summary{Days: []report.Day{{Day: c.from}, {Day: c.to}}}
		for i := range s.Days {
			s.Days[i].Main.Rows = 5
		}
		var page bytes.Buffer
		if err := document(report.Table{Table: "t", Head: 1, Summary: s}).Page(&page); err != nil {
			t.Fatal(err)
		}
		_, plot, _ := strings.Cut(page.String(), `aria-label="Rows by the day of their folder"`)
		plot, _, _ = strings.Cut(plot, "</svg>")
		if n := strings.Count(plot, "<rect"); n != c.bars || !strings.Contains(plot, `text-anchor="middle">`+c.tick) && c.tick != "" {
			t.Errorf("%s to %s: %d bars, want %d, in %s", c.from, c.to, n, c.bars, plot)
		}
	}
}
