package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/internal/generate"
)

// TestInferRoundTrip wants what infer prints of generated events, in a topic and in files, to
// be a configuration that takes all of them, and finds no difference.
func TestInferRoundTrip(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	schema := filepath.Join(t.TempDir(), "event.avsc")
	if err := os.WriteFile(schema, []byte(generate.AvroSchema), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		format string
		args   []string // of infer
		want   string
		files  bool // there are some of it
	}{
		{"json", nil, "\nformat: json\ncolumns:\n", true},
		{"csv", nil, "\nformat: csv\ncolumns:\n  - {name: field_1, type: ", true},
		{"avro", []string{"--schema-file", schema}, "\nformat: avro\nschema_file: ", true},
		{"connect-json", nil, "\nformat: connect-json\ncolumns:\n", true},
		{"debezium", nil, "\nformat: json\ndebezium: true\ncolumns:\n", true},
		{"avro-registry", nil, "\nformat: avro-registry\ncolumns:\n", false},
		{"protobuf-registry", nil, "\nformat: protobuf-registry\ncolumns:\n", false},
		{"json-registry", nil, "\nformat: json-registry\ncolumns:\n", false},
	} {
		t.Run(c.format, func(t *testing.T) {
			broker, registry, dir := broker(t)[0], registryOf(t).URL(), t.TempDir()
			made := []string{"generate", "--rows", "2000", "--bad", "0", "--late", "0", "--end", "2026-11-23", "--format", c.format}
			to := []string{"--brokers", broker, "--topic", "transactions"}
			if !c.files {
				to = append(to, "--registry", registry)
			}
			if code, _, errs := quiet(t, append(made, to...)...); code != 0 {
				t.Fatalf("generate: %d %s", code, errs)
			}
			code, out, errs := quiet(t, append([]string{"schema", "infer", "--brokers", broker, "--registry", registry, "--topic", "transactions", "--records", "9000"}, c.args...)...)
			if code != 0 || !strings.Contains(out, c.want) || strings.Contains(out, "would be rejected") {
				t.Fatalf("%d %s\n%s", code, errs, out)
			}
			takes(t, fmt.Sprintf("kafka: {brokers: [%q], group: g}\nregistry: {url: %q}\n", broker, registry), out, "run", "--until-current")
			if !c.files {
				return
			}
			if code, _, errs := quiet(t, append(made, "--to", dir)...); code != 0 {
				t.Fatalf("generate: %d %s", code, errs)
			}
			if code, out, errs = quiet(t, "schema", "infer", dir); code != 0 {
				t.Fatalf("%d %s\n%s", code, errs, out)
			}
			takes(t, "", out, "backfill", "--table", "t", dir)
		})
	}
}

// takes wants columns, as infer prints them, to make a table that a command fills with 2,000
// rows, which differ from it in nothing.
func takes(t *testing.T, top, columns string, args ...string) {
	t.Helper()
	table := pasted(columns)
	of := []string{"--topic", "transactions"}
	if args[0] == "backfill" {
		table, of = strings.ReplaceAll(table, "    topics: [transactions]\n", ""), args[3:]
	}
	config := writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\n%stables:\n%s", t.TempDir(), top, table))
	if code, out, errs := quiet(t, "check", "-c", config); code != 0 {
		t.Fatalf("check: %d %s%s\n%s", code, out, errs, table)
	}
	code, out, errs := quiet(t, append([]string{"schema", "diff", "-c", config, "--table", "t", "--records", "9000"}, of...)...)
	if code != 0 || !strings.Contains(out, "nothing differs from the table\n") || !strings.Contains(out, "\n2,000 records would be written, 0 rejected") {
		t.Errorf("diff: %d %s%s\n%s", code, out, errs, table)
	}
	code, out, errs = quiet(t, append(args, "-c", config)...)
	if code != 0 || !strings.Contains(out, "│ t     │ 2,000 │ = │   2,000 │    0 │           0 │") {
		t.Errorf("%v: %d %s%s\n%s", args, code, out, errs, table)
	}
}

// TestInferNestedRoundTrip is the same for objects and arrays within events, with Kafka
// Connect and Debezium around them and without.
func TestInferNestedRoundTrip(t *testing.T) {
	fields := `{"field":"id","type":"int64"},{"field":"at","type":"string"},{"field":"rates","type":"map","keys":{"type":"string"},"values":{"type":"double"}},
		{"field":"tags","type":"array","items":{"type":"string"}},{"field":"customer","type":"struct","fields":[{"field":"city","type":"string"},{"field":"since","type":"string"},{"field":"sub","type":"struct","fields":[{"field":"n","type":"int32"}]}]},
		{"field":"items","type":"array","items":{"type":"struct","fields":[{"field":"sku","type":"string"},{"field":"n","type":"int64"}]}},{"field":"free","type":"string"},
		{"field":"price","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}},{"field":"day","type":"int32","name":"io.debezium.time.Date"},
		{"field":"made","type":"int64","name":"org.apache.kafka.connect.data.Timestamp"},{"field":"lines","type":"array","items":{"type":"struct","fields":[
		{"field":"price","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}]}}`
	for _, c := range []struct {
		name, around string
		want         []string
	}{
		{"json", `#`, []string{`name: rates, type: "map<string,decimal(18,1)>"`, `name: tags, type: "list<string>"`, `name: customer, type: "struct<city:string,since:date,sub:struct<n:long>>"`,
			`name: items, type: "list<struct<sku:string,n:long>>"`, "name: free, type: json", "name: price, type: string", "name: day, type: long"}},
		{"debezium", `{"before":null,"after":#,"op":"c","ts_ms":1795342530123}`, []string{"format: json\ndebezium: true\n", `name: tags, type: "list<string>"`}},
		{"connect", `{"schema":{"type":"struct","fields":[` + strings.Join(strings.Fields(fields), "") + `]},"payload":#}`, []string{"format: connect-json\ncolumns:", `name: rates, type: "map<string,double>"`, `name: tags, type: "list<string>"`,
			`name: customer, type: "struct<city:string,since:string,sub:struct<n:int>>"`, `name: items, type: "list<struct<sku:string,n:long>>"`, `name: price, type: "decimal(18,2)"`,
			"name: day, type: date", "name: made, type: timestamp", `name: lines, type: "list<struct<price:decimal(18,2)>>"`}},
		{"connect without a schema", `{"schema":null,"payload":#}`, []string{"format: connect-json\ncolumns:", `name: customer, type: "struct<city:string,since:date,sub:struct<n:long>>"`}},
		{"connect and debezium", `{"payload":{"before":null,"after":#,"op":"c","ts_ms":1795342530123},"schema":{"type":"struct","fields":[{"field":"before","type":"struct","fields":[` + strings.Join(strings.Fields(fields), "") +
			`]},{"field":"after","type":"struct","fields":[` + strings.Join(strings.Fields(fields), "") + `]},{"field":"op","type":"string"},{"field":"ts_ms","type":"int64"}]}}`,
			[]string{"format: connect-json\ndebezium: true\ncolumns:", `name: price, type: "decimal(18,2)"`, "name: made, type: timestamp"}},
		{"documents", `{"before":null,"after":TEXT,"op":"c","ts_ms":1795342530123}`, []string{"format: json\ndebezium: true\n", `name: tags, type: "list<string>"`, `name: customer, type: "struct<city:string,since:date,sub:struct<n:long,m:long>>"`}},
		{"documents with a schema", `{"schema":{"type":"struct","fields":[{"field":"after","type":"string"},{"field":"op","type":"string"},{"field":"ts_ms","type":"int64"}]},"payload":{"after":TEXT,"op":"c","ts_ms":1795342530123}}`,
			[]string{"format: connect-json\ndebezium: true\n", `name: tags, type: "list<string>"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var values [][]byte
			for i := range 2000 {
				free := fmt.Sprintf(`"%d"`, i)
				if c.name == "json" && i%3 == 0 {
					free = `{"x":[1]}`
				}
				row := fmt.Sprintf(`{"id":%d,"at":"2026-11-22T10:00:00Z","rates":{"C%d":1.5,"D%d":2.5},"tags":["a",null],"customer":{"city":"Bern","since":"2026-01-02","sub":{"n":%d}},`+
					`"items":[{"sku":"a","n":%d},{"sku":"b","n":1}],"free":%s,"price":"BOI=","day":20779,"made":1795342530123,"lines":[{"price":"BOI="}]}`, i, i%11, i%13, i, i, free)
				document, err := json.Marshal(strings.Replace(row, `{"n":`, `{"n":{"$numberLong":"9"},"m":`, i%2))
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, []byte(strings.Replace(strings.Replace(c.around, "TEXT", string(document), 1), "#", row, 1)))
			}
			broker := broker(t)[0]
			produce(t, broker, values...)
			code, out, errs := quiet(t, "schema", "infer", "--brokers", broker, "--topic", "transactions", "--records", "9000")
			if code != 0 {
				t.Fatalf("%d %s", code, errs)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %s in\n%s", want, out)
				}
			}
			takes(t, fmt.Sprintf("kafka: {brokers: [%q], group: g}\n", broker), out, "run", "--until-current")
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "a.json"), bytes.Join(values, []byte("\n")), 0o644); err != nil {
				t.Fatal(err)
			}
			if code, out, errs = quiet(t, "schema", "infer", dir); code != 0 {
				t.Fatalf("%d %s\n%s", code, errs, out)
			}
			takes(t, "", out, "backfill", "--table", "t", dir)
		})
	}
}

// TestInferTopics: of records that do not say how they are written, a person must.
func TestInferTopics(t *testing.T) {
	single := append([]byte{0xc3, 0x01}, make([]byte, 12)...)
	for _, c := range []struct {
		value  []byte
		tables string // of the configuration
		want   string
	}{
		{single, "", "they are single objects of Avro: name the file with their schema, with --schema-file FILE"},
		{[]byte{1, 2, 3}, "", "neither objects of JSON nor lines of CSV"},
		{[]byte("hello"), "", "no lines of CSV whose separator is known"},
		{[]byte{0, 0, 0, 0, 1, 2, 3}, "", "they name schemas of a registry: write registry"},
		{[]byte("1#2,5#x"), "  - {name: t, topics: [transactions], format: csv, csv: {separator: \"#\", quote: none, decimal_comma: true, null_values: [\"\", x], thousands: \"'\"}, partition_by: none, columns: [{name: id, type: long}, {name: amount, type: double}, {name: note, type: string}]}\n",
			"# names are those of the columns of table t\n# no candidate for the key (no value is there twice)\n# no candidate for event_time (none is missing)\n" + `format: csv
csv: {separator: "#", quote: none, null_values: ["", "x"], decimal_comma: true, thousands: "'"}
columns:
  - {name: id, type: long, default: null}  # up to 1 digit
  - {name: amount, type: "decimal(18,1)", default: null}  # up to 2 digits
  - {name: note, type: string, default: null}  # no value was seen; 100 % without a value
`},
	} {
		broker := broker(t)[0]
		produce(t, broker, c.value)
		args := []string{"schema", "infer", "--topic", "transactions"}
		if c.tables == "" {
			args = append(args, "--brokers", broker)
		} else {
			args = append(args, "-c", writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\ntables:\n", t.TempDir(), broker)+c.tables))
		}
		if _, out, errs := quiet(t, args...); !strings.Contains(out+errs, c.want) {
			t.Errorf("%q: got %s%s, want %s", c.value, out, errs, c.want)
		}
	}
}
