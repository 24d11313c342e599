package conform_test

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// describe is the value of a row as a text: "~" before a default, null for a null.
func describe(b *batch.Batch, column, row int) string {
	v := &b.Columns[column]
	mark := ""
	switch v.Mark(row) {
	case batch.Null:
		return "null"
	case batch.Defaulted:
		mark = "~"
	}
	if typ := b.Table.Columns[column].Type; typ.Kind.Nested() {
		return mark + shown(v, typ, row)
	}
	if v.Codes != nil {
		return mark + string(v.Text(row))
	}
	if k := b.Table.Columns[column].Type.Kind; k == schema.Double || k == schema.Float {
		return mark + strconv.FormatFloat(float64frombits(v.Ints[row]), 'g', -1, 64)
	}
	return mark + strconv.FormatInt(v.Ints[row], 10)
}

func float64frombits(x int64) float64 { return math.Float64frombits(uint64(x)) }

// base64Of and quoted write values the way JSON has them.
func base64Of(b []byte) string { return `"` + base64.StdEncoding.EncodeToString(b) + `"` }

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// sortedJSON is a text of JSON with its members sorted and its numbers as they are read.
func sortedJSON(tb interface{ Fatalf(string, ...any) }, text string) string {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return string(out)
}
