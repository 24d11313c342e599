package faultproxy

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// HTTP starts a proxy before an object store at upstream, http://host:port.
func HTTP(t testing.TB, upstream string, d Decide) *Proxy {
	t.Helper()
	to, err := url.Parse(upstream)
	if err != nil || to.Scheme != "http" || to.Host == "" || strings.Trim(to.Path, "/") != "" {
		t.Fatalf("start proxy before %q: write it as http://host:port", upstream)
	}
	p := newProxy(d)
	l := listen(t, "127.0.0.1:0")
	p.Endpoint = "http://" + l.Addr().String()

	h := &handler{Proxy: p, upstream: to.Host}
	h.transport = &http.Transport{DialContext: h.dial, DisableCompression: true, ExpectContinueTimeout: time.Second}
	s := &http.Server{Handler: h}
	p.work.Go(func() { _ = s.Serve(&keeper{l, p}) })
	t.Cleanup(func() {
		l.Close()
		p.end()
		p.work.Wait()
		_ = s.Shutdown(context.Background()) // waits for those that serve a connection
		h.transport.CloseIdleConnections()
	})
	return p
}

// keeper is a listener whose connections are kept.
type keeper struct {
	net.Listener
	proxy *Proxy
}

// Accept implements net.Listener.
func (k *keeper) Accept() (net.Conn, error) {
	c, err := k.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return k.proxy.keep(c), nil
}

type handler struct {
	*Proxy
	upstream  string // host:port
	transport *http.Transport
}

func (h *handler) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return h.keep(c), nil
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.begin() {
		sever(w, nil)
		return
	}
	defer h.work.Done()
	c := callOf(r)
	at, act := h.before("http", c.op, c.path)
	out, ok := h.request(r, act)
	if !ok {
		sever(w, nil) // the client went away in the middle of it
		return
	}
	switch act {
	case Fail, Throttle:
		c.refuse(w, act == Throttle)
		return
	case CutRequest:
		h.cutRequest(out)
		sever(w, nil)
		return
	case Land:
		h.land(func() {
			if answer, err := h.send(out); err == nil {
				drop(answer)
				h.after(at)
			}
		})
		sever(w, nil)
		return
	case Hold:
		if !h.hold() {
			sever(w, nil)
			return
		}
	case Twice:
		if first, err := h.send(out); err == nil {
			drop(first)
		}
		out.Body, _ = out.GetBody()
	}
	answer, err := h.send(out)
	if err != nil {
		sever(w, nil) // the server is away
		return
	}
	defer drop(answer)
	if next := h.after(at); act == Pass || act == Twice || act == Hold {
		act = next
	}
	h.answer(w, answer, c, act)
}

// answer gives what act makes of the server's answer.
func (h *handler) answer(w http.ResponseWriter, answer *http.Response, c call, act Action) {
	switch act {
	case Fail, Throttle:
		c.refuse(w, act == Throttle)
		return
	case Lose:
		sever(w, nil)
		return
	case CutAnswer:
		var all bytes.Buffer
		_ = answer.Write(&all)
		sever(w, all.Bytes()[:all.Len()/2])
		return
	case Late, Hold:
		if !h.hold() {
			sever(w, nil)
			return
		}
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.Header().Del("Connection")
	lead(w.Header(), c.host)
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(w, answer.Body); err != nil {
		panic(http.ErrAbortHandler) // the server's answer broke off: so does ours
	}
}

// lead makes the address of an upload session lead through here, whatever name the
// server has for itself.
func lead(header http.Header, host string) {
	if to, err := url.Parse(header.Get("Location")); err == nil && to.Host != "" {
		to.Scheme, to.Host = "http", host
		header.Set("Location", to.String())
	}
}

// request makes the request to the server. What passes is streamed, so that a client
// that dies in the middle is seen by the server; the rest is read to its end first.
func (h *handler) request(r *http.Request, act Action) (*http.Request, bool) {
	to := *r.URL
	to.Scheme, to.Host = "http", h.upstream
	// A request that is on its way is not called back when its sender goes away.
	out := r.Clone(context.WithoutCancel(r.Context()))
	out.URL, out.RequestURI = &to, ""
	out.Header.Del("Connection")
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "") // or one is added
	}
	if r.ContentLength == 0 {
		out.Body = http.NoBody
		out.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
		return out, true
	}
	if act == Pass {
		return out, true
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, false
	}
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	out.Body, _ = out.GetBody()
	return out, true
}

func (h *handler) send(out *http.Request) (*http.Response, error) { return h.transport.RoundTrip(out) }

// drop reads an answer to its end, so that the connection can be used again.
func drop(answer *http.Response) {
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
}

// cutRequest sends a request up to the middle of its body, or of its head where it
// has none, and waits until the server has taken note.
func (h *handler) cutRequest(out *http.Request) {
	var all bytes.Buffer
	if err := out.Write(&all); err != nil {
		return
	}
	part := all.Len() / 2
	if head := bytes.Index(all.Bytes(), []byte("\r\n\r\n")) + 4; head < all.Len() {
		part = head + (all.Len()-head)/2
	}
	c, err := h.dial(out.Context(), "tcp", h.upstream)
	if err != nil {
		return
	}
	defer c.Close()
	if _, err := c.Write(all.Bytes()[:part]); err != nil {
		return
	}
	_ = c.(*conn).Conn.(*net.TCPConn).CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second)) // for a server that waits for more
	_, _ = io.Copy(io.Discard, c)
}

// sever closes the client's connection, after a part of an answer or without one.
func sever(w http.ResponseWriter, part []byte) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = c.Write(part)
	c.Close()
}
