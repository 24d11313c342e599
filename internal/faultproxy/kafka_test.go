package faultproxy_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/internal/faultproxy"
)

// clerk is a broker that writes down the frames that it gets, with "!" at the end of
// one that broke off, and answers each with its correlation id and a number.
type clerk struct {
	mu  sync.Mutex
	got []string
	cut chan string
}

func (c *clerk) frames() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

// listen starts it. It answers Metadata with the address that it is told to tell.
func (c *clerk) listen(t *testing.T, advertise string) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	if advertise == "" {
		advertise = l.Addr().String()
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { c.serve(conn, advertise) })
		}
	})
	return l.Addr().String()
}

func (c *clerk) serve(conn net.Conn, advertise string) {
	defer conn.Close()
	for {
		size := make([]byte, 4)
		if _, err := io.ReadFull(conn, size); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(size))
		n, err := io.ReadFull(conn, body)
		if err != nil {
			c.cut <- string(body[:n])
			return
		}
		if key := int16(binary.BigEndian.Uint16(body)); key == int16(kmsg.Metadata) {
			host, port, _ := net.SplitHostPort(advertise)
			resp := kmsg.NewPtrMetadataResponse()
			resp.SetVersion(8)
			b := kmsg.NewMetadataResponseBroker()
			b.Host = host
			_, _ = fmt.Sscan(port, &b.Port)
			resp.Brokers = []kmsg.MetadataResponseBroker{b}
			_, _ = conn.Write(framed(body[4:8], resp.AppendTo(nil)))
			continue
		}
		c.mu.Lock()
		c.got = append(c.got, string(body[8:]))
		n = len(c.got)
		c.mu.Unlock()
		if unanswered(body) {
			continue
		}
		_, _ = conn.Write(framed(body[4:8], fmt.Appendf(nil, "answer %d to %s", n, body[8:])))
	}
}

// unanswered reads a Produce that names its client "me".
func unanswered(body []byte) bool {
	if body[1] != byte(kmsg.Produce) || body[0] != 0 {
		return false
	}
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(int16(body[3]))
	at := 8 + 2 + len("me")
	if req.IsFlexible() {
		at++
	}
	return req.ReadFrom(body[at:]) == nil && req.Acks == 0
}

func framed(parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// request is a Heartbeat with this number and, in place of its fields, text.
func request(number byte, text string) []byte {
	return framed([]byte{0, byte(kmsg.Heartbeat), 0, 4, 0, 0, 0, number}, []byte(text))
}

// say sends frames over one connection and gives the n answers that came back, or
// fewer and how the connection ended.
func say(t *testing.T, address string, n int, frames ...[]byte) (told []string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	must(t, err)
	defer conn.Close()
	for _, f := range frames {
		_, err := conn.Write(f)
		must(t, err)
	}
	for range n {
		head := make([]byte, 8)
		if _, err := io.ReadFull(conn, head); err != nil {
			return append(told, "closed")
		}
		rest := make([]byte, binary.BigEndian.Uint32(head)-4)
		if _, err := io.ReadFull(conn, rest); err != nil {
			return append(told, "broke off")
		}
		told = append(told, fmt.Sprintf("%d: %s", head[7], rest))
	}
	return told
}

// TestFrames does everything to the second of three requests that are on their way
// together: what their sender is told, and what the broker got by then and in the end.
func TestFrames(t *testing.T) {
	for _, test := range []struct {
		act    faultproxy.Action
		after  bool
		told   []string
		got    []string // nil: the time tells which of them
		landed string
		cut    string
	}{
		{act: faultproxy.Pass, told: []string{"1: answer 1 to a", "2: answer 2 to bb", "3: answer 3 to c"}, got: []string{"a", "bb", "c"}},
		{act: faultproxy.Twice, told: []string{"1: answer 1 to a", "2: answer 3 to bb", "3: answer 4 to c"}, got: []string{"a", "bb", "bb", "c"}},
		{act: faultproxy.Fail},
		{act: faultproxy.Throttle},
		{act: faultproxy.CutRequest, cut: "\x00\x0c"},
		{act: faultproxy.Land, landed: "bb"},
		{act: faultproxy.Lose, told: []string{"1: answer 1 to a", "closed"}},
		{act: faultproxy.CutAnswer, told: []string{"1: answer 1 to a", "broke off"}},
		{act: faultproxy.Lose, after: true, told: []string{"1: answer 1 to a", "closed"}},
		{act: faultproxy.Fail, after: true, told: []string{"1: answer 1 to a", "closed"}},
		{act: faultproxy.CutAnswer, after: true, told: []string{"1: answer 1 to a", "broke off"}},
	} {
		t.Run(fmt.Sprintf("%s,after=%t", test.act, test.after), func(t *testing.T) {
			c := &clerk{cut: make(chan string, 1)}
			p := faultproxy.Kafka(t, c.listen(t, ""), func(at faultproxy.Point) faultproxy.Action {
				if at.Op != "Heartbeat" || at.Kind != "kafka" {
					t.Errorf("got point %+v", at)
				}
				if at.N == 2 && at.After == test.after {
					return test.act
				}
				return faultproxy.Pass
			})
			told := say(t, p.Endpoint, 3, request(1, "a"), request(2, "bb"), request(3, "c"))
			if test.told != nil && !slices.Equal(told, test.told) {
				t.Errorf("told: got %q, want %q", told, test.told)
			}
			if got := c.frames(); test.got != nil && !slices.Equal(got, test.got) {
				t.Errorf("the broker got %q, want %q", got, test.got)
			}
			if test.told == nil {
				// The connection was closed while the first answer was on its way.
				if last := told[len(told)-1]; last != "closed" || slices.Contains(c.frames(), "bb") || slices.Contains(c.frames(), "c") {
					t.Errorf("told %q, and the broker got %q", told, c.frames())
				}
			}
			if test.cut != "" {
				if got := <-c.cut; got == "" || len(got) >= 10 {
					t.Errorf("the broker got %q of it, want a part", got)
				}
			}
			p.Deliver()
			if got := c.frames(); test.landed != "" && got[len(got)-1] != test.landed {
				t.Errorf("in the end the broker got %q", got)
			}
			p.Set(nil)
			if got := say(t, p.Endpoint, 1, request(9, "z")); len(got) != 1 || got[0][:9] != "9: answer" {
				t.Errorf("afterwards: got %q", got)
			}
		})
	}
}

// TestFramesHeld wants Hold to stop a request before the broker, Late its answer
// before the client, and Cut both of them.
func TestFramesHeld(t *testing.T) {
	for _, act := range []faultproxy.Action{faultproxy.Hold, faultproxy.Late} {
		for _, cut := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,cut=%t", act, cut), func(t *testing.T) {
				c := &clerk{}
				reached := make(chan faultproxy.Point, 2)
				p := faultproxy.Kafka(t, c.listen(t, ""), func(at faultproxy.Point) faultproxy.Action {
					reached <- at
					if at.After {
						return faultproxy.Pass
					}
					return act
				})
				told := make(chan string)
				go func() { told <- say(t, p.Endpoint, 1, request(1, "a"))[0] }()
				<-reached
				if act == faultproxy.Late {
					<-reached
				}
				if got, want := len(c.frames()), map[faultproxy.Action]int{faultproxy.Late: 1}[act]; got != want {
					t.Errorf("the broker got %d requests, want %d", got, want)
				}
				if cut {
					p.Cut()
					if got := <-told; got != "closed" {
						t.Errorf("got %q, want a closed connection", got)
					}
					return
				}
				if got := releaseUntil(p, told); got != "1: answer 1 to a" {
					t.Errorf("got %q", got)
				}
			})
		}
	}
}

// TestUnansweredProduce wants a Produce that asks for no answer not to stand in the
// way of the answers behind it.
func TestUnansweredProduce(t *testing.T) {
	for _, version := range []int16{8, 9} { // 9 is flexible
		for acks, want := range map[int16][]string{0: {"2: answer 2 to a"}, 1: {"1: answer 1 to ", "2: answer 2 to a"}} {
			t.Run(fmt.Sprintf("version=%d,acks=%d", version, acks), func(t *testing.T) {
				req := kmsg.NewPtrProduceRequest()
				req.SetVersion(version)
				req.Acks = acks
				produce := kmsg.NewRequestFormatter(kmsg.FormatterClientID("me")).AppendRequest(nil, req, 1)
				p := faultproxy.Kafka(t, (&clerk{}).listen(t, ""), nil)
				got := say(t, p.Endpoint, len(want), produce, request(2, "a"))
				for i := range got {
					if i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
						t.Errorf("got %q, want %q", got, want)
					}
				}
			})
		}
	}
}

// elsewhere is a listener that says that it has another address.
type elsewhere struct {
	net.Listener
	address net.Addr
}

func (e elsewhere) Addr() net.Addr { return e.address }

// behind starts a fake cluster whose clients are sent to a proxy.
func behind(t *testing.T, d faultproxy.Decide) (*faultproxy.Proxy, *kfake.Cluster) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var upstream string
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "in"), kfake.ListenFn(func(network, _ string) (net.Listener, error) {
		l, err := net.Listen(network, "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		upstream = l.Addr().String()
		return elsewhere{l, free.Addr()}, nil
	}))
	must(t, err)
	t.Cleanup(cluster.Close)
	must(t, free.Close())
	p := faultproxy.Kafka(t, upstream, d)
	if got, want := p.Endpoint, free.Addr().String(); got != want {
		t.Fatalf("the proxy listens at %s, want %s, where the broker sends its clients", got, want)
	}
	return p, cluster
}

// TestClient wants a real client to stay with the proxy for all that it does, and to
// bear what it does to it.
func TestClient(t *testing.T) {
	asked := map[string]int{}
	var mu sync.Mutex
	p, _ := behind(t, func(at faultproxy.Point) faultproxy.Action {
		mu.Lock()
		defer mu.Unlock()
		if at.After {
			return faultproxy.Pass
		}
		asked[at.Op]++
		// On a new connection, the client would take it for a refusal.
		if (at.Op == "Produce" || at.Op == "Fetch") && asked[at.Op] == 3 {
			return faultproxy.Lose
		}
		return faultproxy.Pass
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Endpoint), kgo.DefaultProduceTopic("in"), kgo.ConsumeTopics("in"),
		kgo.ConsumerGroup("g"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	must(t, err)
	defer client.Close()
	ctx := t.Context()
	const n = 20
	for i := range n {
		must(t, client.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(i))).FirstErr())
		if i == n/2 {
			p.Cut()
		}
	}
	got := map[string]int{}
	for len(got) < n {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { got[string(r.Value)]++ })
	}
	must(t, client.CommitUncommittedOffsets(ctx))
	for value, times := range got {
		if times != 1 {
			t.Errorf("record %s came %d times", value, times)
		}
	}
	var ops []string
	for _, at := range p.Seen() {
		ops = append(ops, at.Op)
	}
	for _, want := range []string{"ApiVersions", "Metadata", "InitProducerID", "Produce", "FindCoordinator", "JoinGroup", "SyncGroup", "OffsetFetch", "Fetch", "OffsetCommit"} {
		if !slices.Contains(ops, want) {
			t.Errorf("no %s passed by: %q", want, ops)
		}
	}
}

// TestNotKafka wants a connection to end on which one side speaks something else, or
// the broker answers what nobody asked.
func TestNotKafka(t *testing.T) {
	right := framed([]byte{0, 0, 0, 1}, []byte("answer"))
	for _, test := range []struct {
		name      string
		ask, told []byte // by the client, and by the broker to whatever it is asked
		want      string
	}{
		{"in order", request(1, "a"), right, "1: answer"},
		{"client speaks HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), right, "closed"},
		{"request without a head", framed(), right, "closed"},
		{"broker speaks HTTP", request(1, "a"), []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "closed"},
		{"answer without a head", request(1, "a"), framed([]byte{0, 0, 1}), "closed"},
		{"answer to another", request(1, "a"), framed([]byte{0, 0, 0, 2}, []byte("answer")), "closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			var broker sync.WaitGroup
			t.Cleanup(func() { l.Close(); broker.Wait() })
			broker.Go(func() {
				if asking, err := l.Accept(); err == nil {
					(&clerk{}).serve(asking, l.Addr().String()) // the proxy, which asks where to listen
				}
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				if n, err := conn.Read(make([]byte, 1024)); n > 0 && err == nil {
					_, _ = conn.Write(test.told)
				}
				_, _ = io.Copy(io.Discard, conn)
			})
			p := faultproxy.Kafka(t, l.Addr().String(), nil)
			if got := say(t, p.Endpoint, 1, test.ask); got[0] != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestUnaskedAnswer wants an answer that nobody asked for to end the connection.
func TestUnaskedAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var broker sync.WaitGroup
	t.Cleanup(func() { l.Close(); broker.Wait() })
	broker.Go(func() {
		if asking, err := l.Accept(); err == nil {
			(&clerk{}).serve(asking, l.Addr().String())
		}
		if conn, err := l.Accept(); err == nil {
			_, _ = conn.Write(framed([]byte{0, 0, 0, 0}, []byte("answer")))
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	})
	p := faultproxy.Kafka(t, l.Addr().String(), nil)
	if got := say(t, p.Endpoint, 1); got[0] != "closed" {
		t.Errorf("got %q, want a closed connection", got)
	}
}

// TestEndClosesIdle wants the end of a test to close connections on which nothing is
// asked.
func TestEndClosesIdle(t *testing.T) {
	var idle net.Conn
	t.Run("idle", func(t *testing.T) {
		p := faultproxy.Kafka(t, (&clerk{}).listen(t, ""), nil)
		var err error
		idle, err = net.Dial("tcp", p.Endpoint)
		must(t, err)
		_, err = idle.Write(request(1, "a"))
		must(t, err)
		_, err = io.ReadFull(idle, make([]byte, 8+len("answer 1 to a")))
		must(t, err)
	})
	defer idle.Close()
	if n, err := idle.Read(make([]byte, 1)); err == nil {
		t.Errorf("got %d bytes, want a closed connection", n)
	}
}
