package jsontext_test

import (
	"math"
	"strconv"
	"testing"

	"tidemark/internal/jsontext"
)

// TestFloats: the text of a float names it, and a whole number is the one that it is, since a
// column of whole numbers may take it.
func TestFloats(t *testing.T) {
	for _, c := range []struct {
		x    float64
		bits int
		want string
	}{
		{0.1, 64, "0.1"},
		{float64(float32(0.1)), 32, "0.1"},
		{math.Copysign(0, -1), 64, "-0"},
		{1e22, 64, "1e+22"},
		{1 << 53, 64, "9007199254740992"},
		{-7598144247465454592, 64, "-7598144247465454592"},
		{math.Nextafter(1<<63, 0), 64, "9223372036854774784"},
		{1 << 63, 64, "9.223372036854776e+18"},
		{float64(float32(123456789 << 10)), 32, "126419755008"},
	} {
		got := string(jsontext.AppendFloat(nil, c.x, c.bits))
		if got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if back, err := strconv.ParseFloat(got, c.bits); err != nil || math.Float64bits(back) != math.Float64bits(c.x) {
			t.Errorf("%s reads back as %v, %v", got, back, err)
		}
	}
}
