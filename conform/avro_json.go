package conform

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"tidemark/internal/avroschema"
	"tidemark/internal/jsontext"
)

// A value may become so much text of JSON, since names and symbols of a schema cost a
// record nothing: freeText, and byteText for each of its bytes.
const (
	freeText = 1 << 17
	byteText = 14
)

// jsonText is the text of a value while it is written, behind what d.text holds.
type jsonText struct {
	out    []byte
	most   int
	reason string // why the value is rejected, the first one
	want   string
	at     place
}

func (j *jsonText) spoil(reason, want string, at place) {
	if j.reason == "" {
		j.reason, j.want, j.at = reason, want, at
	}
}

// keepAvro gives a column of type json the text of the value at pos, as raw files write
// it. It returns the place behind it, −1 where the record was rejected as a whole.
func (d *Decoder) keepAvro(op *avroOp, pos int) int {
	j := jsonText{out: d.text[:0], most: min(maxText-1, freeText+byteText*(d.end-d.base))}
	next := d.write(&j, op.of, pos)
	d.text = j.out[:0]
	switch {
	case next < 0 || next > d.end:
	case j.reason != "":
		d.reject(int(op.column), j.reason, j.want, j.at)
	case string(j.out) == "null":
		d.null(&avroOp{column: op.column}, pos)
	default:
		c := &d.slots[op.column]
		c.codes[d.row] = c.index.add(j.out, plain(j.out), d.row)
	}
	return next
}

// write writes the value at pos as text of JSON. What it costs is bounded as for skipAvro,
// which goes on where the text has become too long.
func (d *Decoder) write(j *jsonText, t *avroschema.Type, pos int) int {
	if len(j.out) > j.most {
		j.out = j.out[:0]
		j.spoil(ReasonLimit, "a value that becomes less text of JSON", place{pos, 0})
	}
	if j.reason == ReasonLimit {
		return d.skipAvro(t, pos)
	}
	switch t.Kind {
	case avroschema.Null:
		j.out = append(j.out, "null"...)
		return d.skipAvro(t, pos)
	case avroschema.Union:
		x, next := varint(d.buf, pos)
		if next > d.end || x&1 != 0 || x>>1 >= uint64(len(t.Of)) {
			return d.skipAvro(t, pos) // which rejects it
		}
		return d.write(j, t.Of[x>>1], next)
	case avroschema.Record:
		return d.writeRecord(j, t, pos)
	case avroschema.Array, avroschema.Map:
		return d.writeItems(j, t, pos)
	}
	next := d.skipAvro(t, pos)
	if next >= 0 && next <= d.end {
		d.writeScalar(j, t, place{pos, next - pos})
	}
	return next
}

func (d *Decoder) writeRecord(j *jsonText, t *avroschema.Type, pos int) int {
	if d.avro.work--; d.avro.work < 0 {
		return d.skipAvro(t, pos) // which rejects it
	}
	if !d.enter(pos) {
		return -1
	}
	j.out = append(j.out, '{')
	for i := range t.Fields {
		if i > 0 {
			j.out = append(j.out, ',')
		}
		j.out = append(j.out, t.Fields[i].Key...)
		if pos = d.write(j, t.Fields[i].Of, pos); pos < 0 || pos > d.end {
			return pos
		}
	}
	j.out = append(j.out, '}')
	d.avro.depth--
	return pos
}

// writeItems writes an array or a map that was looked at already: it ends where it must.
func (d *Decoder) writeItems(j *jsonText, t *avroschema.Type, pos int) int {
	open, shut := byte('['), byte(']')
	if t.Kind == avroschema.Map {
		open, shut = '{', '}'
	}
	if next := d.skipAvro(t, pos); next < 0 || next > d.end {
		return next
	}
	if !d.enter(pos) {
		return -1
	}
	j.out = append(j.out, open)
	for first := true; ; {
		u, next := varint(d.buf, pos)
		count := zigzag(u)
		if count < 0 {
			count = -count
			_, next = varint(d.buf, next)
		}
		if pos = next; count == 0 {
			j.out = append(j.out, shut)
			d.avro.depth--
			return pos
		}
		for ; count > 0; count-- {
			if !first {
				j.out = append(j.out, ',')
			}
			first = false
			if t.Kind == avroschema.Map {
				n, next := d.length(pos)
				j.text(d.buf[next:next+n], next)
				j.out = append(j.out, ':')
				pos = next + n
			}
			if pos = d.write(j, t.Of[0], pos); pos < 0 || pos > d.end {
				return pos
			}
		}
	}
}

// text writes a text between quotes.
func (j *jsonText) text(s []byte, at int) {
	if len(s) > j.most {
		j.spoil(ReasonLimit, "a value that becomes less text of JSON", place{at, len(s)})
		return
	}
	if !utf8.Valid(s) {
		j.spoil(ReasonEncoding, "text in UTF-8", place{at + invalidAt(s), 1})
	}
	j.out = jsontext.AppendString(j.out, s)
}

// writeScalar writes a value that has nothing within it, and stands at a place.
func (d *Decoder) writeScalar(j *jsonText, t *avroschema.Type, in place) {
	pos, raw := in.at, d.buf[in.at:in.at+in.length]
	if t.Kind == avroschema.String || t.Kind == bytesKind || t.Base == bytesKind {
		n, next := d.length(pos)
		pos, raw = next, d.buf[next:next+n]
	}
	switch t.Kind {
	case avroschema.String:
		j.text(raw, pos)
		return
	case avroschema.Boolean:
		j.out = strconv.AppendBool(j.out, raw[0] == 1)
		return
	case avroschema.Float:
		j.fraction(float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))), 32, in)
		return
	case avroschema.Double:
		j.fraction(math.Float64frombits(binary.LittleEndian.Uint64(raw)), 64, in)
		return
	case avroschema.UUID:
		j.out = append(jsontext.AppendUUID(append(j.out, '"'), raw), '"')
		return
	case avroschema.Duration:
		j.out = jsontext.AppendDuration(j.out, raw)
		return
	case avroschema.Decimal:
		j.decimal(t, raw, in)
		return
	case avroschema.Bytes, avroschema.Fixed:
		if base64.StdEncoding.EncodedLen(len(raw)) > j.most {
			j.spoil(ReasonLimit, "a value that becomes less text of JSON", in)
			return
		}
		j.out = append(base64.StdEncoding.AppendEncode(append(j.out, '"'), raw), '"')
		return
	}
	u, _ := varint(d.buf, pos)
	switch x := zigzag(u); t.Kind {
	case avroschema.Enum:
		j.out = append(j.out, t.Symbols[x].JSON...)
	case avroschema.Date:
		j.out = append(jsontext.AppendDay(append(j.out, '"'), x), '"')
	case avroschema.Moment:
		j.out = append(jsontext.AppendMoment(append(j.out, '"'), x, t.Unit, t.Zoned), '"')
	case avroschema.Time:
		if x < 0 || x >= int64(t.Unit)*86400 {
			j.spoil(ReasonTime, "a time of day", in)
			return
		}
		j.out = append(jsontext.AppendClock(append(j.out, '"'), x, t.Unit), '"')
	default:
		j.out = strconv.AppendInt(j.out, x, 10)
	}
}

func (j *jsonText) fraction(x float64, size int, in place) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		j.spoil(ReasonSyntax, "a finite number: JSON knows neither NaN nor Infinity", in)
		return
	}
	j.out = jsontext.AppendFloat(j.out, x, size)
}

func (j *jsonText) decimal(t *avroschema.Type, b []byte, in place) {
	for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		b = b[1:]
	}
	switch {
	case len(b) == 0:
		j.spoil(ReasonSyntax, "a decimal, which has at least one byte", in)
		return
	case len(b) > maxDecimal:
		j.spoil(ReasonOverflow, "no more digits than its schema says", in)
		return
	}
	var room [20]byte
	var digits []byte
	if len(b) <= 8 {
		x := int64(int8(b[0]))
		for _, c := range b[1:] {
			x = x<<8 | int64(c)
		}
		digits = strconv.AppendInt(room[:0], x, 10)
	} else {
		x := new(big.Int).SetBytes(b)
		if b[0] >= 0x80 {
			x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		digits = x.Append(nil, 10)
	}
	if n := len(digits); n > t.Precision+1 || n > t.Precision && digits[0] != '-' {
		j.spoil(ReasonOverflow, "no more digits than its schema says", in)
	}
	j.out = jsontext.AppendScaled(j.out, digits, t.Scale)
}
