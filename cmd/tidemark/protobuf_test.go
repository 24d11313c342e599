package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"google.golang.org/protobuf/encoding/protowire"

	"tidemark/internal/registry/wire"
)

// Two versions of one event: in the second the id is wider, and a field is new. Between them
// in the file stands another message.
const (
	protoMoney  = `syntax = "proto3"; package bank; message Money { bytes unscaled = 1; int32 scale = 3; string text = 4; }`
	protoFirst  = `syntax = "proto3"; package bank; import "bank/money.proto"; import "google/protobuf/timestamp.proto"; message Payment { int32 id = 1; google.protobuf.Timestamp at = 2; Money money = 3; } message Other { string x = 1; }`
	protoSecond = `syntax = "proto3"; package bank; import "bank/money.proto"; import "google/protobuf/timestamp.proto"; message Other { string x = 1; message Payment { optional string channel = 9; int64 id = 1; google.protobuf.Timestamp at = 2; Money money = 3; } }`
)

// protoPayment is the bytes of an event in the second version, which the first reads as well.
func protoPayment(id int, second bool) []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(id))
	at := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(1795342530+id%60))
	b = protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), at)
	money := protowire.AppendString(protowire.AppendTag(nil, 4, protowire.BytesType), fmt.Sprintf("%d.%02d", id/100, id%100))
	b = protowire.AppendBytes(protowire.AppendTag(b, 3, protowire.BytesType), money)
	if second {
		b = protowire.AppendString(protowire.AppendTag(b, 9, protowire.BytesType), "web")
	}
	return b
}

// TestProtobufFromARegistry drains a topic whose records alternate between versions of a schema
// that imports another, while the registry is away at first; what nobody can read is rejected
// with its schema's id, and replayed once somebody can.
func TestProtobufFromARegistry(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	brokers, fake := broker(t), srfake.New()
	t.Cleanup(fake.Close)
	refers := []sr.SchemaReference{{Name: "bank/money.proto", Subject: "money", Version: 1}}
	fake.SeedSchema("money", 1, 9, sr.Schema{Schema: protoMoney, Type: sr.TypeProtobuf})
	fake.SeedSchema("transactions-value", 1, 1, sr.Schema{Schema: protoFirst, Type: sr.TypeProtobuf, References: refers})
	fake.SeedSchema("transactions-value", 2, 2, sr.Schema{Schema: protoSecond, Type: sr.TypeProtobuf, References: refers})
	var away atomic.Bool
	away.Store(true)
	fake.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return away.Load()
	})
	head := func(id uint64, indexes ...int) []byte {
		return wire.AppendMessage(wire.AppendPrefix(nil, wire.Number(wire.Confluent, id)), indexes...)
	}
	var values [][]byte
	for i := range 200 {
		if i%2 == 1 {
			values = append(values, append(head(2, 0, 0), protoPayment(i, true)...))
		} else {
			values = append(values, append(head(1, 0), protoPayment(i, false)...))
		}
	}
	values = append(values, append(head(3, 0), protoPayment(1000, false)...), []byte(`{"id":1}`), values[0][:9], append(head(1, 7), protoPayment(1, false)...))
	produce(t, brokers[0], values...)

	dir := t.TempDir()
	table := strings.Replace(fmt.Sprintf(paymentsTable, "protobuf-registry"), `{name: amount, type: "decimal(18,2)"}`, `{name: amount, type: "decimal(18,2)", from: money.text}`, 1)
	text := fmt.Sprintf("lake: file://%s/lake\nsource_system: test\nkafka: {brokers: [%q], group: g}\nregistry: {url: %q}\nbatch: {max_age: 200ms}\ntables:\n",
		dir, brokers[0], fake.URL()) + table
	config := writeConfig(t, text)
	r := launch(t, "run", "-c", config, "--until-current")
	r.until("partition waits for a schema")
	away.Store(false)
	r.until("msg=drained rows=")
	r.end(0)
	if out := r.stdout.String(); !strings.Contains(out, "│  204 │ = │     200 │    0 │           4 │") {
		t.Errorf("fates:\n%s", out)
	}
	for _, want := range []string{"change=widen column=id from=int32", "schema is at hand.*schema=2"} {
		if !matches(r.seen, want) {
			t.Errorf("the log has no %s:\n%s", want, strings.Join(r.seen, "\n"))
		}
	}
	if code, out, errs := quiet(t, "verify", "-c", config, "--deep"); code != 0 {
		t.Errorf("verify: %s%s", out, errs)
	}
	records, err := filepath.Glob(filepath.Join(dir, "lake", "_tidemark", "payments", "ledger", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	ledger := ""
	for _, name := range records {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ledger += string(text)
	}
	if !strings.Contains(ledger, `"2 bank.Other.Payment"`) {
		t.Errorf("the ledger does not name the second schema: %s", ledger)
	}

	fake.SeedSchema("transactions-value", 3, 3, sr.Schema{Schema: protoFirst, Type: sr.TypeProtobuf, References: refers})
	if got, want := rejectedIDs(t, filepath.Join(dir, "lake", "payments_quarantine")), "[1 1 3 null]"; got != want {
		t.Errorf("_schema_id of what is rejected: %s, want %s", got, want)
	}
	code, out, errs := quiet(t, "replay", "-c", config, "--table", "payments", "--json")
	if code != 0 || !strings.Contains(out, `"counts":{"read":4,"written":1,"late":0,"quarantined":3,`) {
		t.Errorf("replay: %d %s%s", code, out, errs)
	}

	// What a newer version would mean, before any record has it.
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{0, "transactions-value version 3 (bank.Payment):", []string{"check", "-c", config}},
		{0, "│ widen    │ id      │ int32", []string{"schema", "diff", "-c", config, "--table", "payments"}},
		{exitUsage, "the column is required", []string{"schema", "diff", "-c", config, "--table", "payments", "--message", "Other"}},
		{1, "has no message Nobody at its top", []string{"schema", "diff", "-c", config, "--table", "payments", "--message", "Nobody"}},
		{exitUsage, "│ mismatch │ amount", []string{"schema", "diff", "-c", config, "--table", "payments", protoTemp(t,
			`syntax = "proto3"; message P { int64 id = 1; int64 at = 2; Money money = 3; message Money { double text = 1; } }`)}},
	} {
		code, out, errs := quiet(t, c.args...)
		if code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%v: %d, want %d and %s\n%s%s", c.args, code, c.code, c.want, out, errs)
		}
	}
}

// rejectedIDs are the schema ids of a quarantine, in order.
func rejectedIDs(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".parquet" {
			return err
		}
		rows, err := parquet.ReadFile[struct {
			ID *int32 `parquet:"_schema_id,optional"`
		}](path)
		for _, r := range rows {
			if r.ID == nil {
				out = append(out, "null")
			} else {
				out = append(out, fmt.Sprint(*r.ID))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}

func protoTemp(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "next.proto")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}
