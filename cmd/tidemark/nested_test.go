package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"tidemark/internal/kafkatest"
	"tidemark/internal/registry/wire"
)

const (
	orderAvro = `{"type":"record","name":"order","fields":[{"name":"id","type":"long"},{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
		{"name":"tags","type":{"type":"array","items":["null","string"]}},{"name":"limits","type":{"type":"map","values":"long"}},
		{"name":"place","type":["null",{"type":"record","name":"place","fields":[{"name":"fee","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},{"name":"city","type":"string"}]}]},
		{"name":"items","type":{"type":"array","items":{"type":"record","name":"item","fields":[{"name":"sku","type":"string"},{"name":"n","type":"int"},{"name":"parts","type":{"type":"array","items":"string"}}]}}}]}`
	orderProto = `syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
		message Order { int64 id = 1; google.protobuf.Timestamp at = 2; repeated string tags = 3; map<string, int64> limits = 4; Place place = 5; repeated Item items = 6; }
		message Place { string city = 1; string fee = 2; } message Item { string sku = 1; int32 n = 2; repeated string parts = 3; }`
	ordersTable = `  - name: %s
    topics: [%[1]s]
    format: %s
    event_time: at
    halt_above: 1
    watermark: {delay: 1h}
    columns:
      - {name: id, type: long, required: true}
      - {name: at, type: timestamp, required: true}
      - {name: tags, type: "list<string>"}
      - {name: limits, type: "map<string,long>"}
      - {name: place, type: "struct<city:string,fee:decimal(9,2)>"}
      - {name: items, type: "list<struct<sku:string,n:int,parts:list<string>>>"}
    checks: []
`
)

// order is an event with lists and maps, empty ones and a null among them: as goavro takes it,
// and as JSON.
func order(id int, at time.Time) (native map[string]any, text []byte) {
	tags, items, limits := []any{}, []any{}, map[string]any{}
	doc := map[string]any{"id": id, "at": at.Format(time.RFC3339), "tags": []string{}, "limits": map[string]int{}, "items": []any{}}
	for i := range id % 3 {
		tag := fmt.Sprintf("tag %d", i)
		tags = append(tags, map[string]any{"string": tag})
		doc["tags"] = append(doc["tags"].([]string), tag)
		parts := []string{"a", "b", "c"}[:id%4]
		items = append(items, map[string]any{"sku": tag, "n": i, "parts": parts})
		doc["items"] = append(doc["items"].([]any), map[string]any{"sku": tag, "n": i, "parts": parts})
	}
	if id%5 > 0 {
		limits["day"] = int64(id)
		doc["limits"] = map[string]int{"day": id}
	}
	native = map[string]any{"id": id, "at": at, "tags": tags, "limits": limits, "items": items, "place": nil}
	if id%7 > 0 {
		native["place"] = map[string]any{"place": map[string]any{"city": "Zürich", "fee": big.NewRat(int64(id), 4)}}
		doc["place"] = map[string]any{"city": "Zürich", "fee": big.NewRat(int64(id), 4).FloatString(2)}
	}
	text, _ = json.Marshal(doc)
	return native, text
}

// orderRow is what outside readers see of an event: all values as text.
func orderRow(id int, at time.Time) string {
	tags, items, limits := []string{}, []string{}, ""
	for i := range id % 3 {
		parts, _ := json.Marshal([]string{"a", "b", "c"}[:id%4])
		tags = append(tags, fmt.Sprintf("tag %d", i))
		items = append(items, fmt.Sprintf(`{"sku":"tag %d","n":"%d","parts":%s}`, i, i, parts))
	}
	if id%5 > 0 {
		limits = fmt.Sprintf(`{"key":"day","value":"%d"}`, id)
	}
	all, _ := json.Marshal(tags)
	row := map[string]any{
		"id": strconv.Itoa(id), "at": strconv.FormatInt(at.UnixMicro(), 10), "tags": string(all), "limits": "[" + limits + "]",
		"items": "[" + strings.Join(items, ",") + "]", "place": nil,
	}
	if id%7 > 0 {
		row["place"] = `{"city":"Zürich","fee":"` + big.NewRat(int64(id), 4).FloatString(2) + `"}`
	}
	text, _ := json.Marshal(row)
	return string(text)
}

// orders sends events to three topics, in a format each.
type orders struct {
	t      *testing.T
	client *kgo.Client
	codec  *goavro.Codec
	proto  protoreflect.MessageType
}

func newOrders(t *testing.T, client *kgo.Client) *orders {
	t.Helper()
	codec, err := goavro.NewCodec(orderAvro)
	if err != nil {
		t.Fatal(err)
	}
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{"o.proto": orderProto})})}
	files, err := c.Compile(t.Context(), "o.proto")
	if err != nil {
		t.Fatal(err)
	}
	return &orders{t, client, codec, dynamicpb.NewMessageType(files[0].Messages().Get(0))}
}

func (o *orders) send(id int, at time.Time) {
	o.t.Helper()
	native, text := order(id, at)
	datum, err := o.codec.BinaryFromNative(nil, native)
	if err != nil {
		o.t.Fatal(err)
	}
	m := o.proto.New().Interface()
	if err := protojson.Unmarshal(text, m); err != nil {
		o.t.Fatal(err)
	}
	message, err := proto.Marshal(m)
	if err != nil {
		o.t.Fatal(err)
	}
	for topic, value := range map[string][]byte{
		"json": text, "avro": append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, 1)), datum...),
		"protobuf": append(wire.AppendMessage(wire.AppendPrefix(nil, wire.Number(wire.Confluent, 2)), 0), message...),
	} {
		if err := o.client.ProduceSync(o.t.Context(), &kgo.Record{Topic: topic, Value: value}).FirstErr(); err != nil {
			o.t.Fatal(err)
		}
	}
}

// ownColumns are the rows of an output as outside readers agree on them, without what says where
// they come from.
func ownColumns(t *testing.T, lake, folder string) []string {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "../../scripts/readers", "dump", lake, folder)
	cmd.Stderr = &errs
	dump, err := cmd.Output()
	if err != nil {
		t.Fatalf("readers: %v\n%s", err, &errs)
	}
	var out []string
	for line := range strings.Lines(string(dump)) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(row, func(name string, _ any) bool {
			return !slices.Contains([]string{"id", "at", "tags", "limits", "place", "items"}, name)
		})
		own, _ := json.Marshal(row)
		out = append(out, string(own))
	}
	slices.Sort(out)
	return out
}

// TestBrokerNested: lists, maps and structs come out alike, whatever format they came in through
// Kafka, on time and late; what was written is what its ledger says.
func TestBrokerNested(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	b, fake := kafkatest.Start(t), srfake.New()
	t.Cleanup(fake.Close)
	fake.SeedSchema("avro-value", 1, 1, sr.Schema{Schema: orderAvro, Type: sr.TypeAvro})
	fake.SeedSchema("protobuf-value", 1, 2, sr.Schema{Schema: orderProto, Type: sr.TypeProtobuf})
	dir := t.TempDir()
	text := fmt.Sprintf("lake: file://%s\nsource_system: test\nkafka: {brokers: [%q], group: nested}\nregistry: {url: %q}\ntables:\n", dir, b.Plain, fake.URL())
	tables := map[string]string{"json": "json", "avro": "avro-registry", "protobuf": "protobuf-registry"}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		b.CreateTopic(t, name, 1)
		text += fmt.Sprintf(ordersTable, name, tables[name])
	}
	config := writeConfig(t, text)
	o := newOrders(t, b.Client(t))
	noon := time.Date(2024, 5, 10, 12, 0, 0, 0, time.UTC)
	want := map[string][]string{}
	send := func(suffix string, id int, at time.Time) {
		o.send(id, at)
		want[suffix] = append(want[suffix], orderRow(id, at))
	}
	for i := range 300 {
		send("", i, noon.AddDate(0, 0, i%3).Add(time.Duration(i)*time.Minute)) // days alternate
	}
	for _, later := range []int{0, 40} { // these are of the days before
		for i := range later {
			send("_late", 1000+i, noon.AddDate(0, 0, -1-i%2))
		}
		if code, _, errs := quiet(t, "run", "-c", config, "--until-current"); code != 0 {
			t.Fatal(errs)
		}
	}
	if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
		t.Errorf("verify: %s%s", out, errs)
	}
	for suffix, rows := range want {
		slices.Sort(rows)
		for name := range tables {
			got := ownColumns(t, dir, name+suffix)
			for i := range min(len(got), len(rows)) {
				if got[i] != rows[i] {
					t.Fatalf("%s%s: got  %s\nwant %s", name, suffix, got[i], rows[i])
				}
			}
			if len(got) != len(rows) {
				t.Errorf("%s%s: got %d rows, want %d", name, suffix, len(got), len(rows))
			}
		}
	}
}
