// Package schemas finds what records of topics were written with, where a registry has it.
//
// In goes a record's value with its headers; out comes the schema that they name, parsed, or
// why there is none. Nothing here waits: what is not known yet is asked for beside, and Changed
// tells of the answer, so that the pipeline lets only those partitions rest that need it.
//
// Invariants:
//
//	Z1 a record is never set aside because the registry does not answer: only what the registry
//	   itself says is not there, or what cannot be read, is
//	Z2 an id has one schema for as long as it is kept, and a schema that is asked for again is
//	   the client's, which asks the registry once for each id
//	Z3 what is kept is bounded; what is given up for it is found again when it is needed
//
// All methods may be called by many goroutines at once.
package schemas

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/jsonschema"
	"tidemark/internal/registry"
	"tidemark/internal/registry/wire"
)

// Client is the registry, with the meaning that *registry.Client gives its methods.
type Client interface {
	Schema(ctx context.Context, id wire.ID) (registry.Schema, error)
	Uses(ctx context.Context, id wire.ID) ([]registry.Use, error)
	// Bytes is the memory that it holds.
	Bytes() int64
}

const (
	// kept is how many schemas are kept parsed.
	kept = 16 << 10
	// abreast is how many ids are asked for at once.
	abreast = 4
	// keptUses is how many subjects of a schema are kept.
	keptUses = 64
	// believed is how long it is believed that there is no such schema.
	believed = time.Minute
	// pause is the time until a registry is asked again that will not answer before somebody
	// mends something.
	pause = 2 * time.Second
	// named is how long is waited for the subjects of a schema: records are decoded without.
	named = 2 * time.Second
	// inFront is the length of Confluent's header.
	inFront = 5
)

// Registry finds the schemas of records in Avro that a registry has; Protobuf and JSON make the
// same of it for others.
type Registry struct {
	client Client
	log    *slog.Logger
	kick   chan struct{} // wakes Run

	// lately are ids that are known to be at hand, plus one, by their last bits: most records
	// need no more than a look there.
	lately [256]atomic.Uint64

	mu      sync.RWMutex
	known   map[wire.ID]entry
	asked   map[wire.ID]bool // without an answer
	queue   []wire.ID        // of these, not yet taken by Run
	changed chan struct{}
	held    int64 // bytes of known
}

// entry is what is known of an id.
type entry struct {
	written conform.Written // without its place
	file    *file           // of Protobuf, in place of written
	json    *jsonschema.Schema
	origin  *batch.Schema // of json
	until   time.Time     // not believed any longer; zero: for good
	bytes   int64
}

// entryBytes is what an id takes, about, beside its schema.
const entryBytes = 512

// Bytes is the memory that all schemas take, about: parsed here, as text with the client. It
// waits for nothing but a lock.
func (r *Registry) Bytes() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.held + r.client.Bytes()
}

func (e *entry) holds() bool { return e.until.IsZero() || time.Now().Before(e.until) }

// New makes a Registry. Nothing is asked for before Run.
func New(client Client, log *slog.Logger) *Registry {
	return &Registry{
		client: client, log: log, kick: make(chan struct{}, 1),
		known: map[wire.ID]entry{}, asked: map[wire.ID]bool{}, changed: make(chan struct{}),
	}
}

// atHand reports whether nothing has to be looked for: the id in front of the value is among
// those last seen, or it is a tombstone, which was written with nothing.
func (r *Registry) atHand(rec *batch.Record) bool {
	if v := rec.Value; len(rec.Headers) == 0 && len(v) > inFront && v[0] == 0 {
		if id := uint64(binary.BigEndian.Uint32(v[1:])); r.slot(id).Load() == id+1 {
			return true
		}
	}
	return rec.Value == nil
}

// finderOf has seen the headers of a record.
func finderOf(headers []batch.Header) (f wire.Finder) {
	for i := range headers {
		f.Add(headers[i].Key, headers[i].Value)
	}
	return f
}

// Ready implements pipeline.Schemas.
func (r *Registry) Ready(rec *batch.Record) bool {
	if r.atHand(rec) {
		return true
	}
	f := finderOf(rec.Headers)
	w := r.find(&f, rec.Value)
	return w.Schema != nil || w.Reason != ""
}

// Changed implements pipeline.Schemas.
func (r *Registry) Changed() <-chan struct{} {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.changed
}

// Schema implements conform.Schemas.
func (r *Registry) Schema(value, headers []byte) conform.Written {
	f := finderOf(batch.DecodeHeaders(headers))
	return r.find(&f, value)
}

// find finds the schema that the headers of a record name, or what stands in front of its
// value.
func (r *Registry) find(f *wire.Finder, value []byte) conform.Written {
	e, id, at := r.named(f, value)
	return r.placed(e.written, id, at)
}

// named is what is known of the schema that a record names, and where its value begins.
func (r *Registry) named(f *wire.Finder, value []byte) (e entry, id wire.ID, at int) {
	id, _, err := f.ID()
	if err == nil && id.Kind() == wire.None {
		id, _, err = wire.Prefix(value)
		at = inFront
	}
	if err != nil {
		return entry{written: conform.Written{Reason: conform.ReasonWire, Want: err.Error()}}, id, at
	}
	return r.get(id), id, at
}

// placed is what is known of a schema for a value that begins at a place.
func (r *Registry) placed(w conform.Written, id wire.ID, at int) conform.Written {
	w.At, w.Lasting = at, at == inFront && (w.Schema != nil || w.JSON != nil)
	if w.Lasting {
		if n, ok := id.Number(); ok {
			r.slot(n).Store(n + 1)
		}
	}
	return w
}

func (r *Registry) slot(id uint64) *atomic.Uint64 { return &r.lately[id%uint64(len(r.lately))] }

// get is what is known of an id. It is asked for if that is nothing.
func (r *Registry) get(id wire.ID) entry {
	r.mu.RLock()
	e, ok := r.known[id]
	r.mu.RUnlock()
	if ok && e.holds() {
		return e
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok = r.known[id]; ok && e.holds() { // the answer came in between
		return e
	}
	if !r.asked[id] {
		r.asked[id] = true
		r.queue = append(r.queue, id)
		select {
		case r.kick <- struct{}{}:
		default:
		}
	}
	return entry{}
}

// Run asks for what is wanted until ctx is done, and ends with all that it has begun.
func (r *Registry) Run(ctx context.Context) {
	var g errgroup.Group
	g.SetLimit(abreast)
	defer func() { _ = g.Wait() }() // none returns an error
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.kick:
		}
		r.mu.Lock()
		ids := r.queue
		r.queue = nil
		r.mu.Unlock()
		for _, id := range ids {
			g.Go(func() error { r.ask(ctx, id); return nil })
		}
	}
}

// ask asks for an id until there is an answer, or ctx is done.
func (r *Registry) ask(ctx context.Context, id wire.ID) {
	for ctx.Err() == nil {
		s, err := r.client.Schema(ctx, id)
		if ctx.Err() != nil {
			return
		}
		if away := (*registry.UnavailableError)(nil); errors.As(err, &away) {
			r.log.Error("the registry does not answer: partitions that need the schema rest", "schema", id.String(), "err", err)
			select {
			case <-time.After(pause):
				continue
			case <-ctx.Done():
				return
			}
		}
		e := r.entryOf(s, err)
		if e.written.Schema != nil {
			e.written.Origin = r.origin(ctx, id, e.written.Schema)
		}
		if e.file != nil {
			e.file.uses = r.uses(ctx, id)
		}
		if e.json != nil {
			e.origin = newObjects(id, e.json)
			e.origin.Uses = r.uses(ctx, id)
		}
		r.learn(id, e)
		return
	}
}

// origin names a schema, with its subjects if the registry tells them.
func (r *Registry) origin(ctx context.Context, id wire.ID, s *avroschema.Schema) *batch.Schema {
	out := batch.NewAvro(id.String(), s)
	out.Uses = r.uses(ctx, id)
	return out
}

// uses are the subjects of a schema, none if the registry does not tell them.
func (r *Registry) uses(ctx context.Context, id wire.ID) []batch.Use {
	var out []batch.Use
	ctx, stop := context.WithTimeout(ctx, named)
	defer stop()
	uses, err := r.client.Uses(ctx, id)
	if err != nil {
		r.log.Info("the registry does not tell the subjects of a schema", "schema", id.String(), "err", err)
	}
	for _, u := range uses[:min(len(uses), keptUses)] {
		out = append(out, batch.Use(u))
	}
	return out
}

// entryOf is what an answer comes to.
func (r *Registry) entryOf(s registry.Schema, err error) entry {
	none := func(reason, format string, args ...any) entry {
		return entry{written: conform.Written{Reason: reason, Want: fmt.Sprintf(format, args...)}, until: time.Now().Add(believed), bytes: entryBytes}
	}
	var (
		absent   *registry.NotFoundError
		unusable *registry.UnusableError
	)
	switch {
	case errors.As(err, &absent):
		return none(conform.ReasonSchemaUnknown, "a schema that the registry has: %v", err)
	case errors.As(err, &unusable) && unusable.Limit:
		return none(conform.ReasonLimit, "a schema within the limits: %v", err)
	case err != nil:
		return none(conform.ReasonSchemaUnknown, "a schema that can be read: %v", err)
	case s.Type == registry.Protobuf:
		return fileOf(s)
	case s.Type == registry.JSON:
		return objects(s)
	case s.Type != registry.Avro:
		return entry{written: foreign(s, registry.Avro), until: time.Now().Add(believed), bytes: entryBytes}
	}
	refers := make([][]byte, len(s.References))
	for i := range s.References {
		refers[i] = []byte(s.References[i].Text)
	}
	parsed, err := avroschema.Parse([]byte(s.Text), refers...)
	if bad := (*avroschema.Error)(nil); errors.As(err, &bad) && bad.Limit {
		return none(conform.ReasonLimit, "a schema within the limits: %s: %v", s.ID, err)
	}
	if err != nil {
		return none(conform.ReasonSchemaUnknown, "a schema of Avro that can be read: %s: %v", s.ID, err)
	}
	return entry{written: conform.Written{Schema: parsed}, bytes: entryBytes + parsed.Bytes()}
}

// learn keeps what is known of an id, and wakes those who wait.
func (r *Registry) learn(id wire.ID, e entry) {
	switch {
	case e.json != nil && e.json.Why != "":
		r.log.Warn("the fields of a schema cannot be told: its records are read all the same", "schema", id.String(), "why", e.json.Why)
	case e.written.Schema == nil && e.file == nil && e.json == nil:
		r.log.Warn("schema cannot be used: records that name it are rejected", "schema", id.String(), "why", e.written.Want)
	default:
		r.log.Info("schema is at hand", "schema", id.String())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for old := range r.known { // in no order: one is as likely to come again as another
		if len(r.known) < kept {
			break
		}
		r.held -= r.known[old].bytes
		delete(r.known, old)
		if n, ok := old.Number(); ok {
			r.slot(n).CompareAndSwap(n+1, 0)
		}
	}
	r.held += e.bytes - r.known[id].bytes
	r.known[id] = e
	delete(r.asked, id)
	close(r.changed)
	r.changed = make(chan struct{})
}
