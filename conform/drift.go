package conform

import (
	"strings"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// The changes that drift names.
const (
	changeMissing = "missing" // a column without a key
	changeExtra   = "extra"   // a key without a column
	changeCase    = "case"    // a column whose name is written in another case
	changeAlias   = "alias"   // a column under another of its names
	changeWiden   = "widen"   // a whole number where the column has a fraction
)

// What is done about a difference, as Plan.Done tells it.
const (
	DoneDefault    = "default"    // the column gets its default
	DoneDrop       = "drop"       // the field is left out
	DoneAccept     = "accept"     // values are taken as they are
	DoneByValue    = "by_value"   // those that fit are taken, the others rejected
	DoneQuarantine = "quarantine" // every record that has it is rejected
	DoneHalt       = "halt"       // the table stops
)

// Done says what the table does about a difference.
func (p *Plan) Done(d batch.Drift) string {
	by := func(a schema.Action, accepted string) string {
		switch a {
		case schema.Quarantine:
			return DoneQuarantine
		case schema.Halt:
			return DoneHalt
		}
		return accepted
	}
	e := p.table.Evolution
	switch d.Change {
	case changeMissing:
		if c := p.table.Column(d.Column); c >= 0 && p.table.Columns[c].Required {
			return DoneQuarantine
		}
		return by(e.Missing, DoneDefault)
	case changeExtra:
		return by(e.Extra, DoneDrop)
	case changeWiden:
		return by(e.Widen, DoneAccept)
	case changeMismatch:
		return DoneQuarantine
	case changeNullable, changeNarrow, changeType:
		return DoneByValue
	}
	return DoneAccept
}

// differences knows which differences can be met, what is said about them, and
// which of them the batch has shown already.
type differences struct {
	all   []difference
	batch uint32 // number of the batch
	fixed int    // those below have to do with columns, the others with extra keys
	// A column's differences are all[first[column]:]: missing, widen, then one for
	// each alias.
	first []int
	extra map[string]int // by key
	names int64          // bytes of the keys
	// listed are the differences of the batch's list, in its order.
	listed []int
	// heeded are those of the record that short cuts passed: they count once it is known
	// that these were right.
	heeded []int
}

type difference struct {
	drift batch.Drift // but for the row
	batch uint32      // that showed it last
	halt  string      // the sentence, where the policy is halt
	row   int         // of the batch that showed it last
	count int64       // rows of the batch that showed it
}

func (s *differences) init(p *Plan) {
	for i := range p.columns {
		f, name := &p.columns[i], p.table.Columns[i].Name
		s.first = append(s.first, len(s.all))
		s.all = append(s.all,
			difference{drift: batch.Drift{Change: changeMissing, Column: name, To: f.typeName},
				halt: "a record has no column " + name + ", and evolution says missing: halt"},
			difference{drift: batch.Drift{Change: changeWiden, Column: name, From: "int", To: f.typeName},
				halt: "a record has a whole number in column " + name + " (" + f.typeName + "), and evolution says widen: halt"})
		for _, alias := range f.aliases {
			s.all = append(s.all, difference{drift: batch.Drift{Change: changeAlias, Column: name, From: alias, To: name}})
		}
	}
	s.fixed = len(s.all)
	s.extra = map[string]int{}
}

// begin begins a batch. It reports whether what is known of extra keys was
// forgotten, to make room for those that come today.
func (s *differences) begin() bool {
	s.batch++
	s.listed = s.listed[:0]
	if len(s.extra) < maxExtras {
		return false
	}
	clear(s.extra)
	s.all, s.names = s.all[:s.fixed], 0
	return true
}

func (s *differences) bytes() int64 {
	return int64(cap(s.all))*128 + int64(cap(s.listed))*8 + s.names + int64(len(s.extra))*32
}

func (s *differences) missing(column int) int     { return s.first[column] }
func (s *differences) widen(column int) int       { return s.first[column] + 1 }
func (s *differences) alias(column, rank int) int { return s.first[column] + 1 + rank }

// keptKey is how much of a key without a column is told.
const keptKey = 128

// extraKey returns the difference of a key that has no column, −1 where so many
// were met that this one is not told.
func (s *differences) extraKey(key []byte, kind string) int {
	told := key[:min(len(key), keptKey)]
	if i, ok := s.extra[string(told)]; ok {
		return i
	}
	if len(s.extra) >= maxExtras {
		return -1
	}
	name := string(told)
	s.all = append(s.all, difference{drift: batch.Drift{Change: changeExtra, Column: name, From: kind}})
	if len(told) < len(key) {
		s.all[len(s.all)-1].drift.Column = strings.ToValidUTF8(name, "") + "…"
	}
	s.extra[name] = len(s.all) - 1
	s.names += int64(len(name))
	return len(s.all) - 1
}

// written returns a difference that a schema or a header shows, −1 where so many were met
// that this one is not told.
func (s *differences) written(w *toldDrift) int {
	if i, ok := s.extra[w.key]; ok {
		return i
	}
	if len(s.extra) >= maxExtras {
		return -1
	}
	s.all = append(s.all, difference{drift: w.drift})
	s.extra[w.key] = len(s.all) - 1
	s.names += int64(len(w.key))
	return len(s.all) - 1
}

// shown reports whether the batch has shown difference i already.
func (d *Decoder) shown(i int) bool { return d.drift.all[i].batch == d.drift.batch }

// show counts difference i for this record, and lists it if the batch did not show it
// before.
func (d *Decoder) show(i int) {
	if i < 0 || d.again(i) {
		return
	}
	d.list(i)
	one := &d.drift.all[i]
	one.row, one.count = d.recordRow, 1
}

// again counts difference i for this record if the batch has shown it already, which it
// reports.
func (d *Decoder) again(i int) bool {
	if i < 0 {
		return false
	}
	one := &d.drift.all[i]
	if one.batch != d.drift.batch {
		return false
	}
	if one.row != d.recordRow {
		one.row = d.recordRow
		one.count++
	}
	return true
}

// heed counts what short cuts passed.
func (d *Decoder) heed() {
	for _, i := range d.drift.heeded {
		d.again(i)
	}
	d.drift.heeded = d.drift.heeded[:0]
}

// unheed takes back what the last short cut passed of a column, since it was wrong.
func (d *Decoder) unheed(column int) {
	if n := len(d.drift.heeded); n > 0 && column >= 0 && column < len(d.columns) && d.drift.heeded[n-1] == d.drift.widen(column) {
		d.drift.heeded = d.drift.heeded[:n-1]
	}
}

// introduce lists a difference that all records of this schema or header have, unless the
// batch did before. They are counted as a whole, with whole.
func (d *Decoder) introduce(i int) {
	if i >= 0 && !d.shown(i) {
		d.list(i)
	}
}

func (d *Decoder) whole(i int, records int64) {
	if i >= 0 {
		d.drift.all[i].count += records
	}
}

func (d *Decoder) list(i int) {
	one := &d.drift.all[i]
	one.batch, one.row, one.count = d.drift.batch, -1, 0
	drift := one.drift
	drift.Row = d.recordRow
	if d.avro.on && d.avro.now != nil {
		drift.Schema = d.avro.now.origin
	}
	d.b.Drift = append(d.b.Drift, drift)
	d.drift.listed = append(d.drift.listed, i)
}

// tally tells how many records showed each difference, and which schemas were met.
func (d *Decoder) tally() {
	d.tallyHeaders()
	d.tallyAvro()
	for k, i := range d.drift.listed {
		d.b.Drift[k].Count = d.drift.all[i].count
	}
}

// missing gives a column that has no value in this record its default.
func (d *Decoder) missing(column int) {
	if d.columns[column].from.Part == schema.FromField { // the others are for fromRecord
		d.absent(column)
	}
}

// absent is missing for a column that comes from anywhere.
func (d *Decoder) absent(column int) {
	c := &d.columns[column]
	if c.required {
		d.reject(column, ReasonRequired, "a value: the key is missing", place{-1, 0})
		return
	}
	i := d.drift.missing(column)
	d.show(i)
	switch d.plan.table.Evolution.Missing {
	case schema.Halt:
		d.halt(d.drift.all[i].halt)
		fallthrough
	case schema.Quarantine:
		d.reject(column, ReasonMissing, "a value: evolution says that none may be missing", place{-1, 0})
		return
	}
	if c.field.fallback.Null {
		d.setNull(c)
		return
	}
	c.v.SetMark(d.row, d.b.Rows, batch.Defaulted)
	if c.ints != nil {
		c.ints[d.row] = c.field.fallback.Int
		return
	}
	if c.fallback < 0 {
		c.fallback = c.index.add(c.field.fallback.Bytes, plain(c.field.fallback.Bytes), d.row)
	}
	c.codes[d.row] = c.fallback
}

// extraneous lists a key that has no column; at is where it stands.
func (d *Decoder) extraneous(key []byte, kind string, at, length int) {
	d.show(d.drift.extraKey(key, kind))
	d.forbidExtra(at, length)
}

// forbidExtra rejects a record for a key that has no column, unless those may come.
func (d *Decoder) forbidExtra(at, length int) {
	switch d.plan.table.Evolution.Extra {
	case schema.Halt:
		d.halt("a record has a key that is no column of the table, and evolution says extra: halt")
		fallthrough
	case schema.Quarantine:
		d.reject(-1, ReasonExtra, "only keys that are columns", place{at, length})
	}
}

// widened lists a whole number in a column whose values have a fraction.
func (d *Decoder) widened(column, at, length int) {
	i := d.drift.widen(d.top(column))
	d.show(i)
	switch d.plan.table.Evolution.Widen {
	case schema.Halt:
		d.halt(d.drift.all[i].halt)
		fallthrough
	case schema.Quarantine:
		d.reject(column, ReasonWiden, "a number with a point", place{at, length})
	}
}

// unfit rejects a value that does not fit the column. Where it would lose something
// the policy for narrowing is asked, but Accept is no way out: nothing is rounded
// (F1). A time that does not exist is a bad value and no change of the schema.
func (d *Decoder) unfit(column int, reason string, at, length int) {
	if reason != ReasonTime {
		d.narrowed(column)
	}
	d.reject(column, reason, d.slots[column].want, place{at, length})
}

// narrowed asks the policy for a value that does not fit.
func (d *Decoder) narrowed(column int) {
	if d.plan.table.Evolution.Narrow == schema.Halt {
		d.halt("a record has a value that does not fit column " + d.plan.table.Columns[d.top(column)].Name + ", and evolution says narrow: halt")
	}
}
