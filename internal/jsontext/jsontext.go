// Package jsontext writes values as Tidemark's JSON has them: text with its escapes,
// dates, times, identifiers and decimals. Readers of files make rows of it, and conform
// makes text of values that a column of text takes.
//
// Every function appends to a slice and returns it, and keeps nothing. Text stands between
// quotes where a function says so. All are safe for several goroutines.
package jsontext

import (
	"encoding/binary"
	"math"
	"strconv"
)

const hexDigits = "0123456789abcdef"

// Unit is what a number of a time counts, by how many of them are in a second.
type Unit int64

// The units of times.
const (
	Millis Unit = 1e3
	Micros Unit = 1e6
	Nanos  Unit = 1e9
)

// AppendString writes a text between quotes, escaped as JSON asks.
func AppendString(dst, s []byte) []byte {
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

// AppendFloat writes a finite float of so many bits, 32 or 64: its shortest text. A whole
// number beyond those that such a float counts one by one has all its digits, since the
// shortest text is another whole number, which only rounds to the same float.
func AppendFloat(dst []byte, x float64, bits int) []byte {
	least := float64(1 << 53)
	if bits == 32 {
		least = 1 << 24
	}
	if a := math.Abs(x); a >= least && a < 1<<63 {
		return strconv.AppendInt(dst, int64(x), 10)
	}
	return strconv.AppendFloat(dst, x, 'g', -1, bits)
}

// AppendScaled writes the digits of a whole number, a minus perhaps before them, with a
// point before the last scale of them.
func AppendScaled(dst, digits []byte, scale int) []byte {
	if digits[0] == '-' {
		dst = append(dst, '-')
		digits = digits[1:]
	}
	if scale == 0 {
		return append(dst, digits...)
	}
	if len(digits) <= scale {
		dst = append(dst, "0."...)
		for range scale - len(digits) {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	dst = append(dst, '.')
	return append(dst, digits[len(digits)-scale:]...)
}

// AppendDay writes a day, counted from 1970-01-01, without quotes. Years that have no four
// digits are written all the same: they are no times that a column can hold, which is for
// it to say.
func AppendDay(dst []byte, days int64) []byte {
	year, month, day := civil(days)
	if year < 0 {
		dst = append(dst, '-')
		year = -year
	}
	for limit := int64(1000); limit > 1 && year < limit; limit /= 10 {
		dst = append(dst, '0')
	}
	dst = strconv.AppendInt(dst, year, 10)
	return append(dst, '-', byte('0'+month/10), byte('0'+month%10), '-', byte('0'+day/10), byte('0'+day%10))
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

// AppendMoment writes a time, counted from 1970, without quotes, with the zone UTC or
// without any.
func AppendMoment(dst []byte, x int64, u Unit, zoned bool) []byte {
	day := int64(u) * 86400
	days := x / day
	if x < days*day {
		days--
	}
	dst = append(AppendDay(dst, days), 'T')
	dst = AppendClock(dst, x-days*day, u)
	if zoned {
		dst = append(dst, 'Z')
	}
	return dst
}

// AppendClock writes a time since midnight, without quotes, with as many digits of a
// second as it has. It must lie within a day.
func AppendClock(dst []byte, x int64, u Unit) []byte {
	s, part := x/int64(u), x%int64(u)
	h, m := s/3600, s/60%60
	s %= 60
	dst = append(dst, byte('0'+h/10), byte('0'+h%10), ':', byte('0'+m/10), byte('0'+m%10), ':', byte('0'+s/10), byte('0'+s%10))
	if part == 0 {
		return dst
	}
	dst = append(dst, '.')
	for u /= 10; part > 0; u /= 10 {
		dst = append(dst, byte('0'+part/int64(u)))
		part %= int64(u)
	}
	return dst
}

// AppendUUID writes 16 bytes as the text of a UUID, without quotes.
func AppendUUID(dst, b []byte) []byte {
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// AppendDuration writes the three numbers of an interval of Avro, 12 bytes, as an object.
func AppendDuration(dst, b []byte) []byte {
	for i, key := range []string{`{"months":`, `,"days":`, `,"millis":`} {
		dst = append(dst, key...)
		dst = strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(b[4*i:])), 10)
	}
	return append(dst, '}')
}
