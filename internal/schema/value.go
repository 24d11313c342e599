package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseValue reads a constant of a type as the configuration writes it: 0, -12.50,
// UNKNOWN, true, 2026-11-22 or 2026-11-22T10:15:30Z. Nothing is rounded: what the
// type cannot hold is an error that says what to write instead.
func ParseValue(t Type, s string) (Value, error) {
	switch t.Kind {
	case Int:
		n, err := strconv.ParseInt(s, 10, 32)
		return Value{Int: n}, orSay(err, "write a whole number of 32 bits")
	case Long:
		n, err := strconv.ParseInt(s, 10, 64)
		return Value{Int: n}, orSay(err, "write a whole number of 64 bits")
	case Float, Double:
		bits := 64
		if t.Kind == Float {
			bits = 32
		}
		x, err := strconv.ParseFloat(s, bits)
		if math.IsInf(x, 0) || math.IsNaN(x) {
			err = strconv.ErrRange
		}
		return Value{Int: int64(math.Float64bits(x))}, orSay(err, "write a finite number")
	case Decimal:
		n, ok := unscaled(t, s)
		if !ok {
			return Value{}, fmt.Errorf("write a number with at most %d digits before the point and %d after it", t.Precision-t.Scale, t.Scale)
		}
		return Value{Int: n}, nil
	case Boolean:
		if s != "true" && s != "false" {
			return Value{}, errors.New("write true or false")
		}
		return Value{Int: map[string]int64{"true": 1}[s]}, nil
	case Date:
		at, err := time.Parse(time.DateOnly, s)
		return Value{Int: at.Unix() / (24 * 60 * 60)}, orSay(err, "write a date such as 2026-11-22")
	case Timestamp:
		at, err := time.Parse(time.RFC3339Nano, s)
		if err == nil && at.Nanosecond()%1000 != 0 {
			err = strconv.ErrRange
		}
		return Value{Int: at.UnixMicro()}, orSay(err, "write a time such as 2026-11-22T10:15:30Z, down to microseconds")
	case String:
		if t.JSON && !json.Valid([]byte(s)) {
			return Value{}, errors.New(`write JSON, such as "{}"`)
		}
		return Value{Bytes: []byte(s)}, nil
	}
	return Value{}, fmt.Errorf("a column of type %s has no default but null", t)
}

// Text is the value as ParseValue reads it, empty for null.
func (v Value) Text(t Type) string {
	switch {
	case v.Null:
		return ""
	case t.Kind == String:
		return string(v.Bytes)
	case t.Kind == Boolean:
		return strconv.FormatBool(v.Int != 0)
	case t.Kind == Float:
		return strconv.FormatFloat(math.Float64frombits(uint64(v.Int)), 'g', -1, 32)
	case t.Kind == Double:
		return strconv.FormatFloat(math.Float64frombits(uint64(v.Int)), 'g', -1, 64)
	case t.Kind == Date:
		return time.Unix(v.Int*24*60*60, 0).UTC().Format(time.DateOnly)
	case t.Kind == Timestamp:
		return time.UnixMicro(v.Int).UTC().Format(time.RFC3339Nano)
	case t.Kind == Decimal && t.Scale > 0:
		sign, digits := "", strconv.FormatInt(v.Int, 10)
		if v.Int < 0 {
			sign, digits = "-", digits[1:]
		}
		digits = strings.Repeat("0", max(0, t.Scale+1-len(digits))) + digits
		return sign + digits[:len(digits)-t.Scale] + "." + digits[len(digits)-t.Scale:]
	}
	return strconv.FormatInt(v.Int, 10)
}

func orSay(err error, text string) error {
	if err != nil {
		return errors.New(text)
	}
	return nil
}

// unscaled reads digits with at most one point among them as a decimal of t.
func unscaled(t Type, s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	fraction = strings.TrimRight(fraction, "0")
	if whole == "" || len(fraction) > t.Scale || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, false
	}
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > t.Precision-t.Scale {
		return 0, false
	}
	n, err := strconv.ParseInt("0"+whole+fraction+strings.Repeat("0", t.Scale-len(fraction)), 10, 64)
	if len(digits) < len(s) {
		n = -n
	}
	return n, err == nil
}
