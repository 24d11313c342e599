package schemas_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/registry"
	"tidemark/internal/registry/wire"
	"tidemark/internal/schemas"
)

// client answers from a table, once it may.
type client struct {
	mu    sync.Mutex
	texts map[wire.ID]registry.Schema
	errs  map[wire.ID]error
	asked map[wire.ID]int
	away  bool

	nameless bool          // it tells no subjects
	opened   chan struct{} // nil: answers come at once
}

var errAway = &registry.UnavailableError{What: "schema", Host: "here", Why: "it is away"}

func (c *client) Bytes() int64 { return 1 << 40 }

func (c *client) Uses(_ context.Context, id wire.ID) ([]registry.Use, error) {
	if c.nameless {
		return nil, errAway
	}
	return []registry.Use{{Subject: "other", Version: 9}, {Subject: "t-value", Version: 3}}, nil
}

func (c *client) Schema(ctx context.Context, id wire.ID) (registry.Schema, error) {
	if c.opened != nil {
		select {
		case <-c.opened:
		case <-ctx.Done():
			return registry.Schema{}, ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[id]++
	if c.away {
		return registry.Schema{}, errAway
	}
	if err := c.errs[id]; err != nil {
		return registry.Schema{}, err
	}
	if s, ok := c.texts[id]; ok {
		return s, nil
	}
	return registry.Schema{}, &registry.NotFoundError{What: "schema " + id.String()}
}

const record = `{"type":"record","name":"r","fields":[{"name":"id","type":"long"}]}`

func one(n uint64) wire.ID { return wire.Number(wire.Confluent, n) }

func newClient() *client {
	return &client{
		texts: map[wire.ID]registry.Schema{
			one(7): {ID: one(7), Type: registry.Avro, Text: record},
			one(8): {ID: one(8), Type: registry.JSON, Text: "{}"},
			one(9): {ID: one(9), Type: registry.Avro, Text: `{"type":"record"`},
			one(10): {ID: one(10), Type: registry.Avro, Text: `{"type":"record","name":"o","fields":[{"name":"x","type":"r"}]}`,
				References: []registry.Reference{{Name: "r", Text: record}}},
			wire.Number(wire.ApicurioGlobal, 7): {Type: registry.Avro, Text: record},
		},
		errs: map[wire.ID]error{
			one(11): &registry.UnusableError{What: "schema 11", Why: "it is large", Limit: true},
			one(12): &registry.UnusableError{What: "schema 12", Why: "a reference leads nowhere"},
		},
		asked: map[wire.ID]int{},
	}
}

func value(n uint64, datum string) []byte {
	return append(wire.AppendPrefix(nil, one(n)), datum...)
}

// started is a Registry at work until the test ends.
func started(t *testing.T, c *client) *schemas.Registry {
	t.Helper()
	r := schemas.New(c, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		r.Run(ctx)
		close(done)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return r
}

// await waits until a record can be decoded.
func await(t *testing.T, r *schemas.Registry, rec *batch.Record) conform.Written {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		changed := r.Changed()
		if r.Ready(rec) {
			var headers []byte
			if len(rec.Headers) > 0 {
				headers = batch.EncodeHeaders(nil, rec.Headers)
			}
			return r.Schema(rec.Value, headers)
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatal("no answer")
		}
	}
}

// TestFinds says what becomes of each way to name a schema.
func TestFinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, newClient())
		global := []batch.Header{{Key: "trace", Value: []byte("x")}, {Key: wire.HeaderGlobalID, Value: []byte{0, 0, 0, 0, 0, 0, 0, 7}}}
		for _, c := range []struct {
			name    string
			rec     batch.Record
			reason  string
			want    string
			at      int
			lasting bool
		}{
			{"in front", batch.Record{Value: value(7, "\x02")}, "", "", 5, true},
			{"in front, beside a header of another kind", batch.Record{Value: value(7, "\x02"), Headers: global[:1]}, "", "", 5, true},
			{"refers to another", batch.Record{Value: value(10, "\x02")}, "", "", 5, true},
			{"in a header", batch.Record{Value: []byte("\x02"), Headers: global}, "", "", 0, false},
			{"a header that is none", batch.Record{Value: value(7, "\x02"), Headers: []batch.Header{{Key: wire.HeaderGlobalID, Value: []byte{1}}}}, conform.ReasonWire, "", 0, false},
			{"nowhere", batch.Record{Value: []byte("{}")}, conform.ReasonWire, "", 5, false},
			{"of an empty value", batch.Record{Value: []byte{}}, conform.ReasonWire, "", 5, false},
			{"nobody has it", batch.Record{Value: value(99, "")}, conform.ReasonSchemaUnknown, "99", 5, false},
			{"of another kind", batch.Record{Value: value(8, "")}, conform.ReasonSchemaUnknown, "8 is one of JSON", 5, false},
			{"not to be read", batch.Record{Value: value(9, "")}, conform.ReasonSchemaUnknown, "9", 5, false},
			{"too large", batch.Record{Value: value(11, "")}, conform.ReasonLimit, "11", 5, false},
			{"not to be used", batch.Record{Value: value(12, "")}, conform.ReasonSchemaUnknown, "12", 5, false},
		} {
			w := await(t, r, &c.rec)
			if w.Reason != c.reason || !strings.Contains(w.Want, c.want) || (w.Schema == nil) != (c.reason != "") {
				t.Errorf("%s: got %q %q, schema %t", c.name, w.Reason, w.Want, w.Schema != nil)
			}
			if w.Schema != nil && (w.At != c.at || w.Lasting != c.lasting) {
				t.Errorf("%s: at %d, lasting %t", c.name, w.At, w.Lasting)
			}
		}
		w := await(t, r, &batch.Record{Value: value(7, "\x02")})
		if o := w.Origin; o == nil || o.ID != "7" || o.Of("t") != (batch.Use{Subject: "t-value", Version: 3}) || o.Of("u") != (batch.Use{Subject: "other", Version: 9}) ||
			len(o.Fields) != 1 || o.Fields[0] != (batch.Field{Name: "id", Type: "long"}) {
			t.Errorf("origin: got %+v", o)
		}
		if !r.Ready(&batch.Record{}) {
			t.Error("a tombstone waits for a schema")
		}
		a, b := await(t, r, &batch.Record{Value: value(7, "\x02")}), await(t, r, &batch.Record{Value: value(7, "\x04")})
		if a.Schema != b.Schema {
			t.Error("one id has two schemas (Z2)")
		}
	})
}

// TestAway wants no record to be set aside while the registry does not answer (Z1), each id
// to be asked for once, and what is not there to be asked for again after a minute.
func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient()
		c.away = true
		r := started(t, c)
		known, unknown := batch.Record{Value: value(7, "\x02")}, batch.Record{Value: value(99, "\x02")}
		for range 100 {
			if r.Ready(&known) || r.Ready(&unknown) {
				t.Fatal("a record is ready whose schema nobody has told")
			}
			if w := r.Schema(known.Value, nil); w.Schema != nil || w.Reason != "" {
				t.Fatalf("got %+v, want nothing yet", w)
			}
		}
		after(9 * time.Second)
		c.mu.Lock()
		if n := c.asked[one(7)]; n < 2 || n > 6 {
			t.Errorf("asked %d times in nine seconds", n)
		}
		c.away = false
		c.mu.Unlock()
		if w := await(t, r, &known); w.Schema == nil {
			t.Errorf("got %+v", w)
		}
		if w := await(t, r, &unknown); w.Reason != conform.ReasonSchemaUnknown {
			t.Errorf("got %+v", w)
		}
		c.mu.Lock()
		before := c.asked[one(99)]
		c.texts[one(99)] = registry.Schema{ID: one(99), Type: registry.Avro, Text: record}
		c.mu.Unlock()
		after(30 * time.Second)
		await(t, r, &unknown)
		c.mu.Lock()
		if c.asked[one(99)] != before {
			t.Error("it was asked for again within a minute")
		}
		c.mu.Unlock()
		after(31 * time.Second)
		if w := await(t, r, &unknown); w.Schema == nil {
			t.Errorf("after a minute: got %+v, want the schema that is there now", w)
		}
	})
}

// TestNameless wants records not to wait for the names of their schema.
func TestNameless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient()
		c.nameless = true
		r := started(t, c)
		w := await(t, r, &batch.Record{Value: value(7, "\x02")})
		if w.Schema == nil || w.Origin == nil || w.Origin.Of("t") != (batch.Use{}) {
			t.Errorf("got %+v", w)
		}
	})
}

// TestMany wants what is kept to be bounded, and what was given up to be found again (Z3).
func TestMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient()
		const n = 40_000
		for i := range uint64(n) {
			c.texts[one(100+i)] = registry.Schema{ID: one(100 + i), Type: registry.Avro, Text: record}
		}
		r := started(t, c)
		for i := range uint64(n) {
			rec := batch.Record{Value: value(100+i, "\x02")}
			if w := await(t, r, &rec); w.Schema == nil {
				t.Fatalf("id %d: got %+v", 100+i, w)
			}
		}
		first := batch.Record{Value: value(100, "\x02")}
		if w := await(t, r, &first); w.Schema == nil {
			t.Errorf("got %+v", w)
		}
		if got := c.asked[one(100)]; got > 2 {
			t.Errorf("asked %d times for one", got)
		}
	})
}

// TestEnds wants Run to end with its context whatever the registry does.
func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient()
		c.opened = make(chan struct{})
		r := schemas.New(c, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancelCause(t.Context())
		done := make(chan struct{})
		go func() {
			r.Run(ctx)
			close(done)
		}()
		for i := range uint64(20) {
			r.Ready(&batch.Record{Value: value(i, "")})
		}
		synctest.Wait()
		stop(errors.New("the end"))
		<-done
	})
}

func BenchmarkReady(b *testing.B) {
	c := newClient()
	r := schemas.New(c, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	go r.Run(ctx)
	rec := batch.Record{Value: value(7, "\x02")}
	for changed := r.Changed(); !r.Ready(&rec); {
		<-changed
	}
	for b.Loop() {
		if !r.Ready(&rec) {
			b.Fatal("not ready")
		}
	}
}

// after waits, in virtual time.
func after(d time.Duration) { <-time.After(d) }
