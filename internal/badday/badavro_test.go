package badday_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/avroschema"
	"tidemark/internal/ledger"
)

// bad is a record in Avro that is none, or that a table does not take.
type bad struct {
	name  string
	value string
	want  string // the reason, empty: it is accepted
}

// planted stands in many of the values, and must stand in no log.
const planted = "PLANTED-4929-1234"

func zig(x int64) string       { return string(binary.AppendVarint(nil, x)) }
func avroText(s string) string { return zig(int64(len(s))) + s }

// badFields are the fields behind id of the schema that most of the corpus is written with:
// a field of each kind that can be wrong in its own way.
const badFields = `{"name":"note","type":["null","string"]},{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}},` +
	`{"name":"kind","type":{"type":"enum","name":"k","symbols":["A","B"]}},{"name":"ok","type":"boolean"},{"name":"many","type":{"type":"array","items":"long"}},` +
	`{"name":"named","type":{"type":"map","values":"long"}}`

func badRecord(fields string) string {
	return `{"type":"record","name":"r","fields":[{"name":"id","type":"long"},` + fields + `]}`
}

// goodDatum is a record of that schema.
func goodDatum(id int64, note string) string {
	return zig(id) + zig(1) + avroText(note) + avroText("\x01\x02") + zig(1) + "\x01" + zig(1) + zig(7) + zig(0) + zig(0)
}

// badDatums are the datums of that schema that are none.
func badDatums() []bad {
	head := zig(7) + zig(1) + avroText(planted)
	amount, rest := avroText("\x01\x02"), zig(0)+zig(0)
	out := []bad{
		{"whole", goodDatum(7, planted), ""},
		{"bytes behind", goodDatum(7, planted) + "x", "trailing"},
		{"length 2^62", zig(7) + zig(1) + zig(1<<62) + planted, "syntax"},
		{"length -5", zig(7) + zig(1) + zig(-5) + planted, "syntax"},
		{"union 99", zig(7) + zig(99) + avroText(planted), "syntax"},
		{"union -1", zig(7) + zig(-1) + avroText(planted), "syntax"},
		{"enum -1", head + amount + zig(-1) + "\x01" + rest, "syntax"},
		{"enum 2", head + amount + zig(2) + "\x01" + rest, "syntax"},
		{"boolean 2", head + amount + zig(1) + "\x02" + rest, "syntax"},
		{"long of eleven bytes", strings.Repeat("\x80", 10) + "\x00" + planted, "syntax"},
		{"array of 2^30", head + amount + zig(1) + "\x01" + zig(1<<30) + zig(0), "limit"},
		{"array of -2^63", head + amount + zig(1) + "\x01" + zig(math.MinInt64) + zig(0), "limit"},
		{"map of 2^30", head + amount + zig(1) + "\x01" + zig(0) + zig(1<<30), "limit"},
		{"block that lies", head + amount + zig(1) + "\x01" + zig(-1) + zig(9) + zig(7) + zig(0) + zig(0), "limit"},
		{"text that is none", zig(7) + zig(1) + avroText(planted+"\xff") + amount + zig(1) + "\x01" + rest, "encoding"},
		{"decimal of more digits", head + avroText("\x7f\xff\xff") + zig(1) + "\x01" + rest, "overflow"},
		{"decimal of no bytes", head + avroText("") + zig(1) + "\x01" + rest, "syntax"},
	}
	whole := goodDatum(7, planted)
	for n := range len(whole) {
		out = append(out, bad{fmt.Sprintf("cut at byte %d", n), whole[:n], "syntax"})
	}
	return out
}

// badIDs are schemas of a registry, by id from 1 on; 1 is that of badDatums.
func badIDs() []string {
	float := func(kind string) string { return badRecord(`{"name":"amount","type":` + kind + `}`) }
	return []string{
		badRecord(badFields), float(`"double"`), float(`["null","float"]`),
		badRecord(`{"name":"deep","type":` + strings.Repeat(`{"type":"array","items":`, 3000) + `"int"` + strings.Repeat("}", 3000) + `}`),
		badRecord(`{"name":"self","type":["null","r"]}`),
		badRecord(`{"name":"note","type":"string","doc":"` + strings.Repeat("x", 900_000) + `"},` + strings.TrimSuffix(strings.Repeat(`{"name":"f","type":"int"},`, 6000), ",")),
		`{"type":"record"`, `"long"`, badRecord(`{"name":"self","type":"r"}`),
	}
}

// registryOf has schemas by id from 1 on, each of a type.
func registryOf(t *testing.T, kind func(id int) string, texts []string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/schemas/ids/"), "/")
		n, err := strconv.Atoi(id)
		if err != nil || rest != "" || n < 1 || n > len(texts) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":40403,"message":"Schema not found"}`)
			return
		}
		answer := map[string]string{"schema": texts[n-1]}
		if k := kind(n); k != "" {
			answer["schemaType"] = k
		}
		_ = json.NewEncoder(w).Encode(answer) // whoever asks sees that it ends
	}))
	t.Cleanup(s.Close)
	return s
}

// testBadAvro puts the corpus through the program, in a topic each with a registry and with
// a schema file: each record between good ones.
func testBadAvro(t *testing.T, h *house) {
	t.Run("avro-registry", func(t *testing.T) {
		framed := func(id int, datum string) string {
			return "\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(id))) + datum
		}
		all := []bad{
			{"one byte", "\x00", "wire"}, {"four bytes", "\x00\x00\x00\x00", "wire"}, {"another mark", "\x01" + framed(1, goodDatum(7, planted))[1:], "wire"},
			{"JSON", `{"id":7,"note":"` + planted + `"}`, "wire"}, {"nothing behind the id", framed(1, ""), "syntax"},
			{"an id that is not there", framed(99, planted), "schema_unknown"}, {"the largest id", "\x00\xff\xff\xff\xff" + planted, "schema_unknown"},
			{"double for money", framed(2, zig(7)+"\x00\x00\x00\x00\x00\x00\x29\x40"), "schema_mismatch"},
			{"float for money", framed(3, zig(7)+zig(1)+"\x00\x00\x48\x41"), "schema_mismatch"},
			{"null where money is a float", framed(3, zig(7)+zig(0)), ""},
			{"arrays 3,000 deep", framed(4, planted), "limit"}, {"a schema within itself without end", framed(9, planted), "limit"},
			{"records 150 deep", framed(5, strings.Repeat(zig(7)+zig(1), 150)+zig(7)+zig(0)), "limit"}, {"a record in a record", framed(5, zig(7)+zig(1)+zig(7)+zig(0)), ""},
			{"a schema of a megabyte", framed(6, planted), "limit"}, {"a schema that is no JSON", framed(7, planted), "schema_unknown"},
			{"a schema of no record", framed(8, zig(7)), "schema_unknown"},
		}
		for _, b := range badDatums() {
			if b.value != "" {
				all = append(all, bad{b.name, framed(1, b.value), b.want})
			}
		}
		texts := badIDs()
		s := registryOf(t, func(int) string { return "" }, texts)
		h.badRecords(t, "avro-registry", fmt.Sprintf("registry: {url: %q}", s.URL), func(id int64) string { return framed(1, goodDatum(id, "neighbour")) }, all)
	})
	t.Run("avro", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "r.avsc")
		must(t, os.WriteFile(file, []byte(badIDs()[0]), 0o600))
		parsed, err := avroschema.Parse([]byte(badIDs()[0]))
		must(t, err)
		single := "\xc3\x01" + string(binary.LittleEndian.AppendUint64(nil, parsed.Fingerprint))
		all := []bad{
			{"nothing", "", "empty"}, {"a fingerprint of five bytes", "\xc3\x01" + "12345", "wire"},
			{"a fingerprint of another schema", "\xc3\x01" + "12345678" + planted, "schema_unknown"}, {"nothing behind the fingerprint", single, "syntax"},
		}
		for _, b := range badDatums() {
			all = append(all, bad{b.name + ", single object", single + b.value, b.want})
			if b.value != "" {
				all = append(all, bad{b.name + ", bare", b.value, b.want})
			}
		}
		h.badRecords(t, "avro", file, func(id int64) string { return goodDatum(id, "neighbour") }, all)
	})
}

// badRecords drains a topic with a corpus in it, each record of it beside a good one. What tells of
// schemas is a key of the file, or the name of a schema's.
func (h *house) badRecords(t *testing.T, format, schemas string, good func(id int64) string, all []bad) {
	tp := h.newTopic(t, "bad-"+strings.NewReplacer(", ", "-", ": ", "-").Replace(format), 1)
	var out []*kgo.Record
	for i, b := range all {
		for _, v := range []string{good(int64(1000 + i)), b.value} {
			out = append(out, &kgo.Record{Topic: tp.name, Value: []byte(v)})
		}
	}
	out = append(out, &kgo.Record{Topic: tp.name}) // a tombstone
	tp.put(tp.client, out...)
	j := h.newJob(t, tp)
	top, own := schemas, ""
	if format == "avro" {
		top, own = "", "schema_file: "+schemas+", "
	}
	after, changes := "tombstone", strings.Contains(format, "debezium")
	if changes {
		after = "" // it is left out
	}
	name := filepath.Join(j.dir, "bad.yaml")
	must(t, os.WriteFile(name, fmt.Appendf(nil, `lake: "file://%s"
source_system: badday
kafka: {brokers: ["%s"], group: "%s"}
batch: {max_age: 300ms, max_rows: 50}
memory: 256MiB
%s
tables:
  - {name: %s, topics: ["%s"], format: %s, %spartition_by: none, halt_above: 1, checks: [], columns: [{name: id, type: long, required: true}, {name: note, type: string}, {name: amount, type: "decimal(18,2)"}, {name: kind, type: string}, {name: ok, type: boolean}]}
`, j.lake, tp.broker.Plain, j.set.group, top, table, tp.name, format, own), 0o600))
	from := time.Now()
	p := j.start([]string{"--log-format", "json", "--log-level", "debug", "run", "-c", name, "--until-current"})
	watched := p.watch()
	p.ends(0)
	peak := watched()
	t.Logf("%d records: %s, %d MiB at most", len(out), time.Since(from).Round(time.Millisecond), peak>>20)
	if strings.Contains(p.stderr, planted) || strings.Contains(p.stderr, "neighbour") {
		t.Errorf("the log has the value of a record:\n%s", p.stderr)
	}
	if peak > 256<<20 {
		t.Errorf("the program had %d MiB at most, and memory is 256 MiB", peak>>20)
	}
	fates, values := map[int64]string{}, map[int64]string{}
	for _, o := range []ledger.Output{ledger.Main, ledger.Quarantine} {
		for _, row := range j.lake.rows(t, o) {
			at := number(t, row, "_offset")
			if _, twice := fates[at]; twice {
				t.Errorf("offset %d is in the lake twice", at)
			}
			fates[at], values[at] = string(row["_reason"].Bytes()), string(row["_value"].Bytes())
			if o == ledger.Main && at%2 == 0 && (number(t, row, "id") != 1000+at/2 || row["note"].String() != "neighbour" || number(t, row, "amount") != 258) {
				t.Errorf("the good record at offset %d became %v", at, row)
			}
		}
	}
	for i, b := range all {
		at := int64(2*i + 1)
		if got, ok := fates[at-1]; !ok || got != "" {
			t.Errorf("beside %q a good record is %q, %v", b.name, got, ok)
		}
		got, ok := fates[at]
		if !ok || got != b.want {
			t.Errorf("%s: got %q (there: %v), want %q", b.name, got, ok, b.want)
		}
		if b.want != "" && values[at] != b.value {
			t.Errorf("%s: %d bytes of %d are kept", b.name, len(values[at]), len(b.value))
		}
	}
	if got, ok := fates[int64(2*len(all))]; got != after || ok == changes {
		t.Errorf("a tombstone is %q, there: %v", got, ok)
	}
	j.run(0, []string{"--log-format", "json", "verify", "-c", name, "--deep"})
}
