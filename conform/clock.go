package conform

// days remembers the midnights of dates as they are written, since most rows of a
// batch share a few.
type days [64]midnight

type midnight struct {
	key uint64 // inverted, so that a free slot is no date
	at  int64  // in µs since 1970
}

// What a date and a time look like, byte by byte, and what to add to the bytes
// that differ from it so that all but digits, and all but the separators, show
// their highest bit.
const (
	dateLike  = 0x2d30302d30303030 // 0000-00-
	dateAdd   = 0x7f76767f76767676
	timeLike  = 0x30303a3030543030 // 00T00:00
	timeAdd   = 0x76767f76767f7676
	clockLike = 0x30303a // :00
	clockAdd  = 0x76767f
	zoneLike  = 0x30303a3030 // 00:00
	zoneAdd   = 0x76767f7676
)

// dayMix brings the key of a date to a slot of days: its highest six bits are the sum of the day,
// 32 in every other month and 13 for each year, so that the days of a month and a half have slots
// of their own.
const dayMix = 4 | 32<<10 | 10<<26 | 13<<34

// midnight returns the time at which the date begins whose first eight bytes and
// last two differ from dateLike and timeLike by these.
func (d *Decoder) midnight(head, tail uint64) (at int64, ok bool) {
	// The bytes of the separators are zero, and hold the day now.
	key := head | tail&0xff<<32 | tail&0xff00<<48
	slot := &d.days[key*dayMix>>58]
	if slot.key == ^key {
		return slot.at, true
	}
	two := func(i uint) int { return int(key>>i&0xff)*10 + int(key>>(i+8)&0xff) }
	year, month, day := two(0)*100+two(16), two(40), int(key>>32&0xff)*10+int(key>>56)
	if year < 1 || month < 1 || month > 12 || day < 1 || day > monthDays(year, month) {
		return 0, false
	}
	*slot = midnight{^key, (daysBefore(year, month) + int64(day) - 1) * dayMicros}
	return slot.at, true
}

// quickMoment reads a time behind its opening quote, as momentAt does.
func (d *Decoder) quickMoment(c *column, pos int) int {
	at, next := d.momentAt(pos)
	if next == 0 || d.buf[next] != '"' {
		return 0
	}
	c.ints[d.row] = at
	return next + 1
}

// momentAt reads a time as RFC 3339 has it, with up to six digits of a second, in
// UTC, with an offset or without a zone. It returns the place behind it, or 0.
func (d *Decoder) momentAt(pos int) (at int64, next int) {
	date, clock, second := word(d.buf, pos)^dateLike, word(d.buf, pos+8)^timeLike, word(d.buf, pos+16)&lowBytes(3)^clockLike
	if (date|(date+dateAdd)|clock|(clock+timeAdd)|second|(second+clockAdd))&highs != 0 {
		return 0, 0
	}
	at, ok := d.midnight(date, clock&0xffff)
	h := clock>>24&0xff*10 + clock>>32&0xff
	m := clock>>48&0xff*10 + clock>>56
	s := second>>8&0xff*10 + second>>16&0xff
	if !ok || h > 23 || m > 59 || s > 59 {
		return 0, 0
	}
	at += int64(h*3600+m*60+s) * micros
	pos += 19
	if d.buf[pos] == '.' {
		values, n := digits(word(d.buf, pos+1))
		if n == 0 || n > 6 {
			return 0, 0
		}
		at += int64(number(values, n) * pow10[6-n])
		pos += 1 + n
	}
	switch d.buf[pos] {
	case 'Z':
		pos++
	case '+', '-':
		offset, ok := zoneOffset(word(d.buf, pos+1))
		if !ok {
			return 0, 0
		}
		if d.buf[pos] == '-' {
			offset = -offset
		}
		at -= offset
		pos += 6
	}
	return at, pos
}

// zoneOffset reads 00:00 .
func zoneOffset(w uint64) (offset int64, ok bool) {
	x := w&lowBytes(5) ^ zoneLike
	h := x&0xff*10 + x>>8&0xff
	m := x>>24&0xff*10 + x>>32&0xff
	return int64(h*3600+m*60) * micros, (x|(x+zoneAdd))&highs == 0 && h <= 23 && m <= 59
}

// quickDate reads a date behind its opening quote.
func (d *Decoder) quickDate(c *column, pos int) int {
	at, next := d.dayAt(pos)
	if next == 0 || d.buf[next] != '"' {
		return 0
	}
	c.ints[d.row] = at
	return next + 1
}

// dayAt reads a date such as 2026-11-22, in days since 1970, and returns the place behind it,
// 0 for whatever else.
func (d *Decoder) dayAt(pos int) (day int64, next int) {
	const like, add = 0x3030, 0x7676 // 00
	date, tail := word(d.buf, pos)^dateLike, word(d.buf, pos+8)&lowBytes(2)^like
	if (date|(date+dateAdd)|tail|(tail+add))&highs != 0 {
		return 0, 0
	}
	at, ok := d.midnight(date, tail)
	if !ok {
		return 0, 0
	}
	return at / dayMicros, pos + 10
}
