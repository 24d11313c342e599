package verify_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"tidemark/internal/ledger"
)

// taken is a replay of the file of the quarantine that record 3 has: of its two rows, one
// passes. Change alters what is decided.
type taken struct {
	source ledger.Source
	rows   []row
	stay   []reject
}

func (l *lake) replay(change func(*taken)) {
	l.t.Helper()
	id := l.id()
	old := l.record(3).Files[2]
	at := day.Add(11 * time.Minute)
	x := taken{
		source: ledger.Source{
			File: ledger.QuarantineSource(old.Path), Size: old.Bytes, Version: "batch3", To: old.Rows, Hash: old.XXH3,
			FromLine: 1, ToLine: old.Rows + 1, Records: old.Rows, AtEnd: true,
		},
		rows: []row{{&at, id, "t", 0, 11}}, stay: []reject{{at, id, "t", 1, 11}},
	}
	change(&x)
	var files []ledger.File
	file := func(o ledger.Output, rows int, at *ledger.Time, data []byte) {
		f := ledger.File{Output: o, Rows: int64(rows), Bytes: int64(len(data)), XXH3: ledger.Sum(xxh3.Hash(data)), MinEventTime: at, MaxEventTime: at,
			Path:   fmt.Sprintf("%s/yyyy=2026/mm=11/dd=22/%s-%d.parquet", o.Dir("tx"), id, len(files)),
			Staged: fmt.Sprintf("%s/%d", ledger.StagingDir("tx", id), len(files))}
		l.stage(f.Staged, data)
		files = append(files, f)
	}
	when := ledger.At(at)
	file(ledger.Main, len(x.rows), &when, encode(l.t, x.rows))
	file(ledger.Quarantine, len(x.stay), nil, encode(l.t, x.stay))
	counts := ledger.Counts{Read: x.source.Records, Written: int64(len(x.rows)), Quarantined: int64(len(x.stay))}
	l.decide(ledger.Proposal{Kind: ledger.KindBatch, Batch: id, Sources: []ledger.Source{x.source}, Seal: func(st *ledger.State, _ int64) (*ledger.Record, error) {
		return &ledger.Record{DecidedAt: st.DecidedAt, Counts: counts, Files: files, Watermark: st.Watermark, Why: "replay"}, nil
	}})
	l.publish()
}

// TestReplay wants the rows of a replay to be those of the file that it took, each once,
// and the file to be one that was written so (V8).
func TestReplay(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*taken)
		want   []string // as in TestDamage
	}{
		{"whole", func(*taken) {}, nil},
		{"another offset", func(x *taken) { x.rows[0].Offset = 13 }, []string{"+batch10-0.parquet: 1 rows are not from the ranges of the record, the first is row 0: t, offset 13", "+record 10: 0 records of t/0 in [11, 12) are in its files, it says 1"}},
		{"another partition", func(x *taken) { x.rows[0].Partition = 1 }, []string{"+record 10: 0 records of t/0", "+record 10: 1 rows of t/1 have an offset that another row has, the first is offset 11"}},
		{"another topic", func(x *taken) { x.stay[0].Topic = "u" }, []string{"+batch10-1.parquet: 1 rows are not from the ranges", "+record 10: 0 records of t/1"}},
		{"a row of another batch", func(x *taken) { x.rows[0].Batch = "batch3" }, []string{"+batch10-0.parquet: 1 rows are of another batch"}},
		{"a file that nobody wrote", func(x *taken) {
			x.source.File = ledger.QuarantineSource("tx_quarantine/yyyy=2026/mm=11/dd=22/batch0-2.parquet")
		},
			[]string{"record 10: tx_quarantine/yyyy=2026/mm=11/dd=22/batch0-2.parquet: is replayed, and no record before this one has written it", "+batch10-0.parquet: 1 rows are not", "+batch10-1.parquet: 1 rows are not"}},
		{"a file with another checksum", func(x *taken) { x.source.Hash = 1 }, []string{"record 10: tx_quarantine/yyyy=2026/mm=11/dd=22/batch3-2.parquet: is replayed as 2 rows with checksum 0000000000000001, and was written as 2 with "}},
		{"a file of more rows than it has", func(x *taken) {
			at := day.Add(11 * time.Minute)
			x.source.To, x.source.Records, x.source.ToLine = 3, 3, 4
			x.rows = append(x.rows, row{&at, x.rows[0].Batch, "t", 0, 12})
		}, []string{"is replayed as 3 rows with checksum", "+batch10-0.parquet: 1 rows are not from the ranges"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := full(t)
			l.replay(c.change)
			var shallow, deep []string
			for _, line := range c.want {
				if line[0] == '+' {
					deep = append(deep, line[1:])
					continue
				}
				shallow, deep = append(shallow, line), append(deep, line)
			}
			got, _ := l.verify(false)
			expect(t, got, shallow)
			got, _ = l.verify(true)
			expect(t, got, deep)
		})
	}
}

// TestReplayedTwice wants no ledger to take a file of the quarantine a second time, nor
// part of one, nor one of another table.
func TestReplayedTwice(t *testing.T) {
	l := full(t)
	l.replay(func(*taken) {})
	path := l.record(3).Files[2].Path
	if st := l.ledger.State(); !st.Gone(path) || st.Replayed != 2 || st.Totals.Read != 8*18 {
		t.Errorf("gone: %t, replayed %d, totals %+v", st.Gone(path), st.Replayed, st.Totals)
	}
	whole := l.record(10).Sources[0]
	for name, change := range map[string]func(*ledger.Source){
		"again": func(*ledger.Source) {}, "once more": func(s *ledger.Source) { s.Again = 1 },
		"part":          func(s *ledger.Source) { s.File = ledger.QuarantineSource(l.record(4).Files[2].Path); s.AtEnd = false },
		"another table": func(s *ledger.Source) { s.File = ledger.QuarantineSource("ty_quarantine/a.parquet") },
		"no quarantine": func(s *ledger.Source) { s.File = ledger.QuarantineSource("tx/a.parquet") },
	} {
		s := whole
		change(&s)
		d, err := l.ledger.Decide(t.Context(), ledger.Proposal{Kind: ledger.KindBatch, Batch: l.id(), Sources: []ledger.Source{s}, Seal: func(*ledger.State, int64) (*ledger.Record, error) {
			return &ledger.Record{Counts: ledger.Counts{Read: 2, Quarantined: 2}}, nil
		}})
		if err == nil && !d.Dropped {
			t.Errorf("%s: it was decided", name)
		}
	}
	if st := l.ledger.State(); st.Head != 10 {
		t.Errorf("the head is %d, want 10", st.Head)
	}
}
