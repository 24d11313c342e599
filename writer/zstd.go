package writer

import (
	"fmt"

	klauspost "github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// zstdWindow is how far back in a page the compressor looks. No page of ours is much larger;
// of the library's own windows, of up to 8 MiB, each encoder keeps twice as much memory,
// and goes through it page by page.
const zstdWindow = 512 << 10

// zstdCodec compresses pages as zstd.Codec does, in less memory.
type zstdCodec struct {
	zstd.Codec // to be told by, and for what reads

	encoder *klauspost.Encoder
}

func newZstd(level zstd.Level) (*zstdCodec, error) {
	e, err := klauspost.NewWriter(nil,
		klauspost.WithWindowSize(zstdWindow), // before the level, which has one of its own
		klauspost.WithEncoderLevel(level),
		klauspost.WithEncoderConcurrency(1),
		klauspost.WithZeroFrames(true),
		klauspost.WithEncoderCRC(false),
	)
	if err != nil {
		return nil, fmt.Errorf("set up zstd: %w", err)
	}
	return &zstdCodec{encoder: e}, nil
}

// Encode implements compress.Codec.
func (c *zstdCodec) Encode(dst, src []byte) ([]byte, error) {
	return c.encoder.EncodeAll(src, dst[:0]), nil
}
