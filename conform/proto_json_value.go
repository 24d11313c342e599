package conform

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"tidemark/internal/protoschema"
)

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
