package rawfile

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"testing"
)

// FuzzParquetFile reads a file of any pages and any footer, whose length is right: whether
// that is seen when it is not is tested beside. The seeds lie in testdata/fuzz, and are small,
// for what the engine finds it makes smaller first, in time that goes by the square.
func FuzzParquetFile(f *testing.F) {
	f.Fuzz(func(t *testing.T, pages, footer []byte) {
		data := slices.Concat([]byte("PAR1"), pages, footer, binary.LittleEndian.AppendUint32(nil, uint32(len(footer))), []byte("PAR1"))
		r, err := openParquet(t.Context(), bytes.NewReader(data), int64(len(data)), Entry{URL: "x"}, Options{Resume: fuzzRows, Text: true})
		readAll(t, r, err)
		sameRows(t, func(text bool) (Reader, error) {
			return openParquet(t.Context(), bytes.NewReader(data), int64(len(data)), Entry{URL: "x"}, Options{Resume: fuzzRows, Text: text})
		})
	})
}

func FuzzParquetFooter(f *testing.F) {
	b, err := os.ReadFile("testdata/parquet/sample.parquet")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[len(b)-400 : len(b)-8])
	f.Fuzz(func(_ *testing.T, data []byte) {
		if m, err := parseFooter(data); err == nil {
			_, _, _ = compileParquet(m.elements, nil, nil)
		}
	})
}

// FuzzParquetValues decodes a page of any type in any encoding.
func FuzzParquetValues(f *testing.F) {
	f.Add(int32(physicalInt64), int32(encodingDelta), []byte("\x80\x01\x04\x03\x02\x02\x00\x00\x00\x00"))
	f.Add(int32(physicalBytes), int32(encodingDeltaBytes), []byte("\x80\x01\x04\x01\x00\x80\x01\x04\x01\x02a"))
	f.Add(int32(physicalInt32), int32(encodingDictionary), []byte("\x02\x03\xe4"))
	f.Add(int32(physicalFixed), int32(encodingSplit), []byte("abcdef"))
	f.Fuzz(func(t *testing.T, physical, encoding int32, data []byte) {
		if physical < 0 || physical > physicalFixed {
			return
		}
		n := &parquetNode{physical: physical, width: []int{0, 4, 8, 12, 4, 8, 0, 3}[physical]}
		values, err := valuesOf(n, encoding, data, &dictionary{bits: []uint64{1, 2, 3}})
		var v parquetValue
		size := 0
		for range 10_000 {
			if err != nil {
				break
			}
			v.bytes = nil
			err = values.next(&v)
			if size += len(v.bytes); err == nil && n.width > 8 && len(v.bytes) != n.width && encoding != encodingDictionary && encoding != encodingPlainDictionary {
				t.Fatalf("a value of %d bytes, not %d", len(v.bytes), n.width)
			}
		}
		if encoding == encodingPlain && size > len(data) {
			t.Fatalf("%d bytes became %d", len(data), size)
		}
	})
}
