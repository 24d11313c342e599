package registry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"tidemark/internal/registry/wire"
)

// Type is the language that a schema is written in.
type Type string

// The types that can be decoded.
const (
	Avro     Type = "AVRO"
	JSON     Type = "JSON"
	Protobuf Type = "PROTOBUF"
)

// Schema is a schema with all that it refers to. Nothing changes it: it may be shared.
type Schema struct {
	ID   wire.ID
	Type Type
	Text string
	// References are all schemas that this one needs, directly or not, each once and before
	// those that need it: a parser may read them in this order, and Text last.
	References []Reference
}

// Reference is a schema that another one refers to.
type Reference struct {
	Name    string // as the other one calls it: a full name in Avro, a path in Protobuf, a URI in JSON
	Subject string
	Version int
	Text    string
}

// size is what a schema takes in memory, about.
func (s Schema) size() int64 {
	n := 256 + len(s.Text)
	for _, r := range s.References {
		n += 64 + len(r.Name) + len(r.Subject) + len(r.Text)
	}
	return int64(n)
}

// document is a schema as the registry answers with it
// (https://docs.confluent.io/platform/current/schema-registry/develop/api.html).
type document struct {
	Subject    string          `json:"subject"`
	Version    int             `json:"version"`
	ID         *int64          `json:"id"`
	Text       *string         `json:"schema"`
	Type       Type            `json:"schemaType"`
	References []referenceName `json:"references"`
}

type referenceName struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// fetch asks for the schema of an id, however it is numbered.
func (c *Client) fetch(ctx context.Context, id wire.ID) (Schema, error) {
	what := whatOf(id)
	var d document
	var err error
	switch n, _ := id.Number(); id.Kind() {
	case wire.Confluent:
		if n > maxID {
			return Schema{}, &NotFoundError{What: what} // no registry gives out such an id
		}
		d, err = c.document(ctx, query{what: what, path: "/schemas/ids/" + strconv.FormatUint(n, 10)})
	case wire.GUID:
		d, err = c.document(ctx, query{what: what, path: "/schemas/guids/" + id.String()})
	case wire.ApicurioGlobal, wire.ApicurioContent:
		d, err = c.artifact(ctx, id)
	default:
		return Schema{}, &NotFoundError{What: "schema without an id"}
	}
	if err != nil {
		return Schema{}, err
	}
	return c.resolve(ctx, what, id, d)
}

// maxID is the largest id that a registry gives out: they are ints of Java.
const maxID = 1<<31 - 1

// document asks for one schema.
func (c *Client) document(ctx context.Context, q query) (document, error) {
	var d document
	err := c.ask(ctx, q, func(body []byte) error {
		d = document{}
		if err := unmarshal(body, &d); err != nil {
			return err
		}
		if d.Text == nil {
			return &contentError{"its answer is JSON and no schema"}
		}
		return nil
	})
	return d, err
}

// resolve checks a schema and adds what it refers to.
func (c *Client) resolve(ctx context.Context, what string, id wire.ID, d document) (Schema, error) {
	s := Schema{ID: id, Type: d.Type, Text: *d.Text}
	switch s.Type {
	case "":
		s.Type = Avro // the API leaves it out
	case Avro, JSON, Protobuf:
	default:
		return Schema{}, &UnusableError{What: what, Why: fmt.Sprintf("its type is %.40q, and AVRO, JSON and PROTOBUF are decoded", string(d.Type))}
	}
	r := resolver{client: c, what: what, left: MaxText - len(s.Text), names: map[string]place{}, done: map[place]string{}}
	if err := r.all(ctx, d.References, nil); err != nil {
		return Schema{}, err
	}
	s.References = r.out
	return s, nil
}

// place is where a schema stands in the registry.
type place struct {
	subject string
	version int
}

// resolver fetches what a schema refers to, the deepest first.
type resolver struct {
	client *Client
	what   string           // the schema that all is for
	left   int              // bytes of text that may still come
	names  map[string]place // of all that was resolved
	done   map[place]string // the texts
	out    []Reference
}

// all resolves references; path are the schemas that lead to them.
func (r *resolver) all(ctx context.Context, refs []referenceName, path []place) error {
	if len(path) >= MaxDepth && len(refs) > 0 {
		return r.limit("it refers to schemas that refer to others, more than %d deep", MaxDepth)
	}
	for _, ref := range refs {
		if err := r.one(ctx, ref, path); err != nil {
			return err
		}
	}
	return nil
}

func (r *resolver) one(ctx context.Context, ref referenceName, path []place) error {
	at := place{ref.Subject, ref.Version}
	for _, p := range path {
		if p == at {
			return r.unusable("it refers to %q, version %d, which refers back to it", at.subject, at.version)
		}
	}
	if was, named := r.names[ref.Name]; named {
		if was == at {
			return nil
		}
		return r.unusable("%.100q means %q, version %d, in one place and %q, version %d, in another", ref.Name, was.subject, was.version, at.subject, at.version)
	}
	text, done := r.done[at]
	if !done {
		if len(r.out) >= MaxReferences {
			return r.limit("it refers to more than %d schemas", MaxReferences)
		}
		var err error
		if text, err = r.fetch(ctx, ref, append(path[:len(path):len(path)], at)); err != nil {
			return err
		}
		r.done[at] = text
	}
	r.names[ref.Name] = at
	if r.out = append(r.out, Reference{Name: ref.Name, Subject: ref.Subject, Version: ref.Version, Text: text}); len(r.out) > MaxReferences {
		return r.limit("it refers to more than %d schemas", MaxReferences)
	}
	return nil
}

// fetch asks for one reference and resolves its own.
func (r *resolver) fetch(ctx context.Context, ref referenceName, path []place) (string, error) {
	if !validSubject(ref.Subject) || ref.Version < 1 {
		return "", r.unusable("it refers to %.100q, version %d, which is no name of a schema", ref.Subject, ref.Version)
	}
	d, err := r.client.version(ctx, ref.Subject, strconv.Itoa(ref.Version), "?deleted=true")
	if missing := (*NotFoundError)(nil); errors.As(err, &missing) {
		return "", r.unusable("it refers to %.100q, version %d, which the registry does not have", ref.Subject, ref.Version)
	}
	if large := (*UnusableError)(nil); errors.As(err, &large) {
		return "", r.limit("it refers to %.100q, version %d, whose text is larger than 1 MiB", ref.Subject, ref.Version)
	}
	if err != nil {
		return "", err
	}
	if r.left -= len(*d.Text); r.left < 0 {
		return "", r.limit("its text with all that it refers to is larger than 1 MiB")
	}
	return *d.Text, r.all(ctx, d.References, path)
}

func (r *resolver) unusable(format string, args ...any) error {
	return &UnusableError{What: r.what, Why: fmt.Sprintf(format, args...)}
}

func (r *resolver) limit(format string, args ...any) error {
	return &UnusableError{What: r.what, Why: fmt.Sprintf(format, args...), Limit: true}
}

// validSubject reports whether a subject can stand in a path without meaning another.
func validSubject(s string) bool { return s != "" && s != "." && s != ".." && len(s) <= 1024 }

// version asks for one version of a subject: a number, or latest.
func (c *Client) version(ctx context.Context, subject, version, params string) (document, error) {
	q := query{what: fmt.Sprintf("subject %.100q, version %s", subject, version), path: "/subjects/" + url.PathEscape(subject) + "/versions/" + version + params}
	var d document
	err := c.ask(ctx, q, func(body []byte) error {
		d = document{}
		if err := unmarshal(body, &d); err != nil {
			return err
		}
		if d.Text == nil || d.Version < 1 || version != "latest" && version != strconv.Itoa(d.Version) {
			return &contentError{"its answer is JSON and not that version"}
		}
		return nil
	})
	return d, err
}
