package consumer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// connection returns the options that every client of ours needs to reach and
// to convince the brokers.
func (c *Config) connection(log *slog.Logger) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.ClientID),
		kgo.WithLogger(newClientLog(log)),
		kgo.MetadataMaxAge(c.Refresh),
		kgo.MetadataMinAge(min(c.Refresh, 2500*time.Millisecond)),
		kgo.DisableClientMetrics(), // what we do is our user's to know
	}
	if c.Rack != "" {
		opts = append(opts, kgo.Rack(c.Rack))
	}
	if c.SASL != nil {
		opts = append(opts, kgo.SASL(c.SASL.mechanism()))
	}
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	if c.TLS != nil {
		conf, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		dial = dialTLS(dial, conf)
	}
	return append(opts, kgo.Dialer(paced(dial))), nil
}

// dialer makes connections.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// pace is how long a connection that cannot be made takes to fail.
const pace = 200 * time.Millisecond

// paced makes failures slow. A host that refuses does so at once, and the client
// has loops that retry at once (with KIP-848, a member whose offsets could not be
// asked for): together they would turn as fast as the processor does, for as long
// as the brokers are away.
func paced(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(pace):
			}
		}
		return conn, err
	}
}

// dialTLS adds the handshake to dial.
func dialTLS(dial dialer, conf *tls.Config) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		conf := conf.Clone()
		if conf.ServerName == "" {
			conf.ServerName, _, _ = net.SplitHostPort(address)
		}
		secure := tls.Client(conn, conf)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		return secure, nil
	}
}

// config reads the authority now and the client's certificate at each handshake.
func (t *TLS) config() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read kafka.tls.ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read kafka.tls.ca_file: %s holds no PEM certificate", t.CAFile)
		}
	}
	if t.CertFile != "" {
		load := func() (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
			if err != nil {
				return nil, fmt.Errorf("read kafka.tls.cert_file and key_file: %w", err)
			}
			return &cert, nil
		}
		if _, err := load(); err != nil {
			return nil, err
		}
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	return conf, nil
}

func (s *SASL) mechanism() sasl.Mechanism {
	switch s.Mechanism {
	case "SCRAM-SHA-256":
		return scram.Sha256(s.scram)
	case "SCRAM-SHA-512":
		return scram.Sha512(s.scram)
	}
	return plain.Plain(func(context.Context) (plain.Auth, error) {
		password, err := s.Password()
		return plain.Auth{User: s.Username, Pass: password}, err
	})
}

func (s *SASL) scram(context.Context) (scram.Auth, error) {
	password, err := s.Password()
	return scram.Auth{User: s.Username, Pass: password}, err
}

// refused reports whether err is an answer that will not change by itself: what a
// broker does not grant, or a certificate that one side does not trust. Anything
// else (no connection, a time-out, an election) is waited for.
func refused(err error) bool {
	var (
		denied  *kadm.AuthError
		cert    *tls.CertificateVerificationError
		alert   tls.AlertError
		invalid x509.CertificateInvalidError
		not     tls.RecordHeaderError // the listener does not speak TLS
	)
	if errors.As(err, &denied) || errors.As(err, &cert) || errors.As(err, &alert) || errors.As(err, &invalid) || errors.As(err, &not) {
		return true
	}
	for _, e := range []error{
		kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState,
		kerr.ClusterAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed,
		kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.InvalidTopicException,
		kerr.FencedInstanceID, kerr.InvalidSessionTimeout, kerr.InvalidGroupID,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
