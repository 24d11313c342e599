package verify

import (
	"slices"

	"tidemark/internal/ledger"
)

// tally is what the files of one record hold.
type tally struct {
	record  *ledger.Record
	sources []*source
	late    int64 // rows of late files
	damaged bool  // a file is missing or different: its rows cannot be counted
}

// source is a range of the record, and the offsets that rows of its files have.
type source struct {
	topic     string
	partition int32
	from, to  int64
	records   int64
	offsets   []int64
}

func newTally(r *ledger.Record) *tally {
	t := &tally{record: r}
	for i := range r.Sources {
		s := &r.Sources[i]
		t.sources = append(t.sources, &source{topic: s.Topic, partition: s.Partition, from: s.From, to: s.To, records: s.Records})
	}
	for i := range r.Files {
		if r.Files[i].Output == ledger.LateRows {
			t.late += r.Files[i].Rows
		}
	}
	return t
}

// source is that of a partition, nil if the record has none. Last, that of the row
// before, is mostly the one.
func (t *tally) source(last *source, topic string, partition int32) *source {
	if last != nil && last.partition == partition && last.topic == topic {
		return last
	}
	for _, s := range t.sources {
		if s.partition == partition && s.topic == topic {
			return s
		}
	}
	return nil
}

// offsets compares the offsets that rows have with the ranges of the record. Ranges
// of different records do not overlap, for the records follow from each other (V1):
// an offset that is once in its record is once in the table.
func (v *verifier) offsets(t *tally) {
	var found, read int64
	for _, s := range t.sources {
		slices.Sort(s.offsets)
		distinct, twice := distinct(s.offsets)
		if n := int64(len(s.offsets)) - distinct; n > 0 {
			v.found(t.record.Seq, "", "%d rows of %s/%d have an offset that another row has, the first is offset %d",
				n, s.topic, s.partition, twice)
		}
		found, read = found+distinct, read+s.records
		if t.damaged || t.dropped() > 0 {
			continue
		}
		if distinct != s.records {
			v.found(t.record.Seq, "", "%d records of %s/%d in [%d, %d) are in its files, it says %d",
				distinct, s.topic, s.partition, s.from, s.to, s.records)
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
