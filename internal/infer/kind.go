package infer

import (
	"fmt"
	"strings"
	"time"

	"tidemark/internal/schema"
)

// kind is what values look like.
type kind uint8

const (
	word   kind = iota // text that is nothing else
	whole              // 1200
	exact              // 12.50
	large              // a number with more digits than a decimal has
	power              // 1e9
	truth              // true, false
	date               // 2026-11-22
	moment             // 2026-11-22T10:15:00Z
	nested             // an object or an array
	kinds
)

// kindOf is what one value looks like.
type kindOf struct {
	kind           kind
	integer, scale int // digits before and behind the point
}

// column is what was seen of one.
type column struct {
	name           string
	like           string // a column before it, whose name differs in case alone
	seen           [kinds]int64
	bare           [kinds]int64 // of these, numbers and truths of JSON, which are no texts
	integer, scale int          // the most digits
	nulls          int64        // beside what was seen
	within         *shape       // of objects and arrays
}

func (c *column) see(k kindOf) {
	c.seen[k.kind]++
	c.integer, c.scale = max(c.integer, k.integer), max(c.scale, k.scale)
}

// values is how many were seen, but for nulls.
func (c *column) values() (n int64) {
	for _, k := range c.seen {
		n += k
	}
	return n
}

// only reports whether all that was seen is of some kinds.
func (c *column) only(some ...kind) bool {
	n := int64(0)
	for _, k := range some {
		n += c.seen[k]
	}
	return n == c.values()
}

// seeBare is see for what JSON has without quotes.
func (c *column) seeBare(k kindOf) {
	c.see(k)
	c.bare[k.kind]++
}

// ofText says what a text looks like; numbers and truths count where bare is set.
func ofText(s string, bare bool) kindOf {
	if bare {
		if s == "true" || s == "false" {
			return kindOf{kind: truth}
		}
		if k := ofNumber(s); k.kind != word {
			return k
		}
	}
	if len(s) == len(time.DateOnly) {
		if _, err := time.Parse(time.DateOnly, s); err == nil {
			return kindOf{kind: date}
		}
		return kindOf{}
	}
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if _, err := time.Parse(layout, s); err == nil {
			return kindOf{kind: moment}
		}
	}
	return kindOf{}
}

// ofNumber says what a number looks like, as JSON writes them. Anything else is a word.
func ofNumber(s string) kindOf {
	digits := strings.TrimPrefix(s, "-")
	mantissa, exponent, powered := cutAny(digits, "eE")
	integer, fraction, broken := strings.Cut(mantissa, ".")
	switch {
	case !isDigits(integer) || len(integer) > 1 && integer[0] == '0' || broken && !isDigits(fraction):
		return kindOf{}
	case powered && !isDigits(strings.TrimLeft(exponent, "+-")):
		return kindOf{}
	case powered:
		return kindOf{kind: power}
	case len(integer)+len(fraction) > schema.MaxPrecision:
		return kindOf{kind: large}
	case broken:
		return kindOf{exact, len(integer), len(fraction)}
	}
	return kindOf{whole, len(integer), 0}
}

func cutAny(s, chars string) (before, after string, found bool) {
	i := strings.IndexAny(s, chars)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// result is the narrowest type for all that was seen.
func (c *column) result(rows int64) Column {
	out := Column{Name: c.name, Type: schema.Type{Kind: schema.String}}
	values := c.values()
	switch {
	case strings.TrimSpace(c.name) == "":
		out.Omitted, out.Remark = true, "a column without a name: no table can have it"
	case c.like != "":
		out.Omitted, out.Remark = true, "differs in case alone from "+c.like
	case c.seen[nested] > 0:
		out.Type, out.Remark = c.nested()
	default:
		out.Type, out.Remark = c.scalar()
		if out.Type.Kind == schema.String {
			c.compromise(&out, values)
		}
	}
	if without := rows - values; without > 0 && values > 0 && !out.Omitted {
		out.absent = fmt.Sprintf("%d of %d rows have no value", without, rows)
	}
	return out
}

// scalar is the narrowest type for values that hold no others.
func (c *column) scalar() (t schema.Type, remark string) {
	t.Kind = schema.String
	switch {
	case c.values() == 0:
		remark = "no value was seen"
	case c.only(truth):
		t.Kind = schema.Boolean
	case c.only(date):
		t.Kind = schema.Date
	case c.only(date, moment):
		t.Kind = schema.Timestamp
	case c.only(whole):
		t.Kind = schema.Long
	case c.only(whole, exact) && c.integer+c.scale <= schema.MaxPrecision:
		t = schema.Type{Kind: schema.Decimal, Precision: schema.MaxPrecision, Scale: c.scale}
	case c.only(whole, exact, large):
		remark = fmt.Sprintf("numbers of more than %d digits in all: text keeps them as they are", schema.MaxPrecision)
	case c.only(whole, exact, power):
		t.Kind = schema.Double
	case !c.only(word):
		remark = "values of several kinds"
	}
	return t, remark
}

// within is a path that leads into a field.
func within(name string) string {
	return schema.From{Path: []schema.Step{{Key: name, Index: -1}, {Key: "…", Index: -1}}}.String()
}

// compromise chooses a type for a column that should be text and has values of JSON that
// are none: a column of text refuses these. It goes by what there is most of.
func (c *column) compromise(out *Column, values int64) {
	truths, numbers := c.bare[truth], int64(0)
	for _, k := range []kind{whole, exact, large, power} {
		numbers += c.bare[k]
	}
	texts := values - truths - numbers
	switch {
	case truths+numbers == 0:
		return
	case texts >= max(truths, numbers):
	case truths > numbers:
		out.Type.Kind = schema.Boolean
	case c.bare[power] > 0:
		out.Type.Kind = schema.Double
		out.Remark = "values of several kinds: those that are no numbers are rejected, and long numbers are rounded"
		return
	case c.bare[exact] > 0:
		out.Type = schema.Type{Kind: schema.Decimal, Precision: schema.MaxPrecision, Scale: min(c.scale, schema.MaxPrecision-c.integer)}
	default:
		out.Type.Kind = schema.Long
	}
	out.Remark = fmt.Sprintf("values of several kinds or lengths: those that do not fit %s are rejected", out.Type)
}
