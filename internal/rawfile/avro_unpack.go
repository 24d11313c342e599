package rawfile

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// avroUnpacker undoes the compression of a block. What it returns is valid until the
// next call.
type avroUnpacker func(packed []byte) ([]byte, error)

func newAvroUnpacker(codec string) (avroUnpacker, error) {
	switch codec {
	case "null":
		return func(packed []byte) ([]byte, error) { return packed, nil }, nil
	case "snappy":
		return unsnap(), nil
	case "deflate":
		return streamed(func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil }), nil
	case "bzip2":
		return streamed(func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }), nil
	case "zstandard":
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxAvroBlock))
		if err != nil {
			return nil, err
		}
		return streamed(func(r io.Reader) (io.Reader, error) {
			err := d.Reset(r)
			return d, err
		}), nil
	}
	return nil, fmt.Errorf("its codec is %q: null, deflate, snappy, zstandard and bzip2 are read", codec)
}

// streamed unpacks what says no size of its own. Of what becomes large the size is found out
// first, in no memory: a bomb is noticed, and no buffer grows in vain.
func streamed(open func(io.Reader) (io.Reader, error)) avroUnpacker {
	var out bytes.Buffer
	return func(packed []byte) ([]byte, error) {
		if out.Cap() > 4*avroFew {
			out = bytes.Buffer{}
		}
		out.Reset()
		r, err := open(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		if _, err := io.CopyN(&out, r, avroFew); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out.Bytes(), err
		}
		size, err := sizeOf(r, len(packed))
		if err != nil {
			return nil, err
		}
		out.Reset()
		out.Grow(size + bytes.MinRead)
		if r, err = open(bytes.NewReader(packed)); err != nil {
			return nil, err
		}
		_, err = io.Copy(&out, r)
		return out.Bytes(), err
	}
}

// sizeOf reads r to its end, of which avroFew bytes were read, and returns how many it has.
func sizeOf(r io.Reader, packed int) (int, error) {
	for n := avroFew; ; {
		more, err := io.CopyN(io.Discard, r, avroStep)
		switch n += int(more); {
		case n > maxAvroBlock:
			return 0, fmt.Errorf("it unpacks to more than %d bytes", maxAvroBlock)
		case n > freeRatio && n/maxRatio > packed:
			return 0, fmt.Errorf("%d bytes became %d, more than %d for each", packed, n, maxRatio)
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return 0, err
		}
	}
}

const (
	avroFew  = freeRatio // bytes that are unpacked without looking at their number
	avroStep = 1 << 20   // bytes between two looks at it
)

// unsnap unpacks snappy, which says its size before and its checksum behind.
func unsnap() avroUnpacker {
	var out []byte
	return func(packed []byte) ([]byte, error) {
		if len(packed) < 4 {
			return nil, errors.New("it has no checksum")
		}
		packed, check := packed[:len(packed)-4], packed[len(packed)-4:]
		n, err := snappy.DecodedLen(packed)
		switch {
		case err != nil:
			return nil, err
		case n > maxAvroBlock:
			return nil, fmt.Errorf("it claims %d bytes: it may have %d", n, maxAvroBlock)
		case n > freeRatio && n/maxRatio > len(packed):
			return nil, fmt.Errorf("%d bytes claim to be %d, more than %d for each", len(packed), n, maxRatio)
		}
		if out == nil || cap(out) < n {
			out = make([]byte, n)
		}
		data, err := snappy.Decode(out[:cap(out)], packed)
		if err != nil {
			return nil, err
		}
		if crc32.ChecksumIEEE(data) != binary.BigEndian.Uint32(check) {
			return nil, errors.New("its checksum is wrong")
		}
		return data, nil
	}
}
