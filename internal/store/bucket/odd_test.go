package bucket_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"tidemark/internal/cloudtest"
	"tidemark/internal/store"
)

// serve runs a server that lasts as long as the test.
func serve(t *testing.T, answer http.HandlerFunc) (endpoint string) {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

// TestForbiddenToReplace: where an identity may create and not replace, Google Cloud
// Storage answers 403 to who has lost. With an object there it is a lost race, without
// one the 403 that it says.
func TestForbiddenToReplace(t *testing.T) {
	for _, c := range []struct {
		scheme string
		there  bool
		want   error
	}{{"gs", true, store.ErrExists}, {"gs", false, nil}, {"s3", true, nil}, {"azblob", true, nil}} {
		endpoint := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case r.Method != http.MethodGet && r.Method != http.MethodHead:
				w.WriteHeader(http.StatusForbidden)
			case !c.there:
				w.WriteHeader(http.StatusNotFound)
			default:
				fmt.Fprint(w, `{"bucket":"lake","name":"p/k","size":"1","updated":"2026-01-01T00:00:00Z"}`)
			}
		})
		err := open(t, lakeAt(c.scheme, endpoint)).Create(t.Context(), "k", []byte("x"))
		if got, want := errors.Is(err, store.ErrExists), c.want != nil; got != want || err == nil {
			t.Errorf("%s, there %v: got %v, want a lost race: %v", c.scheme, c.there, err, want)
		}
		if c.want == nil && !strings.Contains(fmt.Sprint(err), "403") {
			t.Errorf("%s, there %v: got %v, want the 403", c.scheme, c.there, err)
		}
	}
}

// TestCopyIsSeen: a store that says that it has copied, and has not, does not lose a
// file.
func TestCopyIsSeen(t *testing.T) {
	s := cloudtest.GoFakeS3(t)
	to, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true},
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
	}
	var copies atomic.Int32
	lying := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Copy-Source") == "" {
			proxy.ServeHTTP(w, r)
			return
		}
		copies.Add(1)
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprint(w, `<CopyObjectResult><ETag>"x"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></CopyObjectResult>`)
	})
	b := open(t, s.LakeThrough(lying, "p"))
	f, err := b.Stage(t.Context(), "stage/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("rows")); err != nil {
		t.Fatal(err)
	}
	if err := f.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = b.Publish(t.Context(), "stage/x", "t/x", 4)
	if err == nil || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrNotExist) || errors.Is(err, store.ErrSize) {
		t.Errorf("got %v, want an error that settles nothing", err)
	}
	if data, err := b.Read(t.Context(), "stage/x"); err != nil || string(data) != "rows" {
		t.Errorf("the staged file: got %q, %v, want the rows", data, err)
	}
	if n := copies.Load(); n != 1 {
		t.Errorf("got %d copies, want 1", n)
	}
}

// TestShortAnswerIsAskedForAgain: an answer may end in good order, and hold less than
// it says.
func TestShortAnswerIsAskedForAgain(t *testing.T) {
	const whole = "0123456789"
	var short atomic.Bool
	endpoint := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			return
		}
		data := whole
		if short.CompareAndSwap(true, false) {
			data = whole[:5]
		}
		w.Header().Set("Content-Range", "bytes 0-9/10")
		w.WriteHeader(http.StatusPartialContent)
		fmt.Fprint(w, data)
	})
	b := open(t, lakeAt("s3", endpoint))
	short.Store(true)
	if got, err := b.Read(t.Context(), "k"); err != nil || string(got) != whole {
		t.Fatalf("read: got %q, %v, want %q", got, err, whole)
	}
	r, _, err := b.Open(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	short.Store(true)
	got := make([]byte, 3)
	if _, err := r.ReadAt(got, 6); err != nil || string(got) != whole[6:9] {
		t.Errorf("read at 6: got %q, %v, want %q", got, err, whole[6:9])
	}
	if short.Load() {
		t.Error("no answer was short")
	}
}

// TestListHasEveryPage: stores list a thousand objects at once.
func TestListHasEveryPage(t *testing.T) {
	const first, more = 1000, 7
	endpoint := serve(t, func(w http.ResponseWriter, r *http.Request) {
		from, to, rest := 0, first, `<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>`
		if r.URL.Query().Get("continuation-token") != "" {
			from, to, rest = first, first+more, `<IsTruncated>false</IsTruncated>`
		}
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprintf(w, `<ListBucketResult>%s`, rest)
		for i := range to - from {
			fmt.Fprintf(w, `<Contents><Key>p/%05d</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>1</Size></Contents>`, from+i)
		}
		fmt.Fprint(w, `</ListBucketResult>`)
	})
	entries, err := open(t, lakeAt("s3", endpoint)).List(t.Context(), "")
	if err != nil || len(entries) != first+more {
		t.Fatalf("got %d entries, %v, want %d", len(entries), err, first+more)
	}
	for i, e := range entries {
		if want := fmt.Sprintf("%05d", i); e.Key != want {
			t.Fatalf("entry %d: got %s, want %s", i, e.Key, want)
		}
	}
}
