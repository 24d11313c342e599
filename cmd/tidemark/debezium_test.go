package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

const changesTable = `  - name: payments
    topics: [transactions]
    format: %s
    debezium: true
    event_time: at
    halt_above: 1
    columns:
      - {name: id, type: long, required: true}
      - {name: at, type: timestamp, required: true}
      - {name: amount, type: "decimal(18,2)"}
      - {name: lsn, type: long, from: $envelope.source.lsn}
`

// TestChangeEvents drains a topic of change events, with deletes, tombstones and what is no
// event, and replays what was rejected; the same events come again from a file.
func TestChangeEvents(t *testing.T) {
	brokers := broker(t)
	row := func(id int) string {
		return fmt.Sprintf(`{"id":%d,"at":"2026-11-22T10:%02d:00Z","amount":%d.25}`, id, id%60, id)
	}
	event := func(op, before, after string, n int) []byte {
		return fmt.Appendf(nil, `{"before":%s,"after":%s,"source":{"lsn":%d},"op":%q,"ts_ms":%d}`, before, after, n, op, 1795342530000+n)
	}
	var values [][]byte
	for i := range 100 {
		values = append(values, event("c", "null", row(i), i))
	}
	values = append(values, event("u", row(1), row(1), 101), event("d", row(2), "null", 102), nil, event("t", "null", "null", 103),
		event("d", "null", "null", 104), []byte(row(5)), event("c", "null", `{"id":"x"}`, 105), []byte("{"))
	produce(t, brokers[0], values...)
	dir := t.TempDir()
	head := fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\nbatch: {max_age: 200ms}\ntables:\n", dir, brokers[0])
	config := writeConfig(t, head+fmt.Sprintf(changesTable, "json"))
	code, out, errs := quiet(t, "run", "-c", config, "--until-current")
	if code != 0 || !strings.Contains(out, "│  108 │ = │     102 │    0 │           4 │         0 │        2 │") {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	verified := func(when string) {
		t.Helper()
		if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
			t.Errorf("verify %s: %s%s", when, out, errs)
		}
	}
	verified("after the drain")
	wantChanges(t, dir, "99 99.25 99 c 1795342530099", "1 1.25 101 u 1795342530101", "2 2.25 102 d 1795342530102", "2 2.25 2 c 1795342530002")
	// What was rejected is read again as change events.
	code, out, errs = quiet(t, "replay", "-c", config, "--table", "payments", "--json")
	if code != 0 || !strings.Contains(out, `"counts":{"read":4,"written":0,"late":0,"quarantined":4,`) {
		t.Errorf("replay: %d %s%s", code, out, errs)
	}
	verified("after the replay")

	// A file may hold events, and rows without anything around.
	file := filepath.Join(dir, "events.ndjson")
	lines := string(event("u", row(7), row(7), 107)) + "\n" + row(8) + "\n" + string(event("t", "null", "null", 108)) + "\n" + string(event("c", "null", "null", 109)) + "\n"
	if err := os.WriteFile(file, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs = quiet(t, "backfill", "-c", config, "--table", "payments", file)
	if code != 0 || !strings.Contains(out+errs, "filtered") {
		t.Errorf("backfill: %d %s%s", code, out, errs)
	}
	wantChanges(t, dir, "7 7.25 107 u 1795342530107", "8 8.25 0 null null")
	verified("after the backfill")
}

// wantChanges wants rows among those that lie in the lake of a folder.
func wantChanges(t *testing.T, dir string, want ...string) {
	t.Helper()
	paths, err := filepath.Glob(dir + "/lake/payments/*/*/*/*.parquet")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	got := map[string]int{}
	for _, path := range paths {
		rows, err := parquet.ReadFile[struct {
			ID     int64   `parquet:"id"`
			Amount *int64  `parquet:"amount,optional"`
			LSN    *int64  `parquet:"lsn,optional"`
			Op     *string `parquet:"_op,optional"`
			Time   *int64  `parquet:"_ts_ms,optional"`
		}](path)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			op, at := "null", "null"
			if r.Op != nil {
				op = *r.Op
			}
			if r.Time != nil {
				at = fmt.Sprint(*r.Time)
			}
			got[fmt.Sprintf("%d %d.%02d %d %s %s", r.ID, *r.Amount/100, *r.Amount%100, *r.LSN, op, at)]++
		}
	}
	for _, row := range want {
		if got[row] != 1 {
			t.Errorf("row %q lies there %d times, want once: %v", row, got[row], got)
		}
	}
}

// TestConnectPayloads drains what Kafka Connect's JsonConverter writes: rows, and change events.
func TestConnectPayloads(t *testing.T) {
	const fields = `"type":"struct","fields":[{"field":"id","type":"int64"},{"field":"at","type":"int64","name":"org.apache.kafka.connect.data.Timestamp"},{"field":"amount","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}]`
	const event = `"type":"struct","fields":[{"field":"before",` + fields + `},{"field":"after",` + fields + `},{"field":"op","type":"string"}]`
	row := func(id int) string {
		return fmt.Sprintf(`{"id":%d,"at":%d,"amount":%q}`, id, 1795342530000+id, base64.StdEncoding.EncodeToString([]byte{byte(id)}))
	}
	for _, debezium := range []bool{false, true} {
		brokers, dir := broker(t), t.TempDir()
		var values [][]byte
		for i := range 100 {
			payload, schema := row(i), fields
			if debezium {
				payload, schema = fmt.Sprintf(`{"before":null,"after":%s,"op":"c"}`, payload), event
			}
			values = append(values, fmt.Appendf(nil, `{"schema":{%s},"payload":%s}`, schema, payload))
		}
		values = append(values, []byte(row(1)), []byte(`{"schema":null,"payload":null}`), nil)
		produce(t, brokers[0], values...)
		table := strings.Replace(fmt.Sprintf(changesTable, "connect-json"), "debezium: true", fmt.Sprint("debezium: ", debezium), 1)
		table, _, _ = strings.Cut(table, "      - {name: lsn")
		config := writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\nbatch: {max_age: 200ms}\ntables:\n", dir, brokers[0])+table)
		want := "│  103 │ = │     100 │    0 │           3 │         0 │        0 │"
		if debezium {
			want = "│  103 │ = │     100 │    0 │           1 │         0 │        2 │"
		}
		if code, out, errs := quiet(t, "run", "-c", config, "--until-current"); code != 0 || !strings.Contains(out, want) {
			t.Errorf("debezium %v: %d %s%s", debezium, code, out, errs)
		}
		if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
			t.Errorf("verify: %s%s", out, errs)
		}
		if code, out, errs := quiet(t, "replay", "-c", config, "--table", "payments", "--json"); code != 0 || !strings.Contains(out, `"written":0,`) {
			t.Errorf("replay: %d %s%s", code, out, errs)
		}
	}
}
