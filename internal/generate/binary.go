package generate

import (
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"strconv"
)

// texts are the columns of text behind the time, but for the merchant and the country.
func (t *transaction) texts() [3]string { return [...]string{t.status, t.place.currency, t.channel} }

// appendDatum writes a datum of AvroSchema.
func (l *line) appendDatum(b []byte, t *transaction) []byte {
	b = binary.AppendVarint(b, t.id)
	b = binary.AppendVarint(b, t.account)
	var unscaled [8]byte
	number := shortest(&unscaled, t.cents)
	b = append(binary.AppendVarint(b, int64(len(number))), number...)
	b = appendText(b, t.kind)
	b = binary.AppendVarint(b, t.at)
	for _, s := range t.texts() {
		b = appendText(b, s)
	}
	b = append(binary.AppendVarint(b, int64(len(merchant)+merchantDigits)), merchant...)
	l.spot = len(b)
	b = appendDigits(b, t.merchant, merchantDigits)
	return appendText(b, t.place.country)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendVarint(b, int64(len(s))), s...)
}

// shortest is a number as the fewest bytes that say it in two's complement, most significant
// first.
func shortest(room *[8]byte, x int64) []byte {
	binary.BigEndian.PutUint64(room[:], uint64(x))
	n := bits.Len64(uint64(x^x>>63))/8 + 1
	return room[8-n:]
}

// appendMessage writes a message of ProtobufSchema. What is zero has no place in one.
func (l *line) appendMessage(b []byte, t *transaction) []byte {
	const varint, sized = 0, 2
	number := func(b []byte, field int, x int64) []byte {
		if x == 0 {
			return b
		}
		return binary.AppendUvarint(binary.AppendUvarint(b, uint64(field<<3|varint)), uint64(x))
	}
	text := func(b []byte, field int, s string) []byte {
		return append(binary.AppendUvarint(binary.AppendUvarint(b, uint64(field<<3|sized)), uint64(len(s))), s...)
	}
	b = number(b, 1, t.id)
	b = number(b, 2, t.account)
	amount := appendAmount(l.scratch[:0], t.cents)
	b = append(append(b, 3<<3|sized, byte(len(amount))), amount...)
	b = text(b, 4, t.kind)
	seconds, micros := t.at/1e6, t.at%1e6
	if micros < 0 {
		seconds, micros = seconds-1, micros+1e6
	}
	moment := number(number(l.scratch[:0], 1, seconds), 2, micros*1000)
	b = append(append(b, 5<<3|sized, byte(len(moment))), moment...)
	for i, s := range t.texts() {
		b = text(b, 6+i, s)
	}
	b = append(append(b, 9<<3|sized, byte(len(merchant)+merchantDigits)), merchant...)
	l.spot = len(b)
	b = appendDigits(b, t.merchant, merchantDigits)
	return text(b, 10, t.place.country)
}

// connectSchema is what Kafka Connect's JsonConverter puts before a payload.
const connectSchema = `{"schema":{"type":"struct","fields":[` +
	`{"type":"int64","optional":false,"field":"transaction_id"},{"type":"int64","optional":false,"field":"account_id"},` +
	`{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"amount"},` +
	`{"type":"string","optional":false,"field":"transaction_type"},` +
	`{"type":"string","optional":false,"name":"io.debezium.time.ZonedTimestamp","version":1,"field":"transaction_date"},` +
	`{"type":"string","optional":true,"field":"status"},{"type":"string","optional":true,"field":"currency"},{"type":"string","optional":true,"field":"channel"},` +
	`{"type":"string","optional":true,"field":"merchant"},{"type":"string","optional":true,"field":"country"}],` +
	`"optional":false,"name":"transaction"},"payload":`

// appendConnect writes an event as Kafka Connect does: its amount is the base64 of its cents.
func (l *line) appendConnect(b []byte, t *transaction) []byte {
	b = append(b, connectSchema...)
	return append(l.appendObject(b, t, func(b []byte, cents int64) []byte {
		var unscaled [8]byte
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, shortest(&unscaled, cents))
		return append(b, '"')
	}), '}')
}

// appendChange writes an event as Debezium does when its row was inserted.
func (l *line) appendChange(b []byte, t *transaction) []byte {
	b = append(b, `{"before":null,"after":`...)
	b = l.appendJSON(b, t)
	b = append(b, `,"source":{"version":"3.3.1.Final","connector":"postgresql","name":"bank","ts_ms":`...)
	b = strconv.AppendInt(b, t.at/1000, 10)
	b = append(b, `,"db":"bank","schema":"public","table":"transactions"},"op":"c","ts_ms":`...)
	b = strconv.AppendInt(b, t.at/1000, 10)
	return append(b, '}')
}
