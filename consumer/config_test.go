package consumer_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/consumer"
)

// TestConfigFaults: all faults show at once, and say what to write.
func TestConfigFaults(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := func() consumer.Config {
		return consumer.Config{Brokers: []string{"b:1"}, Group: "g", Tables: map[string]string{"t": "t"}}
	}
	for _, tc := range []struct {
		name string
		set  func(*consumer.Config)
		want []string
	}{
		{"empty", func(c *consumer.Config) { *c = consumer.Config{} }, []string{"kafka.brokers", "no topics", "kafka.group"}},
		{"start", func(c *consumer.Config) { c.Start = "yesterday" }, []string{`kafka.start "yesterday" is not one of earliest, latest`}},
		{"negative age", func(c *consumer.Config) { c.Start = "-1d" }, []string{"kafka.start"}},
		{"protocol", func(c *consumer.Config) { c.Protocol = "share" }, []string{"classic, consumer"}},
		{"mechanism", func(c *consumer.Config) { c.SASL = &consumer.SASL{Mechanism: "GSSAPI"} }, []string{"PLAIN, SCRAM-SHA-256", "username and password"}},
		{"half a certificate", func(c *consumer.Config) { c.TLS = &consumer.TLS{CertFile: "c"} }, []string{"cert_file and key_file together"}},
		{"authority is not there", func(c *consumer.Config) { c.TLS = &consumer.TLS{CAFile: filepath.Join(dir, "none")} }, []string{"read kafka.tls.ca_file"}},
		{"authority is empty", func(c *consumer.Config) { c.TLS = &consumer.TLS{CAFile: empty} }, []string{"holds no PEM certificate"}},
		{"certificate is empty", func(c *consumer.Config) { c.TLS = &consumer.TLS{CertFile: empty, KeyFile: empty} }, []string{"read kafka.tls.cert_file"}},
		{"good", func(*consumer.Config) {}, nil},
		{"good starts", func(c *consumer.Config) { c.Start = "2026-11-01T00:00:00Z" }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := good()
			tc.set(&cfg)
			_, err := consumer.New(cfg, newHandler(newLedger()), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			if (err != nil) != (tc.want != nil) {
				t.Fatalf("got %v, want faults %q", err, tc.want)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
		})
	}
}
