package conform

import (
	"math"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"tidemark/internal/protoschema"
)

// protoSeen is a value of a message that is being written: of which of its fields, and where.
// Of packed values pos is negative.
type protoSeen struct{ field, pos int32 }

// wantText of JSON that grows too much.
const wantLessJSON = "a value that becomes less text of JSON"

// keepProto gives a column of type json the text of a value, as Protobuf's own mapping to JSON
// has it, with the names of the schema and with fields that have no presence always there. It
// reports false where the record was rejected as a whole.
func (d *Decoder) keepProto(op *protoOp, pos, end int) bool {
	j := jsonText{out: d.json[:0], most: min(maxText-1, freeText+byteText*(d.end-d.base))}
	if d.base == nowhere {
		j.most = min(maxText-1, freeText+byteText*d.end)
	}
	f := op.field
	s := &d.proto
	first := len(s.seen)
	if !f.List && !f.Map && pos >= 0 {
		s.seen = append(s.seen, protoSeen{0, int32(pos)})
	} else {
		d.seeAll(f, pos, end)
	}
	ok := d.writeField(&j, f, s.seen[first:])
	s.seen = s.seen[:first]
	d.json = j.out[:0]
	switch {
	case !ok:
		return false
	case j.reason != "":
		d.reject(int(op.column), j.reason, j.want, j.at)
	case string(j.out) == "null":
		d.null(&avroOp{column: op.column}, -1)
	default:
		c := &d.slots[op.column]
		c.codes[d.row] = c.index.add(j.out, plain(j.out), d.row)
	}
	return true
}

// seeAll notes the values of a field, the first of them at pos, as see does for a message that
// has no other field.
func (d *Decoder) seeAll(f *protoschema.Field, pos, end int) {
	s := &d.proto
	at, packed := max(pos, -pos), pos < 0 && f.List
	for at > 0 {
		if s.seen = append(s.seen, protoSeen{0, int32(at)}); packed {
			s.seen[len(s.seen)-1].pos = int32(-at)
		}
		v := d.nextOf(f, d.after(f, packed, at), end)
		at, packed = v.start, v.wire() != f.Wire()
	}
}

// full reports whether a text has become too long, and lets go of it.
func (j *jsonText) full(at int) bool {
	if len(j.out) > j.most {
		j.out = j.out[:0]
		j.spoil(ReasonLimit, wantLessJSON, place{at, 0})
	}
	return j.reason == ReasonLimit
}

// writeField writes the value of a field, of which all that came is in seen.
func (d *Decoder) writeField(j *jsonText, f *protoschema.Field, seen []protoSeen) bool {
	switch {
	case f.Map:
		return d.writeMap(j, f, seen)
	case f.List:
		j.out = append(j.out, '[')
		open := len(j.out)
		for _, v := range seen {
			if len(j.out) > open {
				j.out = append(j.out, ',')
			}
			if !d.writeSome(j, f, int(v.pos)) {
				return false
			}
		}
		j.out = append(j.out, ']')
		return true
	case f.Of != nil && len(seen) > 1:
		whole := d.gatherSeen(f, seen)
		return whole != nil && d.elsewhere(whole, func() bool { return d.writeMessage(j, f.Of, place{0, d.end}) })
	}
	return d.writeValue(j, f, int(seen[len(seen)-1].pos))
}

// writeSome writes an element of a list, or a run of packed ones.
func (d *Decoder) writeSome(j *jsonText, f *protoschema.Field, pos int) bool {
	if pos > 0 {
		return d.writeValue(j, f, pos)
	}
	size, from := varint(d.buf, -pos)
	to := from + int(size)
	if !d.checkPacked(f, from, to) {
		return false
	}
	first := true
	for at := from; at < to; at = d.after(f, false, at) {
		if !first {
			j.out = append(j.out, ',')
		}
		first = false
		if !d.writeValue(j, f, at) {
			return false
		}
	}
	if first && len(j.out) > 0 && j.out[len(j.out)-1] == ',' { // an empty run
		j.out = j.out[:len(j.out)-1]
	}
	return true
}

// gatherSeen is gather for values whose places are known.
func (d *Decoder) gatherSeen(f *protoschema.Field, seen []protoSeen) []byte {
	end := d.after(f, false, int(seen[len(seen)-1].pos))
	return d.gather(f, int(seen[0].pos), end)
}

// writeValue writes a value that stands alone.
func (d *Decoder) writeValue(j *jsonText, f *protoschema.Field, pos int) bool {
	if f.Of != nil {
		from, to := d.open(f, pos)
		return d.writeMessage(j, f.Of, place{from, to - from})
	}
	if !j.full(pos) {
		d.writeProto(j, f, pos)
	}
	return true
}

// writeMessage writes a message. It reports false where the record was rejected as a whole.
func (d *Decoder) writeMessage(j *jsonText, m *protoschema.Message, in place) bool {
	if j.full(in.at) {
		return d.checkMessage(m, in.at, in.at+in.length)
	}
	if !d.deeper(in.at) {
		return false
	}
	defer func() { d.proto.depth-- }()
	switch m.Known {
	case protoschema.Timestamp, protoschema.Duration:
		return d.writeTime(j, m, in)
	}
	s := &d.proto
	first := len(s.seen)
	if !d.see(m, in) {
		return false
	}
	var ok bool
	switch seen := s.seen[first:]; m.Known {
	case protoschema.Wrapper:
		ok = d.writeOr(j, &m.Fields[0], seen)
	case protoschema.Struct, protoschema.ListValue:
		ok = d.writeField(j, &m.Fields[0], seen)
	case protoschema.Value:
		ok = d.writeAny(j, m, seen)
	case protoschema.FieldMask:
		d.writeMask(j, seen)
		ok = true
	default:
		ok = d.writeFields(j, m, seen)
	}
	s.seen = s.seen[:first]
	return ok
}

// see notes the values of a message, by fields as they are declared. Of a oneof the last one
// counts.
func (d *Decoder) see(m *protoschema.Message, in place) bool {
	s := &d.proto
	first, end := len(s.seen), in.at+in.length
	for pos := in.at; pos < end; {
		v := d.step(pos, end)
		if pos = v.next; pos < 0 {
			return false
		}
		i := m.Find(v.tag >> 3)
		if i < 0 {
			continue
		}
		switch f := &m.Fields[i]; {
		case v.wire() == f.Wire():
			s.seen = append(s.seen, protoSeen{int32(i), int32(v.start)})
		case v.tag&7 == 2 && f.Packs():
			s.seen = append(s.seen, protoSeen{int32(i), int32(-v.start)})
		}
	}
	if m.Oneofs > 0 && !d.dropUnset(m, first) {
		return false
	}
	seen := s.seen[first:]
	inOrder := func(a, b protoSeen) int { return int(a.field) - int(b.field) }
	if !slices.IsSortedFunc(seen, inOrder) {
		slices.SortStableFunc(seen, inOrder)
	}
	if m.Required == 0 {
		return true
	}
	missing := m.Required
	for i := range seen {
		if m.Fields[seen[i].field].Must > 0 && (i == 0 || seen[i-1].field != seen[i].field) {
			missing--
		}
	}
	if missing > 0 {
		d.fail(ReasonSyntax, "all required fields of "+m.Name, in.at, in.length)
	}
	return missing == 0
}

// dropUnset takes away from seen what a later member of a oneof has unset. It reports false where
// the record was rejected for that.
func (d *Decoder) dropUnset(m *protoschema.Message, first int) bool {
	s := &d.proto
	marks := len(s.marks)
	for range m.Oneofs { // the member that counts, plus one; negative: others came before it
		s.marks = append(s.marks, 0)
	}
	kept := len(s.seen)
	for i := len(s.seen) - 1; i >= first; i-- {
		one := s.seen[i]
		if o := m.Fields[one.field].Oneof; o > 0 {
			switch last := &s.marks[marks+o-1]; *last {
			case 0, one.field + 1:
				*last = one.field + 1
			default:
				*last = min(*last, -*last)
				if !d.checkUnset(&m.Fields[one.field], int(one.pos)) {
					return false
				}
				continue
			}
		}
		kept--
		s.seen[kept] = one
	}
	s.seen = append(s.seen[:first], s.seen[kept:]...)
	s.marks = s.marks[:marks]
	return true
}

// writeFields writes a message as an object.
func (d *Decoder) writeFields(j *jsonText, m *protoschema.Message, seen []protoSeen) bool {
	j.out = append(j.out, '{')
	first, always := true, m.Always
	key := func(f *protoschema.Field) {
		if !first {
			j.out = append(j.out, ',')
		}
		first = false
		j.out = append(j.out, f.Key...)
	}
	for len(seen) > 0 || len(always) > 0 {
		if len(seen) == 0 || len(always) > 0 && always[0] < seen[0].field {
			f := &m.Fields[always[0]]
			always = always[1:]
			key(f)
			if j.full(-1) {
				continue
			}
			d.writeZero(j, f)
			continue
		}
		i, n := seen[0].field, 1
		for n < len(seen) && seen[n].field == i {
			n++
		}
		if len(always) > 0 && always[0] == i {
			always = always[1:]
		}
		key(&m.Fields[i])
		if !d.writeField(j, &m.Fields[i], seen[:n]) {
			return false
		}
		seen = seen[n:]
	}
	j.out = append(j.out, '}')
	return true
}

// writeOr writes the value of a field, or its zero value.
func (d *Decoder) writeOr(j *jsonText, f *protoschema.Field, seen []protoSeen) bool {
	if len(seen) == 0 {
		d.writeZero(j, f)
		return true
	}
	return d.writeField(j, f, seen)
}

// writeZero writes what a field is that is absent and has no presence.
func (d *Decoder) writeZero(j *jsonText, f *protoschema.Field) {
	switch {
	case f.Map:
		j.out = append(j.out, "{}"...)
	case f.List:
		j.out = append(j.out, "[]"...)
	default:
		_ = d.elsewhere(d.proto.zeros[:], func() bool {
			d.writeProto(j, f, 0)
			return true
		})
	}
}

// writeMap writes a map. Of a key that comes twice the last entry counts.
func (d *Decoder) writeMap(j *jsonText, f *protoschema.Field, seen []protoSeen) bool {
	key, value := &f.Of.Fields[0], &f.Of.Fields[1]
	last := map[string]int{}
	for i, v := range seen {
		from, to := d.open(f, int(v.pos))
		var at [3]int64
		if !d.three(f.Of, place{from, to - from}, &at) {
			return false
		}
		last[string(d.appendKey(d.text[:0], key, int(at[0])))] = i
	}
	j.out = append(j.out, '{')
	first := true
	for i, v := range seen {
		from, to := d.open(f, int(v.pos))
		var at [3]int64
		d.three(f.Of, place{from, to - from}, &at)
		d.text = d.appendKey(d.text[:0], key, int(at[0]))
		if last[string(d.text)] != i {
			if !d.checkMessage(f.Of, from, to) {
				return false
			}
			continue
		}
		if !first {
			j.out = append(j.out, ',')
		}
		first = false
		j.text(d.text, from)
		j.out = append(j.out, ':')
		switch {
		case at[1] > 0:
			if !d.writeValue(j, value, int(at[1])) {
				return false
			}
		case value.Of != nil:
			if !d.writeMessage(j, value.Of, place{to, 0}) {
				return false
			}
		default:
			d.writeZero(j, value)
		}
	}
	j.out = append(j.out, '}')
	return true
}

// writeAny writes a google.protobuf.Value: whatever JSON it is.
func (d *Decoder) writeAny(j *jsonText, m *protoschema.Message, seen []protoSeen) bool {
	if len(seen) == 0 {
		j.out = append(j.out, "null"...)
		return true
	}
	f := &m.Fields[seen[0].field]
	if f.Kind == protoreflect.DoubleKind {
		pos := int(seen[len(seen)-1].pos)
		if x := math.Float64frombits(word(d.buf, pos)); math.IsNaN(x) || math.IsInf(x, 0) {
			j.spoil(ReasonSyntax, "a finite number: JSON knows neither NaN nor Infinity", place{pos, 8})
			return true
		}
	}
	return d.writeField(j, f, seen)
}
