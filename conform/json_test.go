package conform_test

import (
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// What a column of type json takes from each format, and what it refuses.
func TestJSONColumn(t *testing.T) {
	long := `"` + strings.Repeat("x", 999_997) + `"` // with its quotes one byte under the limit
	for _, c := range []struct {
		name, json, csv string // "": as json
		want            string // of more
	}{
		{"object", `{"a":[1,{}]}`, `"{""a"":[1,{}]}"`, `{"a":[1,{}]}`},
		{"number", `-1.50`, "", `-1.50`},
		{"text", `"x"`, `"""x"""`, `"x"`},
		{"truth", `true`, "", `true`},
		{"null", `null`, ``, `null`},
		{"umlaut", `"ü"`, `"""ü"""`, `"ü"`},
		{"long", long, `""` + long + `""`, long},
		{"too long", long[:5] + "x" + long[5:], `""` + long[:5] + "x" + long[5:] + `""`, "limit"},
		{"no UTF-8", "[\"\xff\"]", "\"[\"\"\xff\"\"]\"", "encoding"},
		{"no JSON", `{x}`, `x`, ""},
	} {
		for format, value := range map[schema.Format]string{schema.JSONFormat: `{"id":1,"more":` + c.json + `}`, schema.CSVFormat: "1," + c.csv} {
			if format == schema.CSVFormat && c.csv == "" && c.json != "null" {
				value = "1," + c.json
			}
			table := &schema.Table{Name: "t", EventTime: -1, Partition: schema.Unpartitioned, Format: format}
			table.Columns = []schema.Column{parseColumn(t, "id long"), parseColumn(t, "more json")}
			plan, err := conform.Compile(table)
			if err != nil {
				t.Fatal(err)
			}
			b := bothWays(t, plan, table, rawOf([]byte(value), []byte(value), []byte(value), []byte(value), []byte(value)))
			want := c.want
			if want == "" {
				want = map[schema.Format]string{schema.JSONFormat: conform.ReasonSyntax, schema.CSVFormat: conform.ReasonType}[format]
			}
			for row := range b.Rows {
				got := rejectOf(b, row)
				if b.Fates[row] == batch.Written {
					got = describe(b, 1, row)
				}
				if got != want {
					t.Errorf("%s, format %d, row %d: got %.60s, want %.60s", c.name, format, row, got, want)
				}
			}
		}
	}
}
