package config

import (
	"net/url"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Registry says where schemas are looked up.
type Registry struct {
	URLs     []string // of one registry; when one does not answer, the next one is asked
	Username string   // empty: no basic authentication
	// Password and Token read the secret, again each time if it is in a file; at most one of
	// them is not nil.
	Password func() (string, error)
	Token    func() (string, error)
	TLS      *TLS // nil: the system's roots, no certificate of ours
	Timeout  time.Duration
}

func readRegistry(v value) *Registry {
	out := &Registry{Timeout: 3 * time.Second}
	s, ok := v.section(registrySection)
	if !ok {
		return out
	}
	s.require("url", `"http://localhost:8081"`, func(v value) { out.URLs = readRegistryURLs(v) })
	s.with("username", func(v value) { v.text(&out.Username) })
	s.with("timeout", func(v value) { v.duration(&out.Timeout, 100*time.Millisecond, time.Minute) })
	s.with("tls", func(v value) { out.TLS = readTLS(v, registryTLSSection) })
	has := func(key string) bool {
		_, here := s.values[key]
		_, inFile := s.values[key+"_file"]
		return here || inFile
	}
	_, named := s.values["username"]
	switch {
	case has("token") && (named || has("password")):
		v.fault("has a token and a username or password: keep the token, or the other two")
	case has("token"):
		out.Token = s.secret("token")
	case named:
		out.Password = s.secret("password")
	case has("password"):
		v.fault("has a password and no username: write username: NAME")
	}
	return out
}

// readRegistryURLs reads one address or a list of them. None is shown: a password may
// stand in it.
func readRegistryURLs(v value) []string {
	items := []value{v}
	if _, many := v.node.(*ast.SequenceNode); many {
		if items, _ = v.list(""); len(items) == 0 {
			v.fault(`is an empty list: write at least one, such as "http://localhost:8081"`)
		}
	}
	out := make([]string, len(items))
	for i, item := range items {
		item.registryURL(&out[i])
	}
	return out
}

func (v value) registryURL(to *string) {
	const want = `"http://localhost:8081", or "http://localhost:8080/apis/ccompat/v7" for Apicurio`
	var s string
	if !v.textLike(&s, want) {
		return
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		v.fault("is no address: write %s", want)
	case u.User != nil:
		v.fault("holds a user: write username and password_file beside it")
	case u.RawQuery != "" || u.Fragment != "":
		v.fault("has parameters: write the address alone, such as %s", want)
	default:
		*to = s
	}
}

// warnOfRegistry says that nothing will be looked up.
func (c *Config) warnOfRegistry(v value) {
	for i := range c.Tables {
		if strings.HasSuffix(c.Tables[i].Format, "-registry") {
			return
		}
	}
	v.warn("registry is asked for no table: none has a format whose schemas stand in one")
}

// needRegistry wants a registry where a table cannot do without.
func (c *Config) needRegistry(s section) {
	for i := range c.Tables {
		if t := &c.Tables[i]; strings.HasSuffix(t.Format, "-registry") && c.Registry == nil {
			s.r.fault(s.at, "registry is missing: table %s has format %s: write registry: {url: \"http://localhost:8081\"}", t.Schema.Name, t.Format)
			return
		}
	}
}

// effective is what the hash stands for: secrets are left out.
func (r *Registry) effective() map[string]any {
	return map[string]any{"urls": r.URLs, "username": r.Username, "token": r.Token != nil, "tls": r.TLS, "timeout": r.Timeout}
}
