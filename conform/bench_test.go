package conform_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
)

const cardRows = 100_000

// cardStyle is how a producer writes the card event.
type cardStyle struct {
	name   string
	order  func(rng *rand.Rand, fields []string)
	comma  string
	colon  string
	escape bool // one text in each event with an escape
	nulls  bool // one null in each event
	offset bool // times with an offset
	unique bool // merchants that differ from row to row
	blanks bool // up to two spaces wherever they may stand
	some   bool // every fourth text begins with an escape, every tenth channel is null
	plain  bool // decoded without short cuts
}

var cardStyles = []cardStyle{
	{name: "same_order"},
	{name: "reversed", order: func(_ *rand.Rand, f []string) {
		for i, j := 0, len(f)-1; i < j; i, j = i+1, j-1 {
			f[i], f[j] = f[j], f[i]
		}
	}},
	{name: "random_order", order: func(rng *rand.Rand, f []string) {
		rng.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
	}},
	{name: "spaces", comma: ", ", colon: ": "},
	{name: "escapes_nulls", escape: true, nulls: true},
	{name: "offsets", offset: true},
	{name: "unique_text", unique: true},
	{name: "no_short_cuts", plain: true},
	{name: "all_odd", order: func(rng *rand.Rand, f []string) {
		rng.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
	}, blanks: true, some: true},
}

// cardRaw makes card events, seven days, 100,000 accounts, 1,000 merchants.
func cardRaw(style cardStyle, rows int) *batch.Raw {
	rng := rand.New(rand.NewPCG(1, 2))
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	comma, colon := ",", ":"
	if style.comma != "" {
		comma, colon = style.comma, style.colon
	}
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	for row := range rows {
		zone := "Z"
		if style.offset {
			zone = "+02:00"
		}
		merchant := fmt.Sprintf("Merchant %05d", rng.IntN(1000))
		if style.unique {
			merchant = fmt.Sprintf("Merchant %d", row)
		}
		if style.escape {
			merchant = strings.Replace(merchant, " ", `\u0020`, 1)
		}
		channel := `"` + pick("POS", "ONLINE", "ATM") + `"`
		if style.nulls {
			channel = "null"
		}
		fields := []string{
			`"transaction_id"` + colon + fmt.Sprint(1_000_000_000+row),
			`"account_id"` + colon + fmt.Sprint(rng.IntN(100_000)),
			`"amount"` + colon + fmt.Sprintf("%d.%02d", rng.IntN(5000), rng.IntN(100)),
			`"transaction_type"` + colon + `"` + pick("PURCHASE", "REFUND", "WITHDRAWAL", "TRANSFER") + `"`,
			`"transaction_date"` + colon + fmt.Sprintf(`"2026-11-%02dT%02d:%02d:%02d.%06d%s"`, 16+rng.IntN(7), rng.IntN(24), rng.IntN(60), rng.IntN(60), rng.IntN(1e6), zone),
			`"status"` + colon + `"` + pick("COMPLETED", "PENDING", "DECLINED") + `"`,
			`"currency"` + colon + `"` + pick("USD", "EUR", "CHF", "GBP") + `"`,
			`"channel"` + colon + channel,
			`"merchant"` + colon + `"` + merchant + `"`,
			`"country"` + colon + `"` + pick("US", "DE", "CH", "GB", "FR") + `"`,
		}
		if style.some && rng.IntN(10) == 0 {
			fields[7] = `"channel":null`
		}
		if style.order != nil {
			style.order(rng, fields)
		}
		if style.blanks {
			for i, f := range fields {
				fields[i] = strayed(rng, f, style.some)
			}
		}
		raw.Append(source, &batch.Record{Offset: int64(row), Value: []byte("{" + strings.Join(fields, comma) + "}")})
	}
	return raw
}

// strayed writes a member as another producer might: with spaces, and some texts with an escape.
func strayed(rng *rand.Rand, member string, escapes bool) string {
	blanks := func() string { return "  "[:rng.IntN(3)] }
	key, value, _ := strings.Cut(member, ":")
	if escapes && value[0] == '"' && rng.IntN(4) == 0 {
		value = fmt.Sprintf(`"\u00%02x%s`, value[1], value[2:])
	}
	return blanks() + key + blanks() + ":" + blanks() + value + blanks()
}

func BenchmarkDecode(b *testing.B) {
	for _, style := range cardStyles {
		b.Run(style.name, func(b *testing.B) {
			raw, table := cardRaw(style, cardRows), cardTable()
			d := newDecoder(b, table)
			if style.plain {
				plan, _ := conform.Compile(table)
				d = plan.PlainDecoder()
			}
			var rows batch.Batch
			decode := func() {
				rows.Reset(table, raw, 0, cardRows)
				d.Decode(&rows)
			}
			decode()
			if len(rows.Rejects) > 0 {
				b.Fatalf("got rejects: %s", rows.Detail(rows.Rejects[:1]))
			}
			b.ReportAllocs()
			before := processorTime(b)
			for b.Loop() {
				decode()
			}
			perRow := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / cardRows
			b.ReportMetric(perRow, "ns/row")
			b.ReportMetric(1e9/perRow, "rows/s")
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/cardRows, "cpu-ns/row")
		})
	}
}

// processorTime is what the process has used, which counts where others use the
// machine too.
func processorTime(b *testing.B) int64 {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
