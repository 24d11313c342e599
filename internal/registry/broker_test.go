package registry_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/kafkatest"
	"tidemark/internal/registry"
	"tidemark/internal/registry/registrytest"
	"tidemark/internal/registry/wire"
	"tidemark/internal/scripttest"
)

const (
	address  = `{"type":"record","name":"Address","namespace":"bank","fields":[{"name":"city","type":"string"}]}`
	customer = `{"type":"record","name":"Customer","namespace":"bank","fields":[{"name":"home","type":"bank.Address"}]}`
	proto    = `syntax = "proto3"; package bank; message A { message B { int32 n = 1; } } message C {}`
	jsonType = `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"n":{"type":"integer"}}}`
)

// patient is a client that has ten seconds for each answer.
func patient(t *testing.T, url string) (*registry.Client, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return open(t, registry.Config{URLs: []string{url}}), ctx
}

// TestBrokerApicurio is what the fake registry cannot prove: that all this holds of a
// real one, and of records that went through Kafka.
func TestBrokerApicurio(t *testing.T) {
	reg := registrytest.Start(t)
	ids := map[string]uint64{"address": reg.Register(t, "address", registrytest.Schema{Text: address})}
	// The same text under another subject: one content, two versions, so that the two
	// numberings differ from here on.
	if got := reg.Register(t, "home/address %-value", registrytest.Schema{Text: address}); got != ids["address"] {
		t.Fatalf("the same text has ids %d and %d", ids["address"], got)
	}
	ids["customer"] = reg.Register(t, "customer-value", registrytest.Schema{Text: customer, References: []registrytest.Reference{{Name: "bank.Address", Subject: "address", Version: 1}}})
	ids["proto"] = reg.Register(t, "proto-value", registrytest.Schema{Text: proto, Type: "PROTOBUF"})
	ids["json"] = reg.Register(t, "json-value", registrytest.Schema{Text: jsonType, Type: "JSON"})

	t.Run("types", func(t *testing.T) {
		client, ctx := patient(t, reg.URL)
		for name, want := range map[string]registry.Schema{
			"address":  {Type: registry.Avro, Text: address},
			"customer": {Type: registry.Avro, Text: customer, References: []registry.Reference{{Name: "bank.Address", Subject: "address", Version: 1, Text: address}}},
			"proto":    {Type: registry.Protobuf, Text: proto},
			"json":     {Type: registry.JSON, Text: jsonType},
		} {
			got, err := client.Schema(ctx, id(ids[name]))
			if err != nil || got.Type != want.Type || got.Text != want.Text || !slices.Equal(got.References, want.References) {
				t.Errorf("%s: %v, %v, want %v", name, got, err, want)
			}
		}
		if err := client.Ping(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Run("subjects", func(t *testing.T) { realSubjects(t, reg, ids) })
	t.Run("not there", func(t *testing.T) { realAbsence(t, reg) })
	t.Run("records", func(t *testing.T) { realRecords(t, reg, ids) })
	t.Run("slow and broken", func(t *testing.T) { realFaults(t, reg, ids) })
	t.Run("killed", func(t *testing.T) { realChaos(t, reg, ids) })
}

func realSubjects(t *testing.T, reg *registrytest.Registry, ids map[string]uint64) {
	client, ctx := patient(t, reg.URL)
	want := []registry.Use{{Subject: "address", Version: 1}, {Subject: "home/address %-value", Version: 1}}
	for _, id := range []wire.ID{id(ids["address"]), wire.Number(wire.ApicurioContent, ids["address"])} {
		if got, err := client.Uses(ctx, id); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v is used by %v, %v, want %v", id, got, err, want)
		}
	}
	if got, err := client.Uses(ctx, wire.Number(wire.ApicurioGlobal, 2)); err != nil || !slices.Equal(got, want[1:]) {
		t.Errorf("global id 2 is used by %v, %v, want %v", got, err, want[1:])
	}
	if got, err := client.Versions(ctx, "home/address %-value"); err != nil || !slices.Equal(got, []int{1}) {
		t.Errorf("versions %v, %v", got, err)
	}
	v, err := client.Latest(ctx, "customer-value")
	if err != nil || v.Version != 1 || v.Schema.ID != id(ids["customer"]) || v.Schema.Text != customer || names(v.Schema) != "bank.Address=address/1" {
		t.Errorf("latest %v, %v", v, err)
	}
}

// K1: what is not there is told from an address that is wrong.
func realAbsence(t *testing.T, reg *registrytest.Registry) {
	client, ctx := patient(t, reg.URL)
	none := (*registry.NotFoundError)(nil)
	for _, missing := range []wire.ID{id(999), id(1<<31 - 1), id(1 << 31), wire.Number(wire.ApicurioGlobal, 999), wire.Number(wire.ApicurioContent, 999)} {
		if s, err := client.Schema(ctx, missing); !errors.As(err, &none) {
			t.Errorf("%v: %v, %v, want a NotFoundError", missing, s, err)
		}
	}
	if _, err := client.Latest(ctx, "nobody"); !errors.As(err, &none) {
		t.Errorf("latest: %v, want a NotFoundError", err)
	}
	away := (*registry.UnavailableError)(nil)
	if _, err := client.Schema(ctx, wire.NewGUID([16]byte{1})); !errors.As(err, &away) || away.Retry {
		t.Errorf("this registry has no GUIDs, and says %v", err)
	}
	for _, wrong := range []string{strings.TrimSuffix(reg.URL, "/apis/ccompat/v7"), reg.URL + "/v7", strings.TrimSuffix(reg.URL, "v7") + "v77"} {
		lost, ctx := patient(t, wrong)
		if _, err := lost.Schema(ctx, id(1)); !errors.As(err, &away) || away.Retry {
			t.Errorf("at %s: %v, want an outage", wrong, err)
		}
		if err := lost.Ping(ctx); !errors.As(err, &away) {
			t.Errorf("ping at %s: %v, want an outage", wrong, err)
		}
	}
}

// realRecords sends records through Kafka, each naming its schema in one of the ways, and
// finds for each the schema that was meant.
func realRecords(t *testing.T, reg *registrytest.Registry, ids map[string]uint64) {
	broker := kafkatest.Start(t)
	broker.CreateTopic(t, "t", 1)
	eight := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	prefix := func(name string) []byte { return wire.AppendPrefix(nil, id(ids[name])) }
	records := []struct {
		name   string
		value  []byte
		header kgo.RecordHeader
		want   string
	}{
		{"prefix", prefix("customer"), kgo.RecordHeader{}, customer},
		{"prefix and message", wire.AppendMessage(prefix("proto"), 0, 0), kgo.RecordHeader{}, proto},
		{"header", []byte{}, kgo.RecordHeader{Key: wire.HeaderConfluent, Value: prefix("json")}, jsonType},
		{"content", []byte{}, kgo.RecordHeader{Key: wire.HeaderContentID, Value: eight(ids["proto"])}, proto},
		// The fourth version, and not the fourth content, which is the JSON one.
		{"global", []byte{}, kgo.RecordHeader{Key: wire.HeaderGlobalID, Value: eight(4)}, proto},
		{"global of a customer", []byte{}, kgo.RecordHeader{Key: wire.HeaderGlobalID, Value: eight(3)}, customer},
	}
	sender := broker.Client(t)
	for _, r := range records {
		out := &kgo.Record{Topic: "t", Value: r.value}
		if r.header.Key != "" {
			out.Headers = []kgo.RecordHeader{{Key: "trace", Value: []byte("x")}, r.header}
		}
		if err := sender.ProduceSync(t.Context(), out).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	client, ctx := patient(t, reg.URL)
	reader := broker.Client(t, kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var got []*kgo.Record
	for len(got) < len(records) {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		got = append(got, fetches.Records()...)
	}
	for i, r := range got {
		var f wire.Finder
		for _, h := range r.Headers {
			f.Add(h.Key, h.Value)
		}
		id, rest, err := f.ID()
		if err == nil && id.Kind() == wire.None {
			id, rest, err = wire.Prefix(r.Value)
		}
		if err != nil {
			t.Errorf("%s: %v", records[i].name, err)
			continue
		}
		s, err := client.Schema(ctx, id)
		if err != nil || s.Text != records[i].want {
			t.Errorf("%s: %v is %v, %v, want %s", records[i].name, id, s, err, records[i].want)
		}
		if records[i].name != "prefix and message" {
			continue
		}
		if m, after, err := wire.ReadMessage(rest); err != nil || m.Depth() != 2 || len(after) != 0 {
			t.Errorf("message %v, %x, %v", m, after, err)
		}
	}
	if s, err := client.Schema(ctx, wire.Number(wire.ApicurioGlobal, 3)); err != nil || names(s) != "bank.Address=address/1" {
		t.Errorf("references by global id: %v, %v", s, err)
	}
}

// realFaults puts a proxy before the registry that fails each request twice, by a status of
// its own or by silence, before it lets it through.
func realFaults(t *testing.T, reg *registrytest.Registry, ids map[string]uint64) {
	to, err := url.Parse(reg.URL)
	if err != nil {
		t.Fatal(err)
	}
	to.Path = ""
	through := httputil.NewSingleHostReverseProxy(to)
	var mu sync.Mutex
	tries := map[string]int{}
	proxy, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		tries[r.URL.Path]++
		try := tries[r.URL.Path]
		mu.Unlock()
		switch try {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			<-r.Context().Done()
		default:
			through.ServeHTTP(w, r)
		}
	})
	client := open(t, registry.Config{URLs: []string{proxy.URL + "/apis/ccompat/v7"}, Timeout: 500 * time.Millisecond})
	for name, want := range map[string]string{"customer": customer, "proto": proto} {
		if s, err := client.Schema(t.Context(), id(ids[name])); err != nil || s.Text != want {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	none := (*registry.NotFoundError)(nil)
	if _, err := client.Schema(t.Context(), id(999)); !errors.As(err, &none) {
		t.Errorf("%v, want a NotFoundError", err)
	}
}

// K2, K7: while the registry is away, what is known goes on and what is not known waits
// and is never refused; five seconds after it is back, all have their answers.
func realChaos(t *testing.T, reg *registrytest.Registry, ids map[string]uint64) {
	client := open(t, registry.Config{URLs: []string{reg.URL}})
	if _, err := client.Schema(t.Context(), id(ids["address"])); err != nil {
		t.Fatal(err)
	}
	reg.Kill()
	if s, ok := client.Lookup(id(ids["address"])); !ok || s.Text != address {
		t.Errorf("what was known is lost: %v, %v", s, ok)
	}
	hurry, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	away := (*registry.UnavailableError)(nil)
	if _, err := client.Schema(hurry, id(ids["customer"])); !errors.As(err, &away) || !away.Retry || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("killed: %v, want an outage", err)
	}
	var waiting sync.WaitGroup
	for i := range 20 {
		for _, name := range []string{"customer", "proto", "json"} {
			waiting.Go(func() {
				if s, err := client.Schema(t.Context(), id(ids[name])); err != nil || s.Text == "" {
					t.Errorf("%s: %v, %v", name, s, err)
				}
			})
		}
		waiting.Go(func() {
			none := (*registry.NotFoundError)(nil)
			if _, err := client.Schema(t.Context(), id(uint64(5000+i))); !errors.As(err, &none) {
				t.Errorf("%v, want a NotFoundError", err)
			}
		})
	}
	reg.Restart()
	back := time.Now()
	waiting.Wait()
	took := time.Since(back)
	t.Logf("all had their answers %v after the registry's first", took)
	if took > 5*time.Second {
		t.Errorf("it took %v, want five seconds at most", took)
	}
}

// TestTakenPort: `up` on a port on which another one answers does not take the other
// one's answer for its own.
func TestTakenPort(t *testing.T) {
	s, _ := server(t, body("[]"))
	port := s.Listener.Addr().(*net.TCPAddr).Port
	scripttest.RefusesTakenPort(t, port, "registry", "up", "--port", strconv.Itoa(port))
}
