package generate_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/generate"
)

// Scenarios are read by eye:
//
//	events rows=N [format=csv] [bad=0.1 broken=… late=… duplicate=… future=…]
//
// prints each event's time, kind, key and value.
func TestScenarios(t *testing.T) {
	datadriven.RunTest(t, "testdata/events.txt", func(t *testing.T, d *datadriven.TestData) string {
		var cfg generate.Config
		var format string
		d.MaybeScanArgs(t, "rows", &cfg.Rows)
		for name, share := range map[string]*float64{
			"bad": &cfg.Bad, "broken": &cfg.Broken, "late": &cfg.Late, "duplicate": &cfg.Duplicate, "future": &cfg.Future,
		} {
			var text string
			if d.MaybeScanArgs(t, name, &text) {
				if _, err := fmt.Sscan(text, share); err != nil {
					t.Fatal(err)
				}
			}
		}
		d.MaybeScanArgs(t, "seed", &cfg.Seed)
		if d.MaybeScanArgs(t, "format", &format) {
			var err error
			if cfg.Format, err = generate.ParseFormat(format); err != nil {
				return err.Error()
			}
		}
		out := cfg.Format.Header() + "\n"
		for g := generate.New(cfg); ; {
			e, ok := g.Next()
			if !ok {
				return strings.TrimLeft(out, "\n")
			}
			out += fmt.Sprintf("%s %s %s %q\n", e.Time.Format("01-02T15:04"), e.Kind, e.Key, e.Value)
		}
	})
}

// transaction is an event read back.
type transaction struct {
	ID       int64       `json:"transaction_id"`
	Account  int64       `json:"account_id"`
	Amount   json.Number `json:"amount"`
	Type     string      `json:"transaction_type"`
	At       time.Time   `json:"transaction_date"`
	Status   string      `json:"status"`
	Currency string      `json:"currency"`
	Channel  string      `json:"channel"`
	Merchant string      `json:"merchant"`
	Country  string      `json:"country"`
}

// The shape that speed is measured with (E2): its keys, their order, its mean
// length.
func TestBenchShape(t *testing.T) {
	const sample = `{"transaction_id":1000000123,"account_id":50321,"amount":1523.75,"transaction_type":"PURCHASE","transaction_date":"2026-11-22T10:15:30.123456Z","status":"COMPLETED","currency":"USD","channel":"POS","merchant":"Merchant 00123","country":"US"}`
	want := keys(t, sample)
	accounts, length, whole := map[int64]bool{}, 0, 0
	for g := generate.New(generate.Bench(50_000)); ; {
		e, ok := g.Next()
		if !ok {
			break
		}
		if e.Kind == generate.Broken {
			if json.Valid(e.Value) && utf8.Valid(e.Value) {
				t.Errorf("a broken event is whole: %s", e.Value)
			}
			continue
		}
		length, whole = length+len(e.Value), whole+1
		var tx transaction
		decoder := json.NewDecoder(bytes.NewReader(e.Value))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&tx); err != nil {
			t.Fatalf("%s: %v", e.Value, err)
		}
		if got := keys(t, string(e.Value)); got != want {
			t.Fatalf("keys %s, want %s", got, want)
		}
		amount, _ := tx.Amount.Float64()
		if got, want := amount < 0, e.Kind == generate.Failing; got != want || math.Abs(amount) < 1 {
			t.Fatalf("amount %s in a %s event", tx.Amount, e.Kind)
		}
		if got, want := string(e.Key), fmt.Sprint(tx.Account); got != want {
			t.Fatalf("key %s, account %s", got, want)
		}
		accounts[tx.Account] = true
	}
	if got, want := float64(length)/float64(whole), 236.0; math.Abs(got-want) > 0.1 {
		t.Errorf("%.2f bytes in the mean, want %.2f", got, want)
	}
	if n := len(accounts); n < 38_000 || n > 41_000 { // 50,000 draws meet 39.3 % of 100,000
		t.Errorf("%d accounts", n)
	}
}

func keys(t *testing.T, event string) string {
	t.Helper()
	var out []string
	d := json.NewDecoder(strings.NewReader(event))
	for isKey := false; ; isKey = !isKey {
		token, err := d.Token()
		if err != nil {
			return strings.Join(out, " ")
		}
		if isKey {
			out = append(out, fmt.Sprint(token))
		}
	}
}

// E1
func TestSameSeedSameBytes(t *testing.T) {
	all := func(seed uint64) []byte {
		cfg := generate.Config{Rows: 5000, Seed: seed, Bad: 0.1, Broken: 0.1, Late: 0.1, Duplicate: 0.1, Future: 0.1}
		var out []byte
		for g := generate.New(cfg); ; {
			e, ok := g.Next()
			if !ok {
				return out
			}
			out = fmt.Appendf(out, "%s %d %s\n", e.Value, e.Time.UnixMicro(), e.Key)
		}
	}
	if !bytes.Equal(all(7), all(7)) {
		t.Error("one seed gave two streams")
	}
	if bytes.Equal(all(7), all(8)) {
		t.Error("two seeds gave one stream")
	}
}

func TestShares(t *testing.T) {
	const rows = 1_000_000
	cfg := generate.Bench(rows)
	cfg.Duplicate, cfg.Future = 0.01, 0.02
	counts := map[generate.Kind]float64{}
	for g := generate.New(cfg); ; {
		e, ok := g.Next()
		if !ok {
			break
		}
		counts[e.Kind]++
	}
	for kind, share := range map[generate.Kind]float64{
		generate.Late: 0.001, generate.Failing: 0.001, generate.Broken: 0.00001, generate.Duplicate: 0.01, generate.Future: 0.02,
	} {
		want := share * rows
		spread := 5*math.Sqrt(want) + 0.03*want // a duplicate waits for a good one before it
		if got := counts[kind]; math.Abs(got-want) > spread {
			t.Errorf("%s: %.0f of %d, want about %.0f", kind, got, rows, want)
		}
	}
}

// E3: with a delay of a day, whoever has seen what came before knows a late event,
// and no other is late.
func TestTimes(t *testing.T) {
	cfg := generate.Config{Rows: 50_000, Late: 0.01, Future: 0.01, Days: 3, End: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	start := cfg.End.AddDate(0, 0, -3)
	newest, sent := start, start
	for g := generate.New(cfg); ; {
		e, ok := g.Next()
		if !ok {
			break
		}
		var tx transaction
		if err := json.Unmarshal(e.Value, &tx); err != nil {
			t.Fatal(err)
		}
		if e.Time.Before(sent) || e.Time.After(cfg.End) {
			t.Fatalf("sent at %s after %s", e.Time, sent)
		}
		sent = e.Time
		switch e.Kind {
		case generate.Late:
			if tx.At.After(newest.Add(-48 * time.Hour)) {
				t.Fatalf("a late event of %s, when %s was seen", tx.At, newest)
			}
		case generate.Future:
			if tx.At.Before(cfg.End.AddDate(0, 6, 0)) {
				t.Fatalf("an event from the future of %s", tx.At)
			}
		default:
			if d := e.Time.Sub(tx.At); d < 0 || d > 5*time.Minute {
				t.Fatalf("sent %s after it happened", d)
			}
			if tx.At.After(newest) {
				newest = tx.At
			}
		}
	}
	if sent != cfg.End {
		t.Errorf("the last is sent at %s, want %s", sent, cfg.End)
	}
}

func TestWithoutEnd(t *testing.T) {
	end := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	g := generate.New(generate.Config{Days: 1, Step: time.Hour, End: end})
	var last time.Time
	for range 100 {
		e, ok := g.Next()
		if !ok {
			t.Fatal("a stream without end ended")
		}
		last = e.Time
	}
	if last != end {
		t.Errorf("after a hundred hours of a day it is %s, want %s", last, end)
	}
}

// Whatever is asked for, events come out.
func TestBeyondSense(t *testing.T) {
	for _, cfg := range []generate.Config{
		{Rows: 100, Bad: 7, Late: 7}, {Rows: 100, Bad: -1, Duplicate: 1}, {Rows: 100, Keys: math.MaxInt}, {Rows: 1, Days: 40_000},
		{Rows: 100, End: time.Unix(-1e10, 0)}, {Rows: 100, Keys: 1}, {Rows: 3, Keys: 900_000, Bad: 1},
	} {
		n := int64(0)
		for g := generate.New(cfg); ; n++ {
			e, ok := g.Next()
			if !ok {
				break
			}
			if !json.Valid(e.Value) {
				t.Errorf("%+v: %s", cfg, e.Value)
			}
		}
		if n != cfg.Rows {
			t.Errorf("%+v: %d rows", cfg, n)
		}
	}
}

func TestCSV(t *testing.T) {
	var file bytes.Buffer
	fmt.Fprintln(&file, generate.CSV.Header())
	for g := generate.New(generate.Config{Rows: 1000, Format: generate.CSV}); ; {
		e, ok := g.Next()
		if !ok {
			break
		}
		file.Write(append(e.Value, '\n'))
	}
	rows, err := csv.NewReader(&file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1001 || len(rows[0]) != 10 {
		t.Errorf("%d lines of %d fields", len(rows), len(rows[0]))
	}
}

// E4
func TestNothingAllocated(t *testing.T) {
	for _, f := range []generate.Format{generate.JSON, generate.CSV, generate.Avro, generate.Protobuf, generate.Connect, generate.Debezium} {
		g := generate.New(generate.Config{Format: f, Bad: 0.1, Broken: 0.1, Late: 0.1, Duplicate: 0.1, Future: 0.1, Prefix: []byte("prefix")})
		for range 100 {
			g.Next()
		}
		if n := testing.AllocsPerRun(1000, func() { g.Next() }); n != 0 {
			t.Errorf("%s: %v allocations for an event", f, n)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	g := generate.New(generate.Bench(0))
	b.SetBytes(236)
	for b.Loop() {
		g.Next()
	}
}
