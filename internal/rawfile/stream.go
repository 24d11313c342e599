package rawfile

import (
	"errors"
	"io"

	"tidemark/internal/batch"
)

// stream is a buffer over the decompressed bytes of a file.
type stream struct {
	r          io.Reader
	file       io.ReaderAt // the same bytes, if they can be read at any place, else nil
	size       int64       // of file
	buf        []byte
	start, end int // of what was read and is not done with
	eof        bool
	broken     error // for good

	// ahead is where more comes from once it is set, in place of r.
	ahead *strips
	joint *strip // that ends what is buffered, if nothing of it is done with
	small []byte // what is left when a block is given away
}

// fill reads until there are n bytes, or the file ends. The buffer grows with what comes,
// so that a small file takes little.
func (s *stream) fill(n int) error {
	if s.end-s.start >= n || s.eof {
		return nil
	}
	if s.ahead != nil {
		return s.gather(n)
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
			s.grow(n + readAhead)
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

// grow makes the buffer larger, by what comes and up to size.
func (s *stream) grow(size int) {
	grown := make([]byte, min(max(2*len(s.buf), 4*readAhead), size))
	copy(grown, s.buf)
	s.buf = grown
}

// gather is fill from what was read ahead.
func (s *stream) gather(n int) error {
	for s.end-s.start < n && !s.eof {
		if s.broken != nil {
			return s.broken
		}
		s.join(s.ahead.next(), n)
	}
	return nil
}

// join puts a strip behind what is buffered, of which n bytes are wanted: into its block, if
// there is room in front of it, and that is enough or all there is.
func (s *stream) join(next *strip, n int) {
	s.eof, s.broken = next.eof, next.err
	left, room := s.bytes(), s.ahead.room
	if next.n > 0 && len(left) <= room && (next.eof || len(left)+next.n >= n) {
		start := room - copy(next.buf[room-len(left):], left)
		s.unjoin()
		s.ahead.recycle(s.buf)
		s.buf, s.start, s.end = next.buf, start, room+next.n
		s.joint = next
		return
	}
	s.unjoin()
	if s.end+next.n > len(s.buf) {
		moved := s.buf
		if len(left)+next.n > len(s.buf) {
			moved = make([]byte, 2*len(s.buf)+next.n)
		}
		s.end = copy(moved, left)
		if len(moved) != len(s.buf) {
			s.ahead.recycle(s.buf)
		}
		s.buf, s.start = moved, 0
	}
	s.end += copy(s.buf[s.end:], next.buf[min(room, len(next.buf)):min(room+next.n, len(next.buf))])
	s.ahead.recycle(next.buf)
	s.ahead.done(next)
}

// unjoin forgets which strip the buffer ends with.
func (s *stream) unjoin() {
	if s.joint != nil {
		s.ahead.done(s.joint)
		s.joint = nil
	}
}

// ends reports whether the file ends with the next n bytes, or before. They are there to be
// read then, and else too.
func (s *stream) ends(n int) (bool, error) {
	if s.ahead == nil {
		err := s.fill(n + 1)
		return s.eof && s.end-s.start <= n, err
	}
	if err := s.gather(n); err != nil {
		return false, err
	}
	if !s.eof && s.broken == nil && s.end-s.start == n {
		next := s.ahead.peek()
		s.eof = next.eof && next.n == 0
	}
	return s.eof && s.end-s.start <= n, nil
}

// give has a chunk take the next n bytes, in their block if not much is left in it.
func (s *stream) give(n int, c *batch.Chunk) {
	b := s.bytes()
	rest := b[n:]
	if s.ahead == nil || len(s.buf) != batch.BlockSize || s.end > batch.BlockSize-batch.Padding || len(rest) > s.ahead.room {
		c.Data = append(c.Data, b[:n]...)
		s.drop(n)
		return
	}
	if s.small == nil {
		s.small = make([]byte, s.ahead.room)
	}
	c.Block, c.Data = s.buf, b[:n]
	s.unjoin()
	s.buf, s.start, s.end = s.small, 0, copy(s.small, rest)
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
func (s *stream) drop(n int) {
	s.start += n
	s.unjoin()
}

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
