package config

import (
	"crypto/tls"
	"crypto/x509"
	"time"
)

// Kafka says where events come from.
type Kafka struct {
	Brokers        []string
	Group          string
	Protocol       string // classic or consumer
	InstanceID     string // static membership; empty: dynamic
	Rack           string
	Start          string // earliest, latest, an age (7d), a time in RFC 3339
	OnLoss         string // stop or continue
	SessionTimeout time.Duration
	TLS            *TLS  // nil: plain text
	SASL           *SASL // nil: no authentication
}

// TLS names PEM files.
type TLS struct {
	CAFile            string // empty: the system's roots
	CertFile, KeyFile string // both or none
}

// SASL says who we are to the brokers.
type SASL struct {
	Mechanism string
	Username  string
	// Password reads the secret, again each time if it is in a file.
	Password func() (string, error)
}

func readKafka(v value) *Kafka {
	s, ok := v.section(kafkaSection)
	k := &Kafka{Start: "earliest", OnLoss: "stop", Protocol: "classic", SessionTimeout: 45 * time.Second}
	if !ok {
		return k
	}
	s.require("brokers", "[localhost:9092]", func(v value) { k.Brokers = readBrokers(v) })
	s.require("group", "tidemark", func(v value) { v.text(&k.Group) })
	s.with("start", func(v value) { v.start(&k.Start) })
	s.with("on_loss", func(v value) { v.choice(&k.OnLoss, "stop", "continue") })
	s.with("instance_id", func(v value) { v.text(&k.InstanceID) })
	s.with("rack", func(v value) { v.text(&k.Rack) })
	s.with("protocol", func(v value) { v.choice(&k.Protocol, "classic", "consumer") })
	s.with("session_timeout", func(v value) {
		v.duration(&k.SessionTimeout, 6*time.Second, 30*time.Minute)
		if k.Protocol == "consumer" {
			v.warn("kafka.session_timeout is not used with protocol: consumer: set group.consumer.session.timeout.ms on the brokers")
		}
	})
	s.with("tls", func(v value) { k.TLS = readTLS(v, tlsSection) })
	s.with("sasl", func(v value) { k.SASL = readSASL(v) })
	return k
}

func readBrokers(v value) []string {
	items, ok := v.list("[localhost:9092]")
	if ok && len(items) == 0 {
		v.fault("is an empty list: write at least one, such as [localhost:9092]")
	}
	out := make([]string, len(items))
	for i, item := range items {
		item.broker(&out[i])
	}
	return out
}

// start reads where a partition begins that the ledger does not know.
func (v value) start(to *string) bool {
	const want = "earliest, latest, an age such as 7d, or a time such as 2026-11-01T00:00:00Z"
	s, ok := v.scalar(want)
	if !ok {
		return false
	}
	_, err := time.Parse(time.RFC3339Nano, s.text)
	age, isAge := ParseDuration(s.text)
	if s.text != "earliest" && s.text != "latest" && err != nil && !(isAge && age > 0) {
		return v.wrong(s, want)
	}
	*to = s.text
	return true
}

func readTLS(v value, l layout) *TLS {
	t := &TLS{}
	s, ok := v.section(l)
	if !ok {
		return t
	}
	s.with("ca_file", func(v value) {
		if v.text(&t.CAFile) {
			v.certificates(t.CAFile)
		}
	})
	s.with("cert_file", func(v value) { v.text(&t.CertFile) })
	s.with("key_file", func(v value) { v.text(&t.KeyFile) })
	_, hasCert := s.values["cert_file"]
	_, hasKey := s.values["key_file"]
	switch {
	case hasCert != hasKey:
		v.fault("has cert_file or key_file alone: write both for mutual TLS, or none")
	case t.CertFile != "" && t.KeyFile != "":
		s.keyPair(t)
	}
	return t
}

// certificates looks into a file of roots.
func (v value) certificates(path string) {
	pem, err := readFile(path)
	switch {
	case err != nil:
		v.fault("names certificates that cannot be read: %s: mend the path", cause(err))
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		v.fault("%s has no certificate in it: name a file in PEM, with BEGIN CERTIFICATE", path)
	}
}

// keyPair looks whether a certificate and its key belong together.
func (s section) keyPair(t *TLS) {
	cert, err := readFile(t.CertFile)
	if err != nil {
		s.values["cert_file"].fault("names a certificate that cannot be read: %s: mend the path", cause(err))
		return
	}
	key, err := readFile(t.KeyFile)
	if err != nil {
		s.values["key_file"].fault("names a key that cannot be read: %s: mend the path", cause(err))
		return
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		s.values["cert_file"].fault("and key_file do not fit together: %v: name a certificate and its own key, both in PEM", err)
	}
}

func readSASL(v value) *SASL {
	out := &SASL{}
	s, ok := v.section(saslSection)
	if !ok {
		return out
	}
	s.require("mechanism", "SCRAM-SHA-512", func(v value) {
		var m string
		if v.literal(&m) && (m == "OAUTHBEARER" || m == "AWS_MSK_IAM") {
			v.fault("%s: not in this version: write PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", m)
			return
		}
		v.choice(&out.Mechanism, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
	})
	s.require("username", "NAME", func(v value) { v.text(&out.Username) })
	out.Password = s.secret("password")
	return out
}
