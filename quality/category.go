package quality

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"tidemark/internal/schema"
)

// among finds values of a text column that are not in a set.
type among struct {
	column int
	values map[string]bool // folded, if fold
	fold   bool
	test   func(r *run, value []byte) bool
}

func (c *among) judge(r *run, out bitmap) { r.byEntry(c.column, r.live, out, c.test) }

func (c *among) holds(r *run, value []byte) bool {
	if !c.fold {
		return c.values[string(value)]
	}
	r.fold = appendFold(r.fold[:0], value)
	return c.values[string(r.fold)]
}

// amongNumbers is among for columns of whole numbers and decimals.
type amongNumbers struct {
	column int
	values map[int64]bool
}

func (c *amongNumbers) judge(r *run, out bitmap) {
	for i, v := range r.b.Columns[c.column].Ints[:r.b.Rows] {
		out[i>>6] |= bit(!c.values[v]) << (i & 63)
	}
}

func (out *check) compileCategory(t *schema.Table, c *Check) error {
	column, err := find(t, c.Category)
	if err != nil {
		return err
	}
	if len(c.Values) == 0 {
		return errors.New("it has no values: list those that are valid")
	}
	out.want = "one of " + strings.Join(c.Values, ", ")
	switch typ := t.Columns[column].Type; typ.Kind {
	case schema.String:
		a := &among{column: column, values: map[string]bool{}, fold: c.IgnoreCase == nil || *c.IgnoreCase}
		for _, v := range c.Values {
			if a.fold {
				v = string(appendFold(nil, []byte(v)))
			}
			a.values[v] = true
		}
		a.test = a.holds
		out.onColumn(column, c.Nulls, a)
	case schema.Int, schema.Long, schema.Decimal:
		a := &amongNumbers{column: column, values: map[int64]bool{}}
		for _, v := range c.Values {
			at, err := parseCut(v, typ)
			if err != nil {
				return fmt.Errorf("value %q: %w", v, err)
			}
			if at.beyond != 0 || !at.exact {
				return fmt.Errorf("value %q: column %s is %s and never has it: write one that it can have", v, c.Category, typ)
			}
			a.values[at.floor] = true
		}
		out.onColumn(column, c.Nulls, a)
	default:
		return fmt.Errorf("category needs text or whole numbers, column %s is %s: use range or a rule", c.Category, typ)
	}
	return nil
}

// appendFold appends a value with each letter replaced by the one that stands for
// it in all cases, as strings.EqualFold has it.
func appendFold(dst, value []byte) []byte {
	for i := 0; i < len(value); {
		c := value[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(value[i:])
		dst = utf8.AppendRune(dst, foldRune(r))
		i += n
	}
	return dst
}

// foldRune is the least letter that differs from r in case only, or r; a lower
// ASCII letter where there is one, so that it agrees with the short way above.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}
