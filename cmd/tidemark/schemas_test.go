package main

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"tidemark/internal/avroschema"
	"tidemark/internal/registry/wire"
)

// Two versions of one event: the second has a field more, in the middle, and a wider id.
const (
	first  = `{"type":"record","name":"payment","fields":[{"name":"id","type":"int"},{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}}]}`
	second = `{"type":"record","name":"payment","fields":[{"name":"id","type":"long"},{"name":"channel","type":["null","string"],"default":null},{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}}]}`
)

const paymentsTable = `  - name: payments
    topics: [transactions]
    format: %s
    event_time: at
    halt_above: 1
    columns:
      - {name: id, type: long, required: true}
      - {name: at, type: timestamp, required: true}
      - {name: amount, type: "decimal(18,2)"}
      - {name: channel, type: string}
    checks: [{unique: [id], severity: fail}]
`

// payment is the bytes of an event, by goavro.
func payment(t *testing.T, text string, id int) []byte {
	t.Helper()
	codec, err := goavro.NewCodec(text)
	if err != nil {
		t.Fatal(err)
	}
	native := map[string]any{"at": time.Date(2026, 11, 22, 10, id%60, 0, 0, time.UTC), "amount": ratOf(id)}
	native["id"] = int32(id)
	if text == second {
		native["id"], native["channel"] = int64(id), goavro.Union("string", "web")
	}
	datum, err := codec.BinaryFromNative(nil, native)
	if err != nil {
		t.Fatal(err)
	}
	return datum
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tidemark.yaml")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func produce(t *testing.T, broker string, values ...[]byte) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, v := range values {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "transactions", Value: v}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAvroFromARegistry drains a topic whose records alternate between versions of a
// schema, while the registry is away at first; what nobody can read is rejected, and
// replayed once somebody can.
func TestAvroFromARegistry(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	brokers, fake := broker(t), srfake.New()
	t.Cleanup(fake.Close)
	fake.SeedSchema("payments-value", 1, 1, sr.Schema{Schema: first, Type: sr.TypeAvro})
	fake.SeedSchema("payments-value", 2, 2, sr.Schema{Schema: second, Type: sr.TypeAvro})
	var away atomic.Bool
	away.Store(true)
	fake.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return away.Load()
	})

	var values [][]byte
	for i := range 200 {
		version, text := uint64(1), first
		if i%2 == 1 {
			version, text = 2, second
		}
		values = append(values, append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, version)), payment(t, text, i)...))
	}
	unknown := append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, 3)), payment(t, first, 1000)...)
	values = append(values, unknown, []byte(`{"id":1}`), values[0][:7])
	produce(t, brokers[0], values...)

	config := writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\nregistry: {url: %q}\nbatch: {max_age: 200ms}\ntables:\n",
		t.TempDir(), brokers[0], fake.URL())+fmt.Sprintf(paymentsTable, "avro-registry"))
	if code, _, errs := quiet(t, "check", "-c", config); code != 1 || !strings.Contains(errs, "reach the registry: ") {
		t.Errorf("check while it is away: %d %s", code, errs)
	}
	r := launch(t, "run", "-c", config, "--until-current")
	r.until("partition waits for a schema")
	away.Store(false)
	r.until("msg=drained rows=")
	r.end(0)
	if out := r.stdout.String(); !strings.Contains(out, "│  203 │ = │     200 │    0 │           3 │") {
		t.Errorf("fates:\n%s", out)
	}
	for _, want := range []string{"schema drift.*change=extra|schema drift.*channel", "schema is at hand.*schema=2"} {
		if !matches(r.seen, want) {
			t.Errorf("the log has no %s:\n%s", want, strings.Join(r.seen, "\n"))
		}
	}
	if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
		t.Errorf("verify: %s%s", out, errs)
	}
	code, out, errs := quiet(t, "schema", "history", "-c", config, "--table", "payments")
	for _, want := range []string{
		`│ 1 +│ payments-value 1 +│ transactions/\d@\d+ │ +\d+ │ first  │ +│ +│ 3 fields`,
		`│ 2 +│ payments-value 2 +│ transactions/\d@\d+ │ +\d+ │ (type|added)`,
		`│ added  │ channel │ +│ string\?`, `│ type   │ id +│ int +│ long`,
		`│ missing │ channel │ +│ string +│ transactions/\d@\d+ │ +\d+ │ default +│ 1 \(payments-value version 1\)`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("history: %d %s no %s in\n%s", code, errs, want, out)
		}
	}

	// Somebody registers what was missing.
	fake.SeedSchema("payments-value", 3, 3, sr.Schema{Schema: first, Type: sr.TypeAvro})
	code, out, errs = quiet(t, "replay", "-c", config, "--table", "payments", "--json")
	if code != 0 || !strings.Contains(out, `"rows":3,"aside":0,"taken":0,"batches":1,"counts":{"read":3,"written":1,"late":0,"quarantined":2,`) {
		t.Errorf("replay: %d %s%s", code, out, errs)
	}
	if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
		t.Errorf("verify after the replay: %s%s", out, errs)
	}
}

// TestAvroOfAFile drains single objects and bare datums, with the schema in a file.
func TestAvroOfAFile(t *testing.T) {
	brokers := broker(t)
	parsed, err := avroschema.Parse([]byte(second))
	if err != nil {
		t.Fatal(err)
	}
	// The fingerprint is not goavro's, which makes it of a form that is not the canonical one.
	single := append(binary.LittleEndian.AppendUint64([]byte{0xc3, 0x01}, parsed.Fingerprint), payment(t, second, 1)...)
	produce(t, brokers[0], single, payment(t, second, 2), []byte{0xc3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 0}, []byte{})
	dir := t.TempDir()
	file := filepath.Join(dir, "payment.avsc")
	if err := os.WriteFile(file, []byte(second), 0o644); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\ntables:\n", dir, brokers[0]) + fmt.Sprintf(paymentsTable, "avro")
	config := writeConfig(t, text+"    schema_file: "+file+"\n")
	code, out, errs := quiet(t, "run", "-c", config, "--until-current")
	if code != 0 || !strings.Contains(out, "│    4 │ = │       2 │    0 │           2 │") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	for more, want := range map[string]string{
		"":                               "schema_file is missing",
		"    schema_file: not-there\n":   "schema_file: open not-there",
		"    schema_file: " + dir + "\n": "schema_file: read",
	} {
		if code, _, errs := quiet(t, "run", "-c", writeConfig(t, text+more), "--until-current"); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%q: %d %s, want %q", more, code, errs, want)
		}
	}
	registry := strings.Replace(text, "format: avro\n", "format: avro-registry\n", 1)
	if code, _, errs := quiet(t, "run", "-c", writeConfig(t, registry), "--until-current"); code != exitUsage || !strings.Contains(errs, "registry is missing: table payments has format avro-registry") {
		t.Errorf("without a registry: %d %s", code, errs)
	}
}

// ratOf is so many hundredths.
func ratOf(cents int) *big.Rat { return big.NewRat(int64(cents), 100) }

// matches reports whether a line has what a pattern wants.
func matches(lines []string, pattern string) bool {
	return slices.ContainsFunc(lines, regexp.MustCompile(pattern).MatchString)
}

// TestSchemaDiff wants a schema to be compared with a table before any record comes, by
// `schema diff` and by check, and what could not pass to be refused.
func TestSchemaDiff(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	brokers, fake := broker(t), srfake.New()
	t.Cleanup(fake.Close)
	fake.SeedSchema("transactions-value", 1, 1, sr.Schema{Schema: first, Type: sr.TypeAvro})
	text := fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\nregistry: {url: %q}\ntables:\n", t.TempDir(), brokers[0], fake.URL()) +
		fmt.Sprintf(paymentsTable, "avro-registry")
	config := writeConfig(t, text)
	for _, args := range [][]string{{"check", "-c", config}, {"schema", "diff", "-c", config, "--table", "payments"}} {
		code, out, errs := quiet(t, args...)
		if code != 0 || !strings.Contains(out, "transactions-value version 1:") || !strings.Contains(out, "│ missing │ channel │") || !strings.Contains(out, "the column gets its default") {
			t.Errorf("%v: %d %s%s", args, code, out, errs)
		}
	}
	next := filepath.Join(t.TempDir(), "next.avsc")
	if err := os.WriteFile(next, []byte(strings.Replace(second, `"type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}`, `"type":"double"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs := quiet(t, "schema", "diff", "-c", config, "--table", "payments", next)
	if code != exitUsage || !strings.Contains(out, "│ mismatch │ amount") || !strings.Contains(errs, "would be rejected") {
		t.Errorf("money as a double: %d %s%s", code, out, errs)
	}
	fake.SeedSchema("transactions-value", 2, 2, sr.Schema{Schema: strings.Replace(second, `"name":"id"`, `"name":"ident"`, 1), Type: sr.TypeAvro})
	code, out, errs = quiet(t, "check", "-c", config)
	if code != exitUsage || !strings.Contains(out, "the column is required") || !strings.Contains(errs, "subject transactions-value version 2: ") {
		t.Errorf("a key that is gone: %d %s%s", code, out, errs)
	}
	for want, args := range map[string][]string{
		"name a file":                  {"-c", writeConfig(t, strings.Replace(strings.Replace(text, "registry: {", "# {", 1), "avro-registry", "json", 1)), "--table", "payments"},
		"subject nobody":               {"-c", config, "--table", "payments", "--subject", "nobody"},
		"no table of this name":        {"-c", config, "--table", "loans"},
		"open not-there: no such file": {"-c", config, "--table", "payments", "not-there"},
	} {
		if code, _, errs := quiet(t, append([]string{"schema", "diff"}, args...)...); code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%v: %d %s, want %q", args, code, errs, want)
		}
	}
}

// TestFloatForMoney: a schema file that has a float or a double for money is refused at
// start, by every command that reads records; with a registry each record is rejected.
func TestFloatForMoney(t *testing.T) {
	brokers := broker(t)
	for _, c := range []struct {
		amount string
		column string // of the table, in place of what it has
		code   int
		says   string
	}{
		{`"double"`, "", 2, "has a double for column amount, which is a decimal(18,2)"},
		{`["null","float"]`, "", 2, "has a float for column amount, which is a decimal(18,2)"},
		{`"double"`, `"decimal(18,2)", from_float: true`, 0, ""},
		{`{"type":"array","items":"double"}`, `"list<decimal(18,2)>"`, 2, "has a double for column amount, which is a decimal(18,2)"},
		{`{"type":"array","items":"double"}`, `"list<decimal(18,2)>", from_float: true`, 0, ""},
		{`"string"`, "", 0, ""},
		{`{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}`, "", 0, ""},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "payment.avsc")
		text := `{"type":"record","name":"payment","fields":[{"name":"id","type":"long"},{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"amount","type":` + c.amount + `}]}`
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		config := writeConfig(t, fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\ntables:\n", dir, brokers[0])+
			strings.Replace(fmt.Sprintf(paymentsTable, "avro"), "format: avro", "format: avro\n    schema_file: "+file, 1))
		if c.column != "" {
			text, err := os.ReadFile(config)
			if err != nil {
				t.Fatal(err)
			}
			config = writeConfig(t, strings.Replace(string(text), `amount, type: "decimal(18,2)"`, "amount, type: "+c.column, 1))
		}
		code, _, errs := quiet(t, "run", "-c", config, "--until-current")
		if code != c.code || !strings.Contains(errs, c.says) || code != 0 && !strings.Contains(errs, "from_float: true") {
			t.Errorf("%s: exit code %d, want %d, and:\n%s", c.amount, code, c.code, errs)
		}
	}
}
