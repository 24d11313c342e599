package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"tidemark/internal/registry/wire"
)

// pasted makes a table of what infer prints, as a person does: with the event time that its
// comments propose.
func pasted(columns string) string {
	table := "  - name: t\n    topics: [transactions]\n    checks: []\n    halt_above: 0\n"
	if m := regexp.MustCompile(`(?m)^# candidates for event_time \(none is missing\): (\w+|"[^"]*")(;.*)?$`).FindStringSubmatch(columns); m != nil {
		table += "    event_time: " + m[1] + "\n"
	} else {
		table += "    partition_by: none\n"
	}
	return table + "    " + strings.ReplaceAll(strings.TrimSpace(columns), "\n", "\n    ") + "\n"
}

func registryOf(t *testing.T) *srfake.Registry {
	t.Helper()
	fake := srfake.New()
	t.Cleanup(fake.Close)
	return fake
}

// TestInferredColumnsTakeTheTopic wants what infer prints of a topic to be a configuration
// that takes every record of it: of JSON with all that it may hold, of Avro, of Protobuf.
func TestInferredColumnsTakeTheTopic(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	fake := registryOf(t)
	messages := sr.Schema{Schema: `syntax = "proto3"; message P { int64 id = 1; string name = 2; repeated string tags = 3; }`, Type: sr.TypeProtobuf}
	fake.SeedSchema("transactions-value", 1, 1, sr.Schema{Schema: second, Type: sr.TypeAvro})
	fake.SeedSchema("other-value", 1, 2, messages)
	var objects, avro, proto [][]byte
	for i := range 50 {
		value := map[string]any{"id": i, "amount": 1.25, "at": "2026-11-22T10:00:00Z", "day": "2026-11-22", "on": i%2 == 0, "big": 12345678901234567,
			"name": strings.Repeat("x", i), "a\nname": "y", "_id": "z", "etl_batch_id": 1, "null": nil, "customer": map[string]any{"city": "Bern"}, "tags": []int{1, 2}, "created_ms": 1795342530123 + i}
		if i%10 == 0 {
			delete(value, "name")
		}
		if i%7 == 0 {
			value["amount"] = 12
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, text)
		avro = append(avro, append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, 1)), payment(t, second, i)...))
		proto = append(proto, append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, 2)), 0, 8, byte(i+1), 0x12, 1, 'a', 0x1a, 1, 'b'))
	}
	for name, c := range map[string]struct {
		values [][]byte
		want   []string
	}{
		"json": {objects, []string{`{name: amount, type: "decimal(18,2)", default: null}  # up to 4 digits`, `{name: customer, type: "struct<city:string>", default: null}  # an object: instead, each value can be a column, such as {name: customer_city, type: string, from: "customer.city"}`, `{name: tags, type: "list<long>", default: null}  # an array: instead, an element can be a column, with from: tags[0]; up to 2 elements`,
			`10 % without a value, up to 49 bytes`, "# candidates for the key (no value is there twice): id\n", "{name: big, type: long, default: null}  # up to 17 digits, always the same",
			"created_ms, as {name: created_ms, type: timestamp, unit: ms}", `  # "a\nname": no configuration can name it`, "{name: id_2, type: string, from: _id, default: null}", "{name: etl_batch_id_2, type: long, from: etl_batch_id, default: null}"}},
		"avro":     {avro, []string{"\nformat: avro-registry\ncolumns:", "# of schema 1, which the newest of them names", `{name: channel, type: string, default: null}  # up to 3 bytes, always the same`, "# candidates for event_time (none is missing): at"}},
		"protobuf": {proto, []string{"\nformat: protobuf-registry\ncolumns:", `{name: tags, type: "list<string>", default: null}`, "# candidates for the key (no value is there twice): id"}},
	} {
		t.Run(name, func(t *testing.T) {
			broker := broker(t)[0]
			produce(t, broker, c.values...)
			fake := registryOf(t)
			if name == "protobuf" {
				fake.SeedSchema("transactions-value", 1, 2, messages)
			} else {
				fake.SeedSchema("transactions-value", 1, 1, sr.Schema{Schema: second, Type: sr.TypeAvro})
			}
			code, out, errs := quiet(t, "schema", "infer", "--brokers", broker, "--registry", fake.URL(), "--topic", "transactions")
			if code != 0 {
				t.Fatalf("%d %s", code, errs)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %s in\n%s", want, out)
				}
			}
			config := writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\nregistry: {url: %q}\ntables:\n", t.TempDir(), broker, fake.URL())+pasted(out))
			if code, out, errs := quiet(t, "check", "-c", config); code != 0 {
				t.Fatalf("check: %d %s%s", code, out, errs)
			}
			if code, out, errs := quiet(t, "schema", "diff", "-c", config, "--table", "t", "--topic", "transactions"); code != 0 || !strings.Contains(out, "50 records would be written, 0 rejected") {
				t.Errorf("diff: %d %s%s", code, out, errs)
			}
			code, out, errs = quiet(t, "run", "-c", config, "--until-current")
			if code != 0 || !strings.Contains(out, "│   50 │ = │      50 │") {
				t.Errorf("run: %d %s%s", code, out, errs)
			}
		})
	}
	for want, args := range map[string][]string{
		"{name: channel, type: string, default: null}\n":                                       {"--subject", "transactions-value"},
		"# from version 1 of subject other-value\n# of message P\nformat: protobuf-registry\n": {"--subject", "other-value"},
		"# of message P\n": {"--subject", "other-value"},
	} {
		if code, out, errs := quiet(t, append([]string{"schema", "infer", "--registry", fake.URL()}, args...)...); code != 0 || !strings.Contains(out, want) {
			t.Errorf("%v: %d %s%s", args, code, out, errs)
		}
	}
	for want, args := range map[string][]string{
		"holds no records":           {"--brokers", broker(t)[0], "--topic", "transactions"},
		"UNKNOWN_TOPIC_OR_PARTITION": {"--brokers", broker(t)[0], "--topic", "nothing"},
		"--topic needs -c FILE":      {"--topic", "transactions"},
		"--subject needs -c FILE":    {"--subject", "s"},
		"name files, --topic T":      {},
		"subject nobody":             {"--registry", fake.URL(), "--subject", "nobody"},
	} {
		if code, _, errs := quiet(t, append([]string{"schema", "infer"}, args...)...); code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%v: %d %s, want %q", args, code, errs, want)
		}
	}
}

// TestDiffOfRecords wants the newest records of a topic, and rows of files, to be judged by the
// rules of a table before it takes them, without a word of what is in them.
func TestDiffOfRecords(t *testing.T) {
	broker := broker(t)[0]
	table := `  - name: payments
    topics: [others]
    event_time: at
    halt_above: %s
    columns:
      - {name: id, type: long, required: true}
      - {name: at, type: timestamp}
      - {name: amount, type: "decimal(18,2)"}
    checks: [{range: amount, min: 0, severity: fail}, {reference: id, file: none.csv, column: id, severity: fail}]
`
	config := func(above string) string {
		return writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\ntables:\n", t.TempDir(), broker)+fmt.Sprintf(table, above))
	}
	var values [][]byte
	for i := range 100 {
		switch {
		case i%10 == 3:
			values = append(values, fmt.Appendf(nil, `{"id":%d,"at":"2026-11-22T10:00:00Z","amount":"secret"}`, i))
		case i%10 == 5:
			values = append(values, fmt.Appendf(nil, `{"id":%d,"at":"2026-11-22T10:00:00Z","amount":-1.00}`, i))
		default:
			values = append(values, fmt.Appendf(nil, `{"id":%d,"at":"2026-11-22T10:00:00Z","amount":1.50,"channel":"web"}`, i))
		}
	}
	produce(t, broker, values...)
	file := filepath.Join(t.TempDir(), "rows.json")
	if err := os.WriteFile(file, bytes.Join(values, []byte("\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, of := range [][]string{{"--topic", "transactions"}, {file}} {
		args := append([]string{"schema", "diff", "--table", "payments"}, of...)
		code, out, errs := quiet(t, append(args, "-c", config("0.5"))...)
		for _, want := range []string{
			`│ extra  +│ channel │ string +│ +│ +80 │ the field is dropped`, "80 records would be written, 20 rejected \\(20.0 %\\)",
			`│ type +│ amount │ +10 │ a number that fits decimal\(18,2\)`, `│ range:amount +│ amount +│ +10 │ at least 0`, "not checked, since they look beyond these records: reference:id",
		} {
			if code != 0 || !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("%v: %d %s: no %s in\n%s", of, code, errs, want, out)
			}
		}
		code, out, errs = quiet(t, append(args, "-c", config("0.1"))...)
		if code != exitUsage || !strings.Contains(errs, "it would halt the table: 20 of 100 rows (20 %) are quarantined, more than halt_above 10 %") {
			t.Errorf("%v: %d %s", of, code, errs)
		}
		seen := out + errs
		var doc diffDocument
		code, out, _ = quiet(t, append(args, "-c", config("0.1"), "--json")...)
		if err := json.Unmarshal([]byte(out), &doc); err != nil || code != exitUsage || !doc.Refused || doc.Why == "" || doc.Sample == nil ||
			doc.Sample.Written != 80 || doc.Sample.Rejected != 20 || len(doc.Sample.Reasons) != 2 || len(doc.Differences) != 1 || doc.Differences[0].Records != 80 {
			t.Errorf("%v: %v, %d %s", of, err, code, out)
		}
		if seen += out; strings.Contains(seen, "secret") {
			t.Errorf("%v shows a value:\n%s", of, seen)
		}
		code, out, _ = quiet(t, append(args, "-c", config("0.5"), "--records", "4")...)
		if title := regexp.MustCompile("the (newest 4 records|first [0-9]+ rows) of"); code != 0 || !title.MatchString(out) {
			t.Errorf("%v: %d %s", of, code, out)
		}
	}
}
