package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Progress is how far a source is decided.
type Progress struct {
	Next        int64 `json:"next"` // the first offset not decided: where reading goes on (R2)
	LeaderEpoch int32 `json:"leader_epoch"`
	// Seen is an offset that the last record decided lay at or before, less one: the log
	// had as much when LeaderEpoch was the leader's. 0: no record is decided.
	Seen         int64 `json:"seen,omitempty"`
	MaxEventTime *Time `json:"max_event_time"` // newest event time decided, null if none
	AtEnd        bool  `json:"at_end"`         // idle: was fully read when last decided
	Retired      bool  `json:"retired"`        // its topic was made anew under another id

	// Of a file: what it was when it was read last, as in Source, and the number that
	// the next record may have at least. AtEnd says that it was read to its end.
	Size    int64  `json:"size,omitempty"`
	Version string `json:"modified_or_etag,omitempty"`
	Hash    Sum    `json:"hash,omitempty"`
	Line    int64  `json:"line,omitempty"`
}

// DriftKey is a difference to the table's schema that the ledger has recorded.
type DriftKey struct {
	Change string `json:"change"`
	Column string `json:"column"`
	From   string `json:"from"`
	To     string `json:"to"`
}

func compareDrifts(a, b DriftKey) int {
	return cmp.Or(cmp.Compare(a.Change, b.Change), cmp.Compare(a.Column, b.Column), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
}

// Pending is a decided batch from the mark on.
type Pending struct {
	Seq   int64  `json:"seq"`
	Batch string `json:"batch"`
}

// Range is a half-open range of one source.
type Range struct {
	Source Key   `json:"source"`
	From   int64 `json:"from"`
	To     int64 `json:"to"`
}

// Halt is a recorded halt whose sources have not moved since.
type Halt struct {
	Seq    int64   `json:"seq"`
	Batch  string  `json:"batch"`
	Why    string  `json:"why"`
	Ranges []Range `json:"ranges"` // ordered by source
}

// State is a ledger folded up to Head. It is immutable: callers must not change
// what it points to, and Apply gives a new one.
type State struct {
	Version   int    `json:"version"`
	Table     string `json:"table"`
	Head      int64  `json:"head"`        // the last record folded, 0: none
	Mark      int64  `json:"mark"`        // all finals of every record below it are verified (R8)
	HeadHash  string `json:"head_sha256"` // of the bytes of the last record, empty: none
	Chained   bool   `json:"chained"`     // some record stated the one before it: all after it must (R14)
	DecidedAt Time   `json:"decided_at"`
	Watermark *Time  `json:"watermark"` // null: none yet

	Sources map[Key]Progress `json:"sources"`
	Drifts  []DriftKey       `json:"drifts"`  // ordered
	Pending []Pending        `json:"pending"` // ordered; every batch record in [Mark, Head]
	Halts   []Halt           `json:"halts"`
	// Totals are the fates of all rows, those of the quarantine that were replayed as they
	// are since; Replayed is how often one was.
	Totals   Counts `json:"totals"`
	Replayed int64  `json:"replayed,omitempty"`
	Runs     int64  `json:"runs,omitempty"` // backfill commands that came to their end
	// Schema is what was recorded first of the columns that were inferred for the table.
	Schema []Column `json:"schema,omitempty"`
	// Schemas are the ids of the schemas that were recorded, ordered. Columns are those of the
	// table as they were recorded last, Past those that it had besides: each name and type once.
	Schemas []string `json:"schemas,omitempty"`
	Columns []Column `json:"columns,omitempty"`
	Past    []Column `json:"past_columns,omitempty"`
	// Versions is how many versions of their names and types there were.
	Versions int64 `json:"versions_of_columns,omitempty"`
}

// NewState is the state of an empty ledger.
func NewState(table string) *State {
	return &State{Version: Version, Table: table, Mark: 1, Sources: map[Key]Progress{}}
}

// mostDrifts is how many differences of one change a state keeps: a producer that
// makes up keys as it goes must not make every state and checkpoint grow for ever.
const mostDrifts = 1000

// KnowsDrift says whether the ledger has recorded this difference, or so many of
// its change that it records no more of them.
func (s *State) KnowsDrift(d Drift) bool {
	_, known, room := s.findDrift(DriftKey{d.Change, d.Column, d.From, d.To})
	return known || !room
}

// findDrift says where a difference stands among those that are kept, or would; and
// whether there is room for another one of its change.
func (s *State) findDrift(k DriftKey) (at int, known, room bool) {
	at, known = slices.BinarySearchFunc(s.Drifts, k, compareDrifts)
	byChange := func(d DriftKey, change string) int { return cmp.Compare(d.Change, change) }
	first, _ := slices.BinarySearchFunc(s.Drifts, k.Change, byChange)
	return at, known, first+mostDrifts > len(s.Drifts) || s.Drifts[first+mostDrifts-1].Change != k.Change
}

// mostSchemas is how many schemas a state keeps.
const mostSchemas = 10_000

// KnowsSchema says whether the ledger has recorded the schema of an id, or so many that it
// records no more.
func (s *State) KnowsSchema(id string) bool {
	_, known := slices.BinarySearch(s.Schemas, id)
	return known || len(s.Schemas) >= mostSchemas
}

// HasColumns says whether these are the columns that were recorded last.
func (s *State) HasColumns(columns []Column) bool {
	return slices.EqualFunc(s.Columns, columns, Column.Equal)
}

// foldSchemas takes in what a record says of schemas.
func (s *State) foldSchemas(r *Record) {
	for i, w := range r.Schemas {
		if i == 0 {
			s.Schemas = slices.Clone(s.Schemas)
		}
		if at, known := slices.BinarySearch(s.Schemas, w.ID); !known && len(s.Schemas) < mostSchemas {
			s.Schemas = slices.Insert(s.Schemas, at, w.ID)
		}
	}
	if len(r.Columns) == 0 {
		return
	}
	past := slices.Clone(s.Past)
	has := func(columns []Column, c Column) bool {
		return slices.ContainsFunc(columns, func(d Column) bool { return d.Name == c.Name && d.Type == c.Type })
	}
	for _, c := range s.Columns {
		if !has(past, c) && !has(r.Columns, c) && len(past) < mostPast {
			past = append(past, Column{Name: c.Name, Type: c.Type})
		}
	}
	if len(s.Columns) != len(r.Columns) || slices.ContainsFunc(r.Columns, func(c Column) bool { return !has(s.Columns, c) }) {
		s.Versions++
	}
	s.Past, s.Columns = past, r.Columns
}

// mostPast is how many columns of the past a state keeps: far more than any table had.
const mostPast = 10_000

// Keys returns the sources in order.
func (s *State) Keys() []Key { return slices.SortedFunc(maps.Keys(s.Sources), compareKeys) }

// Apply folds one record. It refuses what it does not know, a number that is not
// the next one, a record that was written after another one than the last, and one
// whose sources do not stand where it begins: all of these are ErrUnsafe.
func (s *State) Apply(r *Record) (*State, error) {
	if r.Version != Version {
		return nil, &UnsupportedError{Table: s.Table, Seq: r.Seq, What: fmt.Sprintf("version %d", r.Version)}
	}
	if r.Seq != s.Head+1 {
		return nil, &HoleError{Table: s.Table, Missing: s.Head + 1, Seen: r.Seq}
	}
	switch r.Kind {
	case KindBatch, KindClaim, KindHalt, KindRun:
	default:
		return nil, &UnsupportedError{Table: s.Table, Seq: r.Seq, What: fmt.Sprintf("kind %q", r.Kind)}
	}
	for i := range r.Sources {
		if r.Sources[i].Topic == "" && r.Sources[i].File == "" {
			return nil, &UnsupportedError{Table: s.Table, Seq: r.Seq, What: "a source that is neither a topic nor a file"}
		}
	}
	if err := s.succeeds(r); err != nil {
		return nil, &ChainError{Table: s.Table, Seq: r.Seq, Err: err}
	}
	if err := s.Compare(r.Kind, r.Sources); err != nil {
		return nil, &ChainError{Table: s.Table, Seq: r.Seq, Err: err}
	}
	if err := r.checkReplay(); err != nil {
		return nil, &ChainError{Table: s.Table, Seq: r.Seq, Err: err}
	}
	next := *s
	next.Head, next.HeadHash, next.Chained = r.Seq, r.hash, s.Chained || r.Previous != ""
	next.DecidedAt = max(s.DecidedAt, r.DecidedAt)
	switch r.Kind {
	case KindBatch:
		next.foldBatch(r)
	case KindClaim:
		next.foldSources(r)
		if len(s.Schema) == 0 {
			next.Schema = r.Schema
		}
	case KindHalt:
		next.foldHalt(r)
	case KindRun:
		next.Runs++
	}
	// What has no files has nothing to publish: the mark passes it at once.
	if len(next.Pending) == 0 {
		next.Mark = next.Head + 1
	}
	return &next, nil
}

// succeeds says whether a record was written after the one that was folded last
// (R14). Records of the program's first days state nothing: those are taken as long
// as none before them did.
func (s *State) succeeds(r *Record) error {
	switch {
	case r.Previous == "" && s.Chained:
		return errors.New("it does not state which record it was written after, and those before it do")
	case r.Previous != "" && r.Previous != s.HeadHash:
		return fmt.Errorf("it was written after a record %d with SHA-256 %.12s…, which is now %.12s…", s.Head, r.Previous, s.HeadHash)
	}
	return nil
}

// The folds below change a copy that nobody else has seen, and replace every list
// and map that they change.

func (s *State) foldBatch(r *Record) {
	s.foldSources(r)
	s.foldSchemas(r)
	s.Pending = append(slices.Clone(s.Pending), Pending{Seq: r.Seq, Batch: r.Batch})
	s.Totals.Add(r.Counts)
	if n := r.Replayed(); n > 0 {
		s.Totals.Read, s.Totals.Quarantined, s.Replayed = s.Totals.Read-n, s.Totals.Quarantined-n, s.Replayed+n
	}
	if r.Watermark != nil && (s.Watermark == nil || *r.Watermark > *s.Watermark) {
		s.Watermark = r.Watermark
	}
	for _, d := range r.Drift {
		k := DriftKey{d.Change, d.Column, d.From, d.To}
		if at, known, room := s.findDrift(k); !known && room {
			s.Drifts = slices.Insert(slices.Clone(s.Drifts), at, k)
		}
	}
}

func (s *State) foldSources(r *Record) {
	if len(r.Sources) == 0 {
		return
	}
	s.Sources = maps.Clone(s.Sources)
	for i := range r.Sources {
		src := &r.Sources[i]
		p, known := s.Sources[src.Key()]
		if !known && src.File == "" {
			s.retire(src.Topic, src.TopicID)
		}
		if !known || src.To > src.From || src.LeaderEpoch > p.LeaderEpoch {
			p.LeaderEpoch = src.LeaderEpoch
		}
		if t := src.MaxEventTime; t != nil && (p.MaxEventTime == nil || *t > *p.MaxEventTime) {
			p.MaxEventTime = t
		}
		if src.Records > 0 && src.File == "" {
			p.Seen = src.From + src.Records
		}
		p.Next, p.AtEnd = src.To, src.AtEnd
		p.Size, p.Version, p.Hash, p.Line = src.Size, src.Version, src.Hash, src.ToLine
		s.Sources[src.Key()] = p
	}
	// A halt is over when one of its sources has moved on.
	s.Halts = slices.DeleteFunc(slices.Clone(s.Halts), func(h Halt) bool {
		return slices.ContainsFunc(h.Ranges, func(g Range) bool { return s.Sources[g.Source].Next != g.From })
	})
}

// retire marks the sources that the topic had under other ids.
func (s *State) retire(topic string, id TopicID) {
	for k, p := range s.Sources {
		if k.Topic == topic && k.TopicID != id {
			p.Retired = true
			s.Sources[k] = p
		}
	}
}

func (s *State) foldHalt(r *Record) {
	h := Halt{Seq: r.Seq, Batch: r.Batch, Why: r.Why, Ranges: rangesOf(r.Sources)}
	// One is kept per start: a larger batch from the same start replaces it.
	s.Halts = slices.DeleteFunc(slices.Clone(s.Halts), func(old Halt) bool {
		return slices.EqualFunc(old.Ranges, h.Ranges, func(a, b Range) bool { return a.Source == b.Source && a.From == b.From })
	})
	s.Halts = append(s.Halts, h)
}

func rangesOf(sources []Source) []Range {
	out := make([]Range, len(sources))
	for i := range sources {
		out[i] = Range{Source: sources[i].Key(), From: sources[i].From, To: sources[i].To}
	}
	slices.SortFunc(out, func(a, b Range) int { return compareKeys(a.Source, b.Source) })
	return out
}

// Halted returns the halt recorded for exactly these ranges.
func (s *State) Halted(sources []Source) (Halt, bool) {
	want := rangesOf(sources)
	i := slices.IndexFunc(s.Halts, func(h Halt) bool { return slices.Equal(h.Ranges, want) })
	if i < 0 {
		return Halt{}, false
	}
	return s.Halts[i], true
}

// Compare says whether a record of this kind with these sources may follow (R4):
// every source stands exactly where its range begins; a source that is claimed as
// new is absent. The error is mostly a *MovedError.
func (s *State) Compare(kind Kind, sources []Source) error {
	if err := checkRanges(kind, sources); err != nil {
		return err
	}
	for i := range sources {
		if err := s.compareSource(&sources[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkRanges finds what no record may hold, whatever the state.
func checkRanges(kind Kind, sources []Source) error {
	seen := make(map[Key]bool, len(sources))
	for i := range sources {
		src := &sources[i]
		k := src.Key()
		if seen[k] {
			return fmt.Errorf("%s is in it twice", k.Place())
		}
		seen[k] = true
		if src.To < src.From || src.First && (kind != KindClaim || src.From != src.To) {
			return fmt.Errorf("%s: [%d, %d) is not a range for a %s", k.Place(), src.From, src.To, kind)
		}
	}
	return nil
}

func (s *State) compareSource(src *Source) error {
	p, known := s.Sources[src.Key()]
	if src.File != "" && !known {
		return s.compareNewFile(src)
	}
	switch {
	case src.First && known:
		return &MovedError{Key: src.Key(), Start: -1, Next: p.Next}
	case src.First && s.retired(src.Topic, src.TopicID):
		// Somebody who still knows the deleted topic: its id must not come back.
		return errors.New(src.Key().Place() + " belongs to a topic that was made anew")
	case src.First:
		return nil
	case !known:
		return &MovedError{Key: src.Key(), Start: src.From, Next: -1}
	case p.Next != src.From:
		return &MovedError{Key: src.Key(), Start: src.From, Next: p.Next}
	}
	return nil
}

// compareNewFile is for a file that the ledger does not know: it stands at 0. To be
// read again, it must have been read before.
func (s *State) compareNewFile(src *Source) error {
	k := src.Key()
	if k.Again > 0 {
		k.Again--
		if _, known := s.Sources[k]; !known {
			return fmt.Errorf("%s is to be read again, but %s was not read", src.Key().Place(), k.Place())
		}
	}
	if src.From != 0 {
		return &MovedError{Key: src.Key(), Start: src.From, Next: 0}
	}
	return nil
}

func (s *State) retired(topic string, id TopicID) bool {
	for k, p := range s.Sources {
		if k.Topic == topic && k.TopicID == id && p.Retired {
			return true
		}
	}
	return false
}

// withMark is s with everything below mark published: its own mark goes to the
// first batch from there on, or past the head.
func (s *State) withMark(mark int64) *State {
	if mark <= s.Mark {
		return s
	}
	next := *s
	next.Pending = slices.DeleteFunc(slices.Clone(s.Pending), func(p Pending) bool { return p.Seq < mark })
	next.Mark = s.Head + 1
	if len(next.Pending) > 0 {
		next.Mark = next.Pending[0].Seq
	}
	return &next
}

// Add adds those of d.
func (c *Counts) Add(d Counts) {
	c.Read += d.Read
	c.Written += d.Written
	c.Late += d.Late
	c.Quarantined += d.Quarantined
	c.Duplicate += d.Duplicate
	c.Filtered += d.Filtered
}
