package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/sr"

	"tidemark/internal/registry/wire"
)

// debeziumAvro is what Debezium registers for a table of PostgreSQL, with Confluent's converter;
// the second version has a column more.
func debeziumAvro(more string) string {
	return `{"type":"record","name":"Envelope","namespace":"core.public.payments","fields":[
 {"name":"before","type":["null",{"type":"record","name":"Value","fields":[{"name":"id","type":"long"},
   {"name":"at","type":{"type":"long","connect.version":1,"connect.name":"io.debezium.time.MicroTimestamp"}},
   {"name":"amount","type":["null",{"type":"bytes","scale":2,"precision":18,"connect.version":1,"connect.parameters":{"scale":"2","connect.decimal.precision":"18"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}],"default":null}` + more + `],
   "connect.name":"core.public.payments.Value"}],"default":null},
 {"name":"after","type":["null","Value"],"default":null},
 {"name":"source","type":{"type":"record","name":"Source","namespace":"io.debezium.connector.postgresql","fields":[{"name":"version","type":"string"},{"name":"ts_ms","type":"long"},{"name":"snapshot","type":["null","string"],"default":null},{"name":"lsn","type":["null","long"],"default":null}],"connect.name":"io.debezium.connector.postgresql.Source"}},
 {"name":"transaction","type":["null",{"type":"record","name":"block","namespace":"event","fields":[{"name":"id","type":"string"},{"name":"total_order","type":"long"}]}],"default":null},
 {"name":"op","type":"string"},{"name":"ts_ms","type":["null","long"],"default":null}],"connect.name":"core.public.payments.Envelope"}`
}

// changeOf is one event, by goavro and as JSON.
type changeOf struct {
	op            string
	before, after int // ids, −1: null
	n             int
}

func (c changeOf) native(id int, more bool) any {
	if id < 0 {
		return nil
	}
	row := map[string]any{"id": int64(id), "at": int64(1795341600000000 + id*60_000_000%3_600_000_000), "amount": goavro.Union("bytes.decimal", big.NewRat(int64(id*100+25), 100))}
	if more {
		row["channel"] = goavro.Union("string", "web")
	}
	return map[string]any{"core.public.payments.Value": row}
}

func (c changeOf) datum(t *testing.T, codec *goavro.Codec, more bool) []byte {
	t.Helper()
	out, err := codec.BinaryFromNative(nil, map[string]any{
		"before": c.native(c.before, more), "after": c.native(c.after, more), "source": map[string]any{"version": "2.7", "ts_ms": int64(1), "snapshot": nil, "lsn": goavro.Union("long", int64(c.n))},
		"transaction": nil, "op": c.op, "ts_ms": goavro.Union("long", int64(1795342530000+c.n)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (c changeOf) text(more bool) []byte {
	row := func(id int) any {
		if id < 0 {
			return nil
		}
		out := map[string]any{"id": id, "at": time.UnixMicro(int64(1795341600000000 + id*60_000_000%3_600_000_000)).UTC().Format(time.RFC3339Nano), "amount": json.Number(fmt.Sprintf("%d.25", id))}
		if more {
			out["channel"] = "web"
		}
		return out
	}
	text, _ := json.Marshal(map[string]any{"before": row(c.before), "after": row(c.after), "source": map[string]any{"lsn": c.n}, "op": c.op, "ts_ms": 1795342530000 + c.n})
	return text
}

// TestChangeEventsInAvro drains change events that goavro wrote, by two versions of a schema of a
// registry that alternate, and by a schema in a file: the rows, and the fates, are those of the
// same events in JSON. What is rejected is replayed.
func TestChangeEventsInAvro(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	fake := registryOf(t)
	fake.SeedSchema("transactions-value", 1, 1, sr.Schema{Schema: debeziumAvro(""), Type: sr.TypeAvro})
	fake.SeedSchema("transactions-value", 2, 2, sr.Schema{Schema: debeziumAvro(`,{"name":"channel","type":["null","string"],"default":null}`), Type: sr.TypeAvro})
	fake.SeedSchema("rows-value", 1, 3, sr.Schema{Schema: first, Type: sr.TypeAvro})
	var codecs []*goavro.Codec
	for _, more := range []string{"", `,{"name":"channel","type":["null","string"],"default":null}`} {
		codec, err := goavro.NewCodec(debeziumAvro(more))
		if err != nil {
			t.Fatal(err)
		}
		codecs = append(codecs, codec)
	}
	changes := []changeOf{{"u", 1, 2, 101}, {"d", 3, -1, 102}, {"r", -1, 4, 103}, {"t", -1, -1, 104}, {"d", -1, -1, 105}, {"c", -1, -1, 106}, {"x", -1, 5, 107}, {"m", -1, -1, 108}}
	for i := range 100 {
		changes = append(changes, changeOf{"c", -1, 10 + i, i})
	}
	var framed, bare, texts [][]byte
	for i, c := range changes {
		more := i%2 == 1
		framed = append(framed, append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, uint64(1+i%2))), c.datum(t, codecs[i%2], more)...))
		bare = append(bare, c.datum(t, codecs[0], false))
		texts = append(texts, c.text(more))
	}
	framed = append(framed, nil, append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, 3)), payment(t, first, 1)...), framed[0][:20])
	bare = append(bare, nil, bare[0][:20], append(slices.Clone(bare[0]), 'x'))
	texts = append(texts, nil, []byte(`{"id":1}`), []byte(`{`))
	file := filepath.Join(t.TempDir(), "changes.avsc")
	if err := os.WriteFile(file, []byte(debeziumAvro("")), 0o600); err != nil {
		t.Fatal(err)
	}
	var rows map[bool][]string // by whether there is a channel
	for _, c := range []struct {
		format string
		values [][]byte
	}{{"json", texts}, {"avro-registry", framed}, {"avro", bare}} {
		brokers, dir := broker(t), t.TempDir()
		produce(t, brokers[0], c.values...)
		table := fmt.Sprintf(changesTable, c.format)
		if c.format == "avro" {
			table = strings.Replace(table, "    debezium", "    schema_file: "+file+"\n    debezium", 1)
		} else {
			table += "      - {name: channel, type: string}\n"
		}
		config := jsonConfig(t, dir, brokers[0], fake.URL(), table)
		code, out, errs := quiet(t, "run", "-c", config, "--until-current")
		if code != 0 || !strings.Contains(out, "│  111 │ = │     103 │    0 │           5 │         0 │        3 │") {
			t.Fatalf("%s: %d %s%s", c.format, code, out, errs)
		}
		wantChanges(t, dir, "2 2.25 101 u 1795342530101", "3 3.25 102 d 1795342530102", "4 4.25 103 r 1795342530103", "10 10.25 0 c 1795342530000")
		got := rowsOf(t, filepath.Join(dir, "lake", "payments"))
		if want := rows[c.format != "avro"]; c.format == "avro-registry" && !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, JSON has %d: %s", c.format, len(got), len(want), firstOther(got, want))
		} else if c.format == "json" {
			rows = map[bool][]string{true: got}
		}
		if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
			t.Errorf("%s: verify: %s%s", c.format, out, errs)
		}
		code, out, errs = quiet(t, "replay", "-c", config, "--table", "payments", "--json")
		if code != 0 || !strings.Contains(out, `"counts":{"read":5,"written":0,"late":0,"quarantined":5,`) {
			t.Errorf("%s: replay: %d %s%s", c.format, code, out, errs)
		}
		if c.format == "avro-registry" {
			schemasOfChanges(t, config, file)
		}
	}
}

// schemasOfChanges looks at what schemas mean for a table of changes, and what is known of them.
func schemasOfChanges(t *testing.T, config, file string) {
	t.Helper()
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{0, "transactions-value version 2: as the table", []string{"check", "-c", config}},
		{exitUsage, "│ mismatch │ op ", []string{"schema", "diff", "-c", config, "--table", "payments", "--subject", "rows-value"}},
		{0, "│ missing │ channel", []string{"schema", "diff", "-c", config, "--table", "payments", file}},
		{0, "format: avro-registry\ndebezium: true\ncolumns:\n  - {name: id, type: long, default: null}\n  - {name: at, type: timestamp, default: null}\n  - {name: amount, type: \"decimal(18,2)\", default: null}\n  - {name: channel, type: string, default: null}\n",
			[]string{"schema", "infer", "-c", config, "--subject", "transactions-value"}},
		{0, "debezium: true\ncolumns:", []string{"schema", "infer", file}},
		{0, "missing │ channel │ +│ string", []string{"schema", "history", "-c", config, "--table", "payments"}},
	} {
		code, out, errs := quiet(t, c.args...)
		found := strings.Contains(out+errs, c.want) || strings.Contains(c.want, " +") && regexp.MustCompile(c.want).MatchString(out)
		if code != c.code || !found {
			t.Errorf("%v: %d, want %d and %s\n%s%s", c.args, code, c.code, c.want, out, errs)
		}
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	rows := filepath.Join(t.TempDir(), "rows.avsc")
	if err := os.WriteFile(rows, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := writeConfig(t, strings.Replace(string(text), "format: avro-registry", "format: avro\n    schema_file: "+rows, 1))
	if code, _, errs := quiet(t, "run", "-c", wrong, "--until-current"); code != exitUsage || !strings.Contains(errs, "is not one of change events") {
		t.Errorf("a file with another schema: %d %s", code, errs)
	}
}
