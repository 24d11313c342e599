package avropeers_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// column is the type of the column that holds values of a type as they are.
func (t *typ) column() string {
	switch t.logical {
	case "decimal":
		p := min(t.precision, 18)
		return fmt.Sprintf("decimal(%d,%d)", p, min(t.scale, p))
	case "date":
		return "date"
	case "time-millis", "time-micros", "uuid":
		return "string"
	case "duration":
		return "json"
	case "":
	default:
		return "timestamp"
	}
	switch t.kind {
	case "null", "enum":
		return "string"
	case "bytes", "fixed":
		return "binary"
	case "union":
		if other := t.other(); other != nil {
			return other.column()
		}
		return "json"
	case "array", "map", "record":
		return "json"
	}
	return t.kind
}

// other is the one type of a union beside null, nil: it is no such union.
func (t *typ) other() *typ {
	if t.kind != "union" || len(t.of) != 2 {
		return nil
	}
	switch {
	case t.of[0].kind == "null":
		return t.of[1]
	case t.of[1].kind == "null":
		return t.of[0]
	}
	return nil
}

// tableOf is a table with a column for most fields of a record.
func tableOf(m *maker, root *typ) *schema.Table {
	t := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Evolution: schema.DefaultEvolution()}
	for _, f := range root.fields {
		if m.IntN(12) == 0 {
			continue // a field without a column
		}
		kind, err := schema.ParseType(f.of.column())
		if err != nil {
			panic(err)
		}
		t.Columns = append(t.Columns, schema.Column{Name: f.name, Type: kind, Default: schema.Value{Null: true}, Required: m.IntN(10) == 0})
	}
	if len(t.Columns) == 0 {
		t.Columns = []schema.Column{{Name: "none", Type: schema.Type{Kind: schema.Long}, Default: schema.Value{Null: true}}}
	}
	m.Shuffle(len(t.Columns), func(i, j int) { t.Columns[i], t.Columns[j] = t.Columns[j], t.Columns[i] })
	return t
}

// difference compares the row of a batch with the record that it was made of, nil: they
// are alike.
func difference(b *batch.Batch, row int, root *typ, record []any) error {
	var reasons []string
	values := map[string]func(int) error{}
	for c := range b.Table.Columns {
		col := &b.Table.Columns[c]
		i := slices.IndexFunc(root.fields, func(f field) bool { return f.name == col.Name })
		if i < 0 {
			continue
		}
		of, v := root.fields[i].of, record[i]
		reason := flaw(of, v, col.Type)
		if reason == "" && col.Required && isNull(of, v) {
			reason = "required"
		}
		if reason != "" {
			reasons = append(reasons, reason+" "+col.Name)
			continue
		}
		values[col.Name] = func(c int) error { return same(b, row, c, of, v) }
	}
	var got []string
	for _, r := range b.Rejects {
		if int(r.Row) == row {
			name := "?"
			if r.Column >= 0 {
				name = b.Table.Columns[r.Column].Name
			}
			got = append(got, r.Reason+" "+name)
		}
	}
	slices.Sort(got)
	slices.Sort(reasons)
	if len(reasons) > len(got) && len(got) == 4 { // no more are named of one record
		reasons = slices.DeleteFunc(reasons, func(r string) bool { return !slices.Contains(got, r) })
	}
	if !slices.Equal(got, reasons) || (len(got) == 0) != (b.Fates[row] == batch.Written) {
		return fmt.Errorf("it is %s for %q, want %q", b.Fates[row], got, reasons)
	}
	if len(got) > 0 {
		return nil
	}
	for c := range b.Table.Columns {
		if check := values[b.Table.Columns[c].Name]; check != nil {
			if err := check(c); err != nil {
				return fmt.Errorf("column %s: %w", b.Table.Columns[c].Name, err)
			}
		}
	}
	return nil
}

func isNull(t *typ, v any) bool {
	if b, ok := v.(branch); ok {
		return isNull(t.of[b.i], b.value)
	}
	return t.kind == "null"
}

// flaw is why a column of its type does not take a value, empty: it does.
func flaw(t *typ, v any, of schema.Type) string {
	switch x := v.(type) {
	case branch:
		return flaw(t.of[x.i], x.value, of)
	case []any:
		for i := range x {
			if reason := flaw(t.at(i), x[i], of); reason != "" {
				return reason
			}
		}
	case []pair:
		for _, p := range x {
			if reason := flaw(t.of[0], p.value, of); reason != "" {
				return reason
			}
		}
	case float32:
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return "syntax"
		}
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return "syntax"
		}
	case *big.Int:
		if of.Kind == schema.Decimal && len(new(big.Int).Abs(x).String()) > of.Precision {
			return "overflow"
		}
	case int64:
		return badTime(t, x, of)
	}
	return ""
}

func badTime(t *typ, x int64, of schema.Type) string {
	if of.Kind != schema.Date && of.Kind != schema.Timestamp {
		return ""
	}
	day := x
	if unit := t.unit(); unit > 0 {
		if day /= 86400 * unit; x < day*86400*unit {
			day--
		}
		if unit == 1e9 && x%1000 != 0 {
			return "scale"
		}
	}
	if day < firstDay || day > lastDay {
		return "time"
	}
	return ""
}

// unit is how many units of a moment a second has, 0: it is none.
func (t *typ) unit() int64 {
	if !strings.Contains(t.logical, "timestamp") {
		return 0
	}
	return map[string]int64{"millis": 1e3, "micros": 1e6, "nanos": 1e9}[t.logical[strings.LastIndexByte(t.logical, '-')+1:]]
}

// same compares what a column holds with a value that it takes.
func same(b *batch.Batch, row, c int, t *typ, v any) error {
	if x, ok := v.(branch); ok {
		return same(b, row, c, t.of[x.i], x.value)
	}
	vec := &b.Columns[c]
	if isNull(t, v) {
		if vec.Mark(row) != batch.Null {
			return fmt.Errorf("a value, want null")
		}
		return nil
	}
	if vec.Mark(row) == batch.Null {
		return fmt.Errorf("it has no value, want %v", v)
	}
	if b.Table.Columns[c].Type.JSON {
		return sameJSON(vec.Text(row), t, v)
	}
	var got, want string
	if vec.Codes != nil {
		got, want = string(vec.Text(row)), t.asText(v)
	} else {
		got, want = strconv.FormatInt(vec.Ints[row], 10), t.asNumber(v)
	}
	if got != want {
		return fmt.Errorf("it holds %q, want %q", got, want)
	}
	return nil
}

func (t *typ) asText(v any) string {
	switch x := v.(type) {
	case []byte:
		return string(x)
	case string:
		return x
	}
	at := time.UnixMilli(v.(int64))
	if t.logical == "time-micros" {
		at = time.UnixMicro(v.(int64))
	}
	return at.UTC().Format("15:04:05.999999999")
}

// asMoment is a date or a moment as text.
func (t *typ) asMoment(x int64) string {
	unit := t.unit()
	if unit == 0 {
		return time.Unix(x*86400, 0).UTC().Format(time.DateOnly)
	}
	text := time.Unix(x/unit, x%unit*(1e9/unit)).UTC().Format("2006-01-02T15:04:05.999999999")
	if strings.HasPrefix(t.logical, "local") {
		return text
	}
	return text + "Z"
}

func (t *typ) asNumber(v any) string {
	switch x := v.(type) {
	case bool:
		if x {
			return "1"
		}
		return "0"
	case float32:
		return strconv.FormatInt(int64(math.Float64bits(float64(x))), 10)
	case float64:
		return strconv.FormatInt(int64(math.Float64bits(x)), 10)
	case *big.Int:
		return x.String()
	}
	x := v.(int64)
	switch t.unit() {
	case 1e3:
		x *= 1000
	case 1e9:
		x /= 1000
	}
	return strconv.FormatInt(x, 10)
}

// sameJSON compares a text of JSON with a value.
func sameJSON(text []byte, t *typ, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	if err := sameTree(tree, t, v); err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	return nil
}

func sameTree(tree any, t *typ, v any) error {
	switch x := v.(type) {
	case branch:
		return sameTree(tree, t.of[x.i], x.value)
	case []any:
		if t.kind == "array" {
			items, _ := tree.([]any)
			if len(items) != len(x) {
				return fmt.Errorf("%d items, want %d", len(items), len(x))
			}
			for i := range x {
				if err := sameTree(items[i], t.of[0], x[i]); err != nil {
					return err
				}
			}
			return nil
		}
		var named []pair
		for i := range x {
			named = append(named, pair{t.fields[i].name, x[i]})
		}
		return samePairs(tree, named, t.at)
	case []pair:
		return samePairs(tree, x, func(int) *typ { return t.of[0] })
	}
	if !sameLeaf(tree, t, v) {
		return fmt.Errorf("%v, want %v of %s", tree, v, t.text())
	}
	return nil
}

func samePairs(tree any, pairs []pair, at func(int) *typ) error {
	object, _ := tree.(map[string]any)
	if len(object) != len(pairs) {
		return fmt.Errorf("%d members, want %d", len(object), len(pairs))
	}
	for i, p := range pairs {
		if err := sameTree(object[p.key], at(i), p.value); err != nil {
			return fmt.Errorf("%s: %w", p.key, err)
		}
	}
	return nil
}

func sameLeaf(tree any, t *typ, v any) bool {
	number, _ := tree.(json.Number)
	text, isText := tree.(string)
	switch x := v.(type) {
	case nil:
		return tree == nil
	case bool:
		return tree == v
	case float32:
		f, err := strconv.ParseFloat(number.String(), 32)
		return err == nil && math.Float32bits(float32(f)) == math.Float32bits(x)
	case float64:
		f, err := strconv.ParseFloat(number.String(), 64)
		return err == nil && math.Float64bits(f) == math.Float64bits(x)
	case *big.Int:
		f, ok := new(big.Rat).SetString(number.String())
		want, _ := new(big.Rat).SetString(scaled(x, t.scale))
		return ok && f.Cmp(want) == 0
	case string:
		return isText && text == x
	case []byte:
		if t.logical == "duration" {
			object, _ := tree.(map[string]any)
			part := func(i int) json.Number { return json.Number(fmt.Sprint(binary.LittleEndian.Uint32(x[4*i:]))) }
			return len(object) == 3 && object["months"] == part(0) && object["days"] == part(1) && object["millis"] == part(2)
		}
		return isText && text == base64.StdEncoding.EncodeToString(x)
	}
	x := v.(int64)
	switch {
	case t.unit() > 0 || t.logical == "date":
		return text == t.asMoment(x)
	case t.logical != "":
		return text == t.asText(x)
	}
	return number.String() == strconv.FormatInt(x, 10)
}
