package infer_test

import (
	"strings"
	"testing"

	"tidemark/internal/infer"
	"tidemark/internal/schema"
)

// connectValue is a value whose schema has these fields.
func connectValue(fields string) []byte {
	return []byte(`{"schema":{"type":"struct","fields":[` + fields + `]},"payload":{}}`)
}

// TestConnect: what fields of a schema of Kafka Connect come to.
func TestConnect(t *testing.T) {
	for field, want := range map[string]string{
		`"type":"boolean"`: "boolean", `"type":"int8"`: "int", `"type":"int16"`: "int", `"type":"int32"`: "int", `"type":"int64"`: "long",
		`"type":"float"`: "float", `"type":"float32"`: "float", `"type":"double"`: "double", `"type":"float64"`: "double", `"type":"string"`: "string", `"type":"bytes"`: "binary",
		`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}`:                                          "decimal(18,2)",
		`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2","connect.decimal.precision":"9"}`:          "decimal(18,2)",
		`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2","connect.decimal.precision":"38"}`:         "decimal(18,2)",
		`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"0","connect.decimal.precision":"0"}`:          "decimal(18,0)",
		`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"20"}`:                                         "string",
		`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal"`:                                                                     "string",
		`"type":"int32","name":"org.apache.kafka.connect.data.Date"`:                                                                        "date",
		`"type":"int32","name":"io.debezium.time.Date"`:                                                                                     "date",
		`"type":"int64","name":"org.apache.kafka.connect.data.Timestamp"`:                                                                   "timestamp",
		`"type":"int64","name":"io.debezium.time.NanoTimestamp"`:                                                                            "timestamp",
		`"type":"int64","name":"io.debezium.time.MicroTimestamp"`:                                                                           "timestamp",
		`"type":"string","name":"io.debezium.time.ZonedTimestamp"`:                                                                          "timestamp",
		`"type":"int32","name":"org.apache.kafka.connect.data.Time"`:                                                                        "string",
		`"type":"int64","name":"io.debezium.time.MicroTime"`:                                                                                "string",
		`"type":"string","name":"io.debezium.data.Uuid"`:                                                                                    "string",
		`"type":"int32","name":"io.debezium.time.Year"`:                                                                                     "int",
		`"type":"array","items":{"type":"int64"}`:                                                                                           "list<long>",
		`"type":"array","items":{"type":"array","items":{"type":"array","items":{"type":"array","items":{"type":"int64"}}}}`:                "json",
		`"type":"map","keys":{"type":"string"},"values":{"type":"double"}`:                                                                  "map<string,double>",
		`"type":"map","keys":{"type":"int32"},"values":{"type":"double"}`:                                                                   "json",
		`"type":"struct","fields":[{"field":"a b","type":"string"},{"field":"l","type":"array","items":{"type":"int8"}}]`:                   `struct<"a b":string,l:list<int>>`,
		`"type":"struct","fields":[]`:                                                                                                       "json",
		`"type":"array","items":{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp"}`:                                          "list<timestamp>",
		`"type":"array","items":{"type":"string","name":"io.debezium.data.Enum"}`:                                                           "list<string>",
		`"type":"struct","fields":[{"field":"a","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}]`: "struct<a:decimal(18,2)>",
		`"type":"nonsense"`: "json",
		`"type":"struct","name":"io.debezium.data.VariableScaleDecimal","fields":[{"field":"scale","type":"int32"},{"field":"value","type":"bytes"}]`: "string",
	} {
		r := infer.Connect([][]byte{[]byte("{"), connectValue(`{"field":"x",` + field + `}`), []byte(`{"schema":null,"payload":{}}`), nil})
		if r == nil || len(r.Beside) > 0 || len(r.Columns) != 1 || r.Columns[0].Name != "x" || r.Columns[0].Type.String() != want {
			t.Errorf("%s: got %+v, want %s", field, r, want)
			continue
		}
		if err := r.Columns[0].Type.Validate(); err != nil || want == "json" && !strings.Contains(r.Columns[0].Remark, " ") {
			t.Errorf("%s: %v, %q", field, err, r.Columns[0].Remark)
		}
	}
}

// TestConnectSchemas: the newest schema counts, others add what it has not; of a change event
// the row counts.
func TestConnectSchemas(t *testing.T) {
	r := infer.Connect([][]byte{
		connectValue(`{"field":"old","type":"string"},{"field":"x","type":"int64"}`),
		connectValue(`{"field":"x","type":"string"},{"field":"new","type":"string"}`),
		connectValue(`{"field":"x","type":"string"},{"field":"new","type":"string"}`),
	})
	got := ""
	for _, c := range r.Columns {
		got += c.Name + " " + c.Type.String() + " " + c.Remark + "; "
	}
	if want := "x string ; new string ; old string the newest schema has no such field; "; got != want || len(r.Notes) != 1 {
		t.Errorf("got %q, %v", got, r.Notes)
	}
	row := `"type":"struct","fields":[{"field":"id","type":"int64"}]}`
	for fields, want := range map[string]string{
		`{"field":"before",` + row + `,{"field":"after",` + row + `,{"field":"op","type":"string"},{"field":"ts_ms","type":"int64"}`: "true id",
		`{"field":"before",` + row + `,{"field":"op","type":"string"},{"field":"ts_ms","type":"int64"}`:                              "true id",
		`{"field":"after",` + row + `,{"field":"op","type":"string"}`:                                                                "true id",
		`{"field":"op","type":"string"},{"field":"ts_ms","type":"int64"}`:                                                            "false op ts_ms",
	} {
		r := infer.Connect([][]byte{connectValue(fields)})
		got := map[bool]string{true: "true", false: "false"}[len(r.Beside) > 0]
		for _, c := range r.Columns {
			got += " " + c.Name
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", fields, got, want)
		}
	}
	for _, v := range []string{string(connectValue(`{"field":"a","type":"string"},{"field":"a","type":"string"}`)), `{"schema":{"type":"struct","fields":[{"field":"after","type":"string"},{"field":"op","type":"string"},{"field":"ts_ms","type":"int64"}]},"payload":{}}`, `{"schema":{"type":"string"},"payload":1}`, `{"schema":[],"payload":{}}`, `{"id":1}`, "", "[]"} {
		if r := infer.Connect([][]byte{[]byte(v)}); r != nil {
			t.Errorf("%s: %+v", v, r)
		}
	}
}

// TestLines: records that are lines have the names they are given, or numbers.
func TestLines(t *testing.T) {
	values := func(lines ...string) (out [][]byte) {
		for _, l := range lines {
			out = append(out, []byte(l))
		}
		return out
	}
	for _, c := range []struct {
		lines     []string
		names     []string
		want      string
		separator byte
		fit       int
	}{
		{[]string{"1,a", "2,b\r\n"}, nil, "field_1 long, field_2 string, ", ',', 2},
		{[]string{"1;a,b", "2;\"x;y\",z\n", "3;"}, []string{"id", "text"}, "id long, text string, ", ';', 3},
		{[]string{"1\ta", "broken", "2\tb"}, []string{"id"}, "field_1 long, field_2 string, ", '\t', 2},
		{[]string{"\ufeff1|2.5", "1|2"}, nil, "field_1 long, field_2 decimal(18,1), ", '|', 2},
		{[]string{"word", "other"}, nil, "field_1 string, ", ',', 2},
		{[]string{"", "\n"}, nil, "", ',', 0},
	} {
		csv := infer.Separated(values(c.lines...), schema.DefaultCSV())
		r, fit := infer.Lines(values(c.lines...), csv, c.names)
		got := ""
		if r != nil {
			for _, col := range r.Columns {
				got += col.Name + " " + col.Type.String() + ", "
			}
		}
		if got != c.want || csv.Separator != c.separator || fit != c.fit {
			t.Errorf("%q: got %s, %q, %d of them", c.lines, got, csv.Separator, fit)
		}
	}
	for value, want := range map[string]bool{"a,b\r\n": true, "é\t\"x\ny\"": true, "": false, "\x00\x00\x00\x00\x01a": false, "\xc3\x01": false, "a\x7f": false} {
		if got := infer.IsLine([]byte(value)); got != want {
			t.Errorf("%q is a line: %v", value, got)
		}
	}
}
