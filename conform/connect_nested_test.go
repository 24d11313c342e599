package conform_test

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

// TestConnectNested: what lists, maps and structs hold is read as the schema of each says, also
// where schemas alternate, and beside rows without one.
func TestConnectNested(t *testing.T) {
	money := func(scale int) string {
		return fmt.Sprintf(`{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"%d"},"field":"a"}`, scale)
	}
	millis := `{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp","field":"b"}`
	day := `{"type":"int32","name":"io.debezium.time.Date","field":"c"}`
	list := func(of string) string { return `{"type":"array","field":"x","items":` + of + `}` }
	dict := func(of string) string {
		return `{"type":"map","field":"x","keys":{"type":"string"},"values":` + of + `}`
	}
	record := func(fields ...string) string {
		return `{"type":"struct","field":"x","fields":[` + strings.Join(fields, ",") + `]}`
	}
	for _, c := range []struct{ typ, schema, value, want string }{
		{"list<decimal(18,2)>", list(money(2)), `["BOI=",null,1.5]`, `[12.50,null,1.50]`},
		{"list<decimal(18,2)>", list(money(3)), `["MNQ="]`, `[12.50]`},
		{"list<decimal(18,2)>", list(money(3)), `["MNU="]`, "scale at byte"},
		{"list<decimal(4,2)>", list(money(2)), `["fwAAAA=="]`, "overflow at byte"},
		{"list<decimal(18,2)>", list(money(2)), `["BO"]`, "type at byte"},
		{"list<double>", list(money(2)), `["BOI="]`, `[12.5]`},
		{"map<string,decimal(18,2)>", dict(money(2)), `{"k":"BOI="}`, `{"k":12.50}`},
		{"list<timestamp>", list(millis), `[1795342530123]`, `[2026-11-22T10:15:30.123Z]`},
		{"list<date>", list(day), `[20779]`, `[2026-11-22]`},
		{"list<string>", list(day), `[20779]`, `["2026-11-22"]`},
		{"list<long>", list(millis), `[1795342530123]`, `[1795342530123]`},
		{"list<boolean>", list(day), `[20779]`, "type at byte"},
		{"list<binary>", list(`{"type":"bytes"}`), `["AAE="]`, "[\"\x00\x01\"]"},
		{"list<json>", list(money(2)), `["BOI="]`, `[""BOI=""]`},
		{"struct<a:decimal(18,2),b:timestamp,c:date,d:long>", record(money(2), millis, day, `{"field":"d","type":"int64"}`, `{"field":"e","type":"int64"}`),
			`{"a":"BOI=","b":1795342530123,"c":20779,"d":7}`, `{"a":12.50,"b":2026-11-22T10:15:30.123Z,"c":2026-11-22,"d":7}`},
		{"struct<a:decimal(18,2),b:decimal(18,2)>", dict(money(2)), `{"b":"BOI="}`, `{"a":null,"b":12.50}`},
		{"list<struct<a:decimal(18,2),c:list<date>>>", list(record(money(2), `{"field":"c","type":"array","items":{"type":"int32","name":"org.apache.kafka.connect.data.Date"}}`)),
			`[{"a":"BOI=","c":[20779,0]},{"c":null}]`, `[{"a":12.50,"c":[2026-11-22,1970-01-01]},{"a":null,"c":null}]`},
		{"map<string,map<string,date>>", dict(dict(day)), `{"k":{"l":0}}`, `{"k":{"l":1970-01-01}}`},
		{"list<decimal(18,2)>", record(money(2)), `["1.5"]`, `[1.50]`}, // the schema lies
		{"list<decimal(18,2)>", list(`{"type":"struct"}`), `["1.5"]`, `[1.50]`},
		{"list<decimal(18,2)>", list(`7`), `["1.5"]`, "envelope"},
		{"list<decimal(18,2)>", list(money(-1)), `["1.5"]`, "envelope"},
	} {
		table := nestedTable(t, c.typ)
		table.Format = schema.ConnectJSONFormat
		number := `{"field":"n","type":"int64"}`
		with := `{"schema":{"type":"struct","fields":[` + number + `,` + c.schema + `]},"payload":{"n":1,"x":` + c.value + `}}`
		plain := `{"schema":null,"payload":{"n":1,"x":null}}`
		other := `{"schema":{"type":"struct","fields":[` + number + `]},"payload":{"n":2}}`
		b := decodeNested(t, table, plain, with, other, with, plain, with)
		for _, row := range []int{1, 3, 5} {
			got := shown(&b.Columns[1], table.Columns[1].Type, row)
			if b.Fates[row] == batch.Quarantined {
				for _, r := range b.Rejects {
					if int(r.Row) == row {
						got = strings.ReplaceAll(b.Detail([]batch.Reject{r}), ": column x", "")
						break
					}
				}
			}
			if got != c.want && !(b.Fates[row] == batch.Quarantined && strings.HasPrefix(got, c.want)) {
				t.Errorf("%s of %s, row %d: %s: got %s, want %s", c.typ, c.schema, row, c.value, got, c.want)
			}
		}
		for _, row := range []int{0, 2, 4} {
			if b.Fates[row] != batch.Written {
				t.Errorf("%s: row %d beside %s is %s", c.typ, row, c.value, b.Fates[row])
			}
		}
	}
	// Without a schema, a text in such a list is what JSON has.
	table := nestedTable(t, "list<decimal(18,2)>")
	table.Format = schema.ConnectJSONFormat
	b := decodeNested(t, table, `{"schema":{"type":"struct","fields":[`+list(money(2))+`]},"payload":{"n":1,"x":["BOI="]}}`, `{"schema":null,"payload":{"n":1,"x":["1.25"]}}`)
	if got := shown(&b.Columns[1], table.Columns[1].Type, 1); got != "[1.25]" || b.Fates[1] != batch.Written {
		t.Errorf("without a schema: %s, %s", b.Fates[1], got)
	}
}
