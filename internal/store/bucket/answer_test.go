package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tidemark/internal/cloudtest"
	"tidemark/internal/faultproxy"
	"tidemark/internal/store"
	"tidemark/internal/store/bucket"
)

// refusing answers each request with one status and code, and with a text that must
// not be shown.
func refusing(t *testing.T, scheme string, status int, code string) (endpoint string, writes *atomic.Int32) {
	t.Helper()
	writes = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			writes.Add(1)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		switch scheme {
		case "gs":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"error":{"code":%d,"message":"hunter2","errors":[{"reason":%q,"message":"hunter2"}]}}`, status, code)
			return
		case "azblob":
			w.Header().Set("X-Ms-Error-Code", code)
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, `<Error><Code>%s</Code><Message>hunter2</Message></Error>`, code)
	}))
	t.Cleanup(s.Close)
	return s.URL, writes
}

func lakeAt(scheme, endpoint string) string {
	s := cloudtest.Server{Scheme: scheme, Endpoint: endpoint}
	return s.Lake("p")
}

// TestAnswersToCreate: what the ledger may take for settled, what is in doubt, and
// the way out; and that a record is sent once, whatever the answer.
func TestAnswersToCreate(t *testing.T) {
	for _, c := range []struct {
		scheme string
		status int
		code   string
		is     error
		want   string
	}{
		{"s3", 412, "PreconditionFailed", store.ErrExists, "already exists"},
		{"gs", 412, "conditionNotMet", store.ErrExists, "already exists"},
		{"azblob", 409, "BlobAlreadyExists", store.ErrExists, "already exists"},
		{"azblob", 412, "ConditionNotMet", store.ErrExists, "already exists"},
		{"s3", 409, "ConditionalRequestConflict", store.ErrAgain, "conflict, try again"},
		{"s3", 409, "BucketAlreadyExists", nil, "409 BucketAlreadyExists"},
		{"azblob", 409, "LeaseIdMissing", nil, "409 LeaseIdMissing"},
		{"s3", 404, "NoSuchBucket", nil, "there is no s3://lake at "},
		{"azblob", 404, "ContainerNotFound", nil, "there is no azblob://lake at "},
		{"s3", 403, "AccessDenied", nil, "403 AccessDenied (let these credentials list, read and write s3://lake/p)"},
		{"gs", 403, "forbidden", nil, "(let these credentials list, read and write gs://lake/p)"},
		{"azblob", 403, "AuthenticationFailed", nil, "(let these credentials list, read and write azblob://lake/p)"},
		{"s3", 403, "RequestTimeTooSkewed", nil, "set the clock"},
		{"s3", 429, "SlowDown", nil, "(the store is overloaded: start again later, nothing is lost)"},
		{"gs", 429, "rateLimitExceeded", nil, "(the store is overloaded: start again later, nothing is lost)"},
		{"s3", 503, "SlowDown", nil, "(the store is overloaded: start again later, nothing is lost)"},
		{"azblob", 503, "ServerBusy", nil, "(the store is overloaded: start again later, nothing is lost)"},
		{"s3", 507, "", nil, "the store answered 507 (free some space for s3://lake/p and start again: nothing is lost)"},
		{"s3", 500, "InternalError", nil, "(look at the store, and start again: nothing is lost)"},
		{"gs", 500, "backendError", nil, "(look at the store, and start again: nothing is lost)"},
		{"azblob", 500, "InternalError", nil, "(look at the store, and start again: nothing is lost)"},
		{"s3", 501, "NotImplemented", nil, "this store lacks what a lake needs"},
		{"s3", 301, "PermanentRedirect", nil, "mend region or endpoint"},
		{"s3", 400, "hunter2 hunter2", nil, "the store answered 400"},
	} {
		t.Run(fmt.Sprint(c.scheme, c.status, strings.Fields(c.code + " x")[0]), func(t *testing.T) {
			endpoint, writes := refusing(t, c.scheme, c.status, c.code)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // an SDK may repeat for minutes
			defer cancel()
			err := open(t, lakeAt(c.scheme, endpoint)).Create(ctx, "k", []byte("x"))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want …%s…", err, c.want)
			}
			for _, sentinel := range []error{store.ErrExists, store.ErrAgain, store.ErrNotExist, store.ErrSize} {
				if got, want := errors.Is(err, sentinel), errors.Is(c.is, sentinel); got != want {
					t.Errorf("%v is %v: %v, want %v", err, sentinel, got, want)
				}
			}
			if got := writes.Load(); got != 1 {
				t.Errorf("sent %d times, want once", got)
			}
		})
	}
}

// TestNoSecretInErrors: signatures stand in URLs, tokens in headers, and servers may
// say them again.
func TestNoSecretInErrors(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	t.Setenv("AZURE_STORAGE_KEY", "")
	t.Setenv("AZURE_STORAGE_SAS_TOKEN", "sv=2026&sig=hunter2")
	check := func(what string, err error) {
		t.Helper()
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want an error without the secret", what, err)
		}
	}
	b := open(t, lakeAt("azblob", gone.URL))
	check("no server", b.Create(t.Context(), "k", nil))
	endpoint, _ := refusing(t, "azblob", 403, "AuthenticationFailed")
	check("a refusal", open(t, lakeAt("azblob", endpoint)).Create(t.Context(), "k", nil))
	t.Setenv("AZURE_STORAGE_SAS_TOKEN", "")
	t.Setenv("AZURE_STORAGE_KEY", "hunter2!")
	_, err := bucket.Open(t.Context(), lakeAt("azblob", gone.URL))
	check("no key", err)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	check("no server", open(t, lakeAt("s3", gone.URL)).Create(t.Context(), "k", nil))
}

// TestRedirectsAreNotFollowed: the target would get what we send.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var reached atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer target.Close()
	from := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer from.Close()
	for _, scheme := range []string{"s3", "gs", "azblob"} {
		b := open(t, lakeAt(scheme, from.URL))
		if err := b.Create(t.Context(), "k", []byte("x")); err == nil {
			t.Errorf("%s: create: got no error", scheme)
		}
		if _, err := b.Read(t.Context(), "k"); err == nil {
			t.Errorf("%s: read: got no error", scheme)
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached the target of a redirect", n)
	}
}

func TestKeysStayInTheLake(t *testing.T) {
	b := open(t, cloudtest.GoFakeS3(t).Lake("lake"))
	for _, key := range []string{"", ".", "..", "../x", "a/../../x", "/etc/x", "a//b", "a/", "./a", "a\x00b"} {
		_, readErr := b.Read(t.Context(), key)
		_, stageErr := b.Stage(t.Context(), key)
		for op, err := range map[string]error{"create": b.Create(t.Context(), key, nil), "read": readErr, "stage": stageErr, "publish": b.Publish(t.Context(), "a", key, 0)} {
			if err == nil || errors.Is(err, store.ErrNotExist) {
				t.Errorf("%s %q: got %v, want that it is no key", op, key, err)
			}
		}
	}
}

// TestSmallReadsShareRequests: a footer is read in many small pieces.
func TestSmallReadsShareRequests(t *testing.T) {
	s := cloudtest.GoFakeS3(t)
	p := faultproxy.HTTP(t, s.Endpoint, func(faultproxy.Point) faultproxy.Action { return faultproxy.Pass })
	b := open(t, s.LakeThrough(p.Endpoint, "p"))
	if err := b.Create(t.Context(), "k", make([]byte, 3<<20)); err != nil {
		t.Fatal(err)
	}
	r, size, err := b.Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for at := int64(0); at < size; at += 4099 {
		if _, err := r.ReadAt(make([]byte, 10), min(at, size-10)); err != nil {
			t.Fatal(err)
		}
	}
	gets := 0
	for _, at := range p.Seen() {
		if at.Op == "GET" && !at.After {
			gets++
		}
	}
	if gets != 2 {
		t.Errorf("got %d requests for 3 MiB in small reads, want 2", gets)
	}
}
