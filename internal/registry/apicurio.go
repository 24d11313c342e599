package registry

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"unicode/utf8"

	"tidemark/internal/registry/wire"
)

// Apicurio numbers versions (globalId) and contents (contentId), and its Confluent API
// takes only one of the two: contents, or versions in its legacy mode. Its own API says
// which is meant, so that ids in its headers are looked up there
// (https://www.apicur.io/registry/docs/apicurio-registry/2.4.x, REST API v2).

// maxUses bounds how many artifacts of one content are looked at.
const maxUses = 20

// artifactName is an artifact as a search finds it.
type artifactName struct {
	ID    string `json:"id"`
	Group string `json:"groupId"`
	Type  Type   `json:"type"`
}

// numbering is how the API calls a kind of id: as a parameter, and in a path.
func numbering(id wire.ID) (param, path string) {
	n, _ := id.Number()
	number := strconv.FormatUint(n, 10)
	if id.Kind() == wire.ApicurioGlobal {
		return "globalId=" + number, "/ids/globalIds/" + number
	}
	return "contentId=" + number, "/ids/contentIds/" + number
}

// artifacts asks which artifacts have an id.
func (c *Client) artifacts(ctx context.Context, id wire.ID) ([]artifactName, error) {
	param, _ := numbering(id)
	var answer struct {
		Artifacts *[]artifactName `json:"artifacts"`
	}
	err := c.ask(ctx, query{what: whatOf(id), native: true, path: "/search/artifacts?limit=" + strconv.Itoa(maxUses) + "&" + param}, func(body []byte) error {
		answer.Artifacts = nil
		if err := unmarshal(body, &answer); err != nil {
			return err
		}
		if answer.Artifacts == nil {
			return &contentError{"its answer is JSON and no list of artifacts"}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(*answer.Artifacts) == 0 {
		return nil, &NotFoundError{What: whatOf(id)}
	}
	return *answer.Artifacts, nil
}

// artifact asks for the schema of an id of Apicurio: its type, its text, its references.
func (c *Client) artifact(ctx context.Context, id wire.ID) (document, error) {
	found, err := c.artifacts(ctx, id)
	if err != nil {
		return document{}, err
	}
	d := document{Type: found[0].Type}
	for _, a := range found {
		if a.Type != d.Type {
			return document{}, &UnusableError{What: whatOf(id), Why: fmt.Sprintf("it is of type %.40q in one artifact and %.40q in another", string(d.Type), string(a.Type))}
		}
	}
	_, path := numbering(id)
	if d.Text, err = c.content(ctx, whatOf(id), path); err != nil {
		return document{}, err
	}
	var refs []struct {
		Group   string `json:"groupId"`
		ID      string `json:"artifactId"`
		Version string `json:"version"`
		Name    string `json:"name"`
	}
	err = c.ask(ctx, query{what: "references of " + whatOf(id), native: true, path: path + "/references"}, func(body []byte) error {
		refs = nil
		return unmarshal(body, &refs)
	})
	if err != nil {
		return document{}, err
	}
	for _, r := range refs {
		n, err := strconv.Atoi(r.Version)
		if err != nil || r.Group != "" && r.Group != "default" {
			return document{}, &UnusableError{What: whatOf(id), Why: fmt.Sprintf("it refers to %.100q, version %.40q, of group %.100q, and what is followed are numbered versions of the default group", r.ID, r.Version, r.Group)}
		}
		d.References = append(d.References, referenceName{Name: r.Name, Subject: r.ID, Version: n})
	}
	return d, nil
}

// content asks for the text of a schema, which comes as it is.
func (c *Client) content(ctx context.Context, what, path string) (*string, error) {
	var text string
	err := c.ask(ctx, query{what: what, native: true, path: path}, func(body []byte) error {
		if len(body) == 0 || !utf8.Valid(body) || isPage(body) {
			return &contentError{pageText}
		}
		text = string(body)
		return nil
	})
	return &text, err
}

// artifactUses looks for the versions of artifacts that have an id.
func (c *Client) artifactUses(ctx context.Context, id wire.ID) ([]Use, error) {
	found, err := c.artifacts(ctx, id)
	if err != nil {
		return nil, err
	}
	n, _ := id.Number()
	var out []Use
	for _, a := range found {
		var answer struct {
			Versions []struct {
				Version   string `json:"version"`
				GlobalID  uint64 `json:"globalId"`
				ContentID uint64 `json:"contentId"`
			} `json:"versions"`
		}
		group := a.Group
		if group == "" {
			group = "default"
		}
		path := "/groups/" + url.PathEscape(group) + "/artifacts/" + url.PathEscape(a.ID) + "/versions?limit=500"
		err := c.ask(ctx, query{what: "versions of " + whatOf(id), native: true, path: path}, func(body []byte) error {
			answer.Versions = nil
			return unmarshal(body, &answer)
		})
		if err != nil {
			return nil, err
		}
		for _, v := range answer.Versions {
			number, err := strconv.Atoi(v.Version)
			if err == nil && (id.Kind() == wire.ApicurioGlobal && v.GlobalID == n || id.Kind() == wire.ApicurioContent && v.ContentID == n) {
				out = append(out, Use{Subject: a.ID, Version: number})
			}
		}
	}
	return sorted(out), nil
}
