// Package kafkatest runs a real Apache Kafka broker for tests, with
// scripts/kafka: a single node of its own, on free ports, in a temporary folder.
//
// A test that needs a broker and cannot have one fails; it is never skipped. A
// broker takes some seconds to come up: start one in a test and share it among
// its subtests. It is stopped when the test that started it ends.
package kafkatest

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/scripttest"
)

// Broker is a running broker. The addresses are host:port.
type Broker struct {
	Plain   string // no encryption, no authentication
	TLS     string // encryption; a client certificate is welcome
	TLSSASL string // encryption and SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
	SASL    string // SASL without encryption
	// BehindAddr is for a proxy alone, with Behind: as Plain, but clients that come this
	// way are sent to the proxy.
	BehindAddr string

	CA                    string // PEM file: the authority of the TLS listeners
	ClientCert, ClientKey string // PEM files: a certificate of that authority for clients
	User, Password        string // for SASL

	t      testing.TB
	dir    string
	port   int
	behind int // the port of the proxy, 0: none
}

// Option changes the broker that Start starts.
type Option func(*Broker)

// Behind adds a listener, BehindAddr, whose clients are told to go to localhost:port,
// where a proxy is: they stay with it for all that they ask. Port 0 is one that is free.
// faultproxy.Kafka finds out by itself where it is to listen.
func Behind(port int) Option {
	return func(b *Broker) {
		b.behind = port
		if port == 0 {
			b.behind = b.port + 6
		}
	}
}

// Start starts a broker and waits until it answers.
func Start(t testing.TB, options ...Option) *Broker {
	t.Helper()
	dir := t.TempDir()
	b := &Broker{
		CA: filepath.Join(dir, "ca.pem"), ClientCert: filepath.Join(dir, "client.pem"), ClientKey: filepath.Join(dir, "client.key"),
		t: t, dir: dir, port: scripttest.FreePorts(t, 7),
	}
	for _, o := range options {
		o(b)
	}
	t.Cleanup(b.Kill) // its data goes, too: no need for good order
	b.Restart()
	return b
}

// Restart brings the broker up again after Stop or Kill, with the data and the
// addresses that it had.
func (b *Broker) Restart() {
	b.t.Helper()
	args := []string{"--port", strconv.Itoa(b.port), "--heap", "512m", "--secure"}
	if b.behind != 0 {
		args = append(args, "--behind", strconv.Itoa(b.behind))
	}
	out := b.run("up", args...)
	at := map[string]*string{
		"plain": &b.Plain, "tls": &b.TLS, "tls-sasl": &b.TLSSASL, "sasl": &b.SASL,
		"user": &b.User, "password": &b.Password, "behind": &b.BehindAddr,
	}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if to := at[name]; to != nil {
			*to = value
		}
	}
}

// Stop stops the broker in good order and waits for its end. It does nothing if
// the broker does not run.
func (b *Broker) Stop() {
	b.t.Helper()
	b.run("down")
}

// Kill ends the broker at once, as a crash would, and waits for its end.
func (b *Broker) Kill() {
	b.t.Helper()
	b.run("kill")
}

func (b *Broker) run(verb string, args ...string) string {
	b.t.Helper()
	return scripttest.Run(b.t, "kafka", append([]string{verb, "--dir", b.dir}, args...)...)
}

// Client returns a client of the plain listener that is closed when the test
// ends.
func (b *Broker) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Plain)}, opts...)...)
	if err != nil {
		t.Fatalf("open kafka client: %v", err)
	}
	t.Cleanup(client.Close)
	return client
}

// CreateTopic creates a topic and returns its id; config holds pairs of a name and a
// value.
func (b *Broker) CreateTopic(t testing.TB, topic string, partitions int32, config ...string) kadm.TopicID {
	t.Helper()
	values := map[string]*string{}
	for i := 0; i+1 < len(config); i += 2 {
		values[config[i]] = &config[i+1]
	}
	resp, err := kadm.NewClient(b.Client(t)).CreateTopic(context.Background(), partitions, 1, values, topic)
	if err == nil {
		err = resp.Err
	}
	if err != nil {
		t.Fatalf("create topic %s: %v", topic, err)
	}
	return resp.ID
}
