package schemas

import (
	"tidemark/conform"
	"tidemark/internal/batch"
	"tidemark/internal/jsonschema"
	"tidemark/internal/registry"
	"tidemark/internal/registry/wire"
)

// objects is what the text of a JSON Schema comes to. Its values are JSON, which is read whatever
// it says: one whose fields cannot be told is no reason to set a record aside.
func objects(s registry.Schema) entry {
	refers := make([]jsonschema.Reference, len(s.References))
	for i, r := range s.References {
		refers[i] = jsonschema.Reference{Name: r.Name, Text: r.Text}
	}
	parsed, err := jsonschema.Parse(s.Text, refers...)
	if err != nil {
		parsed = jsonschema.Unread(err.Error())
	}
	return entry{written: foreign(s, registry.Avro), json: parsed, bytes: entryBytes + parsed.Bytes()}
}

// foreign is what records find that look for another kind of schema than this.
func foreign(s registry.Schema, want registry.Type) conform.Written {
	name := map[registry.Type]string{registry.Avro: "Avro", registry.JSON: "JSON", registry.Protobuf: "Protobuf"}[want]
	return conform.Written{Reason: conform.ReasonSchemaUnknown, Want: "a schema of " + name + ": " + s.ID.String() + " is one of " + string(s.Type)}
}

// newObjects describes a JSON Schema.
func newObjects(id wire.ID, s *jsonschema.Schema) *batch.Schema {
	out := &batch.Schema{ID: id.String()}
	for i := range s.Root.Fields {
		f := &s.Root.Fields[i]
		out.Fields = append(out.Fields, batch.Field{Name: f.Name, Type: f.Describe()})
	}
	return out
}

// JSON finds the schemas of records in JSON that a registry has. It shares all that the Registry
// knows. The id stands where that of a record in Avro does: nothing is between it and the value.
type JSON struct{ *Registry }

// JSON is r for records in JSON.
func (r *Registry) JSON() JSON { return JSON{r} }

// Ready implements pipeline.Schemas.
func (j JSON) Ready(rec *batch.Record) bool {
	if j.atHand(rec) {
		return true
	}
	f := finderOf(rec.Headers)
	w := j.find(&f, rec.Value)
	return w.JSON != nil || w.Reason != ""
}

// Schema implements conform.Schemas.
func (j JSON) Schema(value, headers []byte) conform.Written {
	f := finderOf(batch.DecodeHeaders(headers))
	return j.find(&f, value)
}

// find finds the schema that the headers of a record name, or what stands in front of its value.
func (j JSON) find(f *wire.Finder, value []byte) conform.Written {
	e, id, at := j.named(f, value)
	switch {
	case e.json != nil:
		e.written = conform.Written{JSON: e.json, Origin: e.origin}
	case e.written.Schema != nil:
		e.written = foreign(registry.Schema{ID: id, Type: registry.Avro}, registry.JSON)
	case e.file != nil:
		e.written = foreign(registry.Schema{ID: id, Type: registry.Protobuf}, registry.JSON)
	}
	return j.placed(e.written, id, at)
}
