package conform

import (
	"time"

	"tidemark/internal/schema"
)

const (
	micros    = 1_000_000
	dayMicros = 86_400 * micros
)

// Numbers that mean a time outside of these are taken for another unit.
var (
	firstNumber = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastNumber  = time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

// epoch returns what a number means in a column that has a unit.
func (f *field) epoch(token []byte) (at int64, reason string) {
	if f.unit == "" {
		return 0, ReasonTime
	}
	n := readNumeral(token)
	x, reason := n.scaled(f.shift, 19)
	at = int64(x)
	if n.negative {
		at = -at
	}
	if reason == ReasonScale {
		return 0, reason
	}
	if reason != "" || x > 1<<63-1 || at < firstNumber || at > lastNumber {
		return 0, ReasonTime
	}
	if f.kind == schema.Date {
		return wholeDay(at)
	}
	return at, ""
}

// wholeDay returns the day that begins at a time.
func wholeDay(at int64) (day int64, reason string) {
	day = at / dayMicros
	if day*dayMicros != at {
		return 0, ReasonScale
	}
	return day, ""
}

// time returns what a text means in a column of times.
func (f *field) time(text []byte) (at int64, reason string) {
	if f.layout != "" {
		return f.byLayout(text)
	}
	m, ok := readMoment(text)
	switch {
	case !ok:
		return 0, ReasonTime
	case m.finer:
		return 0, ReasonScale
	case f.kind == schema.Date:
		if m.micros != 0 || m.offset != 0 {
			return 0, ReasonScale
		}
		return m.days, ""
	case m.zoned || f.zone == nil:
		return m.days*dayMicros + m.micros - m.offset, ""
	}
	return f.local(m.days*dayMicros + m.micros)
}

// byLayout reads a text that is written as the column's layout says.
func (f *field) byLayout(text []byte) (at int64, reason string) {
	t, err := time.ParseInLocation(f.layout, string(text), time.UTC)
	if err != nil || t.Year() < 1 {
		return 0, ReasonTime
	}
	if t.Nanosecond()%1000 != 0 {
		return 0, ReasonScale
	}
	_, offset := t.Zone()
	switch wall := t.UnixMicro() + int64(offset)*micros; {
	case f.kind == schema.Date:
		return wholeDay(wall)
	case f.zoned || f.zone == nil:
		return t.UnixMicro(), ""
	default:
		return f.local(wall)
	}
}

// local returns the time at which clocks of the column's zone show a date and a
// time, given as if they were UTC. Where clocks are set back and show it twice, it
// is the first; where they are set forward and never show it, there is none.
func (f *field) local(wall int64) (at int64, reason string) {
	t := time.UnixMicro(wall).UTC()
	t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), f.zone)
	_, offset := t.Zone()
	at = t.UnixMicro()
	if at+int64(offset)*micros != wall {
		return 0, ReasonTime
	}
	if start, _ := t.ZoneBounds(); !start.IsZero() {
		_, before := start.Add(-1).Zone()
		if first := wall - int64(before)*micros; first < start.UnixMicro() {
			return first, ""
		}
	}
	return at, ""
}

// moment is a date and a time as they are written.
type moment struct {
	days   int64 // since 1970-01-01
	micros int64 // since midnight
	offset int64 // of the zone, in µs
	zoned  bool  // the zone is written
	finer  bool  // it does not fall on a microsecond
}

// readMoment reads RFC 3339, and its shorter forms: without the zone, the seconds,
// the time. It knows neither 24:00 nor leap seconds nor the year 0.
func readMoment(b []byte) (m moment, ok bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return m, false
	}
	year, month, day := pair(b[0:])*100+pair(b[2:]), pair(b[5:]), pair(b[8:])
	if pair(b[0:]) < 0 || pair(b[2:]) < 0 || year < 1 || month < 1 || month > 12 || day < 1 || day > monthDays(year, month) {
		return m, false
	}
	m.days = daysBefore(year, month) + int64(day) - 1
	if b = b[10:]; len(b) == 0 {
		return m, true
	}
	if len(b) < 6 || b[0] != 'T' && b[0] != 't' && b[0] != ' ' || b[3] != ':' {
		return m, false
	}
	hour, minute, second := pair(b[1:]), pair(b[4:]), 0
	b = b[6:]
	if len(b) >= 3 && b[0] == ':' {
		second = pair(b[1:])
		if b = b[3:]; len(b) > 0 && b[0] == '.' {
			if b, ok = m.fraction(b[1:]); !ok {
				return m, false
			}
		}
	}
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return m, false
	}
	m.micros += int64(hour*3600+minute*60+second) * micros
	ok = m.readZone(b)
	return m, ok
}

// fraction reads the digits behind the point of the seconds.
func (m *moment) fraction(b []byte) (rest []byte, ok bool) {
	n := 0
	for ; n < len(b) && b[n]-'0' <= 9; n++ {
		switch {
		case n < 6:
			m.micros += int64(b[n]-'0') * int64(pow10[5-n])
		case b[n] != '0':
			m.finer = true
		}
	}
	return b[n:], n > 0
}

func (m *moment) readZone(b []byte) bool {
	switch {
	case len(b) == 0:
		return true
	case len(b) == 1 && b[0]|0x20 == 'z':
		m.zoned = true
		return true
	case len(b) != 6 || b[0] != '+' && b[0] != '-' || b[3] != ':':
		return false
	}
	hour, minute := pair(b[1:]), pair(b[4:])
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return false
	}
	m.zoned, m.offset = true, int64(hour*3600+minute*60)*micros
	if b[0] == '-' {
		m.offset = -m.offset
	}
	return true
}

// pair reads two digits, −1: they are not.
func pair(b []byte) int {
	if b[0]-'0' > 9 || b[1]-'0' > 9 {
		return -1
	}
	return int(b[0]-'0')*10 + int(b[1]-'0')
}

func isLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func monthDays(year, month int) int {
	switch {
	case month == 2 && isLeap(year):
		return 29
	case month == 2:
		return 28
	case month == 4 || month == 6 || month == 9 || month == 11:
		return 30
	}
	return 31
}

// daysBefore is the number of days from 1970-01-01 to the first of a month, by
// years that begin in March.
func daysBefore(year, month int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return int64(365*year+year/4-year/100+year/400+(153*(month-3)+2)/5) - 719468
}
