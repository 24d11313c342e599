package conform_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// connectFields is the schema of a card event as a connector has it.
const connectFields = `"type":"struct","fields":[{"type":"int64","optional":false,"field":"transaction_id"},{"type":"int64","optional":false,"field":"account_id"},{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2","connect.decimal.precision":"18"},"field":"amount"},{"type":"string","optional":true,"field":"transaction_type"},{"type":"int64","optional":false,"name":"io.debezium.time.MicroTimestamp","version":1,"field":"transaction_date"},{"type":"string","optional":true,"field":"status"},{"type":"string","optional":true,"field":"currency"},{"type":"string","optional":true,"field":"channel"},{"type":"string","optional":true,"field":"merchant"},{"type":"string","optional":true,"field":"country"}],"optional":false,"name":"core.public.transactions.Value"`

// connectRow is a card event in which amount and time are written as Connect does.
func connectRow(tb testing.TB, value []byte) []byte {
	tb.Helper()
	var event struct {
		Amount json.Number `json:"amount"`
		Date   string      `json:"transaction_date"`
	}
	if err := json.Unmarshal(value, &event); err != nil {
		tb.Fatal(err)
	}
	cents, _ := new(big.Int).SetString(strings.Replace(event.Amount.String(), ".", "", 1), 10)
	text := strings.Replace(string(value), `:`+event.Amount.String(), ":"+base64Of(twosComplement(cents)), 1)
	return []byte(strings.Replace(text, `"`+event.Date+`"`, fmt.Sprint(microsOf(tb, event.Date)), 1))
}

// twosComplement is a number in as few bytes as it needs, the highest first.
func twosComplement(x *big.Int) []byte {
	n := x.BitLen()/8 + 1
	b := make([]byte, n)
	if x.Sign() < 0 {
		x = new(big.Int).Add(x, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	return x.FillBytes(b)
}

func microsOf(tb testing.TB, text string) int64 {
	tb.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		tb.Fatal(err)
	}
	return at.UnixMicro()
}

func connectAround(row []byte, _ int) []byte {
	return fmt.Appendf(nil, `{"schema":{%s},"payload":%s}`, connectFields, row)
}

// TestEnvelopesMeanTheRowWithin: the same rows as JSON, in Connect's objects, in change events
// and in both are the same rows, in any style of writing.
func TestEnvelopesMeanTheRowWithin(t *testing.T) {
	for _, style := range cardStyles {
		if style.plain || style.escape || style.comma != "" {
			continue
		}
		rows := cardRaw(style, 300)
		want := cells(t, cardTable(), rows)
		sent := rewritten(rows, func(v []byte, _ int) []byte { return connectRow(t, v) })
		connect := cardTable()
		connect.Format = schema.ConnectJSONFormat
		deleted := func(v []byte, n int) []byte {
			return fmt.Appendf(nil, `{"op":"d","before":%s,"after":null,"ts_ms":%d}`, v, n)
		}
		within := func(v []byte, n int) []byte {
			return fmt.Appendf(nil, `{"schema":{"type":"struct","fields":[{"field":"before",%s},{"field":"after",%s},{"type":"string","field":"op"}]},"payload":%s}`, connectFields, connectFields, changeEvent(v, n))
		}
		for name, c := range map[string]struct {
			table *schema.Table
			raw   *batch.Raw
		}{
			"connect": {connect, rewritten(sent, connectAround)},
			"payload first": {connect, rewritten(sent, func(v []byte, _ int) []byte {
				return fmt.Appendf(nil, `{"payload":%s,"schema":{%s}}`, v, connectFields)
			})},
			"alternating": {connect, rewritten(sent, func(v []byte, n int) []byte {
				if n%2 == 0 {
					return around(`{"schema":null,"payload":ROW}`, rows.Value(n))
				}
				return connectAround(v, n)
			})},
			"change events": {changeTable(schema.JSONFormat), rewritten(rows, changeEvent)},
			"deletes":       {changeTable(schema.JSONFormat), rewritten(rows, deleted)},
			"both":          {changeTable(schema.ConnectJSONFormat), rewritten(sent, within)},
		} {
			got := cells(t, c.table, c.raw)
			for row := range want {
				if !strings.HasPrefix(got[row], want[row]) {
					t.Fatalf("%s, %s, row %d: %s\ngot  %s\nwant %s", style.name, name, row, c.raw.Value(row), got[row], want[row])
				}
			}
		}
	}
}

// cells are the rows of records, which are decoded with short cuts and without.
func cells(t *testing.T, table *schema.Table, raw *batch.Raw) []string {
	t.Helper()
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	b := bothWays(t, plan, table, raw)
	var out []string
	for row := range b.Rows {
		out = append(out, everything(b, row))
	}
	return out
}

// TestUnscaledNumbers: decimals of all lengths, at the bounds of bytes, are those that went in.
func TestUnscaledNumbers(t *testing.T) {
	table := tableOf(t, "a decimal(18,4)")
	table.Format = schema.ConnectJSONFormat
	rng := rand.New(rand.NewPCG(1, 1))
	var values [][]byte
	var want []string
	add := func(x int64) {
		values = append(values, fmt.Appendf(nil, `{"schema":{"type":"struct","fields":[{"field":"a","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"4"}}]},"payload":{"a":"%s"}}`,
			base64.StdEncoding.EncodeToString(twosComplement(big.NewInt(x)))))
		if x > 999999999999999999 || x < -999999999999999999 {
			want = append(want, "quarantined overflow")
		} else {
			want = append(want, fmt.Sprintf("ok a=%d", x))
		}
	}
	for bits := range 63 {
		for _, x := range []int64{1<<bits - 1, 1 << bits, -1 << bits, -1<<bits - 1, rng.Int64N(1 << bits)} {
			add(x)
			add(-x)
		}
	}
	got := cells(t, table, rawOf(values...))
	for row := range want {
		if !strings.HasPrefix(got[row], want[row]) {
			t.Errorf("%s: got %s, want %s", values[row], got[row], want[row])
		}
	}
}

func BenchmarkDecodeConnect(b *testing.B) {
	table := cardTable()
	table.Format = schema.ConnectJSONFormat
	raw := rewritten(cardRaw(cardStyles[0], cardRows), func(v []byte, n int) []byte { return connectAround(connectRow(b, v), n) })
	benchmarkDecode(b, table, raw)
}

// TestSchemasAlternate: what is expected of records with one schema is not taken for what
// records with another hold.
func TestSchemasAlternate(t *testing.T) {
	table := tableOf(t, "at timestamp unit=ms")
	table.Format = schema.ConnectJSONFormat
	micros := []byte(`{"schema":{"type":"struct","fields":[{"field":"at","type":"int64","name":"io.debezium.time.MicroTimestamp"}]},"payload":{"at":1795342530123456}}`)
	millis := []byte(`{"schema":null,"payload":{"at":1795342530123}}`)
	var values [][]byte
	for i := range 40 {
		values = append(values, [][]byte{micros, micros, millis, micros, millis, millis}[i%6])
	}
	for row, got := range cells(t, table, rawOf(values...)) {
		want := "ok at=1795342530123456"
		if &values[row][0] == &millis[0] {
			want = "ok at=1795342530123000"
		}
		if got != want {
			t.Errorf("row %d: got %s, want %s", row, got, want)
		}
	}
}
