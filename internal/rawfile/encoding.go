package rawfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// The byte order marks of UTF-16.
var (
	bigMark    = []byte("\xfe\xff")
	littleMark = []byte("\xff\xfe")
)

// transcode gives a stream in UTF-8 of one in another encoding. Places and sums are
// then those of the UTF-8.
func transcode(in *stream, encoding string) (*stream, error) {
	if err := in.fill(3); err != nil {
		return nil, err
	}
	head := in.bytes()
	big, little := bytes.HasPrefix(head, bigMark), bytes.HasPrefix(head, littleMark)
	t := &transcoder{r: in.rest()}
	switch encoding {
	case "utf-8", "":
		if big || little {
			return nil, errors.New("begins with a byte order mark of UTF-16: set csv.encoding: utf-16")
		}
		return in, nil
	case "latin-1":
		t.step = bytesOf(charmap.ISO8859_1)
	case "windows-1252":
		t.step = bytesOf(charmap.Windows1252)
	case "utf-16":
		if !big && !little && len(head) > 0 {
			return nil, errors.New("has no byte order mark: set csv.encoding: utf-16le or utf-16be")
		}
		t.step = pairs(big)
	case "utf-16le", "utf-16be":
		if encoding == "utf-16le" && big || encoding == "utf-16be" && little {
			return nil, fmt.Errorf("begins with the byte order mark of the other order than %s: set csv.encoding: utf-16", encoding)
		}
		t.step = pairs(encoding == "utf-16be")
	default:
		return nil, fmt.Errorf("encoding %q is not known: set csv.encoding: utf-8, latin-1, windows-1252, utf-16, utf-16le or utf-16be", encoding)
	}
	return &stream{r: t}, nil
}

// transcoder is a reader of UTF-8.
type transcoder struct {
	r    io.Reader
	step step
	in   []byte // read, not yet transcoded
	out  []byte // transcoded, not yet given
	buf  []byte // of out
	err  error
}

// step transcodes what it can of in, to the end of out, and returns how many bytes of
// in are left, fewer than four. At the end nothing may be left.
type step func(out, in []byte, end bool) ([]byte, int)

// Read implements io.Reader.
func (t *transcoder) Read(p []byte) (int, error) {
	for len(t.out) == 0 {
		if t.err != nil && len(t.in) == 0 {
			return 0, t.err
		}
		if t.err == nil {
			was := len(t.in)
			t.in = append(t.in, make([]byte, 32<<10)...)
			var n int
			n, t.err = t.r.Read(t.in[was:])
			t.in = t.in[:was+n]
		}
		var left int
		t.buf, left = t.step(t.buf[:0], t.in, t.err != nil)
		t.out = t.buf
		t.in = append(t.in[:0], t.in[len(t.in)-left:]...)
	}
	n := copy(p, t.out)
	t.out = t.out[n:]
	return n, nil
}

// bytesOf transcodes an encoding with one byte for each character.
func bytesOf(m *charmap.Charmap) step {
	return func(out, in []byte, _ bool) ([]byte, int) {
		for _, b := range in {
			if b < utf8.RuneSelf {
				out = append(out, b)
			} else {
				out = utf8.AppendRune(out, m.DecodeByte(b))
			}
		}
		return out, 0
	}
}

// pairs transcodes UTF-16. A surrogate without its other half and a byte without its
// other half become bytes that no UTF-8 has, so that their record is rejected: nothing
// is repaired.
func pairs(big bool) step {
	unit := func(b []byte) rune {
		if big {
			return rune(b[0])<<8 | rune(b[1])
		}
		return rune(b[1])<<8 | rune(b[0])
	}
	return func(out, in []byte, end bool) ([]byte, int) {
		for len(in) >= 2 {
			r := unit(in)
			if !utf16.IsSurrogate(r) {
				out, in = utf8.AppendRune(out, r), in[2:]
				continue
			}
			if len(in) < 4 && !end {
				return out, len(in)
			}
			if len(in) >= 4 {
				if pair := utf16.DecodeRune(r, unit(in[2:])); pair != utf8.RuneError {
					out, in = utf8.AppendRune(out, pair), in[4:]
					continue
				}
			}
			out = append(out, 0xed, byte(0x80|r>>6&0x3f), byte(0x80|r&0x3f))
			in = in[2:]
		}
		if len(in) == 1 && end {
			return append(out, 0xff), 0
		}
		return out, len(in)
	}
}
