package ledger

import (
	"errors"
	"fmt"
	"strings"
)

// lakeScheme begins the name of a source that lies in the lake itself. A lake may be moved
// to another place, so the rest is relative to it.
const lakeScheme = "lake://"

// QuarantineSource names, as a source, a file of a table's quarantine, whose path is
// relative to the lake.
func QuarantineSource(path string) string { return lakeScheme + path }

// Quarantined is the path of the quarantine file that a source is, relative to the lake;
// false: it is something else.
func (k Key) Quarantined() (path string, ok bool) { return strings.CutPrefix(k.File, lakeScheme) }

// Replayed is how many rows of the table's quarantine the record has judged anew, 0: it
// is no replay. What it says of them counts in the place of what was said before.
func (r *Record) Replayed() int64 {
	n := int64(0)
	for i := range r.Sources {
		if _, ok := r.Sources[i].Key().Quarantined(); ok {
			n += r.Sources[i].Records
		}
	}
	return n
}

// Gone reports whether a file of the table's quarantine is history: its rows were replayed,
// and lie elsewhere since.
func (s *State) Gone(path string) bool {
	_, known := s.Sources[Key{File: QuarantineSource(path)}]
	return known
}

// checkReplay finds what no replay may say: it takes whole files of its own table's
// quarantine, each once, and nothing else.
func (r *Record) checkReplay() error {
	files := 0
	for i := range r.Sources {
		s := &r.Sources[i]
		path, ok := s.Key().Quarantined()
		if !ok {
			continue
		}
		files++
		switch {
		case !strings.HasPrefix(path, Quarantine.Dir(r.Table)+"/") || !strings.HasSuffix(path, ".parquet"):
			return fmt.Errorf("check source %s: it is no file of the quarantine of %s", s.File, r.Table)
		case s.Again != 0 || s.From != 0 || !s.AtEnd || s.Records != s.To || s.FromLine != 1 || s.ToLine != s.To+1:
			return fmt.Errorf("check source %s: a replay takes whole files, once", s.File)
		}
	}
	if files > 0 && (files < len(r.Sources) || r.Kind == KindClaim || r.Kind == KindRun) {
		return errors.New("check sources: a replay takes files of the quarantine, and nothing else")
	}
	return nil
}
