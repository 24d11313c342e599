package faultproxy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tidemark/internal/faultproxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a server that writes down what it is asked for, and answers with what it
// got.
type shop struct {
	mu    sync.Mutex
	got   []string // method, request line's target and body
	whole []*http.Request
	cut   chan string // bodies that broke off
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.cut <- string(body)
		return
	}
	s.mu.Lock()
	s.got = append(s.got, fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, body))
	s.whole = append(s.whole, r)
	n := len(s.got)
	s.mu.Unlock()
	w.Header().Set("Location", "http://elsewhere:99/upload/storage/v1/b/lake/o?upload_id=7")
	fmt.Fprintf(w, "answer %d to %s", n, body)
}

func (s *shop) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// open starts a shop behind a proxy, and a client.
func open(t *testing.T, d faultproxy.Decide) (*shop, *faultproxy.Proxy, *http.Client) {
	s := &shop{cut: make(chan string, 10)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p := faultproxy.HTTP(t, server.URL, d)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	t.Cleanup(client.CloseIdleConnections)
	return s, p, client
}

// put sends one request and gives what came back: status and body, or the error.
func put(client *http.Client, endpoint, body string) string {
	req, err := http.NewRequest(http.MethodPut, endpoint+"/lake/a/b.json", strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	resp, err := client.Do(req)
	if err != nil {
		return "closed"
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "broke off"
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, got)
}

// TestRequestIsUnchanged wants all that a signature may cover to reach the server as
// the client sent it, and addresses in answers to lead back.
func TestRequestIsUnchanged(t *testing.T) {
	s, p, client := open(t, nil)
	target := "/lake/dd=22/a%2Fb%20c+d/..%2F?x=%2F&list-type=2&a"
	req, err := http.NewRequest(http.MethodPost, p.Endpoint+target, bytes.NewReader([]byte{0, 1, 2, 255}))
	must(t, err)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x")
	req.Header.Set("Expect", "100-continue")
	resp, err := client.Do(req)
	must(t, err)
	answer, err := io.ReadAll(resp.Body)
	must(t, err)
	must(t, resp.Body.Close())
	if got, want := string(answer), "answer 1 to \x00\x01\x02\xff"; got != want {
		t.Errorf("answer: got %q, want %q", got, want)
	}
	if got, want := resp.Header.Get("Location"), p.Endpoint+"/upload/storage/v1/b/lake/o?upload_id=7"; got != want {
		t.Errorf("location: got %q, want %q", got, want)
	}
	if got, want := s.requests(), []string{"POST " + target + " \x00\x01\x02\xff"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	seen := s.whole[0]
	if got, want := seen.Host, strings.TrimPrefix(p.Endpoint, "http://"); got != want {
		t.Errorf("host: got %q, want %q, which the client signed", got, want)
	}
	for name, want := range map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=x", "User-Agent": "Go-http-client/1.1", "Accept-Encoding": "", "Content-Length": "4"} {
		if got := seen.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestNothingIsAdded wants a request without a header that Go's clients send by
// themselves to reach the server without it.
func TestNothingIsAdded(t *testing.T) {
	s, p, client := open(t, nil)
	req, err := http.NewRequest(http.MethodGet, p.Endpoint+"/lake/k", nil)
	must(t, err)
	req.Header.Set("User-Agent", "")
	resp, err := client.Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	if got := s.whole[0].Header; len(got) != 0 {
		t.Errorf("got headers %v, want none", got)
	}
}

// TestActions does everything to a PUT, before it is forwarded and after it is
// answered: what the client is told, and what the server got by then and in the end.
func TestActions(t *testing.T) {
	const one = "PUT /lake/a/b.json body"
	for _, test := range []struct {
		act   faultproxy.Action
		after bool
		told  string
		got   int // whole requests that reached the server
		later int // after Deliver
		cut   string
	}{
		{act: faultproxy.Pass, told: "200 answer 1 to body", got: 1, later: 1},
		{act: faultproxy.Fail, told: "500 " + refusal("InternalError")},
		{act: faultproxy.Throttle, told: "503 " + refusal("SlowDown")},
		{act: faultproxy.Lose, told: "closed", got: 1, later: 1},
		{act: faultproxy.Twice, told: "200 answer 2 to body", got: 2, later: 2},
		{act: faultproxy.CutRequest, told: "closed", cut: "bo"},
		{act: faultproxy.CutAnswer, told: "closed", got: 1, later: 1},
		{act: faultproxy.Land, told: "closed", later: 1},
		{act: faultproxy.Fail, after: true, told: "500 " + refusal("InternalError"), got: 1, later: 1},
		{act: faultproxy.Throttle, after: true, told: "503 " + refusal("SlowDown"), got: 1, later: 1},
		{act: faultproxy.Lose, after: true, told: "closed", got: 1, later: 1},
		{act: faultproxy.CutAnswer, after: true, told: "closed", got: 1, later: 1},
		{act: faultproxy.Twice, after: true, told: "200 answer 1 to body", got: 1, later: 1},
	} {
		t.Run(fmt.Sprintf("%s,after=%t", test.act, test.after), func(t *testing.T) {
			s, p, client := open(t, func(at faultproxy.Point) faultproxy.Action {
				if at.After == test.after {
					return test.act
				}
				return faultproxy.Pass
			})
			if got := put(client, p.Endpoint, "body"); got != test.told {
				t.Errorf("told: got %q, want %q", got, test.told)
			}
			if got, want := s.requests(), slices.Repeat([]string{one}, test.got); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			p.Deliver()
			if got, want := s.requests(), slices.Repeat([]string{one}, test.later); !slices.Equal(got, want) {
				t.Errorf("in the end: got %q, want %q", got, want)
			}
			if test.cut != "" {
				if got := <-s.cut; got != test.cut {
					t.Errorf("the server got %q of it, want %q", got, test.cut)
				}
			}
			p.Set(nil)
			if got, want := put(client, p.Endpoint, "next"), fmt.Sprintf("200 answer %d to next", test.later+1); got != want {
				t.Errorf("afterwards: got %q, want %q", got, want)
			}
		})
	}
}

func refusal(code string) string {
	return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code><Message>injected fault</Message></Error>"
}

// TestHeldUntilRelease wants Hold to stop a request before the server, and Late its
// answer before the client, until Release.
func TestHeldUntilRelease(t *testing.T) {
	for _, test := range []struct {
		act    faultproxy.Action
		points int // by the time that it stands still
	}{{faultproxy.Hold, 1}, {faultproxy.Late, 2}} {
		t.Run(test.act.String(), func(t *testing.T) {
			reached := make(chan faultproxy.Point, 2)
			s, p, client := open(t, func(at faultproxy.Point) faultproxy.Action {
				reached <- at
				if at.After {
					return faultproxy.Pass
				}
				return test.act
			})
			told := make(chan string)
			go func() { told <- put(client, p.Endpoint, "body") }()
			for range test.points {
				<-reached
			}
			if got := len(s.requests()); got != test.points-1 {
				t.Errorf("the server got %d requests, want %d", got, test.points-1)
			}
			if got := releaseUntil(p, told); got != "200 answer 1 to body" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// releaseUntil releases until the answer is there: the request may have been asked
// about and not yet have come to where it is held.
func releaseUntil(p *faultproxy.Proxy, told <-chan string) string {
	for {
		select {
		case got := <-told:
			return got
		default:
			p.Release()
		}
	}
}

// TestEndLetsGo wants the end of a test to find nothing that waits.
func TestEndLetsGo(t *testing.T) {
	told := make(chan string)
	t.Run("held", func(t *testing.T) {
		reached := make(chan struct{})
		_, p, client := open(t, func(faultproxy.Point) faultproxy.Action {
			close(reached)
			return faultproxy.Hold
		})
		go func() { told <- put(client, p.Endpoint, "body") }()
		<-reached
	})
	if got := <-told; got != "closed" {
		t.Errorf("got %q, want a closed connection", got)
	}
}

// TestCut wants all connections gone at once, and new ones to work.
func TestCut(t *testing.T) {
	reached := make(chan struct{}, 1)
	_, p, client := open(t, func(at faultproxy.Point) faultproxy.Action {
		if at.N == 1 {
			reached <- struct{}{}
			return faultproxy.Hold
		}
		return faultproxy.Pass
	})
	told := make(chan string)
	go func() { told <- put(client, p.Endpoint, "body") }()
	<-reached
	p.Cut()
	if got := <-told; got != "closed" {
		t.Errorf("got %q, want a closed connection", got)
	}
	if got := put(client, p.Endpoint, "next"); got != "200 answer 1 to next" {
		t.Errorf("got %q", got)
	}
}

// TestDeadServer wants a client to be told that the server is away as a network
// tells it.
func TestDeadServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	p := faultproxy.HTTP(t, server.URL, nil)
	client := &http.Client{Transport: &http.Transport{}}
	if got := put(client, p.Endpoint, "body"); got != "closed" {
		t.Errorf("got %q, want a closed connection", got)
	}
}

// TestClientDies wants the server to see the half request of a client that died in
// the middle of it.
func TestClientDies(t *testing.T) {
	s, p, client := open(t, nil)
	r, w := io.Pipe()
	go func() {
		_, _ = w.Write([]byte("half"))
		_ = w.CloseWithError(errors.New("dead"))
	}()
	req, err := http.NewRequest(http.MethodPut, p.Endpoint+"/lake/k", r)
	must(t, err)
	req.ContentLength = 8
	if resp, err := client.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("got %s", resp.Status)
	}
	if got := <-s.cut; got != "half" {
		t.Errorf("the server got %q, want half", got)
	}
	if got := s.requests(); len(got) != 0 {
		t.Errorf("got %q as if it were whole", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
