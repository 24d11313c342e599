package conform_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// decoded is a batch as plain values, to compare what two decoders say.
func decoded(b *batch.Batch) []string {
	var out []string
	rest := b.Rejects
	for row := range b.Rows {
		var text strings.Builder
		text.WriteString(b.Fates[row].String())
		for len(rest) > 0 && int(rest[0].Row) == row {
			fmt.Fprintf(&text, " %+v", rest[0])
			rest = rest[1:]
		}
		for c := range b.Columns {
			if v := &b.Columns[c]; b.Fates[row] == batch.Written {
				fmt.Fprintf(&text, " %d:%q", v.Mark(row), describe(b, c, row))
			}
		}
		out = append(out, text.String())
	}
	if len(rest) > 0 {
		out = append(out, fmt.Sprint("rejects out of order: ", b.Rejects))
	}
	return append(out, fmt.Sprint(b.Drift))
}

// dirty holds values as records whose padding still holds older ones, which go on
// where a record is cut.
func dirty(old []byte, values [][]byte) *batch.Raw {
	raw := rawOf(bytes.Repeat(old, 1+batch.BlockSize/2/(len(old)+1)))
	raw.Reset()
	source := raw.Source(batch.Source{Topic: "t"})
	for i, v := range values {
		raw.Append(source, &batch.Record{Offset: int64(i), Value: v})
	}
	return raw
}

// bothWays decodes raw with short cuts and without, twice each, and fails where
// they differ. It returns the batch. The short cuts are those of this processor, and those in Go.
func bothWays(t *testing.T, plan *conform.Plan, table *schema.Table, raw *batch.Raw) *batch.Batch {
	t.Helper()
	quick, slower, general := plan.Decoder(), plan.GoDecoder(), plan.PlainDecoder()
	var a, b batch.Batch
	for range 2 {
		b.Reset(table, raw, 0, raw.Rows())
		rb := general.Decode(&b)
		want := decoded(&b)
		for name, d := range map[string]*conform.Decoder{"with short cuts": quick, "with those in Go": slower} {
			a.Reset(table, raw, 0, raw.Rows())
			ra := d.Decode(&a)
			got := decoded(&a)
			for i := range want {
				if got[i] != want[i] {
					if i < raw.Rows() {
						t.Fatalf("row %d: %.300s\n%s %s\nwithout         %s", i, raw.Value(i), name, got[i], want[i])
					}
					t.Fatalf("%s, drift: got %s, want %s", name, got[i], want[i])
				}
			}
			if ra != rb {
				t.Fatalf("%s: got report %+v, want %+v", name, ra, rb)
			}
		}
	}
	return &a
}

// F4: what short cuts read is what the general parser reads, on random records of
// random producers, some of them broken.
func TestF4ShortCutsAgreeWithGeneralParser(t *testing.T) {
	table := corpusTable(t)
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		table.Evolution = schema.Evolution{}
		if seed%5 == 4 {
			table.Evolution = schema.Evolution{Missing: schema.Action(rng.IntN(3)), Extra: schema.Action(rng.IntN(3)), Widen: schema.Action(rng.IntN(3)), Narrow: schema.Action(rng.IntN(3))}
		}
		plan, err := conform.Compile(table)
		if err != nil {
			t.Fatal(err)
		}
		w := newRecordWriter(rng)
		values := make([][]byte, 400)
		for i := range values {
			values[i] = w.record()
		}
		b := bothWays(t, plan, table, dirty(good[0], values))
		if seed%5 != 4 {
			secondOpinion(t, b, w)
		}
	}
}

// recordWriter writes records the way one producer would, more or less.
type recordWriter struct {
	rng            *rand.Rand
	names          []string
	comma, colon   string
	shuffle        float64
	odd            float64 // share of odd values
	broken         float64 // share of records that are cut or damaged
	missing, extra float64
}

func newRecordWriter(rng *rand.Rand) *recordWriter {
	w := &recordWriter{rng: rng, comma: ",", colon: ":"}
	w.names = []string{"id", "amount", "n", "big", "x", "status", "ok", "at", "sent", "local", "day", "data"}
	rng.Shuffle(len(w.names), func(i, j int) { w.names[i], w.names[j] = w.names[j], w.names[i] })
	w.names = w.names[:1+rng.IntN(len(w.names))]
	if !slices.Contains(w.names, "id") {
		w.names[0] = "id"
	}
	if rng.IntN(3) == 0 {
		w.names = append(w.names, "extra", `e\u0078tra2`, "a key of far more than twenty-four bytes")
		rng.Shuffle(len(w.names), func(i, j int) { w.names[i], w.names[j] = w.names[j], w.names[i] })
	}
	if i := slices.Index(w.names, "status"); i >= 0 && rng.IntN(3) == 0 {
		w.names[i] = "state"
	}
	if rng.IntN(2) == 0 {
		w.comma, w.colon = ", ", " : "
	}
	share := func() float64 { return []float64{0, 0, 0.01, 0.3}[rng.IntN(4)] }
	w.shuffle, w.odd, w.broken, w.missing, w.extra = share(), share(), share()/4, share(), share()
	if rng.IntN(4) == 0 {
		w.shuffle = 1 // no order at all
	}
	return w
}

func (w *recordWriter) chance(p float64) bool { return w.rng.Float64() < p }

func (w *recordWriter) record() []byte {
	names := slices.Clone(w.names)
	if w.chance(w.shuffle) {
		w.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	}
	var fields []string
	for _, name := range names {
		if name != "id" && w.chance(w.missing/4) {
			continue
		}
		value := w.value(name)
		if w.chance(w.odd / 4) {
			value = w.oddValue()
		}
		colon := w.colon
		if w.chance(w.odd / 20) {
			colon = w.pick(":", " :", ": ", ":  ", ":\n")
		}
		fields = append(fields, `"`+name+`"`+colon+value)
	}
	if w.chance(w.extra / 2) {
		at := w.rng.IntN(len(fields) + 1)
		fields = slices.Insert(fields, at, `"`+w.pick("x1", "x2", "status", "state", "id", `\u0069d`, "AMOUNT")+`"`+w.colon+w.oddValue())
	}
	out := []byte("{" + strings.Join(fields, w.comma) + "}")
	if w.chance(0.02) {
		out = append(out, '\n')
	}
	if w.chance(w.broken) {
		switch at := w.rng.IntN(len(out)); w.rng.IntN(3) {
		case 0:
			out = out[:at]
		case 1:
			out[at] = byte(w.rng.IntN(256))
		default:
			out = slices.Insert(out, at, []byte(w.pick("\"", "\\", "{", "}", "0", "e5", ".", ",", "null", " "))...)
		}
	}
	return out
}

func (w *recordWriter) pick(words ...string) string { return words[w.rng.IntN(len(words))] }

func (w *recordWriter) value(name string) string {
	r := w.rng
	switch name {
	case "id", "big":
		return strconv.FormatInt(r.Int64()>>r.IntN(64), 10)
	case "n":
		return strconv.Itoa(int(int32(r.Uint32()) >> r.IntN(32)))
	case "amount":
		s := fmt.Sprintf("%d.%02d", r.IntN(100000), r.IntN(100))
		switch r.IntN(8) {
		case 0:
			s = "-" + s
		case 1:
			s = strconv.Itoa(r.IntN(1000))
		case 2:
			s = `"` + s + `"`
		case 3:
			s = fmt.Sprintf("%d.%d", r.Int64N(1e16), r.IntN(10))
		}
		return s
	case "x":
		if r.IntN(2) == 0 {
			return fmt.Sprintf("%.*f", 1+r.IntN(7), r.Float64()*1e10)
		}
		return strconv.FormatFloat(float64(r.IntN(1e9))/float64(pow(10, r.IntN(9))), 'g', -1, 64)
	case "status", "state":
		return w.pick(`"OPEN"`, `"CLOSED"`, `""`, `"a"`, `"seven77"`, `"eight888"`, `"nine99999"`, `"Zürich"`, `"fifteen15151515"`, `"sixteen161616161"`, `"a long text of more than sixteen"`, `"a\\nb"`, `"a\nb"`, `"😀"`,
			`"`+strconv.FormatInt(r.Int64(), 36)+`"`, `"`+strings.Repeat("ab", r.IntN(40))+`"`)
	case "ok":
		return w.pick("true", "false")
	case "at", "local":
		return w.pick(`"2026-11-22T10:15:30.123456Z"`, `"2024-02-29T23:59:59Z"`, `"2026-11-22T10:15:30.1+05:30"`, `"2026-11-22T10:15:30-08:00"`, `"2026-11-22T10:15:30.123"`,
			fmt.Sprintf(`"%04d-%02d-%02dT%02d:%02d:%02dZ"`, r.IntN(10000), 1+r.IntN(12), 1+r.IntN(31), r.IntN(25), r.IntN(61), r.IntN(61)))
	case "sent":
		return strconv.FormatInt(r.Int64N(8e12), 10)
	case "day":
		return fmt.Sprintf(`"%04d-%02d-%02d"`, r.IntN(10000), 1+r.IntN(12), 1+r.IntN(31))
	case "data":
		return w.pick(`"AAEC"`, `""`, `"AA=="`)
	}
	return w.oddValue()
}

func pow(x, n int) int {
	out := 1
	for range n {
		out *= x
	}
	return out
}

func (w *recordWriter) oddValue() string {
	return w.pick("null", "true", "false", "0", "-0", "01", "-", "1.", "1.5", "12.345", "1e3", "1E400", "1.0.1", "123456789012345678901234567890", "0.000", "-0.00", "99999999999999999.99", "9223372036854775807", "9223372036854775808",
		"1795342530", "1795342530123.456", `"12"`, `"-1.50"`, `"1."`, `""`, `" "`, `"\u0041"`, `"\ud83d"`, `"\ud83d\ude00"`, "\"\xff\"", "\"\x01\"", `"x`, `x"`, "{}", "[]", `{"a":[1,{"b":null}]}`, "[1,]", "nul", "NaN",
		`"2026-11-22"`, `"2026-11-22T24:00:00Z"`, `"2026-02-30T00:00:00Z"`, `"2026-11-22T10:15:30.123456789Z"`, `"2026-11-22T10:15"`, `"0000-00-00T00:00:00Z"`, `"0000-00-00"`, `"2026-11-22T10:15:30+24:00"`)
}

// secondOpinion compares with encoding/json where the two mean the same: whether a
// record is JSON, and the values of accepted records with keys that differ.
func secondOpinion(t *testing.T, b *batch.Batch, _ *recordWriter) {
	t.Helper()
	for row := range b.Rows {
		value := b.Raw.Value(row)
		d := json.NewDecoder(bytes.NewReader(value))
		d.UseNumber()
		var object map[string]any
		err := d.Decode(&object)
		if b.Fates[row] != batch.Written {
			if r := rejectOf(b, row); r == conform.ReasonSyntax && json.Valid(value) {
				t.Fatalf("row %d is JSON and was rejected for its syntax: %s", row, value)
			}
			continue
		}
		if err != nil {
			t.Fatalf("row %d was accepted, encoding/json says %v: %s", row, err, value)
		}
		for c := range b.Columns {
			name := b.Table.Columns[c].Name
			sent, there := object[name]
			if !there && name == "status" {
				sent, there = object["state"]
			}
			if !there {
				continue
			}
			if got, want := describe(b, c, row), asSent(b.Table.Columns[c].Type, sent, describe(b, c, row)); got != want {
				t.Fatalf("row %d, column %s: got %s, encoding/json says %s: %s", row, name, got, want, value)
			}
		}
	}
}

func rejectOf(b *batch.Batch, row int) string {
	for _, r := range b.Rejects {
		if int(r.Row) == row {
			return r.Reason
		}
	}
	return ""
}

// asSent is a value as encoding/json read it, in the form of describe; times and
// bytes are left to others.
func asSent(typ schema.Type, sent any, otherwise string) string {
	switch v := sent.(type) {
	case nil:
		return "null"
	case bool:
		if v {
			return "1"
		}
		return "0"
	case json.Number:
		return asNumber(typ, v.String(), otherwise)
	case string:
		switch typ.Kind {
		case schema.String:
			return v
		case schema.Int, schema.Long, schema.Decimal, schema.Double:
			return asNumber(typ, v, otherwise)
		}
	}
	return otherwise
}

func asNumber(typ schema.Type, text, otherwise string) string {
	switch typ.Kind {
	case schema.Double:
		x, err := strconv.ParseFloat(text, 64)
		return strconv.FormatFloat(x, 'g', -1, 64) + strings.Repeat("!", btoi(err != nil))
	case schema.Int, schema.Long, schema.Decimal:
		x, ok := new(big.Rat).SetString(text)
		if !ok {
			return "no number"
		}
		x.Mul(x, new(big.Rat).SetInt64(int64(pow(10, typ.Scale))))
		return x.RatString()
	}
	return otherwise
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
