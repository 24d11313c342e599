// Package registrytest runs a real schema registry for tests, with scripts/registry:
// an Apicurio Registry of its own, on a free port, in a temporary folder.
//
// In go a test and schemas to register; out come the registry's address and the ids that
// it gave. A test that needs a registry and cannot have one fails; it is never skipped.
// It takes some seconds to come up: start one in a test and share it among its subtests.
// It is stopped when the test that started it ends.
package registrytest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"tidemark/internal/scripttest"
)

// Registry is a running registry.
type Registry struct {
	URL string // of its Confluent API, as clients take it

	t    testing.TB
	dir  string
	port int
}

// Schema is what is registered, in the words of the Confluent API.
type Schema struct {
	Text       string      `json:"schema"`
	Type       string      `json:"schemaType,omitempty"`
	References []Reference `json:"references,omitempty"`
}

// Reference is another schema that a Schema refers to.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// Start starts a registry and waits until it answers.
func Start(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{t: t, dir: t.TempDir(), port: scripttest.FreePorts(t, 1)}
	t.Cleanup(r.Kill)
	r.Restart()
	return r
}

// Restart brings the registry up again after Kill, with its schemas and its address, and
// waits until it answers.
func (r *Registry) Restart() {
	r.t.Helper()
	out := scripttest.Run(r.t, "registry", "up", "--dir", r.dir, "--port", strconv.Itoa(r.port))
	r.URL = strings.TrimPrefix(strings.TrimSpace(out), "url ")
}

// Kill ends the registry at once, as a crash would, and waits for its end. What it has
// answered stays.
func (r *Registry) Kill() {
	r.t.Helper()
	scripttest.Run(r.t, "registry", "kill", "--dir", r.dir)
}

// Register registers the next version of a subject and returns the id of the schema.
func (r *Registry) Register(t testing.TB, subject string, s Schema) uint64 {
	t.Helper()
	request, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+"/subjects/"+url.PathEscape(subject)+"/versions", bytes.NewReader(request))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var answer struct {
		ID uint64 `json:"id"`
	}
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &answer) != nil {
		t.Fatalf("register %s: status %d, %v: %s", subject, resp.StatusCode, err, body)
	}
	return answer.ID
}
