package rawfile

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// str writes a text. Bytes that are not UTF-8 stay as they are, and spoil the row.
func (t *rowText) str(s []byte) {
	if !t.fits(len(s)) {
		return
	}
	if !utf8.Valid(s) {
		t.spoil("encoding", "text in UTF-8")
	}
	t.buf = appendText(t.buf, s)
}

// appendText writes a text between quotes, escaped as JSON asks.
func appendText(dst, s []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i, c := range s {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
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
	t.buf = strconv.AppendFloat(t.buf, x, 'g', -1, bits)
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
	if text[0] == '-' {
		t.buf = append(t.buf, '-')
		text = text[1:]
	}
	if precision > 0 && len(text) > precision {
		t.spoil("overflow", "no more digits than its type decimal("+strconv.Itoa(precision)+","+strconv.Itoa(scale)+") has")
	}
	if scale == 0 {
		t.buf = append(t.buf, text...)
		return
	}
	if len(text) <= scale {
		t.buf = append(t.buf, "0."...)
		for range scale - len(text) {
			t.buf = append(t.buf, '0')
		}
		t.buf = append(t.buf, text...)
		return
	}
	t.buf = append(t.buf, text[:len(text)-scale]...)
	t.buf = append(t.buf, '.')
	t.buf = append(t.buf, text[len(text)-scale:]...)
}

// number writes a decimal that an integer holds.
func (t *rowText) number(x int64, scale, precision int) {
	var room [20]byte
	t.digits(strconv.AppendInt(room[:0], x, 10), scale, precision)
}

// unit is what a number of a time counts, by how many of them are in a second.
type unit int64

const (
	millis unit = 1e3
	micros unit = 1e6
	nanos  unit = 1e9
)

// date writes a day, counted from 1970-01-01.
func (t *rowText) date(days int64) {
	t.buf = append(t.buf, '"')
	t.day(days)
	t.buf = append(t.buf, '"')
}

// day writes a date. Years that have no four digits are written all the same: they are
// no times that a column can hold, which is for it to say.
func (t *rowText) day(days int64) {
	year, month, day := civil(days)
	if year < 0 {
		t.buf = append(t.buf, '-')
		year = -year
	}
	for limit := int64(1000); limit > 1 && year < limit; limit /= 10 {
		t.buf = append(t.buf, '0')
	}
	t.buf = strconv.AppendInt(t.buf, year, 10)
	t.buf = append(t.buf, '-', byte('0'+month/10), byte('0'+month%10), '-', byte('0'+day/10), byte('0'+day%10))
}

// civil is the date of a day by the Gregorian calendar. Eras of 400 years begin in March.
func civil(days int64) (year, month, day int64) {
	const era = 146097
	days += 719468
	n := days / era
	if days < n*era {
		n--
	}
	d := days - n*era
	y := (d - d/1460 + d/36524 - d/146096) / 365
	d -= 365*y + y/4 - y/100
	m := (5*d + 2) / 153
	day = d - (153*m+2)/5 + 1
	month = m + 3
	if month > 12 {
		month -= 12
	}
	year = y + n*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

// moment writes a time, counted from 1970, with the zone UTC or without any.
func (t *rowText) moment(x int64, u unit, zoned bool) {
	day := int64(u) * 86400
	days := x / day
	if x < days*day {
		days--
	}
	t.buf = append(t.buf, '"')
	t.day(days)
	t.buf = append(t.buf, 'T')
	t.clock(x-days*day, u)
	if zoned {
		t.buf = append(t.buf, 'Z')
	}
	t.buf = append(t.buf, '"')
}

// timeOfDay writes a time since midnight.
func (t *rowText) timeOfDay(x int64, u unit) {
	if x < 0 || x >= int64(u)*86400 {
		t.spoil("time", "a time of day")
		t.buf = strconv.AppendInt(t.buf, x, 10)
		return
	}
	t.buf = append(t.buf, '"')
	t.clock(x, u)
	t.buf = append(t.buf, '"')
}

// clock writes a time since midnight with as many digits of a second as it has.
func (t *rowText) clock(x int64, u unit) {
	s, part := x/int64(u), x%int64(u)
	h, m := s/3600, s/60%60
	s %= 60
	t.buf = append(t.buf, byte('0'+h/10), byte('0'+h%10), ':', byte('0'+m/10), byte('0'+m%10), ':', byte('0'+s/10), byte('0'+s%10))
	if part == 0 {
		return
	}
	t.buf = append(t.buf, '.')
	for u /= 10; part > 0; u /= 10 {
		t.buf = append(t.buf, byte('0'+part/int64(u)))
		part %= int64(u)
	}
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
	t.buf = append(t.buf, '"')
	t.day(days)
	t.buf = append(t.buf, 'T')
	t.clock(inDay, nanos)
	t.buf = append(t.buf, 'Z', '"')
}

// uuid writes 16 bytes as the text of a UUID.
func (t *rowText) uuid(b []byte) {
	t.buf = append(t.buf, '"')
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			t.buf = append(t.buf, '-')
		}
		t.buf = append(t.buf, hexDigits[c>>4], hexDigits[c&15])
	}
	t.buf = append(t.buf, '"')
}

// duration writes the three numbers of an interval.
func (t *rowText) duration(b []byte) {
	for i, key := range []string{`{"months":`, `,"days":`, `,"millis":`} {
		t.buf = append(t.buf, key...)
		t.buf = strconv.AppendUint(t.buf, uint64(binary.LittleEndian.Uint32(b[4*i:])), 10)
	}
	t.buf = append(t.buf, '}')
}
