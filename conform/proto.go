package conform

import (
	"tidemark/internal/batch"
	"tidemark/internal/protoschema"
)

// protoDecoder is what a Decoder knows of Protobuf.
type protoDecoder struct {
	// at is where the values of the record stand, by protoNode.first and the op: behind
	// the tag, 0: nowhere. Negative, of a message: there are several, of which this is the
	// first; of a list: the first is a run of packed values.
	at    []int32
	seen  []protoSeen // of the messages that are being written as JSON, one behind the other
	marks []int32     // the same, of their oneofs; and of required fields
	depth int         // messages within messages
	unset bool        // the message that is looked at counts for nothing
	zeros [8 + batch.Padding]byte
}

// keptPlaces is how many places are kept between batches.
const keptPlaces = 1 << 14

func (p *protoDecoder) bytes() int64 {
	return int64(cap(p.at))*4 + int64(cap(p.seen))*8 + int64(cap(p.marks))*4
}

func (p *protoDecoder) shrink() {
	if cap(p.at) > keptPlaces {
		p.at = nil
	}
	if cap(p.seen) > keptPlaces {
		p.seen = nil
	}
	if cap(p.marks) > keptPlaces {
		p.marks = nil
	}
}

// nowhere is d.base while d.buf is not the record: no place in it is told.
const nowhere = 1 << 40

// Why a record in Protobuf is rejected as a whole.
const (
	wantTag     = "a field with a number from 1 to 536870911 and a wire type of 0 to 5"
	wantGroup   = "the end of the group that is open"
	wantNesting = "messages at most 100 deep"
)

// message decodes the message buf[pos:end] into its row.
func (d *Decoder) message(w *avroWriters, pos int) {
	p, s := w.proto, &d.proto
	if cap(s.at) < p.places {
		s.at = make([]int32, p.places)
	}
	s.at = s.at[:p.places]
	clear(s.at)
	s.depth, s.unset, s.seen, s.marks = 0, false, s.seen[:0], s.marks[:0]
	d.avro.work = freeWork + byteWork*(d.end-pos)
	if !d.scan(&p.root, pos, d.end) {
		return
	}
	if p.tellsExtra {
		d.forbidExtra(-1, 0)
	}
	if !d.fillMessage(w, &p.root, d.end) {
		return
	}
	for _, column := range p.missing {
		d.missing(column)
	}
}

// cut rejects a record that ends within a value, or has a number without an end.
func (d *Decoder) cut(pos int) bool {
	d.fail(ReasonSyntax, "a value"+endOfRecord, min(pos, d.end), 0)
	return false
}

// scan notes where the values of a message stand. It reports false where the record was
// rejected as a whole. What is read may lie behind the end of the record, in its padding:
// a place behind the end says so.
func (d *Decoder) scan(n *protoNode, pos, end int) bool {
	buf := d.buf
	at := d.proto.at[n.first : int(n.first)+len(n.ops)]
	for pos < end {
		tag, start := uint64(buf[pos]), pos+1
		if tag >= 0x80 {
			if tag, start = varint(buf, pos); start > end {
				return d.cut(pos)
			}
		}
		next := start
		switch tag & 7 {
		case 0:
			if next++; buf[start] >= 0x80 {
				_, next = varint(buf, start)
			}
		case 1:
			next += 8
		case 2:
			size := uint64(buf[start])
			if next++; size >= 0x80 {
				size, next = varint(buf, start)
			}
			if size > uint64(max(end-next, 0)) {
				return d.cut(start)
			}
			next += int(size)
		case 5:
			next += 4
		default:
			if _, next = d.group(tag, start, end); next < 0 {
				return false
			}
		}
		if next > end {
			return d.cut(start)
		}
		k := n.find(tag >> 3)
		if k < 0 {
			if !d.unknown(n, tag, pos) {
				return false
			}
		} else if op := &n.ops[k]; uint64(op.wire) == tag&7 && !op.rare {
			at[k] = int32(start)
		} else if !d.noted(n, k, wireValue{tag, pos, start, next}) {
			return false
		}
		pos = next
	}
	for i := range n.must {
		if at[n.must[i]] == 0 {
			d.fail(ReasonSyntax, n.ops[n.must[i]].want, -1, 0)
			return false
		}
	}
	return true
}

// wireValue is a value as it stands on the wire: where its tag is, behind that, and where it ends.
type wireValue struct {
	tag             uint64
	at, start, next int
}

func (v wireValue) wire() uint8 { return uint8(v.tag & 7) }

// noted is scan for a value of a field that needs more than a place.
func (d *Decoder) noted(n *protoNode, k int, v wireValue) bool {
	op := &n.ops[k]
	at := d.proto.at[n.first : int(n.first)+len(n.ops)]
	packed := false
	if wire := uint8(v.tag & 7); wire != op.wire {
		if wire != 2 || !op.field.Packs() {
			return d.unknown(n, v.tag, v.start) // as the runtimes of Protobuf take it
		}
		packed = true
	}
	if op.oneof > 0 {
		for _, other := range n.oneofs[op.oneof-1] {
			if int(other) != k && at[other] != 0 && !d.unsetBy(&n.ops[other], int(at[other]), v.at) {
				return false
			}
			if int(other) != k {
				at[other] = 0
			}
		}
	}
	first := int(at[k])
	switch {
	case op.do == protoCheck:
		at[k] = int32(v.start)
		return d.check(op.field, packed, v.start)
	case op.field.List || op.field.Map:
		if first == 0 {
			at[k] = int32(v.start)
			if packed {
				at[k] = -at[k]
			}
		}
	case first != 0 && op.field.Of != nil:
		at[k] = int32(-max(first, -first))
	default:
		at[k] = int32(v.start)
	}
	return true
}

// unsetBy looks at the pieces of a message from pos on that another member of its oneof unsets,
// whose tag is at end. It reports false where the record was rejected for them.
func (d *Decoder) unsetBy(op *protoOp, pos, end int) bool {
	if op.field.Of == nil || op.do >= protoCheck {
		return true
	}
	for pos = max(pos, -pos); pos > 0; pos = d.nextOf(op.field, d.after(op.field, false, pos), end).start {
		if !d.checkUnset(op.field, pos) {
			return false
		}
	}
	return true
}

// checkUnset is check for a message that counts for nothing: it need not have its required
// fields.
func (d *Decoder) checkUnset(f *protoschema.Field, pos int) bool {
	d.proto.unset = true
	ok := d.check(f, false, pos)
	d.proto.unset = false
	return ok
}

// unknown reads over a value of a field that the schema does not have, or not of this wire
// type.
func (d *Decoder) unknown(n *protoNode, tag uint64, pos int) bool {
	if !validTag(tag) {
		d.fail(ReasonSyntax, wantTag, pos, 0)
		return false
	}
	d.text = append(append(d.text[:0], n.message.Name...), " field "...)
	d.text = appendUint(d.text, tag>>3)
	d.extraneous(d.text, wireNames[tag&7], pos, 0)
	return true
}

// wireNames are the wire types, as drift calls them.
var wireNames = [8]string{"varint", "fixed64", "bytes", "group", "", "fixed32"}

func validTag(tag uint64) bool { return tag >= 8 && tag < 1<<32 && tag&7 != 4 && tag&7 < 6 }

// step reads the tag at pos and finds the end of its value. next is negative where the record
// was rejected as a whole.
func (d *Decoder) step(pos, end int) wireValue {
	tag, start := uint64(d.buf[pos]), pos+1
	if tag >= 0x80 {
		tag, start = varint(d.buf, pos)
	}
	v := wireValue{tag, pos, start, start}
	switch {
	case start > end:
		d.cut(pos)
		v.next = -1
		return v
	case !validTag(tag):
		d.fail(ReasonSyntax, wantTag, pos, 0)
		v.next = -1
		return v
	}
	switch tag & 7 {
	case 0:
		if v.next++; d.buf[start] >= 0x80 {
			_, v.next = varint(d.buf, start)
		}
	case 1:
		v.next += 8
	case 2:
		size := uint64(d.buf[start])
		if v.next++; size >= 0x80 {
			size, v.next = varint(d.buf, start)
		}
		if size > uint64(max(end-v.next, 0)) {
			v.next = end + 1
			break
		}
		v.next += int(size)
	case 5:
		v.next += 4
	default:
		if _, v.next = d.group(tag, start, end); v.next < 0 {
			return v
		}
	}
	if v.next > end {
		d.cut(start)
		v.next = -1
	}
	return v
}

// group finds where the group of a tag ends whose first field is at pos: where its end stands,
// and behind that. next is negative where the record was rejected as a whole.
func (d *Decoder) group(tag uint64, pos, end int) (to, next int) {
	if !validTag(tag) {
		d.fail(ReasonSyntax, wantTag, pos, 0)
		return 0, -1
	}
	if !d.deeper(pos) {
		return 0, -1
	}
	defer func() { d.proto.depth-- }()
	for pos < end {
		if stop, after := varint(d.buf, pos); stop == tag+1 {
			return pos, after
		}
		v := d.step(pos, end)
		if pos = v.next; pos < 0 {
			return 0, -1
		}
	}
	d.fail(ReasonSyntax, wantGroup+endOfRecord, end, 0)
	return 0, -1
}

// deeper enters a message or a group, which whoever calls it leaves. It reports false where
// the record was rejected for it.
func (d *Decoder) deeper(pos int) bool {
	if d.proto.depth++; d.proto.depth > maxDepth {
		d.fail(ReasonLimit, wantNesting, pos, 0)
		return false
	}
	return true
}

// open finds what is between the ends of a value of a field that is a message, a group, bytes
// or text.
func (d *Decoder) open(f *protoschema.Field, pos int) (from, to int) {
	if f.Wire() == 3 {
		to, _ = d.group(uint64(f.Number)<<3|3, pos, d.end)
		return pos, to
	}
	size, from := varint(d.buf, pos)
	return from, from + int(size)
}

// nextOf finds the next value of a field from pos on, in what scan or step has read already;
// start is 0 where there is none.
func (d *Decoder) nextOf(f *protoschema.Field, pos, end int) wireValue {
	for pos < end {
		v := d.step(pos, end)
		if pos = v.next; pos < 0 {
			break
		}
		if v.tag>>3 == uint64(f.Number) && (v.wire() == f.Wire() || v.tag&7 == 2 && f.Packs()) {
			return v
		}
	}
	return wireValue{}
}

// after is the place behind the value of a field at pos.
func (d *Decoder) after(f *protoschema.Field, packed bool, pos int) int {
	switch wire := f.Wire(); {
	case packed || wire == 2:
		size, next := varint(d.buf, pos)
		return next + int(size)
	case wire == 0:
		_, next := varint(d.buf, pos)
		return next
	case wire == 1:
		return pos + 8
	case wire == 5:
		return pos + 4
	}
	_, next := d.group(uint64(f.Number)<<3|3, pos, d.end)
	return next
}

// check looks at a value of a field that no column comes from: a message or packed values,
// whose bytes must be what they say. It reports false where the record was rejected.
func (d *Decoder) check(f *protoschema.Field, packed bool, pos int) bool {
	if packed {
		size, from := varint(d.buf, pos)
		return d.checkPacked(f, from, from+int(size))
	}
	if f.Of == nil {
		return true
	}
	from, to := d.open(f, pos)
	return d.checkMessage(f.Of, from, to)
}

func (d *Decoder) checkPacked(f *protoschema.Field, from, to int) bool {
	pos := from
	for pos < to {
		pos = d.after(f, false, pos)
	}
	if pos != to {
		d.fail(ReasonSyntax, "packed values that end where they say", from, to-from)
		return false
	}
	return true
}

func (d *Decoder) checkMessage(m *protoschema.Message, from, to int) bool {
	if !d.deeper(from) {
		return false
	}
	s := &d.proto
	first := len(s.marks)
	for range m.Required {
		s.marks = append(s.marks, 0)
	}
	for pos := from; pos < to; {
		v := d.step(pos, to)
		if pos = v.next; pos < 0 {
			return false
		}
		i := m.Find(v.tag >> 3)
		if i < 0 {
			continue
		}
		f := &m.Fields[i]
		packed := v.wire() != f.Wire()
		if packed && (v.tag&7 != 2 || !f.Packs()) {
			continue
		}
		if f.Must > 0 {
			s.marks[first+f.Must-1] = 1
		}
		if !d.check(f, packed, v.start) {
			return false
		}
	}
	for _, there := range s.marks[first:] {
		if there == 0 && !s.unset {
			d.fail(ReasonSyntax, "all required fields of "+m.Name, from, to-from)
			return false
		}
	}
	s.marks = s.marks[:first]
	s.depth--
	return true
}
