package batch_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tidemark/internal/batch"
)

// record makes one of the odd shapes that Kafka allows.
func record(rng *rand.Rand, offset int64) batch.Record {
	r := batch.Record{Offset: offset, Time: time.UnixMicro(rng.Int64N(1 << 50)).UTC()}
	text := func(most int) []byte {
		if rng.IntN(4) == 0 {
			return nil
		}
		b := make([]byte, rng.IntN(most))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	if rng.IntN(5) == 0 {
		r.Time = time.Time{}
	}
	r.Key, r.Value = text(20), text(3000)
	if rng.IntN(50) == 0 {
		r.Value = make([]byte, 2*batch.BlockSize+rng.IntN(100))
	}
	for range rng.IntN(3) {
		r.Headers = append(r.Headers, batch.Header{Key: string(text(5)), Value: text(5)})
	}
	return r
}

// same compares bytes of which nil and empty mean different things.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// TestRawGivesBackWhatCame puts records of two sources in, more than once, and wants
// every byte of them back: a null that is no empty text, headers in order, and room
// to read behind each.
func TestRawGivesBackWhatCame(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var raw batch.Raw
	for round := range 4 {
		raw.Reset()
		var want []batch.Record
		for i := range 500 {
			src := raw.Source(batch.Source{Topic: "t", Partition: int32(i / 100 % 2)})
			r := record(rng, int64(i))
			raw.Append(src, &r)
			want = append(want, r)
		}
		if raw.Rows() != len(want) || len(raw.Sources) != 2 || len(raw.Runs) != 5 {
			t.Fatalf("round %d: %d rows, %d sources, %d runs", round, raw.Rows(), len(raw.Sources), len(raw.Runs))
		}
		for i, r := range want {
			value, at := raw.Value(i), int64(0)
			if !r.Time.IsZero() {
				at = r.Time.UnixMicro()
			}
			if !same(value, r.Value) || !same(raw.Key(i), r.Key) || raw.Offsets[i] != r.Offset || raw.Time(i) != at {
				t.Fatalf("round %d: row %d is not what came", round, i)
			}
			if cap(value) != len(value) {
				t.Fatalf("row %d: an append would write into the next record", i)
			}
			got := batch.DecodeHeaders(raw.Headers(i))
			if !slices.EqualFunc(got, r.Headers, func(a, b batch.Header) bool { return a.Key == b.Key && same(a.Value, b.Value) }) {
				t.Fatalf("row %d: headers %v, want %v", i, got, r.Headers)
			}
			s := raw.Spans[i]
			if end := int(s.At+max(s.Value, 0)) + len(raw.Headers(i)); end+batch.Padding > len(raw.Blocks[s.Block]) {
				t.Fatalf("row %d: nothing to read behind it", i)
			}
		}
		held := int64(0)
		for _, b := range raw.Blocks {
			held += int64(len(b))
		}
		if raw.Bytes() < held {
			t.Errorf("round %d: %d bytes are counted of %d in blocks", round, raw.Bytes(), held)
		}
	}
	raw.Reset()
	for _, b := range raw.Blocks {
		if len(b) != batch.BlockSize {
			t.Errorf("a block of %d bytes is kept for good", len(b))
		}
	}
}

// TestRawTakesBlocks: the block of a chunk that is large enough is taken as it is, and one that is
// not needed given for it; what came is there, and held is what the blocks take.
func TestRawTakesBlocks(t *testing.T) {
	var raw batch.Raw
	var c batch.Chunk
	source := batch.Source{File: "file:///x"}
	for round := range 5 {
		rng := rand.New(rand.NewPCG(3, 4))
		raw.Reset()
		spare := len(raw.Blocks)
		var want []string
		for i := range 40 {
			if c.Reset(); c.Block == nil {
				c.Block = make([]byte, batch.BlockSize)
			}
			block := c.Block
			size, at := []int{100, batch.BlockSize / 2, batch.BlockSize - 500}[rng.IntN(3)], rng.IntN(400)
			text := bytes.Repeat([]byte{byte('a' + i%26)}, size)
			switch {
			case i%7 == 6: // in memory of its own, which a reader of rows has
				c.Block, c.Data = nil, text
			default:
				copy(block[at:], text)
				c.Data = block[at : at+size]
			}
			c.Lines = append(c.Lines, batch.Line{At: 3, Len: 20, Number: int64(i)}, batch.Line{At: int32(size - 10), Len: 10, Number: int64(i) + 1})
			want = append(want, string(text[3:23]), string(text[size-10:]))
			taken := i%7 != 6 && size >= batch.BlockSize/2
			raw.AppendChunk(raw.Source(source), &c)
			if got := c.Block == nil || &c.Block[0] != &block[0]; i%7 != 6 && got != taken {
				t.Fatalf("round %d, chunk %d of %d bytes: got taken %v", round, i, size, got)
			}
		}
		if round > 1 && len(raw.Blocks) > spare+1 {
			t.Errorf("round %d: there were %d blocks, and are %d", round, spare, len(raw.Blocks))
		}
		held := int64(cap(raw.Spans))*12 + int64(cap(raw.Offsets))*8
		for _, b := range raw.Blocks {
			held += int64(len(b))
		}
		if got := raw.Bytes(); got != held {
			t.Errorf("round %d: got %d bytes held, want %d", round, got, held)
		}
		for i, w := range want {
			if got := string(raw.Value(i)); got != w {
				t.Fatalf("round %d: row %d is %q, want %q", round, i, got, w)
			}
			if s := raw.Spans[i]; int(s.At+s.Value)+batch.Padding > len(raw.Blocks[s.Block]) {
				t.Fatalf("row %d: nothing to read behind it", i)
			}
		}
	}
}

// TestRelease keeps some rows of a Raw and fills its blocks with others: what was kept must still be
// there with all that stands beside it, and what was not must not be taken for something.
func TestRelease(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var raw batch.Raw
	source := raw.Source(batch.Source{Topic: "t"})
	var want []batch.Record
	for i := range 2000 {
		r := record(rng, int64(i))
		raw.Append(source, &r)
		want = append(want, r)
	}
	before := raw.Bytes()
	if free := raw.Release(func(yield func(int) bool) {
		for i := range want {
			if !yield(i) {
				return
			}
		}
	}); free != nil || raw.Bytes() != before {
		t.Errorf("all rows are kept, and %d blocks were given back", len(free))
	}
	kept := []int{0, 1, 700, 1999}
	free := raw.Release(slices.Values(kept))
	if len(free) < 5 || raw.Bytes() > before/4 {
		t.Fatalf("got %d blocks back, and %d of %d bytes are held", len(free), raw.Bytes(), before)
	}
	var other batch.Raw
	for _, b := range free {
		if !other.Short() {
			t.Error("a Raw whose blocks are full is not short of one")
		}
		other.Lend(b)
		if other.Short() {
			t.Error("a Raw with a block that is empty is short of one")
		}
		for range 3 { // no more than two fit
			other.Append(other.Source(batch.Source{Topic: "t"}), &batch.Record{Value: bytes.Repeat([]byte("x"), 100_000)})
		}
	}
	for _, i := range kept {
		r := want[i]
		var headers []byte
		if len(r.Headers) > 0 {
			headers = batch.EncodeHeaders(nil, r.Headers)
		}
		if !same(raw.Key(i), r.Key) || !same(raw.Value(i), r.Value) || !bytes.Equal(raw.Headers(i), headers) {
			t.Errorf("row %d: got key %q, value of %d bytes, headers %q", i, raw.Key(i), len(raw.Value(i)), raw.Headers(i))
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a value that was let go of was read")
		}
	}()
	for i := range want {
		if !slices.Contains(kept, i) && len(want[i].Value) > 0 {
			raw.Value(i)
			break
		}
	}
}
