package verify

import (
	"context"
	"strings"

	"tidemark/internal/ledger"
)

// strays reports the Parquet files below the table's folders that no record names
// (V4): rows that readers see and nobody decided.
func (v *verifier) strays(ctx context.Context) error {
	var unnamed []string
	for _, o := range []ledger.Output{ledger.Main, ledger.LateRows, ledger.Quarantine} {
		entries, err := v.lake.List(ctx, o.Dir(v.sum.Table)+"/")
		if err != nil {
			return err
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Key, ".parquet") && !v.known[hash(e.Key)] {
				unnamed = append(unnamed, e.Key)
			}
		}
	}
	if len(unnamed) == 0 {
		return nil
	}
	if err := v.readNewer(ctx); err != nil {
		return err
	}
	for _, key := range unnamed {
		if !v.known[hash(key)] {
			v.found(0, key, "is named by no record: readers see rows that nobody decided")
		}
	}
	return nil
}

// readNewer learns the files of records that were decided since the walk: what the
// listing shows was decided before it was published.
func (v *verifier) readNewer(ctx context.Context) error {
	for seq := v.sum.Head + 1; ; seq++ {
		data, err := v.lake.Read(ctx, ledger.RecordKey(v.sum.Table, seq))
		if absent(err) {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := ledger.DecodeRecord(data)
		if err != nil {
			continue // for the next verification to report
		}
		for i := range r.Files {
			v.known[hash(r.Files[i].Path)] = true
		}
	}
}
