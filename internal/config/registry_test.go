package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/internal/config"
)

const looked = "lake: file:///lake\nsource_system: core\nregistry: {%s}\ntables: [{name: t, preset: banking/loans}]\n"

func TestRegistry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("first\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := parse(t, "lake: file:///lake\nsource_system: core\ntables: [{name: t, preset: banking/loans}]"); c.Registry != nil || len(c.Warnings) > 0 {
		t.Errorf("nobody asked for a registry: %v, %q", c.Registry, c.Warnings)
	}
	c := parse(t, fmt.Sprintf(looked, `url: "http://localhost:8081"`))
	if r := c.Registry; !slices.Equal(r.URLs, []string{"http://localhost:8081"}) || r.Username != "" || r.Password != nil || r.Token != nil || r.TLS != nil || r.Timeout != 3*time.Second {
		t.Errorf("registry %v", r)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "asked for no table") {
		t.Errorf("warnings %q, want one that no table asks it", c.Warnings)
	}
	c = parse(t, fmt.Sprintf(looked, `url: ["https://a/apis/ccompat/v7", "https://b"], username: me, password_file: `+path+`, timeout: 500ms, tls: {}`))
	r := c.Registry
	if !slices.Equal(r.URLs, []string{"https://a/apis/ccompat/v7", "https://b"}) || r.Username != "me" || r.Token != nil || r.TLS == nil || r.Timeout != 500*time.Millisecond {
		t.Errorf("registry %v", r)
	}
	if got, err := r.Password(); got != "first" || err != nil {
		t.Errorf("password %q, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Password(); got != "second" || err != nil {
		t.Errorf("renewed, the password is %q, %v", got, err)
	}
	if got, err := parse(t, fmt.Sprintf(looked, `url: "http://a", token: hunter2`)).Registry.Token(); got != "hunter2" || err != nil {
		t.Errorf("token %q, %v", got, err)
	}
}

// G2: a secret is in no hash and no printed form; another registry is another hash.
func TestRegistryInHash(t *testing.T) {
	of := func(keys string) *config.Config { return parse(t, fmt.Sprintf(looked, keys)) }
	base := of(`url: "http://a", username: me, password: hunter2`)
	if other := of(`url: "http://a", username: me, password: other`); other.Hash != base.Hash {
		t.Error("another secret changes the hash")
	}
	for _, keys := range []string{`url: "http://b", username: me, password: x`, `url: "http://a", username: you, password: x`, `url: "http://a"`, `url: "http://a", token: x`, `url: "http://a", username: me, password: x, timeout: 4s`} {
		if of(keys).Hash == base.Hash {
			t.Errorf("%s has the same hash", keys)
		}
	}
	if shown := fmt.Sprintf("%+v %#v %v", base.Registry, base.Registry, base); strings.Contains(shown, "hunter2") {
		t.Errorf("it prints its secret: %s", shown)
	}
}
