package generate

import (
	"strconv"
	"time"
)

// transaction is one event before it is written.
type transaction struct {
	id, account int64
	cents       int64
	kind        string
	at          int64 // µs since 1970
	status      string
	place       place
	channel     string
	merchant    uint64
}

// place is where a card was used.
type place struct{ currency, country string }

// What events are made of, each as often as it is listed: most payments are small,
// completed purchases. Together they make the mean length of an event (E2).
var (
	types     = [...]string{"PURCHASE", "PURCHASE", "PURCHASE", "PURCHASE", "PURCHASE", "PURCHASE", "PAYMENT", "PAYMENT", "PAYMENT", "PAYMENT", "REFUND", "REFUND", "FEE", "FEE", "FEE", "FEE"}
	statuses  = [...]string{"COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "PENDING", "PENDING", "FAILED"}
	channels  = [...]string{"POS", "WEB", "ATM", "APP"}
	places    = [...]place{{"USD", "US"}, {"EUR", "DE"}, {"GBP", "GB"}, {"CHF", "CH"}, {"EUR", "FR"}, {"JPY", "JP"}, {"USD", "US"}, {"CAD", "CA"}}
	magnitude = [...]int64{100, 100, 100, 100, 100, 100, 100, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 10_000, 100_000} // the least number of cents
)

const merchants = 1000

// A merchant is called so, with so many digits.
const (
	merchant       = "Merchant "
	merchantDigits = 5
)

// pick gives one of the entries of a table, by the bits of a random number from one
// on.
func pick[T any](table []T, random uint64, bit int) T {
	return table[random>>bit&0xff%uint64(len(table))]
}

// line is one event as bytes. Its memory is used again for the next.
type line struct {
	bytes   []byte
	account []byte // the digits of the account
	number  [20]byte
	spot    int   // where a digit of the merchant stands
	day     int64 // since 1970, of which text is the date
	text    [10]byte
	scratch [32]byte
}

func (l *line) write(t *transaction, c *Config) {
	l.bytes = append(l.bytes[:0], c.Prefix...)
	b := l.bytes
	switch c.Format {
	case JSON:
		b = l.appendJSON(b, t)
	case CSV:
		b = l.appendCSV(b, t)
	case Avro:
		b = l.appendDatum(b, t)
	case Protobuf:
		b = l.appendMessage(b, t)
	case Connect:
		b = l.appendConnect(b, t)
	case Debezium:
		b = l.appendChange(b, t)
	}
	l.bytes = b
	if c.Format == Avro || c.Format == Protobuf { // they do not hold the account as text
		l.account = strconv.AppendInt(l.number[:0], t.account, 10)
	}
}

func (l *line) appendJSON(b []byte, t *transaction) []byte {
	return l.appendObject(b, t, appendAmount)
}

// appendObject writes an object of JSON, with an amount as it is wanted.
func (l *line) appendObject(b []byte, t *transaction, amount func(b []byte, cents int64) []byte) []byte {
	b = append(b, `{"transaction_id":`...)
	b = strconv.AppendInt(b, t.id, 10)
	b = append(b, `,"account_id":`...)
	b = l.appendAccount(b, t)
	b = append(b, `,"amount":`...)
	b = amount(b, t.cents)
	b = append(b, `,"transaction_type":"`...)
	b = append(b, t.kind...)
	b = append(b, `","transaction_date":"`...)
	b = l.appendTime(b, t.at)
	b = append(b, `","status":"`...)
	b = append(b, t.status...)
	b = append(b, `","currency":"`...)
	b = append(b, t.place.currency...)
	b = append(b, `","channel":"`...)
	b = append(b, t.channel...)
	b = append(b, `","merchant":"`+merchant...)
	l.spot = len(b) + 2
	b = appendDigits(b, t.merchant, merchantDigits)
	b = append(b, `","country":"`...)
	b = append(b, t.place.country...)
	return append(b, `"}`...)
}

func (l *line) appendCSV(b []byte, t *transaction) []byte {
	b = strconv.AppendInt(b, t.id, 10)
	b = l.appendAccount(append(b, ','), t)
	b = appendAmount(append(b, ','), t.cents)
	b = append(b, ',')
	b = append(b, t.kind...)
	b = l.appendTime(append(b, ','), t.at)
	for _, s := range [...]string{t.status, t.place.currency, t.channel, merchant} {
		b = append(b, ',')
		b = append(b, s...)
	}
	b = appendDigits(b, t.merchant, merchantDigits)
	b = append(b, ',')
	b = append(b, t.place.country...)
	l.spot = len(b) - 20 // in the name of the channel
	return b
}

func (l *line) appendAccount(b []byte, t *transaction) []byte {
	from := len(b)
	b = strconv.AppendInt(b, t.account, 10)
	l.account = b[from:len(b):len(b)]
	return b
}

// appendAmount writes 1523.75.
func appendAmount(b []byte, cents int64) []byte {
	if cents < 0 {
		b, cents = append(b, '-'), -cents
	}
	b = strconv.AppendInt(b, cents/100, 10)
	return appendDigits(append(b, '.'), uint64(cents%100), 2)
}

const secondsOfDay = 24 * 60 * 60

// appendTime writes 2026-11-22T10:15:30.123456Z.
func (l *line) appendTime(b []byte, micros int64) []byte {
	seconds, fraction := micros/1e6, micros%1e6
	if fraction < 0 {
		seconds, fraction = seconds-1, fraction+1e6
	}
	day, second := seconds/secondsOfDay, seconds%secondsOfDay
	if second < 0 {
		day, second = day-1, second+secondsOfDay
	}
	if day != l.day || l.text[0] == 0 {
		l.setDay(day)
	}
	b = append(b, l.text[:]...)
	b = appendDigits(append(b, 'T'), uint64(second/3600), 2)
	b = appendDigits(append(b, ':'), uint64(second/60%60), 2)
	b = appendDigits(append(b, ':'), uint64(second%60), 2)
	b = appendDigits(append(b, '.'), uint64(fraction), 6)
	return append(b, 'Z')
}

// setDay writes the date of a day once for all events of it.
func (l *line) setDay(day int64) {
	l.day = day
	time.Unix(day*secondsOfDay, 0).UTC().AppendFormat(l.text[:0], time.DateOnly)
}

// appendDigits writes the last n digits of a number, with zeros in front.
func appendDigits(b []byte, v uint64, n int) []byte {
	b = append(b, "00000000"[:n]...)
	for i := len(b) - 1; n > 0; i, n = i-1, n-1 {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return b
}

// spoil makes the line something that is no event.
func (l *line) spoil(r uint64, c *Config) {
	if r&1 == 0 && !c.Whole {
		n := len(c.Prefix)
		l.bytes = l.bytes[:n+(len(l.bytes)-n)/2] // cut off in the middle
		return
	}
	l.bytes[l.spot] = 0xff // not UTF-8
}
