package writer

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// intBounds are the bounds of whole numbers. Four are looked at together, since each comparison
// waits for the one before it: less than half the time of two passes.
func intBounds(ints []int64) (lower, upper int64) {
	if len(ints) == 0 {
		return 0, 0
	}
	lo0, hi0 := ints[0], ints[0]
	lo1, lo2, lo3, hi1, hi2, hi3 := lo0, lo0, lo0, hi0, hi0, hi0
	for ; len(ints) >= 4; ints = ints[4:] {
		lo0, hi0 = min(lo0, ints[0]), max(hi0, ints[0])
		lo1, hi1 = min(lo1, ints[1]), max(hi1, ints[1])
		lo2, hi2 = min(lo2, ints[2]), max(hi2, ints[2])
		lo3, hi3 = min(lo3, ints[3]), max(hi3, ints[3])
	}
	for _, v := range ints {
		lo0, hi0 = min(lo0, v), max(hi0, v)
	}
	return min(lo0, lo1, lo2, lo3), max(hi0, hi1, hi2, hi3)
}

// floatBounds are the bounds of floats, given as bits. A zero stands for both: −0
// below, +0 above. Where one is not a number there are none, so all is in.
func floatBounds(ints []int64) (lower, upper float64) {
	lower, upper = math.Inf(1), math.Inf(-1)
	for _, v := range ints {
		f := math.Float64frombits(uint64(v))
		if math.IsNaN(f) {
			return math.Inf(-1), math.Inf(1)
		}
		lower, upper = min(lower, f), max(upper, f)
	}
	if lower == 0 {
		lower = math.Copysign(0, -1)
	}
	if upper == 0 {
		upper = 0
	}
	return lower, upper
}

// entryBounds are the bounds of a dictionary's values.
func entryBounds(data []byte, ends []uint32) (lower, upper []byte) {
	lower = data[:ends[1]]
	upper = lower
	for i := 1; i+1 < len(ends); i++ {
		v := data[ends[i]:ends[i+1]]
		if bytes.Compare(v, lower) < 0 {
			lower = v
		} else if bytes.Compare(v, upper) > 0 {
			upper = v
		}
	}
	return lower, upper
}

// maxBound is the most bytes of a bound of text: the footer holds two for each
// page, and a value may have megabytes.
const maxBound = 64

// below is a short bound that is not above v, and whether it is v itself.
func below(v []byte, text bool) ([]byte, bool) {
	if len(v) <= maxBound {
		return v, true
	}
	return v[:cut(v, text)], false
}

// above is a short bound that is not below v, and whether it is v itself: the first
// bytes of v, the last of them raised that can be. Text stays valid UTF-8, whose
// order is that of its bytes.
func above(v []byte, text bool) ([]byte, bool) {
	if len(v) <= maxBound {
		return v, true
	}
	for n := cut(v, text); n > 0; {
		if !text {
			if n--; v[n] < 0xff {
				return append(append([]byte(nil), v[:n]...), v[n]+1), false
			}
			continue
		}
		r, size := utf8.DecodeLastRune(v[:n])
		n -= size
		if r < utf8.MaxRune {
			// Before the surrogates this appends U+FFFD, which is above them too.
			return utf8.AppendRune(append([]byte(nil), v[:n]...), r+1), false
		}
	}
	return v, false
}

// cut is the length at which a bound is cut, between two characters of text.
func cut(v []byte, text bool) int {
	n := maxBound
	for text && n > maxBound-utf8.UTFMax && !utf8.RuneStart(v[n]) {
		n--
	}
	return n
}
