package verify

import (
	"fmt"
	"slices"

	"tidemark/internal/ledger"
)

// tally is what the files of one record hold.
type tally struct {
	record  *ledger.Record
	sources []*source
	late    int64 // rows of late files
	damaged bool  // a file is missing or different: its rows cannot be counted
	raw     bool  // some of its sources are raw files
	replay  bool  // its sources are being learned
}

// source is a range of the record, and the places that rows of its files have:
// offsets in a partition, lines of a raw file.
type source struct {
	name      string // topic, or URL of a raw file
	partition int32
	raw       bool
	from, to  int64
	records   int64
	places    []int64
	want      []int64 // of a replay: the only places that rows may have, in order
}

func (s *source) String() string {
	if s.raw {
		return s.name
	}
	return fmt.Sprintf("%s/%d", s.name, s.partition)
}

// place is what the places of s are called.
func (s *source) place() string {
	if s.raw {
		return "line"
	}
	return "offset"
}

func newTally(r *ledger.Record) *tally {
	t := &tally{record: r}
	for i := range r.Sources {
		s := &r.Sources[i]
		if s.File != "" {
			t.raw = true
			t.sources = append(t.sources, &source{name: s.File, raw: true, from: s.FromLine, to: s.ToLine, records: s.Records})
			continue
		}
		t.sources = append(t.sources, &source{name: s.Topic, partition: s.Partition, from: s.From, to: s.To, records: s.Records})
	}
	for i := range r.Files {
		if r.Files[i].Output == ledger.LateRows {
			t.late += r.Files[i].Rows
		}
	}
	return t
}

// source is that of a partition, or of a raw file (whose partition is 0), nil if the
// record has none. Last, that of the row before, is mostly the one.
func (t *tally) source(last *source, name string, partition int32) *source {
	if last != nil && last.partition == partition && last.name == name {
		return last
	}
	for _, s := range t.sources {
		if s.partition == partition && s.name == name {
			return s
		}
	}
	if t.replay {
		return t.first(name, partition)
	}
	return nil
}

// offsets compares the places that rows have with the ranges of the record. Ranges
// of different records do not overlap, for the records follow from each other (V1):
// a place that is once in its record is once in the table.
func (v *verifier) offsets(t *tally) {
	var found, read int64
	for _, s := range t.sources {
		slices.Sort(s.places)
		distinct, twice := distinct(s.places)
		if n := int64(len(s.places)) - distinct; n > 0 {
			v.found(t.record.Seq, "", "%d rows of %s have %s that another row has, the first is %s %d",
				n, s, map[bool]string{true: "a line", false: "an offset"}[s.raw], s.place(), twice)
		}
		found, read = found+distinct, read+s.records
		if t.damaged || t.dropped() > 0 {
			continue
		}
		if distinct != s.records {
			v.found(t.record.Seq, "", "%d records of %s in [%d, %d) are in its files, it says %d",
				distinct, s, s.from, s.to, s.records)
		}
	}
	if t.damaged || t.dropped() == 0 {
		return
	}
	if found != read-t.dropped() {
		v.found(t.record.Seq, "", "%d records are in its files, it says %d (%d read, %d dropped)", found, read-t.dropped(), read, t.dropped())
	}
}

// dropped are the records that no file holds, on purpose.
func (t *tally) dropped() int64 {
	return max(t.record.Counts.Late-t.late, 0) + t.record.Counts.Duplicate + t.record.Counts.Filtered
}

// distinct counts the numbers in a sorted list, and gives the first that is in it
// more than once.
func distinct(sorted []int64) (n, twice int64) {
	for i, x := range sorted {
		switch {
		case i == 0 || x != sorted[i-1]:
			n++
		case n == int64(i):
			twice = x
		}
	}
	return n, twice
}
