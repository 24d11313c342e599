package avropeers_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidemark/internal/schema"
)

// fate is what a value of a writer's type must become in a column, by our own rules: what
// stands there, or the reason of a reject, and which rule says so.
type fate struct {
	text   string
	reason string
	or     string // another reason, of a value with two flaws
	rule   string // empty: a value of the column's own type
}

// The rules by which a value of another type is taken, or is not.
const (
	ruleNull     = "null comes"
	ruleFinite   = "a number that is none"
	ruleYears    = "a time outside the years 1 to 9999"
	rulePromote  = "what Avro widens"
	ruleUTF8     = "bytes that are no text"
	ruleValue    = "a wider type, value by value"
	ruleDecimal  = "a decimal of other digits"
	ruleMoment   = "a time of another unit"
	ruleDay      = "a day for a time, or a time for a day"
	ruleClock    = "a time as text"
	ruleNumber   = "a number for a time, or a time for a number"
	ruleRaw      = "bytes for a decimal, or a decimal for bytes"
	ruleSymbol   = "a symbol that the reader lacks"
	ruleText     = "a text in place of another kind of text"
	ruleFixed    = "bytes of another length"
	ruleUUID     = "an identifier of text or of bytes"
	ruleDigits   = "a text for a number or a time"
	ruleMismatch = "a type of another kind"
)

// fateOf is the fate of a value of type w in the column of a reader's type r.
func fateOf(w *typ, v any, r *typ) fate {
	if b, ok := v.(branch); ok {
		return fateOf(w.of[b.i], b.value, r)
	}
	if w.kind == "null" {
		if r.nullable() {
			return fate{text: "null"}
		}
		return fate{text: "null", rule: ruleNull}
	}
	if other := r.other(); other != nil {
		r = other
	}
	col, err := schema.ParseType(r.column())
	if err != nil {
		panic(err)
	}
	switch x := v.(type) {
	case float32:
		return fraction(w, float64(x), r, col)
	case float64:
		return fraction(w, x, r, col)
	case *big.Int:
		return ofDecimal(w, x, r, col)
	case int64:
		if w.logical != "" {
			return ofTime(w, x, r, col)
		}
		return ofWhole(w, x, r, col)
	case bool:
		if col.Kind == schema.Boolean {
			return fate{text: strconv.Itoa(map[bool]int{true: 1}[x])}
		}
	case string:
		return ofText(w, x, r, col)
	case []byte:
		return ofBytes(w, x, r, col)
	}
	return mismatch
}

var mismatch = fate{reason: "schema_mismatch", rule: ruleMismatch}

func (t *typ) nullable() bool {
	if t.kind == "union" {
		for _, b := range t.of {
			if b.kind == "null" {
				return true
			}
		}
	}
	return t.kind == "null"
}

func fraction(w *typ, x float64, r *typ, col schema.Type) fate {
	bits := func(f float64) string { return strconv.FormatInt(int64(math.Float64bits(f)), 10) }
	finite := !math.IsNaN(x) && !math.IsInf(x, 0)
	switch col.Kind {
	case schema.Double, schema.Float, schema.Int, schema.Long:
		if !finite {
			return fate{reason: "syntax", rule: ruleFinite}
		}
	}
	switch col.Kind {
	case schema.Double:
		if w.kind == "float" {
			return fate{text: bits(x), rule: rulePromote}
		}
		return fate{text: bits(x)}
	case schema.Float:
		if w.kind == "float" {
			return fate{text: bits(x)}
		}
		if math.IsInf(float64(float32(x)), 0) {
			return fate{reason: "overflow", rule: ruleValue}
		}
		return fate{text: bits(float64(float32(x))), rule: ruleValue}
	case schema.Int, schema.Long:
		if r.logical != "" {
			return mismatch
		}
		n, _ := big.NewFloat(x).Int(nil)
		return parted(within(n, col, ruleValue), x != math.Trunc(x))
	}
	return mismatch
}

// within is a whole number that a column holds or does not.
func within(n *big.Int, col schema.Type, rule string) fate {
	size := map[schema.Kind]uint{schema.Int: 31, schema.Long: 63}[col.Kind]
	most := new(big.Int).Lsh(big.NewInt(1), size)
	if n.Cmp(most) >= 0 || n.Cmp(new(big.Int).Neg(most)) < 0 {
		return fate{reason: "overflow", rule: rule}
	}
	return fate{text: n.String(), rule: rule}
}

// parted is the fate of a number whose whole part has the fate f, and that has a fraction
// beside or not.
func parted(f fate, fraction bool) fate {
	switch {
	case !fraction:
		return f
	case f.reason != "":
		f.or = "scale"
		return f
	}
	return fate{reason: "scale", rule: f.rule}
}

func ofWhole(w *typ, x int64, r *typ, col schema.Type) fate {
	switch col.Kind {
	case schema.Int, schema.Long:
		if r.kind == w.kind {
			return fate{text: strconv.FormatInt(x, 10)}
		}
		if col.Kind == schema.Long {
			return fate{text: strconv.FormatInt(x, 10), rule: rulePromote}
		}
		return within(big.NewInt(x), col, ruleValue)
	case schema.Float:
		return fate{text: strconv.FormatInt(int64(math.Float64bits(float64(float32(x)))), 10), rule: rulePromote}
	case schema.Double:
		return fate{text: strconv.FormatInt(int64(math.Float64bits(float64(x))), 10), rule: rulePromote}
	case schema.Decimal:
		return rescaled(big.NewInt(x), 0, col, ruleValue)
	case schema.Date, schema.Timestamp:
		return fate{reason: "schema_mismatch", rule: ruleNumber}
	case schema.String:
		if r.logical == "time-millis" || r.logical == "time-micros" {
			return fate{reason: "schema_mismatch", rule: ruleNumber}
		}
	}
	return mismatch
}

// rescaled is a decimal in a column of decimals.
func rescaled(x *big.Int, scale int, col schema.Type, rule string) fate {
	ten := func(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
	n := new(big.Int).Mul(x, ten(col.Scale))
	n, rest := n.QuoRem(n, ten(scale), new(big.Int))
	out := fate{text: n.String(), rule: rule}
	if new(big.Int).Abs(n).Cmp(ten(col.Precision)) >= 0 {
		out = fate{reason: "overflow", rule: rule}
	}
	return parted(out, rest.Sign() != 0)
}

func ofDecimal(w *typ, x *big.Int, r *typ, col schema.Type) fate {
	switch col.Kind {
	case schema.Decimal:
		rule := ruleDecimal
		if col.Precision == w.precision && col.Scale == w.scale && r.kind == w.kind {
			rule = ""
		}
		return rescaled(x, w.scale, col, rule)
	case schema.Int, schema.Long:
		ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(w.scale)), nil)
		n, rest := new(big.Int).QuoRem(x, ten, new(big.Int))
		return parted(within(n, col, ruleValue), rest.Sign() != 0)
	case schema.Binary, schema.String:
		return fate{reason: "schema_mismatch", rule: ruleRaw}
	case schema.Double, schema.Float:
		size := map[schema.Kind]int{schema.Double: 64, schema.Float: 32}[col.Kind]
		f, err := strconv.ParseFloat(scaled(x, w.scale), size)
		if err != nil {
			panic(err)
		}
		return fate{text: strconv.FormatInt(int64(math.Float64bits(f)), 10), rule: ruleValue}
	}
	return mismatch
}

func ofTime(w *typ, x int64, r *typ, col schema.Type) fate {
	clock := w.logical == "time-millis" || w.logical == "time-micros"
	rule := ""
	if w.logical != r.logical {
		rule = ruleMoment
	}
	unit := w.unit()
	switch col.Kind {
	case schema.Int, schema.Long, schema.Float, schema.Double:
		return fate{reason: "schema_mismatch", rule: ruleNumber}
	case schema.String:
		return asTimeText(w, x, clock, rule)
	case schema.Timestamp, schema.Date:
		if clock {
			return fate{reason: "schema_mismatch", rule: ruleNumber}
		}
		if reason := badTime(w, x, col); reason != "" {
			return fate{reason: reason, rule: ruleYears}
		}
		if (unit == 0) != (col.Kind == schema.Date) {
			rule = ruleDay
		}
		if unit == 0 {
			unit, x = 1, x*86400
		}
		if col.Kind == schema.Timestamp {
			return fate{text: new(big.Int).Div(new(big.Int).Mul(big.NewInt(x), big.NewInt(1e6)), big.NewInt(unit)).String(), rule: rule}
		}
		if x%(unit*86400) != 0 {
			return fate{reason: "scale", rule: rule}
		}
		return fate{text: strconv.FormatInt(x/(unit*86400), 10), rule: rule}
	}
	return mismatch
}

func asTimeText(w *typ, x int64, clock bool, rule string) fate {
	if clock {
		if rule != "" {
			rule = ruleClock
		}
		return fate{text: w.asText(x), rule: rule}
	}
	return fate{text: w.asMoment(x), rule: ruleClock}
}

func ofText(w *typ, x string, r *typ, col schema.Type) fate {
	if col.Kind == schema.Binary && w.kind == "string" {
		if r.kind == "fixed" {
			return fate{text: x, rule: ruleFixed}
		}
		return fate{text: x, rule: rulePromote}
	}
	if col.Kind == schema.Binary && w.kind == "fixed" { // of a uuid
		raw, err := hex.DecodeString(strings.ReplaceAll(x, "-", ""))
		if err != nil {
			panic(err)
		}
		return fate{text: string(raw), rule: ruleFixed}
	}
	if col.Kind != schema.String {
		if w.kind == "string" && col.Kind != schema.Boolean {
			reason := "type" // a text that is no value of it
			if col.Kind == schema.Date || col.Kind == schema.Timestamp {
				reason = "time"
			}
			return fate{reason: reason, rule: ruleDigits}
		}
		return mismatch
	}
	switch {
	case w.kind == "enum" && r.kind == "enum":
		for _, s := range r.symbols {
			if s == x {
				return fate{text: x}
			}
		}
		return fate{text: x, rule: ruleSymbol}
	case (w.logical == "uuid" || r.logical == "uuid") && w.kind != r.kind:
		return fate{text: x, rule: ruleUUID}
	case w.kind != r.kind:
		return fate{text: x, rule: ruleText}
	}
	return fate{text: x}
}

func ofBytes(w *typ, x []byte, r *typ, col schema.Type) fate {
	switch {
	case col.Kind == schema.Binary && w.kind == r.kind && w.size == r.size:
		return fate{text: string(x)}
	case col.Kind == schema.Binary:
		return fate{text: string(x), rule: ruleFixed}
	case col.Kind == schema.Decimal:
		return fate{reason: "schema_mismatch", rule: ruleRaw}
	case col.Kind == schema.String && w.kind == "bytes":
		switch {
		case !utf8.Valid(x):
			return fate{reason: "encoding", rule: ruleUTF8}
		case r.kind == "string":
			return fate{text: string(x), rule: rulePromote}
		}
		return fate{text: string(x), rule: ruleText}
	}
	return mismatch
}

func (f fate) String() string {
	if f.reason != "" {
		return fmt.Sprintf("rejected for %s", f.reason)
	}
	return fmt.Sprintf("%q", f.text)
}
