package bucket_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"tidemark/internal/cloudtest"
	"tidemark/internal/faultproxy"
	"tidemark/internal/store"
)

// missingBucketIsNoEmptyLedger: every operation says so, and none takes it for a
// missing object.
func missingBucketIsNoEmptyLedger(t *testing.T, s *cloudtest.Server) {
	b := open(t, strings.Replace(s.Lake("p"), "://lake/", "://absent/", 1))
	ctx := t.Context()
	_, readErr := b.Read(ctx, "k")
	_, statErr := b.Stat(ctx, "k")
	_, _, openErr := b.Open(ctx, "k")
	_, listErr := b.List(ctx, "")
	for op, err := range map[string]error{
		"read": readErr, "stat": statErr, "open": openErr, "list": listErr, "create": b.Create(ctx, "k", nil),
		"remove": b.Remove(ctx, "k"), "publish": b.Publish(ctx, "k", "l", 1),
	} {
		if err == nil || errors.Is(err, store.ErrNotExist) || !strings.Contains(err.Error(), "there is no "+s.Scheme+"://absent") {
			t.Errorf("%s: got %v, want that there is no such bucket", op, err)
		}
	}
}

// lostAnswer: of a request that arrives and whose answer is lost a record is in
// doubt and is not sent again; a file is sent again, and known to be ours.
func lostAnswer(t *testing.T, s *cloudtest.Server) {
	lost := map[string]bool{}
	p := faultproxy.HTTP(t, s.Endpoint, onceAfter("PUT", faultproxy.Lose, lost))
	b := open(t, s.LakeThrough(p.Endpoint, "lost"))
	err := b.Create(t.Context(), "record", []byte("x"))
	if err == nil || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrAgain) || errors.Is(err, store.ErrNotExist) {
		t.Errorf("create: got %v, want a doubt", err)
	}
	if n := puts(p); n != 1 {
		t.Errorf("a record was sent %d times, want once", n)
	}
	if data, err := b.Read(t.Context(), "record"); err != nil || string(data) != "x" {
		t.Errorf("got %q, %v, want what was created", data, err)
	}
	f, err := b.Stage(t.Context(), "file")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("rows")); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(t.Context()); err != nil {
		t.Errorf("finish: got %v, want that the file is found to be ours", err)
	}
	if len(lost) != 2 {
		t.Errorf("lost %v, want the answers of both", lost)
	}
}

// onceAfter does what is said to the first answer about each object.
func onceAfter(op string, action faultproxy.Action, seen map[string]bool) faultproxy.Decide {
	var turn = make(chan struct{}, 1)
	return func(p faultproxy.Point) faultproxy.Action {
		turn <- struct{}{}
		defer func() { <-turn }()
		if p.Op != op || seen[p.Path] {
			return faultproxy.Pass
		}
		if !p.After && action == faultproxy.Lose {
			seen[p.Path] = true
			return action
		}
		return faultproxy.Pass
	}
}

func puts(p *faultproxy.Proxy) (n int) {
	for _, at := range p.Seen() {
		if at.Op == "PUT" && !at.After {
			n++
		}
	}
	return n
}

// corruptedUpload: bytes that change on their way do not become a file.
func corruptedUpload(t *testing.T, s *cloudtest.Server) {
	if s.Name == "gofakes3" {
		return // it compares nothing
	}
	b := open(t, s.LakeThrough(corrupting(t, s.Endpoint), "corrupt"))
	f, err := b.Stage(t.Context(), "file")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write([]byte(strings.Repeat("rows ", 1000)))
	if err == nil {
		err = f.Finish(t.Context())
	}
	if err == nil {
		t.Error("a file whose bytes were changed was accepted")
	}
	if err := f.Abort(); err != nil {
		t.Error(err)
	}
	if err := b.Create(t.Context(), "record", []byte(strings.Repeat("rows ", 1000))); err == nil {
		t.Error("a record whose bytes were changed was accepted")
	}
}

// corrupting is a proxy that turns rows into r0ws in what is sent.
func corrupting(t *testing.T, upstream string) string {
	t.Helper()
	u, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = u.Scheme, u.Host, r.In.Host
			if r.In.Method == http.MethodPut || r.In.Method == http.MethodPost {
				data, _ := io.ReadAll(r.In.Body)
				r.Out.Body = io.NopCloser(strings.NewReader(strings.Replace(string(data), "rows", "r0ws", 1)))
			}
		},
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL
}

// cutAnswerIsAskedForAgain: half an object is never taken for a whole one.
func cutAnswerIsAskedForAgain(t *testing.T, s *cloudtest.Server) {
	want := strings.Repeat("0123456789", 20_000)
	if err := open(t, s.Lake("p")).Create(t.Context(), "k", []byte(want)); err != nil {
		t.Fatal(err)
	}
	cut := false
	p := faultproxy.HTTP(t, s.Endpoint, func(at faultproxy.Point) faultproxy.Action {
		if at.Op == "GET" && !cut && !at.After {
			cut = true
			return faultproxy.CutAnswer
		}
		return faultproxy.Pass
	})
	b := open(t, s.LakeThrough(p.Endpoint, "p"))
	if got, err := b.Read(t.Context(), "k"); err != nil || string(got) != want {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
	}
	if !cut {
		t.Error("no answer was cut")
	}
}

// publishInterrupted: a publisher that ends between two requests leaves the file
// under one of its names, and the next one brings it to its end.
func publishInterrupted(t *testing.T, s *cloudtest.Server) {
	for _, op := range []string{"COPY", "DELETE"} {
		t.Run(op, func(t *testing.T) {
			ctx := t.Context()
			p := faultproxy.HTTP(t, s.Endpoint, func(at faultproxy.Point) faultproxy.Action {
				if at.Op == op {
					return faultproxy.Fail
				}
				return faultproxy.Pass
			})
			whole := open(t, s.Lake(op))
			f, err := whole.Stage(ctx, "stage/x")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte("rows")); err != nil {
				t.Fatal(err)
			}
			if err := f.Finish(ctx); err != nil {
				t.Fatal(err)
			}
			err = open(t, s.LakeThrough(p.Endpoint, op)).Publish(ctx, "stage/x", "t/x", 4)
			if err == nil || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrNotExist) {
				t.Errorf("got %v, want an error that settles nothing", err)
			}
			if _, err := whole.Stat(ctx, "stage/x"); err != nil {
				t.Errorf("the staged file: %v", err)
			}
			if err := whole.Publish(ctx, "stage/x", "t/x", 4); err != nil {
				t.Errorf("publish again: %v", err)
			}
			if data, err := whole.Read(ctx, "t/x"); err != nil || string(data) != "rows" {
				t.Errorf("got %q, %v, want the rows", data, err)
			}
			if err := whole.Publish(ctx, "stage/x", "t/x", 4); !errors.Is(err, store.ErrNotExist) {
				t.Errorf("publish a third time: got %v, want %v", err, store.ErrNotExist)
			}
		})
	}
}
