package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config says what to read and how to reach it. The zero value of a field that
// has a default means the default.
type Config struct {
	Brokers []string
	// Tables maps each topic to read to the name of the table that it feeds. Several
	// topics may feed one table.
	Tables map[string]string
	// Start says where a source begins that the ledger does not know: earliest (the
	// default), latest, an age (7d, 12h30m), or a time in RFC 3339.
	Start string

	Group          string
	InstanceID     string        // static membership; empty: dynamic
	Rack           string        // read from the nearest replica; empty: from leaders
	Protocol       string        // classic (default) or consumer (KIP-848)
	SessionTimeout time.Duration // 45 s; for classic only, KIP-848 sets it on brokers
	ClientID       string        // tidemark

	TLS  *TLS  // nil: plain text
	SASL *SASL // nil: no authentication

	// BufferBytes bounds the memory for records fetched ahead; 64 MiB. A single
	// batch larger than this is still read, up to MaxBatchBytes.
	BufferBytes int64
	// MaxBatchBytes is what one batch of a producer may take in memory after
	// decompression; the larger of BufferBytes and 128 MiB. A larger one ends the
	// consumer.
	MaxBatchBytes int64

	// Patience is how long a refusal (topic missing, rights missing, credentials
	// wrong) is retried before it ends the consumer; 60 s.
	Patience time.Duration
	// RevokeTimeout bounds Stop with Revoked; 20 s, and less than the group's
	// rebalance timeout of 60 s.
	RevokeTimeout time.Duration
	// ShutdownTimeout bounds Stop with Shutdown; 7 s.
	ShutdownTimeout time.Duration
	// Refresh is how often partitions are looked for that did not exist before; 30 s.
	Refresh time.Duration

	// Dial connects; nil: the network. For tests and proxies. With TLS set, the
	// handshake is made on what Dial returns.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// TLS says how to trust brokers and how to be known to them. The files are PEM.
type TLS struct {
	CAFile   string // empty: the system's roots
	CertFile string // with KeyFile; read again for each connection, so that it can be renewed
	KeyFile  string
	// ServerName to expect in certificates; empty: the host of each broker.
	ServerName string
}

// SASL says who we are.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	Username  string
	// Password is asked for at each connection, so that it can be renewed.
	Password func() (string, error)
}

func (c Config) withDefaults() Config {
	def(&c.Start, "earliest")
	def(&c.Protocol, "classic")
	def(&c.ClientID, "tidemark")
	def(&c.SessionTimeout, 45*time.Second)
	def(&c.BufferBytes, 64<<20)
	def(&c.MaxBatchBytes, max(c.BufferBytes, 128<<20))
	def(&c.Patience, time.Minute)
	def(&c.RevokeTimeout, 20*time.Second)
	def(&c.ShutdownTimeout, 7*time.Second)
	def(&c.Refresh, 30*time.Second)
	return c
}

// def sets *v to d if it is zero.
func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// validate reports every fault at once, but for files.
func (c *Config) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Brokers) == 0 {
		bad("kafka.brokers is empty: list at least one host:port")
	}
	if len(c.Tables) == 0 {
		bad("no topics: name them under topics: of a table")
	}
	if c.Group == "" {
		bad("kafka.group is empty: name the consumer group")
	}
	if _, err := parseStart(c.Start); err != nil {
		errs = append(errs, err)
	}
	if c.Protocol != "classic" && c.Protocol != "consumer" {
		bad("kafka.protocol %q is not one of classic, consumer", c.Protocol)
	}
	if t := c.TLS; t != nil && (t.CertFile == "") != (t.KeyFile == "") {
		bad("kafka.tls needs cert_file and key_file together")
	}
	if s := c.SASL; s != nil {
		if !slices.Contains(mechanisms, s.Mechanism) {
			bad("kafka.sasl.mechanism %q is not one of %s", s.Mechanism, strings.Join(mechanisms, ", "))
		}
		if s.Username == "" || s.Password == nil {
			bad("kafka.sasl needs username and password (or password_file)")
		}
	}
	return errors.Join(errs...)
}

var mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// topics returns the topics to read, sorted.
func (c *Config) topics() []string { return slices.Sorted(maps.Keys(c.Tables)) }

// start is where a source begins that the ledger does not know.
type start struct {
	latest bool
	at     time.Time     // not zero: the first record at or after this time
	ago    time.Duration // not zero: the first record of this age or younger
}

// parseStart reads earliest, latest, an age (7d, 36h) or a time in RFC 3339.
func parseStart(s string) (start, error) {
	switch s {
	case "earliest":
		return start{}, nil
	case "latest":
		return start{latest: true}, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return start{at: at}, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 100_000 {
			return start{ago: time.Duration(n) * 24 * time.Hour}, nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return start{ago: d}, nil
	}
	return start{}, fmt.Errorf("kafka.start %q is not one of earliest, latest, an age such as 7d or 12h, a time such as 2026-11-01T00:00:00Z", s)
}
