package rawfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"tidemark/internal/avroschema"
	"tidemark/internal/batch"
)

// fuzzRows is how many rows are read of a file that a fuzzer made up. A few bytes may stand
// for a million of them, which are all alike.
const fuzzRows = 1000

// readAll reads what a fuzzer made up, and checks what holds whatever it is: rows are
// JSON, unless they have a defect; what cannot be read ends with an *Error. The file was
// opened to resume from fuzzRows, where it ends.
func readAll(t *testing.T, r Reader, err error) {
	t.Helper()
	var c batch.Chunk
	for rows := int64(0); err == nil && !c.Last && rows < fuzzRows; rows = c.To {
		if err = r.Next(t.Context(), &c); err != nil {
			break
		}
		if c.To != rows+int64(len(c.Lines)) {
			t.Fatalf("a chunk of %d rows goes from %d to %d", len(c.Lines), rows, c.To)
		}
		bad := map[int32]bool{}
		for _, d := range c.Defects {
			bad[d.Row] = true
		}
		for i, l := range c.Lines {
			if text := c.Data[l.At : l.At+l.Len]; !bad[int32(i)] && !json.Valid(text) {
				t.Fatalf("no JSON: %q", text)
			}
		}
	}
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("not an *Error: %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "could not be read: runtime error") {
		t.Fatalf("a panic: %v", err)
	}
}

func FuzzAvroDatum(f *testing.F) {
	f.Add(`{"type":"record","name":"r","fields":[{"name":"x","type":["null",{"type":"array","items":"long"}]}]}`, []byte("\x02\x02\x02\x00"), int64(1))
	f.Add(`{"type":"record","name":"r","fields":[{"name":"x","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}}]}`, []byte("\x02\x02"), int64(1))
	f.Add(`{"type":"record","name":"r","fields":[{"name":"x","type":{"type":"map","values":"null"}},{"name":"y","type":"double"}]}`, []byte("\x02\x02a\x00........"), int64(1))
	f.Fuzz(func(t *testing.T, schema string, data []byte, rows int64) {
		s, err := avroschema.Parse([]byte(schema))
		if err != nil {
			return
		}
		d := avroDatum{}
		d.limits = usual()
		d.block(data)
		var text []byte
		before, most := allocated(), uint64(64*(len(schema)+len(data))+1<<20)
		for ; rows > 0 && err == nil; rows-- {
			var fl flaw
			if text, fl, err = d.row(s.Root, text[:0]); err == nil && fl.reason == "" && !json.Valid(text) {
				t.Fatalf("no JSON: %q", text)
			}
			if took := allocated() - before; took > most {
				t.Fatalf("%d bytes are allocated for data of %d bytes, want %d at most", took, len(data), most)
			}
			before = allocated()
		}
	})
}

// allocated is how many bytes were allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func FuzzAvroFile(f *testing.F) {
	f.Add([]byte("Obj\x01\x02\x16avro.schema\x80\x01{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"x\",\"type\":\"long\"}]}\x000123456789abcdef\x02\x02\x020123456789abcdef"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := openAvro(t.Context(), io.Reader(bytes.NewReader(data)), Entry{URL: "x"}, Options{Resume: fuzzRows, Text: true})
		readAll(t, r, err)
		sameRows(t, func(text bool) (Reader, error) {
			return openAvro(t.Context(), io.Reader(bytes.NewReader(data)), Entry{URL: "x"}, Options{Resume: fuzzRows, Text: text})
		})
	})
}

// sameRows reads a file as text and as its rows lie there: both must give the same.
func sameRows(t *testing.T, open func(text bool) (Reader, error)) {
	t.Helper()
	want, why := rowsOf(t, true, open)
	got, err := rowsOf(t, false, open)
	// What is worth how much work differs where values have no bytes.
	if fmt.Sprint(err) != fmt.Sprint(why) && !errors.Is(why, errAvroWork) {
		t.Fatalf("as it lies there: %v, and as text: %v", err, why)
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("row %d as it lies there: %q, and as text: %q", i, got[i], want[i])
		}
	}
	if why == nil && len(got) != len(want) {
		t.Fatalf("as it lies there: %d rows, and as text: %d", len(got), len(want))
	}
}

// rowsOf are the rows of a file as text, up to fuzzRows or so.
func rowsOf(t *testing.T, text bool, open func(text bool) (Reader, error)) (rows []string, err error) {
	t.Helper()
	r, err := open(text)
	var c batch.Chunk
	for err == nil && !c.Last && c.To < fuzzRows {
		if err = r.Next(t.Context(), &c); err != nil {
			break
		}
		for _, l := range c.Lines {
			row := c.Data[l.At : l.At+l.Len]
			if texts := r.Layout().Texts; texts != nil {
				row, _, _ = texts.Text(nil, row, -1, 0)
			}
			rows = append(rows, string(row))
		}
	}
	return rows, err
}
