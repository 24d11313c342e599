package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConnectSchemasAreCompared wants check and schema diff to name what the newest schema in a
// topic of Kafka Connect differs in, also where no value shows it, and to fail on one that the
// table would refuse.
func TestConnectSchemasAreCompared(t *testing.T) {
	field := func(name, rest string) string { return `{"field":"` + name + `",` + rest + `}` }
	money := `"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"%d"},"optional":true`
	of := func(fields ...string) string { return `{"type":"struct","fields":[` + strings.Join(fields, ",") + `]}` }
	id, amount := field("id", `"type":"int64"`), field("amount", fmt.Sprintf(money, 2))
	event := func(schema string, i int) []byte {
		return fmt.Appendf(nil, `{"schema":%s,"payload":{"id":%d,"amount":null}}`, schema, i)
	}
	for name, c := range map[string]struct {
		newest string
		want   string // a line of the differences
		why    string // it is refused
	}{
		"as the table":      {of(id, amount), "", ""},
		"another field":     {of(id, amount, field("channel", `"type":"string"`)), `extra +│ channel │ string +│ +│ +1 │ the field is dropped`, ""},
		"more digits":       {of(id, field("amount", fmt.Sprintf(money, 4))), `narrow +│ amount +│ Decimal │ decimal\(18,2\) │ +1 │ values that do not fit are rejected`, ""},
		"no value any more": {of(field("id", `"type":"int64","optional":true`), amount), `nullable +│ id +│ integer │ long +│ +1 │ records without a value are rejected`, ""},
		"another type":      {of(id, field("amount", `"type":"boolean","optional":true`)), `mismatch +│ amount +│ boolean │ decimal\(18,2\) │ +1 │ every record is rejected: the types never fit`, "what is written with it would be rejected"},
		"without a column":  {of(amount), `missing +│ id +│ +│ long +│ +1 │ every record is rejected: the column is required`, "what is written with it would be rejected"},
	} {
		t.Run(name, func(t *testing.T) {
			broker := broker(t)[0]
			var values [][]byte
			for i := range 20 {
				values = append(values, event(of(id, amount), i))
			}
			if c.newest != of(id, amount) {
				values = append(values, event(c.newest, 20))
			}
			values = append(values, []byte(`{"schema":null,"payload":{"id":21,"amount":null}}`))
			for _, v := range values {
				produce(t, broker, v)
			}
			config := writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\ntables:\n", t.TempDir(), broker)+
				"  - {name: payments, topics: [transactions], format: connect-json, partition_by: none, columns: [{name: id, type: long, required: true}, {name: amount, type: \"decimal(18,2)\", default: null}]}\n")
			file := filepath.Join(t.TempDir(), "next.json")
			if err := os.WriteFile(file, []byte(c.newest), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"check"}, {"schema", "diff", "--table", "payments", "--topic", "transactions"}, {"schema", "diff", "--table", "payments", file}} {
				code, out, errs := quiet(t, append(args, "-c", config)...)
				want := c.want
				if args[0] == "check" || args[4] == file {
					want = strings.Replace(want, `│ +1 `, "", 1) // how many have it is told of records alone
				}
				if (c.why != "") != (code == exitUsage) || c.why == "" && code != 0 || !strings.Contains(errs, c.why) {
					t.Errorf("%v: %d %s%s", args, code, out, errs)
				}
				if c.want == "" && !strings.Contains(out, "as the table") && !strings.Contains(out, "nothing differs from the table") {
					t.Errorf("%v: %s", args, out)
				}
				if !regexp.MustCompile(want).MatchString(out) {
					t.Errorf("%v: no %s in\n%s", args, want, out)
				}
			}
			var doc diffDocument
			_, out, _ := quiet(t, "schema", "diff", "--table", "payments", "--topic", "transactions", "--json", "-c", config)
			if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Refused != (c.why != "") || (len(doc.Differences) == 1) != (c.want != "") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
