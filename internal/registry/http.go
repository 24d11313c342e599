package registry

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// query is one thing to ask for.
type query struct {
	what   string // as messages call it
	path   string // escaped, with its parameters
	native bool   // of Apicurio's own API

	read func(body []byte) error // of the answer; nil: any will do
}

// contentError says that an answer of status 200 is not what was asked for.
type contentError struct{ why string }

// Error implements error.
func (e *contentError) Error() string { return e.why }

// redirectError says that a redirect is not followed (K5).
type redirectError struct{ why string }

// Error implements error.
func (e *redirectError) Error() string { return e.why }

// maxRedirects is how often a redirect on the same host is followed.
const maxRedirects = 3

func newHTTP(conf *tls.Config, timeout time.Duration) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second}).DialContext,
			TLSClientConfig:        conf,
			TLSHandshakeTimeout:    timeout,
			MaxIdleConnsPerHost:    4,
			MaxConnsPerHost:        16,
			MaxResponseHeaderBytes: 64 << 10,
			IdleConnTimeout:        30 * time.Second,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
		},
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			first := via[0].URL
			switch {
			case to.URL.Scheme != first.Scheme || to.URL.Host != first.Host:
				return &redirectError{fmt.Sprintf("it redirects to %s://%s, where our credentials have no business: write the address that answers itself as registry.url", to.URL.Scheme, to.URL.Host)}
			case len(via) > maxRedirects:
				return &redirectError{fmt.Sprintf("it redirects more than %d times: write the address that answers itself as registry.url", maxRedirects)}
			}
			return nil
		},
	}
}

// config reads the authority now and our certificate at each handshake.
func (t *TLS) config() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read registry.tls.ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read registry.tls.ca_file: %s holds no PEM certificate", t.CAFile)
		}
	}
	if t.CertFile != "" {
		certFile, keyFile := t.CertFile, t.KeyFile
		load := func() (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(certFile, keyFile)
			if err != nil {
				return nil, fmt.Errorf("read registry.tls.cert_file and key_file: %w", err)
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

// address is where a query goes on one of the registry's hosts.
func (q query) address(base *url.URL) (string, error) {
	path := strings.TrimRight(base.EscapedPath(), "/")
	if q.native {
		root, _, found := strings.Cut(path, "/apis/ccompat/")
		if !found {
			return "", &redirectError{"its ids stand in headers of Apicurio, and the address is not Apicurio's: write registry.url with /apis/ccompat/v7 at its end"}
		}
		path = root + "/apis/registry/v2"
	}
	return base.Scheme + "://" + base.Host + path + q.path, nil
}

// send makes one request to one host. Its error is one of the three kinds, or the
// contentError of read.
func (c *Client) send(ctx context.Context, base *url.URL, q query) ([]byte, error) {
	fail := &UnavailableError{What: q.what, Host: base.Host}
	ctx, cancel := context.WithTimeout(ctx, c.conf.Timeout)
	defer cancel()
	address, err := q.address(base)
	if err != nil {
		fail.Why = err.Error()
		return nil, fail
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		fail.Why = "the address cannot be asked: mend registry.url"
		return nil, fail
	}
	if err := c.authorize(req); err != nil {
		fail.Why, fail.Retry = err.Error(), true // the file may be renewed
		return nil, fail
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fail.because(err, c.conf.Timeout)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	if fail.Status = resp.StatusCode; fail.Status != http.StatusOK {
		return nil, fail.status(q, resp.Header, body)
	}
	switch {
	case err != nil:
		return nil, fail.because(err, c.conf.Timeout)
	case len(body) > MaxAnswer && isPage(body):
		return nil, &contentError{pageText}
	case len(body) > MaxAnswer:
		return nil, &UnusableError{What: q.what, Why: "the answer is larger than 1 MiB", Limit: true}
	}
	return body, nil
}

// authorize puts credentials into a request.
func (c *Client) authorize(req *http.Request) error {
	req.Header.Set("Accept", "application/vnd.schemaregistry.v1+json, application/json, */*;q=0.1")
	req.Header.Set("User-Agent", "tidemark")
	switch {
	case c.conf.Token != nil:
		token, err := c.conf.Token()
		if err != nil {
			return fmt.Errorf("read registry.token: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	case c.conf.Username != "" || c.conf.Password != nil:
		var password string
		if c.conf.Password != nil {
			var err error
			if password, err = c.conf.Password(); err != nil {
				return fmt.Errorf("read registry.password: %w", err)
			}
		}
		req.SetBasicAuth(c.conf.Username, password)
	}
	return nil
}

// because says why no answer came, in words that hold nothing of what was sent (K6).
func (e *UnavailableError) because(err error, timeout time.Duration) error {
	e.Retry = true
	var (
		redirect *redirectError
		unsafe   *tls.CertificateVerificationError
		plain    tls.RecordHeaderError
		timed    net.Error
		op       *net.OpError
	)
	switch {
	case errors.As(err, &redirect):
		e.Why, e.Retry = redirect.why, false
	case errors.As(err, &unsafe):
		e.Why, e.Retry = fmt.Sprintf("its certificate is not to be trusted: %v: write the authority as registry.tls.ca_file", unsafe.Err), false
	case errors.As(err, &plain) || errors.Is(err, http.ErrSchemeMismatch):
		e.Why, e.Retry = "it does not speak TLS: write http:// in registry.url", false
	case errors.As(err, &op) && op.Op == "remote error": // an alert of TLS
		e.Why, e.Retry = fmt.Sprintf("it ends the handshake: %v: does it want registry.tls.cert_file and key_file?", op.Err), false
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timed) && timed.Timeout():
		e.Why = "no answer within " + timeout.String()
	case errors.Is(err, context.Canceled):
		e.Why = "the request was given up"
	case errors.As(err, &op):
		e.Why = op.Error()
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		e.Why = "the connection ended in the middle of the answer"
	default:
		e.Why = "what it sends is not an answer of HTTP"
	}
	return e
}

// status says what an answer other than 200 means (K1).
func (e *UnavailableError) status(q query, head http.Header, body []byte) error {
	switch {
	case e.Status == http.StatusNotFound && saysMissing(q, body):
		return &NotFoundError{What: q.what}
	case e.Status == http.StatusNotFound:
		e.Why = "status 404 without the code of a registry: is registry.url right? Apicurio's ends in /apis/ccompat/v7"
	case e.Status == http.StatusUnauthorized:
		e.Why = "status 401: it does not accept our credentials: mend registry.username and password, or token"
	case e.Status == http.StatusForbidden:
		e.Why = "status 403: our credentials do not allow to read it: grant the right to read schemas"
	case e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status >= 500:
		e.Why, e.Retry = fmt.Sprintf("status %d", e.Status), true
		if s, err := strconv.Atoi(head.Get("Retry-After")); err == nil && s > 0 {
			e.after = min(time.Duration(min(s, 3600))*time.Second, maxAfter)
		}
	default:
		e.Why = fmt.Sprintf("status %d: is registry.url right?", e.Status)
	}
	return e
}

// saysMissing reports whether a 404 is the registry's own word that there is no such
// thing: the codes 40401 to 40409 of Confluent's API, 404 in Apicurio's own.
func saysMissing(q query, body []byte) bool {
	var answer struct {
		Code int `json:"error_code"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return false
	}
	if q.native {
		return answer.Code == http.StatusNotFound
	}
	return answer.Code >= 40401 && answer.Code <= 40409
}

const pageText = "it answers with a page of HTML, as proxies do: is registry.url right?"

// isPage reports whether an answer is HTML.
func isPage(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n\ufeff"), []byte("<"))
}

// unmarshal reads the JSON of an answer. Text that is not UTF-8 is refused, which the
// library would mend.
func unmarshal(body []byte, to any) error {
	switch {
	case isPage(body):
		return &contentError{pageText}
	case !utf8.Valid(body):
		return &contentError{"its answer is not UTF-8"}
	case json.Unmarshal(body, to) != nil:
		return &contentError{"its answer is cut off, or not the JSON of a registry"}
	}
	return nil
}
