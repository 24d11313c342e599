package registry_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tidemark/internal/registry"
	"tidemark/internal/registry/wire"
)

const good = `{"schema":"\"int\""}`

// server answers with f and counts.
func server(t *testing.T, f http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var n atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		f(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s, &n
}

// impatient is a client with secrets that gives up after the third attempt.
func impatient(t *testing.T, change func(*registry.Config)) (c *registry.Client, waits *[]time.Duration) {
	t.Helper()
	waits = new([]time.Duration)
	conf := registry.Config{
		Username: "me", Password: func() (string, error) { return "hunter2", nil }, Timeout: 10 * time.Second, Chance: func() float64 { return 0 },
		Wait: func(_ context.Context, d time.Duration) error {
			if *waits = append(*waits, d); len(*waits)%3 == 0 {
				return context.DeadlineExceeded
			}
			return nil
		},
	}
	change(&conf)
	return open(t, conf), waits
}

func status(code int, head ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(head); i += 2 {
			w.Header().Set(head[i], head[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, "you sent %v to /secret/path", r.Header) // as proxies do
	}
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// K1, K6: each fault is an outage that says what it is, whether a retry may help, and
// nothing that is secret.
func TestFaults(t *testing.T) {
	other, reached := server(t, body(good))
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		why    string
		retry  bool
	}{
		"500":            {status(500), "status 500", true},
		"502":            {status(502), "status 502", true},
		"503":            {status(503, "Retry-After", "soon"), "status 503", true},
		"429":            {status(429), "status 429", true},
		"408":            {status(408), "status 408", true},
		"401":            {status(401), "status 401", false},
		"403":            {status(403), "status 403", false},
		"400":            {status(400), "status 400", false},
		"204":            {status(204), "status 204", false},
		"404 of a proxy": {status(404), "404 without the code", false},
		"404 of a path": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":0,"message":"no such path"}`)
		}, "404 without the code", false},
		"a page":        {body("\n <!DOCTYPE html><html>log in</html>"), "a page of HTML", true},
		"a large page":  {body("<html>" + strings.Repeat(" ", 2<<20)), "a page of HTML", true},
		"cut off":       {body(good[:12]), "cut off", true},
		"empty":         {body(""), "cut off", true},
		"another thing": {body(`{"id":1}`), "no schema", true},
		"a list":        {body(`[]`), "cut off, or not", true},
		"a null":        {body(`{"schema":null}`), "no schema", true},
		"not UTF-8":     {body("{\"schema\":\"\xff\"}"), "not UTF-8", true},
		"ends in the midst": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "900")
			fmt.Fprint(w, good)
		}, "ended in the middle", true},
		"no answer at all": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "ended in the middle", true},
		"not HTTP": {func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, password, _ := r.BasicAuth()
			fmt.Fprintln(conn, password)
			conn.Close()
		}, "not an answer of HTTP", true},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/login?token=hunter2", http.StatusFound)
		}, "redirects to " + other.URL + ",", false},
		"https": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://"+r.Host, http.StatusFound) }, "redirects to https://", false},
		"in circles": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusTemporaryRedirect)
		}, "more than 3 times", false},
		"nowhere": {status(302), "status 302", false},
	} {
		t.Run(name, func(t *testing.T) {
			s, n := server(t, c.answer)
			client, waits := impatient(t, func(conf *registry.Config) { conf.URLs = []string{s.URL + "/base"} })
			_, err := client.Schema(t.Context(), id(1))
			away := (*registry.UnavailableError)(nil)
			if !errors.As(err, &away) || away.Retry != c.retry || !strings.Contains(away.Why, c.why) {
				t.Fatalf("%v, want an outage: %s, retry %v", err, c.why, c.retry)
			}
			if got := len(*waits) > 0; got != c.retry {
				t.Errorf("it waited: %v, want %v", *waits, c.retry)
			}
			if host := strings.TrimPrefix(s.URL, "http://"); away.Host != host || !strings.Contains(err.Error(), host) {
				t.Errorf("%v does not name %s", err, host)
			}
			for _, secret := range []string{"hunter2", "bWU6aHVudGVyMg", "you sent", "secret", "/login"} {
				if strings.Contains(fmt.Sprintf("%v %+v %#v", err, *away, *away), secret) {
					t.Errorf("%v holds %q", err, secret)
				}
			}
			if _, ok := client.Lookup(id(1)); ok {
				t.Error("a schema is known that never came")
			}
			before := n.Load()
			if _, err := client.Schema(t.Context(), id(1)); err == nil || n.Load() == before {
				t.Errorf("the outage was remembered: %v", err)
			}
			if _, err := client.Latest(t.Context(), "tx-value"); !errors.As(err, &away) {
				t.Errorf("latest: %v, want an outage", err)
			}
		})
	}
	if got := reached.Load(); got != 0 {
		t.Errorf("the other host was asked %d times, want never (K5)", got)
	}
}

// A registry that is not there, one that is slow, and one that is back.
func TestGoneSlowAndBack(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + l.Addr().String()
	l.Close()
	client, waits := impatient(t, func(conf *registry.Config) { conf.URLs = []string{gone} })
	_, err = client.Schema(t.Context(), id(1))
	away := (*registry.UnavailableError)(nil)
	if !errors.As(err, &away) || !away.Retry || !strings.Contains(err.Error(), "refused") || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("refused: %v", err)
	}
	if want := []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond}; !slices.Equal(*waits, want) {
		t.Errorf("it waits %v, want %v", *waits, want)
	}

	hang := make(chan struct{})
	slow, _ := server(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-hang:
		}
	})
	defer close(hang)
	client, _ = impatient(t, func(conf *registry.Config) { conf.URLs, conf.Timeout = []string{slow.URL}, 20*time.Millisecond })
	if _, err = client.Schema(t.Context(), id(1)); !errors.As(err, &away) || !away.Retry || away.Why != "no answer within 20ms" {
		t.Errorf("slow: %v", err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	client, waits = impatient(t, func(conf *registry.Config) { conf.URLs = []string{slow.URL} })
	if _, err = client.Schema(ctx, id(1)); !errors.As(err, &away) || !errors.Is(err, context.DeadlineExceeded) || len(*waits) > 0 {
		t.Errorf("a caller in a hurry: %v", err)
	}

	back, n := server(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, good) })
	failed := 0
	client, waits = impatient(t, func(conf *registry.Config) {
		conf.URLs, conf.Observe = []string{gone, back.URL}, func(e registry.Event) {
			if e.Err != nil {
				failed++
			}
		}
	})
	for i := range uint64(2) {
		if _, err := client.Schema(t.Context(), id(i)); err != nil || len(*waits) > 0 {
			t.Errorf("the second host answers, and yet: %v after %v", err, *waits)
		}
	}
	if got := n.Load(); got != 2 || failed != 1 {
		t.Errorf("%d requests after %d that failed, want 2 after 1: the host that answered is asked first", got, failed)
	}
}

// Of several hosts, one that may come back is reason enough to try again.
func TestOneHostMayComeBack(t *testing.T) {
	refuses, _ := server(t, status(401))
	busy, _ := server(t, status(503))
	for _, urls := range [][]string{{refuses.URL, busy.URL}, {busy.URL, refuses.URL}, {refuses.URL, refuses.URL, busy.URL, refuses.URL}} {
		client, waits := impatient(t, func(conf *registry.Config) { conf.URLs = urls })
		away := (*registry.UnavailableError)(nil)
		if _, err := client.Schema(t.Context(), id(1)); !errors.As(err, &away) || !away.Retry || away.Status != 503 || len(*waits) == 0 {
			t.Errorf("%v after %v, want an outage that may end", err, *waits)
		}
	}
}

// A version that was not asked for is no answer.
func TestAnotherVersion(t *testing.T) {
	s, _ := server(t, body(`{"subject":"s","version":2,"id":1,"schema":"\"int\""}`))
	client, _ := impatient(t, func(conf *registry.Config) { conf.URLs = []string{s.URL} })
	if v, err := client.Version(t.Context(), "s", 2); err != nil || v.Version != 2 {
		t.Errorf("version 2: %v, %v", v, err)
	}
	away := (*registry.UnavailableError)(nil)
	if v, err := client.Version(t.Context(), "s", 1); !errors.As(err, &away) {
		t.Errorf("version 1: %v, %v, want an outage", v, err)
	}
}

// K7: waits double up to a second and a half; a registry may ask for more, up to ten.
func TestWaits(t *testing.T) {
	for _, c := range []struct {
		after  string
		chance float64
		want   []time.Duration
	}{
		{"", 0, []time.Duration{50e6, 100e6, 200e6, 400e6, 750e6, 750e6}},
		{"", 0.999999999999, []time.Duration{100e6, 200e6, 400e6, 800e6, 1500e6, 1500e6}},
		{"2", 0, []time.Duration{2e9, 2e9}},
		{"9999999999", 0, []time.Duration{10e9}},
		{"-1", 0, []time.Duration{50e6}},
	} {
		s, _ := server(t, status(503, "Retry-After", c.after))
		var got []time.Duration
		client := open(t, registry.Config{URLs: []string{s.URL}, Chance: func() float64 { return c.chance }, Wait: func(_ context.Context, d time.Duration) error {
			if got = append(got, d.Round(time.Millisecond)); len(got) == len(c.want) {
				return io.EOF
			}
			return nil
		}})
		if _, err := client.Schema(t.Context(), id(1)); !errors.Is(err, io.EOF) || !slices.Equal(got, c.want) {
			t.Errorf("Retry-After %q, chance %v: it waits %v, want %v", c.after, c.chance, got, c.want)
		}
	}
}

// A redirect on the same host is followed, with credentials.
func TestRedirectOnTheSameHost(t *testing.T) {
	s, n := server(t, func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "me" || p != "hunter2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if len(r.URL.Path) < len("/schemas/ids/1xxx") {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusPermanentRedirect)
			return
		}
		fmt.Fprint(w, good)
	})
	client, _ := impatient(t, func(conf *registry.Config) { conf.URLs = []string{s.URL} })
	if _, err := client.Schema(t.Context(), id(1)); err != nil || n.Load() != 4 {
		t.Errorf("%v after %d requests, want the schema after 4", err, n.Load())
	}
	away := (*registry.UnavailableError)(nil)
	if _, err := client.Schema(t.Context(), id(0)); err != nil {
		t.Errorf("another one: %v", err)
	}
	far, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/1xxxx") {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
			return
		}
		fmt.Fprint(w, good)
	})
	client, _ = impatient(t, func(conf *registry.Config) { conf.URLs = []string{far.URL} })
	if _, err := client.Schema(t.Context(), id(1)); !errors.As(err, &away) || away.Retry {
		t.Errorf("the fourth redirect was followed: %v", err)
	}
}

// Answers and their bounds: to the byte.
func TestBounds(t *testing.T) {
	for size, want := range map[int]bool{registry.MaxAnswer: true, registry.MaxAnswer + 1: false} {
		frame := len(`{"schema":""}`)
		s, _ := server(t, body(`{"schema":"`+strings.Repeat("x", size-frame)+`"}`))
		client, _ := impatient(t, func(conf *registry.Config) { conf.URLs = []string{s.URL} })
		_, err := client.Schema(t.Context(), id(1))
		unusable := (*registry.UnusableError)(nil)
		if (err == nil) != want || err != nil && (!errors.As(err, &unusable) || !unusable.Limit) {
			t.Errorf("an answer of %d bytes: %v", size, err)
		}
	}
	var written atomic.Int64
	endless, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"schema":"`)
		for chunk := []byte(strings.Repeat("x", 64<<10)); r.Context().Err() == nil; {
			n, err := w.Write(chunk)
			if written.Add(int64(n)); err != nil {
				return
			}
		}
	})
	client, _ := impatient(t, func(conf *registry.Config) { conf.URLs = []string{endless.URL} })
	unusable := (*registry.UnusableError)(nil)
	if _, err := client.Schema(t.Context(), id(1)); !errors.As(err, &unusable) || !unusable.Limit {
		t.Errorf("an answer without an end: %v", err)
	}
	if got := written.Load(); got > 32<<20 { // what the sockets hold comes on top
		t.Errorf("%d bytes were taken, want about one MiB", got)
	}
}

func TestPing(t *testing.T) {
	f := newFake(t)
	if err := f.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	s, n := server(t, status(500))
	client, waits := impatient(t, func(conf *registry.Config) { conf.URLs = []string{s.URL} })
	away := (*registry.UnavailableError)(nil)
	if err := client.Ping(t.Context()); !errors.As(err, &away) || n.Load() != 1 || len(*waits) > 0 {
		t.Errorf("%v after %d requests, want an outage after one", err, n.Load())
	}
}

func TestObserve(t *testing.T) {
	var events []registry.Event
	calls := 0
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, good)
	})
	client, _ := impatient(t, func(conf *registry.Config) {
		conf.URLs, conf.Observe = []string{s.URL}, func(e registry.Event) { events = append(events, e) }
	})
	if _, err := client.Schema(t.Context(), id(1)); err != nil {
		t.Fatal(err)
	}
	if len(events) != 2 || events[0].Err == nil || events[1].Err != nil || events[1].What != "schema 1" || events[1].Host == "" || events[1].Took <= 0 {
		t.Errorf("events %v", events)
	}
}

// Ids in Apicurio's headers need Apicurio.
func TestApicurioElsewhere(t *testing.T) {
	s, n := server(t, body(good))
	client, _ := impatient(t, func(conf *registry.Config) { conf.URLs = []string{s.URL} })
	away := (*registry.UnavailableError)(nil)
	if _, err := client.Schema(t.Context(), wire.Number(wire.ApicurioGlobal, 1)); !errors.As(err, &away) || away.Retry || n.Load() != 0 {
		t.Errorf("%v, want an outage that says so", err)
	}
}

// TLS with an authority of our own, and a client's certificate.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	s := httptest.NewUnstartedServer(body(good))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := filepath.Join(dir, "ca.pem")
	writePEM(t, ca, "CERTIFICATE", s.Certificate().Raw)
	cert, key := clientCertificate(t, dir)
	plain, _ := server(t, body(good))
	for name, c := range map[string]struct {
		url  string
		tls  registry.TLS
		want string
	}{
		"all":              {s.URL, registry.TLS{CAFile: ca, CertFile: cert, KeyFile: key}, ""},
		"no authority":     {s.URL, registry.TLS{CertFile: cert, KeyFile: key}, "not to be trusted"},
		"no certificate":   {s.URL, registry.TLS{CAFile: ca}, "ends the handshake"},
		"another name":     {strings.Replace(s.URL, "127.0.0.1", "localhost", 1), registry.TLS{CAFile: ca, CertFile: cert, KeyFile: key}, "not to be trusted"},
		"TLS with a plain": {strings.Replace(plain.URL, "http", "https", 1), registry.TLS{}, "does not speak TLS"},
	} {
		client, _ := impatient(t, func(conf *registry.Config) { conf.URLs, conf.TLS = []string{c.url}, c.tls })
		_, err := client.Schema(t.Context(), id(1))
		away := (*registry.UnavailableError)(nil)
		if (err == nil) != (c.want == "") || err != nil && (!errors.As(err, &away) || away.Retry || !strings.Contains(away.Why, c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func clientCertificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tidemark"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	writePEM(t, cert, "CERTIFICATE", der)
	writePEM(t, key, "PRIVATE KEY", secret)
	return cert, key
}
