package conform_test

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/conform"
	"tidemark/internal/jsonschema"
	"tidemark/internal/schema"
)

// TestConnectDifferences: what a schema of Kafka Connect differs in from a table, before any
// record comes.
func TestConnectDifferences(t *testing.T) {
	decimal := func(scale int) string {
		return fmt.Sprintf(`"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"%d"}`, scale)
	}
	for _, c := range []struct{ typ, field, want string }{
		{"decimal(18,2)", decimal(2), ""},
		{"decimal(18,2)", decimal(0), ""},
		{"decimal(18,2)", decimal(3), "narrow x"},
		{"decimal(18,2)", `"type":"struct","name":"io.debezium.data.VariableScaleDecimal","fields":[{"field":"scale","type":"int32"},{"field":"value","type":"bytes"}]`, ""},
		{"boolean", `"type":"struct","name":"io.debezium.data.VariableScaleDecimal","fields":[{"field":"scale","type":"int32"},{"field":"value","type":"bytes"}]`, "mismatch x"},
		{"string", decimal(2), ""},
		{"boolean", decimal(2), "mismatch x"},
		{"decimal(18,2)", `"type":"int64"`, "widen x"},
		{"decimal(18,2)", `"type":"double"`, ""},
		{"long", `"type":"double"`, "narrow x"},
		{"long", `"type":"string"`, "type x"},
		{"string", `"type":"int64"`, "mismatch x"},
		{"boolean", `"type":"string"`, "mismatch x"},
		{"timestamp", `"type":"int64","name":"org.apache.kafka.connect.data.Timestamp"`, ""},
		{"timestamp", `"type":"string","name":"io.debezium.time.ZonedTimestamp"`, ""},
		{"timestamp", `"type":"int64"`, "mismatch x"},
		{"date", `"type":"int32","name":"io.debezium.time.Date"`, ""},
		{"binary", `"type":"bytes"`, ""},
		{"json", `"type":"array","items":{"type":"int64"}`, ""},
		{"string", `"type":"array","items":{"type":"int64"}`, "mismatch x"},
		{"list<long>", `"type":"array","items":{"type":"int64"}`, ""},
		{"list<string>", `"type":"array","items":{"type":"int64"}`, "mismatch x"},
		{"list<long>", `"type":"map","keys":{"type":"string"},"values":{"type":"int64"}`, "mismatch x"},
		{"list<decimal(18,2)>", `"type":"array","items":{` + decimal(3) + `}`, "narrow x"},
		{"map<string,long>", `"type":"map","keys":{"type":"string"},"values":{"type":"double"}`, "narrow x"},
		{"map<string,long>", `"type":"map","keys":{"type":"int32"},"values":{"type":"int64"}`, "mismatch x"},
		{"struct<a:long,b:string>", `"type":"struct","fields":[{"field":"a","type":"string"},{"field":"c","type":"int64"}]`, "type x.a, extra x.c"},
		{"struct<a:list<struct<b:boolean>>>", `"type":"struct","fields":[{"field":"a","type":"array","items":{"type":"struct","fields":[{"field":"b","type":"string"},{"field":"c","type":"string"}]}}]`, "mismatch x.a.b, extra x.a.c"},
		{"long", ``, "missing x"},
		{"long", `"type":"int64"},{"field":"y","type":"string"`, "extra y"},
	} {
		table := nestedTable(t, c.typ)
		table.Format = schema.ConnectJSONFormat
		if got := connectDifferences(t, table, `{"field":"n","type":"int64"}`, c.field); got != c.want {
			t.Errorf("%s of %s: got %q, want %q", c.typ, c.field, got, c.want)
		}
	}
	table := nestedTable(t, "long")
	table.Columns[1].Required = true
	for field, want := range map[string]string{
		`"type":"int64"`: "", `"type":"int64","optional":true`: "nullable x", ``: "missing x",
	} {
		if got := connectDifferences(t, table, `{"field":"n","type":"int64"}`, field); got != want {
			t.Errorf("required, of %s: got %q, want %q", field, got, want)
		}
	}
	table = nestedTable(t, "decimal(18,2)")
	table.Format = schema.ConnectJSONFormat
	table.AddChange()
	row := `"type":"struct","fields":[{"field":"n","type":"int64"},{"field":"x",` + decimal(3) + `},{"field":"y","type":"string"}]`
	for fields, want := range map[string]string{
		`{"field":"before",` + row + `},{"field":"after",` + row + `},{"field":"op","type":"string"},{"field":"ts_ms","type":"int64"}`: "narrow x, extra y",
		`{"field":"after","type":"string"},{"field":"op","type":"string"}`:                                                             "",
		`{"field":"n","type":"int64"}`: "mismatch op",
	} {
		if got := connectDifferences(t, table, fields, ""); got != want {
			t.Errorf("change events of %s: got %q, want %q", fields, got, want)
		}
	}
}

// connectDifferences are those of a schema with fields, and a field x of which the rest is given.
func connectDifferences(t *testing.T, table *schema.Table, fields, x string) string {
	t.Helper()
	if x != "" {
		fields += `,{"field":"x",` + x + `}`
	}
	s, err := jsonschema.ParseConnect(`{"type":"struct","fields":[` + fields + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := conform.Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range plan.ObjectDifferences(s) {
		out = append(out, d.Change+" "+d.Column)
	}
	return strings.Join(out, ", ")
}
