package conform_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// F4 for lines of CSV: what the short cut reads is what is read without it, on random lines
// of random producers, some of them broken, in each order of the columns.
func TestF4CSVShortCutAgrees(t *testing.T) {
	names := strings.Split(csvHeader, ",")
	usual := map[string][]string{
		"id": {"7", "-1", "9223372036854775807", "12345678"}, "amount": {"1.25", "-0.5", "12", "1234567890123456.78"}, "n": {"2", "0", "-2147483648"},
		"big": {"3", "-170141183460469231"}, "x": {"0.5", "-80084.9905", "1e3"}, "status": {"OPEN", "CLOSED", "é", "fifteen bytes..", "sixteen bytes...", "a text of far more than sixteen bytes, ", `a\b`, "it's"},
		"ok": {"true", "0"}, "at": {"2026-11-22T10:15:30Z", "2026-11-22T10:15:30.123456Z"}, "sent": {"1795342530123"}, "local": {"2026-11-22T10:15:30"}, "day": {"2026-11-22"}, "data": {"AAEC", ""},
	}
	odd := []string{"", "NULL", " ", "x", "1.234", "99999999999999999999", "\x00", "\xff", "a\rb", "a\nb", `"`, `"q"`, `"a""b"`, "'", "2026-13-01", "-", "+1", "01", "1.", ".5", "\t"}
	quick := 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		at := func(from []string) string { return from[rng.IntN(len(from))] }
		table := csvTable(t, func(c *schema.CSV) {
			c.Separator = ",;\t|"[rng.IntN(4)]
			c.Quote = "\"'"[rng.IntN(2)]
			if rng.IntN(4) == 0 {
				c.NullValues = [][]string{{"NULL"}, {"", `\N`}, {}}[rng.IntN(3)]
			}
		})
		plan, err := conform.Compile(table)
		if err != nil {
			t.Fatal(err)
		}
		order := []string{"id"}
		for _, i := range rng.Perm(len(names)) {
			if few := names[i] == "ok" || names[i] == "data"; names[i] != "id" && rng.IntN(3) > 0 && (!few || seed%4 == 0) { // for those there is no short cut
				order = append(order, names[i])
			}
		}
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		share := []float64{0, 0.02, 0.3}[rng.IntN(3)]
		var lines []string
		for range 200 {
			fields := make([]string, 0, len(order)+1)
			for _, name := range order {
				v := at(usual[name])
				if rng.Float64() < share {
					v = at(odd)
				}
				fields = append(fields, strings.ReplaceAll(v, ",", map[bool]string{true: ",", false: ""}[rng.IntN(20) == 0]))
			}
			if rng.Float64() < share/4 {
				fields = append(fields, "1")[rng.IntN(2):]
			}
			lines = append(lines, strings.Join(fields, string(table.CSV.Separator))+[]string{"", "\n", "\r\n"}[rng.IntN(3)])
		}
		raw := dirty([]byte(",7,8;9|"), nil) // what is left behind the end of a line must not be read as its own
		appendLines(raw, &batch.Layout{Format: batch.CSV, Header: order}, lines...)
		b := bothWays(t, plan, table, raw)
		for _, f := range b.Fates {
			if f == batch.Written {
				quick++
			}
		}
	}
	if quick < 10_000 {
		t.Errorf("only %d lines were accepted: this says little", quick)
	}
}
