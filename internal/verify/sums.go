package verify

import (
	"strings"

	"tidemark/internal/ledger"
)

// addsUp holds a record against itself (V2).
func (v *verifier) addsUp(r *ledger.Record) {
	if b := r.Counts.Balance(); b != 0 {
		v.found(r.Seq, "", "read %d records, of which %d have no fate, or two", r.Counts.Read, b)
	}
	var records int64
	for i := range r.Sources {
		s := &r.Sources[i]
		records += s.Records
		if s.File != "" {
			if err := s.Check(); err != nil {
				v.found(r.Seq, "", "%v", err)
			}
			continue
		}
		if s.To-s.From != s.Records+s.Skipped || s.Records < 0 || s.Skipped < 0 {
			v.found(r.Seq, "", "has [%d, %d) of %s/%d as %d records and %d skipped", s.From, s.To, s.Topic, s.Partition, s.Records, s.Skipped)
		}
	}
	if r.Kind != ledger.KindBatch {
		if len(r.Files) > 0 {
			v.found(r.Seq, "", "is a %s and has files", r.Kind)
		}
		return
	}
	if records != r.Counts.Read {
		v.found(r.Seq, "", "read %d records, but its sources have %d", r.Counts.Read, records)
	}
	v.filesAddUp(r)
}

// filesAddUp compares the rows of the files with the fates.
func (v *verifier) filesAddUp(r *ledger.Record) {
	rows := map[ledger.Output]int64{}
	for i := range r.Files {
		f := &r.Files[i]
		rows[f.Output] += f.Rows
		name := f.Path[strings.LastIndexByte(f.Path, '/')+1:]
		if !strings.HasPrefix(f.Path, f.Output.Dir(r.Table)+"/") || !strings.HasPrefix(name, r.Batch) || !strings.HasSuffix(name, ".parquet") {
			v.found(r.Seq, f.Path, "is no place for a file of output %q and batch %s", f.Output, r.Batch)
		}
	}
	want := map[ledger.Output]int64{ledger.Main: r.Counts.Written, ledger.Quarantine: r.Counts.Quarantined, ledger.LateRows: r.Counts.Late}
	if rows[ledger.LateRows] == 0 {
		want[ledger.LateRows] = 0 // a table may drop late rows
	}
	for _, o := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
		if rows[o] != want[o] {
			v.found(r.Seq, "", "counts %d rows for output %s, but its files have %d", want[o], o, rows[o])
		}
	}
}
