package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/sr"

	"tidemark/internal/avroschema"
	"tidemark/internal/generate"
	"tidemark/internal/registry/wire"
)

// encoding is how `tidemark generate` writes events, by the names that format: of a table
// has for it.
type encoding struct {
	name   string
	format generate.Format
	// Of formats whose schema a registry has.
	kind  sr.SchemaType
	text  string
	index []byte // behind the id: which message it is
}

// encodings are all of them.
func encodings() []encoding {
	return []encoding{
		{name: "json", format: generate.JSON},
		{name: "csv", format: generate.CSV},
		{name: "avro", format: generate.Avro},
		{name: "connect-json", format: generate.Connect},
		{name: "debezium", format: generate.Debezium},
		{name: "avro-registry", format: generate.Avro, kind: sr.TypeAvro, text: generate.AvroSchema},
		{name: "json-registry", format: generate.JSON, kind: sr.TypeJSON, text: generate.JSONSchema},
		{name: "protobuf-registry", format: generate.Protobuf, kind: sr.TypeProtobuf, text: generate.ProtobufSchema, index: []byte{0}},
	}
}

// encodingOf finds one by its name.
func encodingOf(name string) (encoding, error) {
	var names []string
	for _, e := range encodings() {
		if e.name == name {
			return e, nil
		}
		names = append(names, e.name)
	}
	return encoding{}, fmt.Errorf("--format %s is not one of %s", name, strings.Join(names, ", "))
}

// extension is that of files.
func (e encoding) extension() string {
	switch e.format {
	case generate.CSV, generate.Avro:
		return e.format.String()
	}
	return "json"
}

// prefix is what stands in front of each event in a topic. The schema is registered for it,
// where there is a registry.
func (e encoding) prefix(ctx context.Context, url, topic string) ([]byte, error) {
	switch {
	case e.text != "":
		client, err := sr.NewClient(sr.URLs(url))
		if err != nil {
			return nil, usageError{fmt.Sprintf("--registry %s: %v", url, err)}
		}
		ctx, cancel := context.WithTimeout(ctx, createPatience)
		defer cancel()
		s, err := client.CreateSchema(ctx, topic+"-value", sr.Schema{Schema: e.text, Type: e.kind})
		if err != nil {
			return nil, fmt.Errorf("register the schema of %s-value: %w: does a registry answer at the address of --registry?", topic, err)
		}
		return append(wire.AppendPrefix(nil, wire.Number(wire.Confluent, uint64(s.ID))), e.index...), nil
	case e.format == generate.Avro:
		s, err := avroschema.Parse([]byte(generate.AvroSchema))
		if err != nil {
			return nil, err
		}
		return binary.LittleEndian.AppendUint64([]byte{0xc3, 0x01}, s.Fingerprint), nil
	}
	return nil, nil
}

// containerRows is how many events a block of a container holds.
const containerRows = 4096

// container is a file of Avro that is being written.
type container struct {
	codec  *goavro.Codec
	out    *goavro.OCFWriter
	events []any // of the block that is open
}

// newContainer begins one. The same events give the same bytes: of the orders that its header
// can have, since goavro keeps it in a map, the one with the codec first is taken.
func newContainer(w io.Writer) (*container, error) {
	codec, err := goavro.NewCodec(generate.AvroSchema)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	for {
		var head bytes.Buffer
		to := &diverted{w: &head}
		out, err := goavro.NewOCFWriter(goavro.OCFConfig{
			W: to, Codec: codec, CompressionName: goavro.CompressionDeflateLabel, SyncMarker: [16]byte([]byte("tidemark.generate")[:16]),
		})
		if err != nil {
			return nil, fmt.Errorf("begin a container: %w", err)
		}
		if bytes.Index(head.Bytes(), []byte("avro.codec")) > bytes.Index(head.Bytes(), []byte("avro.schema")) {
			continue
		}
		if _, err := w.Write(head.Bytes()); err != nil {
			return nil, err
		}
		to.w = w
		return &container{codec: codec, out: out}, nil
	}
}

// diverted writes to what it is told.
type diverted struct{ w io.Writer }

func (d *diverted) Write(b []byte) (int, error) { return d.w.Write(b) }

// add takes a datum.
func (c *container) add(datum []byte) error {
	native, _, err := c.codec.NativeFromBinary(datum)
	if err != nil {
		return fmt.Errorf("read an event back: %w", err)
	}
	if c.events = append(c.events, native); len(c.events) == containerRows {
		return c.flush()
	}
	return nil
}

// flush writes the block that is open.
func (c *container) flush() error {
	if len(c.events) == 0 {
		return nil
	}
	err := c.out.Append(c.events)
	c.events = c.events[:0]
	return err
}
