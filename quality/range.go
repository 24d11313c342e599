package quality

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"tidemark/internal/schema"
)

// within finds values of a column of whole numbers, decimals or times that are not
// in a span.
type within struct {
	column int
	span   span
}

func (c *within) judge(r *run, out bitmap) {
	c.span.outside(r.b.Columns[c.column].Ints[:r.b.Rows], out)
}

// withinFloats is within for float and double. A NaN is in no range.
type withinFloats struct {
	column int
	lo, hi float64
}

func (c *withinFloats) judge(r *run, out bitmap) {
	for i, v := range r.b.Columns[c.column].Ints[:r.b.Rows] {
		x := math.Float64frombits(uint64(v))
		out[i>>6] |= bit(!(x >= c.lo && x <= c.hi)) << (i & 63)
	}
}

func (out *check) compileRange(t *schema.Table, c *Check) error {
	column, err := find(t, c.Range)
	if err != nil {
		return err
	}
	switch {
	case c.Min != "" && c.Max != "":
		out.want = "from " + c.Min + " to " + c.Max
	case c.Min != "":
		out.want = "at least " + c.Min
	case c.Max != "":
		out.want = "at most " + c.Max
	default:
		return errors.New("it has no bound: write min, max or both")
	}
	var within test
	switch typ := t.Columns[column].Type; typ.Kind {
	case schema.Float, schema.Double:
		within, err = rangeOfFloats(column, typ, c)
	case schema.String, schema.Boolean, schema.Binary:
		err = fmt.Errorf("range compares numbers and times, column %s is %s: use category or pattern", c.Range, typ)
	default:
		within, err = rangeOf(column, typ, c)
	}
	if err != nil {
		return err
	}
	out.onColumn(column, c.Nulls, within)
	return nil
}

func rangeOf(column int, typ schema.Type, c *Check) (test, error) {
	lo, hi := cut{beyond: -1}, cut{beyond: 1}
	var err error
	if c.Min != "" {
		if lo, err = parseCut(c.Min, typ); err != nil {
			return nil, fmt.Errorf("min %q: %w", c.Min, err)
		}
	}
	if c.Max != "" {
		if hi, err = parseCut(c.Max, typ); err != nil {
			return nil, fmt.Errorf("max %q: %w", c.Max, err)
		}
	}
	s := lo.from().meet(hi.to())
	if s.empty {
		return nil, noValue(c, typ)
	}
	return &within{column: column, span: s}, nil
}

func rangeOfFloats(column int, typ schema.Type, c *Check) (test, error) {
	w := &withinFloats{column: column, lo: math.Inf(-1), hi: math.Inf(1)}
	for _, b := range []struct {
		name, text string
		to         *float64
	}{{"min", c.Min, &w.lo}, {"max", c.Max, &w.hi}} {
		if b.text == "" {
			continue
		}
		size := 64
		if typ.Kind == schema.Float {
			size = 32
		}
		if _, err := parseNumber(b.text); err != nil {
			return nil, fmt.Errorf("%s %q: %w", b.name, b.text, err)
		}
		x, err := strconv.ParseFloat(b.text, size)
		if err != nil {
			return nil, fmt.Errorf("%s %q: write a number that a %s can hold", b.name, b.text, typ)
		}
		*b.to = x
	}
	if w.lo > w.hi {
		return nil, noValue(c, typ)
	}
	return w, nil
}

func noValue(c *Check, typ schema.Type) error {
	return fmt.Errorf("no %s lies from %s to %s: write bounds that leave room", typ, orNone(c.Min), orNone(c.Max))
}

func orNone(bound string) string {
	if bound == "" {
		return "(no bound)"
	}
	return bound
}
