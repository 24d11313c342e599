// Of the package itself: what a batch may take is decided below the client.

package consumer

import (
	"bytes"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestUnpacker: bytes and records count, the records of the smallest kind, too, which
// take thirty times in memory what they take in a batch.
func TestUnpacker(t *testing.T) {
	const most = 1 << 20
	u, err := newUnpacker(most, new(pool))
	if err != nil {
		t.Fatal(err)
	}
	// As Kafka wrote them before 0.11: offset, size, what is in it.
	old := bytes.Repeat([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x20 01234567890123456789012345678901"), 20_000)
	for _, tc := range []struct {
		name  string
		batch []byte
		want  error
	}{
		{"fits", batchOf(1_000, 200), nil},
		{"too many bytes", batchOf(1, most), kgo.ErrMaxDecompress},
		{"too many records", batchOf(most/int(recordBytes), 0), kgo.ErrMaxDecompress},
		{"as many as fit", batchOf(most/(int(recordBytes)+leastRecord+4), 0), nil},
		{"not of today's format", old, nil},
	} {
		for _, codec := range []kgo.CompressionCodec{kgo.GzipCompression(), kgo.ZstdCompression(), kgo.Lz4Compression(), kgo.SnappyCompression()} {
			c, err := kgo.DefaultCompressor(codec)
			if err != nil {
				t.Fatal(err)
			}
			packed, kind := c.Compress(new(bytes.Buffer), tc.batch)
			got, err := u.Decompress(packed, kind)
			if !errors.Is(err, tc.want) || (tc.want == nil && !bytes.Equal(got, tc.batch)) {
				t.Errorf("%s, codec %d: %d bytes, %v, want %v", tc.name, kind, len(got), err, tc.want)
			}
		}
	}
}

// batchOf makes n records, each with so many bytes in it.
func batchOf(n, size int) []byte {
	var out []byte
	for i := range n {
		r := kmsg.Record{OffsetDelta: int32(i), Value: make([]byte, size)}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // a length of 0 takes one byte
		out = r.AppendTo(out)
	}
	return out
}
