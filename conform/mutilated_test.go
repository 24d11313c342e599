package conform_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidemark/conform"
)

// F4: card events with bytes taken out, put in, replaced and doubled, behind whole
// ones that taught the short cuts all they can know.
func TestF4MutilatedRecords(t *testing.T) {
	table := cardTable()
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	const bytesOfJSON = `{}[]":,{}":,0123456789.-+eE\tnufalsr ` + "\n\x00\x80"
	body := cardEvent[1:]
	bases := []string{
		cardEvent, `{"more":0,` + body, `{"more":"x",` + body, `{"status":"OPEN",` + body[:len(body)-1] + `,"more":{"a":[1]}}`,
		strings.NewReplacer(`,"`, `, "`, `":`, `": `).Replace(cardEvent),
	}
	for range 100 {
		var values [][]byte
		for range 8 {
			values = append(values, []byte(cardEvent))
		}
		for range 400 {
			v := []byte(bases[rng.IntN(len(bases))])
			for range 1 + rng.IntN(3) {
				at := rng.IntN(len(v))
				if rng.IntN(2) == 0 {
					at = rng.IntN(24) // near the beginning, where more depends on it
				}
				switch n := rng.IntN(min(12, len(v)-at)); rng.IntN(4) {
				case 0:
					v = append(v[:at], v[at+n:]...)
				case 1:
					v[at] = bytesOfJSON[rng.IntN(len(bytesOfJSON))]
				case 2:
					v = slices.Insert(v, at+n, v[at:at+n]...)
				case 3:
					v = slices.Insert(v, at, bytesOfJSON[rng.IntN(len(bytesOfJSON))])
				}
			}
			values = append(values, v)
		}
		bothWays(t, plan, table, rawOf(values...))
	}
}
