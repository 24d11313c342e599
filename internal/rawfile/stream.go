package rawfile

import (
	"errors"
	"io"
)

// stream is a buffer over the decompressed bytes of a file.
type stream struct {
	r          io.Reader
	buf        []byte
	start, end int // of what was read and is not done with
	eof        bool
	broken     error // for good
}

// fill reads until there are n bytes, or the file ends. The buffer grows with what comes,
// so that a small file takes little.
func (s *stream) fill(n int) error {
	if s.end-s.start >= n || s.eof {
		return nil
	}
	if s.start+n > len(s.buf) {
		s.end = copy(s.buf, s.buf[s.start:s.end])
		s.start = 0
	}
	for empty := 0; s.end-s.start < n && !s.eof; {
		if s.broken != nil {
			return s.broken
		}
		if s.end == len(s.buf) {
			grown := make([]byte, min(max(2*len(s.buf), 4*readAhead), n+readAhead))
			copy(grown, s.buf)
			s.buf = grown
		}
		got, err := s.r.Read(s.buf[s.end:])
		s.end += got
		switch {
		case errors.Is(err, io.EOF):
			s.eof = true
		case err != nil:
			s.broken = err
		case got == 0:
			if empty++; empty == 100 {
				s.broken = io.ErrNoProgress
			}
		}
	}
	return nil
}

// readAhead is what a read may bring beyond what was asked for. It is copied when the
// buffer moves on, so it is small.
const readAhead = 4 << 10

// bytes is what was read and is not done with.
func (s *stream) bytes() []byte { return s.buf[s.start:s.end] }

// head is how a file begins, as far as it tells what the file is. It does not depend on
// how the file is read.
func (s *stream) head() []byte {
	b := s.bytes()
	return b[:min(len(b), window)]
}

// drop is done with the first n bytes.
func (s *stream) drop(n int) { s.start += n }

// shrink gives back a buffer that had to grow for one record.
func (s *stream) shrink() {
	if len(s.buf) > 2*window && s.end-s.start <= window {
		small := make([]byte, window+1+readAhead)
		s.end = copy(small, s.buf[s.start:s.end])
		s.buf, s.start = small, 0
	}
}

// rest reads on from what was not done with.
func (s *stream) rest() io.Reader { return &restReader{s} }

type restReader struct{ s *stream }

// Read implements io.Reader.
func (r *restReader) Read(p []byte) (int, error) {
	if s := r.s; s.start < s.end {
		n := copy(p, s.bytes())
		s.start += n
		if s.start == s.end {
			s.buf, s.start, s.end = nil, 0, 0
		}
		return n, nil
	}
	if r.s.broken != nil {
		return 0, r.s.broken
	}
	return r.s.r.Read(p)
}
