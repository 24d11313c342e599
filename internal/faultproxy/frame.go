package faultproxy

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxFrame is more than a broker takes or gives in our tests.
const maxFrame = 256 << 20

// frame is a request or an answer of Kafka's protocol as it is on the wire: its size,
// in four bytes, and so many bytes. A request begins with its key, its version and its
// correlation id, an answer with that id.
type frame []byte

// readFrame reads a frame of at least so many bytes behind its size: 8 of a request, 4
// of an answer.
func readFrame(r io.Reader, least uint32) (frame, error) {
	f := make(frame, 4)
	if _, err := io.ReadFull(r, f); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(f)
	if n < least || n > maxFrame {
		return nil, fmt.Errorf("read frame of %d bytes: this is not Kafka's protocol", n)
	}
	f = slices.Grow(f, int(n))[:4+n]
	_, err := io.ReadFull(r, f[4:])
	return f, err
}

func (f frame) key() int16     { return int16(binary.BigEndian.Uint16(f[4:])) }
func (f frame) version() int16 { return int16(binary.BigEndian.Uint16(f[6:])) }

// number is the correlation id.
func (f frame) number(request bool) (id [4]byte) {
	if request {
		copy(id[:], f[8:])
	} else {
		copy(id[:], f[4:])
	}
	return id
}

// name is what the request is called.
func (f frame) name() string {
	if name := kmsg.NameForKey(f.key()); name != "Unknown" {
		return name
	}
	return "key " + strconv.Itoa(int(f.key()))
}

// answered reports whether the request gets an answer: all do but a Produce of which
// nobody wants to know what became.
func (f frame) answered() bool {
	if f.key() != int16(kmsg.Produce) {
		return true
	}
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(f.version())
	return req.ReadFrom(f.body(req.IsFlexible())) != nil || req.Acks != 0
}

// body is what follows the head of a request: the client's name, and tagged fields in
// flexible versions.
func (f frame) body(flexible bool) []byte {
	rest := f[12:]
	if len(rest) < 2 {
		return nil
	}
	name := max(int(int16(binary.BigEndian.Uint16(rest))), 0) // −1: none
	if rest = rest[2:]; len(rest) < name {
		return nil
	}
	if rest = rest[name:]; !flexible {
		return rest
	}
	// No client sends a tagged field in its head: that there are none is one byte.
	if len(rest) == 0 || rest[0] != 0 {
		return nil
	}
	return rest[1:]
}

// advertised asks a broker where it sends the clients of its listener at address.
func advertised(address string) (string, error) {
	c, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", err
	}
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none, where nil is all
	req.SetVersion(8)                          // the last whose head has no tagged fields
	if _, err := c.Write(kmsg.NewRequestFormatter().AppendRequest(nil, req, 1)); err != nil {
		return "", err
	}
	f, err := readFrame(c, 4)
	if err != nil {
		return "", err
	}
	resp := kmsg.NewPtrMetadataResponse()
	resp.SetVersion(8)
	if err := resp.ReadFrom(f[8:]); err != nil {
		return "", err
	}
	if len(resp.Brokers) != 1 {
		return "", fmt.Errorf("read metadata: got %d brokers, and a proxy stands before one", len(resp.Brokers))
	}
	return net.JoinHostPort(resp.Brokers[0].Host, strconv.Itoa(int(resp.Brokers[0].Port))), nil
}
