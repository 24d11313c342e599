package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/status"
)

// serveSite serves a site that counts how often it is asked, and returns its address.
func serveSite(t *testing.T, asked func()) string {
	t.Helper()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "asked"}, func() float64 { asked(); return 1 }))
	s := &site{
		document: func() status.Document { asked(); return status.Document{} },
		ready:    func(context.Context) error { asked(); return nil },
		metrics:  metrics,
	}
	ctx, cancel := context.WithCancel(context.Background())
	l, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx, l, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return l.Addr().String()
}

// TestSiteServesReadsOnly: whatever else is asked of any path, nothing is done and the
// answer says that this is not for that.
func TestSiteServesReadsOnly(t *testing.T) {
	address := serveSite(t, func() { t.Error("a request that reads nothing came through") })
	paths := []string{"/", "/metrics", "/healthz", "/readyz", "/status", "/status/", "/debug/pprof/", "/tables/transactions", "/../etc/passwd"}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"} {
		for _, path := range paths {
			answer := exchange(t, address, method+" "+path+" HTTP/1.1\r\nHost: tidemark\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
			if !slices.Contains([]int{http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusBadRequest, http.StatusTemporaryRedirect}, answer.StatusCode) {
				t.Errorf("%s %s gives %s", method, path, answer.Status)
			}
			if path != "/" && slices.Contains(paths[:5], path) && method != "CONNECT" && answer.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s %s gives %s, want 405", method, path, answer.Status)
			}
		}
	}
}

// exchange sends the bytes of a request and reads the answer to its end.
func exchange(t *testing.T, address, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", request[:min(len(request), 60)], err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestSiteBearsBadClients: headers that are too long are refused, and clients that
// send a request for ever, a few bytes or nothing at all, are let go by the server
// itself, while others are answered.
func TestSiteBearsBadClients(t *testing.T) {
	address := serveSite(t, func() {})
	long := exchange(t, address, "GET /status HTTP/1.1\r\nHost: tidemark\r\nX-Long: "+strings.Repeat("x", maxHeader+8<<10)+"\r\n\r\n")
	if got, want := long.StatusCode, http.StatusRequestHeaderFieldsTooLarge; got != want {
		t.Errorf("long headers give %d, want %d", got, want)
	}

	var slow []net.Conn
	for range 200 {
		for _, begun := range []string{"", "GET /status HTTP/1.1\r\nHost: tide", "POST /status HTTP/1.1\r\nHost: tidemark\r\nContent-Length: 1000000\r\n\r\nhel"} {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			if _, err := io.WriteString(conn, begun); err != nil {
				t.Fatal(err)
			}
			slow = append(slow, conn)
		}
	}
	if got := exchange(t, address, "GET /status HTTP/1.1\r\nHost: tidemark\r\nConnection: close\r\n\r\n").StatusCode; got != http.StatusOK {
		t.Errorf("beside %d slow clients others get %d", len(slow), got)
	}
	for _, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute)) // of a test that fails
		if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("a slow client is not let go: %v", err)
		}
	}
}
