package rawfile

import (
	"errors"
	"io"
	"runtime"
	"sync"

	"tidemark/internal/batch"
)

// strip is a piece of a file between two places that its length alone tells, read ahead of
// the cutter, and looked through from the first place on where a record probably begins.
// Whether one does is not known before all that comes before it is cut.
type strip struct {
	buf []byte // a block: room for what is left before the strip, the strip, and padding
	n   int    // bytes of the strip
	eof bool   // the file ends with it
	err error  // it was read to here, and cannot be read on

	ready chan struct{} // closed when all of it is known

	from   int  // of the strip: where a record may begin, −1: nowhere
	at     spot // there, in line 1
	chunk  batch.Chunk
	end    int // of the strip: where the records end that lie whole in it
	behind spot
	tail   tail
}

// strips reads a file ahead. Each strip is looked through by a goroutine of its own, and
// where the file can be read at any place, also read by it.
type strips struct {
	in    io.Reader
	file  io.ReaderAt // in place of in: from its start
	size  int64       // of file
	split splitter
	room  int
	grid  int64 // from the end of a strip to that of the next

	queue  chan *strip // in the order of the file
	peeked *strip
	blocks chan []byte // to be used again
	used   chan *strip // the same
	stop   chan struct{}
	work   sync.WaitGroup
}

// readers is how many strips of a file are at work at once, at most: of each core one, up to
// this.
const readers = 8

// begin reads ahead from a place on.
func (a *strips) begin(at int64) {
	depth := min(runtime.GOMAXPROCS(0), readers) + 1
	a.queue, a.stop = make(chan *strip, depth), make(chan struct{})
	a.blocks, a.used = make(chan []byte, depth+2), make(chan *strip, depth+2)
	a.work.Go(func() { a.feed(at) })
}

// feed queues strips until the file ends, or it is told to stop.
func (a *strips) feed(at int64) {
	defer close(a.queue)
	for last := false; !last; {
		s := a.fresh()
		next := (at/a.grid + 1) * a.grid
		want := int(next - at)
		if a.file == nil {
			a.read(s, want)
			last = s.eof || s.err != nil
			a.work.Go(func() { a.search(s) })
		} else {
			from := at
			last = next >= a.size
			a.work.Go(func() {
				a.readAt(s, from, want)
				a.search(s)
			})
		}
		at = next
		select {
		case a.queue <- s:
		case <-a.stop:
			return
		}
	}
}

// fresh is a strip with nothing in it.
func (a *strips) fresh() *strip {
	s := &strip{}
	select {
	case s = <-a.used:
	default:
	}
	select {
	case s.buf = <-a.blocks:
	default:
		s.buf = make([]byte, batch.BlockSize)
	}
	*s = strip{buf: s.buf, chunk: s.chunk, ready: make(chan struct{})}
	s.chunk.Reset()
	return s
}

// read fills a strip from the reader.
func (a *strips) read(s *strip, want int) {
	for empty := 0; s.n < want; {
		got, err := a.in.Read(s.buf[a.room+s.n : a.room+want])
		s.n += got
		switch {
		case errors.Is(err, io.EOF):
			s.eof = true
			return
		case err != nil:
			s.err = err
			return
		case got > 0:
			empty = 0
		default:
			if empty++; empty == 100 {
				s.err = io.ErrNoProgress
				return
			}
		}
	}
}

// readAt fills a strip from a place of the file.
func (a *strips) readAt(s *strip, at int64, want int) {
	want = int(min(int64(want), a.size-at))
	n, err := a.file.ReadAt(s.buf[a.room:a.room+want], at)
	s.n = n
	switch {
	case n == want:
		s.eof = at+int64(n) == a.size
	case errors.Is(err, io.EOF): // whoever looks whether the file has changed will tell
		s.eof = true
	default:
		s.err = err
	}
}

// search looks through a strip.
func (a *strips) search(s *strip) {
	defer close(s.ready)
	data := s.buf[a.room : a.room+s.n]
	if s.from, s.at = a.split.begin(data); s.from < 0 {
		return
	}
	s.at.line = 1
	s.end, s.behind, s.tail = a.split.scan(piece{data: data, from: s.from, at: s.at, eof: s.eof}, &s.chunk)
}

// peek waits for the next strip. Behind the last one there is an empty one.
func (a *strips) peek() *strip {
	if a.peeked == nil {
		s, ok := <-a.queue
		if !ok {
			s = &strip{eof: true, from: -1, ready: closedChannel()}
		}
		<-s.ready
		a.peeked = s
	}
	return a.peeked
}

// next takes the next strip.
func (a *strips) next() *strip {
	s := a.peek()
	a.peeked = nil
	return s
}

// recycle takes back a block that nothing refers to any more.
func (a *strips) recycle(block []byte) {
	if len(block) != batch.BlockSize {
		return
	}
	select {
	case a.blocks <- block:
	default:
	}
}

// done takes back a strip whose block is somebody else's.
func (a *strips) done(s *strip) {
	s.buf = nil
	select {
	case a.used <- s:
	default:
	}
}

// close ends reading ahead, and waits for what was begun.
func (a *strips) close() {
	close(a.stop)
	for s := range a.queue {
		<-s.ready
	}
	a.work.Wait()
}

func closedChannel() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
