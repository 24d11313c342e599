package registry

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"tidemark/internal/registry/wire"
)

// Version is one version of a subject.
type Version struct {
	Subject string
	Version int
	Schema  Schema // its ID is of kind Confluent
}

// Use is where a schema stands: one schema may have many subjects and versions.
type Use struct {
	Subject string
	Version int
}

// Latest returns the newest version of a subject. It is asked for each time; errors are
// as those of Schema.
func (c *Client) Latest(ctx context.Context, subject string) (Version, error) {
	return c.subjectVersion(ctx, subject, "latest")
}

// Version returns one version of a subject, as Latest does.
func (c *Client) Version(ctx context.Context, subject string, version int) (Version, error) {
	if version < 1 {
		return Version{}, &NotFoundError{What: fmt.Sprintf("subject %.100q, version %d", subject, version)}
	}
	return c.subjectVersion(ctx, subject, strconv.Itoa(version))
}

func (c *Client) subjectVersion(ctx context.Context, subject, version string) (Version, error) {
	if !validSubject(subject) {
		return Version{}, &NotFoundError{What: fmt.Sprintf("subject %.100q", subject)}
	}
	d, err := c.version(ctx, subject, version, "")
	if err != nil {
		return Version{}, err
	}
	id := wire.ID{}
	if d.ID != nil && *d.ID >= 0 && *d.ID <= maxID {
		id = wire.Number(wire.Confluent, uint64(*d.ID))
	}
	s, err := c.resolve(ctx, fmt.Sprintf("subject %.100q, version %d", subject, d.Version), id, d)
	if err != nil {
		return Version{}, err
	}
	return Version{Subject: subject, Version: d.Version, Schema: s}, nil
}

// Versions returns the numbers of a subject's versions, the oldest first; those that were
// deleted are not among them.
func (c *Client) Versions(ctx context.Context, subject string) ([]int, error) {
	what := fmt.Sprintf("subject %.100q", subject)
	if !validSubject(subject) {
		return nil, &NotFoundError{What: what}
	}
	var out []int
	err := c.ask(ctx, query{what: what, path: "/subjects/" + url.PathEscape(subject) + "/versions"}, func(body []byte) error {
		out = nil
		return unmarshal(body, &out)
	})
	slices.Sort(out)
	return out, err
}

// Uses returns the subjects and versions that have the schema of an id, sorted. It is
// asked for each time.
func (c *Client) Uses(ctx context.Context, id wire.ID) ([]Use, error) {
	n, numbered := id.Number()
	switch {
	case id.Kind() == wire.ApicurioGlobal || id.Kind() == wire.ApicurioContent:
		return c.artifactUses(ctx, id)
	case id.Kind() == wire.GUID:
		var err error
		if n, err = c.numberOf(ctx, id); err != nil {
			return nil, err
		}
	case !numbered || n > maxID:
		return nil, &NotFoundError{What: whatOf(id)}
	}
	var answer []struct {
		Subject string `json:"subject"`
		Version int    `json:"version"`
	}
	err := c.ask(ctx, query{what: "subjects of " + whatOf(id), path: "/schemas/ids/" + strconv.FormatUint(n, 10) + "/versions"}, func(body []byte) error {
		answer = nil
		return unmarshal(body, &answer)
	})
	out := make([]Use, len(answer))
	for i, a := range answer {
		out[i] = Use(a)
	}
	return sorted(out), err
}

// numberOf returns the id that a GUID has in the registry. Where it has one in each of
// several contexts, the first one is as good as the others: the schema is the same.
func (c *Client) numberOf(ctx context.Context, id wire.ID) (uint64, error) {
	var answer []struct {
		ID uint64 `json:"id"`
	}
	err := c.ask(ctx, query{what: whatOf(id), path: "/schemas/guids/" + id.String() + "/ids"}, func(body []byte) error {
		answer = nil
		return unmarshal(body, &answer)
	})
	if err == nil && len(answer) == 0 {
		err = &NotFoundError{What: whatOf(id)}
	}
	if err != nil {
		return 0, err
	}
	return answer[0].ID, nil
}

func sorted(uses []Use) []Use {
	slices.SortFunc(uses, func(a, b Use) int {
		if a.Subject != b.Subject {
			if a.Subject < b.Subject {
				return -1
			}
			return 1
		}
		return a.Version - b.Version
	})
	return slices.Compact(uses)
}
