package avropeers_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/linkedin/goavro/v2"
)

// typ is a type of a schema. A value of it is, by its kind, nil, bool, int64 for int and
// long, float32, float64, []byte for bytes and fixed, string for string and enum, []any for
// an array and a record, []pair for a map, a branch for a union; a decimal is its unscaled
// *big.Int, a uuid its text, a duration []byte, any other logical type its int64.
type typ struct {
	kind, logical    string
	name             string // of a record, an enum, a fixed
	size             int    // of a fixed
	precision, scale int
	symbols          []string
	fields           []field
	of               []*typ // items, values, branches
}

type field struct {
	name    string
	of      *typ
	aliases []string
	preset  string // its default, as JSON; empty: none
}

type pair struct {
	key   string
	value any
}

type branch struct {
	i     int
	value any
}

// text is the schema of a type.
func (t *typ) text() string {
	if t.kind == "union" {
		var all []string
		for _, b := range t.of {
			all = append(all, b.text())
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	out := `{"type":"` + t.kind + `"`
	if t.name != "" {
		out += `,"name":"` + t.name + `"`
	}
	switch t.kind {
	case "record":
		var all []string
		for _, f := range t.fields {
			one := `{"name":"` + f.name + `","type":` + f.of.text()
			if f.preset != "" {
				one += `,"default":` + f.preset
			}
			if len(f.aliases) > 0 {
				one += `,"aliases":["` + strings.Join(f.aliases, `","`) + `"]`
			}
			all = append(all, one+"}")
		}
		return out + `,"fields":[` + strings.Join(all, ",") + "]}"
	case "enum":
		return out + `,"symbols":["` + strings.Join(t.symbols, `","`) + `"]}`
	case "fixed":
		out += fmt.Sprintf(`,"size":%d`, t.size)
	case "array":
		return out + `,"items":` + t.of[0].text() + "}"
	case "map":
		return out + `,"values":` + t.of[0].text() + "}"
	}
	if t.logical != "" {
		out += `,"logicalType":"` + t.logical + `"`
	}
	if t.logical == "decimal" {
		out += fmt.Sprintf(`,"precision":%d,"scale":%d`, t.precision, t.scale)
	}
	return out + "}"
}

// request is a value as scripts/peers takes it.
func (t *typ) request(v any) any {
	switch v := v.(type) {
	case float32:
		return fmt.Sprintf("%08x", math.Float32bits(v))
	case float64:
		return fmt.Sprintf("%016x", math.Float64bits(v))
	case []byte:
		return hex.EncodeToString(v)
	case *big.Int:
		return scaled(v, t.scale)
	case branch:
		return []any{v.i, t.of[v.i].request(v.value)}
	case []pair:
		out := []any{}
		for _, p := range v {
			out = append(out, []any{p.key, t.of[0].request(p.value)})
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = t.at(i).request(v[i])
		}
		return out
	}
	return v
}

// at is the type of a field, or of an item.
func (t *typ) at(i int) *typ {
	if t.kind == "record" {
		return t.fields[i].of
	}
	return t.of[0]
}

// scaled is a decimal with its point.
func scaled(x *big.Int, scale int) string {
	digits := new(big.Int).Abs(x).String()
	if n := scale + 1 - len(digits); n > 0 {
		digits = strings.Repeat("0", n) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if x.Sign() < 0 {
		digits = "-" + digits
	}
	return digits
}

// native is a value as goavro takes it.
func (t *typ) native(v any) any {
	switch v := v.(type) {
	case int64:
		return t.nativeNumber(v)
	case *big.Int:
		return new(big.Rat).SetFrac(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.scale)), nil))
	case branch:
		if t.of[v.i].kind == "null" {
			return nil
		}
		return goavro.Union(t.of[v.i].nativeName(), t.of[v.i].native(v.value))
	case []pair:
		out := map[string]any{}
		for _, p := range v {
			out[p.key] = t.of[0].native(p.value)
		}
		return out
	case []any:
		if t.kind == "record" {
			out := map[string]any{}
			for i := range v {
				out[t.fields[i].name] = t.fields[i].of.native(v[i])
			}
			return out
		}
		out := make([]any, len(v))
		for i := range v {
			out[i] = t.of[0].native(v[i])
		}
		return out
	case string:
		if t.logical == "uuid" && t.kind == "fixed" {
			b, err := hex.DecodeString(strings.ReplaceAll(v, "-", ""))
			if err != nil {
				return err
			}
			return b
		}
	}
	return v
}

func (t *typ) nativeNumber(x int64) any {
	switch t.logical {
	case "date":
		return time.Unix(x*86400, 0).UTC()
	case "time-millis":
		return time.Duration(x) * time.Millisecond
	case "time-micros":
		return time.Duration(x) * time.Microsecond
	case "timestamp-millis":
		return time.UnixMilli(x).UTC()
	case "timestamp-micros":
		return time.UnixMicro(x).UTC()
	}
	if t.kind == "int" {
		return int32(x)
	}
	return x
}

// nativeName is how goavro calls a branch.
func (t *typ) nativeName() string {
	switch t.logical {
	case "date", "time-millis", "time-micros", "timestamp-millis", "timestamp-micros":
		return t.kind + "." + t.logical
	case "decimal":
		if t.kind == "bytes" {
			return "bytes.decimal"
		}
	}
	if t.name != "" {
		return t.name
	}
	return t.kind
}
