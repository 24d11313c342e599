package rawfile

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The limits of what a compressed file may claim.
const (
	maxWindow = 128 << 20 // bytes that a zstd file may ask for
	maxRatio  = 1000      // bytes out for each byte in …
	freeRatio = 1 << 20   // … from so many bytes out on
)

// compression is one that is known by how a file begins.
type compression struct {
	name, ending string
	begins       []string
	open         func(r *bufio.Reader) (io.ReadCloser, error) // nil: not read
}

func compressions() []compression {
	return []compression{
		{"gzip", ".gz", []string{"\x1f\x8b\x08"}, func(r *bufio.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }},
		{"zstd", ".zst", zstdBegins(), openZstd},
		{"bzip2", ".bz2", bzip2Begins(), func(r *bufio.Reader) (io.ReadCloser, error) { return io.NopCloser(bzip2.NewReader(r)), nil }},
		{"xz", ".xz", []string{"\xfd7zXZ\x00"}, nil},
		{"lz4", ".lz4", []string{"\x04\x22\x4d\x18"}, nil},
		{"zip", ".zip", []string{"PK\x03\x04", "PK\x05\x06"}, nil},
		{"7z", ".7z", []string{"7z\xbc\xaf\x27\x1c"}, nil},
	}
}

// zstdBegins are a frame and those that may be skipped.
func zstdBegins() []string {
	begins := []string{"\x28\xb5\x2f\xfd"}
	for b := byte(0x50); b <= 0x5f; b++ {
		begins = append(begins, string([]byte{b, 0x2a, 0x4d, 0x18}))
	}
	return begins
}

// bzip2Begins are a file with content and one without, for each size of block.
func bzip2Begins() []string {
	var begins []string
	for b := byte('1'); b <= '9'; b++ {
		begins = append(begins, "BZh"+string(b)+"1AY&SY", "BZh"+string(b)+"\x17\x72\x45\x38\x50\x90")
	}
	return begins
}

func openZstd(r *bufio.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(1<<62))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// decompress undoes the compression of a file, if it has one: known by its first
// bytes, never by its name; but a name that promises one must keep it.
func decompress(s *source, url string) (io.ReadCloser, bool, error) {
	r := bufio.NewReaderSize(s, 64<<10)
	head, err := r.Peek(10)
	if err != nil && s.hasFailed() {
		return nil, false, s.failure(url)
	}
	is, promised := compressionOf(head), compressionNamed(url)
	switch {
	case promised != nil && (is == nil || is.name != promised.name):
		what := "not " + promised.name
		if is != nil {
			what = is.name
		}
		return nil, false, &Error{URL: url, Err: fmt.Errorf("ends with %s and is %s", promised.ending, what), Hint: "give it the right name, or look whether it is whole"}
	case is == nil:
		return io.NopCloser(r), false, nil
	case is.open == nil:
		return nil, false, &Error{URL: url, Err: fmt.Errorf("is packed with %s", is.name), Hint: "unpack it; gzip, zstd and bzip2 are read as they are"}
	}
	in, err := is.open(r)
	if err != nil && s.hasFailed() {
		return nil, false, s.failure(url)
	}
	if err != nil {
		return nil, false, &Error{URL: url, Unit: "byte", Err: unpackError(is.name, err)}
	}
	return &unpacking{in: in, source: s, name: is.name}, true, nil
}

// compressionOf is the compression of a file that begins with head, nil if it has none.
func compressionOf(head []byte) *compression {
	for _, c := range compressions() {
		for _, b := range c.begins {
			if bytes.HasPrefix(head, []byte(b)) {
				return &c
			}
		}
	}
	return nil
}

// compressionNamed is the one that the name of a file promises, of those that are read.
func compressionNamed(url string) *compression {
	for _, c := range compressions() {
		if c.open != nil && strings.HasSuffix(strings.ToLower(url), c.ending) {
			return &c
		}
	}
	return nil
}

// unpacking undoes a compression within limits.
type unpacking struct {
	in     io.ReadCloser
	source *source
	name   string
	out    int64
}

// Read implements io.Reader.
func (u *unpacking) Read(p []byte) (int, error) {
	n, err := u.in.Read(p)
	u.out += int64(n)
	if in := u.source.done.Load(); u.out > freeRatio && u.out/maxRatio > in {
		return 0, fmt.Errorf("%d bytes of %s became %d, more than %d for each: not read on", in, u.name, u.out, maxRatio)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = unpackError(u.name, err)
	}
	return n, err
}

// Close implements io.Closer. What could go wrong while reading was told then.
func (u *unpacking) Close() error {
	_ = u.in.Close()
	return nil
}

// unpackError says in our words what a decompressor found.
func unpackError(name string, err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the %s data are cut off, or a few other bytes follow them: copy the file again", name)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("the zstd data want a window of more than %d MiB: pack it without --long or --ultra", maxWindow>>20)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, zstd.ErrMagicMismatch):
		return fmt.Errorf("what follows the %s data is not %s", name, name)
	}
	return fmt.Errorf("the %s data are broken: %w", name, err)
}
