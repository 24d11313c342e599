package conform

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

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
	at, packed := max(pos, -pos), pos < 0 && f.List
	for at > 0 {
		if s.seen = append(s.seen, protoSeen{0, int32(at)}); packed {
			s.seen[len(s.seen)-1].pos = int32(-at)
		}
		if !f.List && !f.Map && pos > 0 {
			break
		}
		// The values are gathered as those of a message are that has no other field.
		v := d.nextOf(f, d.after(f, packed, at), end)
		at, packed = v.start, v.wire() != f.Wire()
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
		c := &d.columns[op.column]
		c.codes[d.row] = c.index.add(j.out, plain(j.out), d.row)
	}
	return true
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
	if m.Oneofs > 0 {
		d.dropUnset(m, first)
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

// dropUnset takes away from seen what a later member of a oneof has unset.
func (d *Decoder) dropUnset(m *protoschema.Message, first int) {
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
				continue
			}
		}
		kept--
		s.seen[kept] = one
	}
	s.seen = append(s.seen[:first], s.seen[kept:]...)
	s.marks = s.marks[:marks]
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

// writeTime writes a Timestamp or a Duration.
func (d *Decoder) writeTime(j *jsonText, m *protoschema.Message, in place) bool {
	var at [3]int64
	if !d.three(m, in, &at) {
		return false
	}
	x, ok := d.numbers(m, &at)
	write, want := appendMoment, "a time of the years 1 to 9999"
	if m.Known == protoschema.Duration {
		write, want = appendSpan, "a duration"
	}
	j.out = append(j.out, '"')
	var fits bool
	if j.out, fits = write(j.out, x); !ok || !fits {
		j.spoil(ReasonTime, want, in)
	}
	j.out = append(j.out, '"')
	return true
}

// writeMask writes the paths of a FieldMask.
func (d *Decoder) writeMask(j *jsonText, seen []protoSeen) {
	j.out = append(j.out, '"')
	for i, v := range seen {
		if i > 0 {
			j.out = append(j.out, ',')
		}
		size, from := varint(d.buf, int(v.pos))
		path := d.buf[from : from+int(size)]
		for k, c := range path {
			switch {
			case c == '_' && k+1 < len(path) && path[k+1]-'a' < 26:
			case k > 0 && path[k-1] == '_' && c-'a' < 26:
				j.out = append(j.out, c-'a'+'A')
			case c-'a' < 26 || c-'0' <= 9 || c == '.':
				j.out = append(j.out, c)
			default:
				j.spoil(ReasonType, "paths of a FieldMask that JSON can hold", place{from, len(path)})
			}
		}
	}
	j.out = append(j.out, '"')
}

// writeProto writes a value that is no message.
func (d *Decoder) writeProto(j *jsonText, f *protoschema.Field, pos int) {
	switch f.Kind {
	case protoreflect.BoolKind:
		x, _ := varint(d.buf, pos)
		j.out = strconv.AppendBool(j.out, x != 0)
		return
	case protoreflect.StringKind, protoreflect.BytesKind:
		size, from := varint(d.buf, pos)
		raw := d.buf[from : from+int(size)]
		switch {
		case f.Kind == protoreflect.StringKind:
			j.text(raw, from)
		case base64.StdEncoding.EncodedLen(len(raw)) > j.most:
			j.spoil(ReasonLimit, wantLessJSON, place{from, len(raw)})
		default:
			j.out = append(base64.StdEncoding.AppendEncode(append(j.out, '"'), raw), '"')
		}
		return
	case protoreflect.FloatKind:
		j.out = appendFraction(j.out, float64(math.Float32frombits(binary.LittleEndian.Uint32(d.buf[pos:]))), 32)
		return
	case protoreflect.DoubleKind:
		j.out = appendFraction(j.out, math.Float64frombits(word(d.buf, pos)), 64)
		return
	}
	x, _ := d.integer(f.Kind, pos)
	size := protoSizes(f.Kind)
	if f.Kind == protoreflect.EnumKind {
		size = -32
	}
	switch fits := inBits(f.Kind, x) && (size != -32 || x == int64(int32(x))); {
	case !fits:
		j.spoil(ReasonOverflow, "a number of 32 bits", place{pos, 0})
	case f.Kind == protoreflect.EnumKind:
		j.enum(f.Enum, int32(x))
	case size == 64:
		j.out = append(strconv.AppendUint(append(j.out, '"'), uint64(x), 10), '"')
	case size == -64:
		j.out = append(strconv.AppendInt(append(j.out, '"'), x, 10), '"')
	default:
		j.out = strconv.AppendInt(j.out, x, 10)
	}
}

func (j *jsonText) enum(e *protoschema.Enum, x int32) {
	i := e.Find(x)
	switch {
	case e.Null:
		j.out = append(j.out, "null"...)
	case i < 0:
		j.out = strconv.AppendInt(j.out, int64(x), 10)
	default:
		j.out = append(append(append(j.out, '"'), e.Symbols[i].Text...), '"')
	}
}

// appendFraction writes a float or double as Protobuf's JSON does.
func appendFraction(dst []byte, x float64, size int) []byte {
	switch {
	case math.IsNaN(x):
		return append(dst, `"NaN"`...)
	case math.IsInf(x, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(x, -1):
		return append(dst, `"-Infinity"`...)
	}
	form := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		form = 'e'
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, x, form, -1, size)
	if i := bytes.LastIndexByte(dst[from:], 'e'); form == 'e' && i >= 0 && len(dst)-from-i == 4 && dst[from+i+2] == '0' { // e-09 is e-9
		dst = append(dst[:from+i+2], dst[len(dst)-1])
	}
	return dst
}
