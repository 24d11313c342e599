package batch

import (
	"tidemark/internal/avroschema"
)

// Schema is what records were written with, as whoever keeps schemas names it. It is made
// once for each schema, never for a record, and never changes.
type Schema struct {
	ID     string  // its number in a registry, or a fingerprint
	Uses   []Use   // where the registry has it, none: not known
	Fields []Field // at the top of a record
}

// Use is a version of a subject.
type Use struct {
	Subject string
	Version int
}

// Field is a field of a record: its type is text for people, which differs where the types
// do.
type Field struct {
	Name string
	Type string
}

// Of is the use of the schema for the values of a topic: where it has several, the one that
// is named for the topic. The zero Use: not known.
func (s *Schema) Of(topic string) Use {
	for _, u := range s.Uses {
		if u.Subject == topic+"-value" {
			return u
		}
	}
	if len(s.Uses) > 0 {
		return s.Uses[0]
	}
	return Use{}
}

// NewAvro describes a schema of Avro; an empty id means its fingerprint.
func NewAvro(id string, s *avroschema.Schema) *Schema {
	if id == "" {
		id = s.Name()
	}
	out := &Schema{ID: id}
	for _, f := range s.Root.Fields {
		out.Fields = append(out.Fields, Field{f.Name, f.Of.Describe()})
	}
	return out
}

// Met is a schema that records of a batch were written with.
type Met struct {
	Schema  *Schema
	Row     int   // the first of them
	Records int64 // how many there are
}
