package avropeers_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"testing"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/schema"
)

var long = flag.Bool("long", false, "run every suite at its full length")

// TestPeersWrite has each peer write the same made-up records of made-up schemas, which we
// read: each row must hold what went in.
func TestPeersWrite(t *testing.T) {
	schemas, rows := 200, 40
	if *long {
		rows = 100_000
	}
	objects := start(t, "java")
	objects.verb = "object"
	for _, p := range []struct {
		name  string
		peer  peer
		frame string // what stands in front of a datum
		least int    // of a hundred records that it writes
	}{
		{"goavro", &native{}, "id", 90},
		{"fastavro", start(t, "python"), "id", 90},
		{"Java", start(t, "java"), "id", 98},
		{"Java, objects", objects, "object", 98},
	} {
		t.Run(p.name, func(t *testing.T) {
			written, all, refused := 0, 0, 0
			for seed := range uint64(schemas) {
				w := newWriting(t, seed, p.frame)
				if err := p.peer.schema(w.root.text()); err != nil {
					t.Logf("seed %d: it does not take the schema: %v", seed, err)
					refused++
					continue
				}
				for done := 0; done < rows; {
					n := min(rows-done, 2000)
					wrote, good := w.round(t, p.peer, n)
					done, all, written = done+n, all+wrote, written+good
				}
				if t.Failed() {
					t.Fatalf("seed %d: %s", seed, w.root.text())
				}
			}
			t.Logf("%d schemas, %d not taken; %d records of %d were written, %d became rows", schemas, refused, all, schemas*rows, written)
			if all*100 < schemas*rows*p.least || written < all/3 {
				t.Errorf("it wrote %d records of %d, and %d became rows: too few", all, schemas*rows, written)
			}
		})
	}
}

// writing is one schema, and what reads it.
type writing struct {
	*maker
	root  *typ
	table *schema.Table
	d     *conform.Decoder
	head  []byte
}

func newWriting(t *testing.T, seed uint64, frame string) *writing {
	t.Helper()
	w := &writing{maker: newMaker(seed)}
	w.root = w.record()
	w.table = tableOf(w.maker, w.root)
	parsed, err := avroschema.Parse([]byte(w.root.text()))
	if err != nil {
		t.Fatalf("seed %d: %v: %s", seed, err, w.root.text())
	}
	w.table.Format = schema.AvroFormat
	if frame == "id" {
		w.table.Format = schema.AvroRegistryFormat
		w.head = binary.BigEndian.AppendUint32([]byte{0}, uint32(seed)+1<<20)
	}
	plan, err := conform.Compile(w.table)
	must(t, err)
	w.d = plan.Decoder()
	if w.d.Schemas = conform.NewSingleObjects(parsed); frame == "id" {
		w.d.Schemas = oneID{string(w.head), parsed}
	}
	return w
}

// oneID knows the schema of one id.
type oneID struct {
	head string
	of   *avroschema.Schema
}

func (o oneID) Schema(value, _ []byte) conform.Written {
	if len(value) < len(o.head) || string(value[:len(o.head)]) != o.head {
		return conform.Written{Reason: conform.ReasonWire}
	}
	return conform.Written{Schema: o.of, At: len(o.head), Lasting: true}
}

// round has a peer write n records, and reads them. It returns how many it wrote, and how
// many of them became rows.
func (w *writing) round(t *testing.T, p peer, n int) (wrote, good int) {
	t.Helper()
	records := make([]any, n)
	for i := range records {
		records[i] = w.value(w.root)
	}
	data, err := p.write(w.root, records)
	must(t, err)
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{Topic: "t"})
	var kept []any
	for i, v := range data {
		if v == nil {
			continue
		}
		kept = append(kept, records[i])
		raw.Append(source, &batch.Record{Offset: int64(i), Value: append(w.head[:len(w.head):len(w.head)], v...)})
	}
	var b batch.Batch
	b.Reset(w.table, raw, 0, raw.Rows())
	if report := w.d.Decode(&b); report.Waits > 0 || report.Halt != "" {
		t.Fatalf("got %+v", report)
	}
	var problems []error
	for row, r := range kept {
		if err := difference(&b, row, w.root, r.([]any)); err != nil && len(problems) < 3 {
			problems = append(problems, fmt.Errorf("row %d: %w\n%v\n%x", row, err, r, raw.Value(row)))
		}
		if b.Fates[row] == batch.Written {
			good++
		}
	}
	if err := errors.Join(problems...); err != nil {
		t.Error(err)
	}
	return len(kept), good
}
