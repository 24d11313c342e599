package avropeers_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/linkedin/goavro/v2"

	"tidemark/internal/scripttest"
)

// peer writes, and perhaps reads, for the suite.
type peer interface {
	// schema sets what is written from here on. An error says that the peer does not take
	// such a schema.
	schema(text string) error
	// write returns the datums of records; of one that the peer does not write, nil.
	write(of *typ, records []any) ([][]byte, error)
}

// process is a peer of scripts/peers.
type process struct {
	in   io.WriteCloser
	out  *bufio.Reader
	verb string // of what it writes
}

// start starts a peer, which ends with the test.
func start(t *testing.T, name string) *process {
	t.Helper()
	scripttest.Run(t, "peers", "up")
	cmd := exec.Command(scripttest.Path(t, "peers"), name)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	return &process{in: in, out: bufio.NewReaderSize(out, 1<<16), verb: "write"}
}

// refusal is what a peer says that it cannot do.
type refusal string

func (r refusal) Error() string { return string(r) }

// answer reads one answer.
func (p *process) answer() ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(p.out, head[:]); err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	b := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(p.out, b); err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	if head[0] != 0 {
		return nil, refusal(b)
	}
	return b, nil
}

// ask sends one request and reads its answer.
func (p *process) ask(verb string, of any) ([]byte, error) {
	line, err := json.Marshal(map[string]any{verb: of})
	if err != nil {
		return nil, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return nil, err
	}
	return p.answer()
}

func (p *process) schema(text string) error {
	_, err := p.ask("schema", json.RawMessage(text))
	return err
}

func (p *process) write(of *typ, records []any) ([][]byte, error) {
	sent := make(chan error, 1)
	go func() { // beside the answers: neither side waits for the other with a full pipe
		to := bufio.NewWriterSize(p.in, 1<<16)
		lines := json.NewEncoder(to)
		for _, r := range records {
			if err := lines.Encode(map[string]any{p.verb: of.request(r)}); err != nil {
				sent <- err
				return
			}
		}
		sent <- to.Flush()
	}()
	out := make([][]byte, len(records))
	for i := range records {
		b, err := p.answer()
		if refused := refusal(""); errors.As(err, &refused) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, <-sent
}

// native is goavro, in this process.
type native struct {
	codec *goavro.Codec
}

func (n *native) schema(text string) (err error) {
	n.codec, err = goavro.NewCodec(text)
	return err
}

func (n *native) write(of *typ, records []any) ([][]byte, error) {
	out := make([][]byte, len(records))
	for i, r := range records {
		if b, err := n.codec.BinaryFromNative(nil, of.native(r)); err == nil {
			out[i] = b
		}
	}
	return out, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
