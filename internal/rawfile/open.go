package rawfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"

	"tidemark/internal/batch"
)

// Open opens a file, undoes its compression, finds out how it is written unless
// o.Format says so, and, of CSV, reads its header. Errors are those of Reader.Next.
//
// ctx is for all of the reading: it must live as long as the Reader.
func Open(ctx context.Context, e Entry, o Options) (Reader, error) {
	s, err := openSource(ctx, &e)
	if err != nil {
		return nil, err
	}
	f := &file{source: s, url: e.URL}
	err = s.check(ctx, false)
	if err != nil {
		err = f.fail(err)
	} else {
		f.Reader, err = openRecords(ctx, s, e, o)
		if s.hasFailed() {
			err = s.failure(e.URL)
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return f, nil
}

// openRecords chooses the reader of a file by how it begins.
func openRecords(ctx context.Context, s *source, e Entry, o Options) (Reader, error) {
	plain, packed, err := decompress(s, e.URL)
	if err != nil {
		return nil, err
	}
	in := &stream{r: plain}
	if s.local && !packed {
		in.file, in.size = s, s.size
	}
	if err := in.fill(window); err != nil {
		return nil, &Error{URL: e.URL, Unit: "byte", At: int64(in.end), Err: err}
	}
	format, err := formatOf(in.head(), e.URL, o.Format)
	if err != nil {
		return nil, &Error{URL: e.URL, Err: err, Hint: "give --format what it is, or leave it at auto"}
	}
	var r Reader
	switch {
	case format == Parquet && packed:
		err = &Error{URL: e.URL, Err: errors.New("is a Parquet file that was packed as a whole"), Hint: "unpack it: Parquet is read from its end"}
	case format == Parquet:
		r, err = openParquet(ctx, s, s.size, e, o)
	case format == Avro:
		r, err = openAvro(ctx, in.rest(), e, o)
	case format == JSON:
		r, err = openJSON(in, e, o)
	default:
		r, err = openCSV(in, e, o)
	}
	if err != nil {
		plain.Close()
		return nil, err
	}
	return &unpacked{r, plain}, nil
}

// unpacked closes a decompressor with the reader above it.
type unpacked struct {
	Reader
	plain io.Closer
}

// Close implements Reader.
func (u *unpacked) Close() error { return errors.Join(u.Reader.Close(), u.plain.Close()) }

// formatOf is the format of a file that begins with head: what was asked for, unless the
// file is plainly another.
func formatOf(head []byte, url string, asked Format) (Format, error) {
	is := Auto
	switch {
	case bytes.HasPrefix(head, []byte("PAR1")), bytes.HasPrefix(head, []byte("PARE")):
		is = Parquet
	case bytes.HasPrefix(head, []byte("Obj\x01")):
		is = Avro
	}
	switch {
	case asked != "" && asked != Auto && is != Auto && asked != is:
		return "", fmt.Errorf("is %s, and is to be read as %s", is, asked)
	case asked != "" && asked != Auto:
		return asked, nil
	case is != Auto:
		return is, nil
	}
	if text := bytes.TrimLeft(bytes.TrimPrefix(head, bom), blanks); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return JSON, nil
	}
	switch endingOf(url) {
	case ".json", ".jsonl", ".ndjson":
		return JSON, nil
	case ".parquet":
		return Parquet, nil
	case ".avro":
		return Avro, nil
	}
	return CSV, nil
}

// newCutter makes a cutter over a stream at its start.
func newCutter(in *stream, e Entry, o Options) *cutter {
	k := &cutter{url: e.URL, stream: in, limits: usual(), resume: o.Resume, sum: xxh3.New()}
	k.at.line = 1
	if bytes.HasPrefix(in.bytes(), bom) {
		k.lead = lead{size: len(bom), ends: len(bom)}
	}
	return k
}

// openJSON reads JSON. The beginning of the file, as much of it as a chunk may hold,
// tells how its records are separated.
func openJSON(in *stream, e Entry, o Options) (Reader, error) {
	k := newCutter(in, e, o)
	k.layout.Format = batch.JSON
	head := in.head()
	k.split = jsonSplitter(head[k.lead.size:])
	if x := o.Resume; int64(k.lead.size) < x && x < int64(len(head)) && isArray(jsonSplitter(head[k.lead.size:x])) != isArray(k.split) {
		return nil, &Error{
			URL: e.URL, At: x, Unit: "byte", Err: errors.New("what was appended here changes how the beginning of the file reads"),
			Hint: "put the file back as it was, and bring what is new in a file of its own",
		}
	}
	return k, nil
}

// isArray reports that a file is read as one array. Between the other two ways, the
// records of a file do not depend on what is appended to it.
func isArray(s splitter) bool { return s == values{array: true} }

// jsonSplitter chooses by how a file begins. One record a line is the safest reading,
// since there a broken record costs one line whatever it holds; so it is taken unless
// the first line holds the beginning of a value and no more, and the next ones could go
// on with it.
func jsonSplitter(head []byte) splitter {
	cut := len(head)+len(bom) >= window
	head = bytes.TrimLeft(head, blanks)
	if len(head) == 0 || head[0] != '{' && head[0] != '[' {
		return lines{}
	}
	first, rest, ended := bytes.Cut(head, []byte{'\n'})
	if !ended && cut && !beginsArray(head) {
		return lines{} // no one writes lines of such a length for people to read
	}
	var x nest
	_, whole := x.follow(first)
	rest = bytes.TrimLeft(rest, blanks)
	empty := head[0] == '[' && whole && len(bytes.Trim(first, blanks+"[]")) == 0
	switch {
	case head[0] == '[' && (!whole || bytes.IndexByte(first, '{') >= 0):
		return values{array: true}
	case empty && len(rest) == 0:
		return values{array: true}
	case whole:
		return lines{} // be it an array: then it is a record of which there are others
	}
	x.newLine = true
	if len(rest) > 0 && rest[0] == '{' && (x.misplaced() || areLines(rest)) {
		return lines{} // the first line is broken, and the second one is a record
	}
	return values{}
}

// beginsArray reports that the first that b holds is an array of objects. Of one without
// line ends, as programs write them, that is all that can be seen of a large file.
func beginsArray(b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte{'['})
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, blanks), []byte{'{'})
}

// areLines reports that b begins with an object in a line of its own, after which the
// line of another begins, or nothing comes.
func areLines(b []byte) bool {
	first, rest, _ := bytes.Cut(b, []byte{'\n'})
	var x nest
	n, whole := x.follow(first)
	rest = bytes.TrimLeft(rest, blanks)
	return whole && len(bytes.TrimRight(first[n:], blanks)) == 0 && (len(rest) == 0 || rest[0] == '{')
}

// blanks are the white space of JSON.
const blanks = " \t\r\n"
