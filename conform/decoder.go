package conform

import (
	"cmp"
	"hash/maphash"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// Decoder decodes batches of one table. It belongs to one goroutine at a time.
type Decoder struct {
	plan    *Plan
	columns []column
	slots   []column // the columns, the fields that columns come from within, what nested ones hold
	held    []column // the last of them
	taken   int      // that the nested value of now has taken
	spent   int64    // bytes that nested values of the batch took before
	maps    [schema.MaxNesting]keySet
	mapping uint32 // stamp of the last map
	within  []bool // by node: the record has it
	drift   differences
	seed    maphash.Seed
	keys    keySet
	days    days
	learned template
	text    []byte // of a value or key with escapes, unescaped
	binary  []byte // a value of a binary column, or a number that was written otherwise
	cells   []cell // of a line of CSV
	headers map[*batch.Layout]*header
	avro    avroDecoder
	around  envelope

	// Schemas finds the schemas of records in Avro or Protobuf from a topic. Nil: none is known.
	// It is set once, before the first batch.
	Schemas Schemas
	// Room is how many bytes what nested columns of a batch hold may take, about; 0: as many as
	// it has. A batch that needs more is not decoded to its end: see Report.Fits.
	Room int64

	// Of the batch.
	b      *batch.Batch
	report Report
	csv    *header // of the records from here on, nil: they are JSON
	run    int     // of b.Raw.Runs that the next turn looks at first
	defect int     // the same of b.Raw.Defects

	// Of the record: its value is buf[base:end], and batch.Padding bytes behind it
	// may be read, but not trusted.
	row       int   // that values go to: within a nested column one of its children's
	recordRow int   // of the batch
	inBlock   int32 // of b.Raw.Blocks that buf is, −1: none
	buf       []byte
	begun     begun
	stumbles  int // strides in a row that decoded no row
	resting   int // rows for which no stride is taken
	strides   bool
	base, end int
	stamp     uint32 // tells its marks in columns and keys from those of others
	rejects   int    // len(b.Rejects) before it
	bad       bool
	have      int    // columns that came under their own names
	plain     bool   // only the general parser reads it
	filtered  bool   // it is none of the table's rows, and that is in order
	level     int    // objects that the row's values stand in
	inner     bool   // more of the record is behind the row
	behind    int    // the place behind the row, 0: there is no row
	airy      int    // members for which white space is expected
	trying    bool   // a short cut uses the general parser, which may fail but not reject
	padded    []byte // memory of a value whose block has no padding

	proto protoDecoder
	json  []byte // a value of Protobuf as JSON
}

// column is what a Decoder knows about a column.
type column struct {
	*field
	ints  []int64
	codes []int32
	v     *batch.Vector
	index dictionary

	stamp    uint32 // of the record that had a value for it last
	rank     int32  // of the name that the value stood under
	item     int32  // of the template, −1: it has none
	fallback int32  // code of the default in the batch's dictionary, −1: not there yet
}

// keptText is how much memory for unescaped text is kept between batches.
const keptText = 1 << 16

const keptCells = 1 << 12

// Decode fills the columns of b, which its caller has reset. It quarantines what
// does not conform, with rejects in the order of rows, and lists drift.
func (d *Decoder) Decode(b *batch.Batch) Report {
	d.begin(b)
	d.inBlock = -1
	turn := 0 // the row where the run, or what is done with records, changes
	for row := 0; row < b.Rows; row++ {
		d.begun = begun{}
		if d.strides && row < turn {
			if row = d.stride(row, turn); row == b.Rows {
				break
			}
		}
		s := &b.Raw.Spans[b.First+row]
		d.row, d.recordRow, d.rejects, d.bad, d.filtered = row, row, len(b.Rejects), false, false
		if row == turn {
			var defect *batch.Defect
			if turn, defect = d.turn(); defect != nil {
				d.judged(defect)
				continue
			}
		}
		if s.Block != d.inBlock {
			d.inBlock = s.Block
			d.buf = b.Raw.Blocks[d.inBlock]
		}
		d.base = int(s.At)
		d.end = d.base + int(max(s.Value, 0))
		switch {
		case s.Value < 0 && d.plan.table.Debezium:
			d.filtered = true
		case s.Value < 0:
			d.fail(ReasonTombstone, "", -1, 0)
		case d.end+batch.Padding > len(d.buf):
			d.padded = append(append(d.padded[:0], d.buf[d.base:d.end]...), make([]byte, batch.Padding)...)
			d.buf, d.base, d.end, d.inBlock = d.padded, 0, d.end-d.base, -1
			fallthrough
		default:
			d.decode()
			if len(d.plan.record) > 0 && !d.filtered {
				d.fromRecord()
			}
		}
		d.closeNested()
		if d.bad {
			d.refuse(batch.Quarantined)
		} else if d.filtered {
			d.refuse(batch.Filtered)
		}
		if d.full() {
			d.report.Fits = max(row, 1)
			break
		}
	}
	return d.finish()
}

// decode decodes the value buf[base:end] into its row.
func (d *Decoder) decode() {
	if d.csv != nil {
		d.line(d.csv)
		d.noEvent()
		return
	}
	if d.avro.on {
		d.datum()
		return
	}
	d.jsonAt(d.base)
}

// jsonAt decodes the JSON from pos on, which goes to the end of the value, into its row.
func (d *Decoder) jsonAt(pos int) {
	if d.around.on {
		d.enveloped(pos)
		return
	}
	d.record(pos)
}

// turn finds how the records from this row on are written, and the row, if it is
// not this one, at which to ask again. It returns what is known of this row where
// that says its fate.
func (d *Decoder) turn() (next int, defect *batch.Defect) {
	raw, at := d.b.Raw, d.b.First+d.row
	next = d.b.Rows
	for d.run < len(raw.Runs) && raw.Runs[d.run].First+raw.Runs[d.run].Rows <= at {
		d.run++
	}
	if d.run < len(raw.Runs) {
		run := &raw.Runs[d.run]
		layout := raw.Sources[run.Source].Layout
		d.csv = d.headerFor(layout)
		d.around.file = layout != nil
		d.readAvro(layout)
		d.use(&d.around.base)
		next = min(next, run.First+run.Rows-d.b.First)
	}
	for d.defect < len(raw.Defects) && int(raw.Defects[d.defect].Row) < at {
		d.defect++
	}
	if d.defect < len(raw.Defects) {
		one := &raw.Defects[d.defect]
		if int(one.Row) == at {
			return d.row + 1, one
		}
		next = min(next, int(one.Row)-d.b.First)
	}
	return next, nil
}

// judged gives the record the fate that was found where its file was read.
func (d *Decoder) judged(defect *batch.Defect) {
	if defect.Filtered {
		d.refuse(batch.Filtered)
		return
	}
	d.b.Rejects = append(d.b.Rejects, batch.Reject{
		Row: int32(d.row), Column: -1, Stage: cmp.Or(defect.Stage, batch.StageFile), Reason: defect.Reason, Want: defect.Want, Told: defect.Told, At: -1,
	})
	d.refuse(batch.Quarantined)
}

func (d *Decoder) begin(b *batch.Batch) {
	d.b, d.report, d.taken, d.spent = b, Report{}, 0, 0
	d.csv, d.run, d.defect, d.avro.on = nil, 0, 0, false
	for i := range d.columns {
		d.columns[i].begin(&b.Columns[i], b.Rows, int(b.Raw.Bytes()))
	}
	for _, i := range d.plan.nested {
		d.beginInner(&d.columns[i])
	}
	if d.drift.begin() {
		d.forgetAll()
	}
}

// finish lets go of the batch and of what an unusual record has taken.
func (d *Decoder) finish() Report {
	d.tally()
	for i := range d.slots {
		c := &d.slots[i]
		c.v, c.ints, c.codes = nil, nil, nil
		c.index.end()
	}
	for i := range d.maps {
		d.maps[i].shrink()
	}
	d.b, d.buf, d.csv, d.avro.own, d.avro.now = nil, nil, nil, nil, nil
	if cap(d.text) > keptText {
		d.text = nil
	}
	if cap(d.padded) > keptText {
		d.padded = nil
	}
	if cap(d.binary) > keptText {
		d.binary = nil
	}
	if cap(d.json) > keptText {
		d.json = nil
	}
	if cap(d.around.text) > keptText {
		d.around.text = nil
	}
	if cap(d.cells) > keptCells {
		d.cells = nil
	}
	d.keys.shrink()
	d.proto.shrink()
	return d.report
}

// Bytes is the memory that d holds between calls.
func (d *Decoder) Bytes() int64 {
	n := int64(cap(d.text)+cap(d.padded)+cap(d.binary)+cap(d.json)) + d.keys.bytes() + d.drift.bytes() + d.learned.bytes() + d.avro.bytes() + d.proto.bytes() + d.around.bytes()
	for i := range d.slots {
		n += d.slots[i].index.bytes()
	}
	for i := range d.maps {
		n += d.maps[i].bytes()
	}
	n += int64(cap(d.cells)) * 12
	for _, h := range d.headers {
		n += h.bytes()
	}
	return n
}

// nextStamp begins the marks of another record.
func (d *Decoder) nextStamp() {
	d.stamp++
	if d.stamp == 0 { // after four billion records all marks are old
		for i := range d.slots {
			d.slots[i].stamp = 0
		}
		d.keys.forget()
		d.stamp = 1
	}
}

// fail rejects the record as a whole: what was found about its columns before is
// forgotten, since the bytes are not what they seemed (F2).
func (d *Decoder) fail(reason, want string, at, length int) {
	if d.trying {
		return
	}
	d.b.Rejects = d.b.Rejects[:d.rejects]
	d.reject(-1, reason, want, place{at, length})
}

// place is where in d.buf something stands; at −1: nowhere, length 0: not told.
type place struct{ at, length int }

// reject adds a reject for a column of the record, −1: for none.
func (d *Decoder) reject(column int, reason, want string, in place) {
	d.bad = true
	if len(d.b.Rejects)-d.rejects >= maxRejects {
		return
	}
	if in.at >= 0 {
		in.at = max(in.at-d.base, -1)
	}
	d.b.Rejects = append(d.b.Rejects, batch.Reject{
		Row: int32(d.recordRow), Column: int16(d.top(column)), Stage: batch.StageConform,
		Reason: reason, Want: want, At: int32(in.at), Len: int32(in.length),
	})
}

// refuse gives the record a fate without values.
func (d *Decoder) refuse(fate batch.Fate) {
	d.b.Fates[d.row] = fate
	d.undo()
}

// undo has the row hold zeros: nothing of what was decoded before is left to be taken for a
// value.
func (d *Decoder) undo() {
	for i := range d.columns {
		c := &d.columns[i]
		switch {
		case c.nest != nil:
			c.clear(d.row)
			continue
		case c.ints != nil:
			c.ints[d.row] = 0
		default:
			c.codes[d.row] = 0
		}
		if c.v.Marks != nil {
			c.v.Marks[d.row] = batch.Present
		}
	}
}

// halt notes that a record met a policy that stops the table.
func (d *Decoder) halt(why string) {
	if d.report.Halt == "" {
		d.report.Halt, d.report.HaltRow = why, d.recordRow
	}
}
