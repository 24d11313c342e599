package conform_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
)

// TestWhatStandsBetweenKeys has records whose keys follow no order, and between a comma, a
// key, its colon and its value all kinds of white space, any length of it, and bytes that look
// like some: the short cut, which looks at eight bytes at once, sees what the general parser does.
func TestWhatStandsBetweenKeys(t *testing.T) {
	table := corpusTable(t)
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Split(strings.Trim(string(good[0]), "{}"), ",")
	fine := []string{"", " ", "  ", "\t", " \n", "\r\n ", "       ", "        ", "         ", strings.Repeat(" \t", 20), strings.Repeat(" ", 70)}
	odd := []string{"\x01", " \x0b", "\x0c ", "\x1f", "\u00a0", "\x7f", "\xa0", "       \x02", "        \x03", "\ufeff"}
	rng := rand.New(rand.NewPCG(3, 4))
	write := func(gap func() string) []byte {
		order := slices.Clone(fields)
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		var b strings.Builder
		for i, f := range order {
			key, value, _ := strings.Cut(f, ":")
			b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
			b.WriteString(gap() + key + gap() + ":" + gap() + value + gap())
		}
		return []byte(b.String() + "}")
	}
	at := func(from []string) string { return from[rng.IntN(len(from))] }
	var values [][]byte
	var wants []string
	for i := range 4000 {
		gaps, target := 0, -1
		if i > 40 && i%3 == 0 { // one gap of this record holds what is no white space
			target = rng.IntN(4 * len(fields))
		}
		few := i / 500 % 2 * 8 // half of the records have short gaps only, so that members follow the short cut
		values = append(values, write(func() string {
			if gaps++; gaps-1 == target {
				return at(odd)
			}
			return at(fine[:len(fine)-few])
		}))
		wants = append(wants, map[bool]string{true: conform.ReasonSyntax, false: ""}[target >= 0])
	}
	b := bothWays(t, plan, table, rawOf(values...))
	for row, want := range wants {
		if got := fmt.Sprint(rejectOf(b, row)); got != want {
			t.Fatalf("row %d: got %s, want %q: %q", row, outcome(b, row), want, values[row])
		}
		if want == "" && b.Fates[row] != batch.Written {
			t.Fatalf("row %d: %s", row, outcome(b, row))
		}
	}
}
