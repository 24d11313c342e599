package rawfile

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"tidemark/internal/jsontext"
)

// str writes a text. Bytes that are not UTF-8 stay as they are, and spoil the row.
func (t *rowText) str(s []byte) {
	if !t.fits(len(s)) {
		return
	}
	if !utf8.Valid(s) {
		t.spoil("encoding", "text in UTF-8")
	}
	t.buf = jsontext.AppendString(t.buf, s)
}

// bin writes bytes as base64.
func (t *rowText) bin(b []byte) {
	if !t.fits(base64.StdEncoding.EncodedLen(len(b))) {
		return
	}
	t.buf = append(t.buf, '"')
	t.buf = base64.StdEncoding.AppendEncode(t.buf, b)
	t.buf = append(t.buf, '"')
}

// float writes a number of 32 or 64 bits with as few digits as name it.
func (t *rowText) float(x float64, bits int) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		t.spoil("syntax", "a finite number: JSON knows neither NaN nor Infinity")
	}
	t.buf = jsontext.AppendFloat(t.buf, x, bits)
}

// maxDecimal is the most bytes of a decimal that is written out. What is longer has more
// digits than any table can hold.
const maxDecimal = 256

// decimal writes a number of two's complement, the highest byte first, that has so many
// digits behind its point; one of more digits than precision spoils the row, unless
// that is 0.
func (t *rowText) decimal(b []byte, scale, precision int) {
	for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		b = b[1:]
	}
	switch {
	case len(b) == 0:
		t.spoil("syntax", "a decimal, which has at least one byte")
		t.buf = append(t.buf, "null"...)
	case len(b) <= 8:
		x := int64(int8(b[0]))
		for _, c := range b[1:] {
			x = x<<8 | int64(c)
		}
		t.number(x, scale, precision)
	case len(b) > maxDecimal:
		t.spoil("overflow", "a decimal under "+strconv.Itoa(maxDecimal)+" bytes")
		t.bin(b)
	default:
		x := new(big.Int).SetBytes(b)
		if b[0] >= 0x80 {
			x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		t.digits(x.Append(nil, 10), scale, precision)
	}
}

// digits writes a whole number with a point before its last scale digits.
func (t *rowText) digits(text []byte, scale, precision int) {
	count := len(text)
	if text[0] == '-' {
		count--
	}
	if precision > 0 && count > precision {
		t.spoil("overflow", "no more digits than its type decimal("+strconv.Itoa(precision)+","+strconv.Itoa(scale)+") has")
	}
	t.buf = jsontext.AppendScaled(t.buf, text, scale)
}

// number writes a decimal that an integer holds.
func (t *rowText) number(x int64, scale, precision int) {
	var room [20]byte
	t.digits(strconv.AppendInt(room[:0], x, 10), scale, precision)
}

// date writes a day, counted from 1970-01-01.
func (t *rowText) date(days int64) {
	t.buf = append(jsontext.AppendDay(append(t.buf, '"'), days), '"')
}

// moment writes a time, counted from 1970, with the zone UTC or without any.
func (t *rowText) moment(x int64, u jsontext.Unit, zoned bool) {
	t.buf = append(jsontext.AppendMoment(append(t.buf, '"'), x, u, zoned), '"')
}

// timeOfDay writes a time since midnight.
func (t *rowText) timeOfDay(x int64, u jsontext.Unit) {
	if x < 0 || x >= int64(u)*86400 {
		t.spoil("time", "a time of day")
		t.buf = strconv.AppendInt(t.buf, x, 10)
		return
	}
	t.buf = append(jsontext.AppendClock(append(t.buf, '"'), x, u), '"')
}

// int96 writes a time as old writers have it: nanoseconds of a Julian day.
func (t *rowText) int96(b []byte) {
	const epoch = 2440588 // the Julian day of 1970-01-01
	inDay, days := int64(binary.LittleEndian.Uint64(b)), int64(int32(binary.LittleEndian.Uint32(b[8:])))-epoch
	if inDay < 0 || inDay >= int64(24*time.Hour) {
		t.spoil("time", "a time within its day")
		t.bin(b)
		return
	}
	t.buf = append(jsontext.AppendDay(append(t.buf, '"'), days), 'T')
	t.buf = append(jsontext.AppendClock(t.buf, inDay, jsontext.Nanos), 'Z', '"')
}

// uuid writes 16 bytes as the text of a UUID.
func (t *rowText) uuid(b []byte) {
	t.buf = append(jsontext.AppendUUID(append(t.buf, '"'), b), '"')
}

// duration writes the three numbers of an interval.
func (t *rowText) duration(b []byte) { t.buf = jsontext.AppendDuration(t.buf, b) }
