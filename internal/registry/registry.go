// Package registry asks a schema registry what the schema of an id is, and remembers
// it: Confluent's, or one that speaks its API, such as Apicurio's.
//
// In goes an id that a record names (package wire); out comes a Schema with all that
// it refers to, or an error of one of three kinds, which the caller must keep apart:
//
//   - NotFoundError: the registry says that there is no such schema. A record that names
//     it can be set aside.
//   - UnusableError: there is one, and nobody can decode with it: a type that we do not
//     know, a reference that leads nowhere, more text than is reasonable.
//   - UnavailableError: there is no answer. It says nothing about the schema, and
//     nothing may be set aside for it.
//
// Invariants:
//
//	K1 only the registry's own code says that something is not there. Its 404 without a
//	   code, that of a proxy or of a wrong path, is an UnavailableError: one wrong letter
//	   in the url would else set every record aside
//	K2 a schema never changes under its id: what is known is kept, within bounds of count
//	   and bytes, and Lookup gives it out without I/O, also while the registry is away
//	K3 an id is asked for once, however many want it; what is not there or not usable is
//	   not asked for again for a minute
//	K4 an answer is at most MaxAnswer long, a schema with its references MaxText, with at
//	   most MaxReferences of them, MaxDepth deep; more is not read
//	K5 credentials go to the hosts of the configuration alone: a redirect to another one is
//	   not followed, and one on the same host three times at most
//	K6 errors show the host and the status. No credential, no URL's query and no
//	   text of an answer is in them, since a proxy may repeat what it was sent
//	K7 what a retry may mend is retried until the context ends, with growing waits of at
//	   most a second and a half: with the timeout of three seconds that is not changed, a
//	   registry that is back is asked within five, unless it asks for more time itself
//	   (Retry-After, up to ten)
//
// A stage that decodes calls Lookup for each record, and leaves a batch that needs an
// unknown id to somebody who waits in Schema.
//
// All methods may be called from many goroutines. There is no goroutine of its own:
// whoever asks first for an id does the work, and if his context ends before there is an
// answer, another one who waits takes over.
//
// It is written on net/http and not on franz-go's sr.Client: that one reads answers
// without a bound, does not show their headers, and does not tell a cut-off answer from
// a type that it does not know. Tests use its fake registry.
package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tidemark/internal/registry/wire"
)

// The bounds of what a registry may answer.
const (
	MaxAnswer     = 1 << 20 // bytes of one answer
	MaxText       = 1 << 20 // bytes of a schema with all that it refers to
	MaxReferences = 64
	MaxDepth      = 16 // of references within references
)

// What is not said in a Config.
const (
	defaultTimeout  = 3 * time.Second
	defaultSchemas  = 16_384
	defaultBytes    = 32 << 20
	defaultNegative = time.Minute
)

// Config says where the registry is. The zero value of everything but URLs is useful.
type Config struct {
	// URLs are one or more addresses of the same registry, http or https, as its own
	// clients take them: http://localhost:8081, or http://localhost:8080/apis/ccompat/v7 for
	// Apicurio. When one does not answer, the next one is asked.
	URLs []string

	// Username and Password are for basic authentication, Token is for a bearer's: one of
	// the two, or none. Both functions are called for each request.
	Username string
	Password func() (string, error)
	Token    func() (string, error)

	TLS TLS

	Timeout  time.Duration // of one request; 0: three seconds
	Schemas  int           // known schemas that are kept; 0: 16,384
	Bytes    int64         // what they may take in memory; 0: 32 MiB
	Negative time.Duration // how long an answer that there is none is believed; 0: a minute

	// Observe is told of each request, when it has ended; nil: nobody. It may be called from
	// many goroutines and must not call the Client.
	Observe func(Event)

	Now    func() time.Time                                     // nil: time.Now
	Wait   func(ctx context.Context, delay time.Duration) error // between attempts; nil: a timer
	Chance func() float64                                       // in [0, 1), for jitter; nil: math/rand
}

// TLS names PEM files.
type TLS struct {
	CAFile            string // empty: the system's roots
	CertFile, KeyFile string // ours, read again at each handshake; both or none
}

// Event is one request that has ended.
type Event struct {
	What string // what was asked for, such as "schema 42"
	Host string
	Took time.Duration
	Err  error // nil: it was answered
}

// Client asks a registry. Close it when it is no longer needed.
type Client struct {
	conf  Config
	bases []*url.URL
	http  *http.Client
	good  atomic.Int32 // which of the bases answered last

	known *cache[wire.ID, Schema]

	mu      sync.Mutex
	refused *cache[wire.ID, refusal]
	flights map[wire.ID]*flight
}

// New returns a client. It looks at the configuration and reads the certificates, and
// asks nothing of the registry yet: Ping does.
func New(conf Config) (*Client, error) {
	c := &Client{conf: conf, flights: map[wire.ID]*flight{}}
	for _, u := range conf.URLs {
		base, err := parseBase(u)
		if err != nil {
			return nil, err
		}
		c.bases = append(c.bases, base)
	}
	if len(c.bases) == 0 {
		return nil, errors.New("registry.url is missing: write http://localhost:8081")
	}
	if conf.Token != nil && (conf.Username != "" || conf.Password != nil) {
		return nil, errors.New("registry has a token and a password: keep one")
	}
	tls, err := conf.TLS.config()
	if err != nil {
		return nil, err
	}
	c.conf.defaults()
	c.known = newCache[wire.ID](c.conf.Schemas, c.conf.Bytes, Schema.size)
	c.refused = newCache[wire.ID](c.conf.Schemas, c.conf.Bytes/8, func(r refusal) int64 { return 512 })
	c.http = newHTTP(tls, c.conf.Timeout)
	return c, nil
}

func (conf *Config) defaults() {
	if conf.Timeout <= 0 {
		conf.Timeout = defaultTimeout
	}
	if conf.Schemas <= 0 {
		conf.Schemas = defaultSchemas
	}
	if conf.Bytes <= 0 {
		conf.Bytes = defaultBytes
	}
	if conf.Negative <= 0 {
		conf.Negative = defaultNegative
	}
	if conf.Observe == nil {
		conf.Observe = func(Event) {}
	}
	if conf.Now == nil {
		conf.Now = time.Now
	}
	if conf.Wait == nil {
		conf.Wait = wait
	}
	if conf.Chance == nil {
		conf.Chance = rand.Float64
	}
}

// parseBase reads an address. What may hold a password is not shown (K6).
func parseBase(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("registry.url is no address: write http://localhost:8081, or http://localhost:8080/apis/ccompat/v7 for Apicurio")
	case u.User != nil:
		return nil, errors.New("registry.url holds a user: write username and password_file beside it")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("registry.url has parameters: write %s://%s%s alone", u.Scheme, u.Host, u.EscapedPath())
	}
	return u, nil
}

// Ping asks whether a registry answers at the address, and as one: that it has no such
// schema is a good answer. It tries once.
func (c *Client) Ping(ctx context.Context) error {
	err := c.round(ctx, query{what: "an id that nobody has", path: "/schemas/ids/2147483647"})
	if missing := (*NotFoundError)(nil); errors.As(err, &missing) {
		return nil
	}
	return err
}

// Bytes is the memory that what is remembered takes, about.
func (c *Client) Bytes() int64 { return c.known.held() + c.refused.held() }

// Close ends connections that nobody uses. Requests under way end by their contexts.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// wait is a timer that a context ends.
func wait(ctx context.Context, delay time.Duration) error {
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
