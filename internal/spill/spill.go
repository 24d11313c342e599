// Package spill keeps keys on a local disk that have outgrown memory, exactly.
//
// In go entries of package quality in ascending order; out comes, for others, whether
// they are among them. Each Add writes a run: a sorted file of entries of 16 bytes, of
// which a filter of 13 bits an entry and the first key of each block of 4 KiB stay in
// memory, so that a key that is not there mostly costs no read and one that is there
// costs one. Runs of similar size are merged, so that there are about log2 of them.
//
// The files have no names as soon as they are open: a process that dies leaves nothing
// behind. Nothing is synced, for keys are built again from the table. A Spill is used
// by one goroutine at a time; its errors come from the disk and say where.
package spill

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/bits"
	"os"
	"slices"

	"tidemark/quality"
)

const (
	entryBytes   = 16
	blockEntries = 256
)

// Spill implements quality.Spill.
type Spill struct {
	dir     string
	numbers bool
	runs    []*run // each about half the size of the one before, or less
}

var _ quality.Spill = (*Spill)(nil)

// New makes a spill whose files lie in a folder; "" is the system's for temporary ones.
// Numbers says that entries are bits of neighbours rather than hashes.
func New(dir string, numbers bool) *Spill { return &Spill{dir: dir, numbers: numbers} }

// run is one sorted file.
type run struct {
	file   *os.File
	n      int64
	fences []uint64 // the first key of each block
	filter []uint64

	block  int // in memory, −1: none
	loaded []byte
}

// Add implements quality.Spill.
func (s *Spill) Add(entries iter.Seq[quality.SpillEntry]) error {
	r, err := s.write(entries)
	if err != nil {
		return s.failed(err)
	}
	s.runs = append(s.runs, r)
	for n := len(s.runs); n > 1 && s.runs[n-2].n <= 2*s.runs[n-1].n; n = len(s.runs) {
		a, b := s.runs[n-2], s.runs[n-1]
		var readError error
		merged, err := s.write(s.merge(a, b, &readError))
		if err = errors.Join(err, readError); err != nil {
			return s.failed(err)
		}
		a.file.Close()
		b.file.Close()
		s.runs = append(s.runs[:n-2], merged)
	}
	return nil
}

func (s *Spill) failed(err error) error {
	dir := s.dir
	if dir == "" {
		dir = os.TempDir()
	}
	return fmt.Errorf("keep keys in %s: %w: make room there, name another folder with TMPDIR, or raise memory", dir, err)
}

// write makes a run of entries that ascend.
func (s *Spill) write(entries iter.Seq[quality.SpillEntry]) (*run, error) {
	f, err := os.CreateTemp(s.dir, "tidemark-keys-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	r := &run{file: f, block: -1}
	out := bufio.NewWriterSize(f, 1<<18)
	var b [entryBytes]byte
	for e := range entries {
		if r.n%blockEntries == 0 {
			r.fences = append(r.fences, e.Key)
		}
		binary.BigEndian.PutUint64(b[:8], e.Key)
		binary.BigEndian.PutUint64(b[8:], e.Bits)
		if _, err = out.Write(b[:]); err != nil {
			break
		}
		r.n++
	}
	if err = errors.Join(err, out.Flush()); err == nil {
		err = r.fill()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

// fill makes the filter: a word for each five entries, with four bits for each of them.
func (r *run) fill() error {
	r.filter = make([]uint64, r.n/5+1)
	var err error
	for e := range r.all(&err) {
		word, mask := r.place(e.Key)
		r.filter[word] |= mask
	}
	return err
}

func (r *run) place(key uint64) (word uint64, mask uint64) {
	h := key + 0x9E3779B97F4A7C15
	h = (h ^ h>>30) * 0xBF58476D1CE4E5B9
	h = (h ^ h>>27) * 0x94D049BB133111EB
	h ^= h >> 31
	word, low := bits.Mul64(h, uint64(len(r.filter)))
	for range 4 {
		mask |= 1 << (low >> 58)
		low <<= 6
	}
	return word, mask
}

// all yields the entries of a run. An error ends it and is put into to.
func (r *run) all(to *error) iter.Seq[quality.SpillEntry] {
	return func(yield func(quality.SpillEntry) bool) {
		in := bufio.NewReaderSize(io.NewSectionReader(r.file, 0, r.n*entryBytes), 1<<18)
		var b [entryBytes]byte
		for range r.n {
			if _, err := io.ReadFull(in, b[:]); err != nil {
				*to = errors.Join(*to, err)
				return
			}
			if !yield(decode(b[:])) {
				return
			}
		}
	}
}

func decode(b []byte) quality.SpillEntry {
	return quality.SpillEntry{Key: binary.BigEndian.Uint64(b[:8]), Bits: binary.BigEndian.Uint64(b[8:])}
}

// merge yields the entries of two runs in order, none twice.
func (s *Spill) merge(a, b *run, to *error) iter.Seq[quality.SpillEntry] {
	return func(yield func(quality.SpillEntry) bool) {
		x, stopX := iter.Pull(a.all(to))
		defer stopX()
		y, stopY := iter.Pull(b.all(to))
		defer stopY()
		left, okX := x()
		right, okY := y()
		for okX || okY {
			e := left
			switch c := s.compare(left, right); {
			case !okY || okX && c < 0:
				left, okX = x()
			case !okX || c > 0:
				e = right
				right, okY = y()
			default:
				e.Bits |= right.Bits // of hashes they are equal
				left, okX = x()
				right, okY = y()
			}
			if !yield(e) {
				return
			}
		}
	}
}

// compare orders entries; those of one key are one entry if they are numbers.
func (s *Spill) compare(a, b quality.SpillEntry) int {
	if c := cmp.Compare(a.Key, b.Key); c != 0 || s.numbers {
		return c
	}
	return cmp.Compare(a.Bits, b.Bits)
}

// Find implements quality.Spill.
func (s *Spill) Find(entries []quality.SpillEntry, found func(i int)) error {
	for i, e := range entries {
		for _, r := range s.runs {
			ok, err := s.in(r, e)
			if err != nil {
				return s.failed(err)
			}
			if ok {
				found(i)
				break
			}
		}
	}
	return nil
}

// in reports whether a run has an entry.
func (s *Spill) in(r *run, e quality.SpillEntry) (bool, error) {
	if word, mask := r.place(e.Key); r.filter[word]&mask != mask {
		return false, nil
	}
	// Entries of one key may begin at the end of the block before the first whose fence
	// is the key.
	at, _ := slices.BinarySearch(r.fences, e.Key)
	for block := max(at-1, 0); block < len(r.fences) && r.fences[block] <= e.Key; block++ {
		if err := r.load(block); err != nil {
			return false, err
		}
		n := len(r.loaded) / entryBytes
		lo, hi := 0, n
		for lo < hi { // the first entry of the key
			mid := (lo + hi) / 2
			if decode(r.loaded[mid*entryBytes:]).Key < e.Key {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		for ; lo < n; lo++ {
			have := decode(r.loaded[lo*entryBytes:])
			if have.Key != e.Key {
				break
			}
			if s.numbers && have.Bits&e.Bits != 0 || have.Bits == e.Bits {
				return true, nil
			}
		}
	}
	return false, nil
}

// load reads a block, unless it is the one that was read last: keys come in order.
func (r *run) load(block int) error {
	if r.block == block {
		return nil
	}
	first := int64(block) * blockEntries
	n := int(min(blockEntries, r.n-first)) * entryBytes
	if cap(r.loaded) < n {
		r.loaded = make([]byte, blockEntries*entryBytes)
	}
	r.loaded, r.block = r.loaded[:n], -1
	if _, err := r.file.ReadAt(r.loaded, first*entryBytes); err != nil {
		return err
	}
	r.block = block
	return nil
}

// Bytes implements quality.Spill.
func (s *Spill) Bytes() (n int64) {
	for _, r := range s.runs {
		n += int64(cap(r.fences)+cap(r.filter))*8 + blockEntries*entryBytes
	}
	return n
}

// Runs is how many files there are, and how many bytes are in them.
func (s *Spill) Runs() (files int, size int64) {
	for _, r := range s.runs {
		size += r.n * entryBytes
	}
	return len(s.runs), size
}

// Close gives the disk back.
func (s *Spill) Close() error {
	var errs []error
	for _, r := range s.runs {
		errs = append(errs, r.file.Close())
	}
	s.runs = nil
	return errors.Join(errs...)
}
