package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"tidemark/internal/config"
)

// writeCertificate writes a certificate and its key.
func writeCertificate(t *testing.T, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCertificates(t *testing.T) {
	t.Chdir(t.TempDir())
	writeCertificate(t, "one.pem", "one.key")
	writeCertificate(t, "two.pem", "two.key")
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for tls, want := range map[string]string{
		"ca_file: two.pem, cert_file: one.pem, key_file: one.key": "",
		"cert_file: one.pem, key_file: two.key":                   "c.yaml:1:109: kafka.tls.cert_file and key_file do not fit together: tls: private key does not match public key: name a certificate and its own key, both in PEM",
		"cert_file: one.pem, key_file: three.key":                 "c.yaml:1:128: kafka.tls.key_file names a key that cannot be read: three.key: no such file or directory: mend the path",
		"cert_file: folder, key_file: one.key":                    "c.yaml:1:109: kafka.tls.cert_file names a certificate that cannot be read: folder is not a file: mend the path",
		"ca_file: one.key":                                        "c.yaml:1:107: kafka.tls.ca_file one.key has no certificate in it: name a file in PEM, with BEGIN CERTIFICATE",
		"ca_file: /dev/zero":                                      "c.yaml:1:107: kafka.tls.ca_file names certificates that cannot be read: /dev/zero is not a file: mend the path",
	} {
		text := `{lake: "file:///lake", source_system: core, kafka: {brokers: ["localhost:9092"], group: g, tls: {` + tls +
			`}}, tables: [{name: t, preset: banking/loans}]}`
		c, err := config.Parse("c.yaml", []byte(text), none)
		got := ""
		if err != nil {
			got = err.Error()
		} else if c.Kafka.TLS.CAFile != "two.pem" || c.Kafka.TLS.CertFile != "one.pem" || c.Kafka.TLS.KeyFile != "one.key" {
			t.Errorf("%+v", c.Kafka.TLS)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", tls, got, want)
		}
	}
}
