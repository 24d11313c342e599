package quality

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"tidemark/internal/schema"
)

// cut is a constant placed among the whole numbers in which a column counts (its
// own, unscaled decimals, days or µs): between floor and floor+1, or on floor.
type cut struct {
	floor int64
	exact bool // it is floor
	// beyond is −1 or 1 if the constant is below or above every int64.
	beyond int
}

// span is the whole numbers from lo to hi, both included; none if empty.
type span struct {
	lo, hi int64
	empty  bool
}

var everything = span{lo: math.MinInt64, hi: math.MaxInt64}

// from is the numbers that are not less than the cut.
func (c cut) from() span {
	switch {
	case c.beyond < 0:
		return everything
	case c.beyond > 0 || !c.exact && c.floor == math.MaxInt64:
		return span{empty: true}
	case c.exact:
		return span{lo: c.floor, hi: math.MaxInt64}
	}
	return span{lo: c.floor + 1, hi: math.MaxInt64}
}

// to is the numbers that are not greater than the cut.
func (c cut) to() span {
	switch {
	case c.beyond < 0:
		return span{empty: true}
	case c.beyond > 0:
		return everything
	}
	return span{lo: math.MinInt64, hi: c.floor}
}

// at is the number that the cut is, if it is one.
func (c cut) at() span { return c.from().meet(c.to()) }

// meet is the numbers in both spans.
func (s span) meet(o span) span {
	s.lo, s.hi = max(s.lo, o.lo), min(s.hi, o.hi)
	s.empty = s.empty || o.empty || s.lo > s.hi
	return s
}

// outside sets in out the rows whose value is not in the span, whatever the row.
func (s span) outside(values []int64, out bitmap) {
	if s.empty {
		for i := range values {
			out.set(i)
		}
		return
	}
	// One unsigned comparison does for both ends.
	lo, width := uint64(s.lo), uint64(s.hi)-uint64(s.lo)
	for i := range out {
		w := uint64(0)
		for j, v := range values[i<<6 : min(i<<6+64, len(values))] {
			w |= bit(uint64(v)-lo > width) << (j & 63)
		}
		out[i] |= w
	}
}

// cutOf places a rational number, times 10^scale.
func cutOf(x *big.Rat, scale int) cut {
	x = new(big.Rat).Mul(x, new(big.Rat).SetInt(pow10(scale)))
	floor, rest := new(big.Int).DivMod(x.Num(), x.Denom(), new(big.Int))
	if !floor.IsInt64() {
		return cut{beyond: floor.Sign()}
	}
	return cut{floor: floor.Int64(), exact: rest.Sign() == 0}
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// parseNumber reads a decimal number as text: digits, a point, an exponent.
func parseNumber(s string) (*big.Rat, error) {
	digits := strings.TrimLeft(s, "+-")
	if digits == "" || strings.Trim(digits, "0123456789.eE+-") != "" || len(s) > 100 {
		return nil, errors.New("write a number such as 0, -12.50 or 1e6")
	}
	// A huge exponent would ask for as many digits.
	if _, exp, ok := strings.Cut(strings.ToLower(s), "e"); ok && len(strings.TrimLeft(exp, "+-0")) > 3 {
		return nil, errors.New("write a number of at most a thousand digits")
	}
	x, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, errors.New("write a number such as 0, -12.50 or 1e6")
	}
	return x, nil
}

// parseTime reads a date or RFC 3339.
func parseTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, errors.New("write a time such as 2026-01-01 or 2026-01-01T00:00:00Z")
	}
	return t, nil
}

// timeCut places an instant among the values of a date or timestamp column.
func timeCut(t time.Time, kind schema.Kind) cut {
	nanos := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(1e9))
	nanos.Add(nanos, big.NewInt(int64(t.Nanosecond())))
	unit := big.NewInt(1e3)
	if kind == schema.Date {
		unit = big.NewInt(24 * 60 * 60 * 1e9)
	}
	return cutOf(new(big.Rat).SetFrac(nanos, unit), 0)
}

// parseCut reads a constant as a column of the type reads its values. The column
// is one of whole numbers, decimals or times.
func parseCut(s string, t schema.Type) (cut, error) {
	switch t.Kind {
	case schema.Int, schema.Long, schema.Decimal:
		x, err := parseNumber(s)
		if err != nil {
			return cut{}, err
		}
		return cutOf(x, t.Scale), nil
	case schema.Date, schema.Timestamp:
		at, err := parseTime(s)
		if err != nil {
			return cut{}, err
		}
		return timeCut(at, t.Kind), nil
	}
	return cut{}, fmt.Errorf("a %s has no order to cut", t)
}
