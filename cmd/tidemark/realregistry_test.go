package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/registry/registrytest"
	"tidemark/internal/registry/wire"
)

// TestBrokerFormats drains what a real registry has the schemas of: JSON whose schema refers to
// another, with ids in front and in headers; and change events in Avro. An id of another kind of
// schema is rejected, and the registry is killed and comes back meanwhile.
func TestBrokerFormats(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	reg := registrytest.Start(t)
	reg.Register(t, "money", registrytest.Schema{Text: jsonMoney, Type: "JSON"})
	one := reg.Register(t, "payments-value", registrytest.Schema{Text: jsonFirst, Type: "JSON"})
	two := reg.Register(t, "payments-value", registrytest.Schema{Text: jsonSecond, Type: "JSON", References: []registrytest.Reference{{Name: "money.json", Subject: "money", Version: 1}}})
	events := reg.Register(t, "changes-value", registrytest.Schema{Text: debeziumAvro("")})
	codec, err := goavro.NewCodec(debeziumAvro(""))
	if err != nil {
		t.Fatal(err)
	}
	behind := func(id uint64, value []byte) []byte {
		return append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, id)), value...)
	}
	content := func(id uint64) []byte { return []byte{0, 0, 0, 0, 0, 0, byte(id >> 8), byte(id)} }
	var records, changes []*kgo.Record
	for i := range 100 {
		rec := &kgo.Record{Topic: "transactions", Value: behind(one+uint64(i%2)*(two-one), []byte(jsonPayment(i)))}
		if i%5 == 0 {
			rec.Value, rec.Headers = []byte(jsonPayment(i)), []kgo.RecordHeader{{Key: wire.HeaderContentID, Value: content(two)}}
		}
		records = append(records, rec)
		changes = append(changes, &kgo.Record{Topic: "transactions", Value: behind(events, changeOf{[]string{"c", "d"}[i%2], []int{-1, i}[i%2], []int{i, -1}[i%2], i}.datum(t, codec, false))})
	}
	records = append(records, &kgo.Record{Topic: "transactions", Value: behind(events, []byte(jsonPayment(1)))}, &kgo.Record{Topic: "transactions", Value: behind(9999, []byte(jsonPayment(1)))})
	changes = append(changes, &kgo.Record{Topic: "transactions", Value: behind(one, changes[0].Value[5:])}, &kgo.Record{Topic: "transactions"})
	for _, c := range []struct {
		name, table, want string
		records           []*kgo.Record
	}{
		{"json-registry", fmt.Sprintf(paymentsTable, "json-registry"), "│  102 │ = │     100 │    0 │           2 │         0 │        0 │", records},
		{"changes", fmt.Sprintf(changesTable, "avro-registry"), "│  102 │ = │     100 │    0 │           1 │         0 │        1 │", changes},
	} {
		brokers, dir := broker(t), t.TempDir()
		client, err := kgo.NewClient(kgo.SeedBrokers(brokers[0]), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}

		err = client.ProduceSync(t.Context(), c.records...).FirstErr()
		client.Close()
		if err != nil {
			t.Fatal(err)
		}
		config := jsonConfig(t, dir, brokers[0], reg.URL, c.table)
		if code, out, errs := quiet(t, "check", "-c", config); code != 0 {
			t.Errorf("%s: check: %d %s%s", c.name, code, out, errs)
		}
		reg.Kill()
		r := launch(t, "run", "-c", config, "--until-current")
		r.until("partition waits for a schema")
		reg.Restart()
		r.until("msg=drained rows=")
		r.end(0)
		if out := r.stdout.String(); !strings.Contains(out, c.want) {
			t.Errorf("%s: fates:\n%s", c.name, out)
		}
		if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
			t.Errorf("%s: verify: %s%s", c.name, out, errs)
		}
		if rows := rowsOf(t, filepath.Join(dir, "lake", "payments")); len(rows) != 100 {
			t.Errorf("%s: %d rows", c.name, len(rows))
		}
	}
}
