package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"tidemark/internal/registry/wire"
)

// Two versions of one event: the second has a property more, and refers to another schema.
const (
	jsonMoney  = `{"$schema":"http://json-schema.org/draft-07/schema#","$id":"money.json","type":["number","null"]}`
	jsonFirst  = `{"type":"object","properties":{"id":{"type":"integer"},"at":{"type":"string","format":"date-time"},"amount":{"type":"number"}},"required":["id","at"],"additionalProperties":false}`
	jsonSecond = `{"type":"object","properties":{"id":{"type":"integer"},"channel":{"type":"string"},"at":{"type":"string","format":"date-time"},"amount":{"$ref":"money.json"}},"required":["id","at"],"additionalProperties":false}`
)

// jsonPayment is an event.
func jsonPayment(id int) string {
	text := fmt.Sprintf(`{"id":%d,"at":"2026-11-22T10:%02d:00Z","amount":%d.%02d`, id, id%60, id/100, id%100)
	if id%2 == 1 {
		text += `,"channel":"web"`
	}
	return text + "}"
}

func jsonConfig(t *testing.T, dir, broker, registry, table string) string {
	t.Helper()
	return writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\nregistry: {url: %q}\nbatch: {max_age: 200ms}\ntables:\n", dir, broker, registry)+table)
}

// TestJSONFromARegistry drains a topic whose records alternate between versions of a JSON Schema,
// while the registry is away at first; what nobody can read is rejected with its schema's id, and
// replayed once somebody can. The rows are those of the same values without ids.
func TestJSONFromARegistry(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	brokers, fake := broker(t), srfake.New()
	t.Cleanup(fake.Close)
	refers := []sr.SchemaReference{{Name: "money.json", Subject: "money", Version: 1}}
	fake.SeedSchema("money", 1, 9, sr.Schema{Schema: jsonMoney, Type: sr.TypeJSON})
	fake.SeedSchema("transactions-value", 1, 1, sr.Schema{Schema: jsonFirst, Type: sr.TypeJSON})
	fake.SeedSchema("transactions-value", 2, 2, sr.Schema{Schema: jsonSecond, Type: sr.TypeJSON, References: refers})
	fake.SeedSchema("other", 1, 4, sr.Schema{Schema: first, Type: sr.TypeAvro})
	fake.SeedSchema("odd", 1, 5, sr.Schema{Schema: `{"$ref":"https://elsewhere/x.json"}`, Type: sr.TypeJSON})
	var away atomic.Bool
	away.Store(true)
	fake.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return away.Load()
	})
	behind := func(id uint64, text string) []byte {
		return append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, id)), text...)
	}
	var values, bare [][]byte
	for i := range 200 {
		values, bare = append(values, behind(uint64(1+i%2), jsonPayment(i))), append(bare, []byte(jsonPayment(i)))
	}
	values, bare = append(values, behind(5, jsonPayment(200))), append(bare, []byte(jsonPayment(200)))
	values = append(values, behind(3, jsonPayment(1000)), behind(4, jsonPayment(1)), []byte(jsonPayment(1)), []byte{0, 0, 0}, behind(1, `{"id":"PLANTED"}`), nil)
	produce(t, brokers[0], values...)

	dir := t.TempDir()
	table := fmt.Sprintf(paymentsTable, "json-registry")
	config := jsonConfig(t, dir, brokers[0], fake.URL(), table)
	r := launch(t, "run", "-c", config, "--until-current")
	r.until("partition waits for a schema")
	away.Store(false)
	r.until("msg=drained rows=")
	r.end(0)
	if out := r.stdout.String(); !strings.Contains(out, "│  207 │ = │     201 │    0 │           6 │") {
		t.Errorf("fates:\n%s", out)
	}
	for _, want := range []string{"change=missing column=channel", "schema is at hand.*schema=2", "fields of a schema cannot be told.*schema=5", "change=missing.*"} {
		if !matches(r.seen, want) {
			t.Errorf("the log has no %s:\n%s", want, strings.Join(r.seen, "\n"))
		}
	}
	if strings.Contains(strings.Join(r.seen, "\n"), "PLANTED") {
		t.Error("the log has a value")
	}
	if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
		t.Errorf("verify: %s%s", out, errs)
	}
	if got, want := rejectedIDs(t, filepath.Join(dir, "lake", "payments_quarantine")), "[1 3 4 null null null]"; got != want {
		t.Errorf("_schema_id of what is rejected: %s, want %s", got, want)
	}
	code, out, errs := quiet(t, "schema", "history", "-c", config, "--table", "payments")
	for _, want := range []string{`│ 1 +│ transactions-value 1 +│ transactions/\d@\d+`, `│ added  │ channel │ +│ string\?`, `│ type   │ amount +│ number\? +│ number\?|│ 2 +│`, `missing │ channel │ +│ string +│ .* 1 \(transactions-value version 1\)`} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("history: %d %s no %s in\n%s", code, errs, want, out)
		}
	}

	// Somebody registers what was missing.
	fake.SeedSchema("transactions-value", 3, 3, sr.Schema{Schema: jsonFirst, Type: sr.TypeJSON})
	code, out, errs = quiet(t, "replay", "-c", config, "--table", "payments", "--json")
	if code != 0 || !strings.Contains(out, `"counts":{"read":6,"written":1,"late":0,"quarantined":5,`) {
		t.Errorf("replay: %d %s%s", code, out, errs)
	}
	if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
		t.Errorf("verify after the replay: %s%s", out, errs)
	}

	// The same values without ids are the same rows.
	plain, lake := broker(t), t.TempDir()
	bare = append(bare, []byte(jsonPayment(1000)))
	produce(t, plain[0], bare...)
	other := writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\ntables:\n", lake, plain[0])+fmt.Sprintf(paymentsTable, "json"))
	if code, out, errs := quiet(t, "run", "-c", other, "--until-current"); code != 0 {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	got, want := rowsOf(t, filepath.Join(dir, "lake", "payments")), rowsOf(t, filepath.Join(lake, "lake", "payments"))
	if len(want) != 202 || !slices.Equal(got, want) {
		t.Errorf("%d rows, and %d without ids: %s", len(got), len(want), firstOther(got, want))
	}
	jsonSubjects(t, config, fake)
}

// jsonSubjects looks at what schemas would mean, before any record has them.
func jsonSubjects(t *testing.T, config string, fake *srfake.Registry) {
	t.Helper()
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fake.SeedSchema("text", 1, 6, sr.Schema{Schema: `{"type":"object","properties":{"id":{"type":"integer"},"at":{"type":"string","format":"date-time"},"amount":{"type":"boolean"},"more":{"type":"array"}},"required":["id","at"]}`, Type: sr.TypeJSON})
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{0, "transactions-value version 3:", []string{"check", "-c", config}},
		{0, "│ missing │ channel │", []string{"schema", "diff", "-c", config, "--table", "payments"}},
		{exitUsage, "│ mismatch │ amount  │ boolean", []string{"schema", "diff", "-c", config, "--table", "payments", "--subject", "text"}},
		{exitUsage, `"change": "mismatch"`, []string{"schema", "diff", "-c", config, "--table", "payments", "--subject", "text", "--json"}},
		{0, "its fields cannot be told: it refers to", []string{"schema", "diff", "-c", config, "--table", "payments", "--subject", "odd"}},
		{1, "is one of AVRO, and the table's format is json-registry", []string{"schema", "diff", "-c", config, "--table", "payments", "--subject", "other"}},
		{exitUsage, "every record is rejected: the column is required", []string{"schema", "diff", "-c", config, "--table", "payments", file("next.schema.json", `{"properties":{"id":{"type":"integer"}},"additionalProperties":false}`)}},
		{exitUsage, "its fields cannot be told: it is of string", []string{"schema", "diff", "-c", config, "--table", "payments", file("next.schema.json", `{"type":"string"}`)}},
		{0, "format: json-registry\ncolumns:\n  - {name: id, type: long, default: null}\n  - {name: at, type: timestamp, default: null}\n  - {name: amount, type: double, default: null}  # of money",
			[]string{"schema", "infer", "-c", config, "--subject", "transactions-value"}},
		{0, "{name: day, type: date, default: null}", []string{"schema", "infer", file("x.schema.json", `{"properties":{"day":{"type":"string","format":"date"}}}`)}},
		{exitUsage, "its fields cannot be told: it names no properties", []string{"schema", "infer", file("x.schema.json", `{"type":"object"}`)}},
		{0, "# of schema 1, which the newest of them names", []string{"schema", "infer", "-c", config, "--topic", "transactions"}},
	} {
		code, out, errs := quiet(t, c.args...)
		if code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%v: %d, want %d and %s\n%s%s", c.args, code, c.code, c.want, out, errs)
		}
	}
}

// TestChangeEventsOfJSONRegistry drains change events behind ids.
func TestChangeEventsOfJSONRegistry(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	brokers, fake, dir := broker(t), registryOf(t), t.TempDir()
	const row = `{"type":"object","properties":{"id":{"type":"integer"},"at":{"type":"string"},"amount":{"type":"number"}},"required":["id"]}`
	fake.SeedSchema("transactions-value", 1, 1, sr.Schema{Type: sr.TypeJSON, Schema: `{"type":"object","properties":{"before":{"oneOf":[{"type":"null"},` + row + `]},"after":{"oneOf":[{"type":"null"},` + row + `]},"op":{"type":"string"},"ts_ms":{"type":"integer"}}}`})
	image := func(id int) string {
		return fmt.Sprintf(`{"id":%d,"at":"2026-11-22T10:00:00Z","amount":%d.25}`, id, id)
	}
	event := func(op, before, after string, n int) []byte {
		return append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, 1)), fmt.Sprintf(`{"before":%s,"after":%s,"source":{"lsn":%d},"op":%q,"ts_ms":%d}`, before, after, n, op, 1795342530000+n)...)
	}
	produce(t, brokers[0], event("c", "null", image(1), 1), event("u", image(1), image(2), 2), event("d", image(3), "null", 3), nil, event("t", "null", "null", 4), event("d", "null", "null", 5),
		append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, 1)), image(1)...))
	config := jsonConfig(t, dir, brokers[0], fake.URL(), fmt.Sprintf(changesTable, "json-registry"))
	if code, out, errs := quiet(t, "check", "-c", config); code != 0 || !strings.Contains(out, "│ nullable │ at ") || strings.Contains(out, "mismatch") {
		t.Errorf("check: %d %s%s", code, out, errs)
	}
	code, out, errs := quiet(t, "run", "-c", config, "--until-current")
	if code != 0 || !strings.Contains(out, "│    7 │ = │       3 │    0 │           2 │         0 │        2 │") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	wantChanges(t, dir, "1 1.25 1 c 1795342530001", "2 2.25 2 u 1795342530002", "3 3.25 3 d 1795342530003")
	if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
		t.Errorf("verify: %s%s", out, errs)
	}
	if code, out, errs := quiet(t, "schema", "infer", "-c", config, "--topic", "transactions"); code != 0 || !strings.Contains(out, "debezium: true") || !strings.Contains(out, "{name: amount, type: double") {
		t.Errorf("infer: %d %s%s", code, out, errs)
	}
}
