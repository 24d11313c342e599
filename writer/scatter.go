package writer

import (
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// cells are the values of one column by position.
type cells struct {
	ints  []int64 // fixed-width kinds, as batch.Vector holds them
	codes []int32 // text, into dict
	dict  *batch.Dict
	marks []batch.Mark // nil: nothing is null
	first int          // the position of the first of them
	same  bool         // every row has the first value
	none  bool         // every row is null
	// text makes the value at a position, for text that stands in no dictionary:
	// it is needed once, when its page is made. Nil bytes are a null.
	text func(at int) []byte

	// A nested column stays where it is: order tells the row of each position, nil: they
	// are the same.
	tree  *batch.Vector
	order []int32
}

// scattered holds the columns of a batch, moved to their positions. Where nothing
// has to move they are the batch's own.
type scattered struct {
	table   []cells // the table's columns
	offsets cells   // where the record stands, whatever its source
	origin  origin
	memory  []column // of table, and of offsets as the last
	event   *cells   // the event time, nil if there is none
	date    bool
}

// column is memory for the values of one column.
type column struct {
	ints  []int64
	codes []int32
	marks []batch.Mark
}

// fill moves the columns of b to where p puts its rows, one pass for each.
func (s *scattered) fill(b *batch.Batch, p *plan) {
	if len(s.memory) != len(b.Columns)+1 {
		s.memory = make([]column, len(b.Columns)+1)
		s.table = make([]cells, len(b.Columns))
	}
	for i := range b.Columns {
		v := &b.Columns[i]
		if v.Kind().Nested() {
			s.table[i] = cells{tree: v}
			if !p.straight {
				s.table[i].order = p.order
			}
			continue
		}
		c := cells{ints: v.Ints, codes: v.Codes, dict: &v.Dict, marks: v.Marks}
		if !p.straight && p.kept > 0 {
			m := &s.memory[i]
			c.ints = move(&m.ints, v.Ints, p)
			c.codes = move(&m.codes, v.Codes, p)
			c.marks = move(&m.marks, v.Marks, p)
		}
		s.table[i] = c
	}
	s.offsets = cells{ints: b.Raw.Offsets[b.First : b.First+b.Rows]}
	if !p.straight {
		s.offsets.ints = move(&s.memory[len(b.Columns)].ints, s.offsets.ints, p)
	}
	s.origin.fill(b, p)
	s.event = nil
	if e := b.Table.EventTime; e >= 0 {
		s.event, s.date = &s.table[e], b.Table.Columns[e].Type.Kind == schema.Date
	}
}

// move gives src by position, in memory kept at dst. Rows that go to no file meet
// at one position past the last. Nil stays nil.
func move[T any](dst *[]T, src []T, p *plan) []T {
	if src == nil {
		return nil
	}
	out := resize(*dst, p.total+1)
	*dst = out
	if len(p.stretches) > 0 {
		for _, s := range p.stretches {
			copy(out[s.at:s.at+s.n], src[s.row:s.row+s.n])
		}
		return out[:p.total]
	}
	target := p.target[:len(src)]
	for row, v := range src {
		out[target[row]] = v
	}
	return out[:p.total]
}

// bytes is the memory held.
func (s *scattered) bytes() int64 {
	n := s.origin.bytes()
	for i := range s.memory {
		m := &s.memory[i]
		n += 8*int64(cap(m.ints)) + 4*int64(cap(m.codes)) + int64(cap(m.marks))
	}
	return n
}

// origin holds the columns that say where rows came from. They are constant over
// a run of the batch.
type origin struct {
	topics, files batch.Dict
	topic, file   []int32 // codes by position, nil where they are all 0
	partition     []int64
	kafka         []batch.Mark // Null at the positions of rows that came from files
	disk          []batch.Mark // Null at the positions of rows that came from Kafka
	constant      bool         // all rows are of one source
	anyKafka      bool
	anyDisk       bool

	memory struct {
		topic, file []int32
		partition   []int64
		kafka, disk []batch.Mark
	}
}

// fill lays the runs of b out by position.
func (o *origin) fill(b *batch.Batch, p *plan) {
	o.topics.Reset()
	o.files.Reset()
	topics, files, sources := map[string]int32{}, map[string]int32{}, map[int]bool{}
	o.anyKafka, o.anyDisk = false, false
	runs(b, func(r batch.Run, _, _ int) {
		sources[r.Source] = true
		s := &b.Raw.Sources[r.Source]
		if s.File != "" {
			o.anyDisk = true
			enter(&o.files, files, s.File)
		} else {
			o.anyKafka = true
			enter(&o.topics, topics, s.Topic)
		}
	})
	o.constant = len(sources) <= 1
	o.topic, o.file, o.kafka, o.disk = nil, nil, nil, nil
	if o.constant {
		o.partition = resize(o.memory.partition, 1)
		o.memory.partition = o.partition
		runs(b, func(r batch.Run, _, _ int) { o.partition[0] = int64(b.Raw.Sources[r.Source].Partition) })
		return
	}
	o.partition = resize(o.memory.partition, p.total+1)
	o.memory.partition = o.partition
	if len(topics) > 1 {
		o.memory.topic = resize(o.memory.topic, p.total+1)
		o.topic = o.memory.topic
	}
	if len(files) > 1 {
		o.memory.file = resize(o.memory.file, p.total+1)
		o.file = o.memory.file
	}
	if o.anyKafka && o.anyDisk {
		o.memory.kafka, o.memory.disk = resize(o.memory.kafka, p.total+1), resize(o.memory.disk, p.total+1)
		o.kafka, o.disk = o.memory.kafka, o.memory.disk
	}
	runs(b, func(r batch.Run, lo, hi int) {
		s := &b.Raw.Sources[r.Source]
		to := span{p, lo, hi}
		put(o.partition, to, int64(s.Partition))
		put(o.topic, to, topics[s.Topic])
		put(o.file, to, files[s.File])
		kafka, disk := batch.Present, batch.Null
		if s.File != "" {
			kafka, disk = disk, kafka
		}
		put(o.kafka, to, kafka)
		put(o.disk, to, disk)
	})
}

// span is the rows [lo, hi) of a batch.
type span struct {
	plan   *plan
	lo, hi int
}

// put sets one value at the positions of the rows. Nil is a column that is not kept.
func put[T any](dst []T, to span, v T) {
	if dst == nil {
		return
	}
	if to.plan.straight {
		for i := to.lo; i < to.hi; i++ {
			dst[i] = v
		}
		return
	}
	for _, at := range to.plan.target[to.lo:to.hi] {
		dst[at] = v
	}
}

// runs calls f for each run of the batch, with the batch's rows [lo, hi) in it.
func runs(b *batch.Batch, f func(r batch.Run, lo, hi int)) {
	for _, r := range b.Raw.Runs {
		lo, hi := max(r.First-b.First, 0), min(r.First+r.Rows-b.First, b.Rows)
		if lo < hi {
			f(r, lo, hi)
		}
	}
}

func enter(d *batch.Dict, seen map[string]int32, s string) {
	if _, ok := seen[s]; !ok {
		seen[s] = d.Add([]byte(s))
	}
}

func (o *origin) bytes() int64 {
	m := &o.memory
	return 4*int64(cap(m.topic)+cap(m.file)) + 8*int64(cap(m.partition)) + int64(cap(m.kafka)+cap(m.disk))
}

// kafkaCells are the columns _topic, _partition and _offset.
func (o *origin) kafkaCells(offsets cells) []cells {
	if !o.anyKafka {
		return []cells{{none: true}, {none: true}, {none: true}}
	}
	topic := cells{codes: o.topic, dict: &o.topics, marks: o.kafka}
	if o.topic == nil {
		topic.codes, topic.same = []int32{0}, true
	}
	offsets.marks = o.kafka
	return []cells{topic, {ints: o.partition, marks: o.kafka, same: o.constant}, offsets}
}

// diskCells are the columns _file and _line.
func (o *origin) diskCells(lines cells) []cells {
	if !o.anyDisk {
		return []cells{{none: true}, {none: true}}
	}
	file := cells{codes: o.file, dict: &o.files, marks: o.disk}
	if o.file == nil {
		file.codes, file.same = []int32{0}, true
	}
	lines.marks = o.disk
	return []cells{file, lines}
}
