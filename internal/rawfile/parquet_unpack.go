package rawfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// The codecs, and the most bytes that one byte of two of them can become.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecBrotli = 4
	codecLZ4    = 5
	codecZstd   = 6
	codecLZ4Raw = 7

	snappyRatio = 64
	lz4Ratio    = 256
)

// parquetUnpacker undoes the compression of pages. It belongs to one goroutine.
type parquetUnpacker struct {
	zstd   *zstd.Decoder
	gzip   *gzip.Reader
	brotli *brotli.Reader
}

// known reports whether a codec is one that unpack knows.
func knownCodec(codec int32) bool {
	return codec >= codecNone && codec <= codecLZ4Raw && codec != 3
}

var errUnpacked = errors.New("a page unpacks to another size than it claims")

// unpack appends n bytes, which packed becomes, to dst. What is claimed is allocated as
// far as it is there.
func (u *parquetUnpacker) unpack(codec int32, dst, packed []byte, n int) ([]byte, error) {
	if n == 0 {
		return dst, nil
	}
	switch codec {
	case codecNone:
		if len(packed) != n {
			return nil, errUnpacked
		}
		return append(dst, packed...), nil
	case codecSnappy:
		got, err := snappy.DecodedLen(packed)
		if err != nil || got != n || n/snappyRatio > len(packed) {
			return nil, errUnpacked
		}
		return whollyInto(dst, n, func(to []byte) (int, error) {
			data, err := snappy.Decode(to, packed)
			return len(data), err
		})
	case codecLZ4:
		if out, err := hadoopLZ4(dst, packed, n); err == nil {
			return out, nil
		}
		return rawLZ4(dst, packed, n)
	case codecLZ4Raw:
		return rawLZ4(dst, packed, n)
	}
	r, err := u.reader(codec, packed)
	if err != nil {
		return nil, err
	}
	return readExactly(dst, r, n)
}

func (u *parquetUnpacker) reader(codec int32, packed []byte) (io.Reader, error) {
	in := bytes.NewReader(packed)
	var err error
	switch codec {
	case codecGzip:
		if u.gzip == nil {
			u.gzip, err = gzip.NewReader(in)
			return u.gzip, err
		}
		return u.gzip, u.gzip.Reset(in)
	case codecBrotli:
		if u.brotli == nil {
			u.brotli = brotli.NewReader(in)
			return u.brotli, nil
		}
		return u.brotli, u.brotli.Reset(in)
	case codecZstd:
		if u.zstd == nil {
			u.zstd, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxPage))
			return u.zstd, err
		}
		return u.zstd, u.zstd.Reset(in)
	}
	return nil, fmt.Errorf("the codec %d is not read", codec)
}

// readExactly appends n bytes of r, after which it must end.
func readExactly(dst []byte, r io.Reader, n int) ([]byte, error) {
	for done := 0; done < n; {
		step := min(n-done, max(1<<20, done))
		from := len(dst)
		dst = grow(dst, step)
		got, err := io.ReadFull(r, dst[from:])
		done += got
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnpacked, err)
		}
	}
	var more [1]byte
	if got, err := io.ReadFull(r, more[:]); got > 0 || !errors.Is(err, io.EOF) {
		return nil, errUnpacked
	}
	return dst, nil
}

// grow makes b longer by n bytes.
func grow(b []byte, n int) []byte {
	if len(b)+n <= cap(b) {
		return b[:len(b)+n]
	}
	to := make([]byte, len(b)+n)
	copy(to, b)
	return to
}

// whollyInto has decode fill n bytes behind dst.
func whollyInto(dst []byte, n int, decode func([]byte) (int, error)) ([]byte, error) {
	from := len(dst)
	dst = grow(dst, n)
	got, err := decode(dst[from:len(dst):len(dst)])
	if err != nil || got != n {
		return nil, errUnpacked
	}
	return dst, nil
}

func rawLZ4(dst, packed []byte, n int) ([]byte, error) {
	if n/lz4Ratio > len(packed) {
		return nil, errUnpacked
	}
	return whollyInto(dst, n, func(to []byte) (int, error) { return lz4.UncompressBlock(packed, to) })
}

// hadoopLZ4 unpacks what old writers made: pieces, each with its sizes before it.
func hadoopLZ4(dst, packed []byte, n int) ([]byte, error) {
	start := len(dst)
	for len(packed) > 0 {
		if len(packed) < 8 {
			return nil, errUnpacked
		}
		plain, size := binary.BigEndian.Uint32(packed), binary.BigEndian.Uint32(packed[4:])
		packed = packed[8:]
		if uint64(size) > uint64(len(packed)) || uint64(plain) > uint64(n-(len(dst)-start)) {
			return nil, errUnpacked
		}
		var err error
		if dst, err = rawLZ4(dst, packed[:size], int(plain)); err != nil {
			return nil, err
		}
		packed = packed[size:]
	}
	if len(dst)-start != n {
		return nil, errUnpacked
	}
	return dst, nil
}
