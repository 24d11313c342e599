package batch

import "tidemark/internal/avroschema"

// Format is how a record is written.
type Format uint8

// The formats of a record.
const (
	JSON Format = iota // one JSON object
	CSV                // one line of separated fields; a quoted field may hold newlines
	Avro               // one bare datum of Avro
)

// Layout says how the records of a file are written. It never changes once a Source
// refers to it.
type Layout struct {
	Format Format
	Header []string // CSV: the names of the fields, in the order of the file

	Schema *avroschema.Schema // Avro: what all records are written with
	// Texts writes records as text, nil: they are text as they are.
	Texts Texts
}

// Texts writes records of a file as text, which is what a person reads and the quarantine
// holds. It is called by several goroutines at once.
type Texts interface {
	// Text appends the text of a record to dst, as much of it as is kept of a record. It returns
	// where in that text the value stands that the record has at a place of so many bytes; from
	// −1: there is none.
	Text(dst, record []byte, at, bytes int) (text []byte, from, length int)
}

// Chunk is a stretch of a file, from the end of the chunk before it: whole records,
// and what the file holds between them. Readers of files fill it; its memory is used
// again.
type Chunk struct {
	Data []byte // that Lines lie in
	// Block is the block that Data lies in, with Padding bytes behind, where a Raw may take it
	// as it is; nil: Data is memory of the chunk. Without Data, it is a block to be used again.
	Block   []byte
	Lines   []Line
	Defects []Defect // by ascending row; Row is an index into Lines

	// To is where the chunk ends in the file: decompressed bytes, or rows where the
	// format has no bytes of its own (Avro, Parquet). Sum is the XXH3-64 of all of the
	// file before To: of its bytes; of rows of Avro and Parquet, of their schema and their bytes as Avro, however they
	// lie in blocks; or of the text that rows became.
	To  int64
	Sum uint64
	// Last is set when the file ends here.
	Last bool
}

// Line is one record of a chunk.
type Line struct {
	At, Len int32 // in Data
	Number  int64 // of its first line in the file, or of its row, from 1 on
}

// Defect says that a record could not be read as one, or is not meant to be one. It is
// not decoded: it has its fate already. So has a row of the quarantine that stays there.
type Defect struct {
	Row      int32
	Filtered bool   // it is none, such as a header that is repeated: its fate is filtered
	Reason   string // else it is quarantined for this reason: limit, quote, encoding, …
	Want     string // what a person should know beside, "" if the reason says it all
	// Stage is who found it, empty: StageFile. Told says that Want is all that Detail says.
	Stage Stage
	Told  bool
}

// Reset empties c, keeping its memory.
func (c *Chunk) Reset() {
	if c.Block != nil {
		c.Data = nil
	}
	*c = Chunk{Data: c.Data[:0], Block: c.Block, Lines: c.Lines[:0], Defects: c.Defects[:0]}
}

// Cut is a place in a Raw where a range of a file may end: behind a chunk.
type Cut struct {
	Source int   // index into Raw.Sources
	Rows   int   // of the Raw up to here
	To     int64 // in the file, as in Chunk
	Sum    uint64
	Last   bool
}

// AppendChunk brings a chunk to the end of r, as records of source. Where that saves a copy it
// takes c.Block, and leaves another in its place, or none: c.Data is gone then.
func (r *Raw) AppendChunk(source int, c *Chunk) {
	first := len(r.Spans)
	at := int32(r.hold(c))
	rows := first + len(c.Lines)
	if rows > cap(r.Spans) || rows > cap(r.Offsets) { // so that few rows are moved often
		r.Expect(rows)
	}
	r.Spans, r.Offsets = r.Spans[:rows], r.Offsets[:rows]
	spans, offsets := r.Spans[first:], r.Offsets[first:]
	for i, l := range c.Lines {
		spans[i], offsets[i] = Span{Block: int32(r.cur), At: at + l.At, Value: l.Len}, l.Number
	}
	for _, d := range c.Defects {
		d.Row += int32(first)
		r.Defects = append(r.Defects, d)
	}
	if n := len(r.Runs); n > 0 && r.Runs[n-1].Source == source {
		r.Runs[n-1].Rows += len(c.Lines)
	} else if len(c.Lines) > 0 {
		r.Runs = append(r.Runs, Run{Source: source, First: first, Rows: len(c.Lines)})
	}
	r.Cuts = append(r.Cuts, Cut{Source: source, Rows: len(r.Spans), To: c.To, Sum: c.Sum, Last: c.Last})
}

// hold has the bytes of a chunk in block r.cur, and returns where they begin.
func (r *Raw) hold(c *Chunk) int {
	if len(c.Block) != BlockSize || len(c.Data) < BlockSize/2 {
		block := r.room(len(c.Data))
		at := r.used
		r.used += copy(block[at:], c.Data)
		return at
	}
	at := cap(c.Block) - cap(c.Data) // Data goes on to the end of the block
	if len(r.Blocks) > 0 && r.used > 0 {
		r.cur++
	}
	var spare []byte
	if r.cur < len(r.Blocks) {
		spare, r.Blocks[r.cur] = r.Blocks[r.cur], c.Block
	} else {
		r.Blocks = append(r.Blocks, c.Block)
		r.held += BlockSize
	}
	r.used = BlockSize // nothing else fits
	c.Block, c.Data = spare, nil
	return at
}
