package faultproxy

import (
	"net"
	"testing"
)

// Kafka starts a proxy before a broker at upstream, host:port. It listens where the
// broker tells clients of that listener to go, so that they stay with it: see
// kafkatest.Behind. Where the broker sends them to itself, it listens anywhere.
func Kafka(t testing.TB, upstream string, d Decide) *Proxy {
	t.Helper()
	address, err := advertised(upstream)
	if err != nil {
		t.Fatalf("ask %s where it sends its clients: %v", upstream, err)
	}
	if address == upstream {
		address = "localhost:0"
	}
	p := newProxy(d)
	l := listen(t, address)
	p.Endpoint = l.Addr().String()
	p.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if client := p.keep(c); p.begin() {
				go func() {
					defer p.work.Done()
					serve(p, client, upstream)
				}()
			}
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.end()
		p.work.Wait()
	})
	return p
}

// link is a client's connection and its own to the broker, which answers in the
// order in which it was asked.
type link struct {
	*Proxy
	client, server *conn
	asked          chan question
	over           chan struct{} // closed when no answer can come any more
}

// question is a request that the broker has got and not answered.
type question struct {
	at     Point
	act    Action
	number [4]byte       // the correlation id
	silent bool          // the answer is for nobody
	done   chan struct{} // closed with the answer, if not nil
}

func serve(p *Proxy, client *conn, upstream string) {
	defer client.Close()
	c, err := net.Dial("tcp", upstream)
	if err != nil {
		return // the broker is away
	}
	l := &link{Proxy: p, client: client, server: p.keep(c), asked: make(chan question, 64), over: make(chan struct{})}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		l.answers()
	}()
	if landing := l.requests(); !landing {
		l.server.Close()
	}
	client.Close()
	<-answered
}

// requests takes what the client asks to the broker. It reports whether the broker's
// side must stay for a request that lands later.
func (l *link) requests() (landing bool) {
	for {
		f, err := readFrame(l.client, 8)
		if err != nil {
			return false
		}
		q := question{number: f.number(true)}
		q.at, q.act = l.before("kafka", f.name(), "")
		switch q.act {
		case Fail, Throttle:
			return false
		case CutRequest:
			_, _ = l.server.Write(f[:len(f)/2])
			return false
		case Land:
			q.done = make(chan struct{})
			l.land(func() {
				if l.ask(q, f) {
					select {
					case <-q.done:
					case <-l.over:
					}
				}
				l.server.Close()
			})
			return true
		case Hold:
			if !l.hold() {
				return false
			}
		case Twice:
			if !l.ask(question{number: q.number, silent: true}, f) {
				return false
			}
		}
		if !l.ask(q, f) {
			return false
		}
	}
}

// ask sends a request and remembers that its answer is due.
func (l *link) ask(q question, f frame) bool {
	if f.answered() {
		select {
		case l.asked <- q:
		case <-l.over:
			return false
		}
	}
	_, err := l.server.Write(f)
	return err == nil && (f.answered() || q.act != Lose && q.act != CutAnswer)
}

// answers gives the client the broker's answers, until there will be none.
func (l *link) answers() {
	defer close(l.over)
	defer l.client.Close()
	defer l.server.Close()
	for {
		f, err := readFrame(l.server, 4)
		if err != nil {
			return
		}
		var q question
		select {
		case q = <-l.asked:
		default:
			return // nobody asked
		}
		if f.number(false) != q.number {
			return // this is not what was asked
		}
		if !q.silent && !l.answer(q, f) {
			return
		}
		if q.done != nil {
			close(q.done)
		}
	}
}

// answer gives the client what the action makes of an answer. It reports whether the
// connection goes on. A client that is gone is noticed where its requests are read.
func (l *link) answer(q question, f frame) bool {
	act := q.act
	if next := l.after(q.at); act == Pass || act == Twice || act == Hold {
		act = next
	}
	switch act {
	case Fail, Throttle, Lose:
		return false
	case CutAnswer:
		_, _ = l.client.Write(f[:len(f)/2])
		return false
	case Late, Hold:
		if !l.hold() {
			return false
		}
	}
	_, _ = l.client.Write(f)
	return true
}
