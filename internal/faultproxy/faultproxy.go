// Package faultproxy stands between a program under test and an object store or a
// Kafka broker, and does to single requests what a bad network does: it fails or
// throttles them, loses or holds their answers, cuts them in the middle, carries
// them out twice, or long after their sender gave them up.
//
// What a request is called is a Point: the operation, the object's key, its number,
// and whether it is about to be forwarded or has just been answered. A test's Decide
// is asked at each, and says what happens; it may as well block there, or kill the
// program. All else passes unchanged: bodies, headers, signatures and the Host that
// was signed.
//
// HTTP knows the dialects of S3 (path style), of Google Cloud Storage (JSON and XML)
// and of Azure Blob Storage (path style), and answers failures as each of them would.
// Kafka knows frames: it reads the head of a request and nothing of what is in it.
// Neither speaks TLS.
//
// A proxy lives as long as its test and joins all of its goroutines at the end of it.
// Requests that wait are let go, those that were to land later are forgotten. Start it
// after the server behind it, so that it ends first. Only tests import this package.
package faultproxy

import (
	"net"
	"slices"
	"sync"
	"testing"
)

// Point is a place in the life of a request.
type Point struct {
	Kind string // "http" or "kafka"
	// Op is PUT, GET, HEAD, DELETE, LIST, COPY, CREATE-MULTIPART, UPLOAD-PART, COMPLETE
	// or another method of HTTP, or the name of a request of Kafka, such as Fetch.
	Op    string
	Path  string // the object's key below its bucket, the prefix of a LIST, or ""
	N     int    // the number of the request: 1, 2, … over the proxy's life
	After bool   // the server has answered; the client does not know
}

// Action is what becomes of a request.
type Action uint8

// The actions. Where one is answered after the request, Pass, Fail, Throttle, Lose,
// Late, Hold and CutAnswer make of the answer what they say, and the rest do nothing.
const (
	Pass       Action = iota // forwarded, and the answer given
	Fail                     // not forwarded; HTTP: answered with 500, Kafka: closed
	Throttle                 // not forwarded; HTTP: answered with 429 or 503, Kafka: closed
	Lose                     // forwarded; closed when the answer is there
	Late                     // forwarded; the answer is held until Release
	Twice                    // forwarded twice, one after the other; the second answer is given
	CutRequest               // a part is forwarded, then both sides are closed
	CutAnswer                // forwarded; a part of the answer is given, then closed
	Land                     // closed at once; forwarded when Deliver is called
	Hold                     // neither forwarded nor answered until Release
)

var actionNames = [...]string{"pass", "fail", "throttle", "lose", "late", "twice", "cut request", "cut answer", "land", "hold"}

func (a Action) String() string { return actionNames[a] }

// Decide says what becomes of a request, before it is forwarded and, if that passed,
// after it is answered. It is called by many goroutines at once. While it blocks, this
// request stands still; with Kafka, its connection does.
type Decide func(Point) Action

// Proxy is a proxy that runs until its test ends.
type Proxy struct {
	Endpoint string // what clients use: http://host:port for HTTP, host:port for Kafka

	done chan struct{} // closed at the end

	mu struct {
		sync.Mutex
		decide Decide
		n      int
		seen   []Point
		gate   chan struct{} // closed by Release: what is held goes on
		landed []func()
		conns  map[net.Conn]struct{}
		ended  bool
	}
	work sync.WaitGroup
}

func newProxy(d Decide) *Proxy {
	p := &Proxy{done: make(chan struct{})}
	p.mu.decide = d
	p.mu.gate = make(chan struct{})
	p.mu.conns = map[net.Conn]struct{}{}
	return p
}

// listen takes a port of this machine, or the one given.
func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("listen for clients: %v", err)
	}
	return l
}

// Set replaces what decides. Nil: all passes.
func (p *Proxy) Set(d Decide) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.decide = d
}

// Seen is every point so far, in the order in which they were decided.
func (p *Proxy) Seen() []Point {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.mu.seen)
}

// Release lets everything go on that is held at this moment.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.mu.gate)
	p.mu.gate = make(chan struct{})
}

// Deliver lets the requests land whose clients were told otherwise, one after another,
// and returns when the server has answered them.
func (p *Proxy) Deliver() {
	p.mu.Lock()
	landed := p.mu.landed
	p.mu.landed = nil
	p.mu.Unlock()
	for _, forward := range landed {
		forward()
	}
}

// Cut closes every connection, of clients and to the server, as they are. New ones are
// welcome.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutLocked()
}

func (p *Proxy) cutLocked() {
	for c := range p.mu.conns {
		c.Close()
	}
}

// before names a request and asks what becomes of it.
func (p *Proxy) before(kind, op, path string) (Point, Action) {
	p.mu.Lock()
	p.mu.n++
	at := Point{Kind: kind, Op: op, Path: path, N: p.mu.n}
	p.mu.Unlock()
	return at, p.ask(at)
}

// after asks what becomes of the answer.
func (p *Proxy) after(at Point) Action {
	at.After = true
	return p.ask(at)
}

func (p *Proxy) ask(at Point) Action {
	p.mu.Lock()
	p.mu.seen = append(p.mu.seen, at)
	decide := p.mu.decide
	p.mu.Unlock()
	if decide == nil {
		return Pass
	}
	return decide(at)
}

// hold waits for Release. It reports whether there is a reason to go on.
func (p *Proxy) hold() bool {
	p.mu.Lock()
	gate := p.mu.gate
	p.mu.Unlock()
	select {
	case <-gate:
		return true
	case <-p.done:
		return false
	}
}

// land keeps a request for Deliver.
func (p *Proxy) land(forward func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.landed = append(p.mu.landed, forward)
}

// conn is a connection that Cut and the end of the proxy reach.
type conn struct {
	net.Conn
	proxy *Proxy
}

// keep takes charge of a connection. After the end it is closed at once.
func (p *Proxy) keep(c net.Conn) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.conns[c] = struct{}{}
	if p.mu.ended {
		c.Close()
	}
	return &conn{c, p}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	delete(c.proxy.mu.conns, c.Conn)
	return c.Conn.Close()
}

// end lets everything go and closes every connection, for good.
func (p *Proxy) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.ended = true
	close(p.done)
	p.cutLocked()
}

// begin counts a piece of work that the end waits for. It reports whether the proxy
// still works.
func (p *Proxy) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.ended {
		return false
	}
	p.work.Add(1)
	return true
}
