package schema_test

import (
	"math"
	"testing"

	"tidemark/internal/schema"
)

func TestParseValue(t *testing.T) {
	double := func(x float64) int64 { return int64(math.Float64bits(x)) }
	for _, c := range []struct {
		typ, text string
		want      int64
		bad       string
	}{
		{typ: "int", text: "-5", want: -5},
		{typ: "int", text: "2147483648", bad: "write a whole number of 32 bits"},
		{typ: "long", text: "9007199254740993", want: 9007199254740993},
		{typ: "long", text: "1.5", bad: "write a whole number of 64 bits"},
		{typ: "double", text: "0.1", want: double(0.1)},
		{typ: "float", text: "0.1", want: double(float64(float32(0.1)))},
		{typ: "double", text: "NaN", bad: "write a finite number"},
		{typ: "double", text: "1e400", bad: "write a finite number"},
		{typ: "decimal(18,2)", text: "-0012.50", want: -1250},
		{typ: "decimal(18,2)", text: "9999999999999999.99", want: 999999999999999999},
		{typ: "decimal(18,2)", text: "10000000000000000", bad: "write a number with at most 16 digits before the point and 2 after it"},
		{typ: "decimal(18,2)", text: "1.230", want: 123},
		{typ: "decimal(18,2)", text: "1.234", bad: "write a number with at most 16 digits before the point and 2 after it"},
		{typ: "decimal(3,0)", text: "", bad: "write a number with at most 3 digits before the point and 0 after it"},
		{typ: "decimal(3,0)", text: "1e2", bad: "write a number with at most 3 digits before the point and 0 after it"},
		{typ: "boolean", text: "true", want: 1},
		{typ: "boolean", text: "yes", bad: "write true or false"},
		{typ: "date", text: "1969-12-31", want: -1},
		{typ: "date", text: "2026-02-30", bad: "write a date such as 2026-11-22"},
		{typ: "timestamp", text: "1970-01-01T01:00:00.000001+01:00", want: 1},
		{typ: "timestamp", text: "1970-01-01T00:00:00.0000001Z", bad: "write a time such as 2026-11-22T10:15:30Z, down to microseconds"},
		{typ: "binary", text: "x", bad: "a column of type binary has no default but null"},
	} {
		typ, err := schema.ParseType(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		v, err := schema.ParseValue(typ, c.text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.bad {
			t.Errorf("%s %q: error %q, want %q", c.typ, c.text, got, c.bad)
		} else if err == nil && v.Int != c.want {
			t.Errorf("%s %q is %d, want %d", c.typ, c.text, v.Int, c.want)
		}
	}
	v, err := schema.ParseValue(schema.Type{Kind: schema.String}, "UNKNOWN")
	if err != nil || string(v.Bytes) != "UNKNOWN" {
		t.Errorf("string UNKNOWN is %q, %v", v.Bytes, err)
	}
}
