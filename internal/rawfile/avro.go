package rawfile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
)

// The limits of an Avro container.
const (
	maxAvroSchema = avroschema.MaxText
	maxAvroMeta   = 4 << 20  // bytes of all that stands before the first block
	maxAvroBlock  = 64 << 20 // bytes of a block, as it lies there and unpacked
)

// avroFile reads an object container file: a header with the schema of its rows, then
// blocks of rows, each with its size and closed by a marker. Nothing is allocated for
// what a block claims: its bytes are read in steps, and rows are written as JSON
// straight from them.
//
// No library reads the rows. Those that there are take a count for its word, and six
// bytes can ask for 16 GiB.
type avroFile struct {
	url   string
	in    *bufio.Reader
	at    int64 // of in's next byte in the file
	codec string
	sync  [16]byte

	schema *avroschema.Schema
	text   []byte // of the schema
	plan   *avroschema.Type
	packed bytes.Buffer
	unpack avroUnpacker
	datum  avroDatum
	left   int64 // rows of the block that were not given
	row    int64 // that was given last
}

// openAvro reads the header of an object container file.
func openAvro(_ context.Context, f io.Reader, e Entry, o Options) (Reader, error) {
	a := &avroFile{url: e.URL, in: bufio.NewReaderSize(f, 64<<10)}
	a.datum.limits, a.datum.spot.at = usual(), -1
	if err := a.header(o); err != nil {
		return nil, err
	}
	if o.Text {
		return newRows(a, o), nil
	}
	return newAvroRows(a, o), nil
}

// fail is an error at the byte that comes next.
func (a *avroFile) fail(format string, args ...any) error {
	return &Error{URL: a.url, At: a.at, Unit: "byte", Err: fmt.Errorf(format, args...)}
}

// cut is an error of reading: what is there does not go on.
func (a *avroFile) cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the file was cut off")
	}
	return a.fail("%w", err)
}

// long reads a number in zigzag.
func (a *avroFile) long() (int64, error) {
	var x uint64
	for shift := 0; ; shift += 7 {
		b, err := a.in.ReadByte()
		if err != nil {
			return 0, a.cut(err)
		}
		if shift == 63 && b > 1 {
			return 0, a.fail("no number of Avro has so many bytes")
		}
		a.at++
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return int64(x>>1) ^ -int64(x&1), nil
		}
	}
}

// header reads what stands before the first block.
func (a *avroFile) header(o Options) error {
	var magic [4]byte
	n, err := io.ReadFull(a.in, magic[:])
	if err != nil || string(magic[:]) != "Obj\x01" {
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return a.cut(err)
		}
		return a.fail("is no Avro container: it begins with % x, not with Obj 01", magic[:n])
	}
	a.at = 4
	meta, err := a.meta()
	if err != nil {
		return err
	}
	n, err = io.ReadFull(a.in, a.sync[:])
	if err != nil {
		a.at += int64(n)
		return a.cut(err)
	}
	a.at += 16
	if a.codec = string(meta["avro.codec"]); a.codec == "" {
		a.codec = "null"
	}
	if a.unpack, err = newAvroUnpacker(a.codec); err != nil {
		return a.fail("%w", err)
	}
	text, ok := meta["avro.schema"]
	if !ok {
		return a.fail("the header has no avro.schema")
	}
	s, err := avroschema.Parse(text)
	if err == nil {
		a.schema, a.text, a.plan = s, text, s.Root
		err = exactly(s.Root, o.Exact)
		if s.Within != "" { // whoever reads over its rows goes as deep as they do
			err = fmt.Errorf("has %q within itself: files with rows that nest without end are not read", s.Within)
		}
	}
	if err != nil {
		return a.schemaError(err)
	}
	return nil
}

// exactly reports a column in exact whose values are float or double.
func exactly(t *avroschema.Type, exact []string) error {
	for _, f := range t.Fields {
		if kind := f.Of.Inexact(); kind != "" && slices.Contains(exact, f.Name) {
			return &inexactError{f.Name, kind}
		}
	}
	return nil
}

func (a *avroFile) schemaError(err error) error {
	var inexact *inexactError
	if errors.As(err, &inexact) {
		return inexact.at(a.url)
	}
	return &Error{URL: a.url, Err: fmt.Errorf("the schema in its header: %w", err)}
}

// meta reads the pairs of the header.
func (a *avroFile) meta() (map[string][]byte, error) {
	meta := map[string][]byte{}
	for {
		count, err := a.long()
		switch {
		case err != nil:
			return nil, err
		case count == 0:
			return meta, nil
		case count < 0:
			if count = -count; count < 0 {
				return nil, a.fail("the header claims a count below zero")
			}
			if _, err := a.long(); err != nil { // the bytes of the pairs, for who skips them
				return nil, err
			}
		}
		for ; count > 0; count-- {
			key, err := a.bytes(maxAvroSchema)
			if err != nil {
				return nil, err
			}
			value, err := a.bytes(maxAvroSchema)
			if err != nil {
				return nil, err
			}
			meta[string(key)] = value
		}
	}
}

// bytes reads as many as are claimed, within a limit.
func (a *avroFile) bytes(limit int64) ([]byte, error) {
	n, err := a.long()
	switch {
	case err != nil:
		return nil, err
	case n < 0:
		return nil, a.fail("the header claims a text of %d bytes", n)
	case n > limit || a.at+n > maxAvroMeta:
		return nil, a.fail("the header claims a text of %d bytes, and may have %d, and %d in all", n, limit, maxAvroMeta)
	}
	var b bytes.Buffer
	got, err := io.CopyN(&b, a.in, n)
	a.at += got
	if err != nil {
		return nil, a.cut(err)
	}
	return b.Bytes(), nil
}

// block reads the next block that has rows, and unpacks it. io.EOF: there is none.
func (a *avroFile) block() error {
	if _, err := a.in.Peek(1); errors.Is(err, io.EOF) {
		return io.EOF
	}
	begin := a.at
	count, err := a.long()
	if err != nil {
		return err
	}
	size, err := a.long()
	if err != nil {
		return err
	}
	if count < 0 || size < 0 || size > maxAvroBlock {
		a.at = begin
		return a.fail("a block claims %d rows in %d bytes: it may have up to %d bytes", count, size, maxAvroBlock)
	}
	a.packed.Reset()
	start := a.at
	n, err := io.CopyN(&a.packed, a.in, size)
	a.at += n
	if err != nil {
		return a.cut(err)
	}
	var mark [16]byte
	got, err := io.ReadFull(a.in, mark[:])
	if err != nil {
		a.at += int64(got)
		return a.cut(err)
	}
	if mark != a.sync {
		return a.fail("a block does not end with the marker of the file")
	}
	data, err := a.unpack(a.packed.Bytes())
	if err != nil {
		a.at = start
		return a.fail("a block of %s: %w", a.codec, err)
	}
	a.at += 16
	if least := int64(a.plan.Least); least > 0 && count > int64(len(data))/least {
		a.at = begin
		return a.fail("a block claims %d rows, which need %d bytes each, in %d bytes", count, least, len(data))
	}
	a.left = count
	if cap(data)-len(data) < batch.Padding { // which may be read
		data = append(make([]byte, 0, len(data)+batch.Padding), data...)
	}
	a.datum.block(data)
	return nil
}

// more goes on to the next block if this one has no rows left. io.EOF: there is none.
func (a *avroFile) more(ctx context.Context) error {
	for a.left == 0 {
		if n := a.datum.rest(); n > 0 {
			return a.rowError(fmt.Errorf("%d bytes follow the last row of its block", n))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.block(); err != nil {
			return err
		}
	}
	return nil
}

// next implements rowSource.
func (a *avroFile) next(ctx context.Context, dst []byte) ([]byte, flaw, error) {
	if err := a.more(ctx); err != nil {
		return nil, flaw{}, err
	}
	a.left--
	a.row++
	text, f, err := a.datum.row(a.plan, dst)
	if err != nil {
		return nil, flaw{}, a.rowError(err)
	}
	return text, f, nil
}

func (a *avroFile) rowError(err error) error {
	return &Error{URL: a.url, At: a.row, Unit: "row", Err: err}
}

// inexactError says that a column holds numbers that are not exact, and must be.
type inexactError struct{ column, kind string }

func (e *inexactError) Error() string {
	return fmt.Sprintf("column %q is %s, and a decimal in the table", e.column, e.kind)
}

func (e *inexactError) at(url string) error {
	return &Error{URL: url, Err: e, Hint: "give the column `type: double` in the table, or `from_float: true` to take the decimal that names each shortest, or have the producer write a decimal"}
}
