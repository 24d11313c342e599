package conform

import (
	"encoding/binary"
	"math/bits"

	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/jsonschema"
	"tidemark/internal/protoschema"
	"tidemark/internal/schema"
)

// Schemas finds the schema that a record in Avro, Protobuf or JSON was written with, which its
// bytes do not hold.
//
// Schema is asked with the value of a record and its headers, as batch.EncodeHeaders has
// them; both are the batch's, and are not kept. It must not wait: where it would have to
// ask somebody it notes what to ask and says so by an empty Written. It is called by
// several decoders at once. A schema that it has returned never changes, and it returns the
// same one, not another that is equal, for as long as it remembers it: what is made of it is
// found again by that.
type Schemas interface {
	Schema(value, headers []byte) Written
}

// Written is what is known of the schema of a record.
type Written struct {
	Schema  *avroschema.Schema   // of a record in Avro
	Message *protoschema.Message // of one in Protobuf
	JSON    *jsonschema.Schema   // of one in JSON
	At      int                  // where the datum begins in the value
	// Lasting: whatever value has no headers and begins with the same At bytes, at most
	// 15, has this schema too, so that it is not asked for again.
	Lasting bool

	// Reason is why a record with none of these is quarantined: wire, schema_unknown, limit.
	// Empty: its schema is not there yet, and the batch has to be decoded again.
	Reason string
	Want   string // what was expected, made once and not for each record

	// Origin names the schema, nil: it has no name but its fingerprint.
	Origin *batch.Schema
}

// avroDecoder is what a Decoder knows of Avro.
type avroDecoder struct {
	on  bool           // records are in Avro from here on
	own *avroWriters   // of the records from here on, nil: each record has a schema of its own
	now *avroWriters   // of the record, nil: not known
	met []*avroWriters // by the batch

	// The schemas of records are found again by the bytes in front of their datums.
	frame  int        // how many there are
	masks  [2]uint64  // of two words
	slots  []avroSlot // avroSlots of them, by those bytes
	states map[*avroschema.Schema]*avroWriters
	held   int64 // bytes of states and messages
	work   int   // values without bytes that may still come
	depth  int   // records, arrays and maps that the value of now stands in

	messages map[*protoschema.Message]*avroWriters
	objects  map[*jsonschema.Schema]*avroWriters
	scaled   avroOp // of a decimal that says its scale
	scale    avroschema.Type
}

const (
	avroSlots   = 1 << 8
	longestMark = 15      // bytes that are compared
	keptStates  = 1 << 10 // of schemas, by a decoder
	keptCodes   = 4 << 20 // bytes of their codes
)

type avroSlot struct {
	key   textKey
	state *avroWriters
}

// avroWriters is what a Decoder knows of those who write with one schema.
type avroWriters struct {
	plan  *avroPlan
	proto *protoPlan    // in place of plan, of records in Protobuf
	json  *connectState // in place of plan, of records in JSON
	drift []toldDrift
	batch uint32  // that met them last
	codes []int32 // of the symbols of enums in the batch's dictionaries, −1: not there yet

	origin  *batch.Schema
	row     int   // of the batch, the first that they wrote
	records int64 // of the batch
}

// usesAvro reports whether the records of a source are in Avro, or name their schemas as those do.
func (d *Decoder) usesAvro(l *batch.Layout) bool {
	if l != nil {
		return l.Format == batch.Avro
	}
	f := d.plan.table.Format
	return f == schema.AvroFormat || f.InRegistry()
}

// readAvro sets how the records of a source are decoded.
func (d *Decoder) readAvro(l *batch.Layout) {
	a := &d.avro
	a.on, a.own, a.now = d.usesAvro(l), nil, nil
	if a.on && l != nil {
		a.own = d.writers(l.Schema, nil)
	}
}

// datum decodes the value buf[base:end], a record in Avro, into its row.
func (d *Decoder) datum() {
	a := &d.avro
	w, at := a.own, d.base
	if w == nil {
		if w, at = d.framed(); w == nil {
			a.now = nil
			return
		}
	}
	a.now = w
	w.records++
	if w.batch != d.drift.batch {
		d.meet(w)
	}
	p := w.plan
	switch {
	case w.proto != nil:
		d.message(w, at)
		return
	case w.json != nil:
		d.use(w.json)
		d.jsonAt(at)
		return
	}
	if d.end-at < p.least {
		if d.end == d.base {
			d.fail(ReasonEmpty, "", -1, 0)
			return
		}
		d.fail(ReasonSyntax, "a datum"+endOfRecord, d.end, 0)
		return
	}
	if d.plan.table.Debezium && (p.event != nil || !d.around.file) {
		d.changed(w, at)
		return
	}
	if len(d.within) > 1 {
		clear(d.within)
		for _, n := range p.nodes {
			d.within[n] = true
		}
	}
	a.work, a.depth = freeWork+byteWork*(d.end-at), 1
	at = d.perform(w, p.ops, at)
	switch {
	case at < 0: // it was rejected
	case at > d.end:
		d.fail(ReasonSyntax, "a datum"+endOfRecord, d.end, 0)
	case at < d.end:
		d.fail(ReasonTrailing, "nothing after the datum", at, d.end-at)
	default:
		for _, column := range p.missing {
			d.missing(column)
		}
		d.fillWithin()
		d.noEvent()
	}
}

// fillWithin deals with the columns that the record has nothing for where they come from
// within a field.
func (d *Decoder) fillWithin() {
	if len(d.within) < 2 {
		return
	}
	for i := range d.columns {
		if n := d.columns[i].node; n > 0 && !d.within[n] {
			d.missing(i)
		}
	}
}

// framed finds who wrote the record, and where its datum begins. It rejects one whose
// schema is not known.
func (d *Decoder) framed() (*avroWriters, int) {
	a := &d.avro
	if a.frame <= d.end-d.base && !d.b.Raw.Headed(d.b.First+d.row) && a.slots != nil {
		key := a.mark(twoWords(d.buf, d.base))
		if s := a.slot(key); s.key == key {
			return s.state, d.base + a.frame
		}
	}
	return d.ask()
}

// ask has Schemas say who wrote the record.
func (d *Decoder) ask() (*avroWriters, int) {
	a := &d.avro
	if d.Schemas == nil {
		d.fail(ReasonSchemaUnknown, "a schema: none is known", -1, 0)
		return nil, 0
	}
	headers := d.b.Raw.Headers(d.b.First + d.row)
	got := d.Schemas.Schema(d.buf[d.base:d.end:d.end], headers)
	if got.Schema == nil && got.Message == nil && got.JSON == nil {
		if got.Reason == "" {
			d.report.Waits++
			got.Reason, got.Want = ReasonSchemaUnknown, "a schema: it is not there yet"
		}
		d.fail(got.Reason, got.Want, -1, 0)
		return nil, 0
	}
	var w *avroWriters
	switch {
	case got.Message != nil:
		w = d.messageWriters(got.Message, got.Origin)
	case got.JSON != nil:
		w = d.objectWriters(got.JSON, got.Origin)
	default:
		w = d.writers(got.Schema, got.Origin)
	}
	if got.Lasting && len(headers) == 0 && got.At <= longestMark {
		a.remember(got.At, twoWords(d.buf, d.base), w)
	}
	return w, d.base + got.At
}

// mark is the key of the bytes in front of a datum.
func (a *avroDecoder) mark(b *[16]byte) textKey {
	return textKey{
		binary.LittleEndian.Uint64(b[:]) & a.masks[0],
		binary.LittleEndian.Uint64(b[8:])&a.masks[1] | uint64(a.frame+1)<<56,
	}
}

func (a *avroDecoder) slot(key textKey) *avroSlot {
	// Ids that follow each other differ in few bits, which a multiplication alone keeps together.
	x := fold(key.head^key.tail, 0x9e3779b97f4a7c15)
	return &a.slots[x*0xd6e8feb86659fd93>>(64-8)&(avroSlots-1)]
}

// remember has the bytes in front of a datum tell who wrote it.
func (a *avroDecoder) remember(frame int, b *[16]byte, w *avroWriters) {
	a.frame = frame
	a.masks = [2]uint64{lowBytes(min(frame, 8)), lowBytes(max(frame-8, 0))}
	if a.slots == nil {
		a.slots = make([]avroSlot, avroSlots)
	}
	key := a.mark(b)
	*a.slot(key) = avroSlot{key, w}
}

// writers is what is known of those who write with a schema. Its origin is made where none
// is given.
func (d *Decoder) writers(s *avroschema.Schema, origin *batch.Schema) *avroWriters {
	a := &d.avro
	if w := a.states[s]; w != nil {
		return w
	}
	plan := d.plan.avro.find(s, d.plan.compileAvro)
	if origin == nil {
		origin = d.plan.originOf(plan, s)
	}
	w := &avroWriters{plan: plan, drift: plan.drift, origin: origin, codes: make([]int32, plan.symbols)}
	if d.plan.table.Debezium && plan.event == nil && !d.around.file {
		w.drift = nil // what it has are no rows
	}
	a.keep(w)
	a.states[s] = w
	return w
}

// messageWriters is what is known of those who write a message of Protobuf.
func (d *Decoder) messageWriters(m *protoschema.Message, origin *batch.Schema) *avroWriters {
	a := &d.avro
	if w := a.messages[m]; w != nil {
		return w
	}
	plan := d.plan.proto.find(m, d.plan.compileProto)
	if origin == nil {
		origin = &batch.Schema{ID: m.Name}
	}
	w := &avroWriters{proto: plan, drift: plan.drift, origin: origin, codes: make([]int32, plan.symbols)}
	a.keep(w)
	a.messages[m] = w
	return w
}

// keep makes room for what is known of some who write.
func (a *avroDecoder) keep(w *avroWriters) {
	if a.states == nil || len(a.states)+len(a.messages)+len(a.objects) == keptStates || a.held > keptCodes {
		a.states, a.messages, a.objects, a.held = map[*avroschema.Schema]*avroWriters{}, map[*protoschema.Message]*avroWriters{}, map[*jsonschema.Schema]*avroWriters{}, 0
		clear(a.slots) // of those in JSON, what is learned would be forgotten no longer
	}
	a.held += 96 + int64(len(w.codes))*4
}

// meet begins with a schema in a batch.
func (d *Decoder) meet(w *avroWriters) {
	w.batch, w.row, w.records = d.drift.batch, d.row, 1
	d.avro.met = append(d.avro.met, w)
	for i := range w.codes {
		w.codes[i] = -1
	}
	for i := range w.drift {
		d.introduce(d.drift.written(&w.drift[i]))
	}
}

// tallyAvro tells of the schemas that the batch met.
func (d *Decoder) tallyAvro() {
	for i, w := range d.avro.met {
		for k := range w.drift {
			d.whole(d.drift.written(&w.drift[k]), w.records)
		}
		d.b.Schemas = append(d.b.Schemas, batch.Met{Schema: w.origin, Row: w.row, Records: w.records})
		d.avro.met[i] = nil
	}
	d.avro.met = d.avro.met[:0]
}

// bytes is the memory that is held for Avro.
func (a *avroDecoder) bytes() int64 {
	n := a.held + int64(len(a.slots))*24 + int64(len(a.states)+len(a.messages)+len(a.objects))*32
	for _, w := range a.objects {
		n += w.json.learned.bytes()
	}
	return n
}

// varint reads an unsigned number of up to ten bytes of seven bits. One with more has no
// end: the place behind it is behind every record.
func varint(buf []byte, pos int) (x uint64, next int) {
	w := word(buf, pos)
	stop := ^w & highs
	if stop == 0 {
		return longVarint(buf, pos, w)
	}
	n := bits.TrailingZeros64(stop)>>3 + 1
	return sevens(w & (stop&-stop<<1 - 1)), pos + n
}

// sevens puts groups of seven bits, one in each byte, together.
func sevens(w uint64) uint64 {
	w = w&0x007f007f007f007f | w&0x7f007f007f007f00>>1
	w = w&0x00003fff00003fff | w&0x3fff00003fff0000>>2
	return w&0x000000000fffffff | w&0x0fffffff00000000>>4
}

func longVarint(buf []byte, pos int, w uint64) (x uint64, next int) {
	x = sevens(w)
	b := buf[pos+8]
	x |= uint64(b&0x7f) << 56
	if b < 0x80 {
		return x, pos + 9
	}
	if b = buf[pos+9]; b > 1 {
		return 0, noEnd
	}
	return x | uint64(b)<<63, pos + 10
}

// noEnd is a place behind every record.
const noEnd = 1 << 40

// zigzag is a number as Avro writes it.
func zigzag(x uint64) int64 { return int64(x>>1) ^ -int64(x&1) }
