package batch

import (
	"encoding/binary"
	"iter"
	"slices"
	"time"
)

// BlockSize is the usual size of a block of Raw. A larger record gets a block of
// its own.
const BlockSize = 256 << 10

// Padding is how many bytes after the last record of a block may be read (they
// are zero, or those of a later record): scanners load eight bytes at a time.
const Padding = 64

// Source is where a run of records comes from: a partition of a topic, or a file.
type Source struct {
	Topic     string
	TopicID   [16]byte // zero where the broker has none
	Partition int32
	File      string // a file's canonical URL; empty for Kafka
	// Again counts how often a file was ordered to be read anew from its start, although
	// the ledger knew it.
	Again int32
	// Layout is how the records of a file are written, nil for Kafka: as the table says.
	Layout *Layout
}

// Record is one record as an edge hands it over. The slices are the edge's and
// are valid only during the call they are given to.
type Record struct {
	Offset      int64 // Kafka offset, or the line in a file
	Time        time.Time
	LeaderEpoch int32
	Key         []byte // nil: no key
	Value       []byte // nil: a tombstone
	Headers     []Header
}

// Header is one header of a Kafka record.
type Header struct {
	Key   string
	Value []byte
}

// Run is a stretch of rows of one source, with ascending offsets.
type Run struct {
	Source      int // index into Raw.Sources
	First, Rows int
}

// Span is where the value of a record lies in a block. In front of it stands its key, and behind
// it stand its headers in the form that EncodeHeaders gives.
type Span struct {
	Block int32
	At    int32
	Value int32 // length, −1: tombstone
}

// beside is how long what stands beside a value is.
type beside struct {
	key  int32 // −1: no key
	head int32 // 0: no headers
}

// Raw is the records of a batch as they came, copied into blocks.
type Raw struct {
	Blocks  [][]byte
	Spans   []Span
	Offsets []int64 // per row
	Runs    []Run   // cover all rows in order
	Sources []Source
	Defects []Defect // of files: records that are not to be decoded, by ascending row
	Cuts    []Cut    // of files: where ranges may end, by ascending row

	// Per row up to the last that has one; files have none.
	beside []beside
	times  []int64

	cur, used int   // block being filled, and how much of it
	held      int64 // bytes of the blocks
	scratch   []byte
}

// Rows is the number of records.
func (r *Raw) Rows() int { return len(r.Spans) }

// Bytes is the memory that r holds.
func (r *Raw) Bytes() int64 {
	return r.held + int64(cap(r.Spans))*12 + int64(cap(r.beside)+cap(r.Offsets)+cap(r.times))*8
}

// Value returns the value of a row; nil is a tombstone. The slice has no spare
// capacity, and Padding bytes behind it in its block may be read.
func (r *Raw) Value(row int) []byte {
	s := &r.Spans[row]
	if s.Value < 0 {
		return nil
	}
	return r.Blocks[s.Block][s.At : s.At+s.Value : s.At+s.Value]
}

// Key returns the key of a row, nil if it has none.
func (r *Raw) Key(row int) []byte {
	if row >= len(r.beside) || r.beside[row].key < 0 {
		return nil
	}
	s := &r.Spans[row]
	return r.Blocks[s.Block][s.At-r.beside[row].key : s.At : s.At]
}

// Headers returns the encoded headers of a row, empty if it has none.
func (r *Raw) Headers(row int) []byte {
	s := &r.Spans[row]
	at, end := s.At+max(s.Value, 0), s.At+max(s.Value, 0)
	if row < len(r.beside) {
		end += r.beside[row].head
	}
	return r.Blocks[s.Block][at:end:end]
}

// Headed reports whether a row has headers.
func (r *Raw) Headed(row int) bool { return row < len(r.beside) && r.beside[row].head > 0 }

// Time returns the Kafka timestamp of a row in µs since 1970, 0 if it has none.
func (r *Raw) Time(row int) int64 {
	if row >= len(r.times) {
		return 0
	}
	return r.times[row]
}

// Expect makes room for so many rows more.
func (r *Raw) Expect(rows int) {
	r.Spans, r.Offsets = slices.Grow(r.Spans, rows), slices.Grow(r.Offsets, rows)
}

// Append copies a record to the end of r, as a record of source (an index that
// Source returned). Offsets of one source must ascend.
func (r *Raw) Append(source int, rec *Record) {
	head := 0
	if len(rec.Headers) > 0 {
		r.scratch = EncodeHeaders(r.scratch[:0], rec.Headers)
		head = len(r.scratch)
	}
	block := r.room(len(rec.Key) + len(rec.Value) + head)
	row := len(r.Spans)
	r.used += copy(block[r.used:], rec.Key)
	s := Span{Block: int32(r.cur), At: int32(r.used), Value: -1}
	if rec.Value != nil {
		s.Value = int32(len(rec.Value))
		r.used += copy(block[r.used:], rec.Value)
	}
	r.used += copy(block[r.used:], r.scratch[:head])
	if n := len(r.Runs); n > 0 && r.Runs[n-1].Source == source {
		r.Runs[n-1].Rows++
	} else {
		r.Runs = append(r.Runs, Run{Source: source, First: row, Rows: 1})
	}
	r.Spans = append(r.Spans, s)
	r.Offsets = append(r.Offsets, rec.Offset)
	if rec.Key != nil || head > 0 {
		for len(r.beside) < row {
			r.beside = append(r.beside, beside{key: -1})
		}
		one := beside{key: -1, head: int32(head)}
		if rec.Key != nil {
			one.key = int32(len(rec.Key))
		}
		r.beside = append(r.beside, one)
	}
	if !rec.Time.IsZero() {
		for len(r.times) < row {
			r.times = append(r.times, 0)
		}
		r.times = append(r.times, rec.Time.UnixMicro())
	}
}

// Source returns the index of s in r.Sources, adding it if need be.
func (r *Raw) Source(s Source) int {
	for i := len(r.Sources) - 1; i >= 0; i-- {
		if r.Sources[i] == s {
			return i
		}
	}
	r.Sources = append(r.Sources, s)
	return len(r.Sources) - 1
}

// room makes block r.cur one that has n free bytes at r.used, and returns it.
func (r *Raw) room(n int) []byte {
	if len(r.Blocks) > 0 && r.used+n+Padding <= len(r.Blocks[r.cur]) {
		return r.Blocks[r.cur]
	}
	if len(r.Blocks) > 0 {
		r.cur++
	}
	r.used = 0
	if r.cur < len(r.Blocks) && n+Padding <= len(r.Blocks[r.cur]) {
		return r.Blocks[r.cur]
	}
	block := make([]byte, max(BlockSize, n+Padding))
	r.held += int64(len(block))
	r.Blocks = append(r.Blocks, nil)
	copy(r.Blocks[r.cur+1:], r.Blocks[r.cur:])
	r.Blocks[r.cur] = block
	return block
}

// Short reports whether r has no block for what comes when the one that is being filled is full.
func (r *Raw) Short() bool {
	next := r.cur
	if r.used > 0 {
		next++
	}
	return next >= len(r.Blocks)
}

// Lend gives r a block of BlockSize to fill, whatever is in it.
func (r *Raw) Lend(block []byte) {
	r.Blocks = append(r.Blocks, block)
	r.held += BlockSize
}

// Release lets go of all values but those of the rows that it is given, and returns the blocks that
// can be filled anew. Nothing can be appended then. Where the rows have much of the bytes, it
// does nothing.
func (r *Raw) Release(rows iter.Seq[int]) [][]byte {
	n := 0
	for row := range rows {
		n += r.extent(row).Len
	}
	if int64(n) > r.held/8 {
		return nil
	}
	kept := make([]byte, 0, n+Padding)
	last := int32(len(r.Blocks))
	for row := range rows {
		e, s := r.extent(row), &r.Spans[row]
		from := int32(len(kept))
		kept = append(kept, r.Blocks[s.Block][e.At:e.At+e.Len]...)
		s.Block, s.At = last, from+s.At-int32(e.At)
	}
	var free [][]byte
	for i, b := range r.Blocks { // a row that is asked for although it is gone has no block
		if len(b) == BlockSize {
			free = append(free, b)
		}
		r.Blocks[i] = nil
	}
	r.Blocks = append(r.Blocks, kept[:cap(kept)])
	r.held = int64(cap(kept))
	r.cur, r.used = int(last), cap(kept)
	return free
}

// extent is where a record lies in its block, with what stands beside its value.
func (r *Raw) extent(row int) (e struct{ At, Len int }) {
	s := &r.Spans[row]
	e.At, e.Len = int(s.At), int(max(s.Value, 0))
	if row < len(r.beside) {
		key := int(max(r.beside[row].key, 0))
		e.At -= key
		e.Len += key + int(r.beside[row].head)
	}
	return e
}

// Reset empties r, keeping the memory of the usual blocks. The padding after old
// records may then hold bytes of them; scanners must not trust it to be zero.
func (r *Raw) Reset() {
	keep := r.Blocks[:0]
	for _, b := range r.Blocks {
		if len(b) == BlockSize {
			keep = append(keep, b)
		}
	}
	clear(r.Blocks[len(keep):])
	r.Blocks, r.cur, r.used = keep, 0, 0
	r.held = int64(len(keep)) * BlockSize
	r.Spans, r.Offsets, r.beside, r.times = r.Spans[:0], r.Offsets[:0], r.beside[:0], r.times[:0]
	r.Runs, r.Sources = r.Runs[:0], r.Sources[:0]
	r.Defects, r.Cuts = r.Defects[:0], r.Cuts[:0]
}

// EncodeHeaders appends headers to dst: per header the lengths of key and value
// (−1: null) as zig-zag varints, each followed by its bytes, as Kafka does.
func EncodeHeaders(dst []byte, headers []Header) []byte {
	for _, h := range headers {
		dst = binary.AppendVarint(dst, int64(len(h.Key)))
		dst = append(dst, h.Key...)
		if h.Value == nil {
			dst = binary.AppendVarint(dst, -1)
			continue
		}
		dst = binary.AppendVarint(dst, int64(len(h.Value)))
		dst = append(dst, h.Value...)
	}
	return dst
}

// DecodeHeaders reads what EncodeHeaders wrote.
func DecodeHeaders(b []byte) []Header {
	var out []Header
	for len(b) > 0 {
		var h Header
		n, w := binary.Varint(b)
		h.Key, b = string(b[w:w+int(n)]), b[w+int(n):]
		n, w = binary.Varint(b)
		b = b[w:]
		if n >= 0 {
			h.Value, b = b[:n:n], b[n:]
		}
		out = append(out, h)
	}
	return out
}
