package badday_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// testSecure: TLS and SASL as an operator writes them, secrets in files.
func testSecure(t *testing.T, h *house) {
	tp := h.newTopic(t, "secure", 2)
	tp.produce(20)
	b := h.broker
	// A wrong password is borne for a minute. Others are tested meanwhile.
	refused := h.newJob(t, tp)
	refused.secure(b.SASL, "", "SCRAM-SHA-512", "wrong")
	wrong := refused.start(refused.drain())

	certificate := fmt.Sprintf("ca_file: %s, cert_file: %s, key_file: %s", b.CA, b.ClientCert, b.ClientKey)
	for _, tc := range []struct{ name, brokers, tls, mechanism string }{
		{"tls", b.TLS, "ca_file: " + b.CA, ""},
		{"tls with a certificate", b.TLS, certificate, ""},
		{"sasl plain", b.SASL, "", "PLAIN"},
		{"tls and sasl plain", b.TLSSASL, "ca_file: " + b.CA, "PLAIN"},
		{"tls and scram 256", b.TLSSASL, "ca_file: " + b.CA, "SCRAM-SHA-256"},
		{"tls and scram 512", b.TLSSASL, "ca_file: " + b.CA, "SCRAM-SHA-512"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := h.newJob(t, tp)
			j.secure(tc.brokers, tc.tls, tc.mechanism, b.Password)
			j.run(0, j.drain())
			j.check(tp.sent)
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		wrong.ends(2)
		says(t, wrong.stderr, "kafka refuses", "SASL_AUTHENTICATION_FAILED")
		refused.check(nil)
		refused.secure(b.SASL, "", "SCRAM-SHA-512", b.Password)
		refused.run(0, refused.drain())
		refused.check(tp.sent)
	})
}

// secure sets how the job reaches the broker.
func (j *job) secure(brokers, tls, mechanism, password string) {
	j.t.Helper()
	j.set.brokers, j.set.kafka = brokers, ""
	if tls != "" {
		j.set.kafka = ", tls: {" + tls + "}"
	}
	if mechanism != "" {
		secret := filepath.Join(j.dir, "password")
		must(j.t, os.WriteFile(secret, []byte(password+"\n"), 0o600))
		j.set.kafka += fmt.Sprintf(", sasl: {mechanism: %s, username: %s, password_file: %s}", mechanism, j.topic.broker.User, secret)
	}
}
