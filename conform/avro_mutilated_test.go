package conform_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/linkedin/goavro/v2"

	"tidemark/conform"
	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
	"tidemark/internal/rawfile"
	"tidemark/internal/schema"
)

// TestAvroMutilated damages datums. What is made of each must be what the reader of
// container files makes of it, which was written apart: a row or none, and the same one.
func TestAvroMutilated(t *testing.T) {
	schemas, rows := 30, 40
	if *long {
		schemas, rows = 200, 100
	}
	whole, broken := 0, 0
	for seed := range uint64(schemas) {
		w, r := newAvroWriter(seed), rand.New(rand.NewPCG(seed, 11))
		if strings.Contains(w.text, `"float"`) {
			continue // as a double it is exact here, and its shortest text there
		}
		s, err := avroschema.Parse([]byte(w.text))
		if err != nil {
			t.Fatal(err)
		}
		d := newDecoder(t, w.table)
		good := w.datum(t)
		for range rows {
			datum := mutilate(r, w.datum(t))
			raw := avroRaw(s, [][]byte{good, datum, good, datum})
			var b, want batch.Batch
			b.Reset(w.table, raw, 0, 4)
			d.Decode(&b)
			if x, y := avroOutcome(&b, 0), avroOutcome(&b, 2); x != y {
				t.Fatalf("seed %d: beside %x the same record is %s and %s", seed, datum, x, y)
			}
			got := avroOutcome(&b, 1)
			if again := avroOutcome(&b, 3); got != again {
				t.Fatalf("seed %d: %x is %s, and then %s", seed, datum, got, again)
			}
			other, ok := oneRow(t, w.text, datum)
			if !ok {
				broken++
				if got != "quarantined flawed" {
					t.Fatalf("seed %d: %x is %s, and no row of a file\n%s", seed, datum, got, w.text)
				}
				continue
			}
			whole++
			want.Reset(w.table, other, 0, 1)
			d.Decode(&want)
			if x := avroOutcome(&want, 0); got != x && !flawed(&want) {
				t.Fatalf("seed %d: %x\nAvro %s\nJSON %s %s\n%s\n%s", seed, datum, got, x, other.Value(0), w.text, b.Detail(b.Rejects))
			}
		}
	}
	if all := whole + broken; whole < all/5 || broken < all/5 {
		t.Errorf("%d of %d are whole, want both kinds", whole, all)
	}
}

// flawed reports whether a row has text that is not UTF-8 or a number that is none, of which
// the reader of files takes notice wherever it stands.
func flawed(b *batch.Batch) bool {
	return len(b.Rejects) > 0 && b.Rejects[0].Stage == batch.StageFile
}

func mutilate(r *rand.Rand, v []byte) []byte {
	for range 1 + r.IntN(2) {
		if len(v) == 0 {
			return append(v, byte(r.Uint32()))
		}
		at := r.IntN(len(v))
		switch n := r.IntN(min(8, len(v)-at)); r.IntN(5) {
		case 0:
			v = append(v[:at], v[at+n:]...)
		case 1, 2:
			v[at] = []byte{0, 1, 2, 3, 0x7f, 0x80, 0xff, byte(r.Uint32())}[r.IntN(8)]
		case 3:
			v = slices.Insert(v, at+n, v[at:at+n]...)
		default:
			v = slices.Insert(v, at, byte(r.Uint32()))
		}
	}
	return v
}

// oneRow is a datum as a container file of it is read, false where that is no row.
func oneRow(t *testing.T, text string, datum []byte) (*batch.Raw, bool) {
	t.Helper()
	head := func(s string) []byte { return append(binary.AppendVarint(nil, int64(len(s))), s...) }
	file := slices.Concat([]byte("Obj\x01\x02"), head("avro.schema"), head(text), []byte("\x000123456789abcdef\x02"), head(string(datum)), []byte("0123456789abcdef"))
	path := filepath.Join(t.TempDir(), "x.avro")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := rawfile.Find(t.Context(), []string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rawfile.Open(t.Context(), found.Entries[0], rawfile.Options{Text: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	raw := &batch.Raw{}
	source := raw.Source(batch.Source{File: "x", Layout: r.Layout()})
	var c batch.Chunk
	for !c.Last {
		if err := r.Next(t.Context(), &c); err != nil {
			return nil, false
		}
		raw.AppendChunk(source, &c)
	}
	return raw, true
}

// TestAvroOfAThirdHand has goavro read what the other tests decode, and write it again:
// the bytes must be the same, so that what they are is not one library's opinion.
func TestAvroOfAThirdHand(t *testing.T) {
	read := 0
	for seed := range uint64(60) {
		w := newAvroWriter(seed)
		codec, err := goavro.NewCodec(w.text)
		if err != nil {
			continue // a logical type that it does not know in this place
		}
		if strings.Contains(w.text, `"map"`) {
			continue // it writes its keys in another order
		}
		for range 20 {
			datum := w.datum(t)
			native, rest, err := codec.NativeFromBinary(datum)
			if err != nil || len(rest) > 0 {
				t.Fatalf("seed %d: %v, %d bytes are left: %s", seed, err, len(rest), w.text)
			}
			again, err := codec.BinaryFromNative(nil, native)
			if err != nil {
				continue // a value that it reads, and does not write
			}
			read++
			a, b := third(t, w.table, w.text, datum), third(t, w.table, w.text, again)
			if a != b {
				t.Fatalf("seed %d: %x is %s, written again as %x it is %s", seed, datum, a, again, b)
			}
		}
	}
	if read < 300 {
		t.Errorf("%d records were written again, want 300", read)
	}
}

// third is what becomes of a datum.
func third(t *testing.T, table *schema.Table, text string, datum []byte) string {
	t.Helper()
	s, err := avroschema.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	b, report := decodeAvro(t, table, s, string(datum))
	if report != (conform.Report{}) {
		t.Fatalf("got %+v", report)
	}
	return avroOutcome(b, 0)
}
