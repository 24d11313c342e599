package conform

import (
	"fmt"
	"testing"

	"tidemark/internal/batch"
)

// White box: only a dictionary that mixes nothing has texts with the same hash. They
// must be told apart, and found again.
func TestTextsOfOneHash(t *testing.T) {
	var x dictionary
	var dict batch.Dict
	x.begin(&dict)
	for range 2 {
		for i := range 20 {
			long := fmt.Appendf(nil, "a text of more than sixteen bytes %02d", i)
			short := fmt.Appendf(nil, "%02d", i)
			for _, text := range [][]byte{long, short} {
				if got := string(dict.Value(int(x.add(text, true, 0)))); got != string(text) {
					t.Errorf("got %q, want %q", got, text)
				}
			}
		}
	}
	if got, want := dict.Len(), 40; got != want {
		t.Errorf("got %d entries, want %d", got, want)
	}
}
