package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tidemark/internal/ledger"
	"tidemark/internal/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWholeLakeHasNoDifference(t *testing.T) {
	for _, deep := range []bool{false, true} {
		got, sum := full(t).verify(deep)
		if got != "" {
			t.Errorf("deep %v: found\n%s", deep, got)
		}
		want := verify.Summary{Table: "tx", Head: 9, HeadHash: sum.HeadHash, Linked: 8, Batches: 8, Files: 24, Rows: 8 * 18, Bytes: sum.Bytes}
		if sum != want || len(sum.HeadHash) != 64 {
			t.Errorf("deep %v: got %+v, want %+v", deep, sum, want)
		}
	}
}

// TestEachFileIsReadOnce: checksum and rows come from one reading, unless a file is
// too large to be kept.
func TestEachFileIsReadOnce(t *testing.T) {
	l := full(t)
	for _, c := range []struct {
		name string
		keep int64
		once bool
	}{{"kept", 0, true}, {"too large", 1, false}} {
		counted := &countedLake{lake: l}
		sum, err := verify.Table(t.Context(), counted, "tx", verify.Options{
			Deep: true, EventTime: "when", Keep: c.keep, Found: func(f verify.Finding) { t.Error(f) }})
		if err != nil {
			t.Fatal(err)
		}
		if counted.streamed != sum.Bytes || (counted.ranges == 0) != c.once {
			t.Errorf("%s: %d bytes streamed and %d ranges read of files of %d bytes", c.name, counted.streamed, counted.ranges, sum.Bytes)
		}
	}
}

func TestEmptyLake(t *testing.T) {
	l := newLake(t)
	l.remove(ledger.RecordKey("tx", 1))
	if got, sum := l.verify(true); got != "" || sum.Head != 0 {
		t.Errorf("got %q, head %d", got, sum.Head)
	}
}

func TestDecidedAndNotYetPublishedIsNoDifference(t *testing.T) {
	l := full(t)
	l.add(build{})
	got, sum := l.verify(true)
	if got != "" || sum.Pending != 3 {
		t.Errorf("found %q, %d pending, want 3", got, sum.Pending)
	}
}

// TestDamage does to a whole lake what a person, a disk or a program may do to it.
func TestDamage(t *testing.T) {
	const three = "tx/yyyy=2026/mm=11/dd=22/batch3-0.parquet"
	for _, c := range []struct {
		name   string
		damage func(*lake)
		want   []string // in the lines found, one each; with + in front: only when the rows are read
	}{
		{"file deleted", func(l *lake) { l.remove(three) },
			[]string{"tx: record 3: " + three + ": is missing, and is not in staging either"}},
		{"late file deleted", func(l *lake) { l.remove("tx_late/yyyy=2026/mm=11/dd=22/batch3-1.parquet") },
			[]string{"record 3: tx_late/yyyy=2026/mm=11/dd=22/batch3-1.parquet: is missing"}},
		{"file truncated", func(l *lake) { l.write(three, l.read(three)[:100]) },
			[]string{"record 3: " + three + ": has 100 bytes"}},
		{"one bit flipped", func(l *lake) { data := l.read(three); data[50] ^= 4; l.write(three, data) },
			[]string{"record 3: " + three + ": has checksum "}},
		{"swapped with another", func(l *lake) {
			four := strings.Replace(three, "batch3", "batch4", 1)
			a, b := l.read(three), l.read(four)
			l.write(three, b)
			l.write(four, a)
		}, []string{"record 3: " + three, "record 4: tx/yyyy=2026/mm=11/dd=22/batch4-0.parquet"}},
		{"file moved to another day", func(l *lake) {
			l.write(strings.Replace(three, "dd=22", "dd=23", 1), l.read(three))
			l.remove(three)
		}, []string{"record 3: " + three + ": is missing", "tx: tx/yyyy=2026/mm=11/dd=23/batch3-0.parquet: is named by no record"}},
		{"extra file", func(l *lake) { l.write("tx_quarantine/copy.parquet", l.read(three)) },
			[]string{"tx: tx_quarantine/copy.parquet: is named by no record"}},
		{"moved back into staging", func(l *lake) {
			l.write(l.record(3).Files[0].Staged, l.read(three))
			l.remove(three)
		}, []string{"record 3: " + three + ": is not published, though a checkpoint has it as published"}},
		{"record missing", func(l *lake) { l.remove(ledger.RecordKey("tx", 5)) },
			[]string{"record 5: _tidemark/tx/ledger/00000000000000000005.json: is missing, but record 6 is there", "batch5-0.parquet: is named by no", "batch5-1.parquet: is named by no", "batch5-2.parquet: is named by no"}},
		{"newest record missing", func(l *lake) { l.remove(ledger.RecordKey("tx", 9)) },
			[]string{"batch9-0.parquet: is named by no", "batch9-1.parquet: is named by no", "batch9-2.parquet: is named by no"}},
		{"records missing that a checkpoint knows", func(l *lake) {
			l.remove(ledger.RecordKey("tx", 9))
			l.remove(ledger.RecordKey("tx", 8))
		}, []string{"record 8: _tidemark/tx/ledger/00000000000000000008.json: is missing, but a checkpoint knows it",
			"batch8-0", "batch9-0", "batch8-1", "batch9-1", "batch8-2", "batch9-2"}},
		{"record is no JSON", func(l *lake) { l.write(ledger.RecordKey("tx", 9), []byte("{")) },
			[]string{"record 9: _tidemark/tx/ledger/00000000000000000009.json: is not a record", "batch9-0", "batch9-1", "batch9-2"}},
		{"record renamed", func(l *lake) { l.write(ledger.RecordKey("tx", 10), l.read(ledger.RecordKey("tx", 9))) },
			[]string{"record 10: _tidemark/tx/ledger/00000000000000000010.json: says that it is record 9"}},
		{"fates edited", func(l *lake) { l.replace(ledger.RecordKey("tx", 6), `"late":2`, `"late":1`) },
			[]string{"record 6: _tidemark/tx/ledger/00000000000000000006.json: was changed after it was written", "record 6: read 18 records, of which 1 have no fate", "record 6: counts 1 rows for output late, but its files have 2", "record 8: _tidemark/tx/checkpoint"}},
		{"range edited", func(l *lake) { l.replace(ledger.RecordKey("tx", 6), `"to":50,"records":9`, `"to":51,"records":9`) },
			[]string{"record 6: _tidemark/tx/ledger/00000000000000000006.json: was changed after it was written", "record 6: has [40, 51) of t/0 as 9 records and 1 skipped", "record 7: does not follow from those before it: t/0 starts at 50, but stands at 51"}},
		{"records edited", func(l *lake) {
			l.replace(ledger.RecordKey("tx", 6), `"to":50,"records":9,"skipped":1`, `"to":50,"records":8,"skipped":2`)
		}, []string{"record 6: _tidemark/tx/ledger/00000000000000000006.json: was changed after it was written", "record 6: read 18 records, but its sources have 17", "+record 6: 9 records of t/0 in [40, 50) are in its files, it says 8"}},
		{"source edited in a way that follows", func(l *lake) { l.replace(ledger.RecordKey("tx", 8), `"leader_epoch":0`, `"leader_epoch":3`) },
			[]string{"record 8: _tidemark/tx/ledger/00000000000000000008.json: was changed after it was written", "record 8: _tidemark/tx/checkpoint/00000000000000000008.json: does not say what the records up to it say"}},
		{"watermark falls", func(l *lake) {
			l.replace(ledger.RecordKey("tx", 9), `"watermark":"2026-11-22T01:20`, `"watermark":"2026-11-21T01:20`)
		}, []string{"record 9: _tidemark/tx/ledger/00000000000000000009.json: was changed after it was written", "record 9: has watermark 2026-11-21T01:20:00.000000Z, which was 2026-11-22T01:10:00.000000Z before it"}},
		{"decided earlier than the one before", func(l *lake) {
			l.replace(ledger.RecordKey("tx", 9), `"decided_at":"2026-11-22`, `"decided_at":"2026-11-20`)
		}, []string{"record 9: _tidemark/tx/ledger/00000000000000000009.json: was changed after it was written", "record 9: was decided at 2026-11-20"}},
		{"rows of a file edited", func(l *lake) { l.replace(ledger.RecordKey("tx", 9), `"rows":14`, `"rows":13`) },
			[]string{"record 9: _tidemark/tx/ledger/00000000000000000009.json: was changed after it was written", "record 9: counts 14 rows for output main, but its files have 13", "+batch9-0.parquet: has 14 rows, its record says 13"}},
		{"checkpoint edited", func(l *lake) { l.replace(ledger.CheckpointKey("tx", 4), `"next":30`, `"next":20`) },
			[]string{"record 4: _tidemark/tx/checkpoint/00000000000000000004.json: does not say what the records up to it say"}},
		{"checkpoint is no JSON", func(l *lake) { l.write(ledger.CheckpointKey("tx", 4), []byte("oops")) },
			[]string{"record 4: _tidemark/tx/checkpoint/00000000000000000004.json: does not say"}},
		{"event times edited", func(l *lake) {
			l.replace(ledger.RecordKey("tx", 9), `"max_event_time":"2026-11-22T01:19`, `"max_event_time":"2026-11-22T01:18`)
		}, []string{"record 9: _tidemark/tx/ledger/00000000000000000009.json: was changed after it was written", "+has event times from 2026-11-22T01:13:00.000000Z to 2026-11-22T01:19:00.000000Z, its record says 2026-11-22T01:13:00.000000Z to 2026-11-22T01:18:00.000000Z"}},
		{"counts of nulls edited", func(l *lake) { l.replace(ledger.RecordKey("tx", 5), `"nulls":{}`, `"nulls":{"a":1}`) },
			[]string{"record 5: _tidemark/tx/ledger/00000000000000000005.json: was changed after it was written"}},
		{"written anew with other white space", func(l *lake) {
			l.replace(ledger.RecordKey("tx", 9), `"kind":"batch"`, `"kind": "batch"`)
		}, []string{"record 9: _tidemark/tx/ledger/00000000000000000009.json: was changed after it was written"}},
		{"previous edited", func(l *lake) { l.replace(ledger.RecordKey("tx", 5), `"previous":"`, `"previous":"0`) },
			[]string{"record 5: _tidemark/tx/ledger/00000000000000000005.json: was changed after it was written"}},
		{"record forged", func(l *lake) { l.forge(5, func(r *ledger.Record) { r.DecidedBy.User = "nobody" }) },
			[]string{"record 5: _tidemark/tx/ledger/00000000000000000005.json: is not the record that record 6 was written after (SHA-256 "}},
		{"record forged, as one of the first days", func(l *lake) { l.strip(5) },
			[]string{"record 5: does not state which record it was written after, as those before it do", "record 5: _tidemark/tx/ledger/00000000000000000005.json: is not the record that record 6 was written after"}},
		{"first record forged", func(l *lake) { l.forge(1, func(r *ledger.Record) { r.Previous = r.Hash() }) },
			[]string{"record 1: states a record before it, and is the first", "record 1: _tidemark/tx/ledger/00000000000000000001.json: is not the record that record 2 was written after"}},
		{"newest record forged where a checkpoint ends with it", func(l *lake) {
			l.remove(ledger.RecordKey("tx", 9))
			l.forge(8, func(r *ledger.Record) { r.DecidedBy.User = "nobody" })
		}, []string{"record 8: _tidemark/tx/checkpoint/00000000000000000008.json: does not say what the records up to it say", "batch9-0", "batch9-1", "batch9-2"}},
		{"two records of one batch", func(l *lake) {
			l.decide(ledger.Proposal{Kind: ledger.KindBatch, Batch: "batch9",
				Sources: []ledger.Source{{Topic: "t", TopicID: l.topic, From: l.next[0], To: l.next[0], AtEnd: true}},
				Seal: func(st *ledger.State, _ int64) (*ledger.Record, error) {
					return &ledger.Record{Watermark: st.Watermark}, nil
				}})
		},
			[]string{"record 10: decides batch batch9, which record 9 has decided: its rows count twice"}},
		{"a record that follows from nothing, and one after it", func(l *lake) {
			l.forge(8, func(r *ledger.Record) { r.Sources[1] = r.Sources[0] })
			eight, err := ledger.DecodeRecord(l.read(ledger.RecordKey("tx", 8)))
			if err != nil {
				l.t.Fatal(err)
			}
			l.forge(9, func(r *ledger.Record) { r.Previous = eight.Hash() })
		}, []string{"record 8: does not follow from those before it: t/0 is in it twice", "+batch8-0.parquet: 7 rows are not", "+batch8-1.parquet: 1 rows are not", "+batch8-2.parquet: 1 rows are not", "+record 8: 0 records", "record 9: does not follow"}},
		{"a record twice", func(l *lake) {
			l.write(ledger.RecordKey("tx", 10), l.read(ledger.RecordKey("tx", 9)))
			l.forge(10, func(r *ledger.Record) { r.Seq, r.Previous = 10, r.Hash() })
		}, []string{"record 10: does not follow from those before it: t/0 starts at 70, but stands at 80",
			"record 10: decides batch batch9, which record 9 has decided", "batch9-0.parquet: is named twice", "batch9-1.parquet: is named twice", "batch9-2.parquet: is named twice"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := full(t)
			c.damage(l)
			shallow, _ := l.verify(false)
			deep, _ := l.verify(true)
			var want, wantDeep []string
			for _, line := range c.want {
				line, deepOnly := strings.CutPrefix(line, "+")
				wantDeep = append(wantDeep, line)
				if !deepOnly {
					want = append(want, line)
				}
			}
			expect(t, shallow, want)
			expect(t, deep, wantDeep)
		})
	}
}

// TestAnyEditOfARecord changes bytes all over a record of the middle and the newest:
// each single one is found, at the place, without reading a row.
func TestAnyEditOfARecord(t *testing.T) {
	l := full(t)
	for _, seq := range []int64{5, 9} {
		key := ledger.RecordKey("tx", seq)
		data := l.read(key)
		for i := 0; i < len(data); i += 11 {
			edited := bytes.Clone(data)
			edited[i] ^= 1
			l.write(key, edited)
			if got := l.verifyAnyVersion(); !strings.Contains(got, fmt.Sprintf("record %d", seq)) {
				t.Errorf("byte %d of record %d changed: found %q in %s", i, seq, got, edited)
			}
		}
		l.write(key, data)
	}
	if got, _ := l.verify(false); got != "" {
		t.Errorf("after all: found\n%s", got)
	}
}

// TestOldLakeHasNoDifference has a lake whose first records and checkpoint are those
// of the program's first days.
func TestOldLakeHasNoDifference(t *testing.T) {
	l := newLake(t)
	for range 4 {
		l.add(build{})
	}
	l.publish()
	for seq := int64(1); seq <= 5; seq++ {
		l.strip(seq)
	}
	hashes := regexp.MustCompile(`"head_sha256":"[0-9a-f]*","chained":true,`)
	l.write(ledger.CheckpointKey("tx", 4), hashes.ReplaceAll(l.read(ledger.CheckpointKey("tx", 4)), nil))
	l.ledger = ledger.New(l.store, "tx", ledger.WithCheckpointEvery(4))
	for range 4 {
		l.add(build{})
	}
	l.publish()
	got, sum := l.verify(true)
	if got != "" || sum.Head != 9 || sum.Linked != 4 {
		t.Errorf("found %q in %d records, %d linked, want 9 and 4", got, sum.Head, sum.Linked)
	}
}

// expect wants a line for each of want, in order, and no others.
func expect(t *testing.T, got string, want []string) {
	t.Helper()
	lines := strings.FieldsFunc(got, func(r rune) bool { return r == '\n' })
	ok := len(lines) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.Contains(lines[i], want[i])
	}
	if !ok {
		t.Errorf("found\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// TestDeep decides batches whose rows are not what their record says, as a faulty
// program would: only reading the rows shows it.
func TestDeep(t *testing.T) {
	at := day.Add(time.Minute)
	tomorrow := day.Add(24 * time.Hour)
	for _, c := range []struct {
		name   string
		change func(*build)
		want   []string
	}{
		{"a row twice", func(b *build) { b.rows[3] = b.rows[2] },
			[]string{"1 rows of t/0 have an offset that another row has, the first is offset 5", "8 records of t/0 in [0, 10) are in its files, it says 9"}},
		{"a row in two outputs", func(b *build) { b.late[0].Offset = b.rows[0].Offset },
			[]string{"1 rows of t/0 have an offset that another row has, the first is offset 3", "8 records of t/0"}},
		{"a row of another range", func(b *build) { b.rows[0].Offset = 10 },
			[]string{"batch2-0.parquet: 1 rows are not from the ranges of the record, the first is row 0: t, offset 10", "8 records of t/0"}},
		{"a row of another topic", func(b *build) { b.rows[13].Topic = "u" },
			[]string{"batch2-0.parquet: 1 rows are not from the ranges of the record, the first is row 13: u, offset 9", "8 records of t/1"}},
		{"a row of another partition", func(b *build) { b.rejects[1].Partition = 2 },
			[]string{"batch2-2.parquet: 1 rows are not from the ranges of the record, the first is row 1: t, offset 1", "8 records of t/1"}},
		{"a row less", func(b *build) { b.rows = b.rows[:13] },
			[]string{"batch2-0.parquet: has 13 rows, its record says 14", "8 records of t/1 in [0, 10) are in its files, it says 9"}},
		{"rows of another batch", func(b *build) { b.rows[2].Batch, b.rows[9].Batch = "batch1", "" },
			[]string{`batch2-0.parquet: 2 rows are of another batch, the first is row 2: "batch1"`}},
		{"a row of another day", func(b *build) { b.rows[1].When = &tomorrow },
			[]string{"batch2-0.parquet: 1 rows belong to another day, the first is row 1: 2026-11-23T00:00:00.000000Z", "has event times from"}},
		{"a rejected row of another day", func(b *build) { b.rejects[1].Timestamp = tomorrow },
			[]string{"batch2-2.parquet: 1 rows belong to another day, the first is row 1"}},
		{"an event time before those of the record", func(b *build) { b.rows[1].When = &at },
			[]string{"batch2-0.parquet: has event times from 2026-11-22T00:01:00.000000Z to 2026-11-22T00:09:00.000000Z, its record says 2026-11-22T00:03"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLake(t)
			l.add(build{change: c.change})
			l.publish()
			if got, _ := l.verify(false); got != "" {
				t.Errorf("found without reading the rows:\n%s", got)
			}
			got, _ := l.verify(true)
			expect(t, got, c.want)
		})
	}
}

// TestLateRowsMayBeDropped has late rows that no file holds: they are counted, and
// only the total can be compared.
func TestLateRowsMayBeDropped(t *testing.T) {
	l := newLake(t)
	l.add(build{dropLate: true})
	l.publish()
	if got, _ := l.verify(true); got != "" {
		t.Errorf("found\n%s", got)
	}
	l = newLake(t)
	l.add(build{dropLate: true, change: func(b *build) { b.rows[3] = b.rows[2] }})
	got, _ := l.verify(true)
	expect(t, got, []string{"offset that another row has", "15 records are in its files, it says 16 (18 read, 2 dropped)"})
}

// TestRecordOfANewerVersion cannot be judged: it is an error, not a difference.
func TestRecordOfANewerVersion(t *testing.T) {
	l := full(t)
	l.replace(ledger.RecordKey("tx", 9), `"version":1`, `"version":2`)
	_, err := verify.Table(t.Context(), l.store, "tx", verify.Options{Found: func(f verify.Finding) { t.Error(f) }})
	if !errors.Is(err, ledger.ErrUnsafe) {
		t.Errorf("got %v", err)
	}
}

// TestWhatIsDecidedMeanwhile publishes a batch while the lake is verified: its files
// are seen by the listing, though the walk did not meet its record.
func TestWhatIsDecidedMeanwhile(t *testing.T) {
	l := full(t)
	busy := &busyLake{lake: l}
	_, err := verify.Table(t.Context(), busy, "tx", verify.Options{Deep: true, Found: func(f verify.Finding) { t.Error(f) }})
	if err != nil {
		t.Fatal(err)
	}
	if !busy.done {
		t.Error("the batch was not added")
	}
}

func TestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := verify.Table(ctx, full(t).store, "tx", verify.Options{Found: func(f verify.Finding) { t.Error(f) },
		Progress: func(verify.Summary) {
			if n++; n == 3 {
				cancel()
			}
		}})
	if !errors.Is(err, context.Canceled) || n != 3 {
		t.Errorf("got %v after %d records", err, n)
	}
}

func ExampleFinding() {
	fmt.Println(verify.Finding{Table: "transactions", Seq: 42, File: "transactions/yyyy=2026/mm=11/dd=22/b-0.parquet", What: "has 100 bytes"})
	// Output: transactions: record 42: transactions/yyyy=2026/mm=11/dd=22/b-0.parquet: has 100 bytes
}

// TestPublishedBetweenTwoLooks has a publisher move each file just after the final
// name was looked at and found missing.
func TestPublishedBetweenTwoLooks(t *testing.T) {
	l := newLake(t)
	l.add(build{})
	_, err := verify.Table(t.Context(), &racedLake{lake: l}, "tx", verify.Options{Found: func(f verify.Finding) { t.Error(f) }})
	if err != nil {
		t.Fatal(err)
	}
}
