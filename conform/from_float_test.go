package conform_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

func bits32(x float32) string {
	return string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
}

// floatTable has a column x of decimals, or of what holds some.
func floatTable(tb testing.TB, typ string, allowed bool) *schema.Table {
	tb.Helper()
	table := tableOf(tb, "x "+typ)
	table.Columns[0].FromFloat = allowed
	return table
}

// floatOutcome is the number of a row, or why it is rejected.
func floatOutcome(b *batch.Batch, row int) string {
	if b.Fates[row] == batch.Written {
		return describe(b, 0, row)
	}
	return rejectOf(b, row)
}

// F1: with from_float a decimal is the one with the fewest digits that names a float, exactly or
// not at all.
func TestFromFloat(t *testing.T) {
	proto := mustProto(t, `syntax = "proto3"; `+protoHead+` message M { double x = 1; }`)
	wrapped := mustProto(t, `syntax = "proto3"; `+protoHead+` message M { google.protobuf.DoubleValue x = 1; }`)
	double, maybe := mustSchema(t, fieldOf("x", `"double"`)), mustSchema(t, fieldOf("x", `["null","string","double"]`))
	for _, c := range []struct {
		x    float64
		want string // of decimal(18,2), unscaled
	}{
		{0, "0"}, {math.Copysign(0, -1), "0"}, {12.5, "1250"}, {-12.5, "-1250"}, {0.1, "10"}, {0.29, "29"}, {1.005, "scale"}, {0.30000000000000004, "scale"}, {1e-300, "scale"},
		{100, "10000"}, {9007199254740992, "900719925474099200"}, {9999999999999998, "999999999999999800"}, {1e16, "overflow"}, {-1e16, "overflow"}, {math.MaxFloat64, "overflow"},
		{1e22, "overflow"}, {math.NaN(), "type"}, {math.Inf(1), "type"}, {math.Inf(-1), "type"}, {math.SmallestNonzeroFloat64, "scale"},
	} {
		wire := "\x09" + bits64(c.x)
		if c.x == 0 && !math.Signbit(c.x) {
			wire = "" // as its writers leave it out
		}
		for name, b := range map[string]*batch.Batch{
			"Avro":     first(decodeAvro(t, floatTable(t, "decimal(18,2)", true), double, bits64(c.x))),
			"union":    first(decodeAvro(t, floatTable(t, "decimal(18,2)", true), maybe, zig(2)+bits64(c.x))),
			"Protobuf": first(decodeProto(t, floatTable(t, "decimal(18,2)", true), proto.Message(0), wire)),
			"wrapper":  first(decodeProto(t, floatTable(t, "decimal(18,2)", true), wrapped.Message(0), bytesOf(1, wire))),
			"list":     first(decodeAvro(t, floatTable(t, "list<decimal(18,2)>", true), mustSchema(t, fieldOf("x", `{"type":"array","items":"double"}`)), zig(1)+bits64(c.x)+zig(0))),
		} {
			got, want := floatOutcome(b, 0), c.want
			if x, err := strconv.ParseInt(c.want, 10, 64); err == nil && name == "list" {
				want = "[" + schema.Value{Int: x}.Text(schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}) + "]"
			}
			if got != want {
				t.Errorf("%s, %v: got %s, want %s", name, c.x, got, want)
			}
		}
	}
	single := mustSchema(t, fieldOf("x", `["null","float"]`))
	singles := mustProto(t, `syntax = "proto3"; message M { optional float x = 1; }`)
	for _, c := range []struct {
		x    float32
		want string
	}{
		{0.1, "10"}, {12.34, "1234"}, {123456789, "12345679000"}, {16777216, "1677721600"}, {1.005, "scale"}, {1e16, "overflow"}, {float32(math.Inf(1)), "type"}, {float32(math.NaN()), "type"},
	} {
		b := first(decodeAvro(t, floatTable(t, "decimal(18,2)", true), single, zig(1)+bits32(c.x)))
		p := first(decodeProto(t, floatTable(t, "decimal(18,2)", true), singles.Message(0), "\x0d"+bits32(c.x)))
		if got := floatOutcome(b, 0) + " " + floatOutcome(p, 0); got != c.want+" "+c.want {
			t.Errorf("float %v: got %s, want %s", c.x, got, c.want)
		}
	}
	b := first(decodeAvro(t, floatTable(t, "decimal(18,2)", true), single, zig(0)))
	if got := floatOutcome(b, 0); got != "null" {
		t.Errorf("null: got %s", got)
	}
}

func first(b *batch.Batch, _ conform.Report) *batch.Batch { return b }

// Any float is the decimal that strconv writes for it, or is rejected for its digits.
func TestFromFloatIsShortest(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	var datums []string
	var want []string
	for range 5000 {
		x := float64(r.Int64N(1e12)) / math.Pow10(r.IntN(5))
		if r.IntN(10) == 0 {
			x = math.Float64frombits(r.Uint64())
		}
		datums = append(datums, bits64(x))
		typ := schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 3}
		if v, err := schema.ParseValue(typ, strconv.FormatFloat(x, 'f', -1, 64)); err == nil {
			want = append(want, strconv.FormatInt(v.Int, 10))
		} else {
			want = append(want, "")
		}
	}
	b := first(decodeAvro(t, floatTable(t, "decimal(18,3)", true), mustSchema(t, fieldOf("x", `"double"`)), datums...))
	written := 0
	for row := range datums {
		switch got := floatOutcome(b, row); {
		case want[row] != "" && got != want[row], want[row] == "" && b.Fates[row] == batch.Written:
			t.Fatalf("row %d: got %s, want %q", row, got, want[row])
		case want[row] != "":
			written++
		}
	}
	if written < 2000 {
		t.Errorf("%d rows were written, want most of them", written)
	}
}

// Without from_float no decimal is made of a float, whatever its schema comes in, and what is
// told names the way out.
func TestFloatsAreRefused(t *testing.T) {
	connect := floatTable(t, "decimal(18,2)", false)
	connect.Format = schema.ConnectJSONFormat
	sent := func(typ string) []byte {
		return []byte(`{"schema":{"type":"struct","fields":[{"field":"x","type":"` + typ + `"}]},"payload":{"x":12.5}}`)
	}
	wrapped := mustProto(t, `syntax = "proto3"; `+protoHead+` message M { google.protobuf.FloatValue x = 1; }`)
	list := mustSchema(t, fieldOf("x", `{"type":"array","items":"double"}`))
	var b batch.Batch
	raw := rawOf(sent("double"), sent("float"), sent("double"))
	b.Reset(connect, raw, 0, 3)
	newDecoder(t, connect).Decode(&b)
	for name, b := range map[string]*batch.Batch{
		"Avro":     first(decodeAvro(t, floatTable(t, "decimal(18,2)", false), mustSchema(t, fieldOf("x", `["null","double"]`)), zig(1)+bits64(1))),
		"list":     first(decodeAvro(t, floatTable(t, "list<decimal(18,2)>", false), list, zig(1)+bits64(1)+zig(0))),
		"Protobuf": first(decodeProto(t, floatTable(t, "decimal(18,2)", false), wrapped.Message(0), bytesOf(1, "\x0d"+bits32(1)))),
		"Connect":  &b,
	} {
		for row := range b.Rows {
			if got := rejectOf(b, row); got != conform.ReasonSchemaMismatch {
				t.Errorf("%s, row %d: got %s", name, row, got)
			}
		}
		if detail := b.Detail(b.Rejects); !strings.Contains(detail, "from_float: true") {
			t.Errorf("%s: %s", name, detail)
		}
	}
	connect.Columns[0].FromFloat = true
	b.Reset(connect, raw, 0, 3)
	newDecoder(t, connect).Decode(&b)
	for row := range 3 {
		if got := floatOutcome(&b, row); got != "1250" {
			t.Errorf("Connect, row %d: got %s", row, got)
		}
	}
	// Of text and of decimals nothing of this is said.
	text := first(decodeAvro(t, floatTable(t, "decimal(18,2)", false), mustSchema(t, fieldOf("x", `"boolean"`)), "\x01"))
	if detail := text.Detail(text.Rejects); strings.Contains(detail, "from_float") {
		t.Error(detail)
	}
	if err := floatTable(t, "double", true).Validate(); err == nil || !strings.Contains(fmt.Sprint(err), "from_float") {
		t.Errorf("got %v, want from_float to be for decimals", err)
	}
}
